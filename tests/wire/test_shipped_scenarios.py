"""Shipped scenarios keep their words: 200 creates and polls under each, on a manual clock, over two providers."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import aiohttp
import pytest
from standardwebhooks.webhooks import Webhook

from conftest import OpenStage
from soundstage.faults import Faults
from soundstage.providers import Providers
from soundstage.scenarios import named
from support.callbacks import api_key_signature
from support.client import Admin, House
from support.receiver import Callback, Receiver
from support.ways import GATEWAY, MIDSYNC, REVID, Way

APPLIED = "X-Soundstage-Fault-Applied"
# What takes the machine's time, whatever the clock says; what it does is tested with the faults themselves.
REAL_TIME = {"transport/latency", "transport/slow-body", "transport/never-answers", "files/slow"}
CREATES = 200


@dataclass(frozen=True)
class Came:
    """What came of one call; status 0 is no answer, `faults` what its reply names."""

    status: int
    body: Any = None
    faults: str = ""
    wait: int | None = None


@dataclass
class Run:
    """200 creates, each polled once when its task should be done, with a call to every other endpoint in between."""

    house: House
    ways: tuple[Way, Way] = (MIDSYNC, GATEWAY)
    step: int = 10
    hook: str = ""
    prompt: str = "A fox, take {}"
    creates: list[Came] = field(default_factory=list)
    polls: list[Came] = field(default_factory=list)
    others: list[Came] = field(default_factory=list)

    @property
    def admin(self) -> Admin:
        """The admin of the universe."""
        return self.house.admin()

    async def begin(self, scenario: str) -> None:
        """Put a scenario in force, without what only takes the machine's time."""
        document = await self.admin.ok("PUT", "/scenario", {"name": scenario})
        document["faults"] = [rule for rule in document["faults"] if rule["fault"] not in REAL_TIME]
        await self.admin.ok("PUT", "/scenario", document)

    async def call(self, way: Way, method: str, path: str, body: Any = None) -> Came:
        """Make one call."""
        headers = {"Authorization": f"Bearer {self.house.key}"}
        url = f"{self.house.url}/{way.provider}{path}"
        try:
            async with self.house.http.request(method, url, json=body, headers=headers) as reply:
                raw = await reply.read()
                after = reply.headers.get("Retry-After")
                wait = None if after is None else int(after)
                parsed = json.loads(raw) if reply.content_type == "application/json" else None
                return Came(reply.status, parsed, reply.headers.get(APPLIED, ""), wait)
        except aiohttp.ClientError:
            return Came(0)

    async def create(self, number: int) -> Came:
        """Make one create call."""
        way = self.ways[number % 2]
        body = {**way.body, "prompt": self.prompt.format(number)}
        if self.hook and way.hook:
            body[way.hook] = self.hook
        return await self.call(way, "POST", way.create, body)

    async def drive(self) -> None:
        """Make all calls, with so many seconds between one create and the next."""
        for number in range(CREATES):
            way = self.ways[number % 2]
            self.creates.append(await self.create(number))
            newest = [task for task in await self.admin.tasks() if task["provider"] == way.provider][:1]
            self.polls += [await self.call(way, "GET", way.poll.format(task["id"])) for task in newest]
            self.others.append(await self.call(MIDSYNC, "POST", "/unified-video/quote", dict(MIDSYNC.body)))
            self.others.append(await self.call(GATEWAY, "GET", "/v1/models"))
            await self.admin.advance(seconds=self.step)
        await self.admin.advance()
        await self.admin.sound()

    async def tasks(self) -> list[Any]:
        """Return every task there is, the oldest first."""
        listed = (await self.admin.get("/tasks?limit=500"))["tasks"]
        return list(reversed(listed))

    async def applied(self) -> dict[str, int]:
        """Return how often each rule acted."""
        rules = (await self.admin.get("/faults"))["rules"]
        return {f"{rule['id'].rpartition('/')[2]} {rule['fault']}": rule["applied"] for rule in rules}


@pytest.fixture
async def run(open_stage: OpenStage) -> Run:
    return Run(await open_stage(starting_credits=10**12, journal=5000))


def share(found: list[bool]) -> float:
    """Return the share of what is true."""
    return sum(found) / len(found)


async def test_happy_bends_nothing(run: Run) -> None:
    await run.begin("happy")
    await run.drive()
    assert {(one.status, one.faults) for one in (*run.creates, *run.polls, *run.others)} == {(200, "")}
    assert {task["state"] for task in await run.tasks()} == {"succeeded"}


