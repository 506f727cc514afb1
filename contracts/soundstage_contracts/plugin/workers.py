"""What several workers of pytest-xdist have watched, told as one: each has seen only its own part of the exchanges."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import pytest

_NAME = "soundstage_contracts"


class Told(NamedTuple):
    """A result as pytest tells it; `reached` is False where a failure is that nobody came there."""

    id: str
    outcome: Literal["passed", "skipped", "failed"]
    text: str
    reached: bool = True
    nodeid: str = ""

    @property
    def weight(self) -> int:
        """How much it counts beside the same result of another worker: broken, kept, not reached, not tested."""
        if self.outcome == "failed":
            return 3 if self.reached else 1
        return 2 if self.outcome == "passed" else 0


class Gathered:
    """What the workers have handed in."""

    def __init__(self) -> None:
        self._told: dict[str, Told] = {}

    def take(self, node: Any) -> None:
        """Take what a worker handed in; one that crashed has nothing."""
        for one in getattr(node, "workeroutput", {}).get(_NAME, ()):
            told = Told(*one)
            known = self._told.setdefault(told.id, told)
            if told.weight > known.weight:
                self._told[told.id] = told

    def together(self) -> list[Told]:
        """Return of each result what counts most."""
        return list(self._told.values())


def handed_in(config: pytest.Config, told: list[Told]) -> None:
    """Hand in, from a worker, what it has to tell."""
    config.workeroutput[_NAME] = [tuple(one) for one in told]  # type: ignore[attr-defined]


def gathered(config: pytest.Config, told: Told) -> None:
    """Tell a result as if its item had run here."""
    path = told.nodeid.partition("::")[0]
    where = (path, None, told.id)
    words: Any = (path, 0, f"Skipped: {told.text}") if told.outcome == "skipped" else told.text or None
    config.hook.pytest_runtest_logstart(nodeid=told.nodeid, location=where)
    for when in ("setup", "call", "teardown"):
        outcome, longrepr = (told.outcome, words) if when == "call" else ("passed", None)
        report = pytest.TestReport(told.nodeid, where, {}, outcome, longrepr, when)  # type: ignore[arg-type]
        config.hook.pytest_runtest_logreport(report=report)
    config.hook.pytest_runtest_logfinish(nodeid=told.nodeid, location=where)
