"""Takes the files that clients PUT to presigned URLs and fetches those they only name; both end in the blob store."""

from collections.abc import Callable
from urllib.parse import urlsplit

import aiohttp
from aiohttp import HttpVersion11, web
from aiohttp.web_request import BaseRequest
from yarl import URL

from soundstage import __version__, media
from soundstage.core import uploads
from soundstage.core.addresses import is_nearby
from soundstage.core.assets import upload_token
from soundstage.core.call import BlobRef
from soundstage.core.uploads import Upload
from soundstage.core.view import Tx
from soundstage.core.world import World
from soundstage.edge.body import unreadable
from soundstage.edge.egress import EgressPolicy, check_url
from soundstage.store.blobs import BlobStore, BlobWriter

FETCH_SECONDS = 30.0
_SAMPLES = {"image": "image/png", "video": "video/mp4", "audio": "audio/wav"}
_HEADERS = {
    "User-Agent": f"Soundstage/{__version__}",
    # The bytes are kept as they come, so they must not come compressed.
    "Accept-Encoding": "identity",
    # This server's own admin API answers nobody who sends it.
    "x-soundstage-attempt": "1",
}
_NONE = "no such upload; take the URL from a presign call\n"
_USED = "this upload URL was used already; presign anew\n"
_EXPIRED = "this upload URL has expired; presign anew\n"


async def take_upload(request: BaseRequest, path: str, world: World, blobs: BlobStore) -> web.Response:
    """Answer PUT on /upload/{universe}/{upload}/{token}: once, and only with bytes of the announced kind.

    A PUT that is refused or breaks off leaves the URL as it was.
    """
    parts = path.split("/")
    if request.method != "PUT":
        return web.Response(status=405, headers={"Allow": "PUT"}, text="use PUT\n")
    upload = await _awaiting(parts, world)
    if isinstance(upload, web.Response):
        return upload
    try:
        blob = await _received(request, blobs.writer(parts[2]), upload)
    except OSError as error:
        return _refused(507, f"the file could not be kept: {error.strerror or error}\n")
    if isinstance(blob, web.Response):
        return blob
    reason = uploads.misfit(upload, blob)
    if reason is not None:
        await drop_unused(world, blobs, parts[2], {blob.sha256})
        return _refused(400, f"{reason}\n")
    taken = await world.run(parts[2], lambda tx: uploads.arrived(tx, upload.id, blob))
    if taken is None:
        await drop_unused(world, blobs, parts[2], {blob.sha256})
        return _refused(403, _USED)
    return web.Response(headers={"ETag": f'"{blob.sha256[:24]}"'})


async def drop_unused(world: World, blobs: BlobStore, universe_id: str, digests: set[str]) -> None:
    """Delete files that arrived, unless an upload has their bytes: the call was refused, or nobody asked for them."""
    used = await world.run(
        universe_id, lambda tx: {row.blob.sha256 for _, row in tx.scan("upload") if row.blob is not None}
    )
    for digest in digests - used:
        blobs.drop(universe_id, digest)


async def _awaiting(parts: list[str], world: World) -> Upload | web.Response:
    if len(parts) != 5 or world.store.peek(parts[2]) is None or parts[4] != upload_token(parts[2], parts[3]):
        return _refused(404, _NONE)

    def look(tx: Tx) -> tuple[Upload | None, str]:
        upload: Upload | None = tx.get("upload", parts[3])
        return upload, "" if upload is None else upload.state(tx.now)

    upload, state = await world.run(parts[2], look)
    if upload is None:
        return _refused(404, _NONE)
    if state == "expired":
        return _refused(403, _EXPIRED)
    return upload if state == "awaiting" else _refused(403, _USED)


async def _received(request: BaseRequest, writer: BlobWriter, upload: Upload) -> BlobRef | web.Response:
    """Return the body as a kept file, or why it cannot be one."""
    try:
        if (request.content_length or 0) > upload.most_bytes:
            return _too_large(upload)
        await go_on(request)
        async for chunk in request.content.iter_any():
            writer.add(chunk)
            if writer.size > upload.most_bytes:
                return _too_large(upload)
        blob = writer.finish()
    except web.RequestPayloadError:
        return _refused(400, f"{unreadable(request).message}\n")
    except FileNotFoundError:
        # The universe was reset under way, and the upload with it.
        return _refused(404, _NONE)
    except OSError as error:
        return _refused(507, f"the file could not be kept: {error.strerror or error}\n")
    finally:
        writer.abort()
    return blob


async def go_on(request: BaseRequest) -> None:
    """Tell a client that asks before it sends a large body to send it."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.version >= HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # These bytes are none of the reply's.
        request.writer.output_size = 0


def _too_large(upload: Upload) -> web.Response:
    return _refused(413, f"at most {upload.most_bytes} bytes\n")


def _refused(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text)


async def fetch(
    session: aiohttp.ClientSession, policy: EgressPolicy, upload: Upload, writer: Callable[[], BlobWriter]
) -> BlobRef | str:
    """Return the file an upload's source leads to, or why there is none.

    A public source that may not be contacted yields a sample, always the same.
    """
    url = upload.source or ""
    reason = check_url(url, policy)
    if reason is not None and (policy.allow_public or not _is_public(url)):
        return reason
    try:
        if reason is None:
            return await _fetched(session, url, upload.most_bytes, writer)
        sink = writer()
        sink.add(media.sample(_SAMPLES[upload.kind]))
        return sink.finish()
    except TimeoutError:
        return f"the source did not answer within {FETCH_SECONDS:g} s"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return (str(error) or type(error).__name__)[:200]


async def _fetched(
    session: aiohttp.ClientSession, url: str, most_bytes: int, writer: Callable[[], BlobWriter]
) -> BlobRef | str:
    timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS, sock_connect=5)
    too_large = f"the source is larger than {most_bytes} bytes"
    async with session.get(URL(url), timeout=timeout, headers=_HEADERS, allow_redirects=False) as reply:
        if reply.status != 200:
            return f"the source answered {reply.status}"
        if (reply.content_length or 0) > most_bytes:
            return too_large
        # Opened only now: a source that hangs holds no file.
        sink = writer()
        try:
            async for chunk in reply.content.iter_any():
                sink.add(chunk)
                if sink.size > most_bytes:
                    return too_large
            return sink.finish()
        finally:
            sink.abort()


def _is_public(url: str) -> bool:
    """Tell whether a URL would be fetched by a server that may contact public hosts, plain http overlooked."""
    scheme, sign, rest = url.partition("://")
    secure = f"https{sign}{rest}" if scheme.lower() == "http" else url
    open_to_all = EgressPolicy(allow_public=True)
    return check_url(secure, open_to_all) is None and not is_nearby(urlsplit(url).hostname or "")
