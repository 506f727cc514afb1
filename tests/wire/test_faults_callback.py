"""Callbacks that come late, twice, in floods, out of order, before the answer, about another task, or never.

Whatever becomes of them, each that comes is rightly signed, and polls and the bill say what is true.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from conftest import OpenStage
from soundstage.core import task as task_module
from soundstage.faults import Faults
from support import judge
from support.callbacks import (
    APPLIED,
    ASKED,
    EVERY,
    GATEWAY,
    MIDSYNC,
    OLD,
    UNSIGNED,
    Scene,
    Way,
    begun,
    seconds,
)
from support.client import PROMPT, Client, House
from support.receiver import Receiver
from support.revid import BODIES, IMAGE

FAMILY = tuple(name for name in Faults() if name.startswith("callback/"))
OpenReceiver = Callable[[], Awaitable[Receiver]]


@pytest.fixture
async def scene(way: Way, stage: House, receiver: Receiver) -> Scene:
    """Return a provider's scene with a key whose secret is known."""
    return await begun(way, stage, receiver)


@EVERY
async def test_a_late_callback_comes_to_the_second_after_polls_knew(scene: Scene) -> None:
    await scene.rule("callback/late", seconds=900.5)
    task = await scene.create()
    await scene.done(task)
    await scene.admin.advance(seconds=900)
    assert (await scene.poll(task))["status"] == scene.way.words[1]
    assert scene.receiver.got == []
    assert (await scene.delivery())["state"] == "pending"
    clock = await scene.admin.advance()
    assert clock["next_event"] is None
    (one,) = scene.receiver.got
    assert scene.genuine(one)
    told = await scene.delivery()
    assert seconds(told["attempts"][0]["at"]) - seconds(told["created_at"]) == 900.5
    assert (told["state"], told["faults"]) == ("delivered", ["callback/late"])
    await scene.admin.sound()


@EVERY
async def test_a_callback_that_never_comes_is_written_down_and_can_still_be_sent(scene: Scene) -> None:
    await scene.rule("callback/never")
    task = await scene.create()
    clock = await scene.admin.advance()
    assert clock["next_event"] is None
    assert (await scene.poll(task))["status"] == scene.way.words[1]
    assert scene.receiver.got == []
    told = await scene.delivery()
    assert (told["state"], told["attempts"], told["faults"]) == ("dropped", [], ["callback/never"])
    wallet = await scene.admin.wallet()
    assert wallet["spent"] > 0
    await scene.admin.post(f"/deliveries/{told['id']}/resend")
    (one,) = await scene.receiver.arrived()
    assert scene.genuine(one)
    assert one.body == await scene.poll(task)


@EVERY
@pytest.mark.parametrize("gap_ms", [0, 7000])
async def test_a_callback_that_comes_twice_is_one_event_and_each_is_signed_and_retried_by_itself(
    scene: Scene, gap_ms: int
) -> None:
    await scene.rule("callback/twice", gap_ms=gap_ms)
    scene.receiver.statuses.extend([500, 200])
    await scene.done(await scene.create())
    await scene.admin.advance()
    got = scene.receiver.got
    assert len(got) == 3
    assert len({one.headers["webhook-id"] for one in got}) == 1
    assert len({one.raw for one in got}) == 1
    assert all(scene.genuine(one) for one in got)
    assert sorted(one.headers["x-soundstage-attempt"] for one in got) == ["1", "1", "2"]
    told = await scene.admin.deliveries()
    assert {one["state"] for one in told} == {"delivered"}
    assert len({one["id"] for one in told}) == 2
    first, second = sorted(seconds(one["attempts"][0]["at"]) for one in told)
    assert second - first == gap_ms / 1000
    await scene.admin.sound()


@EVERY
async def test_an_earlier_event_arrives_after_the_last_one(scene: Scene) -> None:
    await scene.rule("callback/out-of-order", gap_ms=2500)
    task = await scene.create()
    await scene.admin.advance()
    last, early = scene.receiver.got
    running, done, _ = scene.way.words
    assert last.body["status"] == done
    assert early.body["status"] == running
    assert last.body == await scene.poll(task)
    assert scene.genuine(last)
    assert scene.genuine(early)
    assert last.headers["webhook-id"] != early.headers["webhook-id"]
    for one in (last, early):
        judge.of(scene.way.provider).check("GET", scene.way.poll.format(task), 200, "application/json", one.raw)
        assert one.body[scene.way.reply_id] == task
    at = sorted(seconds(one["attempts"][0]["at"]) for one in await scene.admin.deliveries())
    assert at[1] - at[0] == 2.5


