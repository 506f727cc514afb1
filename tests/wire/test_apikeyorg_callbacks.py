"""API-Key's callbacks: four headers, a signature anybody can check, terminal events only (R-KEY-060..069)."""

from __future__ import annotations

import hmac
import re
import time
from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from typing import Any

import pytest

from conftest import OpenStage
from support import judge
from support.client import TASKS, Admin, House
from support.gateway import invalid, nobody
from support.receiver import Callback, Receiver

KEY = "sk_test_called"
SCHEDULE = [10, 60, 300, 1800, 7200, 21600]
KINDS = pytest.mark.parametrize("kind", sorted(TASKS))
DOCUMENTED = {"x-api-key-event", "x-api-key-task-id", "x-api-key-timestamp", "x-api-key-signature"}


async def secret_of(admin: Admin, key: str = KEY) -> str:
    """Register the key and return its webhook secret."""
    return str((await admin.register("apikeyorg", key=key))["webhook_secret"])


def signature(secret: str, timestamp: str, raw: bytes) -> str:
    """Sign as the provider's page says, with nothing but the standard library."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + raw, sha256).hexdigest()


def genuine(secret: str, one: Callback) -> bool:
    """Tell whether a callback's signature fits its own timestamp and its raw body (R-KEY-065, R-KEY-069)."""
    expected = signature(secret, one.headers["x-api-key-timestamp"], one.raw)
    return hmac.compare_digest(expected, one.headers["x-api-key-signature"])


@KINDS
@pytest.mark.parametrize("ends", ["completed", "failed"])
async def test_r_key_060_to_066_a_terminal_event_is_posted_once_with_four_headers_and_the_poll_s_body(
    stage: House, receiver: Receiver, kind: str, ends: str
) -> None:
    """R-KEY-060, R-KEY-061, R-KEY-062, R-KEY-063, R-KEY-064, R-KEY-065, R-KEY-066, A-KEY-09, A-KEY-10."""
    admin, client = stage.admin(KEY), stage.gateway(KEY)
    secret = await secret_of(admin)
    task = (await client.task(kind, callback_url=receiver.url))["id"]
    if ends == "failed":
        await admin.advance(seconds=5)
        await admin.post(f"/tasks/{task}/fail", {"reason": "The prompt was refused."})
    await admin.advance()
    (one,) = receiver.got
    assert {name.lower() for name in one.headers if name.lower().startswith("x-api-key")} == DOCUMENTED
    assert one.headers["x-api-key-event"] == f"gateway.task.{ends}"
    assert one.headers["x-api-key-task-id"] == task == one.body["task_id"]
    assert re.fullmatch(r"\d{10}", one.headers["x-api-key-timestamp"])
    assert abs(int(one.headers["x-api-key-timestamp"]) - time.time()) < 60
    assert re.fullmatch(r"[0-9a-f]{64}", one.headers["x-api-key-signature"])
    assert genuine(secret, one)
    assert one.headers["Content-Type"] == "application/json"
    assert one.raw == (await client.get(f"/v1/tasks/{task}")).raw
    assert one.body["status"] == ends
    judge.of("apikeyorg").check_schema("CallbackBody", one.body)
    (delivery,) = await admin.deliveries()
    assert (delivery["state"], delivery["event"]) == ("delivered", f"gateway.task.{ends}")
    await admin.advance(seconds=1_000_000)
    assert len(receiver.got) == 1


async def test_r_key_060_nothing_is_sent_before_the_end(stage: House, receiver: Receiver) -> None:
    admin, client = stage.admin(), stage.gateway()
    task = (await client.task(callback_url=receiver.url))["id"]
    ends = (await admin.get(f"/tasks/{task}"))["timeline"][-1]["at"]
    left = datetime.fromisoformat(ends) - datetime.fromisoformat((await admin.get("/clock"))["now"])
    seen = {(await client.poll(task))["status"]}
    for seconds in (left.total_seconds() / 2, left.total_seconds() / 2 - 0.001):
        await admin.advance(seconds=seconds)
        seen.add((await client.poll(task))["status"])
    assert seen == {"pending", "processing"}
    assert receiver.got == []
    assert await admin.deliveries() == []
    await admin.advance(seconds=0.002)
    assert len(receiver.got) == 1


