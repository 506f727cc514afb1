"""The shapes of what a universe tells a test, so that a type checker knows their fields.

Money is decimal text in the provider's credits, instants are ISO 8601 text. Only fields that stay are named here; a
server may send more.
"""

from collections.abc import Mapping
from typing import Any, NotRequired, Protocol, TypedDict

from soundstage.core import clock, lint, outbox, timeline, verdict

Mode = clock.Mode
State = timeline.State
CallbackState = outbox.DeliveryState
Outcome = verdict.Outcome


class Ask(Protocol):
    """Makes a call of the admin API on behalf of one universe, and returns its JSON; raises SoundstageError."""

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        seconds: float = 0,
    ) -> Any:
        """Ask; `seconds` is how long the server may take for it."""
        ...


class ClockShown(TypedDict):
    """A clock; `next_event` is when the next event or callback is due, None when nothing is."""

    mode: Mode
    speed: float
    now: str
    next_event: str | None


class Moved(ClockShown):
    """A clock that was moved, with how many events ran on the way."""

    events_run: int


class Provided(TypedDict):
    """One provider in a universe: where it is, and this universe's key there."""

    base_url: str
    base_url_variable: str
    key_id: str
    webhook_secret: str
    balance: str


class OpenedUniverse(TypedDict):
    """A universe as it began; `key` is its API key for every provider."""

    id: str
    key: str
    seed: int
    scenario: str | None
    clock: ClockShown
    providers: dict[str, Provided]


class Sent(TypedDict):
    """What a client sent, or what it got: a body is parsed where it is JSON."""

    headers: dict[str, str]
    body: Any


class Call(TypedDict):
    """A call of the app on a provider's endpoint; `status` 0 means that the client got no answer."""

    id: int
    at: str
    method: str
    path: str
    provider: str
    operation: str
    status: int
    request: Sent
    response: Sent


class Point(TypedDict):
    """A state that a task enters, or a progress in percent that it makes."""

    at: str
    state: State
    progress: int


class Movement(TypedDict):
    """A movement of a task's money: reserve, settle, release, refund."""

    at: str
    kind: str
    amount: str
    task_id: str | None


class LedgerEntry(Movement):
    """A movement of money on the wallet of `key_id`; those of no task have a note that says what they are."""

    key_id: str
    note: str


class Wallet(TypedDict):
    """What was issued to a wallet; it is available, held for tasks under way, or spent."""

    provider: str
    key_id: str
    issued: str
    available: str
    held: str
    spent: str


class Attempt(TypedDict):
    """An attempt to deliver a callback: the receiver's status, or an error in words."""

    at: str
    status: int | None
    error: str | None
    headers: dict[str, str]


class Callback(TypedDict):
    """A callback; its attempts share event id and body."""

    id: str
    event_id: str
    event: str
    task_id: str
    url: str
    state: CallbackState
    created_at: str
    next_attempt_at: str | None
    attempts: list[Attempt]
    body: Any


class Task(TypedDict):
    """A task; `cost` is what of its price is held or spent now."""

    id: str
    provider: str
    state: State
    model: str
    cost: str
    created_at: str


# `with` is a keyword, so these two are written as calls.
FaultAtWork = TypedDict("FaultAtWork", {"fault": str, "with": dict[str, Any], "origin": str})
FaultRule = TypedDict(
    "FaultRule",
    {
        "id": str,
        "fault": str,
        "with": dict[str, Any],
        "when": dict[str, Any],
        "origin": str,
        "matched": int,
        "applied": int,
    },
)


class WholeTask(Task):
    """A task with all that is known of it; `explanation` says it in words."""

    timeline: list[Point]
    ledger: list[Movement]
    deliveries: list[Callback]
    faults: list[FaultAtWork]
    explanation: str


class ScenarioShown(TypedDict):
    """The scenario in force, as a document; of none there is only the name None."""

    name: str | None
    description: NotRequired[str]
    faults: NotRequired[list[dict[str, Any]]]


class Belief(TypedDict):
    """What an app believes of one task; `credits` where it counts them."""

    task_id: str
    outcome: Outcome
    credits: NotRequired[int | str]


class Finding(TypedDict):
    """One thing that the app believes wrongly or never did, and the credits at stake."""

    kind: verdict.Kind
    message: str
    task_id: str | None
    credits: str


class Verdict(TypedDict):
    """What an app believes, held against the truth; `ok` when nothing was found."""

    ok: bool
    findings: list[Finding]


class Mistake(TypedDict):
    """A mistake of the client that its calls give away, with the ids of those calls."""

    rule: str
    level: lint.Level
    message: str
    requests: list[int]
    task_id: str | None
    provider: str


class Invariants(TypedDict):
    """Whether every credit is accounted for, and a sentence for each way in which it is not."""

    ok: bool
    violations: list[str]


class Configured(TypedDict, total=False):
    """What a server is started with; what is left out is as `soundstage serve` has it.

    `start_at` is where manual clocks begin in milliseconds since 1970, `starting_credits` what accounts begin with in
    millionths of a credit, `journal` how many calls are kept, `provider` the only one to serve, `scenario` a name or a
    file.
    """

    host: str
    provider: str | None
    speed: float
    clock: Mode
    start_at: int
    seed: int
    starting_credits: int
    history: int
    strict_keys: bool
    allow_egress: bool
    public_base_url: str | None
    admin_token: str | None
    scenario: str | None
    journal: int
