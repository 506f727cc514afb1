"""Callbacks that go wrong: late, twice, forged, wrong or never; good ones stay good, and money and polls stay right."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from conftest import OpenStage
from soundstage.core.provider import Provider
from soundstage.edge import stage as stage_module
from soundstage.faults import Faults
from support import judge
from support.client import PROMPT, Admin, Answer, Client, House
from support.receiver import Callback, Receiver
from support.revid import BODIES, IMAGE

KEY = "sk_test_called"
FAMILY = tuple(name for name in Faults() if name.startswith("callback/"))
APPLIED, ASKED = "X-Soundstage-Fault-Applied", "X-Soundstage-Fault"
OLD = {"midsync": f"whsec_{'b2xk' * 11}", "apikeyorg": f"sec_{'0a' * 24}"}
OpenReceiver = Callable[[], Awaitable[Receiver]]


@dataclass(frozen=True)
class Way:
    """How one provider takes a task, shows it and calls back."""

    provider: str
    create: str
    body: Mapping[str, Any]
    hook: str
    poll: str
    words: tuple[str, str, str]
    reply_id: str


MIDSYNC = Way(
    "midsync",
    "/v1/videos/generations",
    {"model": "kling-2.5-turbo", "prompt": PROMPT, "duration": 5},
    "callbackUrl",
    "/unified-video/{}/status",
    ("processing", "completed", "failed"),
    "taskId",
)
GATEWAY = Way(
    "apikeyorg",
    "/v1/videos",
    {"model": "seedance-2", "prompt": PROMPT},
    "callback_url",
    "/v1/tasks/{}",
    ("processing", "completed", "failed"),
    "task_id",
)
UNSIGNED = Way(
    "v2gateway",
    "/v2/videos/generations",
    {"model": "veo3", "prompt": PROMPT},
    "notify_hook",
    "/v2/videos/generations/{}",
    ("IN_PROGRESS", "SUCCESS", "FAILURE"),
    "task_id",
)
EVERY = pytest.mark.parametrize("way", [MIDSYNC, GATEWAY, UNSIGNED], ids=lambda way: way.provider)
SIGNED = pytest.mark.parametrize("way", [MIDSYNC, GATEWAY], ids=lambda way: way.provider)


@dataclass
class Scene:
    """One provider's client with a receiver, and what its key's secret is."""

    way: Way
    house: House
    receiver: Receiver
    secret: str

    @property
    def admin(self) -> Admin:
        """The admin of this key's universe."""
        return self.house.admin(KEY)

    @property
    def client(self) -> Client:
        """A client whose every reply is judged."""
        return Client(self.house.http, f"{self.house.url}/{self.way.provider}", KEY, self.way.provider)

    async def rule(self, fault: str, when: Mapping[str, Any] | None = None, **given: Any) -> None:
        """Set a rule."""
        await self.admin.post("/faults", {"fault": fault, "with": given, "when": dict(when or {})})

    async def ask(self, *, asked: str = "", **fields: Any) -> Answer:
        """Make a create call, which must succeed; `asked` is its fault header."""
        headers = {ASKED: asked} if asked else None
        body = {**self.way.body, self.way.hook: self.receiver.url, **fields}
        answer = await self.client.call("POST", self.way.create, body=body, headers=headers)
        assert answer.status == 200, answer.raw
        return answer

    async def create(self, *, asked: str = "", **fields: Any) -> str:
        """Create a task and return its id."""
        return str((await self.ask(asked=asked, **fields))[self.way.reply_id])

    async def done(self, task: str) -> None:
        """Let a task succeed now, before anybody is called back."""
        await self.admin.post(f"/tasks/{task}/complete")

    async def poll(self, task: str) -> Any:
        """Return a task's body."""
        answer = await self.client.get(self.way.poll.format(task))
        assert answer.status == 200, answer.raw
        return answer.body

    def genuine(self, one: Callback, secret: str = "") -> bool:
        """Let somebody else's code judge a callback's signature."""
        return genuine(self.way, secret or self.secret, one)

    async def delivery(self) -> Any:
        """Return the only callback there is."""
        (only,) = await self.admin.deliveries()
        return only


