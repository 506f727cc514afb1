"""Judges a task's life as polls show it: which words, which moves, and what an end must bring with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from soundstage_contracts.verdict import expect

if TYPE_CHECKING:
    from soundstage_contracts.drivers.base import TaskView


@dataclass(frozen=True, slots=True)
class Life:
    """The documented words of a task's life and the single steps between them; a poll may miss a step."""

    initial: str
    success: str
    failure: str
    moves: frozenset[tuple[str, str]]
    cancelled: str | None = None
    extra: frozenset[str] = frozenset()
    """Further words another implementation of the same contract may use, that have no documented place."""

    @property
    def states(self) -> frozenset[str]:
        """Every word a status may be."""
        return frozenset({self.initial, *self.extra}.union(*self.moves))

    @property
    def terminal(self) -> frozenset[str]:
        """The words after which nothing changes any more."""
        return frozenset(word for word in (self.success, self.failure, self.cancelled) if word is not None)

    @property
    def running(self) -> str:
        """The word between the first and the ends."""
        (word,) = self.states - self.terminal - self.extra - {self.initial}
        return word

    @property
    def words(self) -> tuple[str, ...]:
        """The words a task can be brought into, in the order of its life."""
        ends = (self.success, self.failure, self.cancelled)
        return (self.initial, self.running, *(word for word in ends if word is not None))

    def may_follow(self, before: str, after: str) -> bool:
        """Return whether a later poll may say `after` where an earlier one said `before`."""
        if before == after:
            return True
        if before in self.terminal:
            return False
        if before in self.extra or after in self.extra:
            return after != self.initial
        reached, edge = {before}, {before}
        while edge:
            edge = {to for come, to in self.moves if come in edge} - reached
            reached |= edge
        return after in reached


def contradictions(life: Life, before: TaskView, after: TaskView) -> Iterator[str]:
    """Yield what in a later poll cannot be true after an earlier one, as sentences."""
    if after.state not in life.states:
        yield f"the status {after.state!r} is no documented word"
    elif not life.may_follow(before.state, after.state):
        yield f"the status went from {before.state!r} to {after.state!r}, which is no legal move"
    if before.state in life.terminal and before.state == after.state and _end(before) != _end(after):
        yield "its result, reason or times changed after its end"
    if before.progress is not None and after.progress is not None and after.progress < before.progress:
        yield f"progress fell from {before.progress:g} to {after.progress:g}"
    for name, value in before.times.items():
        if after.times.get(name, value) < value:
            yield f"{name} went back from {value:.3f} to {after.times[name]:.3f}"


def _end(task: TaskView) -> tuple[object, ...]:
    return task.results, task.reason, dict(task.times)


def check_words(life: Life, seen: Iterable[TaskView]) -> None:
    """Raise Broken unless every status is a documented word."""
    for view in seen:
        expect(view.state in life.states, f"{view.state!r} is no documented status; {sorted(life.states)} are")


def check_order(life: Life, seen: Iterable[TaskView]) -> None:
    """Raise Broken where a poll says what cannot come after what the poll before said."""
    for before, after in pairwise(seen):
        legal = life.may_follow(before.state, after.state)
        expect(legal, f"the status went from {before.state!r} to {after.state!r}, which is no legal move")


def check_progress(life: Life, seen: Iterable[TaskView]) -> None:
    """Raise Broken unless progress is in 0..100, never falls, and is 100 at success."""
    last = 0.0
    for view in seen:
        expect(view.progress is not None, f"a task that is {view.state!r} shows no progress")
        now = view.progress or 0.0
        expect(0 <= now <= 100, f"progress is {now:g}, and percents are 0 to 100")
        expect(now >= last, f"progress fell from {last:g} to {now:g}")
        expect(view.state != life.success or now == 100, f"the task succeeded, and its progress is {now:g}, not 100")
        last = now


def check_times(seen: Iterable[TaskView]) -> None:
    """Raise Broken where a time that was set changes or is lost, or where one that is set later lies before it."""
    known: dict[str, float] = {}
    for view in seen:
        for name, value in known.items():
            expect(view.times.get(name) == value, f"{name} was {value:.3f} and became {view.times.get(name)}")
        latest = max(known.values(), default=0.0)
        for name in view.times.keys() - known.keys():
            # Whole seconds beside milliseconds may differ by the part that was cut off.
            fits = view.times[name] >= latest - 1
            expect(fits, f"{name} {view.times[name]:.3f} lies before an earlier time {latest:.3f}")
        known = dict(view.times)


def check_ended(life: Life, view: TaskView) -> None:
    """Raise Broken unless a task has just what belongs to its state: a result at success, a reason at failure."""
    if view.state == life.success:
        expect(bool(view.results), "the task succeeded and shows no result")
        expect(len(set(view.results)) == len(view.results), f"the task shows a result twice: {view.results}")
    else:
        expect(not view.results, f"the task is {view.state!r} and shows results: {view.results}")
    if view.state == life.failure:
        expect(bool((view.reason or "").strip()), "the task failed and does not say why")
    else:
        expect(view.reason is None, f"the task is {view.state!r} and gives a reason for a failure: {view.reason!r}")
