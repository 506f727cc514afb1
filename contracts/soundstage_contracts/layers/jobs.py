"""What a run of the engine is told to do, as it goes over the pipe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PHASES = ("examples", "coverage", "fuzzing", "stateful")


@dataclass(frozen=True, slots=True)
class Job:
    """One run: `document` is pinned and without what must not be called, `scheme` the name of its bearer scheme.

    `seconds` of real time are enough for the run, `timeout` for one reply. `wrong_key` is one that the target must
    refuse. `given` are values by operation and field that every well-formed request uses, `files` real files by kind in
    base64.
    """

    provider: str
    document: dict[str, Any]
    base_url: str
    scheme: str
    key: str
    wrong_key: str
    seed: int
    max_examples: int
    seconds: float
    checks: list[str]
    assumptions: bool
    timeout: float = 30.0
    phases: tuple[str, ...] = PHASES
    given: dict[str, dict[str, str]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
