"""The admin API, call by call, as design section 9 promises it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from openapi_spec_validator import validate

from conftest import OpenStage
from soundstage.core.universe import universe_of
from soundstage.edge.admin import Admin as AdminApi
from soundstage.edge.admin.context import Services
from support.client import KLING, Answer, House
from support.receiver import Receiver

CLOCK = {"mode", "speed", "now", "next_event"}


def refused(answer: Answer, status: int, code: str) -> None:
    """Assert the admin's own error shape."""
    assert answer.status == status, answer.raw
    assert answer["error"].keys() == {"code", "message", "hint"}
    assert answer["error"]["code"] == code
    assert "success" not in answer.body


async def test_keys_are_registered_listed_shortened_and_revoked(stage: House) -> None:
    admin = stage.anybody()
    made = await admin.register(
        key="sk_test_a_secret_text", balance="12.5", scopes=["api.read"], universe="mine", label="x"
    )
    assert made.keys() >= {"id", "key", "provider", "universe", "balance", "webhook_secret"}
    assert (made["provider"], made["universe"], made["balance"]) == ("midsync", "mine", "12.5")
    assert made["webhook_secret"].startswith("whsec_")
    listed = await admin.get("/keys")
    assert [key["id"] for key in listed["keys"]] == [made["id"]]
    assert "sk_test_a_secret_text" not in str(listed)
    assert "webhook_secret" not in str(listed)
    refused(
        await admin.call("POST", "/keys", {"provider": "midsync", "key": "sk_test_a_secret_text"}), 409, "key_exists"
    )
    assert (await admin.call("DELETE", f"/keys/{made['id']}")).status == 204
    assert (await stage.client("sk_test_a_secret_text").get("/v1/usage/logs")).status == 401
    refused(await admin.call("DELETE", "/keys/key_none"), 404, "no_such_key")


async def test_a_key_without_text_gets_one(stage: House) -> None:
    made = [await stage.anybody().register() for _ in range(2)]
    assert made[0]["key"] != made[1]["key"]
    assert (await stage.client(made[0]["key"]).create()).status == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_request"),
        ({"provider": "nobody"}, "unknown_provider"),
        ({"provider": "midsync", "key": "x y"}, "invalid_key"),
        ({"provider": "midsync", "balance": "abc"}, "invalid_amount"),
        ({"provider": "midsync", "balance": -1}, "invalid_amount"),
        ({"provider": "midsync", "scopes": ["root"]}, "unknown_scope"),
        ({"provider": "midsync", "balanse": "1"}, "invalid_request"),
        ({"provider": "midsync", "universe": "a b"}, "invalid_universe"),
        ({"provider": "midsync", "universe": "directory"}, "invalid_universe"),
        ({"provider": "midsync", "callback_url": "ftp://x"}, "invalid_callback_url"),
        ({"provider": "midsync", "history": -1}, "invalid_request"),
        ([], "invalid_request"),
    ],
)
async def test_a_bad_registration_says_why(stage: House, body: Any, code: str) -> None:
    refused(await stage.anybody().call("POST", "/keys", body), 400, code)


async def test_the_universe_comes_from_the_key_or_the_header(stage: House) -> None:
    key, name = stage.admin(), universe_of(stage.key)
    await stage.client().create()
    assert await key.tasks() == await stage.admin(universe=name).tasks()
    assert len(await stage.anybody().tasks()) == 1
    assert await stage.admin("sk_test_another").tasks() == []
    rows = (await stage.anybody().get("/universes"))["universes"]
    row = next(one for one in rows if one["id"] == name)
    assert row == {"id": name, "clock": await key.get("/clock"), "keys": 1, "tasks": 1}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/clock", {"mode": "manual"}),
        ("POST", "/clock/advance", {"seconds": 1}),
        ("POST", "/tasks/gen_1/fail", {}),
        ("POST", "/tasks/gen_1/complete", {}),
        ("POST", "/tasks/gen_1/stall", {}),
        ("POST", "/reset", {"what": "all"}),
    ],
)
async def test_writes_name_their_universe(stage: House, method: str, path: str, body: Any) -> None:
    refused(await stage.anybody().call(method, path, body), 400, "universe_needed")


