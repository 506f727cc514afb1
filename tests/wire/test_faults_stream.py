"""Streams that break: what has come until then is right, and all of it is charged."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from conftest import OpenStage
from soundstage.edge import wire
from support import judge
from support.client import House
from support.sockets import Came, atalk, request

APPLIED, ASKED = "X-Soundstage-Fault-Applied", "X-Soundstage-Fault"
PATH = "/apikeyorg/v1/chat/completions"
CHAT = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "hello"}]}
STREAM = {**CHAT, "stream": True}
FAMILY = ["stream/cut", "stream/stall", "stream/malformed-chunk", "stream/error"]
afters = pytest.mark.parametrize("after", [0, 1, 3, 7])


def asked(house: House, fault: str | None, body: Any = STREAM) -> Any:
    """Open a completion that may ask for a fault."""
    headers = {"Authorization": f"Bearer {house.key}", **({} if fault is None else {ASKED: fault})}
    return house.http.post(f"{house.url}{PATH}", json=body, headers=headers)


async def raw(house: House, fault: str, patience: float = 5.0) -> Came:
    """Return the bytes of a stream and how its connection ended."""
    return await atalk(house.url, request("POST", PATH, STREAM, X_Soundstage_Fault=fault), patience)


def events(data: bytes) -> list[bytes]:
    """Return the events of a stream, without the sizes of its chunks."""
    return [part.partition(b"data: ")[2] for part in data.split(b"\n\n") if b"data: " in part]


async def whole(house: House) -> list[bytes]:
    """Return the events of the stream that nothing is wrong with."""
    async with asked(house, None) as reply:
        return events(await reply.read())


def same(came: list[bytes], usual: list[bytes]) -> bool:
    """Tell whether events are the same but for the id of the answer, which is another each time."""
    return [_anonymous(one) for one in came] == [_anonymous(one) for one in usual]


def _anonymous(event: bytes) -> Any:
    return event if event == b"[DONE]" else {**json.loads(event), "id": ""}


async def paid(house: House, calls: int = 1) -> None:
    """Assert that so many equal answers were charged in full."""
    wallet = await house.admin().wallet()
    assert wallet["held"] == 0
    assert wallet["spent"] > 0
    async with asked(house, None, CHAT) as reply:
        usage = (await reply.json())["usage"]
    again = await house.admin().wallet()
    assert again["spent"] - wallet["spent"] == wallet["spent"] / calls, usage
    await house.admin().sound()


@afters
async def test_a_stream_is_cut_by_a_reset_after_so_many_events(stage: House, after: int) -> None:
    came = await raw(stage, f"stream/cut;after={after}")
    assert came.end == "reset"
    assert came.raw.startswith(b"HTTP/1.1 200 OK\r\n")
    assert came.header(APPLIED) == "stream/cut"
    assert len(events(came.body)) == after
    assert same(events(came.body), (await whole(stage))[:after])
    await paid(stage, 2)


async def test_a_client_library_sees_a_cut_stream_as_a_broken_payload(stage: House) -> None:
    async with asked(stage, "stream/cut") as reply:
        assert reply.status == 200
        with pytest.raises(aiohttp.ClientError):
            await reply.read()


async def test_a_cut_later_than_the_end_still_takes_the_end(stage: House) -> None:
    came = await raw(stage, "stream/cut;after=100000")
    assert came.end == "reset"
    assert same(events(came.body), (await whole(stage))[:-1])


@afters
async def test_a_stream_stalls_after_so_many_events_and_stays_open(stage: House, after: int) -> None:
    came = await raw(stage, f"stream/stall;after={after}", patience=0.25)
    assert came.end == "open"
    assert came.header(APPLIED) == "stream/stall"
    assert same(events(came.body), (await whole(stage))[:after])
    await paid(stage, 2)


async def test_a_stalled_stream_ends_when_its_client_leaves(stage: House) -> None:
    async with asked(stage, "stream/stall") as reply:
        assert (await reply.content.readline()).startswith(b"data: ")
        reply.close()
    async with asyncio.timeout(2):
        while wire._waiting:
            await stage.admin().get("/faults")
    (row,) = (await stage.admin().get("/requests"))["requests"]
    assert row["status"] == 200


@afters
async def test_one_event_is_no_json_and_the_stream_goes_on(stage: House, after: int) -> None:
    async with asked(stage, f"stream/malformed-chunk;after={after}") as reply:
        assert reply.headers[APPLIED] == "stream/malformed-chunk"
        came = events(await reply.read())
    usual = await whole(stage)
    assert len(came) == len(usual)
    assert came[-1] == b"[DONE]"
    with pytest.raises(json.JSONDecodeError):
        json.loads(came[after])
    assert same(came[:after] + came[after + 1 :], usual[:after] + usual[after + 1 :])
    await paid(stage, 2)


async def test_the_event_that_ends_a_stream_is_never_the_malformed_one(stage: House) -> None:
    async with asked(stage, "stream/malformed-chunk;after=100000") as reply:
        came = events(await reply.read())
    assert came[-1] == b"[DONE]"
    with pytest.raises(json.JSONDecodeError):
        json.loads(came[-2])


@afters
async def test_a_stream_ends_in_the_providers_error(stage: House, after: int) -> None:
    async with asked(stage, f"stream/error;after={after};message=overloaded") as reply:
        assert (reply.status, reply.headers[APPLIED]) == (200, "stream/error")
        came = events(await reply.read())
    assert len(came) == after + 1
    error = json.loads(came[-1])
    judge.of("apikeyorg")._valid("a fault", "error", {"$ref": "#/components/schemas/Error"}, error)
    assert error["error"]["message"] == "overloaded"
    assert same(came[:-1], (await whole(stage))[:after])
    await paid(stage, 2)


async def test_the_connection_goes_on_after_an_error_in_a_stream(stage: House) -> None:
    sent = request("POST", PATH, STREAM, X_Soundstage_Fault="stream/error")
    came = await atalk(stage.url, sent + request("GET", "/health", Connection="close"))
    assert came.raw.endswith(b'{"status":"ok"}')


@pytest.mark.parametrize("fault", FAMILY)
async def test_an_answer_that_is_no_stream_stays_whole(stage: House, fault: str) -> None:
    async with asked(stage, f"{fault};after=1", CHAT) as reply:
        assert reply.status == 200
        assert (await reply.json())["choices"][0]["message"]["content"]
    await paid(stage)


@pytest.mark.parametrize("fault", FAMILY)
async def test_other_calls_than_completions_are_none_of_its_business(stage: House, fault: str) -> None:
    await stage.admin().post("/faults", {"fault": fault})
    answer = await stage.gateway().task()
    assert APPLIED not in answer.headers
    assert (await stage.gateway().poll(answer["task_id"]))["status"] == "pending"


@pytest.mark.parametrize("fault", FAMILY)
async def test_a_rule_is_shown_as_it_was_set(stage: House, fault: str) -> None:
    await stage.admin().post("/faults", {"fault": fault, "with": {"after": 2}, "when": {"every": 2}})
    (rule,) = (await stage.admin().get("/faults"))["rules"]
    assert (rule["fault"], rule["with"]) == (fault, {"after": 2})
    usual = await whole(stage)
    if fault == "stream/error":
        async with asked(stage, None) as reply:
            assert len(events(await reply.read())) == 3 < len(usual)


async def test_a_parameter_it_does_not_have_is_told_by_the_name_it_has(stage: House) -> None:
    answer = await stage.admin().call("POST", "/faults", {"fault": "stream/cut", "with": {"events": 2}})
    assert (answer.status, answer["error"]["message"]) == (400, "stream/cut has no parameter 'events'; it has after")


async def test_events_before_a_fault_keep_their_times(open_stage: OpenStage) -> None:
    house = await open_stage(clock="real")
    loop = asyncio.get_running_loop()
    async with asked(house, "stream/error;after=5") as reply:
        await reply.content.readline()
        began = loop.time()
        assert b"error" in await reply.read()
    assert loop.time() - began > 0.04


async def test_late_and_cut_add_up(stage: House) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    came = await raw(stage, "stream/cut;after=2, transport/latency;ms=50")
    assert loop.time() - began >= 0.05
    assert (came.end, len(events(came.body))) == ("reset", 2)
