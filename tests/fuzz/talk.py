"""HTTP/1.1 as plain bytes over one kept connection: it can send what no client library would."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

PATIENCE = 20.0


@dataclass(frozen=True)
class Came:
    """What came back; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def content_type(self) -> str:
        """The media type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class NoReplyError(Exception):
    """The connection ended, or stayed silent, before a whole reply had come."""


@dataclass
class Line:
    """One connection to a server, opened again when it was closed."""

    host: str
    port: int
    reopened: int = 0
    _reader: asyncio.StreamReader | None = field(default=None, repr=False)
    _writer: asyncio.StreamWriter | None = field(default=None, repr=False)

    async def ask(self, said: bytes, *, head_only: bool = False) -> Came:
        """Send a whole request and return the reply; raises NoReplyError."""
        used = self._writer is not None
        try:
            return await self._once(said, head_only=head_only)
        except NoReplyError:
            # A server may close a kept connection at any time, and what was closed before we spoke is not our matter.
            await self.close()
            if not used:
                raise
        self.reopened += 1
        try:
            return await self._once(said, head_only=head_only)
        except NoReplyError:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the connection."""
        writer, self._reader, self._writer = self._writer, None, None
        if writer is not None:
            writer.close()
            try:
                await writer.wait_closed()
            except OSError:
                return

    async def _once(self, said: bytes, *, head_only: bool) -> Came:
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self.host, self.port, limit=2**20)
        assert self._reader is not None
        try:
            async with asyncio.timeout(PATIENCE):
                # Written in the background: an early refusal must be read while the body is still on its way.
                self._writer.write(said)
                came = await _reply(self._reader, head_only=head_only)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise NoReplyError(f"{type(error).__name__}: {error}"[:200]) from error
        if came.headers.get("connection", "").lower() == "close":
            await self.close()
        return came


async def _reply(reader: asyncio.StreamReader, *, head_only: bool) -> Came:
    while True:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ", 2)[1])
        if status != 100:
            break
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
    if head_only or status in {204, 304}:
        return Came(status, headers, b"")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return Came(status, headers, await _chunks(reader))
    if "content-length" in headers:
        return Came(status, headers, await reader.readexactly(int(headers["content-length"])))
    return Came(status, headers, await reader.read())


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    whole: list[bytes] = []
    while True:
        size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        piece = await reader.readexactly(size + 2)
        if size == 0:
            return b"".join(whole)
        whole.append(piece[:-2])
