"""MidSync's API for a shop that cannot afford surprises: calls that end in time, signatures, files that are whole."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import os
import random
import time
from typing import Any
from urllib.parse import urlsplit

import aiohttp

BASE = os.environ["MIDSYNC_BASE_URL"]
KEY = os.environ["MIDSYNC_API_KEY"]
SECRET = os.environ["MIDSYNC_WEBHOOK_SECRET"]
# Seconds: for one call, between two polls, and for one video. Against a real provider: 20, 5 and 1800.
TIMEOUT = float(os.environ.get("SHOP_TIMEOUT", "1"))
PAUSE = float(os.environ.get("SHOP_PAUSE", "0.05"))
PATIENCE = float(os.environ.get("SHOP_PATIENCE", "4"))
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
                raw = await whole(answer, MOST_BYTES["answer"])
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
        try:
            return int(content["pagination"]["total"]), list(content["logs"])
        except (KeyError, TypeError, ValueError) as error:
            raise DoubtError(0) from error

    async def file(self, url: str) -> bytes | None:
        """Return a video that is whole and is one, or None. The key goes to the API alone, not to where files are."""
        if urlsplit(url)[:2] != urlsplit(BASE)[:2]:
            return None
        limit = aiohttp.ClientTimeout(total=PATIENCE, sock_read=TIMEOUT)
        try:
            async with self._http.get(url, timeout=limit, allow_redirects=False) as answer:
                if answer.status != 200 or not answer.content_type.startswith("video/"):
                    return None
                data = await whole(answer, MOST_BYTES["file"])
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None
        return data if is_whole_mp4(data) else None


async def whole(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """Return a body of at most so many bytes; raises ClientError for a longer one and for one that breaks off."""
    data = bytearray()
    async for piece in answer.content.iter_chunked(1 << 16):
        data += piece
        if len(data) > most:
            raise aiohttp.ClientPayloadError(f"more than {most} bytes")
    return bytes(data)


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
