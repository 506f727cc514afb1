"""Raw sockets, for what HTTP clients hide: which bytes came, and how the connection ended."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from support.ways import CREATES

__all__ = ("CREATES", "Came", "atalk", "create", "hanging", "request", "talk")


@dataclass(frozen=True)
class Came:
    """The bytes that came until the connection ended: in good order, by a reset, or not yet."""

    raw: bytes
    end: Literal["closed", "reset", "open"]

    @property
    def body(self) -> bytes:
        """What came after the headers."""
        return self.raw.partition(b"\r\n\r\n")[2]

    def header(self, name: str) -> str:
        """Return a header's value."""
        lines = self.raw.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        return dict(line.lower().split(": ", 1) for line in lines)[name.lower()]


def request(method: str, path: str, body: Any = None, *, key: str = "sk_test_somebody", **headers: str) -> bytes:
    """Return a request's bytes; underscores in names of headers are hyphens."""
    raw = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {key}"]
    lines += ["Content-Type: application/json", f"Content-Length: {len(raw)}"] if raw else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + raw


def create(provider: str, fault: str, **headers: str) -> bytes:
    """Return the bytes of a create call that asks for a fault."""
    path, body = CREATES[provider]
    return request("POST", f"/{provider}{path}", body, X_Soundstage_Fault=fault, **headers)


def talk(url: str, sent: bytes, patience: float = 5.0) -> Came:
    """Send bytes and read until the connection ends, or until nothing came for so many seconds."""
    where = urlsplit(url)
    came = b""
    with socket.create_connection((where.hostname, where.port), timeout=patience) as line:
        line.sendall(sent)
        try:
            while data := line.recv(65536):
                came += data
        except TimeoutError:
            return Came(came, "open")
        except ConnectionResetError:
            return Came(came, "reset")
    return Came(came, "closed")


async def atalk(url: str, sent: bytes, patience: float = 5.0) -> Came:
    """Talk from another thread, since the server is in this one."""
    return await asyncio.to_thread(talk, url, sent, patience)


async def hanging(url: str, sent: bytes, under_way: Callable[[], Awaitable[bool]], after: bytes = b"") -> bytes:
    """Return what comes of a reply that then hangs, and leave; `after` is what its last bytes are.

    That the reply is under way is told by the server; nobody waits to see whether more comes.
    """
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(sent)
    came = await reader.readuntil(after) if after else b""
    more = asyncio.create_task(reader.read(1))
    async with asyncio.timeout(10):
        while not await under_way():
            pass
    assert not more.done()
    more.cancel()
    writer.close()
    return came
