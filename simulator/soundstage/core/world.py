"""The world: runs what is due before anybody looks, each event at its own time.

`catch up` is part of every step: a step that finds an event due runs that event instead, alone and at the event's own
instant, and is then tried again. So a poll, a balance and a callback can never disagree.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeVar

from soundstage.core import ending, outbox
from soundstage.core.bending import Bender
from soundstage.core.clock import Clock, Wall, wall_now
from soundstage.core.faults import Library
from soundstage.core.provider import Provider
from soundstage.core.store import Step, Store
from soundstage.core.task import Task
from soundstage.core.universe import Opening, find_universe, open_universe, set_clock
from soundstage.core.view import Tx, View

Result = TypeVar("Result")
_AGAIN: Final = object()

# A world that needs more steps than this to come to rest is caught in a loop of its own making.
MOST_EVENTS_AT_ONCE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Due:
    """What a universe waits for next: the instants of its first event and its first callback attempt."""

    event: int | None
    attempt: int | None

    @property
    def first(self) -> int | None:
        """The earlier of the two, or None."""
        if self.event is None or self.attempt is None:
            return self.event if self.attempt is None else self.attempt
        return min(self.event, self.attempt)


def due_in(view: View) -> Due:
    """Return what is next in a view."""
    event, attempt = view.first("event"), view.first("attempt")
    return Due(event and event[0], attempt and attempt[0])


class World:
    """Every universe of one process: the store, the providers, and what new universes begin with."""

    def __init__(
        self,
        store: Store,
        providers: Mapping[str, Provider],
        opening: Opening,
        library: Library,
        wall: Wall = wall_now,
    ) -> None:
        self.store = store
        self.providers = providers
        self.opening = opening
        self.bender = Bender(library)
        self.wall = wall
        self.base_url = ""
        self.events_run = 0

    async def run(self, universe_id: str, step: Step[Result]) -> Result:
        """Run one step on a universe after everything that is due there."""

        def attempt(tx: Tx) -> Any:
            first = tx.first("event")
            if first is not None and first[0] <= tx.now:
                self._run_event(tx, first)
                return _AGAIN
            return step(tx)

        store = self.store
        for _ in range(MOST_EVENTS_AT_ONCE):
            # Every call passes here: where nothing can be waited for, nothing is set up to wait.
            instant = store.instant
            result = store.transact_now(universe_id, attempt) if instant else await store.transact(universe_id, attempt)
            if result is not _AGAIN:
                return result  # type: ignore[no-any-return]
            self.events_run += 1
        raise RuntimeError(f"universe {universe_id} did not come to rest in {MOST_EVENTS_AT_ONCE} events")

    def outside(self, step: Step[Result]) -> Result:
        """Run one step on a universe that holds nothing, and keep nothing of it."""
        return step(Tx("", View(), self.wall()))

    async def catch_up(self, universe_id: str, most: int) -> bool:
        """Run at most `most` due events and tell whether all that was due is done."""

        def attempt(tx: Tx) -> bool:
            first = tx.first("event")
            if first is None or first[0] > tx.now:
                return True
            self._run_event(tx, first)
            return False

        for _ in range(most):
            if await self.store.transact(universe_id, attempt):
                return True
            self.events_run += 1
        return False

    async def open(self, universe_id: str, *, seed: int | None = None, clock: Clock | None = None) -> None:
        """Make sure a universe exists."""
        opening = self.opening if clock is None else replace(self.opening, clock=clock)
        await self.run(universe_id, lambda tx: open_universe(tx, opening, seed=seed))

    async def forward(self, universe_id: str, instant: int) -> None:
        """Move a universe's clock forward to `instant` and run what falls due on the way, each at its own time."""

        def move(tx: Tx) -> None:
            universe = find_universe(tx)
            if universe is not None:
                clock: Clock = universe.clock
                set_clock(tx, clock.moved_to(instant, tx.wall))

        await self.run(universe_id, move)
        await self.run(universe_id, lambda tx: None)

    async def redirect(
        self, universe_id: str, task_id: str, verb: Literal["complete", "fail", "stall"], reason: str | None
    ) -> None:
        """End a task now, or never; raises KeyError for an unknown task, ValueError for one that has ended."""

        def change(tx: Tx) -> None:
            found: Task | None = tx.get("task", task_id)
            if found is None:
                raise KeyError(task_id)
            outcome: Mapping[str, Any] = {"complete": "succeeded", "fail": "failed", "stall": None}
            ending.redirect(tx, found, outcome[verb], reason)

        await self.run(universe_id, change)
        await self.run(universe_id, lambda tx: None)

    def _run_event(self, tx: Tx, key: tuple[int, int]) -> None:
        tx.now = key[0]
        found: Task | None = tx.get("task", tx.get("event", key))
        if found is None or found.due != key:
            tx.delete("event", key)
            return
        if (ends_at := found.ends_at) is not None and ends_at < tx.now:
            ending.refund_late(tx, found)
            return
        ended = ending.end(tx, found)
        if ended.callback_url is not None:
            self._call_back(tx, ended, ended.callback_url)

    def _call_back(self, tx: Tx, task: Task, url: str) -> None:
        deliveries = [
            outbox.schedule(tx, one, task_id=task.id, provider=task.provider, key_id=task.key_id, url=url, copy=copy)
            for copy, one in enumerate(self.bender.callbacks(tx, task, self.providers[task.provider], self.base_url))
        ]
        if deliveries:
            outbox.keep_further(tx, task.id, deliveries)
            tx.put("task", task.id, task._replace(delivery=deliveries[0].id))
