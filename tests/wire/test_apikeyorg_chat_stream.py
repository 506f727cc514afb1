"""API-Key's streams: exact frames, the words of the whole answer, paid once whoever stops reading (R-KEY-022)."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from conftest import OpenStage
from support.client import PROMPT, Gateway, House

PATH = "/v1/chat/completions"
BASE: Mapping[str, Any] = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": PROMPT}], "stream": True}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "minLength": 20}},
            "required": ["city"],
        },
    },
}
CHUNK = {"id", "object", "created", "model", "system_fingerprint", "choices"}


def deltas(chunks: list[Any], index: int = 0) -> list[tuple[dict[str, Any], str | None]]:
    """Return a choice's deltas, each with its finish reason."""
    return [
        (choice["delta"], choice["finish_reason"])
        for chunk in chunks
        for choice in chunk["choices"]
        if choice["index"] == index
    ]


def words(chunks: list[Any], index: int = 0) -> str:
    """Return a choice's words."""
    return "".join(delta.get("content") or "" for delta, _ in deltas(chunks, index))


@asynccontextmanager
async def opened(house: House, **fields: Any) -> AsyncIterator[aiohttp.ClientResponse]:
    """Open a stream and leave it to the test to read it."""
    headers = {"Authorization": f"Bearer {house.key}"}
    async with house.http.post(f"{house.url}/apikeyorg{PATH}", json={**BASE, **fields}, headers=headers) as reply:
        assert (reply.status, reply.content_type) == (200, "text/event-stream")
        yield reply


async def test_the_frames_are_those_openais_clients_read(stage: House) -> None:
    answer = await stage.gateway().chat(stream=True)
    assert answer.headers["Content-Type"].split(";")[0] == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["x-request-id"].removeprefix("req_").isdigit()
    *events, done, rest = answer.raw.split(b"\n\n")
    assert (done, rest) == (b"data: [DONE]", b"")
    assert b"\r" not in answer.raw
    for event in events:
        assert event.startswith(b"data: {")
        assert b"\n" not in event
        assert json.loads(event[6:]).keys() == CHUNK


async def test_a_stream_begins_with_the_role_and_ends_with_the_reason(stage: House) -> None:
    chunks = await stage.gateway().stream()
    first, *middle, last = deltas(chunks)
    assert (first[0]["role"], first[0]["content"], first[1]) == ("assistant", "", None)
    assert last == ({}, "stop")
    assert all(delta.keys() == {"content"} and delta["content"] and end is None for delta, end in middle)
    assert len({(chunk["id"], chunk["created"], chunk["model"], chunk["system_fingerprint"]) for chunk in chunks}) == 1
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert all("usage" not in chunk for chunk in chunks)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"n": 3},
        {"max_tokens": 3},
        {"stop": ["the"]},
        {"stop": list("YHLOTA")},
        {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "integer"}}}},
        {"messages": [{"role": "user", "content": "🌊 über \u2028 lines"}]},
    ],
    ids=["plain", "n", "max_tokens", "stop", "nothing left", "json_object", "json_schema", "unicode"],
)
async def test_a_stream_says_what_the_whole_answer_says(stage: House, fields: dict[str, Any]) -> None:
    if isinstance(fields.get("stop"), list) and len(fields["stop"]) > 4:
        fields = {"stop": [(await stage.gateway().chat())["choices"][0]["message"]["content"][0]]}
    whole = (await stage.gateway().chat(**fields)).body
    chunks = await stage.gateway().stream(**fields, stream_options={"include_usage": True})
    for index, choice in enumerate(whole["choices"]):
        assert words(chunks, index) == choice["message"]["content"]
        assert deltas(chunks, index)[-1] == ({}, choice["finish_reason"])
    assert len(chunks[0]["id"]) == len(whole["id"])
    assert chunks[0]["id"] != whole["id"]
    pieces = [delta for index in range(len(whole["choices"])) for delta, _ in deltas(chunks, index)[1:-1]]
    assert len(pieces) == whole["usage"]["completion_tokens"]
    assert chunks[-1]["usage"] == whole["usage"]


