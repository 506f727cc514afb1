"""Serves result files under /cdn with ETag and range requests; the URL carries the universe and a token.

A task's file passes the faults of its universe; an upload's or a sample's does not, as no task made it. Once the whole
of a task's file was sent in one reply, the task's result counts as collected.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from aiohttp import web
from aiohttp.web_request import BaseRequest

from soundstage import media
from soundstage.core.assets import asset_path
from soundstage.core.call import BlobRef, Reply
from soundstage.core.task import Task, mark_collected
from soundstage.core.uploads import SAMPLE, Upload
from soundstage.core.view import Tx
from soundstage.core.world import World
from soundstage.edge.wire import send_bent
from soundstage.store.blobs import BlobStore


@dataclass(frozen=True, slots=True)
class Range:
    """The bytes first..last of a file, both inclusive; none of them where first > last."""

    first: int
    last: int


_NOTHING = Range(1, 0)
# Bytes of an upload in memory while it is sent.
_PIECE = 262_144
_SAMPLES = ("image/png", "video/mp4", "audio/wav")


@dataclass(frozen=True, slots=True)
class _File:
    """A file as it is to be sent; `task_id` names the task of which this is the whole result, None where it is none's.

    What a fault leaves of a result is not the whole of it.
    """

    reply: Reply
    task_id: str | None = None


async def serve_asset(request: BaseRequest, path: str, world: World, blobs: BlobStore) -> web.StreamResponse:
    """Answer GET and HEAD on /cdn/{universe}/{task, upload or "sample"}/{token}.{ext}."""
    if request.method not in {"GET", "HEAD"}:
        return web.Response(status=405, headers={"Allow": "GET, HEAD"}, text="use GET or HEAD\n")
    found = await _find(path, world)
    if isinstance(found, _File):
        response, whole = await _send_file(request, found.reply)
        if whole and found.task_id is not None:
            await _sent(request, response)
            await _collect(world, path.split("/")[2], found.task_id)
        return response
    kept = None if found is None else blobs.path(path.split("/")[2], found.sha256)
    if found is None or kept is None or found.content_type is None:
        return web.Response(status=404, text="no such file; take the URL from a finished task or an upload\n")
    return await _send_kept(request, kept, found, found.content_type)


async def _sent(request: BaseRequest, response: web.StreamResponse) -> None:
    """Send what has not been sent yet; raises ConnectionError when the client has left before its end."""
    await response.prepare(request)
    await response.write_eof()
    if request.transport is None or request.transport.is_closing():
        raise ConnectionResetError("the client has left")


async def _collect(world: World, universe: str, task_id: str) -> None:
    """Remember that somebody got the whole of a task's result, unless the task was forgotten meanwhile."""
    await world.run(universe, lambda tx: mark_collected(tx, task_id))


async def _find(path: str, world: World) -> _File | BlobRef | None:
    """Return a task's file, or an upload's bytes."""
    parts = path.split("/")
    if len(parts) != 5 or world.store.peek(parts[2]) is None:
        return None

    def look(tx: Tx) -> _File | BlobRef | None:
        upload: Upload | None = tx.get("upload", parts[3])
        if upload is not None:
            return _bytes_of(upload, path, tx)
        if parts[3] == SAMPLE:
            kinds = (kind for kind in _SAMPLES if path == asset_path(tx.universe_id, SAMPLE, 0, kind))
            return next((_File(_sample(kind)) for kind in kinds), None)
        return _result(tx, path, tx.get("task", parts[3]), world)

    return await world.run(parts[2], look)


def _result(tx: Tx, path: str, task: Task | None, world: World) -> _File | None:
    """Return a finished task's file as its faults let it be."""
    if task is None or task.state(tx.now) != "succeeded":
        return None
    provider = world.providers[task.provider]
    for number, content_type in enumerate(provider.asset_types(task)):
        if path == asset_path(tx.universe_id, task.id, number, content_type):
            file = _sample(content_type)
            reply = world.bender.download(tx, task, provider, file, str(number))
            return _File(reply, task.id if reply.status == 200 and reply.body == file.body else None)
    return None


