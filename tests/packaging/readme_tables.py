"""Write the generated tables of README.md, or tell that they are stale.

Run: `python tests/packaging/readme_tables.py [--write]`. Each table stands between `<!-- table: name -->` and
`<!-- end: name -->` and is made from what the server itself reads: declarations, routes, options, catalogues.
Exit code: 0 when README.md is up to date or was written, 1 when it is stale.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from soundstage.cli import main as command_line
from soundstage.edge.admin.context import Route
from soundstage.edge.admin.service import ROUTES
from soundstage.faults import Faults
from soundstage.faults.catalogue import entries
from soundstage.faults.magic import SUFFIXES, TOKENS
from soundstage.providers import Providers
from soundstage.resources import read_yaml, schema_root
from soundstage.scenarios import descriptions

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
RESULTS = ROOT / "tests" / "performance" / "RESULTS.md"
_BLOCK = re.compile(r"(<!-- table: (?P<name>[a-z0-9-]+) -->\n).*?(<!-- end: (?P=name) -->)", re.DOTALL)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a Markdown table; a bar inside a cell is escaped."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def providers() -> str:
    """Base URLs as `soundstage env` names them."""
    rows = [
        (provider.title, f"`/{provider.id}`", f"`{provider.base_url_variable}`") for provider in Providers().values()
    ]
    return table(("provider", "base URL ends in", "variable"), rows)


def operations() -> str:
    """Every documented endpoint that is served."""
    rows = [
        (
            provider.title,
            f"`{one.method} /{provider.id}{one.path}`",
            f"`{one.id}`",
            f"`{one.scope}`" if one.scope else "",
        )
        for provider in Providers().values()
        for one in provider.operations
    ]
    return table(("provider", "endpoint", "operation", "scope"), rows)


def flags() -> str:
    """The options of every command, with their variables."""
    rows = []
    nowhere = click.Context(command_line)
    for name in sorted(command_line.list_commands(nowhere), key=lambda name: name != "serve"):
        command = command_line.get_command(nowhere, name)
        for option in command.params if command is not None else ():
            if isinstance(option, click.Option):
                shown = ", ".join(f"`{text}`" for text in sorted(option.opts, key=len, reverse=True))
                variable = f"`{option.envvar}`" if option.envvar else ""
                rows.append((f"`{name}`", shown, variable, _default(option), option.help or ""))
    return table(("command", "flag", "variable", "default", "what it does"), rows)


def _default(option: click.Option) -> str:
    if option.is_flag:
        return "off"
    plain = isinstance(option.default, str | int | float)
    return f"`{option.default:g}`" if isinstance(option.default, float) else f"`{option.default}`" if plain else ""


def _words(route: Route) -> Iterable[str]:
    """Return what a call may hold, as it is written."""
    if route.body is None:
        return route.query
    return (field.alias or name for name, field in route.body.model_fields.items())


def admin() -> str:
    """Every endpoint under /__admin."""
    rows = [
        (
            f"`{route.method} {route.path}`",
            f"{route.summary}.",
            ", ".join(f"`{name}`" for name in _words(route)),
        )
        for route in ROUTES
    ]
    return table(("call", "what it does", "body fields or query"), rows)


def midsync_models() -> str:
    """MidSync's models and every price, as its catalogue has them."""
    data = read_yaml(schema_root() / "midsync" / "catalogue.yaml")
    rows = [
        (f"`{model_id}`", model["display_name"], _cell(by, points), points, "no" if assumed else "yes")
        for model_id, model in data["models"].items()
        for by, points, assumed in _prices(model["price"])
    ]
    return table(("model", "display name", "for", "points", "documented"), rows)


def revidapi_models() -> str:
    """RevidAPI's models with the ends of their price ranges; `GET /v1/models` has every row."""
    data = read_yaml(schema_root() / "revidapi" / "catalogue.yaml")
    rows = []
    for model_id, model in data["models"].items():
        prices = [row["credits"] for row in model["rows"]]
        known = sum(1 for row in model["rows"] if not row.get("assumed"))
        unit = " a second" if model.get("per_second") else ""
        span = f"{min(prices)} to {max(prices)}" if min(prices) < max(prices) else f"{prices[0]}"
        rows.append(
            (f"`{model_id}`", model["type"], ", ".join(model["servers"]), span + unit, f"{known} of {len(prices)}")
        )
    return table(("model", "type", "servers", "credits", "documented rows"), rows)