async def test_several_answers_come_side_by_side(stage: House) -> None:
    chunks = await stage.gateway().stream(n=3)
    order = [chunk["choices"][0]["index"] for chunk in chunks]
    assert order[:6] == [0, 1, 2, 0, 1, 2]
    assert all(len(chunk["choices"]) == 1 for chunk in chunks)
    assert len({words(chunks, index) for index in range(3)}) == 3


async def test_usage_comes_last_and_only_when_asked_for(stage: House) -> None:
    chunks = await stage.gateway().stream(stream_options={"include_usage": True})
    assert all(chunk["usage"] is None for chunk in chunks[:-1])
    assert chunks[-1]["choices"] == []
    usage = chunks[-1]["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    for options in ({"include_usage": False}, {"include_usage": None}, {}, None):
        plain = await stage.gateway().stream(stream_options=options)
        assert all("usage" not in chunk for chunk in plain)
        assert len(plain) == len(chunks) - 1


@pytest.mark.parametrize("most", [None, 2])
async def test_a_streamed_call_of_a_tool_assembles_to_the_whole_one(stage: House, most: int | None) -> None:
    fields: dict[str, Any] = {"tools": [WEATHER], "tool_choice": "required", "max_tokens": most}
    (choice,) = (await stage.gateway().chat(**fields))["choices"]
    (whole,) = choice["message"]["tool_calls"]
    first, *middle, last = deltas(await stage.gateway().stream(**fields))
    (opening,) = first[0]["tool_calls"]
    assert (first[0]["role"], first[0]["content"]) == ("assistant", None)
    assert opening["index"] == 0
    assert (opening["type"], opening["function"]) == ("function", {"name": "get_weather", "arguments": ""})
    assert opening["id"].startswith("call_")
    parts = [delta["tool_calls"] for delta, _ in middle]
    assert all(len(part) == 1 and part[0].keys() == {"index", "function"} and part[0]["index"] == 0 for part in parts)
    assert "".join(part[0]["function"]["arguments"] for part in parts) == whole["function"]["arguments"]
    assert last == ({}, choice["finish_reason"])
    if most is None:
        json.loads(whole["function"]["arguments"])


async def test_a_refusal_is_no_stream(stage: House) -> None:
    refused: list[dict[str, Any]] = [{"model": "gpt-9"}, {"n": 0}, {"messages": []}]
    for fields in refused:
        answer = await stage.gateway().post(PATH, {**BASE, **fields})
        assert answer.status in {400, 404}
        assert answer.headers["Content-Type"].startswith("application/json")


async def test_the_connection_can_be_used_again_after_a_stream(stage: House) -> None:
    """The body ends with its last frame; some clients wait for that end before they go on."""
    async with asyncio.timeout(5):
        for _ in range(5):
            async with opened(stage) as reply:
                assert (await reply.read()).endswith(b"data: [DONE]\n\n")
    assert len(stage.http.connector._conns) == 1  # type: ignore[union-attr]


async def test_the_journal_keeps_what_was_streamed(stage: House) -> None:
    answer = await stage.gateway().chat(stream=True)
    (row,) = (await stage.admin().get("/requests"))["requests"]
    assert row["status"] == 200
    assert answer.headers["x-request-id"].endswith(str(row["id"]))


async def test_a_manual_clock_never_holds_a_stream_back(stage: House) -> None:
    """Hundreds of tokens, which at 20 ms each would take seconds."""
    whole = await stage.gateway().chat(n=8)
    count = max(len(choice["message"]["content"]) // 4 for choice in whole["choices"])
    assert count * 0.02 > 1
    began = time.monotonic()
    await stage.gateway().stream(n=8)
    assert time.monotonic() - began < 0.5


async def arrivals(house: House, **fields: Any) -> list[float]:
    """Return when each frame of a stream arrived, in seconds after it was asked for."""
    began, at = time.monotonic(), list[float]()
    async with opened(house, **fields) as reply:
        while line := await reply.content.readline():
            if line.startswith(b"data: "):
                at.append(time.monotonic() - began)
    return at


async def test_on_a_real_clock_a_token_comes_every_twenty_milliseconds(open_stage: OpenStage) -> None:
    house = await open_stage(clock="real")
    at = await arrivals(house, max_tokens=10)
    assert len(at) == 1 + 10 + 1 + 1
    # The role at 0, tokens at 20 to 200, the reason and the end at 220; a busy machine is late, never early.
    planned = [*(0.02 * step for step in range(12)), 0.22]
    assert all(came > due - 0.015 for came, due in zip(at, planned, strict=True))
    assert at[-1] < 2
    assert sum(later - earlier > 0.005 for earlier, later in pairwise(at)) >= 3


async def test_speed_shortens_the_time_between_tokens(open_stage: OpenStage) -> None:
    house = await open_stage(clock="scaled", speed=1000.0)
    assert (await arrivals(house, n=8))[-1] < 0.5


async def spent_once(house: House, calls: int = 1) -> Decimal:
    """Assert that so many answers were paid for, and return what they cost."""
    gateway: Gateway = house.gateway()
    rows = (await house.anybody().get("/keys"))["keys"]
    (key,) = rows
    used = await house.admin().get(f"/keys/{key['id']}/usage")
    assert used["calls"] == calls
    wallet = await house.admin().wallet()
    assert wallet["spent"] == Decimal(used["charged"])
    assert wallet["held"] == 0
    await house.admin().sound()
    assert (await gateway.get("/v1/models")).status == 200
    return wallet["spent"]


async def test_a_client_that_leaves_in_the_middle_has_paid_once_and_the_server_goes_on(
    open_stage: OpenStage, caplog: pytest.LogCaptureFixture
) -> None:
    house = await open_stage(clock="real")
    with caplog.at_level(logging.WARNING):
        async with opened(house) as reply:
            await reply.content.readline()
            assert reply.connection is not None
            assert reply.connection.transport is not None
            reply.connection.transport.abort()
        paid = await spent_once(house)
        whole = await house.gateway().chat()
    usage = whole["usage"]
    assert paid == (usage["prompt_tokens"] * Decimal("0.1") + usage["completion_tokens"] * Decimal("0.8")) / 1000
    assert await spent_once(house, 2) == 2 * paid
    assert [record.getMessage() for record in caplog.records] == []


async def test_many_clients_that_leave_hold_nothing_open(open_stage: OpenStage) -> None:
    house = await open_stage(clock="real")
    for _ in range(20):
        async with opened(house) as reply:
            await reply.content.readline()
            reply.close()
    await spent_once(house, 20)
    began = time.monotonic()
    await house.stage.stop()
    assert time.monotonic() - began < 2


async def test_a_client_that_reads_in_small_pieces_gets_everything(stage: House) -> None:
    async with opened(stage, n=8) as reply:
        got = b"".join([chunk async for chunk in reply.content.iter_chunked(7)])
    assert got.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("clock", ["real", "scaled"])
async def test_a_server_that_stops_ends_an_open_stream_within_two_seconds(open_stage: OpenStage, clock: str) -> None:
    house = await open_stage(clock=clock, speed=1.0)
    ten_seconds = {"type": "json_schema", "json_schema": {"name": "long", "schema": {"const": "x" * 2000}}}
    async with opened(house, response_format=ten_seconds) as reply:
        await reply.content.readline()
        began = time.monotonic()
        await house.stage.stop()
        assert time.monotonic() - began < 2
        with suppress(aiohttp.ClientError):
            assert b"[DONE]" not in await reply.content.read()