def genuine(way: Way, secret: str, one: Callback) -> bool:
    """Tell whether a receiver that does all it should accepts this callback."""
    if way.provider == "midsync":
        try:
            Webhook(secret).verify(one.raw.decode(), dict(one.headers))
        except WebhookVerificationError:
            return False
        return True
    if way.provider == "v2gateway":
        return True
    at, sent = one.headers["x-api-key-timestamp"], one.headers.get("x-api-key-signature", "")
    fresh = abs(datetime.now(UTC).timestamp() - int(at)) <= 300
    return fresh and hmac.compare_digest(api_key_signature(secret, at, one.raw), sent)


def api_key_signature(secret: str, at: str, raw: bytes) -> str:
    """Sign as API-Key's page says, with nothing but the standard library."""
    return hmac.new(secret.encode(), at.encode() + b"." + raw, sha256).hexdigest()


def seconds(text: str) -> float:
    """Return an ISO instant in seconds."""
    return datetime.fromisoformat(text).timestamp()


def status_of(way: Way, body: Any) -> Any:
    """Return the word a body has for where the task is."""
    return body["status"]


@pytest.fixture
async def scene(way: Way, stage: House, receiver: Receiver) -> Scene:
    """Return a provider's scene with a key whose secret is known."""
    return await begun(way, stage, receiver)


async def begun(way: Way, house: House, receiver: Receiver) -> Scene:
    """Register the key with one provider."""
    registered = await house.admin(KEY).register(way.provider, key=KEY, balance="100000")
    return Scene(way, house, receiver, str(registered["webhook_secret"]))


@EVERY
async def test_a_late_callback_comes_to_the_second_after_polls_knew(scene: Scene) -> None:
    await scene.rule("callback/late", seconds=900.5)
    task = await scene.create()
    await scene.done(task)
    await scene.admin.advance(seconds=900)
    assert status_of(scene.way, await scene.poll(task)) == scene.way.words[1]
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
    assert status_of(scene.way, await scene.poll(task)) == scene.way.words[1]
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
    assert status_of(scene.way, last.body) == done
    assert status_of(scene.way, early.body) == running
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
    assert status_of(scene.way, one.body) == scene.way.words[1]
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
    assert status_of(scene.way, await scene.poll(task)) == scene.way.words[1]
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
    assert status_of(scene.way, await scene.poll(answer[scene.way.reply_id])) != scene.way.words[1]
    assert await scene.admin.deliveries() == []


async def test_a_key_s_own_receiver_is_called_before_the_answer_too(stage: House, receiver: Receiver) -> None:
    await stage.admin(KEY).register("midsync", key=KEY, callback_url=receiver.url)
    scene = Scene(MIDSYNC, stage, receiver, "")
    await scene.rule("callback/before-answer")
    task = (await scene.client.create())["taskId"]
    assert [one.body["taskId"] for one in receiver.got] == [task]


FORGERIES = pytest.mark.parametrize(
    ("fault", "given"),
    [
        ("callback/wrong-signature", {}),
        ("callback/old-secret", {}),
        ("callback/stale-signature", {}),
        ("callback/stale-signature", {"seconds": -900}),
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
    return ";".join([fault, *(f"{name}={value}" for name, value in given.items())])


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


@EVERY
async def test_a_reserialised_body_is_the_same_json_in_other_bytes(scene: Scene) -> None:
    task = await scene.create(asked="callback/reserialised")
    await scene.admin.advance()
    (one,) = scene.receiver.got
    shown = await scene.client.get(scene.way.poll.format(task))
    assert one.raw != shown.raw
    assert one.body == shown.body
    assert list(one.body) == list(shown.body)
    assert genuine(scene.way, scene.secret, Callback(one.path, one.headers, shown.raw))


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
    assert (status_of(scene.way, polled), status_of(scene.way, one.body)) == (truth, lie)
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


async def test_what_a_callback_was_signed_with_is_nowhere_to_be_read(stage: House, receiver: Receiver) -> None:
    scene = await begun(MIDSYNC, stage, receiver)
    await scene.create(asked="callback/wrong-signature, callback/twice")
    await scene.admin.advance()
    seen = json.dumps(await scene.admin.get("/deliveries"))
    assert scene.secret not in seen
    assert all(one.headers["webhook-signature"] not in seen for one in receiver.got)


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


def test_signatures_are_known_by_their_names() -> None:
    """What leaves a signature out, and what hides one from lists, go by the name of the header."""
    from soundstage.providers import Providers

    providers: Mapping[str, Provider] = Providers()
    assert {name for name, one in providers.items() if one.callback is not None} == {*OLD, "v2gateway"}
