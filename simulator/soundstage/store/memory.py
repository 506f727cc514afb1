"""The default store: universes in this process's memory, gone when it ends. Its log lives nowhere."""

from collections.abc import Callable, Iterator

from soundstage.core.clock import Wall, wall_now
from soundstage.core.store import Result, Step, twin
from soundstage.core.universe import DIRECTORY
from soundstage.core.view import Table, Tx, View

# Universes kept at once; beyond it the ones unused for longest go, a tenth at a time, unless they await something.
MOST_UNIVERSES = 20_000


class MemoryStore:
    """Universes in a dict; a step never waits, so nothing can come between its reads and its writes."""

    name = "memory"
    instant = True

    def __init__(self, wall: Wall = wall_now, most_universes: int = MOST_UNIVERSES) -> None:
        self.listeners: list[Callable[[str, View], None]] = []
        self._views: dict[str, View] = {}
        self._wall = wall
        self._most = most_universes

    async def transact(self, universe_id: str, step: Step[Result]) -> Result:
        """Run the step; there is nothing to wait for."""
        return self.transact_now(universe_id, step)

    def transact_now(self, universe_id: str, step: Step[Result]) -> Result:
        """Run the step; an exception in it leaves the universe as it was."""
        view = self._views.get(universe_id)
        if view is None:
            view = View()
        view.used = self._wall()
        tx = Tx(universe_id, view, view.used)
        result = step(tx)
        writes = tx.writes()
        if writes:
            if not view.version:
                # Only now: a look at a universe that is not there, or not any more, leaves nothing behind.
                self._keep(universe_id, view)
            view.apply(writes, tx.now)
            for tell in self.listeners:
                tell(universe_id, view)
        elif view.version and tx.now > view.last_now:
            # A look before anything is written says nothing: the clock a universe opens with may stand earlier.
            view.last_now = tx.now
        return result

    async def copy(self, source: str, target: str, step: Step[Result]) -> Result:
        """Copy a universe; a step that raises leaves the target as it was."""
        found = self._views.get(source)
        if found is None:
            raise KeyError(source)
        view = twin(found)
        view.used = self._wall()
        tx = Tx(target, view, view.used)
        result = step(tx)
        view.apply(tx.writes(), tx.now)
        self._keep(target, view)
        for tell in self.listeners:
            tell(target, view)
        return result

    def universes(self) -> Iterator[str]:
        """Yield the ids of the universes opened so far."""
        return iter(list(self._views))

    def peek(self, universe_id: str) -> View | None:
        """Return a universe's view."""
        return self._views.get(universe_id)

    async def forget(self, universe_id: str) -> None:
        """Drop a universe."""
        self._views.pop(universe_id, None)

    def _keep(self, universe_id: str, view: View) -> None:
        if len(self._views) >= self._most:
            self._evict()
        self._views[universe_id] = view

    def _evict(self) -> None:
        # What somebody registered stays, and so does what still has to happen: an attempt in flight included.
        directory = self._views.get(DIRECTORY, View()).tables.get("registered", Table())
        kept = {DIRECTORY, *(row.universe for row in directory.rows.values())}
        idle = [(view.used, name) for name, view in self._views.items() if name not in kept and _at_rest(view)]
        for _, name in sorted(idle)[: max(1, self._most // 10)]:
            del self._views[name]


def _at_rest(view: View) -> bool:
    if view.first("event") is not None or view.first("attempt") is not None:
        return False
    deliveries = view.tables.get("delivery", Table()).rows.values()
    return not any(delivery.state == "in_flight" for delivery in deliveries)
