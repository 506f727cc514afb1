"""The journal: the last calls and replies, kept raw and shown only with their secrets taken out."""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

CAPACITY = 1000
BODY_LIMIT = 16_384


class Exchange(NamedTuple):
    """One call and its reply; bodies are cut at 16 KiB."""

    id: int
    at: int
    universe: str
    provider: str
    operation: str
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    status: int
    reply: bytes


class Journal:
    """A bounded, oldest-out list of exchanges."""

    __slots__ = ("_count", "_ring")

    def __init__(self, capacity: int = CAPACITY) -> None:
        # Plain tuples: most are never looked at, and a record costs more to build than to keep.
        self._ring: deque[tuple[Any, ...]] = deque(maxlen=capacity)
        self._count = 0

    def add(  # noqa: PLR0913, PLR0917 - one positional call per request, the cheapest there is
        self,
        at: int,
        universe: str,
        provider: str,
        operation: str,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
        status: int,
        reply: bytes,
    ) -> int:
        """Keep one exchange and return its number; formatting waits until somebody reads it."""
        self._count += 1
        self._ring.append(
            (
                self._count,
                at,
                universe,
                provider,
                operation,
                method,
                target,
                headers,
                body[:BODY_LIMIT],
                status,
                # A copy: the JSON library's own result keeps 4 KiB alive for 300 bytes.
                bytes(memoryview(reply)[:BODY_LIMIT]),
            )
        )
        return self._count

    def newest(self) -> Iterator[Exchange]:
        """Yield the exchanges, the newest first."""
        return map(Exchange._make, reversed(self._ring))

    def clear(self, universe: str | None = None) -> None:
        """Forget one universe's exchanges, or all."""
        kept = [] if universe is None else [row for row in self._ring if Exchange._make(row).universe != universe]
        self._ring.clear()
        self._ring.extend(kept)
