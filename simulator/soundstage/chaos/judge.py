"""Judges what is left of a run: what is true in its universes, what the app told, and how it behaved."""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from soundstage.core.timeline import TERMINAL
from soundstage.testing import Soundstage, SoundstageError
from soundstage.testing.records import believed
from soundstage.testing.timeline import timeline

# Seconds of the machine's time until the last callback must have been tried.
_REST_SECONDS: Final = 20.0
_MOST_BYTES: Final = 16 * 1024 * 1024
UNREADABLE: Final = "beliefs-unreadable"
Findings = tuple[Mapping[str, Any], ...]
Beliefs = list[dict[str, Any]]


class Judgement(NamedTuple):
    """What was found: findings count, warnings and notes are told; `acted` says whether a fault ever did."""

    findings: Findings
    warnings: Findings
    notes: tuple[str, ...]
    acted: bool
    timeline: tuple[str, ...]

    @property
    def caught_by(self) -> tuple[str, ...]:
        """The names of what was found, each once, in alphabetical order."""
        return tuple(sorted({one["name"] for one in self.findings}))


async def judge(stages: Sequence[Soundstage], beliefs: Path, ignore: frozenset[str]) -> Judgement:
    """Let everything happen that is still to happen, and judge it; the first universe answers for all beliefs left."""
    return await asyncio.to_thread(_judge, stages, beliefs, ignore)


def _judge(stages: Sequence[Soundstage], path: Path, ignore: frozenset[str]) -> Judgement:
    findings: list[Mapping[str, Any]] = []
    told = None
    try:
        told = _told(path)
    except ValueError as error:
        findings.append(_finding(UNREADABLE, f"what the app believes cannot be read: {error}"))
    warnings: list[Mapping[str, Any]] = []
    notes: list[str] = []
    story: list[str] = []
    acted = False
    for stage, beliefs in _shared(stages, told):
        acted = acted or any(rule["applied"] for rule in stage.faults.list())
        notes += _rest(stage)
        found = [*_verdict(stage, beliefs)]
        for one in stage.lint():
            (found if one["level"] == "error" else warnings).append(_finding(one["rule"], one["message"]))
        findings += found
        notes += _left_open(stage, beliefs or [])
        story += timeline(stage) if found or stage is stages[0] else []
    return Judgement(_once(findings, ignore), _once(warnings, ignore), tuple(notes), acted, tuple(story))


def _told(path: Path) -> Beliefs | None:
    """Return what the app wrote down; raises ValueError for a file that is not what it should be."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        raw = file.read(_MOST_BYTES + 1)
    if len(raw) > _MOST_BYTES:
        raise ValueError(f"the file is larger than {_MOST_BYTES // 1024 // 1024} MiB")
    try:
        return believed(json.loads(raw))
    except (TypeError, KeyError, AttributeError):
        raise ValueError('it must be a list such as [{"task_id": "...", "outcome": "succeeded"}]') from None


def _shared(stages: Sequence[Soundstage], told: Beliefs | None) -> Iterator[tuple[Soundstage, Beliefs | None]]:
    """Yield each universe with the beliefs about its tasks, as they are to be judged later."""
    left = told
    for stage in reversed(stages):
        if left is None:
            yield stage, None
            continue
        states = {one["id"]: one["state"] for one in stage.tasks.list()}
        mine = [one for one in left if one.get("task_id") in states or stage is stages[0]]
        left = [one for one in left if one not in mine]
        yield stage, [_as_of(one, states) for one in mine]


def _as_of(belief: Mapping[str, Any], states: Mapping[str, str]) -> dict[str, Any]:
    """Return a belief as it holds when all is at rest: who rightly said "pending" knows nothing of what came after."""
    state = states.get(str(belief.get("task_id")))
    if belief.get("outcome") == "pending" and state is not None and state not in TERMINAL:
        return {"task_id": belief["task_id"], "outcome": "unknown"}
    return dict(belief)


def _rest(stage: Soundstage) -> list[str]:
    try:
        # A receiver may be gone by now, and that is no fault of the app's.
        stage.clock.idle(timeout=_REST_SECONDS)
    except SoundstageError as error:
        return [f"the universe did not come to rest: {error}"]
    return []


def _verdict(stage: Soundstage, beliefs: Beliefs | None) -> Iterator[Mapping[str, Any]]:
    try:
        found = stage.verdict(believes=beliefs)
    except SoundstageError as error:
        yield _finding(UNREADABLE, f"what the app believes cannot be read: {error}")
        found = stage.verdict()
    yield from (_finding(one["kind"], one["message"]) for one in found["findings"])


def _left_open(stage: Soundstage, beliefs: Beliefs) -> Iterator[str]:
    """Yield what the app left to a person: no mistake, but somebody's credits."""
    unknown = {one.get("task_id") for one in beliefs if one.get("outcome") == "unknown"}
    for one in stage.tasks.list() if unknown else ():
        if one["id"] in unknown:
            yield f"left to a person: task {one['id']} is {one['state']} and costs {one['cost']} credits"


def _finding(name: str, message: str) -> Mapping[str, Any]:
    return {"name": name, "message": message}


def _once(found: Iterable[Mapping[str, Any]], ignore: frozenset[str]) -> Findings:
    return tuple({(one["name"], one["message"]): one for one in found if one["name"] not in ignore}.values())
