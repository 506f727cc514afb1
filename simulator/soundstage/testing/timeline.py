"""What happened in a universe, in order of its time, for somebody who reads why a test failed."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from soundstage.testing.calls import shown
from soundstage.testing.client import Soundstage
from soundstage.testing.shapes import OpenedUniverse

# What is shown of a long story: so many lines of its beginning, and so many of its end.
_BEGINNING, _END = 14, 34
_MOST_TASKS = 25
_WIDTH = 150


class _Moment(NamedTuple):
    """A line with its time; of one instant, what causes comes before what is caused."""

    at: str
    rank: int
    what: str
    line: str


def timeline(stage: Soundstage) -> list[str]:
    """Return calls, movements of money, tasks and callbacks as lines, the oldest first; at most 51 of them."""
    clock, opened = stage.clock.show(), stage.opened["clock"]["now"]
    rules = ", ".join(f"{rule['fault']} (acted {rule['applied']} times)" for rule in stage.faults.list())
    head = [f"universe {stage.id}: {clock['mode']} clock at {clock['now']}, opened at {opened}"]
    if rules:
        head.append(f"faults: {rules}"[:_WIDTH])
    moments = [*_calls(stage), *_money(stage), *_tasks(stage, clock["now"]), *_callbacks(stage)]
    moments.sort(key=lambda one: (one.at, one.rank))
    lines = [f"{_since(opened, one.at):>9} {one.what:<8} {one.line}"[:_WIDTH] for one in moments]
    if len(lines) > _BEGINNING + _END:
        gap = f"          ... {len(lines) - _BEGINNING - _END} more ..."
        lines = [*lines[:_BEGINNING], gap, *lines[-_END:]]
    return [*head, *(lines or ["nothing happened here: no call came in"])]


def _since(opened: str, at: str) -> str:
    return f"+{(datetime.fromisoformat(at) - datetime.fromisoformat(opened)).total_seconds():.3f}s"


def _calls(stage: Soundstage) -> Iterator[_Moment]:
    for one in stage.requests.list():
        headers = {name.lower(): value for name, value in one["response"]["headers"].items()}
        fault = headers.get("x-soundstage-fault-applied")
        # A look at what has happened comes after it, where both have the same time.
        rank = 4 if one["method"] == "GET" else 0
        yield _Moment(one["at"], rank, "call", (f"[{fault}] " if fault else "") + shown(one))


def _money(stage: Soundstage) -> Iterator[_Moment]:
    for one in stage.ledger.entries():
        if one["note"] != "starting balance":
            yield _Moment(one["at"], 1, "ledger", f"{one['kind']} {one['amount']} {one['task_id'] or one['note']}")


def _tasks(stage: Soundstage, now: str) -> Iterator[_Moment]:
    for brief in stage.tasks.list()[-_MOST_TASKS:]:
        task, before = stage.tasks.get(brief["id"]), None
        for point in task["timeline"]:
            if point["at"] <= now and point["state"] != before:
                before = point["state"]
                yield _Moment(point["at"], 2, "task", f"{task['id']} {before}")


def _callbacks(stage: Soundstage) -> Iterator[_Moment]:
    for one in stage.callbacks.list():
        name = f"{one['event']} of {one['task_id']}"
        if not one["attempts"]:
            yield _Moment(one["created_at"], 3, "callback", f"{name}: {one['state']}, not attempted")
        for number, attempt in enumerate(one["attempts"], 1):
            came = attempt["error"] or attempt["status"]
            yield _Moment(attempt["at"], 3, "callback", f"{name}, attempt {number}: {came} from {one['url']}")


def replay(opened: OpenedUniverse, scenario: str | None) -> str:
    """Return what restores a universe as it began; `scenario` is the name or file to load, None where there is none."""
    clock = opened["clock"]
    parts: Iterable[tuple[str, object]] = (
        ("seed", opened["seed"]),
        ("clock", clock["mode"]),
        ("speed", f"{clock['speed']:.15g}" if clock["mode"] == "scaled" else None),
        ("now", clock["now"]),
        ("scenario", scenario),
    )
    return ";".join(f"{name}={value}" for name, value in parts if value is not None)
