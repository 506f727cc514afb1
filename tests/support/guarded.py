"""What the tests of the guard share: a simulated account, raw requests, and tricks that try to be read in two ways."""

from __future__ import annotations

import gzip
import http.client
import socket
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from soundstage.testing import Server
from soundstage_contracts.adapters.base import Account, Wanted
from soundstage_contracts.adapters.soundstage import SoundstageAdapter
from soundstage_contracts.drivers import driver_of
from soundstage_contracts.drivers.base import Driver
from soundstage_contracts.exchange import Request
from soundstage_contracts.guard import Guard
from soundstage_contracts.target import slug
from soundstage_contracts.wire import GUARD, LiveSender

CAP = Decimal(100)
PROMPT = "A paper boat on a mountain lake"
MIDSYNC = driver_of("midsync")
APIKEY = driver_of("apikeyorg")
TEXT = driver_of("midsync").creations()[0].build(PROMPT).body.decode()
CREATE = "/unified-video/generate"


class World:
    """An account of a simulator's provider, and guards before it."""

    def __init__(self, server: Server, label: str) -> None:
        self.url = server.url
        self.label = slug(label)
        self.adapter = SoundstageAdapter(LiveSender(server.url))

    def account(self, provider: str = "midsync", balance: Decimal | None = None) -> Account:
        return self.adapter.open(provider, self.label, Wanted(balance=balance))

    def spent(self, account: Account) -> Decimal:
        books = self.adapter.books(account)
        return books.held + books.spent

    def guard(self, driver: Driver = MIDSYNC, cap: Decimal = CAP, **more: Any) -> Guard:
        return Guard(f"{self.url}/{driver.id}", driver, cap, **more)

    def close(self) -> None:
        self.adapter.close()


def create(account: Account, driver: Driver = MIDSYNC, number: int = 0) -> Request:
    """Return the cheapest, or another, documented create with its key on."""
    return driver.authorize(driver.creations()[number].build(PROMPT), account.key, driver.key_forms[0])


def send(guard: Guard, request: Request) -> tuple[int, str | None]:
    """Return status and reason of the guard's reply to a request in good order."""
    return say(guard, raw(guard, request.method, request.path, request.body, dict(request.headers)))


