"""What crosses the edge: a call that came in, the reply that goes out, a problem not yet in a provider's shape."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from soundstage.core.universe import Key

ProblemCode = Literal[
    "invalid_request",
    "malformed_body",
    "unauthorized",
    "insufficient_credit",
    "over_budget",
    "forbidden",
    "address_not_allowed",
    "model_not_allowed",
    "model_not_found",
    "not_found",
    "no_such_route",
    "method_not_allowed",
    "payload_too_large",
    "unsupported_media_type",
    "rate_limited",
    "internal",
    "bad_gateway",
    "unavailable",
    "timed_out",
]

STATUS: Mapping[ProblemCode, int] = {
    "invalid_request": 400,
    "malformed_body": 400,
    "unauthorized": 401,
    "insufficient_credit": 402,
    "over_budget": 402,
    "forbidden": 403,
    "address_not_allowed": 403,
    "model_not_allowed": 403,
    "model_not_found": 404,
    "not_found": 404,
    "no_such_route": 404,
    "method_not_allowed": 405,
    "payload_too_large": 413,
    "unsupported_media_type": 415,
    "rate_limited": 429,
    "internal": 500,
    "bad_gateway": 502,
    "unavailable": 503,
    "timed_out": 504,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a call is refused, in words that say what to send instead; a provider turns it into its own reply.

    `retry_after_ms` is when the same call may be sent again, where waiting helps.
    """

    code: ProblemCode
    message: str
    field: str | None = None
    retry_after_ms: int | None = None

    @property
    def status(self) -> int:
        """The HTTP status most providers would use."""
        return STATUS[self.code]


class Call(NamedTuple):
    """A call as a handler sees it: read, authenticated, its body parsed but not yet judged.

    `path` is the documented one; the provider is served under `base_url` and `prefix`.
    """

    method: str
    path: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    key: Key
    base_url: str
    prefix: str = ""


NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Frame(NamedTuple):
    """A piece of a streamed reply; it leaves `offset_ms` after the first one, before the clock's speed."""

    offset_ms: int
    data: bytes


class Stream(NamedTuple):
    """A streamed reply, whole before its first byte leaves: whoever stops reading changes nothing."""

    frames: tuple[Frame, ...]


Fate = Literal["send", "reset", "close", "hang"]


class Wire(NamedTuple):
    """How a reply leaves, where it does not simply leave; spans are the machine's milliseconds, whatever the clock.

    `fate` is what becomes of it: it is sent; the connection is reset or closed, after the first `cut` bytes of the body
    where that is a number and before any byte where it is None; or nothing ever comes. `raw` replaces everything that
    would be sent, status line included. The body leaves in pieces of `piece_bytes`, one every `piece_ms`.
    `after_callbacks` lets the callbacks that are due reach their receivers first.
    """

    delay_ms: int = 0
    fate: Fate = "send"
    cut: int | None = None
    raw: bytes | None = None
    piece_bytes: int = 0
    piece_ms: int = 0
    after_callbacks: bool = False


_SIMPLY: Final = Wire()


class Reply(NamedTuple):
    """A provider's answer: `body` becomes JSON unless it is bytes or a stream already."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = NO_HEADERS
    content_type: str = "application/json"
    wire: Wire | None = None

    def leaving(self, **how: Any) -> "Reply":
        """Return the same reply with these fields of its wire changed; the others stay as they are."""
        return self._replace(wire=(self.wire or _SIMPLY)._replace(**how))


@dataclass(frozen=True, slots=True)
class BlobRef:
    """A file that came with a call: how many bytes it has, what they say it is (None when unknown), their digest.

    `seconds` is how long a sound is, where the file was kept and tells.
    """

    size: int
    content_type: str | None
    sha256: str
    seconds: float | None = None


class Form(dict[str, list[str | BlobRef]]):
    """The fields of an HTML form body, each with every value it was given; `name[]` counts as `name`."""
