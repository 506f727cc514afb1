"""Carries one request to the target and its reply back, byte by byte, with nothing added and nothing followed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from aiohttp import ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web
from multidict import CIMultiDict
from yarl import URL

from soundstage_contracts import clock
from soundstage_contracts.exchange import Headers, Reply, Request
from soundstage_contracts.wire import GUARD, MOST_BYTES

# RFC 9110, 7.6.1: these speak about one connection only. Host and length are the next request's own.
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "expect",
    }
)
_NEXT_ONE_S = _HOP_BY_HOP | {"host", "content-length"}
_NOT_ADDED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_SILENT = logging.getLogger("soundstage_contracts.guard")
_SILENT.disabled = True  # a line about a request would have its query, and the query may have the key


class AsItCame(web.StreamResponse):
    """A reply with the target's headers and none of the server's own: a missing content type stays missing."""

    def __init__(self, status: int, reason: str | None, headers: Headers) -> None:
        super().__init__(status=status, reason=reason, headers=CIMultiDict(headers))
        self._came = {name.lower() for name, _ in headers} | _HOP_BY_HOP | {"content-length"}

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        for name in [name for name in self.headers if name.lower() not in self._came]:
            del self.headers[name]


class Connection(web.RequestHandler):
    """A connection of the suite; what is no proper HTTP is denied like everything else that cannot be read."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the reply of a request that could not be read, or that the guard broke down over."""
        if request.writer.output_size > 0:
            raise ConnectionError("the reply has begun already")
        answer = denial("it is no proper HTTP" if status < 500 else "the guard broke down", message or repr(exc))
        answer.force_close()
        return answer


def denial(reason: str, detail: str) -> web.Response:
    """Return the reply of a request that was kept back."""
    body = {"error": "the guard did not let it pass", "reason": reason, "detail": detail}
    return web.json_response(body, status=599, reason="Denied By Guard", headers={GUARD: reason})


def session(timeout: float) -> ClientSession:
    """Return a client that sends what it is given: no cookies, no proxies; `timeout` is seconds of silence."""
    return ClientSession(
        connector=TCPConnector(limit=64),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        timeout=ClientTimeout(total=None, sock_connect=min(timeout, 10.0), sock_read=timeout),
        skip_auto_headers=_NOT_ADDED,
        trust_env=False,
    )


async def read(came: web.BaseRequest) -> Request:
    """Return the suite's request as it came, body and all."""
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in came.raw_headers)
    return Request(came.method, came.raw_path, headers, await came.read())


def onward(headers: Headers) -> CIMultiDict[str]:
    """Return the headers that go to the target."""
    return CIMultiDict((name, value) for name, value in headers if name.lower() not in _NEXT_ONE_S)


class Relay:
    """The way to one target."""

    def __init__(self, base_url: str, http: ClientSession) -> None:
        self.base_url = base_url
        self._http = http

    async def send(self, request: Request) -> ClientResponse:
        """Send a request and return the reply once its head is there; raises ClientError or TimeoutError."""
        return await self._http.request(
            request.method,
            URL(self.base_url + request.path, encoded=True),
            data=request.body or None,
            headers=onward(request.headers),
            allow_redirects=False,
        )


async def whole(reply: ClientResponse, began: float) -> Reply:
    """Return a reply with its body; raises ClientError when it breaks off, ValueError when it is too large."""
    parts: list[bytes] = []
    size = 0
    async for part in reply.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            raise ValueError("the reply is too large")
    return Reply(reply.status, kept(reply.raw_headers), b"".join(parts), clock.monotonic() - began)


def kept(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return the headers of a reply that are the suite's to see."""
    pairs = ((name.decode("latin-1"), _text(value)) for name, value in raw)
    return tuple((name, value) for name, value in pairs if name.lower() not in _HOP_BY_HOP)


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


async def hand_back(came: web.BaseRequest, reply: Reply, reason: str | None) -> web.StreamResponse:
    """Send a whole reply to the suite."""
    headers = tuple(one for one in reply.headers if one[0].lower() != "content-length")
    answer = AsItCame(reply.status, reason, (*headers, ("Content-Length", str(len(reply.body)))))
    await answer.prepare(came)
    await answer.write_eof(reply.body)
    return answer


async def stream_back(came: web.BaseRequest, reply: ClientResponse) -> web.StreamResponse:
    """Send a reply to the suite part by part, as its parts arrive."""
    headers = tuple(one for one in kept(reply.raw_headers) if one[0].lower() != "content-length")
    answer = AsItCame(reply.status, reply.reason, headers)
    await answer.prepare(came)
    async for part in reply.content.iter_any():
        await answer.write(part)
    await answer.write_eof()
    return answer


def hang_up(came: web.BaseRequest) -> web.StreamResponse:
    """Break the suite's connection, since the target gave no answer and the guard makes none up."""
    if came.transport is not None:
        came.transport.abort()
    return web.Response(status=599, headers={GUARD: "the target gave no answer"})


def connection_factory(server: web.Server, loop: asyncio.AbstractEventLoop) -> Connection:
    """Return what speaks with one connection of the suite."""
    return Connection(server, loop=loop, auto_decompress=False, access_log=_SILENT, logger=_SILENT)
