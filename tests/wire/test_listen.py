"""`soundstage listen`: what it prints about a callback, answers, forwards and refuses."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pytest_aiohttp import AiohttpServer
from rich.console import Console

from soundstage.core.signing import hex_hmac, standard_webhook, webhook_secret
from soundstage.edge.listen import MAX_BODY_BYTES, describe, listen

NOW = 1_780_666_146  # 2026-06-05T13:29:06Z
SECRET = webhook_secret(b"listen")
BODY = b'{"taskId":"task_1","price":1.10}'


class Screen(io.StringIO):
    """A terminal whose lines can be awaited one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: asyncio.Queue[str] = asyncio.Queue()
        self._rest = ""

    def write(self, text: str) -> int:
        *whole, self._rest = (self._rest + text).split("\n")
        for line in whole:
            self.lines.put_nowait(line)
        return len(text)

    async def line(self) -> str:
        async with asyncio.timeout(10):
            return await self.lines.get()


@dataclass
class Stage:
    """A running listener: where it is, what it prints, and a client to call it."""

    url: str
    screen: Screen
    client: aiohttp.ClientSession

    async def post(self, body: bytes = BODY, path: str = "", **headers: str) -> tuple[int, str]:
        """Send one callback; return the status answered and the line printed."""
        data = io.BytesIO(body)  # aiohttp warns about large bodies given as bytes
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.post(self.url + path, data=data, headers=named, allow_redirects=False) as reply:
            await reply.read()
        return reply.status, await self.screen.line()


@asynccontextmanager
async def running(**options: Any) -> AsyncIterator[Stage]:
    """Run the listener on a free port until the block ends."""
    screen, stop = Screen(), asyncio.Event()
    given: dict[str, Any] = {"host": "127.0.0.1", "port": 0, "wall": lambda: NOW * 1000} | options
    task = asyncio.create_task(
        listen(
            **given,
            console=Console(file=screen, width=40, force_terminal=True),
            stop=stop,
        )
    )
    ready = asyncio.create_task(screen.line())
    await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        ready.cancel()
        await task
    first = ready.result()
    assert first.startswith("LISTENING http://")
    async with aiohttp.ClientSession() as client:
        yield Stage(first.removeprefix("LISTENING "), screen, client)
    stop.set()
    async with asyncio.timeout(5):
        await task