async def test_lost_create_loses_every_third_answer_and_charges_all(run: Run) -> None:
    await run.begin("lost-create")
    await run.drive()
    assert [one.status for one in run.creates] == [0 if number % 3 == 2 else 200 for number in range(CREATES)]
    tasks = await run.tasks()
    assert len(tasks) == CREATES
    assert all(float(task["cost"]) > 0 for task in tasks)
    assert all(one.status == 200 for one in (*run.polls, *run.others))


async def test_flaky_network_loses_one_call_in_ten_creates_on_the_way_back_included(run: Run) -> None:
    await run.begin("flaky-network")
    await run.drive()
    assert {one.status for one in (*run.creates, *run.polls, *run.others)} == {0, 200}
    assert 0.05 < share([one.status == 0 for one in run.creates]) < 0.16
    # This client quietly repeats a GET that is lost, so what became of all calls is asked of the rules.
    rules = (await run.admin.get("/faults"))["rules"]
    calls = [rule for rule in rules if rule["fault"].startswith("transport/")]
    there = sum(rule["applied"] for rule in calls if rule["with"].get("when") == "before")
    back = sum(rule["applied"] for rule in calls) - there
    assert 0.035 < there / rules[0]["matched"] < 0.065
    assert 0.035 < back / rules[0]["matched"] < 0.065
    answered, made = sum(one.status == 200 for one in run.creates), len(await run.tasks())
    on_the_way_back, on_the_way_there = made - answered, CREATES - made
    assert on_the_way_back >= 4
    assert on_the_way_there >= 4
    assert {task["state"] for task in await run.tasks()} == {"succeeded"}


async def test_provider_outage_begins_is_everywhere_ends_and_leaves_nothing_behind(run: Run) -> None:
    await run.begin("provider-outage")
    run.step = 3
    await run.drive()

    def minutes(calls: list[Came], begin: int, end: int) -> list[bool]:
        # Twenty creates, twenty polls and forty other calls are a minute.
        each = len(calls) // 10
        return [one.status >= 500 for one in calls[begin * each : end * each]]

    assert 0.4 < share(minutes(run.creates, 0, 1)) < 0.6
    assert not any(minutes(run.others, 0, 1))
    assert all([*minutes(run.creates, 1, 4), *minutes(run.others, 1, 4)])
    assert 0.4 < share([*minutes(run.creates, 4, 6), *minutes(run.others, 4, 6)]) < 0.6
    assert not any([*minutes(run.creates, 6, 10), *minutes(run.others, 6, 10)])
    assert {task["state"] for task in await run.tasks()} == {"succeeded"}


@pytest.mark.parametrize(
    ("way", "method", "path", "body"),
    [
        (MIDSYNC, "GET", "/v1/usage/summary", None),
        (
            GATEWAY,
            "POST",
            "/v1/chat/completions",
            {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "x"}]},
        ),
        (REVID, "GET", "/v1/balance", None),
        (REVID, "GET", "/v1/limits", None),
    ],
)
async def test_an_outage_spares_no_endpoint(run: Run, way: Way, method: str, path: str, body: Any) -> None:
    await run.begin("provider-outage")
    found = []
    for minute in range(7):
        found += [(minute, (await run.call(way, method, path, body)).status) for _ in range(2)]
        await run.admin.advance(seconds=60)
    well, down, half = ([status for minute, status in found if minute in part] for part in ({0, 6}, {1, 2, 3}, {4, 5}))
    assert (set(well), set(down)) == ({200}, {502})
    assert set(half) <= {200, 503}


async def test_capacity_crunch_is_got_through_by_whoever_waits_and_tries_again(run: Run) -> None:
    await run.begin("capacity-crunch")
    run.ways, first_tries, waits = (MIDSYNC, REVID), [], []
    for number in range(CREATES):
        came = await run.create(number)
        first_tries.append(came.status == 200)
        while came.status != 200:
            assert came.status in {429, 503}, came
            waits.append(came.wait)
            await run.admin.advance(seconds=came.wait or 30)
            came = await run.create(number)
            assert len(waits) < 40 * CREATES
        way = run.ways[number % 2]
        polled = await run.call(way, "GET", way.poll.format(came.body[way.reply_id]))
        assert polled.status == 200
    await run.admin.advance()
    await run.admin.sound()
    assert not any(first_tries[:1])
    assert 0.1 < 1 - share(first_tries) < 0.5
    assert 0.25 < len(waits) / (len(waits) + CREATES) < 0.5
    assert {10, 20, None} <= set(waits)
    tasks = await run.tasks()
    assert len(tasks) == CREATES
    assert {task["state"] for task in tasks} == {"succeeded"}


