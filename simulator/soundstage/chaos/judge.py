"""Judges a universe after the command has ended: what is true in it, what the app told, and how it behaved."""

import asyncio
import json
from collections.abc import Iterable, Mapping
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


async def judge(stage: Soundstage, beliefs: Path) -> Judgement:
    """Let everything that is still to happen in a universe happen, and judge it."""
    return await asyncio.to_thread(_judge, stage, beliefs)


def _judge(stage: Soundstage, beliefs: Path) -> Judgement:
    findings: list[Mapping[str, Any]] = []
    notes: list[str] = []
    told = None
    try:
        told = _told(beliefs)
    except ValueError as error:
        findings.append(_finding(UNREADABLE, f"what the app believes cannot be read: {error}"))
    open_then = set() if told is None else {one["id"] for one in stage.tasks.list() if one["state"] not in TERMINAL}
    try:
        # Its receiver is gone by now, and that is no fault of the app's.
        stage.clock.idle(timeout=_REST_SECONDS)
    except SoundstageError as error:
        notes.append(f"the universe did not come to rest: {error}")
    try:
        verdict = stage.verdict(believes=None if told is None else [_as_of(one, open_then) for one in told])
    except SoundstageError as error:
        findings.append(_finding(UNREADABLE, f"what the app believes cannot be read: {error}"))
        verdict = stage.verdict()
    findings += [_finding(one["kind"], one["message"]) for one in verdict["findings"]]
    lint = [(one["level"], _finding(one["rule"], one["message"])) for one in stage.lint()]
    findings += [one for level, one in lint if level == "error"]
    story = timeline(stage)
    return Judgement(
        findings=_once(findings),
        warnings=_once(one for level, one in lint if level != "error"),
        notes=tuple(notes),
        acted=any(rule["applied"] for rule in stage.faults.list()),
        timeline=tuple(story),
    )


def _told(beliefs: Path) -> list[dict[str, Any]] | None:
    """Return what the app wrote down; raises ValueError for a file that is not what it should be."""
    if not beliefs.exists():
        return None
    with beliefs.open("rb") as file:
        raw = file.read(_MOST_BYTES + 1)
    if len(raw) > _MOST_BYTES:
        raise ValueError(f"the file is larger than {_MOST_BYTES // 1024 // 1024} MiB")
    try:
        return believed(json.loads(raw))
    except (TypeError, KeyError, AttributeError):
        raise ValueError('it must be a list such as [{"task_id": "...", "outcome": "succeeded"}]') from None


def _as_of(belief: Mapping[str, Any], open_then: set[str]) -> dict[str, Any]:
    """Return a belief as it is to be judged now: who rightly said "pending" knows nothing of what came after."""
    if belief.get("outcome") == "pending" and belief.get("task_id") in open_then:
        return {"task_id": belief["task_id"], "outcome": "unknown"}
    return dict(belief)


def _finding(name: str, message: str) -> Mapping[str, Any]:
    return {"name": name, "message": message}


def _once(found: Iterable[Mapping[str, Any]]) -> Findings:
    return tuple({(one["name"], one["message"]): one for one in found}.values())
