"""What the tests of RevidAPI's files and dashboard share: a client whose every reply is judged, and a file server."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.web_request import BaseRequest

from soundstage.media import sample
from support.client import Answer, Client, House

PNG, MP4 = sample("image/png"), sample("video/mp4")
JPEG = b"\xff\xd8\xff\xe0" + bytes(100)
IMAGE = {"model": "nano-banana-pro", "prompt": "a paper boat"}
VIDEO = {"model": "kling-2.6", "prompt": "a paper boat", "server_id": "fast"}


@dataclass
class Revid(Client):
    """A client of RevidAPI with one key."""

    provider: str = "revidapi"

    async def form(self, path: str, *parts: tuple[str, Any]) -> Answer:
        """POST a multipart form; what is bytes is sent as a file."""
        form = aiohttp.FormData(default_to_multipart=True)
        for name, value in parts:
            if isinstance(value, bytes):
                form.add_field(name, io.BytesIO(value), filename="a.bin")
            else:
                form.add_field(name, value)
        payload = form()
        return await self.call("POST", path, data=payload, headers={"Content-Type": payload.headers["Content-Type"]})

    async def upload(self, kind: str, content: bytes) -> Answer:
        """Upload a file."""
        return await self.form(f"/v1/files/upload/{kind}", ("file", content))

    async def uploaded(self, kind: str, content: bytes) -> Any:
        """Upload a file, which must succeed."""
        answer = await self.upload(kind, content)
        assert answer.status == 200, answer.raw
        return answer.body

    async def upload_status(self, upload_id: str) -> Any:
        """Return an upload's status body."""
        answer = await self.get(f"/v1/files/upload/{upload_id}/status")
        assert answer.status == 200, answer.raw
        return answer.body

    async def presign(self, filename: str = "video.mp4", **more: Any) -> Any:
        """Ask for a presigned address, which must succeed."""
        answer = await self.post("/v1/files/upload/presign", {"filename": filename, **more})
        assert answer.status == 200, answer.raw
        return answer.body

    async def confirm(self, upload_id: Any) -> Answer:
        """Confirm an upload."""
        return await self.post("/v1/files/upload/confirm", {"upload_id": upload_id})

    async def fetch(self, url: str, kind: str = "video") -> Answer:
        """Have a file fetched."""
        return await self.post("/v1/files/upload-url", {"url": url, "type": kind})

    async def image(self, **fields: Any) -> str:
        """Create an image job, which must succeed, and return its id."""
        answer = await self.post("/v1/image/generate", {**IMAGE, **fields})
        assert answer.status == 200, answer.raw
        return str(answer["job_id"])

    async def video(self, **fields: Any) -> str:
        """Create a video job, which must succeed, and return its id."""
        answer = await self.post("/v1/video/generate", {**VIDEO, **fields})
        assert answer.status == 200, answer.raw
        return str(answer["job_id"])


def revid(house: House, key: str | None = None) -> Revid:
    """Return a client of RevidAPI."""
    return Revid(house.http, f"{house.url}/revidapi", key or house.key)


async def bare(house: House, method: str, url: str, data: Any = None, **headers: str) -> Answer:
    """Make a call without a key; bytes go as a file, since the client warns about large ones."""
    given = io.BytesIO(data) if isinstance(data, bytes) else data
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with house.http.request(method, url, data=given, headers=named, allow_redirects=False) as reply:
        return Answer(reply.status, await reply.read(), reply.headers)


class Source:
    """A server of files on loopback: by path, or hanging, or sending somewhere else."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.asked: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.url = ""
        self._stack = AsyncExitStack()
        self.hanging = asyncio.Event()
        self.release = asyncio.Event()

    async def __aenter__(self) -> Source:
        runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0.1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.release.set()
        await self._stack.aclose()

    async def _handle(self, request: BaseRequest) -> web.StreamResponse:
        self.asked.append(request.path)
        self.headers.append(request.headers.copy())
        if request.path == "/away":
            return web.Response(status=302, headers={"Location": f"{self.url}/there.mp4"})
        if request.path == "/hang":
            return await self._hang(request)
        if request.path not in self.files:
            return web.Response(status=404)
        # Nothing says how long it is.
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(self.files[request.path])
        await response.write_eof()
        return response

    async def _hang(self, request: BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(MP4[:100])
        self.hanging.set()
        await self.release.wait()
        return response