Start = Callable[..., Any]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start listeners that end with the test."""
    async with AsyncExitStack() as stack:
        yield lambda **options: stack.enter_async_context(running(**options))


def signed(body: bytes = BODY, *, secret: str = SECRET, at: int = NOW) -> dict[str, str]:
    return {
        "webhook_id": "evt_1",
        "webhook_timestamp": str(at),
        "webhook_signature": standard_webhook(secret, event_id="evt_1", timestamp=at, body=body),
    }


async def test_a_signed_callback_is_one_line_and_answered_200(start: Start) -> None:
    stage = await start(secret=SECRET)
    status, line = await stage.post(path="any/path?x=1", **signed(), x_soundstage_attempt="2")
    assert status == 200
    assert line == "13:29:06Z  evt_1  attempt 2  task task_1  200  signature ok  " + BODY.decode()


async def test_the_kind_of_signature_is_told_by_its_header(start: Start) -> None:
    stage = await start(secret=SECRET)
    key = {
        "webhook_id": "evt_2",
        "x_api_key_timestamp": str(NOW),
        "x_api_key_signature": hex_hmac(SECRET, timestamp=NOW, body=BODY),
    }
    assert "  signature ok  " in (await stage.post(**key))[1]
    assert "  signature wrong: the signature does not match" in (await stage.post(b"{}", **key))[1]
    assert "  signature wrong: there is neither a webhook-signature nor" in (await stage.post())[1]


async def test_a_given_scheme_is_not_overruled_by_headers(start: Start) -> None:
    stage = await start(secret=SECRET, scheme="apikey")
    assert "signature wrong: x-api-key-signature is missing" in (await stage.post(**signed()))[1]
    stage = await start(secret=SECRET, scheme="standard")
    assert "signature wrong: webhook-id is missing" in (await stage.post(x_api_key_signature="0" * 64))[1]


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        (signed(secret=webhook_secret(b"other")), "no v1 signature matches"),
        (signed(b"{}"), "no v1 signature matches"),
        (signed(at=NOW - 301), "301 s ago"),
        (signed(at=NOW + 301), "301 s in the future"),
    ],
)
async def test_a_wrong_signature_is_printed_with_its_reason_and_still_answered(
    start: Start, headers: dict[str, str], words: str
) -> None:
    stage = await start(secret=SECRET)
    status, line = await stage.post(**headers)
    assert status == 200
    assert "  signature wrong: " in line
    assert words in line
    assert SECRET not in line


async def test_without_a_secret_nothing_is_checked(start: Start) -> None:
    stage = await start()
    assert "  200  not checked: no --secret  " in (await stage.post(**signed()))[1]


async def test_what_strangers_send_can_neither_break_the_line_nor_colour_it(start: Start) -> None:
    stage = await start(secret=SECRET)
    body = '{"id":"[red]x\u001b[31m\u2028y[/red]",\n"é":":smile:"}'.encode()
    _, line = await stage.post(body, webhook_id="[bold]evt[/bold]")
    assert "  [bold]evt[/bold]  attempt -  " in line
    assert line.isprintable()
    assert line.endswith('é":":smile:"}')
    _, line = await stage.post(b"\xff\x00\r\nnext\x1b]0;t\x07")
    assert line.isprintable()
    assert "task -" in line


async def test_only_post_is_a_callback(start: Start) -> None:
    stage = await start()
    for method in ("GET", "PUT", "DELETE", "HEAD"):
        async with stage.client.request(method, stage.url) as reply:
            assert (reply.status, reply.headers["Allow"]) == (405, "POST")
    await stage.post()
    assert stage.screen.lines.empty()


async def test_a_body_may_have_one_mebibyte_and_no_byte_more(start: Start) -> None:
    stage = await start()
    status, line = await stage.post(b"x" * MAX_BODY_BYTES)
    assert (status, len(line) < 5000) == (200, True)
    status, line = await stage.post(b"x" * (MAX_BODY_BYTES + 1))
    assert status == 413
    assert "413  not checked: no body  the body is over 1048576 bytes" in line


async def test_a_body_that_stalls_is_given_up(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soundstage.edge.listen.BODY_TIMEOUT_SECONDS", 0.01)
    stage = await start()
    host, _, port = stage.url.removeprefix("http://").rstrip("/").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
    assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
    assert "  408  not checked: no body  the body did not arrive within" in await stage.screen.line()
    writer.close()
    await writer.wait_closed()


@dataclass
class Receiver:
    """The app behind the listener: what it got, and the status it answers."""

    url: str = ""
    status: int = 204
    got: tuple[str, dict[str, str], bytes] | None = None
    cookies: list[str | None] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.cookies.append(headers.get("cookie"))
        self.got = (request.path_qs, headers, await request.read())
        return web.Response(status=self.status, headers={"Location": "/elsewhere", "Set-Cookie": "a=b"})


@pytest.fixture
async def receiver(aiohttp_server: AiohttpServer) -> Receiver:
    receiver, app = Receiver(), web.Application(client_max_size=2**22)
    app.router.add_post("/{path:.*}", receiver.answer)
    server = await aiohttp_server(app, auto_decompress=False)
    receiver.url = f"http://127.0.0.1:{server.port}/hook?from=listen"
    return receiver


async def test_a_forward_carries_the_same_bytes_and_headers(start: Start, receiver: Receiver) -> None:
    stage = await start(secret=SECRET, forward_to=receiver.url)
    body = gzip.compress('{"taskId": "é"}'.encode(), mtime=0)
    status, line = await stage.post(
        body,
        path="ignored",
        **signed(body),
        content_encoding="gzip",
        content_type="application/json",
        connection="keep-alive, x-private",
        x_private="1",
        te="trailers",
    )
    assert status == 204
    assert "  204  signature ok  " in line
    assert receiver.got is not None
    path, headers, got = receiver.got
    assert (path, got) == ("/hook?from=listen", body)
    assert headers["host"] == receiver.url.split("/")[2]
    for name, value in signed(body).items():
        assert headers[name.replace("_", "-")] == value
    assert (headers["content-encoding"], headers["content-type"]) == ("gzip", "application/json")
    assert not {"x-private", "te", "connection", "transfer-encoding"} & headers.keys()


async def test_a_forward_adds_no_header_of_its_own(start: Start, receiver: Receiver) -> None:
    stage = await start(forward_to=receiver.url)
    skip = ["User-Agent", "Accept", "Accept-Encoding", "Content-Type"]
    async with stage.client.post(stage.url, data=b"{}", skip_auto_headers=skip) as reply:
        assert reply.status == 204
    assert receiver.got is not None
    assert receiver.got[1].keys() == {"host", "content-length"}


async def test_a_receivers_cookie_is_not_sent_back_with_the_next_callback(start: Start, receiver: Receiver) -> None:
    stage = await start(forward_to=receiver.url.replace("127.0.0.1", "localhost"))
    for _ in range(2):
        assert (await stage.post())[0] == 204
    assert receiver.cookies == [None, None]


@pytest.mark.parametrize("status", [200, 302, 404, 500])
async def test_the_answer_is_the_receivers_and_redirects_are_not_followed(
    start: Start, receiver: Receiver, status: int
) -> None:
    receiver.status = status
    stage = await start(forward_to=receiver.url)
    answered, line = await stage.post()
    assert answered == status
    assert f"  {status}  not checked" in line
    assert receiver.got is not None
    assert receiver.got[0] == "/hook?from=listen"


async def test_a_receiver_that_is_down_is_answered_502_with_the_reason(start: Start, unused_tcp_port: int) -> None:
    stage = await start(forward_to=f"http://127.0.0.1:{unused_tcp_port}/")
    status, line = await stage.post()
    assert status == 502
    assert "  502  not checked: no --secret  forward failed: Cannot connect" in line


async def test_a_receiver_that_hangs_is_answered_502(
    start: Start, aiohttp_server: AiohttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = asyncio.Event()

    async def hang(request: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    app = web.Application()
    app.router.add_post("/", hang)
    server = await aiohttp_server(app)
    monkeypatch.setattr("soundstage.edge.listen.FORWARD_TIMEOUT_SECONDS", 0.05)
    stage = await start(forward_to=f"http://127.0.0.1:{server.port}/")
    status, line = await stage.post()
    release.set()
    assert status == 502
    assert "forward failed: no answer within 0.05 s" in line


async def test_a_name_that_leads_to_a_blocked_address_is_answered_502(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def answer(host: str, *_: Any, **__: Any) -> Any:
        asked.append(host)
        return [(2, 1, 6, "", ("169.254.169.254", 0))]

    stage = await start(forward_to="http://receiver/hook")
    monkeypatch.setattr("socket.getaddrinfo", answer)
    status, line = await stage.post()
    assert status == 502
    assert "blocked by egress policy: 169.254.169.254 is a link local address" in line
    assert asked == ["receiver"]


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("https://your-app.com/", "public name"),
        ("http://169.254.169.254/", "link local"),
        ("http://a:b@localhost/", "user name"),
        ("localhost:3000", "absolute"),
        ("", "absolute"),
    ],
)
async def test_a_forward_address_outside_this_network_is_refused_at_start(url: str, word: str) -> None:
    with pytest.raises(ValueError, match=f"--forward-to cannot be used: .*{word}"):
        async with running(forward_to=url):
            pytest.fail("it started")


async def test_forwarding_to_itself_is_refused_at_start(unused_tcp_port: int) -> None:
    for host in ("127.0.0.1", "localhost", "[::1]"):
        with pytest.raises(ValueError, match="is this listener itself"):
            async with running(port=unused_tcp_port, forward_to=f"http://{host}:{unused_tcp_port}/x"):
                pytest.fail("it started")


async def test_a_port_in_use_is_an_os_error_and_stopping_frees_it(unused_tcp_port: int) -> None:
    async with running(port=unused_tcp_port) as stage:
        assert stage.url == f"http://127.0.0.1:{unused_tcp_port}/"
        with pytest.raises(OSError, match="address already in use"):
            async with running(port=unused_tcp_port):
                pytest.fail("it started twice")
    async with running(port=unused_tcp_port) as stage:
        assert (await stage.post())[0] == 200


@pytest.mark.parametrize(
    ("document", "task"),
    [
        ({"taskId": "a", "task_id": "b", "id": "c"}, "a"),
        ({"id": "evt", "data": {"task_id": "b"}}, "b"),
        ({"id": "evt", "task": {"taskId": "c"}}, "c"),
        ({"id": 7}, "7"),
        ({"id": None, "data": [], "task": {"id": "t"}}, "t"),
        ({"taskId": ["a"]}, "-"),
        (["taskId"], "-"),
        ("taskId", "-"),
    ],
)
def test_the_task_id_is_found_where_providers_put_it(document: Any, task: str) -> None:
    line = describe({}, json.dumps(document).encode(), at_ms=0, status=200, verdict="v")
    assert f"  task {task}  200  v  " in line


def test_a_task_id_may_come_in_a_header_and_header_names_in_any_case() -> None:
    headers = {"X-Api-Key-Task-Id": "task_9", "Webhook-Id": "evt_9", "X-Soundstage-Attempt": "3"}
    line = describe(headers, b"", at_ms=0, status=200, verdict="v", note="n")
    assert line == "00:00:00Z  evt_9  attempt 3  task task_9  200  v  n  (empty body)"


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b"9" * 5000, b'{"id":NaN}', b'"\\ud800\n"', b"\xff", b'{\n"a":"\\ud800"}']
)
def test_odd_bodies_are_shown_not_fatal(body: bytes) -> None:
    line = describe({}, body, at_ms=0, status=200, verdict="v")
    assert line.isprintable()
    assert line.startswith("00:00:00Z  -  attempt -  task -  200  v  ")
    assert line.encode()


def test_json_over_several_lines_is_made_one_and_long_bodies_are_cut() -> None:
    line = describe({}, b'{\n  "a": [1,\n 2]\n}\n', at_ms=0, status=200, verdict="v")
    assert line.endswith('  v  {"a":[1,2]}')
    line = describe({}, b'"' + b"x" * 10_000 + b'"', at_ms=0, status=200, verdict="v")
    assert line.endswith("x… (10002 bytes)")
    assert len(line) < 4100