def _sample(content_type: str) -> Reply:
    return Reply(media.sample(content_type), content_type=content_type)


def _bytes_of(upload: Upload, path: str, tx: Tx) -> BlobRef | None:
    blob = upload.blob
    if blob is None or blob.content_type is None or upload.state(tx.now) not in {"ready", "processing"}:
        return None
    return blob if path == asset_path(tx.universe_id, upload.id, 0, blob.content_type) else None


async def _send_file(request: BaseRequest, reply: Reply) -> tuple[web.StreamResponse, bool]:
    """Answer with a file, the part of it the client asked for, or 304 when the client has it; or what stands for it.

    Tells as well whether the whole of `reply` leaves. Raises LostError where the connection ends on purpose.
    """
    data: bytes = reply.body
    status, headers = reply.status, {"Content-Type": reply.content_type, "Cache-Control": "no-store"}
    if status == 200:
        plan = _plan(request, f'"{blake2b(data, digest_size=12).hexdigest()}"', len(data), reply.content_type)
        data, status, headers = data[plan.part.first : plan.part.last + 1], plan.status, plan.headers
    headers.update(reply.headers)
    whole = request.method == "GET" and len(data) == len(reply.body)
    if reply.wire is None or not data:
        return web.Response(status=status, body=data or None, headers=headers), whole
    return await send_bent(request, status, headers, data, reply.wire), whole


async def _send_kept(request: BaseRequest, kept: Path, blob: BlobRef, content_type: str) -> web.StreamResponse:
    """Send an upload the same way, without ever holding more than a piece of it."""
    plan = _plan(request, f'"{blob.sha256[:24]}"', blob.size, content_type)
    left = plan.part.last - plan.part.first + 1
    if left <= 0:
        return web.Response(status=plan.status, headers=plan.headers)
    response = web.StreamResponse(status=plan.status, headers=plan.headers)
    response.content_length = left
    # Whoever stops reading changes nothing.
    with kept.open("rb") as file, suppress(ConnectionError):
        file.seek(plan.part.first)
        await response.prepare(request)
        while request.method == "GET" and (piece := await asyncio.to_thread(file.read, min(left, _PIECE))):
            await response.write(piece)
            left -= len(piece)
        await response.write_eof()
    return response


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a file is answered: the part that is sent is empty where nothing is."""

    status: int
    headers: dict[str, str]
    part: Range


def _plan(request: BaseRequest, etag: str, size: int, content_type: str) -> _Plan:
    headers = {
        "Content-Type": content_type,
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "public, max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
    }
    if _has(request.headers.get("If-None-Match"), etag):
        return _Plan(304, headers, _NOTHING)
    asked = request.headers.get("Range")
    found = None if asked is None or request.headers.get("If-Range", etag) != etag else parse_range(asked, size)
    if found is None:
        return _Plan(200, headers, Range(0, size - 1))
    if found.first > found.last:
        return _Plan(416, {**headers, "Content-Range": f"bytes */{size}"}, _NOTHING)
    return _Plan(206, {**headers, "Content-Range": f"bytes {found.first}-{found.last}/{size}"}, found)


def parse_range(text: str, size: int) -> Range | None:
    """Return the range a header asks for; None when it is to be ignored, first > last when it cannot be served.

    Several ranges in one header are ignored, as RFC 9110 allows.
    """
    unit, _, spec = text.partition("=")
    first, dash, last = spec.strip().partition("-")
    digits = (first + last).isascii() and (first + last).isdigit() and len(first + last) < 40
    if unit.strip().lower() != "bytes" or not dash or not digits:
        return None
    if not first:
        return Range(max(0, size - int(last)), size - 1) if int(last) else _NOTHING
    start = int(first)
    stop = min(int(last), size - 1) if last else size - 1
    if last and int(last) < start:
        return None
    return Range(start, stop) if start < size else _NOTHING


def _has(header: str | None, etag: str) -> bool:
    if header is None:
        return False
    return any(one.strip().removeprefix("W/") in {etag, "*"} for one in header.split(","))