async def test_r_key_060_no_callback_url_and_no_end_both_mean_no_callback(stage: House, receiver: Receiver) -> None:
    admin, client = stage.admin(), stage.gateway()
    await client.task()
    await client.task("image", callback_url=None)
    stalled = (await client.task("music", callback_url=receiver.url))["id"]
    await admin.post(f"/tasks/{stalled}/stall")
    await admin.advance(seconds=1_000_000)
    assert receiver.got == []
    assert await admin.deliveries() == []


async def test_r_key_065_069_a_changed_body_timestamp_or_secret_does_not_verify(
    stage: House, receiver: Receiver
) -> None:
    secret = await secret_of(stage.admin(KEY))
    other = await secret_of(stage.admin("sk_test_other"), "sk_test_other")
    await stage.gateway(KEY).task(callback_url=receiver.url)
    await stage.admin(KEY).advance()
    (one,) = receiver.got
    sent, at = one.headers["x-api-key-signature"], one.headers["x-api-key-timestamp"]
    assert signature(secret, at, one.raw) == sent
    wrong = [
        signature(secret, at, one.raw + b" "),
        signature(secret, at, one.raw.replace(b"completed", b"processed", 1)),
        signature(secret, str(int(at) + 1), one.raw),
        signature(secret, f"{at}000", one.raw),
        signature(other, at, one.raw),
        signature(KEY, at, one.raw),
        signature(secret.removeprefix("sec_"), at, one.raw),
        hmac.new(secret.encode(), one.raw, sha256).hexdigest(),
    ]
    assert sent not in wrong
    assert len(set(wrong)) == len(wrong)


async def test_the_served_guide_s_own_code_verifies_a_real_callback(stage: House, receiver: Receiver) -> None:
    """R-KEY-009, R-KEY-065: what /auth.md tells people to write is right."""
    secret = await secret_of(stage.admin(KEY))
    guide = (await nobody(stage).get("/auth.md")).raw.decode()
    code = re.search(r"```python\n(.*?)```", guide, re.DOTALL)
    assert code is not None
    written: dict[str, Any] = {}
    exec(code[1], written)
    await stage.gateway(KEY).task(callback_url=receiver.url)
    await stage.admin(KEY).advance()
    (one,) = receiver.got
    at, sent = one.headers["x-api-key-timestamp"], one.headers["x-api-key-signature"]
    assert written["is_genuine"](secret, at, one.raw, sent) is True
    assert written["is_genuine"](secret, at, one.raw + b" ", sent) is False


async def test_r_key_067_a_dead_receiver_gets_the_whole_schedule(stage: House, receiver: Receiver) -> None:
    """One event id and one body, a new attempt number and a fresh signature each time."""
    admin, client = stage.admin(KEY), stage.gateway(KEY)
    secret = await secret_of(admin)
    receiver.status = 500
    task = (await client.task(callback_url=receiver.url))["id"]
    await admin.advance()
    got = receiver.got
    assert [one.headers["x-soundstage-attempt"] for one in got] == [str(number) for number in range(1, 8)]
    assert len({one.headers["webhook-id"] for one in got}) == 1
    assert got[0].headers["webhook-id"]
    assert len({one.raw for one in got}) == 1
    assert {one.headers["x-api-key-task-id"] for one in got} == {task}
    assert all(genuine(secret, one) for one in got)
    (delivery,) = await admin.deliveries()
    assert delivery["state"] == "exhausted"
    assert delivery["event_id"] == got[0].headers["webhook-id"]
    at = [datetime.fromisoformat(one["at"]).timestamp() for one in delivery["attempts"]]
    assert [later - earlier for earlier, later in pairwise(at)] == SCHEDULE
    assert secret not in str(delivery)


async def test_a_late_success_ends_the_retries_and_each_event_has_its_own_id(stage: House, receiver: Receiver) -> None:
    admin, client = stage.admin(), stage.gateway()
    receiver.statuses.extend([500, 302, 404])
    await client.task("image", callback_url=receiver.url)
    await admin.advance()
    await client.task("music", callback_url=receiver.url)
    await admin.advance()
    assert [one.headers["x-soundstage-attempt"] for one in receiver.got] == ["1", "2", "3", "4", "1"]
    assert len({one.headers["webhook-id"] for one in receiver.got}) == 2
    assert {one["state"] for one in await admin.deliveries()} == {"delivered"}


