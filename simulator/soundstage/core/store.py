"""What the engine asks of a store: to run one step on one universe, all or nothing, after everything it saw is safe.

Stores differ only in where a universe's log lives. The step is a plain function and may run again after a conflict,
so it has no side effects: effects are rows of the outbox it writes.
"""

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from soundstage.core.view import Table, Tx, View

Result = TypeVar("Result")
Step = Callable[[Tx], Result]


class Store(Protocol):
    """Universes by id, each an ordered dictionary with a log.

    `listeners` are called after every commit with the universe and its view; none of them may add or remove any.
    """

    listeners: list[Callable[[str, View], None]]
    name: str
    instant: bool

    def transact_now(self, universe_id: str, step: Step[Result]) -> Result:
        """Do the same at once; only a store that is `instant` can."""
        ...

    async def transact(self, universe_id: str, step: Step[Result]) -> Result:
        """Run the step and return its result once its writes, and all it read, are as durable as promised."""
        ...

    async def copy(self, source: str, target: str, step: Step[Result]) -> Result:
        """Make `target` what `source` is now, changed by `step` before anybody sees it; what `target` held is gone.

        Raises KeyError when there is no `source`.
        """
        ...

    def universes(self) -> Iterator[str]:
        """Yield the ids of the universes known here."""
        ...

    def peek(self, universe_id: str) -> View | None:
        """Return the universe's view as this process last saw it, for arming timers only."""
        ...

    async def forget(self, universe_id: str) -> None:
        """Drop a universe and its log."""
        ...


def twin(view: View) -> View:
    """Return a view with the same rows, which are shared because they never change, and tables of its own.

    Its version is the same too: what falls due is ordered by numbers that begin with it.
    """
    made = View()
    made.version, made.last_now = view.version, view.last_now
    for name, table in view.tables.items():
        made.tables[name] = Table()
        made.tables[name].rows = dict(table.rows)
    return made
