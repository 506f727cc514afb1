"""Faults of the network: what a client sees of them, and what is true all the same."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from conftest import OpenStage
from soundstage.app import create_app
from soundstage.core.call import Reply
from soundstage.core.faults import CallScene
from soundstage.core.randomness import Draw
from soundstage.edge import wire
from soundstage.faults.transport.latency import Latency
from soundstage.settings import Settings
from support.client import House
from support.faulty import side
from support.sockets import CREATES, atalk, create, hanging, request, talk

APPLIED, ASKED = "X-Soundstage-Fault-Applied", "X-Soundstage-Fault"
CHAT = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "hello"}]}
providers = pytest.mark.parametrize("provider", list(CREATES))
whens = pytest.mark.parametrize("when", ["before", "after"])


def ask(house: House, provider: str, fault: str, **more: Any) -> Any:
    """Make a create call that asks for a fault."""
    path, body = CREATES[provider]
    headers = {"Authorization": f"Bearer {house.key}", ASKED: fault}
    return house.http.post(f"{house.url}/{provider}{path}", json=body, headers=headers, **more)


async def done(house: House, provider: str, *, done: bool, status: int = 0) -> None:
    """Assert that the task exists and is charged, or that nothing was done; and what the journal says."""
    admin = house.admin()
    tasks = await admin.tasks()
    assert [task["provider"] for task in tasks] == ([provider] if done else [])
    wallet = await admin.wallet()
    charged = wallet["held"] + wallet["spent"]
    assert charged == (Decimal(tasks[0]["cost"]) if done else 0)
    assert done == (charged > 0)
    (row,) = (await admin.get("/requests"))["requests"]
    assert row["status"] == status
    await admin.sound()


@providers
@whens
@pytest.mark.parametrize(("fault", "end"), [("reset", "reset"), ("empty-reply", "closed"), ("garbage", "closed")])
async def test_a_connection_that_breaks_tells_nothing_of_what_was_done(
    stage: House, provider: str, when: str, fault: str, end: str
) -> None:
    came = await atalk(stage.url, create(provider, f"transport/{fault};when={when}"))
    assert came.end == end
    assert (b"HTTP" in came.raw, bool(came.raw)) == (False, fault == "garbage")
    await done(stage, provider, done=when == "after")


@pytest.mark.parametrize(
    ("fault", "aio", "std"),
    [
        ("reset", (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError), ConnectionResetError),
        ("empty-reply", aiohttp.ServerDisconnectedError, http.client.RemoteDisconnected),
        ("garbage", aiohttp.ClientResponseError, http.client.BadStatusLine),
        ("commit-then-lose", (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError), ConnectionResetError),
        ("truncated-body", aiohttp.ClientPayloadError, http.client.IncompleteRead),
    ],
)
async def test_clients_raise_what_they_raise_on_a_bad_network(
    stage: House, fault: str, aio: type[Exception], std: type[Exception]
) -> None:
    async def read() -> None:
        async with ask(stage, "midsync", f"transport/{fault}") as reply:
            await reply.read()

    with pytest.raises(aio):
        await read()
    with pytest.raises(std):
        await asyncio.to_thread(plain, stage.url, f"transport/{fault}")


def plain(url: str, fault: str) -> bytes:
    """Make a create call with the standard library's client."""
    path, body = CREATES["midsync"]
    line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    try:
        headers = {"Authorization": "Bearer sk_test_somebody", ASKED: fault}
        line.request("POST", f"/midsync{path}", json.dumps(body), headers)
        return line.getresponse().read()
    finally:
        line.close()


@providers
@whens
async def test_no_answer_ever_comes_and_the_connection_stays_open(stage: House, provider: str, when: str) -> None:
    assert await hang(stage, create(provider, f"transport/never-answers;when={when}")) == b""
    await done(stage, provider, done=when == "after")


async def hang(house: House, sent: bytes) -> bytes:
    """Return what comes of a reply that then waits; the client leaves as soon as it does."""

    async def under_way() -> bool:
        await house.admin().get("/faults")
        return bool(wire._waiting)

    return await hanging(house.url, sent, under_way)


async def test_a_hanging_reply_ends_when_its_client_leaves(stage: House) -> None:
    await hang(stage, create("midsync", "transport/never-answers"))
    await nobody_waits(stage)


async def nobody_waits(house: House) -> None:
    """Return as soon as no reply waits for anything."""
    async with asyncio.timeout(10):
        while wire._waiting:
            await house.admin().get("/faults")


