"""Domain mutants: a provider that breaks one of its rules, most of them by a fault of the product."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mutants.between import (
    CreatedIsUnknown,
    CreatesTwice,
    Deaf,
    EveryonesTasks,
    Frozen,
    GoesBack,
    IgnoresField,
    NeverRefuses,
    OffByOne,
    QuoteCreates,
    SameTask,
    Stale,
)
from soundstage_contracts.contract import Contract
from soundstage_contracts.drivers.base import Driver
from soundstage_contracts.wire import Sender

EVERYONE = ("apikeyorg", "midsync", "revidapi", "v2gateway")
CALLERS = ("apikeyorg", "midsync", "v2gateway")
QUOTERS = ("apikeyorg", "midsync")
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


def _refusals() -> list[DomainMutant]:
    words = {
        400: "bad requests",
        401: "bad keys",
        402: "the poor",
        404: "unknown things",
        405: "any method",
        413: "any size",
        415: "any content type",
    }
    return [_between(f"accepts {word}", EVERYONE, NeverRefuses, status) for status, word in words.items()]


MUTANTS: tuple[DomainMutant, ...] = (
    *_faults(EVERYONE, "task/unknown-status", "task/no-output", "task/no-reason", "task/never-ends", "task/stuck-waiting"),
    *_faults(EVERYONE, "task/fail", "task/moderation", "files/missing", "files/expired", "files/truncated"),
    *_faults(EVERYONE, "files/wrong-type", "http/html-error", "http/malformed-json", "http/missing-field"),
    *_faults(EVERYONE, "http/unknown-field", "http/wrong-content-type", "http/rate-limited", "http/redirect"),
    *_faults(EVERYONE, "http/status", "transport/commit-then-lose", "transport/reset", "transport/truncated-body"),
    *_faults(EVERYONE, "transport/empty-reply", "transport/garbage"),
    *_faults(EVERYONE, "money/overcharge", "money/charged-though-failed", "money/refund-late", "money/refund-twice"),
    *_faults(EVERYONE, "money/price-change", "money/insufficient-credit"),
    *_faults(QUOTERS, "money/quote-wrong"),
    *_faults(("revidapi", "v2gateway"), "task/progress-back"),
    *_faults(CALLERS, "callback/never", "callback/late", "callback/twice", "callback/flood", "callback/out-of-order"),
    *_faults(CALLERS, "callback/disagrees", "callback/wrong-task-id", "callback/wrong-signature"),
    *_faults(CALLERS, "callback/no-signature", "callback/old-secret", "callback/stale-signature"),
    *_faults(CALLERS, "callback/reserialised", "callback/before-answer"),
    *_faults(("apikeyorg",), "stream/cut", "stream/error", "stream/malformed-chunk"),
    _between("a created task is unknown", EVERYONE, CreatedIsUnknown),
    _between("an ended task starts again", EVERYONE, GoesBack),
    _between("polls never change", EVERYONE, Frozen),
    _between("one create makes two tasks", EVERYONE, CreatesTwice),
    _between("the same body is the same task", EVERYONE, SameTask),
    _between("a quote creates", QUOTERS, QuoteCreates),
    _between("tasks are everyone's", EVERYONE, EveryonesTasks),
    *_refusals(),
    _between("accepts any scope", ("midsync", "apikeyorg", "revidapi"), NeverRefuses, 403),
    _between("no limits", ("midsync", "apikeyorg", "revidapi"), NeverRefuses, 429),
    _between("max_credits has no effect", ("apikeyorg",), IgnoresField, "max_credits"),
    _between("the callback field has no effect (MidSync)", ("midsync",), IgnoresField, "callbackUrl"),
    _between("the callback field has no effect (API-Key)", ("apikeyorg",), IgnoresField, "callback_url"),
    _between("the callback field has no effect (/v2)", ("v2gateway",), IgnoresField, "notify_hook"),
    *(_between(f"{name} has no effect", ("midsync",), Deaf, name) for name in
      ("page", "limit", "model", "from", "to", "start_date", "end_date")),
    *(_between(f"{name} is read as one more", ("midsync", "revidapi"), OffByOne, name) for name in ("page", "limit")),
    *(_between(f"{name} has no effect", ("revidapi",), Deaf, name) for name in ("page", "limit", "model", "server_id", "status")),
    _between("the balance is never news", ("revidapi",), Stale, "getBalance"),
    _between("the limits are never news", ("revidapi",), Stale, "getLimits"),
    _between("the summary is never news", ("midsync",), Stale, "getUsageSummary"),
)  # fmt: skip
"""Every domain mutant; a name is unique within a provider."""

__all__ = ["EVERYONE", "MUTANTS", "DomainMutant"]
