"""The guard carries what it lets pass byte by byte, and says of what it does not why."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from soundstage.testing import Server
from soundstage_contracts.exchange import Request
from soundstage_contracts.guard import Guard
from soundstage_contracts.wire import LiveSender
from support.guarded import APIKEY, CAP, MIDSYNC, PROMPT, World, create


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(seed=7) as running:
        yield running


@pytest.fixture
def world(server: Server, request: pytest.FixtureRequest) -> Iterator[World]:
    yield (made := World(server, request.node.name))
    made.close()


def test_a_reply_is_the_same_with_and_without_the_guard(world: World) -> None:
    door = MIDSYNC.authorize(MIDSYNC.front_door(), world.account().key, "bearer")
    straight = LiveSender(f"{world.url}/midsync")
    with world.guard() as guard:
        through = LiveSender(guard.url)
        one, other = straight.send(door), through.send(door)
        through.close()
    straight.close()
    assert (one.status, one.body) == (other.status, other.body)
    differing = {"date", "connection", "content-length"}
    ids = {name.lower() for name, value in one.headers if value != other.header(name)}
    assert {name.lower() for name, _ in one.headers} - differing == {
        name.lower() for name, _ in other.headers
    } - differing
    assert one.header("content-type") == other.header("content-type")
    assert "content-type" not in ids


class Paper(BaseHTTPRequestHandler):
    """A target that says what the test wants and keeps what it was asked."""

    protocol_version = "HTTP/1.1"
    asked: list[http.client.HTTPMessage] = []  # noqa: RUF012 - emptied by each test
    read_first = Event()

    def do_GET(self) -> None:
        self.asked.append(self.headers)  # type: ignore[arg-type]
        self.wfile.write(
            b"HTTP/1.1 302 Found\r\nLocation: /unified-video/models\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n"
            b"Content-Length: 2\r\n\r\nhi"
        )

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        first, second = b"data: {}\n\n", b"data: [DONE]\n\n"
        self.wfile.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"%x\r\n%s\r\n" % (len(first), first)
        )
        assert self.read_first.wait(20)
        self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(second), second))

    def log_message(self, *given: Any) -> None: ...


@pytest.fixture
def paper() -> Iterator[str]:
    Paper.asked.clear()
    Paper.read_first.clear()
    target = ThreadingHTTPServer(("127.0.0.1", 0), Paper)
    thread = Thread(target=target.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{target.server_port}"
    target.shutdown()
    target.server_close()
    thread.join()


def test_redirects_are_not_followed_cookies_not_kept_and_no_header_is_added(paper: str) -> None:
    with Guard(paper, MIDSYNC) as guard:
        sender = LiveSender(guard.url)
        for _ in range(2):
            reply = sender.send(Request("GET", "/unified-video/models", (("authorization", "Bearer sk_x"),)))
            assert (reply.status, reply.body) == (302, b"hi")
            assert [name.lower() for name, _ in reply.headers] == [
                "location",
                "set-cookie",
                "set-cookie",
                "content-length",
            ]
        sender.close()
    assert len(Paper.asked) == 2
    for asked in Paper.asked:
        assert asked["authorization"] == "Bearer sk_x"
        assert asked["host"] == urlsplit(paper).netloc
        assert not {"cookie", "content-type", "content-length"} & {name.lower() for name in asked}


def test_a_stream_arrives_part_by_part(paper: str) -> None:
    body = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hi"}], "stream": True, "max_tokens": 16}
    price = APIKEY.worst_price(Request.json("/v1/chat/completions", body))
    request = (
        APIKEY.quote(APIKEY.creations()[0].build(PROMPT))
        if price is None
        else Request.json("/v1/chat/completions", body)
    )
    with Guard(paper, APIKEY, CAP) as guard:
        address = urlsplit(guard.url)
        line = http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)
        line.request(request.method, request.path, request.body, dict(request.headers))
        reply = line.getresponse()
        assert reply.readline() == b"data: {}\n"
        Paper.read_first.set()
        assert reply.read() == b"\ndata: [DONE]\n\n"
        line.close()


def test_a_denial_says_why_in_json(world: World) -> None:
    account = world.account()
    with world.guard(cap=Decimal(0)) as guard:
        address = urlsplit(guard.url)
        line = http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)
        request = create(account)
        line.request(request.method, request.path, request.body, dict(request.headers))
        reply = line.getresponse()
        assert json.loads(reply.read())["detail"] == "it may cost 10 credits, and none may be spent"
        line.close()