@providers
@pytest.mark.parametrize(("how", "end"), [("reset", "reset"), ("close", "closed"), ("hang", "open")])
async def test_the_answer_to_a_paid_create_is_lost(stage: House, provider: str, how: str, end: str) -> None:
    fault = f"transport/commit-then-lose;how={how}"
    if how == "hang":
        assert await hang(stage, create(provider, fault)) == b""
    else:
        came = await atalk(stage.url, create(provider, fault))
        assert (came.raw, came.end) == (b"", end)
    await done(stage, provider, done=True)


@providers
async def test_a_proxy_answers_for_a_create_that_was_paid_for(stage: House, provider: str) -> None:
    async with ask(stage, provider, "transport/commit-then-lose;how=bad-gateway") as reply:
        assert (reply.status, reply.content_type) == (502, "text/html")
        assert reply.headers[APPLIED] == "transport/commit-then-lose"
        assert b"502 Bad Gateway" in await reply.read()
    await done(stage, provider, done=True, status=502)


async def test_latency_holds_the_answer_back_and_not_the_work(stage: House) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with ask(stage, "midsync", "transport/latency;ms=30") as reply:
        assert (reply.status, reply.headers[APPLIED]) == (200, "transport/latency")
    assert loop.time() - began >= 0.03
    await done(stage, "midsync", done=True, status=200)
    await hang(stage, create("midsync", "transport/latency;ms=60000"))
    assert len(await stage.admin().tasks()) == 2


async def test_latencies_add_up_and_delay_what_is_lost(stage: House) -> None:
    loop = asyncio.get_running_loop()
    await side(stage, "midsync").rule("transport/latency", ms=21)
    for more in ("transport/latency;ms=20", "transport/commit-then-lose", "http/malformed-json"):
        began = loop.time()
        with suppress(aiohttp.ClientError):
            async with ask(stage, "midsync", more):
                pass
        least = 0.041 if "latency" in more else 0.021
        assert loop.time() - began >= least


async def test_a_refusal_leaves_late_where_the_latency_is_stronger_and_at_once_where_it_is_weaker(stage: House) -> None:
    async with ask(stage, "midsync", "transport/latency;ms=1, http/status;status=500") as reply:
        assert (reply.status, reply.headers[APPLIED]) == (500, "transport/latency, http/status")
    async with ask(stage, "midsync", "http/status;status=500, transport/latency;ms=600000") as reply:
        assert (reply.status, reply.headers[APPLIED]) == (500, "http/status")


def drawn(name: str, **params: Any) -> int:
    """Return the milliseconds that a latency draws for a call of this name."""
    anything: Any = None
    reply = Latency(**params).after(CallScene(anything, anything, Draw(name), anything, anything), Reply({}))
    assert reply.wire is not None
    return reply.wire.delay_ms


def test_latency_is_two_seconds_unless_told_otherwise() -> None:
    assert drawn("a") == 2000


def test_uniform_latency_stays_between_its_bounds_and_repeats() -> None:
    draws = [drawn(str(n), distribution="uniform", ms=100, to_ms=300) for n in range(200)]
    assert draws == [drawn(str(n), distribution="uniform", ms=100, to_ms=300) for n in range(200)]
    assert 100 <= min(draws) < 120
    assert 280 < max(draws) <= 300
    assert all(100 <= drawn(str(n), distribution="uniform", ms=100) <= 200 for n in range(50))


def test_lognormal_latency_spreads_around_its_median_and_repeats() -> None:
    draws = sorted(drawn(str(n), distribution="lognormal", ms=1000) for n in range(999))
    assert 900 < draws[499] < 1100
    assert 550 < draws[159] < 660  # a standard deviation below: 1000 / e^0.5
    assert 1500 < draws[839] < 1800
    assert draws[-1] <= 600_000
    assert draws == sorted(drawn(str(n), distribution="lognormal", ms=1000) for n in range(999))


async def test_latency_with_bounds_the_wrong_way_round_is_refused(stage: House) -> None:
    given = {"fault": "transport/latency", "with": {"distribution": "uniform", "ms": 9, "to_ms": 8}}
    answer = await stage.admin().call("POST", "/faults", given)
    assert answer.status == 400
    assert "to_ms must be at least ms" in answer["error"]["message"]


async def test_a_client_that_gives_up_before_a_late_answer_got_none(stage: House) -> None:
    await hang(stage, create("midsync", "transport/latency;ms=60000"))
    await nobody_waits(stage)
    await done(stage, "midsync", done=True)


