"""A universe as ordered dictionaries, and the transaction that reads and changes them.

A store keeps one `View` per universe and gives each step a `Tx` over it. Writes are buffered in the transaction and
applied together or not at all. Rows are immutable records or plain values, so a reader can never change one.

"Ordered" means in order of insertion, as in a Python dict: tasks and entries arrive in time order, so the newest
rows are at the end. Tables asked for their `first` row (events, attempts) keep a heap of keys beside the rows.
"""

from collections import deque
from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from itertools import islice
from typing import Any, Final

Key = str | int | tuple[int, int]
Row = Any  # records differ by table; each module that owns a table gives it typed functions
Writes = dict[str, dict[Key, Row]]


class _Gone:
    """The buffered value of a deleted row."""

    __slots__ = ()


GONE: Final = _Gone()
# The key of a write that empties its whole table.
ALL: Final = "*all*"
_SERIALS_PER_STEP: Final = 1_000_000


class Table:
    """Rows by key in order of insertion; an update keeps its row's place."""

    __slots__ = ("heap", "oldest", "rows")

    def __init__(self) -> None:
        self.rows: dict[Key, Row] = {}
        self.heap: list[Any] | None = None
        # Keys from the oldest on, made on first use: deleting at a dict's front makes its next front slow to find.
        self.oldest: deque[Key] | None = None

    def update(self, changes: dict[Key, Row]) -> None:
        """Insert, update or (a row that is GONE) delete rows."""
        rows = self.rows
        for key, row in changes.items():
            if row is GONE:
                rows.pop(key, None)
                continue
            if key not in rows:
                if self.heap is not None:
                    heappush(self.heap, key)
                if self.oldest is not None:
                    self.oldest.append(key)
            rows[key] = row

    def first(self) -> Any:
        """Return the smallest key, or None."""
        if self.heap is None:
            self.heap = list(self.rows)
            heapify(self.heap)
        while self.heap and self.heap[0] not in self.rows:
            heappop(self.heap)
        return self.heap[0] if self.heap else None

    def from_oldest(self, most: int) -> Iterator[Key]:
        """Yield up to `most` keys, the oldest first; the table must not change meanwhile."""
        if self.oldest is None:
            self.oldest = deque(self.rows)
        while self.oldest and self.oldest[0] not in self.rows:
            self.oldest.popleft()
        return islice((key for key in self.oldest if key in self.rows), most)


class View:
    """One universe in memory: its tables, the version of its log and the last instant anybody saw."""

    __slots__ = ("last_now", "tables", "used", "version")

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self.version = 0
        self.last_now = 0
        # When somebody last ran a step here, on the machine's clock.
        self.used = 0

    def get(self, table: str, key: Key) -> Row:
        """Return one row, or None."""
        found = self.tables.get(table)
        return None if found is None else found.rows.get(key)

    def first(self, table: str) -> Any:
        """Return the smallest key of a table, or None."""
        found = self.tables.get(table)
        return None if found is None else found.first()

    def apply(self, writes: Writes, now: int) -> None:
        """Apply the writes of one committed step, made at `now`."""
        tables = self.tables
        for name, rows in writes.items():
            table = tables.get(name)
            if table is None or ALL in rows:
                table = tables[name] = Table()
                rows.pop(ALL, None)
            table.update(rows)
        self.version += 1
        self.last_now = max(self.last_now, now)


class Tx:
    """One step on one universe: reads see its own writes; nothing is kept unless the step returns."""

    __slots__ = ("_buffer", "_serials", "_view", "now", "universe_id", "wall")

    def __init__(self, universe_id: str, view: View, wall: int) -> None:
        self.universe_id = universe_id
        self.wall = wall
        meta = view.get("meta", "universe")
        self.now: int = max(view.last_now, meta.clock.now(wall) if meta is not None else wall)
        self._view = view
        self._buffer: Writes = {}
        self._serials = view.version * _SERIALS_PER_STEP

    def serial(self) -> int:
        """Return a number greater than every one before it; it orders what falls due at one instant."""
        # From the log's version, so that counting needs no row of its own.
        self._serials += 1
        return self._serials

    def get(self, table: str, key: Key) -> Row:
        """Return one row, or None."""
        written = self._buffer.get(table)
        if written is not None:
            row = written.get(key, written)
            if row is not written:
                return None if row is GONE else row
            if ALL in written:
                return None
        found = self._view.tables.get(table)
        return None if found is None else found.rows.get(key)

    def put(self, table: str, key: Key, row: Row) -> None:
        """Insert or update one row when the step commits."""
        written = self._buffer.get(table)
        if written is None:
            self._buffer[table] = {key: row}
        else:
            written[key] = row

    def delete(self, table: str, key: Key) -> None:
        """Delete one row when the step commits; a missing row is no error."""
        self.put(table, key, GONE)

    def tables(self) -> list[str]:
        """Return the names of all tables that hold something, or did."""
        return list({**self._view.tables, **self._buffer})

    def clear(self, table: str) -> None:
        """Empty a table when the step commits; rows put afterwards in this step stay."""
        self._buffer[table] = {ALL: GONE}

    def count(self, table: str) -> int:
        """Return how many rows the table held when the step began."""
        found = self._view.tables.get(table)
        return 0 if found is None else len(found.rows)

    def oldest(self, table: str, most: int) -> Iterator[Key]:
        """Yield up to `most` keys, the oldest first, as the table was when the step began."""
        found = self._view.tables.get(table)
        return iter(()) if found is None else found.from_oldest(most)

    def first(self, table: str) -> Any:
        """Return the smallest key of a table as it was when the step began, or None."""
        return self._view.first(table)

    def scan(self, table: str, *, newest_first: bool = False) -> Iterator[tuple[Key, Row]]:
        """Yield (key, row) in order of insertion, or the other way round."""
        found = self._view.tables.get(table)
        written = self._buffer.get(table, {})
        rows: dict[Key, Row] = {} if found is None or ALL in written else found.rows
        if written:
            rows = {key: row for key, row in {**rows, **written}.items() if row is not GONE}
        return iter(reversed(rows.items()) if newest_first else rows.items())

    def writes(self) -> Writes:
        """Return what the step changed: rows by key by table, GONE where a row was deleted."""
        return self._buffer
