"""Domain mutants: a provider that breaks one of its rules, most of them by a fault of the product."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mutants.between import (
    CreatedIsUnknown,
    CreatesTwice,
    Deaf,
    Echoes,
    EveryonesTasks,
    Frozen,
    GoesBack,
    IgnoresField,
    NeverRefuses,
    OffByOne,
    QuoteCreates,
    ReadsCreate,
    SameTask,
    Stale,
)
from soundstage_contracts.documents.contract import Contract
from soundstage_contracts.drivers.base import Driver
from soundstage_contracts.wire import Sender

EVERYONE = ("apikeyorg", "midsync", "revidapi", "v2gateway")
CALLERS = ("apikeyorg", "midsync", "v2gateway")
QUOTERS = ("apikeyorg", "midsync")
_EVERYWHERE = (
    *("task/fail", "task/moderation", "task/unknown-status", "task/no-output", "task/no-reason"),
    *("task/never-ends", "task/stuck-waiting"),
    *("files/missing", "files/expired", "files/truncated", "files/wrong-type"),
    *("http/status", "http/rate-limited", "http/html-error", "http/malformed-json", "http/missing-field"),
    *("http/unknown-field", "http/wrong-content-type", "http/redirect"),
    *("transport/commit-then-lose", "transport/reset", "transport/truncated-body", "transport/empty-reply"),
    "transport/garbage",
    "money/insufficient-credit",
    *("money/charged-though-failed", "money/refund-late", "money/refund-twice"),
)
_CALLBACKS = (
    *("callback/never", "callback/late", "callback/twice", "callback/flood", "callback/out-of-order"),
    *("callback/disagrees", "callback/wrong-task-id", "callback/before-answer"),
)
# /v2 signs nothing and shows no price anywhere, so nobody outside can tell.
_SIGNATURES = (
    *("callback/wrong-signature", "callback/no-signature", "callback/old-secret", "callback/stale-signature"),
    "callback/reserialised",
)
_SHOWN_PRICES = ("money/overcharge", "money/price-change")
Wrap = Callable[[Sender, Driver, Contract], Sender]


@dataclass(frozen=True, slots=True)
class DomainMutant:
    """A rule broken on purpose: by a fault rule in every world the suite opens, or between the suite and the target."""

    name: str
    providers: tuple[str, ...]
    fault: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    wrap: Wrap | None = None


def _faults(providers: tuple[str, ...], *names: str) -> list[DomainMutant]:
    return [DomainMutant(name, providers, name) for name in names]


def _between(name: str, providers: tuple[str, ...], kind: Callable[..., Sender], *given: Any) -> DomainMutant:
    return DomainMutant(name, providers, wrap=lambda *parts: kind(*given, *parts))


_REFUSALS = {
    400: "bad requests",
    401: "bad keys",
    402: "the poor",
    404: "unknown things",
    405: "any method",
    413: "any size",
    415: "any content type",
}


def _made() -> Iterator[DomainMutant]:
    yield from _faults(EVERYONE, *_EVERYWHERE)
    yield from _faults(QUOTERS, "money/quote-wrong")
    yield from _faults(("revidapi", "v2gateway"), "task/progress-back")
    yield from _faults(CALLERS, *_CALLBACKS)
    yield from _faults(("apikeyorg", "midsync"), *_SIGNATURES)
    yield from _faults(("apikeyorg", "midsync", "revidapi"), *_SHOWN_PRICES)
    yield from _faults(("apikeyorg",), "stream/cut", "stream/error", "stream/malformed-chunk")
    yield _between("a created task is unknown", EVERYONE, CreatedIsUnknown)
    yield _between("an ended task starts again", EVERYONE, GoesBack)
    yield _between("polls never change", EVERYONE, Frozen)
    yield _between("one create makes two tasks", EVERYONE, CreatesTwice)
    yield _between("the same body is the same task", EVERYONE, SameTask)
    yield _between("a quote creates", QUOTERS, QuoteCreates)
    yield _between("tasks are everyone's", EVERYONE, EveryonesTasks)
    yield _between("replies show the key", EVERYONE, Echoes)
    yield _between("a GET creates", EVERYONE, ReadsCreate)
    for status, whom in _REFUSALS.items():
        yield _between(f"accepts {whom}", EVERYONE, NeverRefuses, status)
    yield _between("accepts any scope", ("midsync",), NeverRefuses, 403)
    yield _between("accepts any model and address", ("apikeyorg",), NeverRefuses, 403)
    yield _between("accepts any role", ("revidapi",), NeverRefuses, 403)
    yield _between("no limits", ("midsync", "apikeyorg", "revidapi"), NeverRefuses, 429)
    yield _between("max_credits has no effect", ("apikeyorg",), IgnoresField, "max_credits")
    for provider, name in {"midsync": "callbackUrl", "apikeyorg": "callback_url", "v2gateway": "notify_hook"}.items():
        yield _between(f"{name} has no effect", (provider,), IgnoresField, name)
    for name in ("page", "limit", "model", "from", "to", "start_date", "end_date"):
        yield _between(f"{name} has no effect", ("midsync",), Deaf, name)
    for name in ("page", "limit", "model", "server_id", "status"):
        yield _between(f"{name} has no effect", ("revidapi",), Deaf, name)
    for name in ("page", "limit"):
        yield _between(f"{name} is read as one more", ("midsync", "revidapi"), OffByOne, name)
    yield _between("the balance is never news", ("revidapi",), Stale, "getBalance")
    yield _between("the limits are never news", ("revidapi",), Stale, "getLimits")
    yield _between("the summary is never news", ("midsync",), Stale, "getUsageSummary")


MUTANTS: tuple[DomainMutant, ...] = tuple(_made())
"""Every domain mutant; a name is unique within a provider."""


def domain_mutants(provider: str) -> tuple[DomainMutant, ...]:
    """Return a provider's domain mutants."""
    return tuple(mutant for mutant in MUTANTS if provider in mutant.providers)
