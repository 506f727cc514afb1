"""A shop that sells videos made by MidSync, written as such code often is: on a good day it works. Not an example.

Each comment names what is wrong beside it; `soundstage chaos` finds every one of them.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

BASE = os.environ["MIDSYNC_BASE_URL"]
KEY = os.environ["MIDSYNC_API_KEY"]
# Seconds: for one call, between two polls, for one video, for late callbacks. Against a real provider: 20, 5, 600, 60.
TIMEOUT = float(os.environ.get("SHOP_TIMEOUT", "1"))
PAUSE = float(os.environ.get("SHOP_PAUSE", "0.05"))
PATIENCE = float(os.environ.get("SHOP_PATIENCE", "2"))
LINGER = float(os.environ.get("SHOP_LINGER", "0.3"))
OUTCOMES = {"completed": "succeeded", "submitted": "pending", "processing": "pending"}


@dataclass
class Order:
    """What a customer bought."""

    prompt: str
    price: float = 0
    task_id: str = ""
    state: str = "new"
    paid: float = 0
    url: str = ""
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Shop:
    """Takes orders and has them made."""

    def __init__(self, http: aiohttp.ClientSession, folder: Path) -> None:
        self.by_task: dict[str, Order] = {}
        self.hook_url = ""
        self._http = http
        self._folder = folder

    async def quote(self, order: Order) -> None:
        """Ask what it costs."""
        async with self._http.post(f"{BASE}/unified-video/quote", json=self._body(order)) as answer:
            # What is absent is not free. And what create says it charged is never looked at.
            order.price = (await answer.json()).get("pointsCharged", 0)

    async def create(self, order: Order, **more: str) -> bool:
        """Have it made."""
        for _ in range(3):
            try:
                async with self._http.post(f"{BASE}/v1/videos/generations", json=self._body(order) | more) as answer:
                    if answer.status == 429:
                        # All slots are taken, the order will be sent "with the next run", which there is not.
                        return False
                    answer.raise_for_status()
                    order.task_id = (await answer.json())["taskId"]
                    break
            except (aiohttp.ClientConnectionError, aiohttp.ClientResponseError, TimeoutError):
                # The answer is lost, the task may not be: the next one is paid as well.
                continue
        self.by_task[order.task_id] = order
        order.state = "submitted"
        return True

    async def poll(self, order: Order) -> None:
        """Wait for the end of an order by asking again and again."""
        waited = 0.0
        while True:
            async with self._http.get(f"{BASE}/unified-video/{order.task_id}/status") as answer:
                status = await answer.json()
            order.state = status["status"]
            if order.state == "completed":
                order.paid += order.price
                # A video that is done need not be there.
                order.url = status["output"]["videoUrl"]
                return
            if order.state == "failed":
                # The reason may be missing. And the points came back, but our book never hears of it.
                order.paid += order.price
                print(f"{order.prompt} failed: {status['error'].lower()}")
                return
            if order.state in {"submitted", "processing"}:
                waited += PAUSE
            # Any other word has to change some time: this waits for ever.
            if waited > PATIENCE:
                # It is taking too long, and not failed: MidSync goes on, and charges.
                order.state = "refunded"
                return
            await asyncio.sleep(PAUSE)

    async def called_back(self, order: Order) -> None:
        """Wait for the end of an order by being told, and by nothing else."""
        try:
            async with asyncio.timeout(PATIENCE):
                await order.ended.wait()
        except TimeoutError:
            # A callback that did not come does not say that the task failed.
            order.state = "refunded"

    async def hook(self, request: web.Request) -> web.Response:
        """Take a callback, whoever sent it."""
        body = await request.json()
        order = self.by_task.get(body["taskId"])
        if order is None:
            # Perhaps the answer to the create has not come yet: now nobody will ever be told.
            return web.Response()
        # Old news is taken for new, and what comes twice is booked twice.
        order.state = body["status"]
        if body["status"] == "completed":
            order.paid += order.price
            order.url = (body["output"] or {}).get("videoUrl", "")
        order.ended.set()
        return web.Response()

    async def deliver(self, order: Order) -> None:
        """Fetch the file, whatever comes in its place."""
        if order.url:
            async with self._http.get(order.url) as answer:
                await asyncio.to_thread((self._folder / f"{order.task_id}.mp4").write_bytes, await answer.read())

    def _body(self, order: Order) -> dict[str, Any]:
        # There is no field of this name: the video is silent, and nobody says so.
        return {"model": "grok-video", "prompt": order.prompt, "audio": True}


async def main() -> int:
    """Sell two videos, one polled for and one with a callback, and tell what became of them."""
    with tempfile.TemporaryDirectory() as folder:
        headers = {"Authorization": f"Bearer {KEY}"}
        async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=TIMEOUT)) as http:
            shop = Shop(http, Path(folder))
            app = web.Application()
            app.router.add_post("/hook", shop.hook)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            shop.hook_url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
            polled, told = orders = [Order("a fox in the snow"), Order("a ship at night")]
            await shop.quote(polled)
            if await shop.create(polled):
                await shop.poll(polled)
                await shop.deliver(polled)
            await shop.quote(told)
            if await shop.create(told, callbackUrl=shop.hook_url):
                await shop.called_back(told)
                await shop.deliver(told)
            await asyncio.sleep(LINGER)
            await runner.cleanup()
    for order in orders:
        print(f"{order.prompt}: {order.state}, paid {order.paid}")
    if "SOUNDSTAGE_BELIEFS" in os.environ:
        beliefs = [
            {"task_id": one.task_id, "outcome": OUTCOMES.get(one.state, one.state), "credits": str(one.paid)}
            for one in orders
            if one.task_id
        ]
        Path(os.environ["SOUNDSTAGE_BELIEFS"]).write_text(json.dumps(beliefs))
    return 1 if any(order.state == "new" for order in orders) else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
