"""A limit of calls a minute: the call that is one too many is refused, told when to come again, and costs nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from conftest import OpenStage
from support.client import KLING, PROMPT, Answer, Gateway, House

KEY = "sk_test_limited"
CHAT: Mapping[str, Any] = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": PROMPT}]}


async def register(house: House, limit: int, key: str = KEY, **more: Any) -> Gateway:
    """Register a key of API-Key with a limit and return its client."""
    given = {"provider": "apikeyorg", "key": key, "limits": {"requests_per_minute": limit}, **more}
    made = await house.anybody().ok("POST", "/keys", given)
    assert made["limits"] == {"requests_per_minute": limit}
    return house.gateway(key)


def too_many(answer: Answer, wait_ms: int) -> None:
    """Assert that a call was refused and told when to come again."""
    assert answer.status == 429, answer.raw
    error = answer["error"]
    assert error.keys() == {"message", "type", "code"}
    assert (error["type"], error["code"]) == ("rate_limit_error", "rate_limit_exceeded")
    assert answer.headers["retry-after-ms"] == str(wait_ms)
    assert answer.headers["Retry-After"] == str(-(-wait_ms // 1000))
    assert answer.headers["x-request-id"].startswith("req_")


async def models(gateway: Gateway) -> Answer:
    """Make the cheapest call there is."""
    return await gateway.get("/v1/models")


async def test_the_call_after_the_last_one_is_refused_until_time_has_passed(stage: House) -> None:
    gateway, admin = await register(stage, 4), stage.admin(KEY)
    assert [(await models(gateway)).status for _ in range(4)] == [200] * 4
    too_many(await models(gateway), 15_000)
    await admin.advance(seconds=14.999)
    too_many(await models(gateway), 1)
    await admin.advance(seconds=0.001)
    assert (await models(gateway)).status == 200
    too_many(await models(gateway), 15_000)
    await admin.advance(seconds=60)
    assert [(await models(gateway)).status for _ in range(5)] == [200] * 4 + [429]


async def test_waiting_as_long_as_the_header_says_is_enough(stage: House) -> None:
    gateway, admin = await register(stage, 7), stage.admin(KEY)
    for _ in range(7):
        await models(gateway)
    for _ in range(10):
        refused = await models(gateway)
        assert refused.status == 429
        await admin.advance(seconds=int(refused.headers["retry-after-ms"]) / 1000)
        assert (await models(gateway)).status == 200


async def test_refused_calls_take_nothing_and_make_no_one_wait_longer(stage: House) -> None:
    gateway, admin = await register(stage, 2), stage.admin(KEY)
    statuses = [(await gateway.post("/v1/chat/completions", CHAT)).status for _ in range(2)]
    assert statuses == [200, 200]
    before = await admin.balance()
    for _ in range(20):
        too_many(await gateway.post("/v1/chat/completions", CHAT), 30_000)
        too_many(await gateway.post("/v1/videos", {"model": "seedance-2", "prompt": PROMPT}), 30_000)
    assert await admin.balance() == before
    assert await admin.tasks() == []
    await admin.advance(seconds=30)
    assert (await gateway.post("/v1/chat/completions", CHAT)).status == 200
    await admin.sound()


async def test_other_keys_go_on(stage: House) -> None:
    """Neither a key without a limit, nor one with its own, nor one in the same universe waits for another."""
    first = await register(stage, 1)
    second = await register(stage, 1, "sk_test_limited_too", universe="shared")
    third = await register(stage, 1, "sk_test_limited_three", universe="shared")
    for gateway in (first, second, third):
        assert (await models(gateway)).status == 200
        too_many(await models(gateway), 60_000)
    assert all([(await models(stage.gateway())).status == 200 for _ in range(10)])
    nobody = replace(stage.gateway(), key=None)
    assert all([(await models(nobody)).status == 200 for _ in range(10)])


async def _streamed(gateway: Gateway) -> Answer:
    return await gateway.post("/v1/chat/completions", {**CHAT, "stream": True})


async def _by_header(gateway: Gateway) -> Answer:
    return await replace(gateway, key=None).call("GET", "/v1/models", headers={"x-api-key": KEY})


async def _by_form(gateway: Gateway) -> Answer:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return await gateway.call("POST", "/v1/videos", data=b"model=seedance-2&prompt=waves", headers=form)


CALLS: Mapping[str, Callable[[Gateway], Awaitable[Answer]]] = {
    "a streamed answer": _streamed,
    "a keyless list with a key": models,
    "the other header": _by_header,
    "an estimate": lambda gateway: gateway.post("/v1/credits/estimate", {"model": "seedance-2"}),
    "an entry point": lambda gateway: gateway.get("/llms.txt"),
    "an embedding": lambda gateway: gateway.post(
        "/v1/embeddings", {"model": "text-embedding-3-small", "input": PROMPT, "dimensions": 2}
    ),
    "a task": lambda gateway: gateway.task(),
    "a form": _by_form,
    "a poll of nothing": lambda gateway: gateway.get("/v1/tasks/task_none"),
    "a refused body": lambda gateway: gateway.post("/v1/videos", {"model": "seedance-9"}),
}


@pytest.mark.parametrize("call", CALLS)
async def test_every_call_that_was_let_in_counts(stage: House, call: str) -> None:
    gateway = await register(stage, 2)
    first = await CALLS[call](gateway)
    assert first.status in {200, 404}
    assert (await models(gateway)).status == 200
    too_many(await models(gateway), 30_000)


@pytest.mark.parametrize("call", [name for name in CALLS if name != "a task"])
async def test_every_call_can_be_refused(stage: House, call: str) -> None:
    gateway = await register(stage, 1)
    await models(gateway)
    too_many(await CALLS[call](gateway), 60_000)


async def test_a_call_without_or_with_a_bad_key_empties_nobodys_bucket(stage: House) -> None:
    gateway = await register(stage, 1)
    for key in (None, "short", f"{KEY}_revoked"):
        for _ in range(5):
            await models(replace(gateway, key=key))
    assert (await models(gateway)).status == 200


async def test_the_limit_holds_on_a_running_clock(open_stage: OpenStage) -> None:
    """A clock's speed shortens what the simulator lets pass, never a rate window."""
    house = await open_stage(clock="scaled", speed=1000.0)
    gateway = await register(house, 3)
    assert [(await models(gateway)).status for _ in range(4)] == [200, 200, 200, 429]
    refused = await models(gateway)
    assert refused.status == 429
    assert 15_000 < int(refused.headers["retry-after-ms"]) <= 20_000


