"""Watches every exchange of every layer: replies as documented, and no task that breaks its own history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock

from soundstage_contracts.documents.contract import Contract
from soundstage_contracts.drivers.base import Driver, TaskView
from soundstage_contracts.exchange import Exchange
from soundstage_contracts.oracles.lifecycle import contradictions
from soundstage_contracts.verdict import Result, Verdict

LAYER = "every layer"
MOST_TOLD = 5


@dataclass
class _Seen:
    """What is known of one operation: whether it ever answered well, and what was wrong with which exchange."""

    answered: bool = False
    wrong: dict[str, Exchange] = field(default_factory=dict)


@dataclass
class Watcher:
    """Looks at a provider's exchanges as they come, from any layer or from a tape; may be fed from several threads."""

    driver: Driver
    contract: Contract
    _operations: dict[str, _Seen] = field(default_factory=dict)
    _unknown: _Seen = field(default_factory=_Seen)
    _tasks: dict[tuple[str, str], TaskView] = field(default_factory=dict)
    _histories: _Seen = field(default_factory=_Seen)
    _lock: Lock = field(default_factory=Lock)

    def see(self, exchange: Exchange) -> None:
        """Judge one exchange; only calls to the target count."""
        if exchange.kind != "call" or exchange.reply is None:
            return
        with self._lock:
            self._shape(exchange)
            self._history(exchange)

    def results(self) -> Iterator[Result]:
        """Yield what came of the watched promises: one for each operation, one for unknown paths, one for histories."""
        prefix = self.driver.prefix
        title = "Every reply is one the documents describe"
        for operation in self.contract.operations:
            seen = self._operations.get(operation.name, _Seen())
            name = f"{prefix}-SHAPE-001[{operation.name}]"
            yield _result(name, title, self.contract.sources(operation), seen, f"{operation.name} never answered 2xx")
        if self.contract.assumptions:
            title = "A path no document knows answers 404 in the provider's own shape"
            yield _result(f"{prefix}-SHAPE-002", title, (), self._unknown, "no unknown path was asked for")
        title = "No poll contradicts an earlier one: status, progress and times never go back, an end is final"
        if self.contract.assumptions:
            yield _result(f"{prefix}-SHAPE-003", title, (), self._histories, "no task was polled twice")
        else:
            says = "no document orders the states; --assumptions tries it"
            yield Result(f"{prefix}-SHAPE-003", title, Verdict.NOT_TESTED, says, (), LAYER)

    def _shape(self, exchange: Exchange) -> None:
        assert exchange.reply is not None  # noqa: S101 - see() looked
        operation = self.contract.operation(exchange.request.method, exchange.request.path)
        seen = self._unknown if operation is None else self._operations.setdefault(operation.name, _Seen())
        problems = list(self.contract.problems(exchange.request, exchange.reply))
        seen.answered = seen.answered or operation is None or 200 <= exchange.reply.status < 300
        for problem in problems:
            seen.wrong.setdefault(problem, exchange)

    def _history(self, exchange: Exchange) -> None:
        assert exchange.reply is not None  # noqa: S101 - see() looked
        task = self.driver.task_seen(exchange.request, exchange.reply)
        if task is None:
            return
        # Two accounts may live in two worlds that number their tasks alike; a check opens each world anew.
        key = (f"{exchange.check} {exchange.account}", task.id)
        before = self._tasks.get(key)
        self._tasks[key] = task
        if before is not None:
            self._histories.answered = True
            for problem in contradictions(self.driver.life, before, task):
                self._histories.wrong.setdefault(f"task {task.id}: {problem}", exchange)


def _result(name: str, title: str, sources: Sequence[str], seen: _Seen, never: str) -> Result:
    if seen.wrong:
        told = list(seen.wrong)[:MOST_TOLD]
        more = len(seen.wrong) - len(told)
        says = "; ".join(told) + (f"; and {more} more" if more else "")
        evidence = tuple(dict.fromkeys(seen.wrong[problem] for problem in told))
        return Result(name, title, Verdict.FAIL, says, tuple(sources), LAYER, evidence=evidence)
    verdict = Verdict.PASS if seen.answered else Verdict.NOT_REACHED
    return Result(name, title, verdict, "" if seen.answered else never, tuple(sources), LAYER)
