"""The journal: the last calls and replies, kept raw and shown only with their secrets taken out."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from soundstage.core.call import NO_HEADERS

CAPACITY = 1000
BODY_LIMIT = 16_384
HEADER_LIMIT = 1024
# What nobody is shown: headers of calls, and fields of a query that may be a key.
SECRET_HEADERS: Final = frozenset(
    {
        "authorization",
        "x-api-key",
        "cookie",
        "proxy-authorization",
        "x-soundstage-admin-token",
        "x-api-key-signature",
        "webhook-signature",
    }
)
SECRET_FIELDS: Final = frozenset({"api_key", "apikey", "key", "token"})
# Headers that hold an address, which may hold a key in its query.
ADDRESS_HEADERS: Final = frozenset({"location", "content-location", "referer", "link"})


class Exchange(NamedTuple):
    """One call and its reply; bodies are cut at 16 KiB. Status 0 means that the client got no answer.

    `at` is the universe's time, `wall` the machine's, both in milliseconds: they differ where a clock is moved by hand.
    `took` are the machine's milliseconds from the call to its reply.
    """

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
    reply_headers: Mapping[str, str]
    wall: int
    took: int = 0

    @property
    def sent_headers(self) -> Mapping[str, str]:
        """The headers the reply left with; its name is made from the number unless the provider gave it one."""
        return {"X-Request-Id": f"req_{self.id:012}", **self.reply_headers}


def header_of(headers: Mapping[str, str], name: str) -> str | None:
    """Return a header of a call or a reply; `name` in small letters, however it was sent."""
    return next((value for one, value in headers.items() if one.lower() == name), None)


def cut_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return the headers of a reply as they are kept, each cut at 1 KiB; nearly always these very ones."""
    if max(map(len, headers.values()), default=0) <= HEADER_LIMIT:
        return headers
    return {name: value[:HEADER_LIMIT] for name, value in headers.items()}


class Journal:
    """A bounded, oldest-out list of exchanges. `listeners` are called with the number of each that is new or changed.

    A listener must not add or remove any.
    """

    __slots__ = ("_count", "_ring", "listeners")

    def __init__(self, capacity: int = CAPACITY) -> None:
        # Plain tuples: most are never looked at, and a record costs more to build than to keep.
        self._ring: deque[tuple[Any, ...]] = deque(maxlen=capacity)
        self._count = 0
        self.listeners: list[Callable[[int], None]] = []

    def add(  # noqa: PLR0913, PLR0917 - one positional call per request, the cheapest there is
        self,
        at: int,
        wall: int,
        universe: str,
        provider: str,
        operation: str,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
        status: int,
        reply: bytes,
        reply_headers: Mapping[str, str] = NO_HEADERS,
        took: int = 0,
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
                reply_headers,
                wall,
                took,
            )
        )
        for tell in self.listeners:
            tell(self._count)
        return self._count

    def lost(self, number: int) -> None:
        """Write down that the reply of an exchange did not reach its client after all."""
        if self._change(number, lambda one: one._replace(status=0)):
            for tell in self.listeners:
                tell(number)

    def sent(self, number: int, took: int) -> None:
        """Write down how long an exchange took whose reply did not leave at once."""
        self._change(number, lambda one: one._replace(took=took))

    def _change(self, number: int, become: Callable[[Exchange], Exchange]) -> bool:
        for place, row in enumerate(reversed(self._ring), 1):
            if row[0] == number:
                self._ring[-place] = become(Exchange._make(row))
                return True
        return False

    @property
    def last(self) -> int:
        """The number of the newest exchange ever kept, 0 when there was none."""
        return self._count

    def newest(self) -> Iterator[Exchange]:
        """Yield the exchanges, the newest first."""
        return map(Exchange._make, reversed(self._ring))

    def clear(self, universe: str | None = None) -> None:
        """Forget one universe's exchanges, or all."""
        kept = [] if universe is None else [row for row in self._ring if Exchange._make(row).universe != universe]
        self._ring.clear()
        self._ring.extend(kept)