async def test_a_reset_fills_the_bucket(stage: House) -> None:
    gateway = await register(stage, 1)
    await models(gateway)
    assert (await models(gateway)).status == 429
    await stage.admin(KEY).ok("POST", "/reset", {"what": "state"})
    assert (await models(gateway)).status == 200
    assert (await models(gateway)).status == 429


async def test_another_provider_refuses_in_its_own_words(stage: House) -> None:
    given = {"provider": "midsync", "key": KEY, "limits": {"requests_per_minute": 1}}
    await stage.anybody().ok("POST", "/keys", given)
    client = stage.client(KEY)
    assert (await client.post("/unified-video/quote", dict(KLING))).status == 200
    refused = await client.post("/unified-video/quote", dict(KLING))
    assert (refused.status, refused["success"]) == (429, False)
    assert refused.headers["Retry-After"] == "60"


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"requests_per_minute": 0}, "invalid_limit"),
        ({"requests_per_minute": -1}, "invalid_limit"),
        ({"requests_per_minute": 1_000_001}, "invalid_limit"),
        ({"requests_per_second": 5}, "invalid_limit"),
        ({"requests_per_minute": 5, "tokens_per_minute": 5}, "invalid_limit"),
        ({"requests_per_minute": "5"}, "invalid_request"),
        ({"requests_per_minute": 1.5}, "invalid_request"),
        ({"requests_per_minute": None}, "invalid_request"),
        ({"requests_per_minute": True}, "invalid_request"),
        ([5], "invalid_request"),
        (5, "invalid_request"),
    ],
)
async def test_a_limit_that_makes_no_sense_is_not_registered(stage: House, limits: Any, code: str) -> None:
    admin = stage.anybody()
    answer = await admin.call("POST", "/keys", {"provider": "apikeyorg", "key": KEY, "limits": limits})
    assert (answer.status, answer["error"]["code"]) == (400, code), answer.raw
    assert (await admin.get("/keys"))["keys"] == []


@pytest.mark.parametrize("limits", [None, {}])
async def test_no_limit_is_no_limit(stage: House, limits: Any) -> None:
    await stage.anybody().ok("POST", "/keys", {"provider": "apikeyorg", "key": KEY, "limits": limits})
    assert all([(await models(stage.gateway(KEY))).status == 200 for _ in range(50)])