async def test_the_earlier_event_of_api_key_knows_only_the_reserved_credits(stage: House, receiver: Receiver) -> None:
    scene = await begun(GATEWAY, stage, receiver)
    await scene.rule("callback/out-of-order")
    task = await scene.create()
    await scene.admin.post(f"/tasks/{task}/fail")
    await scene.admin.advance()
    last, early = (one.body["credits"] for one in receiver.got)
    assert (last["charged"], last["released"]) == (0, last["reserved"])
    assert (early["charged"], early["released"]) == (early["reserved"], 0)
    assert receiver.got[1].headers["x-api-key-event"] == "gateway.task.processing"
    assert receiver.got[1].body["error"] is None


@EVERY
@pytest.mark.parametrize("whose", ["known", "unknown"])
async def test_a_body_names_another_task_and_is_rightly_signed(scene: Scene, whose: str) -> None:
    other = await scene.create(prompt="Another one")
    task = await scene.create(asked=f"callback/wrong-task-id;whose={whose}")
    shown = (await scene.client.get(scene.way.poll.format(task))).raw
    assert task.encode() in shown
    await scene.admin.advance()
    told = {one["task_id"]: one for one in await scene.admin.deliveries()}
    (one,) = (found for found in scene.receiver.got if found.headers["webhook-id"] == told[task]["event_id"])
    named = one.body[scene.way.reply_id]
    assert scene.genuine(one)
    assert named != task
    assert (named == other) is (whose == "known")
    assert len(named) == len(task)
    polled = await scene.client.get(scene.way.poll.format(task))
    assert one.raw == polled.raw.replace(f'"{task}"'.encode(), f'"{named}"'.encode())
    if scene.way is GATEWAY:
        assert one.headers["x-api-key-task-id"] == task
        assert one.body["id"] == named
    if whose == "unknown":
        assert (await scene.client.get(scene.way.poll.format(named))).status == 404 or scene.way is UNSIGNED


async def test_where_there_is_no_other_task_the_id_is_one_nobody_has(stage: House, receiver: Receiver) -> None:
    scene = await begun(MIDSYNC, stage, receiver)
    task = await scene.create(asked="callback/wrong-task-id")
    await scene.admin.advance()
    named = receiver.got[0].body["taskId"]
    assert named != task
    assert (await scene.client.get(MIDSYNC.poll.format(named))).status == 404


@EVERY
@pytest.mark.parametrize("verb", ["complete", "fail"])
async def test_a_callback_says_the_opposite_of_the_poll(scene: Scene, verb: str) -> None:
    await scene.rule("callback/disagrees")
    task = await scene.create()
    await scene.admin.post(f"/tasks/{task}/{verb}")
    await scene.admin.advance()
    (one,) = scene.receiver.got
    truth, lie = scene.way.words[1:] if verb == "complete" else scene.way.words[:0:-1]
    polled = await scene.poll(task)
    assert (polled["status"], one.body["status"]) == (truth, lie)
    assert one.body.keys() == polled.keys()
    assert scene.genuine(one)
    spent = (await scene.admin.wallet())["spent"]
    assert (spent > 0) is (verb == "complete")
    if scene.way is GATEWAY:
        assert one.headers["x-api-key-event"] == f"gateway.task.{lie}"
        assert (one.body["credits"]["charged"] > 0) is (verb == "fail")
    judge.of(scene.way.provider).check("GET", scene.way.poll.format(task), 200, "application/json", one.raw)
    await scene.admin.sound()


async def test_a_flood_of_a_thousand_copies_loses_none_and_time_still_comes_to_rest(
    stage: House, receiver: Receiver
) -> None:
    scene = await begun(MIDSYNC, stage, receiver)
    await scene.rule("callback/flood", copies=1000)
    receiver.statuses.extend([503] * 20)
    task = await scene.create()
    clock = await scene.admin.advance()
    assert clock["next_event"] is None
    assert len(receiver.got) == 1020
    assert {one.headers["webhook-id"] for one in receiver.got} == {receiver.got[0].headers["webhook-id"]}
    assert len({one.raw for one in receiver.got}) == 1
    assert all(scene.genuine(one) for one in receiver.got)
    told = (await scene.admin.get("/deliveries?limit=1000"))["deliveries"]
    assert len({one["id"] for one in told}) == 1000
    assert {one["state"] for one in told} == {"delivered"}
    assert {one["task_id"] for one in told} == {task}
    await scene.admin.sound()


@EVERY
async def test_a_flood_has_fifty_copies_unless_told_otherwise(scene: Scene) -> None:
    await scene.create(asked="callback/flood")
    await scene.create(asked="callback/flood;copies=2", prompt="Another one")
    await scene.admin.advance()
    assert len(scene.receiver.got) == 52


async def test_faults_that_multiply_callbacks_end_at_a_thousand(stage: House, receiver: Receiver) -> None:
    scene = await begun(MIDSYNC, stage, receiver)
    asked = ", ".join(["callback/never", *["callback/twice"] * 12, "callback/flood;copies=1000"])
    await scene.create(asked=asked)
    await scene.admin.advance()
    told = (await scene.admin.get("/deliveries?limit=1000"))["deliveries"]
    assert len(told) == 1000
    assert {one["state"] for one in told} == {"dropped"}
    assert receiver.got == []