async def test_a_star_means_every_universe_and_answers_a_list(stage: House) -> None:
    for key in ("sk_test_first", "sk_test_second"):
        await stage.client(key).create()
    every = stage.admin(universe="*")
    advanced = await every.advance()
    assert len(advanced) == 2
    assert all(one["events_run"] == 1 for one in advanced)
    assert len(await every.ok("PUT", "/clock", {"mode": "manual"})) == 2
    assert len(await every.get("/clock")) == 2
    await every.ok("POST", "/reset", {"what": "all"})
    assert await every.tasks() == []


async def test_clock_shapes_and_modes(stage: House) -> None:
    admin = stage.admin()
    clock = await admin.get("/clock")
    assert clock == {"mode": "manual", "speed": clock["speed"], "now": "2026-01-01T00:00:00.000Z", "next_event": None}
    assert (await admin.advance(seconds=1.5)).keys() == CLOCK | {"events_run"}
    assert (await admin.get("/clock"))["now"] == "2026-01-01T00:00:01.500Z"
    scaled = await admin.ok("PUT", "/clock", {"mode": "scaled", "speed": 60})
    assert (scaled["mode"], scaled["speed"]) == ("scaled", 60)
    await stage.client().create()
    real = await admin.ok("PUT", "/clock", {"mode": "real"})
    assert real["now"] >= scaled["now"]
    manual = await admin.ok("PUT", "/clock", {"mode": "manual"})
    assert manual["now"] >= real["now"]
    refused(
        await admin.call("PUT", "/clock", {"mode": "manual", "now": "2020-01-01T00:00:00Z"}), 409, "clock_goes_back"
    )
    later = await admin.ok("PUT", "/clock", {"mode": "manual", "now": "2030-01-01T00:00:00Z"})
    assert later["now"] == "2030-01-01T00:00:00.000Z"


async def test_advance_to_the_next_event_and_until_idle(stage: House) -> None:
    admin = stage.admin()
    await stage.client().create()
    due = (await admin.get("/clock"))["next_event"]
    stepped = await admin.advance(to="next-event")
    assert (stepped["now"], stepped["events_run"]) == (due, 1)
    assert (await admin.advance())["events_run"] == 0


@pytest.mark.parametrize(
    "body", [{}, {"seconds": -1}, {"seconds": 1, "to": "next-event"}, {"until": "dawn"}, {"seconds": "5"}]
)
async def test_a_bad_advance_says_why(stage: House, body: Any) -> None:
    refused(await stage.admin().call("POST", "/clock/advance", body), 400, "invalid_request")


async def test_a_task_is_shown_whole_and_explained(stage: House, receiver: Receiver) -> None:
    admin, client = stage.admin(), stage.client()
    task = (await client.create(callbackUrl=receiver.url))["taskId"]
    await admin.advance()
    whole = await admin.get(f"/tasks/{task}")
    assert whole.keys() >= {
        "id", "provider", "state", "model", "cost", "created_at", "timeline", "ledger", "deliveries", "explanation",
    }  # fmt: skip
    assert (whole["id"], whole["state"], whole["cost"]) == (task, "succeeded", "35")
    assert [entry["kind"] for entry in whole["ledger"]] == ["reserve", "settle"]
    (delivery,) = whole["deliveries"]
    assert delivery.keys() >= {"id", "event_id", "task_id", "url", "state", "attempts", "body"}
    assert delivery["attempts"][0].keys() == {"at", "status", "error", "headers"}
    assert "35 points" in whole["explanation"]
    assert "Kling 2.5 Turbo with duration 5" in whole["explanation"]
    assert f"Callback to {receiver.url}: delivered" in whole["explanation"]
    refused(await admin.call("GET", "/tasks/gen_none"), 404, "no_such_task")


