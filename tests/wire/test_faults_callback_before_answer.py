"""A callback that overtakes the answer to the very call that created its task."""

from __future__ import annotations

import asyncio

import pytest

from conftest import OpenStage
from soundstage.edge import stage as stage_module
from support.callbacks import APPLIED, EVERY, KEY, MIDSYNC, Scene, Way, begun
from support.client import House
from support.receiver import Receiver


@pytest.fixture
async def scene(way: Way, stage: House, receiver: Receiver) -> Scene:
    """Return a provider's scene with a key whose secret is known."""
    return await begun(way, stage, receiver)


@EVERY
async def test_a_callback_before_the_answer_holds_the_answer_back(scene: Scene) -> None:
    await scene.rule("callback/before-answer")
    scene.receiver.hang()
    creating = asyncio.create_task(scene.ask())
    (one,) = await scene.receiver.arrived()
    task = one.body[scene.way.reply_id]
    # The receiver asks for the task it was told of, before it answers.
    assert await scene.poll(task) == one.body
    assert not creating.done()
    scene.receiver.release()
    answer = await creating
    assert answer[scene.way.reply_id] == task
    assert answer.headers[APPLIED] == "callback/before-answer"
    assert one.body["status"] == scene.way.words[1]
    assert scene.genuine(one)
    assert (await scene.admin.get("/clock"))["next_event"] is None
    await scene.admin.sound()


@EVERY
async def test_an_answer_does_not_wait_for_ever_for_its_callback(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the receiver lives in the very thread that waits for the answer."""
    monkeypatch.setattr(stage_module, "_OVERTAKEN_SECONDS", 0.02)
    await scene.rule("callback/before-answer")
    scene.receiver.hang()
    async with asyncio.timeout(5):
        task = await scene.create()
    assert (await scene.poll(task))["status"] == scene.way.words[1]
    scene.receiver.release()
    await scene.admin.advance()
    assert (await scene.delivery())["state"] == "delivered"
    assert len(scene.receiver.got) == 1


@EVERY
async def test_a_callback_that_fails_before_the_answer_is_retried_after_it(scene: Scene) -> None:
    await scene.rule("callback/before-answer")
    scene.receiver.status = 500
    await scene.create()
    assert len(scene.receiver.got) == 1
    assert (await scene.delivery())["state"] == "pending"


@EVERY
async def test_before_the_answer_means_nothing_where_nobody_is_called(scene: Scene) -> None:
    await scene.rule("callback/before-answer")
    answer = await scene.client.post(scene.way.create, scene.way.body)
    assert (await scene.poll(answer[scene.way.reply_id]))["status"] != scene.way.words[1]
    assert await scene.admin.deliveries() == []


async def test_a_key_s_own_receiver_is_called_before_the_answer_too(stage: House, receiver: Receiver) -> None:
    await stage.admin(KEY).register("midsync", key=KEY, callback_url=receiver.url)
    scene = Scene(MIDSYNC, stage, receiver, "")
    await scene.rule("callback/before-answer")
    task = (await scene.client.create())["taskId"]
    assert [one.body["taskId"] for one in receiver.got] == [task]


@EVERY
async def test_the_same_holds_while_time_runs_by_itself(way: Way, open_stage: OpenStage, receiver: Receiver) -> None:
    scene = await begun(way, await open_stage(clock="scaled"), receiver)
    task = await scene.create(asked="callback/before-answer")
    assert [one.body[way.reply_id] for one in receiver.got] == [task]
    assert (await scene.delivery())["state"] == "delivered"
