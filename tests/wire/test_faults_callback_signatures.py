"""Callbacks signed wrongly, with an old time or an old secret, or not at all: an honest receiver refuses each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from conftest import OpenStage
from support.callbacks import (
    GATEWAY,
    KEY,
    MIDSYNC,
    OLD,
    SIGNED,
    UNSIGNED,
    Scene,
    Way,
    api_key_signature,
    begun,
    genuine,
)
from support.client import House
from support.receiver import Callback, Receiver


@pytest.fixture
async def scene(way: Way, stage: House, receiver: Receiver) -> Scene:
    """Return a provider's scene with a key whose secret is known."""
    return await begun(way, stage, receiver)


FORGERIES = pytest.mark.parametrize(
    ("fault", "given"),
    [
        ("callback/wrong-signature", {}),
        ("callback/old-secret", {}),
        ("callback/stale-signature", {}),
        ("callback/stale-signature", {"ahead": True, "seconds": 900}),
        ("callback/no-signature", {}),
        ("callback/reserialised", {}),
    ],
    ids=lambda given: given if isinstance(given, str) else ",".join(map(str, given.values())),
)


@SIGNED
@FORGERIES
async def test_a_careful_receiver_refuses_every_attempt_and_a_careless_one_reads_the_usual_body(
    scene: Scene, fault: str, given: dict[str, Any]
) -> None:
    """At every retry and when it is sent again; the next task's callback is good."""
    await scene.rule(fault, {"times": 1}, **given)
    scene.receiver.status = 401
    task = await scene.create()
    await scene.admin.advance()
    told = await scene.delivery()
    assert (told["state"], told["faults"], len(told["attempts"])) == ("exhausted", [fault], 7)
    scene.receiver.status = 200
    await scene.admin.post(f"/deliveries/{told['id']}/resend")
    got = await scene.receiver.arrived(8)
    assert [one.headers["x-soundstage-attempt"] for one in got] == [str(number) for number in range(1, 9)]
    shown = await scene.poll(task)
    for one in got:
        assert not scene.genuine(one)
        assert one.body == shown
        assert one.headers["webhook-id"] == told["event_id"]
    # That the last one was taken is the receiver's fault, and the verdict says so.
    findings = (await scene.admin.post("/verdict", {"believes": []}))["findings"]
    assert task in {one["task_id"] for one in findings if one["kind"] == "bad-signature-accepted"}
    await scene.create()
    await scene.admin.advance()
    assert scene.genuine(scene.receiver.got[-1])
    await scene.admin.sound()


@FORGERIES
async def test_where_nothing_is_signed_nothing_is_forged(
    stage: House, receiver: Receiver, fault: str, given: dict[str, Any]
) -> None:
    scene = await begun(UNSIGNED, stage, receiver)
    usual, bent = await scene.create(), await scene.create(asked=_asked(fault, given))
    await scene.admin.advance()
    by_task = {one.body["task_id"]: one for one in receiver.got}
    assert {name.lower() for name in by_task[usual].headers} == {name.lower() for name in by_task[bent].headers}
    assert by_task[bent].body == await scene.poll(bent)


def _asked(fault: str, given: Mapping[str, Any]) -> str:
    return ";".join([fault, *(f"{name}={json.dumps(value)}" for name, value in given.items())])


@SIGNED
async def test_a_wrong_signature_has_the_right_form_and_repeats(scene: Scene, open_stage: OpenStage) -> None:
    for house in (scene.house, await open_stage()):
        again = await begun(scene.way, house, scene.receiver)
        await again.create(asked="callback/wrong-signature")
        await again.admin.advance()
    one, same = scene.receiver.got
    assert one.headers["webhook-id"] == same.headers["webhook-id"]
    name = "webhook-signature" if scene.way is MIDSYNC else "x-api-key-signature"
    assert len(one.headers[name]) == (47 if scene.way is MIDSYNC else 64)
    assert not one.headers[name].startswith("v1,v1")