@pytest.mark.parametrize(("status", "state", "attempts"), [(204, "delivered", 1), (410, "refused", 1)])
async def test_any_2xx_delivers_and_410_ends_the_attempts(
    stage: House, receiver: Receiver, status: int, state: str, attempts: int
) -> None:
    admin = stage.admin()
    receiver.status = status
    await stage.gateway().task("image", callback_url=receiver.url)
    await admin.advance()
    assert len(receiver.got) == attempts
    assert (await admin.deliveries())[0]["state"] == state


async def test_a_resend_is_signed_anew_and_keeps_id_and_body(stage: House, receiver: Receiver) -> None:
    admin = stage.admin(KEY)
    secret = await secret_of(admin)
    await stage.gateway(KEY).task("image", callback_url=receiver.url)
    await admin.advance()
    (delivery,) = await admin.deliveries()
    await admin.post(f"/deliveries/{delivery['id']}/resend")
    first, again = await receiver.arrived(2)
    assert first.raw == again.raw
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert again.headers["x-soundstage-attempt"] == "2"
    assert genuine(secret, again)


@KINDS
@pytest.mark.parametrize(
    "url",
    [
        "http://your-app.com/webhooks/api-key",
        "http://8.8.8.8/hook",
        "http://[2001:4860:4860::8888]/hook",
        "http://your-app.com.:80/hook",
        "http://localhost.evil.com/hook",
        "HTTP://your-app.com/hook",
        "ftp://127.0.0.1/hook",
        "ws://127.0.0.1/hook",
        "//127.0.0.1/hook",
        "your-app.com/hook",
        "",
        7,
        f"https://your-app.com/{'x' * 2048}",
    ],
    ids=lambda value: str(value)[:40],
)
async def test_r_key_061_068_addresses_a_task_is_not_created_with(stage: House, kind: str, url: Any) -> None:
    path, given = TASKS[kind]
    assert invalid(await stage.gateway().post(path, {**given, "callback_url": url}), "callback_url")
    assert await stage.admin().tasks() == []
    assert await stage.admin().balance() == 1000


@pytest.mark.parametrize(
    "url",
    [
        "https://your-app.com/webhooks/api-key",
        "https://8.8.8.8/hook",
        "http://127.0.0.1:9/hook",
        "http://localhost:9/hook",
        "http://app.localhost/hook",
        "http://[::1]:9/hook",
        "http://10.0.0.5/hook",
        "http://192.168.1.5:8080/hook",
        "http://[fd00::5]/hook",
        "http://receiver:3000/hook",
    ],
)
async def test_r_key_040_061_068_https_everywhere_and_http_nearby_are_taken(stage: House, url: str) -> None:
    assert (await stage.gateway().task(callback_url=url)).status == 200


async def test_an_https_address_out_of_bounds_is_recorded_as_blocked(stage: House) -> None:
    admin = stage.admin()
    await stage.gateway().task(callback_url="https://your-app.com/webhooks/api-key")
    await admin.advance()
    (delivery,) = await admin.deliveries()
    assert delivery["state"] == "blocked"


async def test_r_key_067_the_secret_is_shown_at_registration_and_stays_over_restarts(open_stage: OpenStage) -> None:
    """A-KEY-06: a secret of its own, one per key, not the API key."""
    first = await secret_of((await open_stage(seed=1)).admin(KEY))
    again = await secret_of((await open_stage(seed=2)).admin(KEY))
    assert first == again
    assert re.fullmatch(r"sec_[0-9a-f]{48}", first)
    stage = await open_stage()
    other = await secret_of(stage.admin("sk_test_other"), "sk_test_other")
    assert other != first
    assert KEY not in first
    for row in (await stage.anybody().get("/keys"))["keys"]:
        assert other not in str(row)


async def test_a_key_never_registered_signs_with_the_secret_it_would_have_been_shown(
    open_stage: OpenStage, receiver: Receiver
) -> None:
    secret = await secret_of((await open_stage()).admin(KEY))
    stage = await open_stage()
    await stage.gateway(KEY).task("image", callback_url=receiver.url)
    await stage.admin(KEY).advance()
    assert genuine(secret, receiver.got[0])