async def test_the_stronger_of_two_faults_has_the_last_word(stage: House, receiver: Receiver) -> None:
    """A request's own header goes before a rule, in what is planned and in how it is signed."""
    scene = await begun(MIDSYNC, stage, receiver)
    await scene.rule("callback/wrong-signature")
    await scene.create(asked=f'callback/late;seconds=30, callback/old-secret;secret="{OLD["midsync"]}"')
    await scene.admin.advance()
    (one,) = receiver.got
    assert scene.genuine(one, OLD["midsync"])
    names = ["callback/late", "callback/old-secret", "callback/wrong-signature"]
    assert (await scene.delivery())["faults"] == names


@EVERY
async def test_a_header_names_what_will_befall_the_callback(scene: Scene) -> None:
    answer = await scene.ask(asked="callback/late;seconds=5, callback/twice")
    assert answer.headers[APPLIED] == "callback/late, callback/twice"


@pytest.mark.parametrize("fault", FAMILY)
async def test_nothing_happens_to_a_provider_that_never_calls_back(stage: House, fault: str) -> None:
    """RevidAPI's jobs, replies and bills are as ever."""
    bodies = []
    for key, asked in (("sk_test_one", ""), ("sk_test_one", fault)):
        client = Client(stage.http, f"{stage.url}/revidapi", key, "revidapi")
        admin = stage.admin(key)
        answer = await client.call(
            "POST", IMAGE, body={**BODIES[IMAGE], "seed": 7}, headers={ASKED: asked} if asked else None
        )
        assert answer.status == 200, answer.raw
        timeline = (await admin.get(f"/tasks/{answer['job_id']}"))["timeline"]
        assert timeline[-1]["at"] > timeline[0]["at"]
        await admin.advance()
        bodies.append({name: value for name, value in answer.body.items() if name != "job_id"})
        assert (await client.get(f"/v1/jobs/{answer['job_id']}"))["status"] == "completed"
        assert await admin.deliveries() == []
        await admin.sound()
    assert bodies[0].keys() == bodies[1].keys()


async def test_the_same_seed_sends_the_same_callbacks(open_stage: OpenStage, open_receiver: OpenReceiver) -> None:
    """Whatever goes wrong, in whatever order the tasks were asked for; only signatures carry the machine's time."""
    runs = []
    for order in (1, -1):
        house = await open_stage(public_base_url="http://stage.example")
        receiver = await open_receiver()
        for way in (MIDSYNC, GATEWAY, UNSIGNED):
            scene = await begun(way, house, receiver)
            tasks = [
                await scene.create(asked=fault, prompt=f"{fault} of {PROMPT}")
                for fault in FAMILY[::order]
                if fault != "callback/before-answer"
            ]
            for task in sorted(tasks):
                await scene.done(task)
            await scene.admin.advance()
        runs.append(sorted((one.headers["webhook-id"], one.raw) for one in receiver.got))
    assert runs[0] == runs[1]
    assert len(runs[0]) > 150


async def test_each_callback_of_a_task_is_listed_with_it(stage: House, receiver: Receiver) -> None:
    scene = await begun(MIDSYNC, stage, receiver)
    task = await scene.create(asked="callback/twice, callback/out-of-order")
    await scene.admin.advance()
    listed = (await scene.admin.get(f"/tasks/{task}"))["deliveries"]
    assert len(listed) == 4
    assert len({one["id"] for one in listed}) == 4
    assert listed[0]["event"] == "video.completed"


async def test_attempts_to_a_receiver_that_fails_stay_on_schedule_under_faults(
    stage: House, receiver: Receiver
) -> None:
    scene = await begun(GATEWAY, stage, receiver)
    await scene.create(asked="callback/late;seconds=60, callback/wrong-signature")
    receiver.status = 500
    await scene.admin.advance()
    told = await scene.delivery()
    at = [seconds(told["created_at"]), *(seconds(one["at"]) for one in told["attempts"])]
    assert [later - earlier for earlier, later in pairwise(at)] == [60, 10, 60, 300, 1800, 7200, 21600]


async def test_an_evicted_task_takes_all_its_callbacks_along(
    stage: House, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await begun(MIDSYNC, stage, receiver)
    first = await scene.create(asked="callback/flood;copies=20")
    await scene.admin.advance()
    monkeypatch.setattr(task_module, "MOST_TASKS", 1)
    second = await scene.create(prompt="Another one")
    await scene.create(prompt="A third one")
    assert {one["id"] for one in await scene.admin.tasks()} >= {second}
    assert first not in {one["id"] for one in await scene.admin.tasks()}
    assert await scene.admin.deliveries() == []
    await scene.admin.sound()
