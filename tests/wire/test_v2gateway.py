"""The /v2 gateway's tasks from submit to their end: ids, states, progress, times, results, refunds."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import pytest

from conftest import OpenStage
from support.client import House
from support.v2 import FULL, KINDS, NO_DATA, PROMPT, QUEUED, SCOPES, UUID, six_states, v2

EACH_SCOPE = pytest.mark.parametrize("scope", SCOPES)
MANUAL_START = 1_767_225_600
VEO_EXTRAS = {"platform": "google", "action": "google-videos", "search_item": ""}
KEYS = ["task_id", "status", "fail_reason", "submit_time", "start_time", "finish_time", "progress", "data"]
VEO_KEYS = [KEYS[0], "platform", "action", *KEYS[1:], "search_item"]


def percent(body: Any) -> int:
    """Return a progress text as a number."""
    found = re.fullmatch(r"(\d{1,3})%", body["progress"])
    assert found is not None, body
    return int(found[1])


async def test_r_v2_020_030_the_smallest_body_is_enough_and_answered_with_an_id_alone(stage: House) -> None:
    """R-V2-001, R-V2-004, R-V2-020, R-V2-030, R-V2-032."""
    answer = await v2(stage).post("/v2/videos/generations", {"prompt": PROMPT, "model": "veo3"})
    assert (answer.status, list(answer.body)) == (200, ["task_id"])
    assert "X-Soundstage-Warning" not in answer.headers
    assert (await stage.admin().wallet())["held"] == 40


@EACH_SCOPE
async def test_r_v2_003_010_018_every_documented_field_is_accepted_in_every_scope(stage: House, scope: str) -> None:
    """R-V2-003, R-V2-010..018, A-V2-03, A-V2-04, A-V2-07, A-V2-09: with the upper-case P and the empty texts."""
    task = await v2(stage).submit(scope, **FULL)
    assert re.fullmatch(UUID, task)
    assert (await stage.admin().wallet())["held"] == KINDS[scope][0]


async def test_r_v2_031_veo_models_have_the_model_and_the_time_in_their_ids_and_others_a_uuid(stage: House) -> None:
    client = v2(stage)
    await stage.admin().register("v2gateway", key=stage.key, balance="10000")
    for model in ("veo3", "veo3.1-pro-4k", "VEO2"):
        assert re.fullmatch(rf"{re.escape(model)}:{MANUAL_START}-[A-Za-z0-9]{{10}}", await client.submit(model=model))
    for model in ("sora-2", "wan3.0-video", "not-veo3", "veo 3", "veo/3", "veo3\u00e9", "x" * 200):
        assert re.fullmatch(UUID, await client.submit(model=model)), model
    assert len({await client.submit("audio") for _ in range(50)}) == 50


async def test_r_v2_031_an_id_may_be_sent_raw_and_percent_encoded(stage: House) -> None:
    client = v2(stage)
    task = await client.submit()
    shown = await client.poll(task)
    for written in (task.replace(":", "%3A"), task.replace(":", "%3a"), "".join(f"%{ord(one):02X}" for one in task)):
        assert await client.poll(written) == shown
    plain = await client.submit(model="sora-2")
    assert (await client.poll(plain.replace("-", "%2D")))["task_id"] == plain


@EACH_SCOPE
async def test_r_v2_040_to_056_a_life_on_a_manual_clock(stage: House, scope: str) -> None:
    """R-V2-040..045, 047, 048, 050, 053..056, A-V2-10, A-V2-11, A-V2-21: each state at its instant and not before."""
    admin, client = stage.admin(), v2(stage)
    credits_, run, *_ = KINDS[scope]
    task = await client.submit(scope, model="plain")
    waiting = await client.poll(task, scope)
    assert list(waiting) == KEYS
    assert waiting == {
        "task_id": task,
        "status": "NOT_START",
        "fail_reason": "",
        "submit_time": MANUAL_START,
        "start_time": 0,
        "finish_time": 0,
        "progress": "0%",
        "data": NO_DATA,
    }
    await admin.advance(seconds=QUEUED - 0.001)
    assert await client.poll(task, scope) == waiting
    await admin.advance(seconds=0.001)
    begun = MANUAL_START + QUEUED
    running = {**waiting, "status": "IN_PROGRESS", "start_time": begun, "progress": "30%"}
    assert await client.poll(task, scope) == running
    await admin.advance(seconds=run - 0.001)
    assert await client.poll(task, scope) == {**running, "progress": "92%"}
    await admin.advance(seconds=0.001)
    done = await client.poll(task, scope)
    url = done["data"]["output"]
    ended = {"status": "SUCCESS", "finish_time": begun + run, "progress": "100%"}
    assert done == {**running, **ended, "data": {"output": url, "outputs": [url]}}
    await admin.advance(seconds=1_000_000)
    assert await client.poll(task, scope) == done
    assert await admin.wallet() == {"issued": 1000, "available": 1000 - credits_, "held": 0, "spent": credits_}
    await admin.sound()


async def test_r_v2_046_047_a_veo_task_ends_like_the_worked_example(stage: House) -> None:
    """R-V2-046, R-V2-047, A-V2-12, A-V2-13: the three further keys in their places, 11 s waiting, 90 s running."""
    admin, client = stage.admin(), v2(stage)
    task = await client.submit()
    assert list(await client.poll(task)) == VEO_KEYS
    await admin.advance()
    done = await client.poll(task)
    assert list(done) == VEO_KEYS
    assert {name: done[name] for name in VEO_EXTRAS} == VEO_EXTRAS
    assert (done["task_id"], done["status"], done["progress"]) == (task, "SUCCESS", "100%")
    assert done["start_time"] - done["submit_time"] == 11
    assert done["finish_time"] - done["start_time"] == 90
    assert (await client.poll(await client.submit(model="sora-2"))).keys() == set(KEYS)


@EACH_SCOPE
async def test_r_v2_044_055_progress_is_a_percentage_that_never_falls(stage: House, scope: str) -> None:
    """R-V2-044, R-V2-055, A-V2-15."""
    admin, client = stage.admin(), v2(stage)
    task = await client.submit(scope, model="plain")
    seen = [await client.poll(task, scope)]
    while seen[-1]["status"] != "SUCCESS":
        await admin.advance(seconds=1)
        seen.append(await client.poll(task, scope))
    assert all(percent(a) <= percent(b) for a, b in pairwise(seen))
    assert {percent(one) for one in seen if one["status"] == "NOT_START"} == {0}
    assert all(30 <= percent(one) <= 99 for one in seen if one["status"] == "IN_PROGRESS")
    assert len({percent(one) for one in seen}) > 10
    assert [percent(one) for one in seen].count(100) == 1
    assert all(one["submit_time"] <= (one["start_time"] or 1 << 40) <= (one["finish_time"] or 1 << 41) for one in seen)


@EACH_SCOPE
async def test_r_v2_045_049_060_the_result_is_a_file_of_the_scope_s_kind(stage: House, scope: str) -> None:
    """R-V2-045, R-V2-049, R-V2-060: without a key, under an address that lasts."""
    client = v2(stage)
    *_, media, start, at = KINDS[scope]
    for model in ("plain", "veo3"):
        task = await client.submit(scope, model=model)
        await stage.admin().advance()
        data = (await client.poll(task, scope))["data"]
        assert data["outputs"] == [data["output"]]
        for _ in range(2):
            async with stage.http.get(data["output"]) as reply:
                raw = await reply.read()
            assert (reply.status, reply.content_type, raw[at : at + len(start)]) == (200, media, start)
            await stage.admin().advance(seconds=365 * 86_400)


@pytest.mark.parametrize(("seconds", "begun"), [(0, False), (50, True)])
async def test_r_v2_042_056_058_a_failure_says_why_and_gives_the_credits_back_once(
    stage: House, seconds: int, begun: bool
) -> None:
    """R-V2-042, R-V2-053, R-V2-055, R-V2-056, R-V2-058, R-V2-073, A-V2-14."""
    admin, client = stage.admin(), v2(stage)
    task = await client.submit(model="sora-2")
    await admin.advance(seconds=seconds + 0.5)
    assert (await admin.wallet())["held"] == 30
    await admin.post(f"/tasks/{task}/fail", {"reason": "The prompt was refused by the content policy."})
    body = await client.poll(task)
    assert body == {
        "task_id": task,
        "status": "FAILURE",
        "fail_reason": "The prompt was refused by the content policy.",
        "submit_time": MANUAL_START,
        "start_time": MANUAL_START + QUEUED if begun else 0,
        "finish_time": MANUAL_START + seconds,
        "progress": "100%",
        "data": NO_DATA,
    }
    await admin.advance()
    assert await client.poll(task) == body
    assert await admin.wallet() == {"issued": 1000, "available": 1000, "held": 0, "spent": 0}
    await admin.sound()


async def test_a_failure_nobody_gave_a_reason_for_still_has_one(stage: House) -> None:
    """R-V2-042, R-V2-073."""
    client = v2(stage)
    task = await client.submit()
    await stage.admin().post(f"/tasks/{task}/fail")
    assert (await client.poll(task))["fail_reason"]


async def test_what_the_administrator_completes_or_stalls_still_fits_the_document(stage: House) -> None:
    """A task completed before it began has times all the same; a stalled one stays where it is."""
    admin, client = stage.admin(), v2(stage)
    early, stuck = await client.submit(), await client.submit()
    await admin.advance(seconds=5)
    await admin.post(f"/tasks/{early}/complete")
    body = await client.poll(early)
    assert (body["status"], body["start_time"], body["finish_time"]) == ("SUCCESS", MANUAL_START + 5, MANUAL_START + 5)
    await admin.advance(seconds=20)
    await admin.post(f"/tasks/{stuck}/stall")
    before = await client.poll(stuck)
    await admin.advance(seconds=1_000_000)
    assert await client.poll(stuck) == before
    assert before["status"] == "IN_PROGRESS"
    await admin.sound()


@pytest.mark.parametrize("plan", ["six-states", None])
async def test_r_v2_051_two_further_states_are_seen_with_the_plan_that_asks_for_them(
    stage: House, plan: str | None
) -> None:
    """R-V2-050, R-V2-051, R-V2-055, A-V2-01, A-V2-02: SUBMITTED and QUEUED stand between the start and the work."""
    admin, client, judge = stage.admin(), v2(stage), six_states()
    await admin.register("v2gateway", key=stage.key, **({} if plan is None else {"plan": plan}))
    path = f"/v2/videos/generations/{await client.submit(model='sora-2')}"
    headers = {"Authorization": f"Bearer {stage.key}"}
    seen: list[tuple[str, str]] = []
    for _ in range(102):
        # Not by the client: its judge knows the document's four words alone.
        async with stage.http.get(f"{stage.url}/v2gateway{path}", headers=headers) as reply:
            raw = await reply.read()
        judge.check("GET", path, reply.status, reply.content_type, raw)
        body = json.loads(raw)
        seen.append((body["status"], body["progress"]))
        await admin.advance(seconds=1)
    words = list(dict.fromkeys(status for status, _ in seen))
    more = ["SUBMITTED", "QUEUED"] if plan else []
    assert words == ["NOT_START", *more, "IN_PROGRESS", "SUCCESS"]
    first = dict(reversed(seen))
    expected = {"NOT_START": "0%", "SUBMITTED": "10%", "QUEUED": "20%", "IN_PROGRESS": "30%", "SUCCESS": "100%"}
    assert first == {word: expected[word] for word in words}


async def test_the_same_requests_get_the_same_ids_and_files_on_every_run(open_stage: OpenStage) -> None:
    """R-V2-031: but for the port of the links, two runs with one seed do not differ."""
    runs = []
    for _ in range(2):
        house = await open_stage()
        client = v2(house)
        tasks = [await client.submit(model=model) for model in ("veo3", "veo3", "sora-2")]
        await house.admin().advance()
        runs.append([str(await client.poll(task)).replace(house.url, "") for task in tasks])
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == 3


async def test_r_v2_050_asking_often_changes_nothing(stage: House) -> None:
    client = v2(stage)
    task = await client.submit()
    assert len({str(await client.poll(task)) for _ in range(20)}) == 1