def raw(guard: Guard, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    given = {"Host": urlsplit(guard.url).netloc, "Connection": "close", **(headers or {})}
    if body and not {"content-length", "transfer-encoding"} & {name.lower() for name in given}:
        given["Content-Length"] = str(len(body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body


def say(guard: Guard, data: bytes) -> tuple[int, str | None]:
    """Send bytes as they are; the status is 0 when the connection broke without a reply."""
    address = urlsplit(guard.url)
    with socket.create_connection((str(address.hostname), address.port or 0), timeout=20) as line:
        line.sendall(data)
        reply = http.client.HTTPResponse(line)
        try:
            reply.begin()
            reply.read()
        except (http.client.HTTPException, ConnectionError):
            return 0, None
        return reply.status, reply.getheader(GUARD)


# Each makes of a documented create one that a target may read as another request than the guard does.
Trick = Callable[[Guard, str, str, dict[str, str]], bytes]


def _body(change: Callable[[str], bytes | str], **headers: str) -> Trick:
    def build(guard: Guard, path: str, text: str, head: dict[str, str]) -> bytes:
        made = change(text)
        body = made if isinstance(made, bytes) else made.encode()
        return raw(guard, "POST", path, body, head | {name.replace("_", "-"): value for name, value in headers.items()})

    return build


def _path(change: Callable[[str], str], method: str = "POST") -> Trick:
    return lambda guard, path, text, head: raw(guard, method, change(path), text.encode(), head)


def _head(*lines: str) -> Trick:
    def build(guard: Guard, path: str, text: str, head: dict[str, str]) -> bytes:
        good = raw(guard, "POST", path, text.encode(), head)
        return good.replace(b"\r\n\r\n", "".join(f"\r\n{line}" for line in lines).encode() + b"\r\n\r\n", 1)

    return build


def _chunked(guard: Guard, path: str, text: str, head: dict[str, str]) -> bytes:
    body = f"{len(text.encode()):x}\r\n{text}\r\n0\r\n\r\n".encode()
    return raw(guard, "POST", path, body, head | {"Transfer-Encoding": "chunked"})


def _both_lengths(guard: Guard, path: str, text: str, head: dict[str, str]) -> bytes:
    body = f"{len(text.encode()):x}\r\n{text}\r\n0\r\n\r\n".encode()
    return raw(guard, "POST", path, body, head | {"Transfer-Encoding": "chunked", "Content-Length": str(len(body))})


def _smuggled(guard: Guard, path: str, text: str, head: dict[str, str]) -> bytes:
    inner = raw(guard, "POST", path, text.encode(), head)
    return raw(guard, "GET", "/unified-video/models", inner, head)


def _overridden(guard: Guard, path: str, text: str, head: dict[str, str]) -> bytes:
    return raw(guard, "GET", "/unified-video/models", b"", head | {"X-HTTP-Method-Override": "POST"})


def _elsewhere(guard: Guard, path: str, text: str, head: dict[str, str]) -> bytes:
    return raw(guard, "POST", path, text.encode(), head | {"Host": "target.example"})


TRICKS: dict[str, Trick] = {
    "a field twice": _body(lambda text: text[:-1] + ',"duration":10}'),
    "a field twice, once escaped": _body(lambda text: text[:-1] + ',"dur\\u0061tion":10}'),
    "a field in other letters": _body(lambda text: text[:-1] + ',"DURATION":10}'),
    "an undocumented field": _body(lambda text: text[:-1] + ',"n":9}'),
    "a list": _body(lambda text: f"[{text}]"),
    "two values": _body(lambda text: text + text),
    "a comment": _body(lambda text: text + "//"),
    "not a number": _body(lambda text: text[:-1] + ',"cfgScale":NaN}'),
    "half a surrogate pair": _body(lambda text: text.replace("boat", "\\ud800")),
    "a number too large": _body(lambda text: text[:-1] + ',"duration_seconds":1e999}'),
    "a float that is whole": _body(lambda text: text.replace('"duration":5', '"duration":5.0')),
    "nested without end": _body(lambda text: '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"),
    "utf-16": _body(lambda text: text.encode("utf-16")),
    "a byte order mark": _body(lambda text: b"\xef\xbb\xbf" + text.encode()),
    "no utf-8": _body(lambda text: text.replace("boat", "b\u00f6t").encode("latin-1")),
    "another character set": _body(lambda text: text, content_type="application/json; charset=utf-7"),
    "plain text": _body(lambda text: text, content_type="text/plain"),
    "a form": _body(lambda text: "model=runway&duration=5", content_type="application/x-www-form-urlencoded"),
    "compressed": _body(lambda text: gzip.compress(text.encode()), content_encoding="gzip"),
    "no body": _body(lambda text: ""),
    "fields in the query": _path(lambda path: f"{path}?duration=10"),
    "a method in the query": _path(lambda path: f"{path}?_method=PUT"),
    "a key twice": _path(lambda path: f"{path}?api_key=a&api_key=b"),
    "an encoded letter": _path(lambda path: path[:-1] + f"%{ord(path[-1]):02x}"),
    "an encoded slash": _path(lambda path: "/" + path[1:].replace("/", "%2F")),
    "an encoded dot": _path(lambda path: f"/%2e{path}"),
    "a step up": _path(lambda path: f"/x/..{path}"),
    "out of the base": _path(lambda path: f"/../midsync{path}"),
    "two slashes": _path(lambda path: f"/{path}"),
    "a slash behind": _path(lambda path: f"{path}/"),
    "a backslash": _path(lambda path: path.replace("/", "\\")),
    "a parameter in the path": _path(lambda path: f"{path};a=b"),
    "a fragment": _path(lambda path: f"{path}#"),
    "other letters": _path(str.upper),
    "a whole url": _path(lambda path: f"http://127.0.0.1{path}"),
    "another method": _path(lambda path: path, "PUT"),
    "a method in small letters": _path(lambda path: path, "post"),
    "two lengths": _head("Content-Length: 2"),
    "a misspelt length": _head("Content_Length: 2"),
    "two content types": _head("Content-Type: text/plain"),
    "a misspelt content type": _head("Content_Type: text/plain"),
    "an override": _head("X-HTTP-Method-Override: PUT"),
    "a misspelt override": _head("X_HTTP_Method_Override: PUT"),
    "another url": _head("X-Original-URL: /v1/videos/generations"),
    "a folded header": _head("X-Folded: a", " b"),
    "a space before the colon": _head("Content-Length : 2"),
    "chunked": _chunked,
    "chunked and a length": _both_lengths,
    "a request inside of a GET": _smuggled,
    "a GET that is a POST": _overridden,
    "another host": _elsewhere,
}