async def test_tasks_are_completed_failed_stalled(stage: House) -> None:
    admin, client = stage.admin(), stage.client()
    ids = [(await client.create())["taskId"] for _ in range(3)]
    assert (await admin.post(f"/tasks/{ids[0]}/complete"))["state"] == "succeeded"
    assert (await admin.post(f"/tasks/{ids[1]}/fail", {"reason": "why not"}))["state"] == "failed"
    await admin.post(f"/tasks/{ids[2]}/stall")
    await admin.advance(seconds=1_000_000)
    assert (await client.status(ids[2]))["status"] in {"submitted", "processing"}
    assert (await client.status(ids[1]))["error"] == "why not"
    refused(await admin.call("POST", f"/tasks/{ids[0]}/stall", {}), 409, "task_has_ended")


async def test_task_lists_filter_and_page(stage: House) -> None:
    admin, client = stage.admin(), stage.client()
    ids = [(await client.create())["taskId"] for _ in range(5)]
    await admin.post(f"/tasks/{ids[0]}/fail")
    got: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await admin.get(f"/tasks?limit=2{cursor and f'&cursor={cursor}'}")
        got += [task["id"] for task in page["tasks"]]
        cursor = page["next_cursor"]
    assert got == ids[::-1]
    assert [task["id"] for task in (await admin.get("/tasks?state=failed&provider=midsync"))["tasks"]] == [ids[0]]
    refused(await admin.call("GET", "/tasks?state=odd"), 400, "invalid_request")
    refused(await admin.call("GET", "/tasks?limit=0"), 400, "invalid_request")
    refused(await admin.call("GET", "/tasks?cursor=none"), 400, "invalid_cursor")


async def test_requests_are_recorded_filtered_and_hold_no_secret(stage: House) -> None:
    admin = stage.admin()
    secret = (await stage.anybody().register(key=stage.key))["webhook_secret"]
    client = stage.client()
    await client.create()
    await client.get("/v1/usage/logs", landing=True)
    await client.post("/unified-video/quote", {**KLING, "duration": 99})
    rows = (await admin.get("/requests"))["requests"]
    assert [(row["operation"], row["status"]) for row in rows] == [
        ("quoteVideo", 400), ("listUsageLogs", 200), ("createVideo", 200),
    ]  # fmt: skip
    assert rows[0].keys() >= {"id", "at", "method", "path", "provider", "operation", "status", "request", "response"}
    assert rows[2]["request"]["body"]["prompt"] == KLING["prompt"]
    assert stage.key not in str(rows)
    assert secret not in str(rows)
    assert (await admin.get("/requests/count"))["count"] == 3
    for query, count in [
        ("method=POST", 2), ("path=/midsync/v1", 2), ("provider=midsync", 3), ("provider=x", 0),
        ("since=2026-01-01T00:00:01Z", 0), ("since=2025-01-01", 3),
    ]:  # fmt: skip
        assert (await admin.get(f"/requests/count?{query}"))["count"] == count, query
    first = await admin.get("/requests?limit=2")
    second = await admin.get(f"/requests?limit=2&cursor={first['next_cursor']}")
    assert [row["id"] for row in first["requests"] + second["requests"]] == [row["id"] for row in rows]
    refused(await admin.call("GET", "/requests?since=dawn"), 400, "invalid_request")


async def test_the_ledger_and_the_invariants(stage: House) -> None:
    await stage.client().create()
    ledger = await stage.admin().get("/ledger")
    (wallet,) = ledger["wallets"]
    assert wallet.keys() >= {"provider", "key_id", "issued", "available", "held", "spent"}
    assert (wallet["issued"], wallet["available"], wallet["held"], wallet["spent"]) == ("1000", "965", "35", "0")
    assert [(one["kind"], one["amount"]) for one in ledger["entries"]] == [("issue", "1000"), ("reserve", "35")]
    assert ledger["entries"][0].keys() >= {"at", "kind", "amount", "task_id"}
    await stage.anybody().sound()


