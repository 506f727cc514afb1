"""Bent tasks among others: in queues, in explanations, after a reset, beyond what is kept; and always the same."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import OpenStage
from support.client import House
from support.faulty import APPLIED, MONTH, Side, side
from support.receiver import Receiver
from support.revid import rich


async def crowded(house: House) -> tuple[Any, Side]:
    """Return a client that may run one job at a time, and its side of the stage."""
    limits = {"total_concurrent": 1, "image_concurrent": 1, "video_concurrent": 1, "queue": 10}
    client = await rich(house, limits=limits)
    return client, Side(house, "revidapi", str(client.key))


async def test_a_queued_task_takes_its_bent_course_from_when_it_gets_its_slot(stage: House) -> None:
    client, one = await crowded(stage)
    first = await one.made()
    endless = await one.made("task/never-ends")
    third = await one.made()
    assert await client.states(first, endless, third) == ["pending"] * 3
    assert (await one.admin.get(f"/tasks/{endless}"))["timeline"][-1]["state"] == "waiting"
    first_ends = (await one.offsets(first))[-1][0]
    await one.admin.advance(seconds=MONTH)
    assert await client.states(first, endless, third) == ["completed", "processing", "pending"]
    course = await one.offsets(endless)
    assert course[0] == (0, "waiting", 0)
    assert next(at for at, state, _ in course if state == "running") > first_ends
    # It holds its slot: nobody else may start.
    assert (await client.limits())["active"] == [1, 1, 0, 1]
    await one.admin.sound()
    assert (await client.cancel(endless)).status == 200
    await one.admin.advance()
    assert await client.states(endless, third) == ["cancelled", "completed"]
    assert (await client.limits())["active"] == [0, 0, 0, 0]
    await one.admin.sound()


@pytest.mark.parametrize("fault", ["task/never-ends", "task/stuck-waiting", "task/progress-back", "task/fail;at=99"])
@pytest.mark.parametrize("verb", ["cancel", "complete", "fail", "stall"])
async def test_a_bent_task_can_be_ended_or_stalled_in_the_queue(stage: House, fault: str, verb: str) -> None:
    client, one = await crowded(stage)
    first = await one.made()
    bent = await one.made(fault)
    if verb == "cancel":
        assert (await client.cancel(bent)).status == 200
    else:
        await one.admin.post(f"/tasks/{bent}/{verb}")
    await one.admin.sound()
    third = await one.made()
    await one.admin.advance(seconds=MONTH)
    ends = {"cancel": "cancelled", "complete": "completed", "fail": "failed", "stall": "pending"}
    assert await client.states(first, bent, third) == ["completed", ends[verb], "completed"]
    assert (await client.limits())["active"] == [0, 0, 0, 0]
    await one.admin.sound()


async def test_a_task_that_waits_for_ever_holds_its_slot_until_it_is_cancelled(stage: House) -> None:
    client, one = await crowded(stage)
    stuck, second = await one.made("task/stuck-waiting"), await one.made()
    await one.admin.advance(seconds=MONTH)
    assert await client.states(stuck, second) == ["pending", "pending"]
    before = (await one.admin.wallet())["available"]
    assert (await client.cancel(stuck)).status == 200
    assert (await one.admin.wallet())["available"] > before
    await one.admin.advance()
    assert await client.states(stuck, second) == ["cancelled", "completed"]
    await one.admin.sound()


async def test_an_explanation_names_the_faults_and_what_they_did(stage: House) -> None:
    one = side(stage, "midsync")
    rule = await one.rule("money/overcharge", factor=3)
    task_id = (await one.create('task/fail;at=start;reason="no film"'))["taskId"]
    await one.admin.advance()
    task = await one.admin.get(f"/tasks/{task_id}")
    assert task["faults"] == [
        {"fault": "task/fail", "with": {"at": "start", "reason": "no film"}, "origin": "the request's header"},
        {"fault": "money/overcharge", "with": {"factor": 3.0}, "origin": rule["id"]},
    ]
    told = task["explanation"]
    assert "Fault task/fail with at start, reason no film, asked for by the request's header: The task" in told
    assert f"Fault money/overcharge with factor 3.0, asked for by {rule['id']}: The create charges more" in told
    assert "would have been reserved, not" in told


async def test_an_explanation_of_a_task_nobody_bent_names_no_fault(stage: House) -> None:
    one = side(stage, "midsync")
    await one.rule("task/fail", {"nth": 2})
    task = await one.admin.get(f"/tasks/{await one.made()}")
    assert task["faults"] == []
    assert "Fault" not in task["explanation"]


async def test_a_task_shows_every_callback_it_brought_and_the_fault_that_multiplied_them(
    stage: House, receiver: Receiver
) -> None:
    one = side(stage, "midsync")
    await one.rule("callback/twice")
    task_id = await one.made(callbackUrl=receiver.url)
    await one.admin.advance()
    task = await one.admin.get(f"/tasks/{task_id}")
    assert len(task["deliveries"]) == 2
    assert [fault["fault"] for fault in task["faults"]] == ["callback/twice"]
    assert task["explanation"].count("Callback to") == 2


async def test_the_same_seed_gives_every_task_the_same_fate(open_stage: OpenStage) -> None:
    fates = []
    for _ in range(2):
        one = side(await open_stage(seed=11), "revidapi")
        await one.admin.post("/reset", {"what": "state"})
        await one.rule("task/fail", {"probability": 0.5}, at="middle")
        await one.rule("task/progress-back", {"probability": 0.3})
        courses = {}
        for number in range(12):
            job = (await one.create(prompt=f"picture {number}"))["job_id"]
            courses[job] = await one.offsets(job)
            await one.admin.post(f"/tasks/{job}/complete")
        fates.append(courses)
    assert fates[0] == fates[1]
    assert len({course[-2][1:] for course in fates[0].values()}) > 1


async def test_a_reset_forgets_what_was_bent(stage: House) -> None:
    one = side(stage, "revidapi")
    endless, late = await one.made("task/never-ends"), await one.made("money/refund-late")
    await one.admin.advance(seconds=1200)
    await one.admin.post("/reset", {"what": "state"})
    await one.admin.sound()
    await one.admin.advance()
    again = await one.made()
    assert again == endless
    await one.admin.advance()
    assert await one.status(again) == "completed"
    assert (await one.call("GET", f"/v1/jobs/{late}")).status == 404
    await one.admin.sound()


async def test_a_task_whose_refund_is_due_is_not_evicted_and_leaves_nothing_when_it_is(
    open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from soundstage.core import task

    monkeypatch.setattr(task, "MOST_TASKS", 3)
    house = await open_stage()
    one = side(house, "midsync")
    await one.rule("callback/twice")
    late = await one.made("money/refund-late;seconds=100000", callbackUrl="http://127.0.0.1:9/hook")
    for _ in range(6):
        await one.made()
        await one.admin.advance(seconds=1200)
    assert await one.status(late) == "failed"
    await one.admin.sound()
    await one.admin.advance()
    for _ in range(4):
        await one.made()
        await one.admin.advance()
    assert (await one.call("GET", f"/unified-video/{late}/status")).status == 404
    [universe] = [name for name in house.stage.world.store.universes() if name != "directory"]
    view = house.stage.world.store.peek(universe)
    assert view.get("bent", late) is None
    assert all(row.task_id != late for row in view.tables["delivery"].rows.values())
    await one.admin.sound()


async def test_a_rule_bends_only_the_tasks_it_is_aimed_at(stage: House) -> None:
    one = side(stage, "v2gateway")
    await one.rule("task/fail", {"fields": {"prompt": "*dragon*"}})
    good = await one.made()
    price = (await one.admin.wallet())["held"]
    bad = await one.create(prompt="a dragon sleeps")
    assert bad.headers[APPLIED] == "task/fail"
    await one.admin.advance()
    assert [await one.status(good), await one.status(bad["task_id"])] == ["SUCCESS", "FAILURE"]
    wallet = await one.admin.wallet()
    assert wallet["spent"] == price
    await one.admin.sound()