async def test_a_slow_body_comes_in_pieces_and_whole(stage: House) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with ask(stage, "midsync", "transport/slow-body;piece_bytes=40;piece_ms=5") as reply:
        pieces = [piece async for piece in reply.content.iter_any()]
        body = b"".join(pieces)
    assert len(pieces) > 1
    assert json.loads(body)["success"] is True
    assert int(reply.headers["Content-Length"]) == len(body)
    assert loop.time() - began >= 0.005 * ((len(body) - 1) // 40)


@pytest.mark.parametrize("fault", ["slow-body;piece_bytes=30;piece_ms=1", "latency;ms=5"])
async def test_a_connection_goes_on_after_a_slow_reply(stage: House, fault: str) -> None:
    sent = create("midsync", f"transport/{fault}") * 2 + request("GET", "/health", Connection="close")
    came = await atalk(stage.url, sent)
    assert came.end == "closed"
    assert came.raw.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert came.raw.endswith(b'{"status":"ok"}')
    assert len(await stage.admin().tasks()) == 2


@pytest.mark.parametrize("fault", ["slow-body;piece_bytes=9", "truncated-body", "latency;ms=5", "garbage", "reset"])
async def test_a_head_has_no_body_however_bent(stage: House, fault: str) -> None:
    sent = request("HEAD", "/apikeyorg/openapi.json", X_Soundstage_Fault=f"transport/{fault}")
    came = await atalk(stage.url, sent + request("GET", "/health", Connection="close"))
    if fault in {"garbage", "reset"}:
        assert b"HTTP" not in came.raw
        return
    assert int(came.header("Content-Length")) > 1000
    rest = b"" if fault == "truncated-body" else b'{"status":"ok"}'
    assert came.raw.count(b"HTTP/1.1 200 OK") == (2 if rest else 1)
    assert came.raw.rpartition(b"\r\n\r\n")[2] == rest


@providers
@pytest.mark.parametrize(("given", "share"), [("", 0.5), (";share=0.25", 0.25), (";share=0", 0.0), (";bytes=7", None)])
async def test_a_truncated_body_is_less_than_was_promised(
    stage: House, provider: str, given: str, share: float | None
) -> None:
    came = await atalk(stage.url, create(provider, f"transport/truncated-body{given}"))
    promised = int(came.header("Content-Length"))
    assert came.end == "closed"
    assert came.header(APPLIED) == "transport/truncated-body"
    assert len(came.body) == (7 if share is None else int(promised * share))
    await done(stage, provider, done=True, status=200)


async def test_a_body_can_drip_and_break_off(stage: House) -> None:
    fault = "transport/truncated-body;bytes=7, transport/slow-body;piece_bytes=3;piece_ms=1"
    came = await atalk(stage.url, create("midsync", fault))
    assert (came.end, len(came.body)) == ("closed", 7)
    assert came.header(APPLIED) == "transport/truncated-body, transport/slow-body"


async def test_a_body_cannot_be_truncated_to_all_of_it(stage: House) -> None:
    came = await atalk(stage.url, create("midsync", "transport/truncated-body;bytes=100000"))
    assert len(came.body) == int(came.header("Content-Length")) - 1


@pytest.mark.parametrize("fault", ["reset;when=after", "empty-reply;when=after", "commit-then-lose", "garbage"])
async def test_of_a_stream_that_is_lost_nothing_comes(stage: House, fault: str) -> None:
    body = {**CHAT, "stream": True}
    sent = request("POST", "/apikeyorg/v1/chat/completions", body, X_Soundstage_Fault=f"transport/{fault}")
    came = await atalk(stage.url, sent)
    assert came.end == ("reset" if fault in {"reset;when=after", "commit-then-lose"} else "closed")
    assert b"data:" not in came.raw
    (row,) = (await stage.admin().get("/requests"))["requests"]
    assert row["status"] == 0
    assert ((await stage.admin().wallet())["spent"] > 0) is (fault != "garbage")


@pytest.mark.parametrize(
    ("fault", "whole"),
    [("latency;ms=20", True), ("slow-body;piece_bytes=200;piece_ms=1", True), ("truncated-body", False)],
)
async def test_a_stream_comes_late_slowly_or_in_part(stage: House, fault: str, whole: bool) -> None:
    body = {**CHAT, "stream": True}
    sent = request("POST", "/apikeyorg/v1/chat/completions", body, X_Soundstage_Fault=f"transport/{fault}")
    loop = asyncio.get_running_loop()
    began = loop.time()
    came = await atalk(stage.url, sent + request("GET", "/health", Connection="close"))
    assert loop.time() - began >= 0.02 or "latency" not in fault
    assert came.end == "closed"
    assert b'"chat.completion.chunk"' in came.body
    assert (b"data: [DONE]\n\n" in came.raw) is whole
    assert came.raw.endswith(b'{"status":"ok"}') is whole


EVERY = [
    "transport/reset",
    "transport/reset;when=after",
    "transport/empty-reply",
    "transport/garbage",
    "transport/truncated-body",
    "transport/commit-then-lose",
    "transport/commit-then-lose;how=close",
    "transport/never-answers",
    "transport/latency;ms=60000",
    "transport/slow-body;piece_bytes=1;piece_ms=30000",
]
HANGING = EVERY[-3:]


async def test_nothing_that_is_lost_on_purpose_is_logged_as_an_accident(
    open_stage: OpenStage, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        house = await open_stage()
        stream = {**CHAT, "stream": True}
        for fault in EVERY:
            chat = request("POST", "/apikeyorg/v1/chat/completions", stream, X_Soundstage_Fault=fault)
            for sent in (create("midsync", fault), chat):
                await (left(house, sent) if fault in HANGING else atalk(house.url, sent))
                await nobody_waits(house)
        await nobody_waits(house)
        await house.stage.stop()
    records = [record for record in caplog.records if record.name != "asyncio"]
    assert [record.getMessage() for record in records if record.exc_info or record.levelno > logging.INFO] == []
    assert not any("exception" in record.getMessage().lower() for record in caplog.records)


async def left(house: House, sent: bytes) -> None:
    """Make a call and leave as soon as its reply waits, whatever has come of it."""
    where = urlsplit(house.url)
    _, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(sent)
    async with asyncio.timeout(10):
        while not wire._waiting:
            await house.admin().get("/faults")
    writer.close()


async def fifty_wait(house: House) -> list[asyncio.StreamWriter]:
    """Open fifty calls whose replies hang, are late, drip or stall, and return when all are under way."""
    stream = request(
        "POST", "/apikeyorg/v1/chat/completions", {**CHAT, "stream": True}, X_Soundstage_Fault="stream/stall"
    )
    waiting = [create("midsync", fault) for fault in EVERY[-3:]] + [create("midsync", EVERY[5] + ";how=hang"), stream]
    where = urlsplit(house.url)
    lines = []
    for number in range(50):
        _, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(waiting[number % len(waiting)])
        lines.append(writer)
    async with asyncio.timeout(10):
        while len(wire._waiting) < 50:
            await house.admin().get("/faults")
    return lines


@pytest.mark.parametrize("embedded", [True, False])
async def test_fifty_replies_that_wait_do_not_delay_the_stop(open_stage: OpenStage, embedded: bool) -> None:
    house = await open_stage(embedded=embedded)
    lines = await fifty_wait(house)
    # Had anybody waited for them, it would take half a minute or two.
    async with asyncio.timeout(10):
        await house.stage.stop()
    assert not wire._waiting
    for line in lines:
        line.close()


async def test_fifty_clients_that_leave_take_their_replies_with_them(stage: House) -> None:
    for line in await fifty_wait(stage):
        line.transport.abort()
    await nobody_waits(stage)
    assert await stage.admin().get("/invariants") == {"ok": True, "violations": []}


@contextmanager
def served(factory: Callable[[], asyncio.AbstractEventLoop]) -> Iterator[str]:
    """Run a stage on another kind of loop, in a thread, and give its URL."""
    ready, over, told = Event(), Event(), list[str]()

    async def run() -> None:
        made = create_app(Settings(port=0, clock="manual", seed=7))
        told.append(await made.start())
        ready.set()
        await asyncio.to_thread(over.wait)
        await made.stop()

    def thread() -> None:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(run())

    running = Thread(target=thread)
    running.start()
    try:
        assert ready.wait(10)
        yield told[0]
    finally:
        over.set()
        running.join(10)


@pytest.mark.parametrize(
    ("fault", "end", "some"),
    [
        ("transport/reset", "reset", False),
        ("transport/commit-then-lose", "reset", False),
        ("transport/empty-reply", "closed", False),
        ("transport/garbage", "closed", True),
        ("transport/never-answers", "open", False),
        ("transport/truncated-body", "closed", True),
    ],
)
def test_connections_end_the_same_way_on_uvloop(fault: str, end: str, some: bool) -> None:
    uvloop = pytest.importorskip("uvloop")
    with served(uvloop.new_event_loop) as url:
        came = talk(url, create("midsync", fault), patience=0.1 if end == "open" else 5)
    assert (came.end, bool(came.raw)) == (end, some)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_what_was_sent_before_a_reset_arrives(loop: str) -> None:
    factory = asyncio.new_event_loop if loop == "asyncio" else pytest.importorskip("uvloop").new_event_loop
    long = {**CHAT, "stream": True}
    with served(factory) as url:
        whole = talk(url, request("POST", "/apikeyorg/v1/chat/completions", long, Connection="close"))
        count = whole.body.count(b"data: ") - 1
        fault = f"stream/cut;after={count}"
        came = talk(url, request("POST", "/apikeyorg/v1/chat/completions", long, X_Soundstage_Fault=fault))
    assert count > 10
    assert came.end == "reset"
    assert came.body.count(b"data: ") == count
