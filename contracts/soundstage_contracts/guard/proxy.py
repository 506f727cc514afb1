"""The guard itself: listens on loopback, lets pass what is free or can be paid for, and answers all else itself."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from concurrent.futures import Future
from decimal import Decimal
from functools import partial
from threading import Thread
from typing import Any, NamedTuple, Self

from aiohttp import ClientError, web

from soundstage_contracts import clock
from soundstage_contracts.documents.contract import Contract
from soundstage_contracts.drivers.base import Driver
from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.guard.ledger import Denied, Ledger
from soundstage_contracts.guard.reading import AMBIGUOUS, UNPRICEABLE, Strictness, check_head, documented
from soundstage_contracts.guard.relay import (
    Relay,
    connection_factory,
    denial,
    hand_back,
    hang_up,
    read,
    session,
    stream_back,
    whole,
)
from soundstage_contracts.verdict import Outcome
from soundstage_contracts.wire import MOST_BYTES, base_of

_LONGEST_SECONDS = 30.0
# What reading a reply or a request as documented may raise where it is not as documented.
_UNREADABLE = (Outcome, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)


class _Running(NamedTuple):
    port: int
    loop: asyncio.AbstractEventLoop
    over: asyncio.Event


class Guard:
    """A proxy to one target; `with Guard(…) as guard:` and the suite knows `guard.url` only.

    `max_credits` 0 lets only free requests pass. `allow` names the operations that may be used at all, None every
    documented one. `timeout` is how many seconds a target may be silent.
    What is kept back is answered with 599 and the reason in the header `x-contract-guard`; where the target gives no
    answer the connection breaks, as it would without a guard.
    """

    def __init__(
        self,
        target_url: str,
        driver: Driver,
        max_credits: Decimal = Decimal(0),
        max_requests: int | None = 1000,
        deadline_seconds: float | None = 900.0,
        allow: Collection[str] | None = None,
        *,
        timeout: float = 60.0,
    ) -> None:
        """Guard `target_url`, what stands in for the provider's scheme and host."""
        self._base_url = base_of(target_url)
        self._driver = driver
        self._contract = Contract(driver.id, assumptions=True)
        self._strictness = Strictness(self._contract)
        self._allow = None if allow is None else frozenset(allow)
        self._timeout = timeout
        self.ledger = Ledger(max_credits, max_requests, deadline_seconds)
        self._started: Future[_Running] = Future()
        self._relay: Relay
        self._netloc = ""
        self._thread = Thread(target=self._run, name="contract-guard", daemon=True)

    @property
    def url(self) -> str:
        """What the suite uses as the target's base URL."""
        return f"http://{self._netloc}"

    @property
    def spent_at_most(self) -> Decimal:
        """The most credits that can have been spent so far."""
        return self.ledger.spent_at_most

    @property
    def forwarded(self) -> int:
        """How many requests were sent to the target."""
        return self.ledger.forwarded

    @property
    def denied(self) -> dict[str, int]:
        """How many requests were kept back, by reason."""
        return self.ledger.denied

    @property
    def surprises(self) -> tuple[str, ...]:
        """What the target charged beyond the documented price, one sentence each."""
        return self.ledger.surprises

    def stop(self, why: str = "stopped") -> None:
        """Let nothing pass from now on; the guard goes on answering."""
        self.ledger.stop(why)

    # ---- running ---------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._thread.start()
        self._netloc = f"127.0.0.1:{self._started.result(_LONGEST_SECONDS).port}"
        return self

    def __exit__(self, *error: object) -> None:
        self.stop("the run is over")
        running = self._started.result()
        running.loop.call_soon_threadsafe(running.over.set)
        self._thread.join(_LONGEST_SECONDS)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that started this one
            if not self._started.done():
                self._started.set_exception(error)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        async with session(self._timeout) as http:
            self._relay = Relay(self._base_url, http)
            server = web.Server(self._answer, request_factory=_request)
            listener = await loop.create_server(partial(connection_factory, server, loop), "127.0.0.1", 0, backlog=512)
            over = asyncio.Event()
            self._started.set_result(_Running(listener.sockets[0].getsockname()[1], loop, over))
            await over.wait()
            listener.close()
            await server.shutdown(1.0)

    # ---- one request -----------------------------------------------------------------------------------------------

    async def _answer(self, came: web.BaseRequest) -> web.StreamResponse:
        try:
            request = await read(came)
            price, billable = self._admit(request)
        except Denied as denied:
            self.ledger.deny(denied.reason)
            return denial(denied.reason, denied.detail)
        except web.HTTPRequestEntityTooLarge:
            self.ledger.deny("too large")
            return denial("too large", f"the guard carries bodies of up to {MOST_BYTES} bytes")
        return await self._forward(came, request, price if billable else None)

    def _admit(self, request: Request) -> tuple[Decimal, bool]:
        """Return the price that was reserved for a request and whether its operation costs at all, or raise Denied."""
        if request.header("host") not in {self._netloc, None}:
            raise Denied(AMBIGUOUS, "the header host names somebody else")
        check_head(request)
        operation = documented(self._contract, request)
        if self._allow is not None and operation.name not in self._allow:
            raise Denied("not on the allow-list", f"{operation.name} is not on the allow-list")
        price = self._price(request)
        # An operation that is free is so whatever its body says; of the others a request's own ceiling may be 0.
        billable = price > 0 or self._driver.worst_price(Request(request.method, request.path)) != 0
        if billable:
            self._strictness.check(operation, request)
        self.ledger.reserve(price, billable=billable)
        return price, billable

    def _price(self, request: Request) -> Decimal:
        try:
            price = self._driver.worst_price(request)
        except _UNREADABLE as error:
            raise Denied(UNPRICEABLE, f"its price cannot be read: {error}") from None
        if price is None or not price.is_finite() or price < 0:
            raise Denied(UNPRICEABLE, "no document says what it may cost")
        return price

    async def _forward(self, came: web.BaseRequest, request: Request, price: Decimal | None) -> web.StreamResponse:
        began = clock.monotonic()
        try:
            async with await self._relay.send(request) as reply:
                if reply.content_type == "text/event-stream":
                    return await stream_back(came, reply)
                complete = await whole(reply, began)
        except (ClientError, TimeoutError, OSError, ValueError):
            # Nobody knows what the target did before it fell silent, so its price stays spent.
            return hang_up(came)
        if price is not None:
            self._book(request, complete, price)
        return await hand_back(came, complete, reply.reason)

    def _book(self, request: Request, reply: Reply, price: Decimal) -> None:
        self.ledger.settle(price, reply.status)
        if reply.status >= 300:
            return
        try:
            charged = self._driver.created(reply).price
        except _UNREADABLE:
            return
        if charged is not None and charged > price:
            self.ledger.surprise(price, charged, f"{request.method} {request.path.partition('?')[0]}")


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MOST_BYTES)
