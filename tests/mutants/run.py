"""Hunt every mutant of every provider and write the kill table: `make mutants`.

Wire mutants must be caught by 95 in 100 (those listed as equivalent do not count), domain and data mutants by all.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from mutants.data import copied, data_mutants, running  # noqa: E402
from mutants.domain import EVERYONE, domain_mutants  # noqa: E402
from mutants.hunt import Ground, caught_by_shape, caught_in_data, caught_in_domain, caught_on_wire, ground  # noqa: E402
from mutants.wire import WireMutant  # noqa: E402
from soundstage.resources import read_yaml  # noqa: E402

TABLE = Path(__file__).with_name("kills.json")
EQUIVALENTS = Path(__file__).with_name("equivalents.yaml")
ENOUGH = 0.95
MOST_NAMED = 3
"""So many promises are named in the table for a domain mutant, the first that catch it."""


def equivalent(provider: str, mutant: WireMutant) -> str | None:
    """Return why a wire mutant breaks no promise, where somebody has looked at it; None otherwise."""
    for row in read_yaml(EQUIVALENTS)["wire"]:
        if row["provider"] in {provider, "any"} and re.search(row["mutant"], mutant.name):
            return str(row["reason"])
    return None


def wire_table(field: Ground) -> dict[str, Any]:
    """Return by operation how many wire mutants there are, how many were caught, and the names of the others."""
    rows: dict[str, dict[str, Any]] = defaultdict(lambda: {"mutants": 0, "caught": 0, "equivalent": 0, "survivors": []})
    for mutant in field.wire_mutants():
        row = rows[mutant.operation]
        row["mutants"] += 1
        if caught_by_shape(field, mutant) or caught_on_wire(field, mutant):
            row["caught"] += 1
        elif equivalent(field.provider, mutant):
            row["equivalent"] += 1
        else:
            row["survivors"].append(mutant.name)
    return dict(sorted(rows.items()))


def domain_table(field: Ground) -> dict[str, list[str]]:
    """Return by domain mutant the first promises that catch it."""
    found = {}
    for mutant in domain_mutants(field.provider):
        caught: dict[str, None] = {}
        for name in caught_in_domain(field, mutant):
            caught[name.partition("[")[0]] = None
            if len(caught) == MOST_NAMED:
                break
        found[mutant.name] = list(caught)
    return found


def data_table(field: Ground) -> dict[str, list[str]]:
    """Return by data mutant the first promise that catches it."""
    found = {}
    with tempfile.TemporaryDirectory() as scratch, copied(Path(scratch)):
        for mutant in data_mutants(field.provider):
            with running(Path(scratch), mutant) as url:
                found[mutant.name] = list(islice(caught_in_data(field, url, _likely(field)), 1))
    return found


def _likely(field: Ground) -> list[str]:
    names = [trial.result.id.partition("-")[2] for trial in field.trials]
    return [name for name in names if name.startswith(("PRICE", "LIFE", "MODEL"))]


KINDS = {"wire": wire_table, "domain": domain_table, "data": data_table}


def hunted(provider: str, kinds: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Return a provider's part of the kill table."""
    found: dict[str, Any] = {}
    with ground(provider) as field:
        for kind in kinds:
            began = monotonic()
            found[kind] = KINDS[kind](field)
            print(f"{provider}: {kind} mutants hunted in {monotonic() - began:.0f} s", flush=True)
    return provider, found


def main() -> int:
    """Hunt, write the table, and return 1 when too many got away."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--provider", action="append", choices=EVERYONE, help="only this one; may be given again")
    parser.add_argument("--kind", action="append", choices=KINDS, help="only these mutants; may be given again")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    kinds = given.kind or list(KINDS)
    table: dict[str, Any] = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    alarms = []
    with ProcessPoolExecutor(given.jobs) as pool:
        hunts = [pool.submit(hunted, provider, kinds) for provider in given.provider or EVERYONE]
        for hunt in as_completed(hunts):
            provider, found = hunt.result()
            table[provider] = table.get(provider, {}) | found
            TABLE.write_text(json.dumps(dict(sorted(table.items())), indent=1, ensure_ascii=False) + "\n")
            alarms.append(_told(provider, table[provider]))
    return int(any(alarms))


def _told(provider: str, found: dict[str, Any]) -> bool:
    """Print a provider's figures; return whether too much got away."""
    rows = found["wire"].values()
    total = sum(row["mutants"] - row["equivalent"] for row in rows)
    caught = sum(row["caught"] for row in rows)
    print(
        f"{provider}: wire {caught} of {total} ({caught / total:.1%}), {sum(row['equivalent'] for row in rows)} equal"
    )
    for row in rows:
        for name in row["survivors"]:
            print(f"  survived: {name}")
    alive = [f"{kind}: {name}" for kind in ("domain", "data") for name, by in found[kind].items() if not by]
    print(f"  {len(found['domain'])} domain and {len(found['data'])} data mutants, {len(alive)} survived")
    for name in alive:
        print(f"  survived: {name}")
    return bool(alive) or caught / total < ENOUGH


if __name__ == "__main__":
    sys.exit(main())
