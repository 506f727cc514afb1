"""MidSync's callbacks: signed, retried on schedule, never elsewhere than allowed (R-MID-040, 131, 132, D6)."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
import standardwebhooks
import svix

from support.client import Admin, House
from support.judge import of as judge_of
from support.receiver import Receiver

SCHEDULE = [0, 5, 300, 1800, 7200, 18000, 36000]
KEY = "sk_test_called"


async def secret_of(admin: Admin) -> str:
    """Register the key and return its webhook secret."""
    return str((await admin.register(key=KEY))["webhook_secret"])


def seconds(text: str) -> float:
    """Return an ISO instant in seconds."""
    return datetime.fromisoformat(text).timestamp()


async def test_a_dead_receiver_gets_the_whole_schedule_in_one_advance(stage: House, receiver: Receiver) -> None:
    """Seven attempts over fifteen hours in under a second: one id, one body, every signature valid."""
    admin, client = stage.admin(KEY), stage.client(KEY)
    secret = await secret_of(admin)
    receiver.status = 500
    task = (await client.create(callbackUrl=receiver.url))["taskId"]
    await admin.post(f"/tasks/{task}/fail", {"reason": "content policy"})
    began = time.monotonic()
    clock = await admin.advance()
    assert time.monotonic() - began < 1
    assert clock["next_event"] is None

    got = receiver.got
    assert [one.headers["x-soundstage-attempt"] for one in got] == [str(n) for n in range(1, 8)]
    assert len({one.headers["webhook-id"] for one in got}) == 1
    assert len({one.raw for one in got}) == 1
    for one in got:
        judges: tuple[Any, ...] = (standardwebhooks.Webhook(secret), svix.Webhook(secret))
        for judge in judges:
            judge.verify(one.raw.decode(), dict(one.headers))
        assert abs(int(one.headers["webhook-timestamp"]) - time.time()) < 60
        assert one.headers["Content-Type"] == "application/json"
    assert got[0].body == await client.status(task)
    judge_of("midsync").check_schema("CallbackBody", got[0].body)

    (delivery,) = await admin.deliveries()
    assert delivery["state"] == "exhausted"
    at = [seconds(one["at"]) for one in delivery["attempts"]]
    assert [later - earlier for earlier, later in pairwise(at)] == SCHEDULE[1:]
    assert at == sorted(at)
    assert all(secret not in str(one) for one in delivery["attempts"])
    await admin.sound()


async def test_retries_fall_due_one_by_one(stage: House, receiver: Receiver) -> None:
    admin, client = stage.admin(), stage.client()
    receiver.status = 503
    task = (await client.create(callbackUrl=receiver.url))["taskId"]
    await admin.post(f"/tasks/{task}/complete")
    start = seconds((await admin.advance(seconds=0))["now"])
    assert len(receiver.got) == 1
    total = 0
    for number, wait in enumerate(SCHEDULE[1:], 2):
        total += wait
        clock = await admin.get("/clock")
        assert seconds(clock["next_event"]) - start == total
        await admin.advance(seconds=wait - 0.001)
        assert len(receiver.got) == number - 1
        await admin.advance(seconds=0.001)
        assert len(receiver.got) == number
    assert (await admin.get("/clock"))["next_event"] is None


@pytest.mark.parametrize("status", [200, 201, 204, 299])
async def test_any_2xx_delivers(stage: House, receiver: Receiver, status: int) -> None:
    admin = stage.admin()
    receiver.status = status
    await stage.client().create(callbackUrl=receiver.url)
    await admin.advance()
    assert len(receiver.got) == 1
    assert (await admin.deliveries())[0]["state"] == "delivered"
    assert receiver.got[0].body["status"] == "completed"


async def test_a_500_then_a_200_is_delivered_at_the_second_attempt(stage: House, receiver: Receiver) -> None:
    admin = stage.admin()
    receiver.statuses.append(500)
    await stage.client().create(callbackUrl=receiver.url)
    await admin.advance()
    (delivery,) = await admin.deliveries()
    assert [one["status"] for one in delivery["attempts"]] == [500, 200]
    assert delivery["state"] == "delivered"


async def test_410_stops_the_retries(stage: House, receiver: Receiver) -> None:
    admin = stage.admin()
    receiver.status = 410
    await stage.client().create(callbackUrl=receiver.url)
    await admin.advance()
    assert len(receiver.got) == 1
    assert (await admin.deliveries())[0]["state"] == "refused"


async def test_redirects_are_not_followed(stage: House, receiver: Receiver) -> None:
    admin = stage.admin()
    receiver.statuses.extend([302] * 7)
    receiver.headers["Location"] = f"{receiver.url}/elsewhere"
    await stage.client().create(callbackUrl=receiver.url)
    await admin.advance()
    assert {one.path for one in receiver.got} == {"/hook"}
    (delivery,) = await admin.deliveries()
    assert {one["status"] for one in delivery["attempts"]} == {302}
    assert delivery["state"] == "exhausted"


async def test_a_hanging_receiver_delays_nobody_else(
    stage: House, open_receiver: Callable[[], Awaitable[Receiver]]
) -> None:
    """Twenty callbacks hang on one receiver; the other one gets its own meanwhile."""
    slow, healthy = await open_receiver(), await open_receiver()
    slow.hang()
    admin, client = stage.admin(), stage.client()
    for _ in range(20):
        await client.create(callbackUrl=slow.url)
    await client.create(callbackUrl=healthy.url)
    await admin.advance(seconds=3600, wait="none")
    await healthy.arrived()
    await slow.arrived(8)
    assert (await client.get("/v1/usage/summary"))["totalRequests"] == 21
    states = {one["url"]: one["state"] for one in await admin.deliveries()}
    assert states[slow.url] == "in_flight"
    slow.release()
    await slow.arrived(20)
    await admin.advance()
    assert {one["state"] for one in await admin.deliveries()} == {"delivered"}


@pytest.mark.parametrize(
    "url",
    [
        "https://your-app.com/hook",
        "http://169.254.169.254/latest/meta-data",
        "http://metadata.google.internal/computeMetadata/v1",
        "http://[fd00:ec2::254]/latest",
        "http://user:pass@127.0.0.1:9/hook",
    ],
)
async def test_addresses_out_of_bounds_are_recorded_as_blocked(stage: House, url: str) -> None:
    admin = stage.admin()
    await stage.client().create(callbackUrl=url)
    await admin.advance()
    (delivery,) = await admin.deliveries()
    assert delivery["state"] == "blocked"
    assert [one["status"] for one in delivery["attempts"]] == [0]
    assert "blocked" in delivery["attempts"][0]["error"]


async def test_metadata_is_refused_even_with_egress_allowed(open_stage: Callable[..., Awaitable[House]]) -> None:
    house = await open_stage(allow_egress=True)
    await house.client().create(callbackUrl="http://169.254.169.254/latest/meta-data")
    await house.admin().advance()
    (delivery,) = await house.admin().deliveries()
    assert delivery["state"] == "blocked"
    refused = await house.admin().call(
        "POST", "/keys", {"provider": "midsync", "callback_url": "http://169.254.169.254/"}
    )
    assert refused.status == 400


async def test_a_closed_port_is_retried_to_the_end(stage: House, receiver: Receiver) -> None:
    admin = stage.admin()
    await receiver.stop()
    await stage.client().create(callbackUrl=receiver.url)
    await admin.advance()
    (delivery,) = await admin.deliveries()
    assert (delivery["state"], len(delivery["attempts"])) == ("exhausted", 7)
    assert {one["status"] for one in delivery["attempts"]} == {0}


async def test_resend_keeps_event_id_and_body(stage: House, receiver: Receiver) -> None:
    admin = stage.admin()
    await stage.client().create(callbackUrl=receiver.url)
    await admin.advance()
    (delivery,) = await admin.deliveries()
    await admin.post(f"/deliveries/{delivery['id']}/resend")
    first, again = await receiver.arrived(2)
    assert first.headers["webhook-id"] == again.headers["webhook-id"] == delivery["event_id"]
    assert first.raw == again.raw
    assert again.headers["x-soundstage-attempt"] == "2"
    assert (await admin.call("POST", "/deliveries/dlv_none/resend", {})).status == 404


async def test_a_resend_while_an_attempt_is_under_way_is_refused(stage: House, receiver: Receiver) -> None:
    admin = stage.admin()
    receiver.hang()
    await stage.client().create(callbackUrl=receiver.url)
    await admin.advance(seconds=3600, wait="none")
    await receiver.arrived()
    (delivery,) = await admin.deliveries()
    refused = await admin.call("POST", f"/deliveries/{delivery['id']}/resend", {})
    assert (refused.status, refused["error"]["code"]) == (409, "attempt_under_way")
    timed_out = await admin.call("POST", "/clock/advance", {"seconds": 1, "timeout": 0.05})
    assert timed_out.status == 504
    assert "wait" in timed_out["error"]["hint"]
    receiver.release()


async def test_r_mid_131_no_callback_url_no_callback(stage: House) -> None:
    admin = stage.admin()
    await stage.client().create()
    await admin.advance()
    assert await admin.deliveries() == []


async def test_a_callback_and_a_poll_agree_at_the_instant_of_the_callback(stage: House, receiver: Receiver) -> None:
    """The receiver may call back: it is served at the universe's present instant."""
    client, admin = stage.client(), stage.admin()
    made: list[Any] = [await client.create(callbackUrl=receiver.url) for _ in range(3)]
    receiver.hang()
    await admin.advance(seconds=3600, wait="none")
    got = await receiver.arrived(3)
    for one in got:
        assert await client.status(one.body["taskId"]) == one.body
    receiver.release()
    assert {one.body["taskId"] for one in got} == {one["taskId"] for one in made}