@pytest.mark.parametrize(("what", "tasks", "calls"), [("journal", 1, 0), ("state", 0, 1), ("all", 0, 0)])
async def test_reset(stage: House, what: str, tasks: int, calls: int) -> None:
    admin = stage.admin()
    first = await stage.client().create()
    await admin.advance(seconds=5)
    assert (await admin.call("POST", "/reset", {"what": what})).status == 204
    assert len(await admin.tasks()) == tasks
    assert (await admin.get("/requests/count"))["count"] == calls
    # "all" forgets the universe itself, so the next one opens as if it were the first.
    assert (await admin.get("/clock"))["now"].endswith("00:00:00.000Z" if what == "all" else "00:00:05.000Z")
    again = await stage.client().create()
    assert (again["taskId"] == first["taskId"]) is (tasks == 0)
    await admin.sound()
    refused(await admin.call("POST", "/reset", {"what": "nothing"}), 400, "invalid_request")


async def test_the_admin_api_describes_itself(stage: House) -> None:
    document = await stage.anybody().get("/openapi.json")
    validate(document)
    assert "/__admin/clock/advance" in document["paths"]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Host": "evil.example"}, 403, "foreign_host"),
        ({"Origin": "http://evil.example"}, 403, "foreign_origin"),
        ({"Origin": "null"}, 403, "foreign_origin"),
        ({"X-Soundstage-Universe": "a/b"}, 400, "invalid_universe"),
    ],
)
async def test_only_this_machine_may_drive(stage: House, headers: dict[str, str], status: int, code: str) -> None:
    refused(await stage.anybody().call("GET", "/keys", headers=headers), status, code)


async def test_beyond_loopback_a_token_is_needed(open_stage: OpenStage) -> None:
    def beyond(stage: Any) -> None:
        settings = replace(stage.settings, host="0.0.0.0", admin_token="open sesame")
        stage._admin = AdminApi(
            Services(stage.world, stage.gate, stage.journal, stage.courier, stage.blobs, settings, stage.faults)
        )

    admin = (await open_stage(beyond)).anybody()
    refused(await admin.call("GET", "/keys"), 401, "admin_token_needed")
    wrong = await admin.call("GET", "/keys", headers={"X-Soundstage-Admin-Token": "open"})
    refused(wrong, 401, "admin_token_needed")
    assert b"sesame" not in wrong.raw
    assert (await admin.call("GET", "/keys", headers={"X-Soundstage-Admin-Token": "open sesame"})).status == 200


async def test_unknown_endpoints_and_bad_bodies(stage: House) -> None:
    admin = stage.anybody()
    refused(await admin.call("GET", "/nothing"), 404, "no_such_endpoint")
    refused(await admin.call("DELETE", "/clock"), 404, "no_such_endpoint")
    async with stage.http.post(f"{stage.url}/__admin/keys", data=b"{") as reply:
        assert 400 <= reply.status < 500
        assert (await reply.json())["error"]["message"]


async def test_a_receiver_that_hangs_holds_no_other_task_s_answer_back(stage: House, receiver: Receiver) -> None:
    receiver.hang()
    other = Receiver()
    await other.start()
    try:
        slow = (await stage.client().create(callbackUrl=receiver.url))["taskId"]
        await stage.admin().advance(until="idle", wait="none")
        await receiver.arrived()
        async with asyncio.timeout(4):
            early = await stage.client().create({**KLING, "prompt": "sim:callback-early"}, callbackUrl=other.url)
        assert [one.body["taskId"] for one in other.got] == [early["taskId"]]
        states = {one["task_id"]: one["state"] for one in await stage.admin().deliveries()}
        assert states == {slow: "in_flight", early["taskId"]: "delivered"}
    finally:
        receiver.release()
        await other.stop()
