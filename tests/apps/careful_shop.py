"""A shop that sells videos made by MidSync, written so that a bad day costs neither the shop nor its customers money.

It creates with a callback URL, polls as well, and fetches the file. Comments say what each precaution is against. Waits
and time-outs come from the environment, so that tests need not take as long as real videos do.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import secrets
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
from aiohttp import web
from careful_midsync import (
    CREATE,
    PATIENCE,
    PAUSE,
    QUOTE,
    TRIES,
    BusyError,
    DoubtError,
    MidSync,
    RefusedError,
    back_off,
    is_signed,
)

# Seconds for callbacks that come late.
LINGER = float(os.environ.get("SHOP_LINGER", "0.3"))


@dataclass
class Order:
    """What a customer bought, and everything known about it."""

    prompt: str
    model: str
    # Only MidSync is ever told the order's callback URL, so whoever calls it speaks of this order.
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    offered: float | None = None
    number: int = 0
    task_id: str | None = None
    told: str | None = None
    outcome: str | None = None
    customer: str = "waits"
    paid: float | None = None
    trouble: str = ""
    news: asyncio.Event = field(default_factory=asyncio.Event)


class Shop:
    """Takes orders, has them made, and keeps its own book of what it paid."""

    def __init__(self, midsync: MidSync, folder: Path) -> None:
        self.orders: dict[str, Order] = {}
        self.hooks = ""
        self._midsync = midsync
        self._folder = folder
        self._creating = asyncio.Lock()
        self._before = 0
        self._made = 0

    async def open(self) -> None:
        """Remember where the usage log stands, so that what comes into it later is known to be ours."""
        self._before, _ = await self._midsync.charges()

    async def sell(self, order: Order) -> None:
        """See an order through: the video is delivered, the customer has the money back, or a person looks at it."""
        self.orders[order.token] = order
        try:
            offer = await self._midsync.ask("POST", QUOTE, {"model": order.model, "prompt": order.prompt})
            order.offered = offer.get("pointsCharged")
            if isinstance(order.offered, int | float):
                await self._create(order)
            else:
                self._end(order, "not made", "refunded", "there is no price")
            if order.outcome is None:
                await self._follow(order)
        except (RefusedError, BusyError) as error:
            self._end(order, order.outcome or "not made", "refunded", str(error))

    async def _create(self, order: Order) -> None:
        """Have one task made, and not two. One create at a time, so that the usage log tells whose a charge is."""
        body = {"model": order.model, "prompt": order.prompt, "callbackUrl": f"{self.hooks}/{order.token}"}
        async with self._creating:
            for attempt in range(TRIES):
                # On disk before it is sent: after a crash we know what to look for.
                self._note(order, "sending")
                made: bool | None = False
                seconds = 0.0
                try:
                    answer = await self._midsync.call("POST", CREATE, body)
                    order.task_id = answer["taskId"] if isinstance(answer.get("taskId"), str) else None
                    made = order.task_id is not None or await self._was_made()
                except DoubtError as doubt:
                    made, seconds = await self._was_made(), doubt.seconds
                except BusyError as busy:
                    seconds = busy.seconds
                if made is None:
                    self._end(order, "unknown", "waits", "nobody knows whether it was made")
                    return
                if made:
                    self._made += 1
                    order.number = self._made
                    self._note(order, "made")
                    return
                await back_off(attempt, seconds)
        self._end(order, "not made", "refunded", "MidSync takes no orders")

    async def _was_made(self) -> bool | None:
        """Look into the usage log whether a create without an answer was carried out; None when nobody can tell.

        MidSync knows no idempotency keys. Looked at twice, for a call may still be on its way.
        """
        for attempt in range(2):
            await back_off(attempt)
            try:
                total, _ = await self._midsync.charges()
            except (RefusedError, BusyError):
                return None
            if total > self._before + self._made:
                return True
        return False

    async def _follow(self, order: Order) -> None:
        """Wait for the end. Only a poll tells it: callbacks may be late, double or wrong, and just ring the bell."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            order.news.clear()
            # Where the create's answer was lost, the callback to the order's own URL says which task it is.
            task_id = order.task_id or order.told
            if task_id is not None and await self._look(order, task_id):
                return
            try:
                async with asyncio.timeout(PAUSE * random.uniform(0.8, 1.2)):
                    await order.news.wait()
            except TimeoutError:
                continue
        # Not a failure: the task may end, and be charged, at any time.
        self._end(order, "unknown", "waits", "no end in sight")

    async def _look(self, order: Order, task_id: str) -> bool:
        """Poll once and act on an end; False means look again later, as every word we do not know does."""
        try:
            status = await self._midsync.ask("GET", f"/unified-video/{quote(task_id, safe='')}/status")
        except (RefusedError, BusyError):
            return False
        others = {one.task_id for one in self.orders.values() if one is not order}
        if status.get("taskId") != task_id or task_id in others:
            return False
        order.task_id = task_id
        if status.get("status") == "completed":
            return await self._deliver(order, status)
        return status.get("status") == "failed" and await self._give_back(order)

    async def _deliver(self, order: Order, status: dict[str, Any]) -> bool:
        """Give the customer the video; one that cannot be had in full is asked for again at the next look."""
        output = status.get("output")
        url = output.get("videoUrl") if isinstance(output, dict) else None
        data = await self._midsync.file(url) if isinstance(url, str) else None
        if data is None:
            return False
        kept = self._folder / f"{hashlib.sha256(order.token.encode()).hexdigest()[:16]}.mp4"
        await asyncio.to_thread(kept.write_bytes, data)
        order.paid = await self._charged(order)
        drifted = order.paid is not None and order.paid != order.offered
        self._end(order, "succeeded", "has the video", f"offered at {order.offered}" if drifted else "")
        return True

    async def _give_back(self, order: Order) -> bool:
        """Give the customer the money back; it is over when MidSync has given ours back as well."""
        order.customer = "refunded"
        order.paid = await self._charged(order)
        if order.paid:
            return False
        self._end(order, "refunded", "refunded", "" if order.paid == 0 else "the charge is not known")
        return True

    async def _charged(self, order: Order) -> float | None:
        """Return what MidSync's books say an order costs. The create's answer may lack it, or be wrong."""
        try:
            total, rows = await self._midsync.charges()
        except (RefusedError, BusyError):
            return None
        place = total - self._before - order.number
        row = rows[place] if order.number and place < len(rows) else {}
        charged = row.get("pointsCharged")
        return charged if isinstance(charged, int | float) and row.get("model") == order.model else None

    async def hook(self, request: web.Request) -> web.Response:
        """Take a callback: check who sent it, remember what it says, answer at once. A second one changes nothing."""
        order = self.orders.get(request.match_info["token"])
        raw = await request.read()
        if order is None or not is_signed(request.headers, raw):
            return web.Response(status=401)
        try:
            task_id = json.loads(raw).get("taskId")
        except (ValueError, AttributeError):
            task_id = None
        order.told = task_id if isinstance(task_id, str) else order.told
        order.news.set()
        return web.Response(status=204)

    def _end(self, order: Order, outcome: str, customer: str, trouble: str) -> None:
        order.outcome, order.customer, order.trouble = outcome, customer, trouble
        self._note(order, outcome)

    def _note(self, order: Order, what: str) -> None:
        line = {"order": order.prompt, "what": what, "task": order.task_id, "paid": order.paid, "why": order.trouble}
        with (self._folder / "book.jsonl").open("a") as book:
            book.write(json.dumps(line) + "\n")

    def beliefs(self) -> list[dict[str, Any]]:
        """Return what the shop believes; `unknown` is an order that waits for a person."""
        told = []
        for order in self.orders.values():
            if order.task_id is not None:
                sure = order.paid is not None and order.outcome != "unknown"
                belief = {"task_id": order.task_id, "outcome": order.outcome}
                told.append(belief | ({"credits": str(order.paid)} if sure else {}))
        return told


async def main() -> int:
    """Sell two videos and tell what became of them."""
    with tempfile.TemporaryDirectory() as folder:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            shop = Shop(MidSync(http), Path(folder))
            app = web.Application(client_max_size=1 << 18)
            app.router.add_post("/hooks/{token}", shop.hook)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            shop.hooks = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks"
            await shop.open()
            orders = [Order("a fox in the snow", "grok-video"), Order("a ship at night", "kling-2.5-turbo")]
            await asyncio.gather(*map(shop.sell, orders))
            await asyncio.sleep(LINGER)
            await runner.cleanup()
    for order in orders:
        print(f"{order.prompt}: {order.outcome}, customer {order.customer}, paid {order.paid} {order.trouble}")
    if "SOUNDSTAGE_BELIEFS" in os.environ:
        Path(os.environ["SOUNDSTAGE_BELIEFS"]).write_text(json.dumps(shop.beliefs()))
    return 0 if all(order.outcome is not None for order in orders) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
