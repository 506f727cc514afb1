"""The provider kit: what a folder under `providers/` declares, and nothing more.

A provider is data and plain functions. Handlers are synchronous, `(call, tx) → reply`; they know no clock but
`tx.now`, no randomness but draws, no network. The edge compiles the operations once at start.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from soundstage.core.call import Call, Problem, Reply
from soundstage.core.limits import REQUESTS_PER_MINUTE
from soundstage.core.outbox import Delivery
from soundstage.core.signing import webhook_secret
from soundstage.core.task import Task
from soundstage.core.timeline import State
from soundstage.core.universe import Key
from soundstage.core.view import Tx

Handler = Callable[[Call, Tx], Reply]
# What a call is for: an aim of faults and of the client lint, the same word for every provider.
Role = Literal["create", "poll", "quote", "completion", "cancel", "upload", "read"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Operation:
    """One documented endpoint. `path` may hold `{name}` segments; `scope` is what the key must be allowed.

    `body` says what is read: nothing, JSON of at most `most_bytes`, or that and HTML forms with files of at most
    `most_file_bytes` each, whose bytes stay when it `keeps_files`. A `keyless` one also answers without a key, as
    `NOBODY` in a universe that holds nothing and keeps nothing.
    """

    id: str
    method: str
    path: str
    handle: Handler
    role: Role = "read"
    scope: str | None = None
    body: Literal["none", "json", "json or form"] = "none"
    keyless: bool = False
    most_bytes: int = 1_048_576
    most_file_bytes: int = 33_554_432
    keeps_files: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Where a provider's bodies say what, as keys joined by full stops; None where they do not say it.

    `task_id`, `status`, `reason` and `progress` are in polls and callbacks, `results` with what each holds while there
    is no result; `poll_id` is the path parameter a poll names its task by. `price` is in create replies, `quote` in
    quotes, `callback_url` in create bodies.
    """

    task_id: str
    status: str
    reason: str
    results: Mapping[str, Any]
    poll_id: str
    no_reason: str | None = None
    progress: str | None = None
    price: str | None = None
    quote: str | None = None
    callback_url: str | None = None


@dataclass(frozen=True, slots=True)
class CallbackScheme:
    """How a provider calls back: body, headers, patience and what counts as delivered.

    `retries_ms` are the waits after each failed attempt; when they run out the delivery is exhausted. `secret` writes
    a key's 16 bytes of secret material the way this provider's signatures want it.
    """

    event: Callable[[Task], str]
    body: Callable[[Tx, Task, str], bytes]
    headers: Callable[[Delivery, str, int], Mapping[str, str]]
    retries_ms: tuple[int, ...]
    timeout_seconds: float = 15.0
    secret: Callable[[bytes], str] = webhook_secret
    refusals: frozenset[int] = frozenset({410})
    delay_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One provider: its operations and the few rules the edge and the engine need from it."""

    id: str
    title: str
    base_url_variable: str
    operations: tuple[Operation, ...]
    credential: Callable[[str, Mapping[str, str], Mapping[str, str]], str | None]
    key_fault: Callable[[str], str | None]
    reply_to: Callable[[Problem], Reply]
    states: Mapping[State, str]
    shape: Shape
    poll_seconds: float | None = None
    scopes: frozenset[str]
    asset_types: Callable[[Task], tuple[str, ...]]
    models: Callable[[], frozenset[str]]
    send_key: str = "the header Authorization: Bearer <api key>"
    limits: frozenset[str] = frozenset({REQUESTS_PER_MINUTE})
    plans: Callable[[], frozenset[str]] = frozenset
    explain_price: Callable[[Task], str]
    explain_route: Callable[[Task], str] | None = None
    callback: CallbackScheme | None = None
    history: Callable[[Tx, Key, int], None] | None = None


def refusal(provider: Provider, problem: Problem) -> Reply:
    """Return a problem as a provider tells it, with Retry-After and Retry-After-Ms where waiting helps."""
    reply, wait = provider.reply_to(problem), problem.retry_after_ms
    if wait is None:
        return reply
    headers = {**reply.headers, "Retry-After": str(-(-wait // 1000)), "Retry-After-Ms": str(wait)}
    return reply._replace(headers=headers)
