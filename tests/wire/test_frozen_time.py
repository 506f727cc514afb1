"""Everything that reads the machine's clock shows the time it is told: a test that freezes it stays in control."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from standardwebhooks import Webhook, WebhookVerificationError

from conftest import OpenStage
from soundstage.core.clock import iso, wall_now
from support.client import KLING, Answer, Client, House
from support.receiver import Receiver

START = datetime(2027, 3, 1, 9, 0, 0, tzinfo=UTC)


@pytest.fixture
def frozen() -> Iterator[FrozenDateTimeFactory]:
    with freeze_time(START, real_asyncio=True) as factory:
        assert isinstance(factory, FrozenDateTimeFactory)
        yield factory


@pytest.fixture
async def scaled(open_stage: OpenStage, frozen: FrozenDateTimeFactory) -> House:
    return await open_stage(clock="scaled", speed=10.0)


async def tried(client: Client) -> Answer:
    """Create a task, or be refused."""
    return await client.call("POST", "/unified-video/generate", body=dict(KLING))


async def test_the_wall_is_the_machine_s_clock(frozen: FrozenDateTimeFactory) -> None:
    assert iso(wall_now()) == "2027-03-01T09:00:00.000Z"
    frozen.tick(timedelta(milliseconds=1500))
    assert iso(wall_now()) == "2027-03-01T09:00:01.500Z"


async def test_a_task_stands_still_while_the_clock_does_and_ends_when_it_is_moved(
    scaled: House, frozen: FrozenDateTimeFactory
) -> None:
    client = scaled.client()
    task_id = (await client.create())["taskId"]
    first = await client.status(task_id)
    for _ in range(3):
        assert await client.status(task_id) == first
    # The documented 90 s take 7 to 10 s at speed 10.
    frozen.tick(timedelta(seconds=4))
    assert (await client.status(task_id))["status"] == "processing"
    frozen.tick(timedelta(seconds=7))
    assert (await client.status(task_id))["status"] == "completed"
    (task,) = await scaled.admin(client.key).tasks()
    assert task["created_at"] == "2027-03-01T09:00:00.000Z"


async def test_the_real_clock_takes_as_long_as_documented(open_stage: OpenStage, frozen: FrozenDateTimeFactory) -> None:
    stage = await open_stage(clock="real")
    task_id = (await stage.client().create())["taskId"]
    frozen.tick(timedelta(seconds=60))
    assert (await stage.client().status(task_id))["status"] == "processing"
    frozen.tick(timedelta(seconds=60))
    assert (await stage.client().status(task_id))["status"] == "completed"


async def test_the_manual_clock_does_not_look_at_the_machine_s(stage: House, frozen: FrozenDateTimeFactory) -> None:
    before = await stage.admin("sk_test_somebody").get("/clock")
    frozen.tick(timedelta(days=400))
    assert await stage.admin("sk_test_somebody").get("/clock") == before


async def test_a_callback_is_signed_with_the_machine_s_time(
    stage: House, receiver: Receiver, frozen: FrozenDateTimeFactory
) -> None:
    client = stage.client()
    key = await stage.anybody().register(key=client.key)
    await client.create(callbackUrl=receiver.url)
    frozen.tick(timedelta(hours=1))
    await stage.admin(client.key).advance(until="idle")
    (callback,) = receiver.got
    assert callback.headers["webhook-timestamp"] == str(int((START + timedelta(hours=1)).timestamp()))
    judge = Webhook(key["webhook_secret"])
    assert judge.verify(callback.raw.decode(), dict(callback.headers))
    frozen.tick(timedelta(minutes=6))
    with pytest.raises(WebhookVerificationError, match="too old"):
        judge.verify(callback.raw.decode(), dict(callback.headers))


async def test_a_refused_call_may_be_repeated_when_the_machine_says_so(
    scaled: House, frozen: FrozenDateTimeFactory
) -> None:
    await scaled.anybody().register(key="sk_test_slowly", limits={"requests_per_minute": 1})
    client = scaled.client("sk_test_slowly")
    assert (await tried(client)).status == 200
    refused = await tried(client)
    assert refused.status == 429
    wait = int(refused.headers["Retry-After-Ms"])
    frozen.tick(timedelta(milliseconds=wait - 10))
    assert (await tried(client)).status == 429
    frozen.tick(timedelta(milliseconds=10))
    assert (await tried(client)).status == 200


async def test_the_journal_and_the_keys_tell_the_machine_s_time(scaled: House, frozen: FrozenDateTimeFactory) -> None:
    await scaled.client().create()
    frozen.tick(timedelta(seconds=30))
    await scaled.client().create()
    at = [one["at"] for one in (await scaled.admin("sk_test_somebody").get("/requests"))["requests"]]
    assert at == ["2027-03-01T09:00:30.000Z", "2027-03-01T09:00:00.000Z"]
    har: Any = await scaled.admin("sk_test_somebody").get("/requests.har")
    assert har["log"]["entries"][0]["startedDateTime"].startswith("2027-03-01T09:00:00")


async def test_a_rule_s_window_follows_the_universe_s_time(scaled: House, frozen: FrozenDateTimeFactory) -> None:
    client, admin = scaled.client(), scaled.admin("sk_test_somebody")
    rule = {"fault": "http/status", "when": {"operation": "create", "from": "10s", "until": "20s"}}
    await admin.post("/faults", rule)
    seen = []
    for _ in range(4):
        seen.append((await tried(client)).status)
        frozen.tick(timedelta(seconds=8))
    assert seen == [200, 200, 503, 200]


async def test_waiting_for_a_hanging_receiver_ends_although_the_clock_stands_still(
    stage: House, receiver: Receiver, frozen: FrozenDateTimeFactory
) -> None:
    receiver.hang()
    await stage.client().create(callbackUrl=receiver.url)
    async with asyncio.timeout(10):
        answer = await stage.admin("sk_test_somebody").call("POST", "/clock/advance", {"until": "idle", "timeout": 0.2})
    assert answer.status == 504
    assert json.loads(answer.raw)["error"]["code"] == "advance_timed_out"


async def test_thirty_days_of_retries_take_less_than_a_second(stage: House, receiver: Receiver) -> None:
    receiver.status = 500
    await stage.client().create({**KLING}, callbackUrl=receiver.url)
    begun = asyncio.get_running_loop().time()
    await stage.admin("sk_test_somebody").advance(seconds=30 * 86_400)
    assert asyncio.get_running_loop().time() - begun < 1
    assert len(receiver.got) == 7
    (delivery,) = await stage.admin("sk_test_somebody").deliveries()
    assert delivery["state"] == "exhausted"
