"""A store over any log: brings its view up to date, runs the step, appends the writes on condition of the version.

The log is the only part that differs between durable stores. A failed append means that somebody else wrote first:
the view reads what it missed and the step runs again.
"""

from collections.abc import Callable, Iterator
from typing import Final, Protocol

from soundstage.core.clock import Wall, wall_now
from soundstage.core.store import Result, Step, twin
from soundstage.core.view import Tx, View
from soundstage.store.codec import decode, encode

MOST_TRIES = 1000
# The row of a copied universe that says which version its first entry makes: what falls due is numbered by versions.
_VERSION: Final = "version"


class Log(Protocol):
    """Entries per universe, numbered from 1 without gaps."""

    name: str

    async def since(self, universe_id: str, version: int) -> list[bytes]:
        """Return the entries after `version`, all of them durable."""
        ...

    async def append(self, universe_id: str, version: int, entry: bytes) -> bool:
        """Append the entry that makes `version`, durably; False when that version exists already."""
        ...

    async def drop(self, universe_id: str) -> None:
        """Forget a universe."""
        ...

    def names(self) -> Iterator[str]:
        """Yield the universes that have entries."""
        ...


class ConflictError(RuntimeError):
    """Other writers were first too many times in a row."""


class LoggedStore:
    """Universes whose truth is a log that several processes may share."""

    instant = False

    def __init__(self, log: Log, wall: Wall = wall_now) -> None:
        self.listeners: list[Callable[[str, View], None]] = []
        self.name = log.name
        self._log = log
        self._views: dict[str, View] = {}
        self._wall = wall

    def transact_now(self, universe_id: str, step: Step[Result]) -> Result:
        """Never: what a log holds has to be fetched."""
        raise NotImplementedError("a logged store takes its time; use transact")

    async def transact(self, universe_id: str, step: Step[Result]) -> Result:
        """Run the step, again after every conflict; raises ConflictError when that never ends."""
        for _ in range(MOST_TRIES):
            view = await self._fresh(universe_id)
            tx = Tx(universe_id, view, self._wall())
            result = step(tx)
            writes = tx.writes()
            if not writes:
                if view.version and tx.now > view.last_now:
                    view.last_now = tx.now
                return result
            version = view.version + 1
            if await self._log.append(universe_id, version - _ahead(view), encode(writes, tx.now)):
                # Another step of this process may have read the entry back already while we waited.
                if view.version < version:
                    view.apply(writes, tx.now)
                for tell in self.listeners:
                    tell(universe_id, view)
                return result
        raise ConflictError(f"universe {universe_id}: other writers were first {MOST_TRIES} times in a row")

    async def copy(self, source: str, target: str, step: Step[Result]) -> Result:
        """Copy a universe as one entry; raises ConflictError when others never stop opening the target."""
        for _ in range(MOST_TRIES):
            found = await self._fresh(source)
            if not found.version:
                raise KeyError(source)
            view = twin(found)
            tx = Tx(target, view, self._wall())
            result = step(tx)
            view.apply({**tx.writes(), "meta": {**tx.writes().get("meta", {}), _VERSION: view.version + 1}}, tx.now)
            everything = {name: dict(table.rows) for name, table in view.tables.items()}
            await self.forget(target)
            if await self._log.append(target, 1, encode(everything, tx.now)):
                self._views[target] = view
                for tell in self.listeners:
                    tell(target, view)
                return result
        raise ConflictError(f"universe {target}: others opened it first {MOST_TRIES} times in a row")

    def universes(self) -> Iterator[str]:
        """Yield the ids of the universes in the log."""
        return self._log.names()

    def peek(self, universe_id: str) -> View | None:
        """Return the view as last brought up to date, None while there is nothing in it."""
        view = self._views.get(universe_id)
        return view if view is not None and view.version else None

    async def forget(self, universe_id: str) -> None:
        """Drop a universe and its log."""
        await self._log.drop(universe_id)
        self._views.pop(universe_id, None)

    async def _fresh(self, universe_id: str) -> View:
        view = self._views.get(universe_id)
        if view is None:
            view = self._views[universe_id] = View()
        start = view.version - _ahead(view)
        for number, entry in enumerate(await self._log.since(universe_id, start), start + 1):
            if number == view.version - _ahead(view) + 1:
                writes, now = decode(entry)
                view.apply(writes, now)
                view.version = max(view.version, view.get("meta", _VERSION) or 0)
        return view


def _ahead(view: View) -> int:
    """Return how far a view's version is ahead of its log, which in a copied universe begins anew."""
    copied: int | None = view.get("meta", _VERSION)
    return 0 if copied is None else copied - 1
