"""What becomes of a task's credits: reserved, settled, released, and refused beforehand (R-KEY-033, 034, 048, 070)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from support.client import TASKS, House
from support.gateway import MODELS, everything, refused
from support.receiver import Receiver

KINDS = pytest.mark.parametrize("kind", sorted(TASKS))
RESERVES = {"video": 200, "image": 6, "music": 60}


@pytest.mark.parametrize(
    ("kind", "model", "rate", "unit"),
    [("video", "seedance-2", 20, 1), ("video", "seedance-2-fast", 12, 1), ("music", "suno-5", 10, 30)],
)
async def test_r_key_048_without_a_duration_what_was_made_is_charged_and_the_rest_released(
    stage: House, kind: str, model: str, rate: int, unit: int
) -> None:
    """R-KEY-048, A-KEY-16: never above the reserve, and below it when less was made."""
    admin, client = stage.admin(), stage.gateway()
    await admin.register("apikeyorg", key=stage.key, balance="100000")
    auto = MODELS[model]["duration"]["auto"]
    reserve = rate * -(-auto["maximum"] // unit)
    tasks = [(await client.task(kind, model=model))["id"] for _ in range(25)]
    assert await admin.wallet() == {
        "issued": 100_000,
        "available": 100_000 - 25 * reserve,
        "held": 25 * reserve,
        "spent": 0,
    }
    await admin.advance()
    lengths, spent = set(), 0
    for task in tasks:
        body = await client.poll(task)
        cost = rate * -(-body["duration"] // unit)
        assert auto["minimum"] <= body["duration"] <= auto["maximum"]
        assert body["credits"] == {"reserved": reserve, "charged": cost, "released": reserve - cost}
        moved = {one["kind"]: Decimal(one["amount"]) for one in (await admin.get(f"/tasks/{task}"))["ledger"]}
        rest = {} if cost == reserve else {"release": reserve - cost}
        assert moved == {"reserve": reserve, "settle": cost, **rest}
        lengths.add(body["duration"])
        spent += cost
    assert len(lengths) > 3, "lengths are drawn"
    assert spent < 25 * reserve
    assert await admin.wallet() == {"issued": 100_000, "available": 100_000 - spent, "held": 0, "spent": spent}
    await admin.sound()


@pytest.mark.parametrize(
    ("kind", "fields", "costs", "made"),
    [
        ("video", {"duration": 6}, 120, 6),
        ("video", {"duration": 15, "resolution": "1080p"}, 600, 15),
        ("image", {"n": 3, "resolution": "4k"}, 54, None),
        ("music", {"duration": 31}, 20, 31),
    ],
)
async def test_a_key_16_with_a_duration_the_reserve_is_the_charge(
    stage: House, kind: str, fields: dict[str, Any], costs: int, made: int | None
) -> None:
    admin, client = stage.admin(), stage.gateway()
    task = (await client.task(kind, **fields))["id"]
    await admin.advance()
    body = await client.poll(task)
    assert (body["credits"], body["duration"]) == ({"reserved": costs, "charged": costs, "released": 0}, made)
    assert await admin.wallet() == {"issued": 1000, "available": 1000 - costs, "held": 0, "spent": costs}


@KINDS
@pytest.mark.parametrize("seconds", [0, 7])
async def test_r_key_048_a_failed_task_gives_everything_back(stage: House, kind: str, seconds: int) -> None:
    """R-KEY-046, R-KEY-048, A-KEY-15: whether it was pending or under way."""
    admin, client = stage.admin(), stage.gateway()
    task = (await client.task(kind))["id"]
    await admin.advance(seconds=seconds)
    await admin.post(f"/tasks/{task}/fail", {"reason": "The prompt was refused."})
    body = await client.poll(task)
    assert (body["status"], body["output_urls"], body["duration"]) == ("failed", [], None)
    assert body["error"] == {"message": "The prompt was refused.", "type": "gateway_error", "code": "task_failed"}
    assert body["credits"] == {"reserved": RESERVES[kind], "charged": 0, "released": RESERVES[kind]}
    assert body["completed_at"] == body["created_at"] + seconds
    assert await admin.wallet() == {"issued": 1000, "available": 1000, "held": 0, "spent": 0}
    moved = [(one["kind"], int(one["amount"])) for one in (await admin.get(f"/tasks/{task}"))["ledger"]]
    assert moved == [("reserve", RESERVES[kind]), ("release", RESERVES[kind])]
    assert (await admin.call("POST", f"/tasks/{task}/fail", {})).status == 409
    await admin.advance()
    assert await client.poll(task) == body
    await admin.sound()


async def test_a_failure_without_a_reason_says_something_all_the_same(stage: House) -> None:
    task = (await stage.gateway().task())["id"]
    await stage.admin().post(f"/tasks/{task}/fail")
    assert "released" in (await stage.gateway().poll(task))["error"]["message"]


@KINDS
async def test_r_key_033_034_a_budget_below_the_estimate_leaves_no_trace(
    stage: House, receiver: Receiver, kind: str
) -> None:
    """R-KEY-033: before a task is created. R-KEY-034: equal and above are allowed."""
    admin, client = stage.admin(), stage.gateway()
    path, given = TASKS[kind]
    await admin.register("apikeyorg", key=stage.key, balance="5000")
    await client.task("image")
    before, reserve = await everything(admin), RESERVES[kind]
    for most in (0, 1, reserve - 1, reserve - 0.5, reserve - 0.000001):
        over = await client.post(path, {**given, "max_credits": most, "callback_url": receiver.url})
        assert refused(over, 402, "max_credits_exceeded", "gateway_error", "max_credits")
        assert f"{reserve} credits" in over["error"]["message"]
        assert f"max_credits, {most}." in over["error"]["message"]
        assert await everything(admin) == before
    for most in (reserve, float(reserve), reserve + 0.000001, reserve + 1, 1_000_000):
        assert (await client.post(path, {**given, "max_credits": most})).status == 200
    await admin.advance()
    assert receiver.got == []


@KINDS
async def test_r_key_070_insufficient_credits_is_the_documented_body_to_the_byte(stage: House, kind: str) -> None:
    admin, client = stage.admin(), stage.gateway()
    path, given = TASKS[kind]
    reserve = RESERVES[kind]
    await admin.register("apikeyorg", key=stage.key, balance=f"{reserve - 1}.999999")
    before = await everything(admin)
    answer = await client.post(path, {**given, "max_credits": reserve, "callback_url": "https://your-app.com/hook"})
    assert answer.status == 402
    assert answer.body == {
        "error": {"message": "Insufficient credits", "type": "gateway_error", "code": "insufficient_credits"}
    }
    assert await everything(admin) == before
    over = await client.post(path, {**given, "max_credits": reserve - 1})
    assert refused(over, 402, "max_credits_exceeded", "gateway_error", "max_credits"), "the budget is looked at first"
    key_id = (await admin.get("/keys"))["keys"][0]["id"]
    await admin.post(f"/keys/{key_id}/top-up", {"amount": "0.000001"})
    assert (await client.post(path, given)).status == 200
    assert await admin.balance() == 0


async def test_what_is_held_cannot_be_spent_twice_and_what_came_back_can(stage: House) -> None:
    admin, client = stage.admin(), stage.gateway()
    tasks = [(await client.task())["id"] for _ in range(5)]
    assert (await client.post(*TASKS["video"])).status == 402
    await admin.post(f"/tasks/{tasks[0]}/fail")
    assert (await client.post(*TASKS["video"])).status == 200
