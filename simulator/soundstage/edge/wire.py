"""Sends replies that do not simply leave: late, slow, cut short, as garbage, or never."""

import asyncio
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress

from aiohttp import web
from aiohttp.web_request import BaseRequest

from soundstage.core.call import Wire

# With this a socket that closes tells its peer "reset", and not "that was all".
_LINGER_NOT = struct.pack("ii", 1, 0)
# A client without a time-out of its own is let go after this long.
LONGEST_HANG_SECONDS = 120


class LostError(ConnectionResetError):
    """The connection was broken on purpose; there is nothing left to answer."""


async def send_bent(
    request: BaseRequest, status: int, headers: Mapping[str, str], body: bytes, wire: Wire
) -> web.StreamResponse:
    """Send one reply as `wire` says; raises LostError where the connection ends without it."""
    await delay(wire)
    if wire.raw is not None:
        return await _raw(request, wire.raw)
    if wire.fate != "send" and wire.cut is None:
        await lose(request, wire)
    response = web.StreamResponse(status=status, headers=headers)
    if wire.fate == "send" and not wire.piece_bytes:
        return web.Response(status=status, headers=headers, body=body)
    response.content_length = len(body)
    await response.prepare(request)
    await _pieces(response, body if wire.cut is None else body[: wire.cut], wire)
    if wire.fate != "send":
        await lose(request, wire)
    await response.write_eof()
    return response


async def delay(wire: Wire) -> None:
    """Wait before the first byte."""
    if wire.delay_ms:
        await asyncio.sleep(wire.delay_ms / 1000)


async def lose(request: BaseRequest, wire: Wire) -> None:
    """End the connection without another byte; always raises LostError."""
    transport = request.transport
    if wire.fate == "hang":
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.get_running_loop().create_future(), LONGEST_HANG_SECONDS)
    if transport is not None and wire.fate == "close":
        transport.close()
    elif transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        transport.abort()
    raise LostError(f"this reply was to be lost: {wire.fate}")


async def _raw(request: BaseRequest, raw: bytes) -> web.StreamResponse:
    transport = request.transport
    if transport is not None:
        transport.write(raw)
        transport.close()
    raise LostError("this reply was to be garbage")


async def _pieces(response: web.StreamResponse, body: bytes, wire: Wire) -> None:
    size = wire.piece_bytes or max(1, len(body))
    for start in range(0, len(body), size):
        if start:
            await asyncio.sleep(wire.piece_ms / 1000)
        await response.write(body[start : start + size])
