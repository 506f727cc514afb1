"""Write, for every promise, an exchange that keeps it and one that breaks it: `make examples`.

The first comes from the simulator as it is, the second from the first mutant that makes this very promise fail.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

import soundstage_contracts  # noqa: E402
from mutants.domain import EVERYONE, domain_mutants  # noqa: E402
from mutants.hunt import Ground, Trial, domain_target, ground, wire_target  # noqa: E402
from mutants.wire import WireMutant  # noqa: E402
from soundstage_contracts.exchange import Exchange  # noqa: E402
from soundstage_contracts.layers.matrix import try_promise  # noqa: E402
from soundstage_contracts.target import Target  # noqa: E402
from soundstage_contracts.verdict import Result, Verdict  # noqa: E402

FOLDER = Path(soundstage_contracts.__file__).parent / "examples"
MOST_TRIES = 1000
_TELLING = ("plus-one", "flip", "append", "empty-list", "duplicate", "status-plus-one")
"""The operators that make good examples, the most telling first: a wrong value says more than a wrong status."""
MOST_TEXT = 300


def examples(field: Ground) -> dict[str, Any]:
    """Return by promise number its example, with `broken` None where no mutant makes it fail."""
    by_operation: dict[str, list[WireMutant]] = {}
    for mutant in field.wire_mutants():
        by_operation.setdefault(mutant.operation, []).append(mutant)
    found: dict[str, Any] = {}
    for trial in sorted(field.trials, key=lambda trial: _place(field, trial)):
        number = trial.promise.number
        if found.get(number, {}).get("broken") or not spoken(trial.result):
            continue
        kept = {"case": trial.case, "kept": shown(spoken(trial.result)[-1]), "broken": None}
        found[number] = kept | next(_broken(field, trial, by_operation), {})
    return found


def _place(field: Ground, trial: Trial) -> tuple[str, int]:
    return trial.promise.number, trial.promise.cases(field.target.driver).index(trial.case)


def _broken(field: Ground, trial: Trial, by_operation: dict[str, list[WireMutant]]) -> Iterator[dict[str, Any]]:
    for name, target in islice(_wrong_targets(field, trial, by_operation), MOST_TRIES):
        result = try_promise(trial.promise, trial.case, target)
        calls = spoken(result)
        if result.verdict is Verdict.FAIL and calls:
            yield {"broken": shown(calls[-1]), "says": result.says[:MOST_TEXT], "mutant": name}


def _wrong_targets(
    field: Ground, trial: Trial, by_operation: dict[str, list[WireMutant]]
) -> Iterator[tuple[str, Target]]:
    # The last operation is the one most checks are about; one mutant of each field and status before the next one.
    order = list(dict.fromkeys(field.operation(one) for one in reversed(spoken(trial.result))))
    for name in order:
        known = [one for one in by_operation.get(name, ()) if one.operator in _TELLING]
        for mutant in sorted(known, key=lambda one: _TELLING.index(one.operator)):
            yield mutant.name, wire_target(field, mutant)
    for name in order:
        nameless = WireMutant(name, 200, "drop", header="x-request-id")
        yield nameless.name, wire_target(field, nameless)
    for broken in domain_mutants(field.provider):
        yield broken.name, domain_target(field, broken)


def spoken(result: Result) -> list[Exchange]:
    """Return the exchanges of a check with the target, those that were answered."""
    return [one for one in result.evidence if one.kind in {"call", "file", "callback"} and one.reply is not None]


def shown(exchange: Exchange) -> dict[str, Any]:
    """Return an exchange as an example: what was sent and what came, without keys and in short."""
    request, reply = replace(exchange.request), exchange.reply
    sent, got = (_text(body) for body in (request.body, b"" if reply is None else reply.body))
    path = request.path.partition("api_key=")[0]
    return {"request": f"{request.method} {path}", "sent": sent, "status": reply and reply.status, "got": got}


def _text(body: bytes) -> str:
    text = body[: MOST_TEXT + 1].decode("utf-8", "replace")
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…"


def write(provider: str) -> tuple[str, list[str]]:
    """Write a provider's file; return the numbers of promises that nothing broke."""
    with ground(provider) as field:
        found = examples(field)
    text = json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True)
    (FOLDER / f"{provider}.json").write_text(text + "\n", encoding="utf-8")
    return provider, [number for number, one in found.items() if one["broken"] is None]


def main() -> int:
    """Write all files, and name the promises that no mutant breaks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--provider", action="append", choices=EVERYONE, help="only this one; may be given again")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    with ProcessPoolExecutor(given.jobs) as pool:
        for done in as_completed([pool.submit(write, provider) for provider in given.provider or EVERYONE]):
            provider, whole = done.result()
            print(f"{provider}: no mutant breaks {', '.join(whole) or 'none of them: every promise has its example'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
