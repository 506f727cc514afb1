"""What a driver tells the suite about its provider."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any, ClassVar

from soundstage_contracts.adapters.base import Account, Wanted
from soundstage_contracts.verdict import READING_ERRORS, Broken, NotApplicable

if TYPE_CHECKING:
    from soundstage_contracts.drivers.excuses import Excuse, Unread
    from soundstage_contracts.exchange import Reply, Request
    from soundstage_contracts.oracles.lifecycle import Life
    from soundstage_contracts.receiver import Callback
    from soundstage_contracts.stage import Stage


@dataclass(frozen=True, slots=True)
class Creation:
    """A documented way to make a task.

    `build(prompt, **more)` returns the cheapest such request with these further body fields; `callback` is the field
    that asks for a callback, None where there is none. `kind` is image, video, music or audio. `operation` is the
    operationId. `assumed` says what of it no document states, such as the name of a model.
    """

    name: str
    operation: str
    kind: str
    build: Callable[..., Request]
    callback: str | None = None
    assumed: str = ""


@dataclass(frozen=True, slots=True)
class Created:
    """What a create reply says; None is for what this provider's reply does not tell."""

    id: str
    state: str | None = None
    price: Decimal | None = None
    balance_left: Decimal | None = None


@dataclass(frozen=True, slots=True)
class TaskView:
    """What a poll or a callback says of a task; `progress` in percent, `times` in Unix seconds where they are set."""

    id: str
    state: str
    progress: float | None = None
    results: tuple[str, ...] = ()
    reason: str | None = None
    times: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ErrorView:
    """What an error reply says: its sentence, and its code where the provider's shape has one."""

    message: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """How one kind of refusal looks; `status` as everyone should send it, `code` None where the shape has none."""

    status: int
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """What the documents say of a price in credits: exact where `least` is `most`; `source` is the requirement."""

    least: Decimal
    most: Decimal
    source: str

    @property
    def exact(self) -> bool:
        """Whether the documents leave no room."""
        return self.least == self.most

    def holds(self, credits_: Any) -> bool:
        """Return whether an amount is this price, or within it."""
        return self.least <= Decimal(str(credits_)) <= self.most

    def __str__(self) -> str:
        """Return the price in words: `20`, or `10 to 300`."""
        return f"{self.least}" if self.exact else f"{self.least} to {self.most}"


Given = dict[str, dict[str, str]]
"""Values by operation and field that every well-formed request of the fuzzing uses."""


def amount(value: Any) -> Decimal:
    """Return a JSON number of credits, exact up to 15 digits; raises Broken for all else, such as a text or a bool."""
    if type(value) not in {int, float} or not isfinite(value):
        raise Broken(f"credits should be a number, and are {str(value)[:60]!r}")
    return Decimal(str(value))


