"""A receiver of callbacks on loopback: records what comes, answers what it is told to, or hangs."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.web_request import BaseRequest


@dataclass(frozen=True)
class Callback:
    """One POST as it came."""

    path: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        """The JSON value."""
        return json.loads(self.raw)


class Receiver:
    """A server whose answers are programmed: `statuses` first, one by one, then `status` for ever."""

    def __init__(self) -> None:
        self.got: list[Callback] = []
        self.status = 200
        self.statuses: deque[int] = deque()
        self.headers: dict[str, str] = {}
        self.url = ""
        self._arrivals = asyncio.Condition()
        self._open = asyncio.Event()
        self._open.set()
        self._runner: web.ServerRunner | None = None

    async def start(self) -> None:
        """Open the port."""
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/hook"

    async def stop(self) -> None:
        """Let everything hanging go and close the port."""
        self.release()
        if self._runner is not None:
            await self._runner.cleanup()

    def hang(self) -> None:
        """Answer nothing until released."""
        self._open.clear()

    def release(self) -> None:
        """Answer everything that hangs."""
        self._open.set()

    async def arrived(self, count: int = 1) -> list[Callback]:
        """Wait until `count` callbacks have come, and return all."""
        async with asyncio.timeout(10), self._arrivals:
            await self._arrivals.wait_for(lambda: len(self.got) >= count)
        return list(self.got)

    async def _handle(self, request: BaseRequest) -> web.Response:
        raw = await request.read()
        async with self._arrivals:
            self.got.append(Callback(request.path, request.headers.copy(), raw))
            self._arrivals.notify_all()
        await self._open.wait()
        status = self.statuses.popleft() if self.statuses else self.status
        return web.Response(status=status, headers=self.headers)