def v2gateway_models() -> str:
    """What the /v2 gateway charges, by scope and name."""
    data = read_yaml(schema_root() / "v2gateway" / "catalogue.yaml")
    rows = [
        (f"`{scope}`", f"`{rule['prefix']}...`" if "prefix" in rule else "any other", str(rule["credits"]))
        for scope, given in data["scopes"].items()
        for rule in (*given["rules"], given)
    ]
    return table(("scope", "model", "credits"), rows)


def apikeyorg_models() -> str:
    """API-Key's models and prices, as its catalogue has them."""
    data = read_yaml(schema_root() / "apikeyorg" / "catalogue.yaml")
    rows = [
        (f"`{model_id}`", model["category"], what, price)
        for model_id, model in data["models"].items()
        for what, price in _rates(model["price"])
    ]
    return table(("model", "category", "for", "credits"), rows)


def _rates(price: dict[str, Any]) -> Iterable[tuple[str, str]]:
    unit = price["kind"].replace("_", " ")
    if price["kind"] == "per_1000_tokens":
        written = f", {price['output']} written" if "output" in price else ""
        yield "1,000 tokens", f"{price['input']} read{written}"
    elif "rows" not in price:
        yield unit.removeprefix("per "), str(price["credits"])
    for row in price.get("rows", ()):
        yield f"{', '.join(row['when'].values())}, {unit}", str(row["credits"])


def _cell(by: dict[str, Any], points: str) -> str:
    return ", ".join(f"{name} {str(value).lower()}" for name, value in by.items()) or points


def _prices(price: dict[str, Any]) -> Iterable[tuple[dict[str, Any], str, bool]]:
    if price["kind"] == "matrix":
        for row in price["rows"]:
            yield row["when"], str(row["points"]), bool(row.get("assumed"))
        return
    for resolution, base in price["base"].items():
        formula = f"{base} + {price['per_second']} * (seconds - {price['from_seconds']})"
        yield {"resolution": resolution}, formula, False


def bench() -> str:
    """The last measured figures, when there are any; their notes stay where they were written."""
    if not RESULTS.is_file():
        return "Not measured on this checkout yet: `make bench` writes the table.\n"
    lines = [line for line in RESULTS.read_text("utf-8").strip().splitlines() if not line.startswith("- ")]
    return "\n".join(lines).strip() + "\n"


def faults() -> str:
    """Every fault, as its file describes it."""
    return table(("fault", "what goes wrong"), ((f"`{one['name']}`", one["says"]) for one in entries(Faults())))


def scenarios() -> str:
    """Every scenario that comes with the product."""
    return table(("scenario", "what it shows"), ((f"`{name}`", says) for name, says in descriptions().items()))


def magic() -> str:
    """Every word that a prompt or the end of a key may hold."""
    rows = [(f"`{one.shown}`", one.says, f"`{one.fault}`" if one.fault else "") for one in (*TOKENS, *SUFFIXES)]
    return table(("input", "what happens", "fault"), rows)


def kills() -> str:
    """How many mutants the contract suite catches, by provider."""
    known: dict[str, Any] = json.loads((ROOT / "tests" / "mutants" / "kills.json").read_text("utf-8"))
    rows = []
    for provider, found in known.items():
        wire = list(found["wire"].values())
        total, caught = sum(row["mutants"] - row["equivalent"] for row in wire), sum(row["caught"] for row in wire)
        named = [f"{sum(map(bool, found[kind].values()))} of {len(found[kind])}" for kind in ("domain", "data")]
        rows.append((Providers()[provider].title, f"{caught} of {total} ({caught / total:.1%})", *named))
    return table(("provider", "wire mutants caught", "broken rules caught", "changed lines caught"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "providers": providers,
    "operations": operations,
    "flags": flags,
    "admin": admin,
    "faults": faults,
    "magic": magic,
    "scenarios": scenarios,
    "midsync-models": midsync_models,
    "revidapi-models": revidapi_models,
    "v2gateway-models": v2gateway_models,
    "apikeyorg-models": apikeyorg_models,
    "bench": bench,
    "kills": kills,
}


def rendered(text: str) -> str:
    """Return README's text with every table made anew; raises KeyError for a table nobody knows."""
    return _BLOCK.sub(lambda found: f"{found[1]}\n{TABLES[found['name']]()}\n{found[3]}", text)


def named(text: str) -> list[str]:
    """Return the names of the tables in a text."""
    return [found["name"] for found in _BLOCK.finditer(text)]


def main() -> int:
    """Check or write README.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write README.md instead of checking it")
    write = parser.parse_args().write
    text = README.read_text("utf-8")
    fresh = rendered(text)
    if fresh == text:
        return 0
    if write:
        README.write_text(fresh, "utf-8")
        return 0
    print("README.md's tables are stale; run: make readme", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