class Driver(ABC):
    """One provider in the suite's terms. A driver knows shapes and words, never verdicts."""

    id: ClassVar[str]
    prefix: ClassVar[str]
    title: ClassVar[str]
    life: ClassVar[Life]
    key_forms: ClassVar[tuple[str, ...]] = ("bearer",)
    poll_seconds: ClassVar[float] = 3.0
    """How long to wait between two polls of a target whose time nobody can move."""
    errors: ClassVar[Mapping[str, ErrorRule]]
    """Kinds of refusal, those the provider has of: invalid, unauthorized, credits, forbidden, not_found, method,
    too_large, media_type, rate, internal, unavailable."""
    room: ClassVar[Wanted] = Wanted()
    """An account so wide that no limit is in the way of thousands of requests."""
    excuses: ClassVar[tuple[Excuse, ...]] = ()
    """What the schemas cannot say of a request and the documents do."""
    unread: ClassVar[tuple[Unread, ...]] = ()
    """What a target may take although the schemas forbid it."""

    def authorize(self, request: Request, key: str, form: str) -> Request:
        """Return the request with the key put on in one of `key_forms`."""
        if form == "bearer":
            return request.having("authorization", f"Bearer {key}")
        raise NotApplicable(f"{self.title} takes no key as {form}")

    def documented_form(self, request: Request) -> str:
        """Return which of `key_forms` the documents name for a request, where nothing is assumed."""
        return self.key_forms[0]

    @abstractmethod
    def front_door(self) -> Request:
        """Return a free request that reads, answers 200 to any good key, and that no other kind of server knows."""

    @abstractmethod
    def creations(self) -> tuple[Creation, ...]:
        """Return every documented way to make a task, the cheapest first."""

    @abstractmethod
    def created(self, reply: Reply) -> Created:
        """Read a create reply; raises Broken when it is none."""

    @abstractmethod
    def poll(self, task_id: str, creation: Creation) -> Request:
        """Return the request that asks how a task is."""

    @abstractmethod
    def view(self, reply: Reply) -> TaskView:
        """Read a poll's reply; raises Broken when it is none."""

    @abstractmethod
    def is_poll(self, request: Request) -> bool:
        """Return whether a request asks how a task is."""

    def task_seen(self, request: Request, reply: Reply) -> TaskView | None:
        """Return what an exchange tells of a task if it is a poll that was answered, else None; never raises."""
        if reply.status != 200 or not self.is_poll(request):
            return None
        try:
            return self.view(reply)
        except (Broken, *READING_ERRORS):
            return None

    @abstractmethod
    def error(self, reply: Reply) -> ErrorView:
        """Read an error reply; raises Broken when it has not the provider's shape."""

    def quote(self, request: Request) -> Request:
        """Return the request that prices what the create `request` asks for."""
        raise NotApplicable(f"{self.title} gives no quotes")

    def quoted(self, reply: Reply) -> Decimal:
        """Return the price a quote's reply says, in credits."""
        raise NotApplicable(f"{self.title} gives no quotes")

    def cancel(self, task_id: str) -> Request:
        """Return the request that cancels a task."""
        raise NotApplicable(f"{self.title} cannot cancel")

    def balance_request(self) -> Request:
        """Return the request that asks what the account has left."""
        raise NotApplicable(f"{self.title} shows no balance")

    def left(self, reply: Reply) -> Decimal:
        """Return what such a reply says is left, in credits."""
        raise NotApplicable(f"{self.title} shows no balance")

    def balance(self, stage: Stage, account: Account) -> Decimal:
        """Return what the account has left as the provider's own endpoints tell it, in credits."""
        return self.left(stage.answered(self.balance_request(), account))

    def usage_request(self) -> Request:
        """Return the request that asks what tasks cost in all."""
        raise NotApplicable(f"{self.title} shows no usage")

    def charged_of(self, reply: Reply) -> Decimal:
        """Return what such a reply says tasks cost in all, in credits."""
        raise NotApplicable(f"{self.title} shows no usage")

    def charged(self, stage: Stage, account: Account) -> Decimal:
        """Return what tasks cost in all, as the provider's usage endpoints tell it, in credits."""
        return self.charged_of(stage.answered(self.usage_request(), account))

    def price(self, request: Request) -> Price | None:
        """Return what the documents say a create costs, None where they say nothing."""
        return None

    @abstractmethod
    def worst_price(self, request: Request) -> Decimal | None:
        """Return the most a request may cost by the documents, 0 for one that is free, None where nobody can tell.

        None also for an operation that is no documented one: the guard lets nothing pass that it cannot price.
        """

    def callback_view(self, callback: Callback) -> TaskView:
        """Read a callback's body; raises Broken when it is none."""
        raise NotApplicable(f"{self.title} sends no callbacks")

    def callback_id(self, callback: Callback) -> str:
        """Return what is the same for every attempt at one event."""
        raise NotApplicable(f"{self.title} sends no callbacks")

    def check_signature(self, callback: Callback, secret: str) -> None:
        """Raise Broken unless the callback is signed with `secret` over its raw bytes and its header's timestamp."""
        raise NotApplicable(f"{self.title} signs no callbacks")

    def price_differences(self, catalogue: Mapping[str, Any]) -> Iterator[str]:
        """Yield, as sentences that name the cell, where a catalogue differs from the published prices."""
        return iter(())

    def prepare(self, stage: Stage, account: Account) -> Given:
        """Make, free of charge, what fuzzing needs and no generated request could make, and return its names."""
        return {}