@SIGNED
async def test_a_receiver_that_still_knows_the_old_secret_accepts_what_it_must_not(scene: Scene) -> None:
    old = OLD[scene.way.provider]
    await scene.rule("callback/old-secret", secret=old)
    await scene.create()
    await scene.admin.advance()
    (one,) = scene.receiver.got
    assert scene.genuine(one, old)
    assert not scene.genuine(one)


@SIGNED
async def test_an_old_secret_of_another_provider_s_form_is_replaced_by_one_of_the_right_form(scene: Scene) -> None:
    await scene.rule("callback/old-secret", secret=OLD["apikeyorg" if scene.way is MIDSYNC else "midsync"])
    await scene.create()
    await scene.admin.advance()
    (one,) = scene.receiver.got
    assert not scene.genuine(one)
    assert (await scene.delivery())["state"] == "delivered"


@pytest.mark.parametrize("secret", ["", "hunter2", "whsec_", "whsec_short", "sec_12"])
async def test_what_is_no_secret_at_all_is_refused_where_it_is_set(stage: House, secret: str) -> None:
    body = {"fault": "callback/old-secret", "with": {"secret": secret}}
    answer = await stage.admin(KEY).call("POST", "/faults", body)
    assert answer.status == (400 if secret else 201), answer.raw


async def test_a_stale_signature_is_right_for_its_own_time(stage: House, receiver: Receiver) -> None:
    scene = await begun(MIDSYNC, stage, receiver)
    await scene.rule("callback/stale-signature", seconds=301)
    await scene.create()
    await scene.admin.advance()
    (one,) = receiver.got
    at = datetime.fromtimestamp(int(one.headers["webhook-timestamp"]), UTC)
    assert 300 < (datetime.now(UTC) - at).total_seconds() < 310
    signed = Webhook(scene.secret).sign(one.headers["webhook-id"], at, one.raw.decode())
    assert one.headers["webhook-signature"] == signed
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(scene.secret).verify(one.raw.decode(), dict(one.headers))


async def test_a_stale_signature_of_api_key_is_right_for_its_own_time(stage: House, receiver: Receiver) -> None:
    scene = await begun(GATEWAY, stage, receiver)
    await scene.create(asked="callback/stale-signature;seconds=86400")
    await scene.admin.advance()
    (one,) = receiver.got
    at = one.headers["x-api-key-timestamp"]
    assert 86_399 < datetime.now(UTC).timestamp() - int(at) < 86_430
    assert one.headers["x-api-key-signature"] == api_key_signature(scene.secret, at, one.raw)


@SIGNED
async def test_only_retries_lack_the_signature_where_that_is_asked_for(scene: Scene) -> None:
    await scene.rule("callback/no-signature", attempts="retries")
    scene.receiver.statuses.extend([500, 500])
    await scene.create()
    await scene.admin.advance()
    assert [scene.genuine(one) for one in scene.receiver.got] == [True, False, False]
    assert ["signature" in " ".join(one.headers).lower() for one in scene.receiver.got] == [True, False, False]
    assert all("timestamp" in " ".join(one.headers).lower() for one in scene.receiver.got)


@SIGNED
async def test_a_reserialised_body_is_the_same_json_in_other_bytes(scene: Scene) -> None:
    task = await scene.create(asked="callback/reserialised")
    await scene.admin.advance()
    (one,) = scene.receiver.got
    shown = await scene.client.get(scene.way.poll.format(task))
    assert one.raw != shown.raw
    assert one.body == shown.body
    assert list(one.body) == list(shown.body)
    assert genuine(scene.way, scene.secret, Callback(one.path, one.headers, shown.raw))


async def test_what_a_callback_was_signed_with_is_nowhere_to_be_read(stage: House, receiver: Receiver) -> None:
    scene = await begun(MIDSYNC, stage, receiver)
    await scene.create(asked="callback/wrong-signature, callback/twice")
    await scene.admin.advance()
    seen = json.dumps(await scene.admin.get("/deliveries"))
    assert scene.secret not in seen
    assert all(one.headers["webhook-signature"] not in seen for one in receiver.got)
