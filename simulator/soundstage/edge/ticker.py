"""The ticker: wakes a universe when its next event or callback attempt falls due, with one timer for all of them."""

import asyncio
from collections.abc import Callable, Coroutine
from heapq import heappop, heappush
from typing import Any, NamedTuple

from soundstage.core.clock import Clock, Wall
from soundstage.core.view import View

# Each may bring a thousand callbacks.
EVENTS_AT_ONCE = 10


class _Armed(NamedTuple):
    """What a universe's timer is set for: the machine's time, and the due instant on which clock it stands for."""

    at: int
    due: int
    clock: Clock


class Ticker:
    """One timer over the due times of all universes; told of every commit by the store."""

    def __init__(self, wall: Wall, wake: Callable[[str], Coroutine[Any, Any, None]]) -> None:
        self._wall = wall
        self._wake = wake
        self._armed: dict[str, _Armed] = {}
        self._heap: list[tuple[int, str]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0
        self._waking: set[asyncio.Task[None]] = set()
        self._stopped = False

    def committed(self, universe_id: str, view: View) -> None:
        """Arm the timer for what is next in this universe, if that is earlier than what it is armed for."""
        event, attempt = view.first("event"), view.first("attempt")
        if event is None:
            if attempt is None:
                return
            due = attempt[0]
        else:
            due = event[0] if attempt is None or event[0] <= attempt[0] else attempt[0]
        clock = view.get("meta", "universe").clock
        armed = self._armed.get(universe_id)
        if armed is not None and armed.due <= due and armed.clock is clock:
            return
        wall = self._wall()
        at = clock.wall_of(due, wall)
        if at is None or (armed is not None and armed.at <= at):
            return
        self._armed[universe_id] = _Armed(at, due, clock)
        heappush(self._heap, (at, universe_id))
        self._set_timer(wall)

    def _set_timer(self, wall: int) -> None:
        if self._stopped or not self._heap:
            return
        at = self._heap[0][0]
        if self._timer is not None:
            if self._timer_at <= at:
                return
            self._timer.cancel()
        self._timer_at = at
        # One millisecond more, so that the machine's clock has passed the instant when we look again.
        self._timer = asyncio.get_running_loop().call_later(max(0, at - wall + 1) / 1000, self._fire)

    def _fire(self) -> None:
        self._timer = None
        wall = self._wall()
        while self._heap and self._heap[0][0] <= wall:
            at, universe_id = heappop(self._heap)
            armed = self._armed.get(universe_id)
            if armed is not None and armed.at == at:
                del self._armed[universe_id]
                task = asyncio.get_running_loop().create_task(self._wake(universe_id))
                self._waking.add(task)
                task.add_done_callback(self._waking.discard)
        self._set_timer(wall)

    async def stop(self) -> None:
        """Stop waking; what is being woken ends."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        for task in self._waking:
            task.cancel()
        await asyncio.gather(*self._waking, return_exceptions=True)
