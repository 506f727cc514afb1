"""What of a reply reaches its client; and sends those that do not simply leave: late, cut short, garbage, or never."""

import asyncio
import os
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType

from aiohttp import web
from aiohttp.web_request import BaseRequest

from soundstage.core.call import Reply, Wire

# With this a socket that closes tells its peer "reset", and not "that was all"; what the peer has not yet been sent is
# dropped, as in any reset.
_LINGER_NOT = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
# A client without a time-out of its own is let go after this long.
LONGEST_HANG_SECONDS = 120
# A body leaves in at most so many pieces, however small they were to be, and others have their turn after so many.
_MOST_PIECES = 20_000
_PIECES_A_TURN = 32
# The replies that wait on purpose, by their connection, which has one reply on its way at a time.
_waiting: dict[web.RequestHandler, asyncio.Future[None]] = {}


class LostError(ConnectionResetError):
    """The connection was broken on purpose; there is nothing left to answer."""


class Server(web.Server):
    """aiohttp's low-level server, under which no reply waits on purpose for a client that left, or at a stop."""

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        """Let go of the reply that waits on this connection."""
        super().connection_lost(handler, exc)
        _let_go(handler)

    def pre_shutdown(self) -> None:
        """Break off every reply that waits; aiohttp would answer in its place, in nobody's shape."""
        super().pre_shutdown()
        for handler in self.connections:
            if handler in _waiting and handler.transport is not None:
                handler.transport.abort()
            _let_go(handler)


def _let_go(handler: web.RequestHandler) -> None:
    gone = _waiting.get(handler)
    if gone is not None and not gone.done():
        gone.set_result(None)


def status_sent(reply: Reply) -> int:
    """Return the status that the client of a reply gets, 0 where no status line of it ever leaves."""
    wire = reply.wire
    lost = wire is not None and (wire.raw is not None or (wire.fate != "send" and wire.cut is None))
    return 0 if lost else reply.status


@cache
def usual_headers(content_type: str) -> Mapping[str, str]:
    """Return the headers of a reply that has none of its own, to be shared and never changed."""
    return MappingProxyType({"Content-Type": content_type, "Server": "Soundstage"})


def headers_of(reply: Reply) -> dict[str, str]:
    """Return the headers that a reply leaves with."""
    headers = {"Content-Type": reply.content_type, "Server": "Soundstage"}
    if reply.headers:
        headers.update(reply.headers)
    return headers


async def send_bent(
    request: BaseRequest, status: int, headers: Mapping[str, str], body: bytes, wire: Wire
) -> web.StreamResponse:
    """Send one reply as `wire` says.

    Raises LostError where the connection ends on purpose, any other ConnectionError where it ended before.
    """
    if wire.fate == "send" and wire.raw is None and not wire.piece_bytes:
        await pause(request, wire.delay_ms)
        return web.Response(status=status, headers=headers, body=body)
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = len(body)
    return await _leave(request, response, _pieces(body, wire), wire)


async def send_stream(
    request: BaseRequest, status: int, headers: Mapping[str, str], frames: Iterable[tuple[int, bytes]], wire: Wire
) -> web.StreamResponse:
    """Send a streamed reply as `wire` says; each frame leaves so many milliseconds after the first byte.

    Raises LostError where the connection ends on purpose, any other ConnectionError where it ended before.
    """
    timed = _pieces(b"".join([data for _, data in frames]), wire) if wire.piece_bytes else frames
    return await _leave(request, web.StreamResponse(status=status, headers=headers), timed, wire)


async def pause(request: BaseRequest, milliseconds: int) -> None:
    """Wait; raises ConnectionResetError as soon as the client has left or the server stops."""
    if milliseconds <= 0:
        return
    connection = request.protocol
    if connection.transport is None:
        raise ConnectionResetError("the client has left")
    gone = asyncio.get_running_loop().create_future()
    _waiting[connection] = gone
    try:
        async with asyncio.timeout(milliseconds / 1000):
            await gone
    except TimeoutError:
        return
    finally:
        del _waiting[connection]
    raise ConnectionResetError("the client has left, or the server stops")


async def _leave(
    request: BaseRequest, response: web.StreamResponse, timed: Iterable[tuple[int, bytes]], wire: Wire
) -> web.StreamResponse:
    await pause(request, wire.delay_ms)
    if wire.fate != "send" and wire.cut is None:
        await _lose(request, wire)
    if wire.raw is not None:
        _garble(request, wire.raw)
    await response.prepare(request)
    if request.method != "HEAD":
        await _play(request, response, timed, wire.cut)
    if wire.fate != "send":
        await _lose(request, wire)
    await response.write_eof()
    return response


async def _lose(request: BaseRequest, wire: Wire) -> None:
    """End the connection without another byte; always raises LostError."""
    if wire.fate == "hang":
        try:
            await pause(request, LONGEST_HANG_SECONDS * 1000)
        except ConnectionResetError:
            raise LostError("this reply was never to come") from None
    transport = request.transport
    if transport is not None and wire.fate == "close":
        transport.close()
    elif transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        transport.abort()
    raise LostError(f"this reply was to be lost: {wire.fate}")


def _garble(request: BaseRequest, raw: bytes) -> None:
    """Send bytes in place of a reply and end the connection; always raises LostError."""
    transport = request.transport
    if transport is not None:
        transport.write(raw)
        transport.close()
    raise LostError("this reply was to be garbage")


def _pieces(body: bytes, wire: Wire) -> Iterator[tuple[int, bytes]]:
    wanted = wire.piece_bytes or max(1, len(body))
    # Whole pieces at a time where there are too many of them: the body takes as long as it was to.
    together = max(1, -(-len(body) // (wanted * _MOST_PIECES)))
    for number, start in enumerate(range(0, len(body), wanted * together)):
        yield number * together * wire.piece_ms, body[start : start + wanted * together]


async def _play(
    request: BaseRequest, response: web.StreamResponse, timed: Iterable[tuple[int, bytes]], cut: int | None
) -> None:
    """Write each piece at its time, and no more than `cut` bytes of them."""
    waited, left = 0, cut
    for number, (due, data) in enumerate(timed, 1):
        if left is not None:
            data = data[:left]  # noqa: PLW2901 - what of it leaves
            left -= len(data)
        if not data:
            return
        await pause(request, due - waited)
        waited = max(waited, due)
        await response.write(data)
        if not number % _PIECES_A_TURN:
            # Neither a wait of nothing nor a write lets anybody else run.
            await asyncio.sleep(0)
