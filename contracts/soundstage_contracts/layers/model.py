"""Layer 3: tasks and wallets in any order, beside a small model of both that must agree after every step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from soundstage_contracts import clock
from soundstage_contracts.layers.stories import required, stories, tell
from soundstage_contracts.target import Target
from soundstage_contracts.verdict import READING_ERRORS, NotReached, Outcome, Result, Verdict

LAYER = "L3"
EXAMPLES = 40
AGREES, REACHED = "WORLD-001", "WORLD-002"
FAMILIES: Mapping[str, str] = {
    AGREES: "Whatever is done in whatever order: states, prices, refunds and balances agree with the model",
    REACHED: "The model was brought into this cell: operation, outcome, state of the task",
}
"""What the layer's results promise, by number."""
MOST_EVIDENCE = 120


def model(target: Target, *, seed: int, examples: int = EXAMPLES) -> Iterator[Result]:
    """Go every directed way once and `examples` random ones; yield what came of them and of each required cell.

    The same seed does the same things. When something goes wrong the evidence is the shortest way to it that was found.
    """
    prefix = target.driver.prefix
    whole = Result(f"{prefix}-{AGREES}", FAMILIES[AGREES], Verdict.PASS, layer=LAYER)
    missing = _missing(target)
    if missing:
        yield replace(whole, verdict=Verdict.NOT_TESTED, says=missing)
        return
    machine: Any = import_module("soundstage_contracts.layers.machine")
    run = machine.Run()
    began = clock.monotonic()
    try:
        short = list(_directed(target, run))
        machine.explore(target, run, seed, examples)
        if short:
            whole = replace(whole, verdict=Verdict.NOT_REACHED, says="; ".join(short))
    except Outcome as outcome:
        whole = replace(whole, verdict=outcome.verdict, says=str(outcome))
    except READING_ERRORS as error:
        says = f"a reply is not as documented: {type(error).__name__}: {error}"
        whole = replace(whole, verdict=Verdict.FAIL, says=says)
    evidence = ()
    if whole.verdict is not Verdict.PASS and run.world is not None:
        evidence = tuple(run.world.stage.evidence)[-MOST_EVIDENCE:]
    yield replace(whole, seconds=clock.monotonic() - began, evidence=evidence)
    yield from _cells(target, run.visited)


def _directed(target: Target, run: Any) -> Iterator[str]:
    """Go every directed way, and yield why one did not come to its end."""
    for story in stories(target.driver):
        try:
            tell(run.open(target), story)
        except NotReached as reason:
            yield f"{story}: {reason}"


def _missing(target: Target) -> str:
    if target.adapter is None:
        return "it needs an adapter that makes accounts, failures and time; real credits are not spent on it"
    if find_spec("hypothesis") is None:
        return "it needs Hypothesis: pip install 'soundstage[contracts]'"
    return ""


def _cells(target: Target, visited: set[str]) -> Iterator[Result]:
    for cell in required(target.driver):
        reached = cell in visited
        verdict = Verdict.PASS if reached else Verdict.NOT_REACHED
        says = "" if reached else f"nothing that was done came to {cell}"
        yield Result(f"{target.driver.prefix}-{REACHED}[{cell}]", FAMILIES[REACHED], verdict, says, layer=LAYER)
