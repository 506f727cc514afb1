"""A shop that sells videos made by MidSync, written so that a bad day costs neither the shop nor its customers money.

It creates with a callback URL, polls as well, and fetches the file. Comments say what each precaution is against. Waits
and time-outs come from the environment, so that tests need not take as long as real videos do.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
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
from urllib.parse import quote, urlsplit

import aiohttp
from aiohttp import web

BASE = os.environ["MIDSYNC_BASE_URL"]
KEY = os.environ["MIDSYNC_API_KEY"]
SECRET = os.environ["MIDSYNC_WEBHOOK_SECRET"]
# Seconds: for one call, between two polls, for one video, and for callbacks that come late.
TIMEOUT = float(os.environ.get("SHOP_TIMEOUT", "20"))
PAUSE = float(os.environ.get("SHOP_PAUSE", "5"))
PATIENCE = float(os.environ.get("SHOP_PATIENCE", "1800"))
LINGER = float(os.environ.get("SHOP_LINGER", "60"))
TRIES = 4
MOST_BYTES = {"answer": 1 << 20, "file": 1 << 28}
CREATE, QUOTE, LOGS = "/v1/videos/generations", "/unified-video/quote", "/v1/usage/logs?limit=100"


class RefusedError(Exception):
    """MidSync said no: nothing was done, and the same call would be refused again."""


class BusyError(Exception):
    """MidSync said "not now": nothing was done, and the same call may be sent again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"busy for {seconds:g} s")
        self.seconds = seconds


class DoubtError(BusyError):
    """No answer that could be understood: the call may have been carried out, or may not."""


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


class MidSync:
    """MidSync's API: every call ends in time, with an answer or with what is known instead."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Make one call; raises RefusedError, BusyError or DoubtError."""
        headers = {"Authorization": f"Bearer {KEY}"}
        limit = aiohttp.ClientTimeout(total=TIMEOUT)
        try:
            # A redirect is not followed: it could carry the key, or a second create, anywhere.
            async with self._http.request(
                method, BASE + path, json=body, headers=headers, timeout=limit, allow_redirects=False
            ) as answer:
                raw = await answer.content.read(MOST_BYTES["answer"])
                # What was promised and did not come is noticed here.
                raw += await answer.content.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise DoubtError(0) from error
        wait = answer.headers.get("Retry-After", "0")
        seconds = min(float(wait), PATIENCE) if wait.isascii() and wait.isdigit() else 0.0
        if answer.status == 429:
            raise BusyError(seconds)
        if 400 <= answer.status < 500 and answer.status not in {408, 409, 425}:
            raise RefusedError(f"{answer.status} {raw[:200].decode('utf-8', 'replace')}")
        try:
            content = json.loads(raw)
        except ValueError:
            content = None
        if answer.status != 200 or not isinstance(content, dict):
            raise DoubtError(seconds)
        return content

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Make a call that changes nothing, as often as needed; raises what the last one raised."""
        for attempt in range(TRIES):
            try:
                return await self.call(method, path, body)
            except BusyError as busy:
                if attempt == TRIES - 1:
                    raise
                await back_off(attempt, busy.seconds)
        raise AssertionError

    async def charges(self) -> tuple[int, list[dict[str, Any]]]:
        """Return how many requests were ever charged to this key, and the newest of them."""
        content = await self.ask("GET", LOGS)
        return content["pagination"]["total"], content["logs"]

    async def file(self, url: str) -> bytes | None:
        """Return a video that is whole and is one, or None. The key goes to the API alone, not to where files are."""
        if urlsplit(url)[:2] != urlsplit(BASE)[:2]:
            return None
        limit = aiohttp.ClientTimeout(total=PATIENCE, sock_read=TIMEOUT)
        try:
            async with self._http.get(url, timeout=limit, allow_redirects=False) as answer:
                if answer.status != 200 or not answer.content_type.startswith("video/"):
                    return None
                data = b"".join([piece async for piece in answer.content.iter_chunked(1 << 16)])
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None
        return data if len(data) < MOST_BYTES["file"] and is_whole_mp4(data) else None


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
                try:
                    answer = await self._midsync.call("POST", CREATE, body)
                    order.task_id = answer.get("taskId")
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
        """Wait for the end. Only a poll tells it: callbacks may be late, double, old or wrong, and just ring the bell."""
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


async def back_off(attempt: int, at_least: float = 0.0) -> None:
    """Wait longer each time, and never less than was asked for; a little by chance, so that not all come at once."""
    await asyncio.sleep(at_least + PAUSE * (2**attempt - 1) * random.uniform(0.5, 1))


def is_signed(headers: Any, raw: bytes) -> bool:
    """Tell whether MidSync signed these bytes within the last five minutes (Standard Webhooks)."""
    event, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (sent.isascii() and sent.isdigit()) or abs(time.time() - int(sent)) > 300:
        return False
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{event}.{sent}.".encode() + raw, "sha256")
    wanted = b"v1," + base64.b64encode(digest)
    given = headers.get("webhook-signature", "").encode("utf-8", "surrogateescape").split()
    return any(hmac.compare_digest(wanted, one) for one in given)


def is_whole_mp4(data: bytes) -> bool:
    """Tell whether a file is an MP4 whose boxes, what is needed to play it among them, end where it ends."""
    boxes, at = set(), 0
    while at + 8 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        boxes.add(kind)
        if size < 8:
            return False
        at += size
    return at == len(data) and {b"ftyp", b"moov", b"mdat"} <= boxes


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
