"""Takes the files that clients PUT to presigned URLs and fetches those they only name; both end in the blob store."""

from collections.abc import Callable
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from aiohttp.web_request import BaseRequest
from yarl import URL

from soundstage import media
from soundstage.core import uploads
from soundstage.core.addresses import is_nearby
from soundstage.core.assets import upload_token
from soundstage.core.call import BlobRef
from soundstage.core.uploads import Upload
from soundstage.core.view import Tx
from soundstage.core.world import World
from soundstage.edge.egress import EgressPolicy, check_url
from soundstage.store.blobs import BlobStore, BlobWriter

FETCH_SECONDS = 30.0
_SAMPLES = {"image": "image/png", "video": "video/mp4", "audio": "audio/wav"}


async def take_upload(request: BaseRequest, path: str, world: World, blobs: BlobStore) -> web.Response:
    """Answer PUT on /upload/{universe}/{upload}/{token}: once, and only with bytes of the announced kind."""
    parts = path.split("/")
    if request.method != "PUT":
        return web.Response(status=405, headers={"Allow": "PUT"}, text="use PUT\n")
    upload = await _awaiting(parts, world)
    if isinstance(upload, web.Response):
        return upload
    writer = blobs.writer(parts[2])
    try:
        async for chunk in request.content.iter_any():
            writer.add(chunk)
            if writer.size > upload.most_bytes:
                return web.Response(status=413, text=f"at most {upload.most_bytes} bytes\n")
        blob = writer.finish()
    except web.RequestPayloadError:
        return web.Response(status=400, text="the body could not be read\n")
    finally:
        writer.abort()
    reason = uploads.misfit(upload, blob)
    if reason is not None:
        return web.Response(status=400, text=f"{reason}\n")
    taken = await world.run(parts[2], lambda tx: uploads.arrived(tx, upload.id, blob))
    return web.Response(status=200) if taken is not None else _used()


async def _awaiting(parts: list[str], world: World) -> Upload | web.Response:
    if len(parts) != 5 or world.store.peek(parts[2]) is None or parts[4] != upload_token(parts[2], parts[3]):
        return web.Response(status=404, text="no such upload; take the URL from a presign call\n")

    def look(tx: Tx) -> tuple[Upload | None, str]:
        upload: Upload | None = tx.get("upload", parts[3])
        return upload, "" if upload is None else upload.state(tx.now)

    upload, state = await world.run(parts[2], look)
    if upload is None:
        return web.Response(status=404, text="no such upload; take the URL from a presign call\n")
    if state == "expired":
        return web.Response(status=403, text="this upload URL has expired; presign anew\n")
    return upload if state == "awaiting" else _used()


def _used() -> web.Response:
    return web.Response(status=403, text="this upload URL was used already; presign anew\n")


async def fetch(
    session: aiohttp.ClientSession, policy: EgressPolicy, upload: Upload, writer: Callable[[], BlobWriter]
) -> BlobRef | str:
    """Return the file an upload's source leads to, or why there is none.

    A public source that may not be contacted yields a sample, always the same.
    """
    url = upload.source or ""
    reason = check_url(url, policy)
    if reason is not None:
        if check_url(url, EgressPolicy(allow_public=True)) is None and not is_nearby(urlsplit(url).hostname or ""):
            return _sample(upload, writer())
        return reason
    sink = writer()
    try:
        timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS, sock_connect=5)
        async with session.get(URL(url), timeout=timeout, allow_redirects=False) as reply:
            if reply.status != 200:
                return f"the source answered {reply.status}"
            async for chunk in reply.content.iter_any():
                sink.add(chunk)
                if sink.size > upload.most_bytes:
                    return f"the source is larger than {upload.most_bytes} bytes"
        return sink.finish()
    except TimeoutError:
        return f"the source did not answer within {FETCH_SECONDS:g} s"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return (str(error) or type(error).__name__)[:200]
    finally:
        sink.abort()


def _sample(upload: Upload, writer: BlobWriter) -> BlobRef:
    writer.add(media.sample(_SAMPLES[upload.kind]))
    return writer.finish()
