"""The report as one HTML page for people: no other file, no network, readable without JavaScript and on a phone."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from soundstage_contracts.report.document import Document
from soundstage_contracts.verdict import Verdict

HERE = Path(__file__).parent
MOST_OPEN = 8
"""So many broken promises are open when the page is."""
MOST_EXCHANGES = 1
"""Of a promise that was kept, the page shows so many exchanges; the JSON report has more."""

SUBJECTS = {
    "LIFE": "Life of a task",
    "TABLE": "Every operation in every state",
    "MONEY": "Money",
    "PRICE": "Prices",
    "CALL": "Callbacks",
    "AUTH": "Keys and rights",
    "ERR": "Errors",
    "LIMIT": "Limits and queue",
    "FILE": "Files and results",
    "PAGE": "Pages",
    "USAGE": "Usage",
    "OPEN": "OpenAI compatibility",
    "FIELD": "Fields and values",
    "MODEL": "Models",
    "DOC": "Entry points",
    "SHAPE": "Shape of every reply",
    "GUARD": "What the guard saw",
    "FUZZ": "Generated requests",
}
VERDICTS = {
    Verdict.PASS: ("Kept", "\N{CHECK MARK}", "Seen, and it held."),
    Verdict.FAIL: ("Broken", "\N{MULTIPLICATION X}", "Something was seen that breaks the promise."),
    Verdict.NOT_REACHED: ("Not reached", "!", "The target never came into the state the promise is about."),
    Verdict.NOT_TESTED: ("Not tested", "\N{EN DASH}", "The suite was not allowed or not able to try."),
    Verdict.NOT_APPLICABLE: ("Not applicable", "\N{MIDDLE DOT}", "The provider promises nothing of the kind."),
}
_WORST = ("FAIL", "NOT_REACHED", "NOT_TESTED", "PASS", "NOT_APPLICABLE")
_BAD = ("FAIL", "NOT_REACHED")


def as_page(told: Document) -> str:
    """Return the document as a page."""
    environment = Environment(
        autoescape=True, loader=FileSystemLoader(HERE), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["pretty"] = pretty
    script = (HERE / "page.js").read_text(encoding="utf-8")
    return environment.get_template("page.html.j2").render(
        told=told,
        headline=headline(told),
        providers=[_provider(*pair) for pair in zip(told["providers"], told["runs"], strict=True)],
        totals={verdict: sum(one["counts"][verdict] for one in told["providers"]) for verdict in Verdict},
        verdicts={verdict.value: text for verdict, text in VERDICTS.items()},
        style=(HERE / "page.css").read_text(encoding="utf-8"),
        script=script,
        script_hash=base64.b64encode(sha256(script.encode()).digest()).decode(),
        most_exchanges=MOST_EXCHANGES,
    )


def headline(told: Document) -> str:
    """Return what the run says in one sentence."""
    broken = [one["title"] for one in told["providers"] if not one["kept"]]
    names = _and([one["title"] for one in told["providers"]])
    if broken:
        verb = "contract is" if len(broken) == 1 else "contracts are"
        return f"The {_and(broken)} {verb} broken."
    if told["interrupted"]:
        return f"Interrupted: nothing of {names} was broken so far."
    untried = any(one["counts"][Verdict.NOT_TESTED] for one in told["providers"])
    far = ", as far as it was tried" if untried else ""
    return f"The {names} {'contract is' if len(told['providers']) == 1 else 'contracts are'} kept{far}."


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _provider(provider: Document, run: Document) -> dict[str, Any]:
    """Return a provider's results by subject and promise; what is broken comes first everywhere."""
    order = list(SUBJECTS)
    ranked = sorted(provider["results"], key=lambda one: _rank(one["subject"], order))
    subjects = [
        {"name": SUBJECTS.get(name, name), "promises": _promises(list(found))}
        for name, found in groupby(ranked, key=lambda one: one["subject"])
    ]
    for subject in subjects:
        results = [case for promise in subject["promises"] for case in promise["cases"]]
        subject["counts"] = {verdict.value: sum(one["verdict"] == verdict for one in results) for verdict in Verdict}
    subjects.sort(key=lambda one: not _is_bad(one["counts"]))
    bad = [one["id"] for subject in subjects for one in subject["promises"] if one["verdict"] in _BAD]
    return {**provider, "run": run, "subjects": subjects, "open": set(bad[:MOST_OPEN]), "facts": _facts(provider, run)}


def _is_bad(counts: Mapping[str, int]) -> bool:
    return any(counts[verdict] for verdict in _BAD)


def _promises(results: list[Document]) -> list[Document]:
    """Return one entry for each promise, with its cases; its verdict is the worst of theirs."""
    promises = []
    for name, found in groupby(results, key=lambda one: one["id"].partition("[")[0]):
        cases = sorted(found, key=lambda one: _WORST.index(one["verdict"]))
        verdict = cases[0]["verdict"]
        for case in cases:
            case["name"] = case["id"].partition("[")[2].removesuffix("]")
        counts = {one.value: sum(case["verdict"] == one for case in cases) for one in Verdict}
        promises.append({**cases[0], "id": name, "verdict": verdict, "cases": cases, "counts": counts})
    return sorted(promises, key=lambda one: one["verdict"] not in _BAD)


def _rank(subject: str, order: list[str]) -> tuple[int, str]:
    return (order.index(subject) if subject in order else len(order)), subject


def _facts(provider: Document, run: Document) -> Mapping[str, str]:
    asked = provider["asked"]
    target = "a simulator of its own" if asked["own_simulator"] else run["base_url"]
    facts = {
        "Target": target,
        "Adapter": asked["adapter"],
        "Assumptions": "tried too" if asked["assumptions"] else "left out",
        "Layers": ", ".join(asked["layers"]),
        "Seed": str(asked["seed"]),
        "Requests": f"{provider['requests']:,}",
        "Took": f"{run['seconds']:.1f} s",
    }
    if asked["max_credits"] is not None:
        facts["Credits allowed"] = f"{asked['max_credits']}{' (it only read)' if asked['max_credits'] == '0' else ''}"
    if provider["spent"] is not None:
        facts["Credits spent, at most"] = provider["spent"]
    return facts


def pretty(text: str) -> str:
    """Return a JSON text with a line for each field; one that reading would change is left as it is."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    same = (json.dumps(value, ensure_ascii=False, separators=pair) for pair in ((",", ":"), (", ", ": ")))
    return json.dumps(value, ensure_ascii=False, indent=2) if text.strip() in same else text
