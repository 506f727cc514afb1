"""What may still be spent: a price is taken off before its request is sent, and given back only when it was refused."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from math import inf
from threading import Lock

from soundstage_contracts import clock

UNDECIDED = frozenset({408, 425, 499})
"""Refusals that say nothing about what the target did before it gave up waiting."""


class Denied(Exception):  # noqa: N818 - what the guard says, not an error
    """A request that must not pass; `reason` is one of a few fixed phrases, `detail` is for a person."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail or reason


class Ledger:
    """Credits and requests that are left, safe to ask from several threads.

    `spent_at_most` is what the target can have taken: every price sent and not refused. The deadline is in seconds from
    now; None is no deadline, and no cap of requests.
    """

    def __init__(self, max_credits: Decimal, max_requests: int | None, deadline_seconds: float | None) -> None:
        if not (max_credits.is_finite() and max_credits >= 0):
            raise ValueError(f"the cap must be 0 credits or more, not {max_credits}")
        self.max_credits = max_credits
        self.max_requests = max_requests
        self._ends = clock.monotonic() + (inf if deadline_seconds is None else deadline_seconds)
        self._lock = Lock()
        self._spent = Decimal(0)
        self._given_back = Decimal(0)
        self._forwarded = 0
        self._denied: Counter[str] = Counter()
        self._stopped = ""
        self._surprises: list[str] = []

    @property
    def spent_at_most(self) -> Decimal:
        """The most credits that can have been spent so far."""
        with self._lock:
            return self._spent

    @property
    def forwarded(self) -> int:
        """How many requests were sent to the target."""
        with self._lock:
            return self._forwarded

    @property
    def denied(self) -> dict[str, int]:
        """How many requests were kept back, by reason."""
        with self._lock:
            return dict(self._denied)

    @property
    def surprises(self) -> tuple[str, ...]:
        """What the target charged beyond the documented price, one sentence each."""
        with self._lock:
            return tuple(self._surprises)

    def stop(self, why: str = "stopped") -> None:
        """Let nothing pass from now on."""
        with self._lock:
            self._stopped = self._stopped or why

    def deny(self, reason: str) -> None:
        """Count a request that was kept back."""
        with self._lock:
            self._denied[reason] += 1

    def reserve(self, price: Decimal, *, billable: bool) -> None:
        """Take a price and one request off what is left, or raise Denied and take nothing.

        `billable` says that the operation costs, even where this request's own ceiling is 0: a target may ignore it.
        """
        with self._lock:
            if self._stopped:
                raise Denied("stopped", self._stopped)
            if clock.monotonic() >= self._ends:
                raise Denied("past the deadline")
            if self.max_requests is not None and self._forwarded >= self.max_requests:
                raise Denied("over the cap of requests", f"{self.max_requests} requests were sent")
            if billable:
                self._afford(price)
            self._forwarded += 1
            self._spent += price

    def _afford(self, price: Decimal) -> None:
        if self._surprises:
            raise Denied("the target charged more than documented", self._surprises[0])
        if self.max_credits == 0:
            raise Denied("read-only", f"it may cost {price} credits, and none may be spent")
        if self._spent + price > self.max_credits:
            left = self.max_credits - self._spent
            raise Denied("over the cap of credits", f"it may cost {price} credits, and {left} are left")

    def settle(self, price: Decimal, status: int) -> None:
        """Give a price back when the target's status says for certain that it took nothing.

        A target that charges and refuses all the same would make the cap worthless, so no more than the cap is given
        back in all.
        """
        if 400 <= status < 500 and status not in UNDECIDED:
            with self._lock:
                if self._given_back + price <= self.max_credits:
                    self._given_back += price
                    self._spent -= price

    def surprise(self, price: Decimal, charged: Decimal, where: str) -> None:
        """Book what was charged beyond a price; nothing that costs passes after it."""
        with self._lock:
            self._spent += charged - price
            self._surprises.append(f"{where} charged {charged} credits where the documents allow {price}")