async def test_slow_day_takes_everything_longer_and_breaks_nothing(run: Run, receiver: Receiver) -> None:
    run.hook = receiver.url
    await run.begin("slow-day")
    await run.drive()
    assert {one.status for one in (*run.creates, *run.polls, *run.others)} == {200}
    tasks, applied = await run.tasks(), await run.applied()
    assert {task["state"] for task in tasks} == {"succeeded"}
    assert [applied[name] for name in applied if name.endswith("task/slow")] == [CREATES]
    (late,) = [applied[name] for name in applied if name.endswith("callback/late")]
    assert 70 < late < 130
    slowed = {rule.fault for rule in named("slow-day", Faults(), Providers()).rules} & REAL_TIME
    assert slowed == {"transport/latency", "transport/slow-body", "files/slow"}


async def test_moderation_refuses_dragons_and_every_tenth_of_the_others(run: Run) -> None:
    await run.begin("moderation")
    await run.drive()
    assert {one.status for one in run.creates} == {200}
    states = Counter(task["state"] for task in await run.tasks())
    assert 20 <= states["failed"] <= 45
    run.prompt = "A dragon, take {}"
    dragons = [await run.create(number) for number in range(10)]
    assert {one.status for one in dragons} == {200}
    await run.admin.advance()
    assert {task["state"] for task in (await run.tasks())[-10:]} == {"failed"}


async def test_billing_bugs_are_all_there_and_come_again_and_again(run: Run) -> None:
    await run.begin("billing-bugs")
    await run.drive()
    applied = await run.applied()
    assert all(times >= 5 for times in applied.values()), applied
    refused = sum(one.status == 402 for one in run.creates)
    assert 5 <= refused <= 20
    states = Counter(task["state"] for task in await run.tasks())
    assert 0.25 < states["failed"] / CREATES < 0.5
    failed_and_kept = [task for task in await run.tasks() if task["state"] == "failed" and float(task["cost"]) > 0]
    assert len(failed_and_kept) >= 10
    entries = (await run.admin.get("/ledger"))["entries"]
    twice = [one for one in entries if one["kind"] == "issue" and one["note"] != "starting balance"]
    assert len(twice) >= 8, {one["note"] for one in entries}
    tasks = {task["id"]: task for task in await run.tasks()}
    asked = [(one.body["pointsCharged"], tasks[one.body["taskId"]]) for one in run.creates[::2] if one.status == 200]
    assert {shown for shown, _ in asked} == {35, 43.75}
    charged = [(shown, float(task["cost"])) for shown, task in asked if task["state"] == "succeeded"]
    assert sum(cost == 2 * shown for shown, cost in charged) >= 3


async def test_webhook_storm_never_ends(run: Run, receiver: Receiver) -> None:
    run.hook = receiver.url
    await run.begin("webhook-storm")
    await run.drive()
    assert {one.status for one in run.creates} == {200}
    bodies = Counter((one.headers.get("webhook-id"), sha256(one.raw).hexdigest()) for one in receiver.got)
    assert sum(times >= 20 for times in bodies.values()) >= 12
    assert sum(times == 2 for times in bodies.values()) >= 50
    applied = await run.applied()
    assert all(times >= 20 for times in applied.values()), applied
    states = Counter(one["state"] for one in (await run.admin.get("/deliveries?limit=1000"))["deliveries"])
    assert states["dropped"] >= 20
    assert states["delivered"] >= 500


def signed(one: Callback, secrets: dict[str, str], begin: float) -> bool:
    """Tell whether a callback's signature is right and its timestamp none of before this run."""
    if at := one.headers.get("x-api-key-timestamp"):
        right = api_key_signature(secrets["apikeyorg"], at, one.raw)
        return one.headers.get("x-api-key-signature") == right and float(at) >= begin
    at = one.headers["webhook-timestamp"]
    when = datetime.fromtimestamp(int(at), UTC)
    right = Webhook(secrets["midsync"]).sign(one.headers["webhook-id"], when, one.raw.decode())
    return one.headers.get("webhook-signature") == right and float(at) >= begin


async def test_hostile_webhooks_attack_over_and_over_and_leave_good_ones(run: Run, receiver: Receiver) -> None:
    run.hook = receiver.url
    registered = {name: await run.admin.register(name, key=run.house.key) for name in ("midsync", "apikeyorg")}
    secrets = {name: one["webhook_secret"] for name, one in registered.items()}
    begin = datetime.fromisoformat((await run.admin.get("/clock"))["now"]).timestamp()
    await run.begin("hostile-webhooks")
    await run.drive()
    judged = [signed(one, secrets, begin) for one in receiver.got]
    assert len(judged) == CREATES
    # Those with another task's id or another end are signed all the same.
    assert 0.45 < share(judged) < 0.65
    assert 0.3 < share(judged[-40:]) < 0.8
    applied = await run.applied()
    assert all(times >= 12 for times in applied.values()), applied
    assert {task["state"] for task in await run.tasks()} == {"succeeded"}
