"""*base*: the least an honest aiohttp + uvloop + pydantic + orjson server does for a create, a poll and a chat.

No auth, no ledger, no journal, no logging: what Soundstage is measured against, not a rival. Nothing is held
back: it keeps answers as small dicts, answers orjson bytes, and tunes the collector as Soundstage does.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import signal
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web
from event_loop import run
from pydantic import BaseModel, ConfigDict, Field, ValidationError

if TYPE_CHECKING:
    from poster import Poster

CAPACITY = 250_000
"""Records kept: as many finished tasks as Soundstage keeps by default."""


class Create(BaseModel):
    """The body of a create call."""

    model_config = ConfigDict(extra="ignore")

    model: str = Field(min_length=1, max_length=100)
    prompt: str = Field(min_length=1, max_length=10_000)
    duration: int | None = Field(default=None, ge=1, le=60)
    resolution: str | None = None
    aspectRatio: str | None = None  # noqa: N815 - the wire's spelling
    generateAudio: bool | None = None  # noqa: N815
    callbackUrl: str | None = None  # noqa: N815


class Message(BaseModel):
    """One message of a chat."""

    role: str
    content: str = Field(max_length=100_000)


class Chat(BaseModel):
    """The body of a chat call."""

    model_config = ConfigDict(extra="ignore")

    model: str = Field(min_length=1, max_length=100)
    messages: list[Message] = Field(min_length=1)
    max_tokens: int | None = Field(default=None, ge=1)
    stream: bool = False


SAYS = "It depends on what matters most to you. " * 6


class Records:
    """Tasks by id, oldest dropped at the cap (a deque of keys: popping a dict's first key slows down)."""

    def __init__(self) -> None:
        self.by_id: dict[str, dict[str, Any]] = {}
        self.order: deque[str] = deque()
        self.bits = random.Random(1).getrandbits

    def add(self, body: Create) -> dict[str, Any]:
        """Store a new record and return it."""
        task_id = f"{self.bits(96):024x}"
        record = {
            "success": True,
            "taskId": task_id,
            "providerTaskId": f"{self.bits(96):024x}",
            "model": body.model,
            "providerModel": body.model,
            "pointsCharged": 20,
            "status": "submitted",
            "createdAt": time.time(),
            "prompt": body.prompt,
            "duration": body.duration,
            "resolution": body.resolution,
        }
        self.by_id[task_id] = record
        self.order.append(task_id)
        if len(self.order) > CAPACITY:
            del self.by_id[self.order.popleft()]
        return record


class BaseApp:
    """The three handlers, and a signed callback when the create asks for one."""

    def __init__(self) -> None:
        self.records = Records()
        self.poster: Poster | None = None

    async def create(self, request: web.Request) -> web.Response:
        """POST /unified-video/generate."""
        try:
            body = Create.model_validate_json(await request.read())
        except ValidationError as error:
            return answer({"success": False, "error": str(error)}, 400)
        record = self.records.add(body)
        if body.callbackUrl is not None:
            self.call_back(body.callbackUrl, record)
        return answer(record)

    async def chat(self, request: web.Request) -> web.Response:
        """POST /v1/chat/completions: always the same words, with usage counted."""
        try:
            body = Chat.model_validate_json(await request.read())
        except ValidationError as error:
            return answer({"error": {"message": str(error)}}, 400)
        asked = sum(len(message.content) for message in body.messages) // 4
        message = {"role": "assistant", "content": SAYS, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        usage = {"prompt_tokens": asked, "completion_tokens": 60, "total_tokens": asked + 60}
        return answer(
            {
                "id": f"chatcmpl-{self.records.bits(96):024x}",
                "object": "chat.completion",
                "created": int(time.time()),
                "model": body.model,
                "choices": [choice],
                "usage": usage,
            }
        )

    async def status(self, request: web.Request) -> web.Response:
        """GET /unified-video/{taskId}/status."""
        record = self.records.by_id.get(request.match_info["taskId"])
        if record is None:
            return answer({"success": False, "error": "Task not found"}, 404)
        return answer(record)

    def call_back(self, url: str, record: dict[str, Any]) -> None:
        """Queue one signed callback; its client is loaded at the first, so that start-up stays bare."""
        if self.poster is None:
            from poster import Poster

            self.poster = Poster()
        self.poster.put(url, record["taskId"], orjson.dumps(record))

    async def close(self, _app: web.Application) -> None:
        """Stop the callback workers."""
        if self.poster is not None:
            await self.poster.close()


def answer(value: dict[str, Any], status: int = 200) -> web.Response:
    """Answer *value* as JSON: orjson bytes in a plain response."""
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")


async def serve(port: int, preload: int) -> None:
    """Serve on loopback until SIGTERM or SIGINT."""
    base = BaseApp()
    sample = Create(model="seedance-1.5-pro", prompt="A beach at sunset", duration=8, resolution="720p")
    for _ in range(preload):
        base.records.add(sample)
    app = web.Application()
    app.router.add_post("/unified-video/generate", base.create)
    app.router.add_post("/v1/videos", base.create)
    app.router.add_post("/v1/image/generate", base.create)
    app.router.add_post("/v1/chat/completions", base.chat)
    app.router.add_get("/unified-video/{taskId}/status", base.status)
    app.on_cleanup.append(base.close)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=1024)
    await site.start()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    print(f"READY http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await stop.wait()
    await runner.cleanup()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--preload", type=int, default=0, metavar="N", help="records stored before READY")
    arguments = parser.parse_args()
    run(serve(arguments.port, arguments.preload))


if __name__ == "__main__":
    main()
