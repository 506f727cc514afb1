"""Serves result files under /cdn with ETag and range requests; the URL carries the universe and a token."""

import asyncio
from dataclasses import dataclass
from hashlib import blake2b

from aiohttp import web
from aiohttp.web_request import BaseRequest

from soundstage import media
from soundstage.core.assets import asset_path
from soundstage.core.call import BlobRef
from soundstage.core.uploads import Upload
from soundstage.core.view import Tx
from soundstage.core.world import World
from soundstage.store.blobs import BlobStore


@dataclass(frozen=True, slots=True)
class Range:
    """The bytes first..last of a file, both inclusive; None for a range that cannot be served."""

    first: int
    last: int


async def serve_asset(request: BaseRequest, path: str, world: World, blobs: BlobStore) -> web.Response:
    """Answer GET and HEAD on /cdn/{universe}/{task or upload}/{token}.{ext}."""
    if request.method not in {"GET", "HEAD"}:
        return web.Response(status=405, headers={"Allow": "GET, HEAD"}, text="use GET or HEAD\n")
    found = await _find(path, world)
    if isinstance(found, str):
        return send_file(request, media.sample(found), found)
    kept = None if found is None else blobs.path(path.split("/")[2], found.sha256)
    if found is None or kept is None or found.content_type is None:
        return web.Response(status=404, text="no such file; take the URL from a finished task or an upload\n")
    return send_file(request, await asyncio.to_thread(kept.read_bytes), found.content_type)


async def _find(path: str, world: World) -> str | BlobRef | None:
    """Return the type of a task's file, or an upload's bytes."""
    parts = path.split("/")
    if len(parts) != 5 or world.store.peek(parts[2]) is None:
        return None

    def look(tx: Tx) -> str | BlobRef | None:
        upload: Upload | None = tx.get("upload", parts[3])
        if upload is not None:
            return _bytes_of(upload, path, tx)
        task = tx.get("task", parts[3])
        if task is None or task.state(tx.now) != "succeeded":
            return None
        for number, content_type in enumerate(world.providers[task.provider].asset_types(task)):
            if path == asset_path(tx.universe_id, task.id, number, content_type):
                return content_type
        return None

    return await world.run(parts[2], look)


def _bytes_of(upload: Upload, path: str, tx: Tx) -> BlobRef | None:
    blob = upload.blob
    if blob is None or blob.content_type is None or upload.state(tx.now) not in {"ready", "processing"}:
        return None
    return blob if path == asset_path(tx.universe_id, upload.id, 0, blob.content_type) else None


def send_file(request: BaseRequest, data: bytes, content_type: str) -> web.Response:
    """Return a file, or the part of it the client asked for, or 304 when the client has it."""
    etag = f'"{blake2b(data, digest_size=12).hexdigest()}"'
    headers = {
        "Content-Type": content_type,
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "public, max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
    }
    if _has(request.headers.get("If-None-Match"), etag):
        return web.Response(status=304, headers=headers)
    asked = request.headers.get("Range")
    if asked is None or request.headers.get("If-Range", etag) != etag:
        return web.Response(body=data, headers=headers)
    found = parse_range(asked, len(data))
    if found is None:
        return web.Response(body=data, headers=headers)
    if found.first > found.last:
        return web.Response(status=416, headers={**headers, "Content-Range": f"bytes */{len(data)}"})
    headers["Content-Range"] = f"bytes {found.first}-{found.last}/{len(data)}"
    return web.Response(status=206, body=data[found.first : found.last + 1], headers=headers)


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
        return Range(max(0, size - int(last)), size - 1) if int(last) else Range(1, 0)
    start = int(first)
    stop = min(int(last), size - 1) if last else size - 1
    if last and int(last) < start:
        return None
    return Range(start, stop) if start < size else Range(1, 0)


def _has(header: str | None, etag: str) -> bool:
    if header is None:
        return False
    return any(one.strip().removeprefix("W/") in {etag, "*"} for one in header.split(","))
