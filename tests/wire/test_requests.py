"""The journal over HTTP: filters, waiting without looking again and again, HAR, and the client lint."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from conftest import OpenStage
from soundstage import __version__
from soundstage.core.journal import Exchange, Journal
from support.client import KLING, House
from support.receiver import Receiver

TEXT = {"type": "string"}
PAIRS = {
    "type": "array",
    "items": {"type": "object", "required": ["name", "value"], "properties": {"name": TEXT, "value": TEXT}},
}
SIZE = {"type": "integer", "minimum": -1}
# What the HAR 1.2 format demands of the parts that are exported.
HAR = {
    "type": "object",
    "required": ["log"],
    "properties": {
        "log": {
            "type": "object",
            "required": ["version", "creator", "entries"],
            "properties": {
                "version": {"const": "1.2"},
                "creator": {"type": "object", "required": ["name", "version"]},
                "entries": {"type": "array", "items": {"$ref": "#/$defs/entry"}},
            },
        }
    },
    "$defs": {
        "entry": {
            "type": "object",
            "required": ["startedDateTime", "time", "request", "response", "cache", "timings"],
            "properties": {
                "startedDateTime": {
                    "type": "string",
                    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$",
                },
                "time": {"type": "number", "minimum": 0},
                "cache": {"type": "object"},
                "timings": {"type": "object", "required": ["send", "wait", "receive"]},
                "request": {
                    "type": "object",
                    "required": [
                        "method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize",
                    ],
                    "properties": {
                        "url": {"type": "string", "pattern": r"^http://[!-~]+$"},
                        "cookies": PAIRS, "headers": PAIRS, "queryString": PAIRS,
                        "headersSize": SIZE, "bodySize": SIZE,
                        "postData": {"type": "object", "required": ["mimeType", "text"]},
                    },
                },
                "response": {
                    "type": "object",
                    "required": [
                        "status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL",
                        "headersSize", "bodySize",
                    ],
                    "properties": {
                        "status": {"type": "integer"}, "statusText": TEXT, "redirectURL": TEXT,
                        "cookies": PAIRS, "headers": PAIRS, "headersSize": SIZE, "bodySize": SIZE,
                        "content": {"type": "object", "required": ["size", "mimeType"]},
                    },
                },
            },
        }
    },
}  # fmt: skip


async def test_calls_are_found_by_operation_role_and_status(stage: House) -> None:
    client, admin = stage.client(), stage.admin()
    await client.create()
    await client.post("/unified-video/quote", KLING)
    await client.post("/unified-video/quote", {**KLING, "duration": 99})
    await client.get("/nowhere")
    for query, count in [
        ("operation=createVideo", 1), ("operation=create", 1), ("operation=quote", 2), ("operation=poll", 0),
        ("status=400", 1), ("status=4xx", 2), ("status=2xx&operation=quoteVideo", 1), ("status=0", 0),
        ("operation=unmatched", 1),
    ]:  # fmt: skip
        found = await stage.anybody().get(f"/requests/count?{query}")
        assert found["count"] == count, query
    for status in ("fine", "20x", "1000", ""):
        refused = await admin.call("GET", f"/requests?status={status}")
        assert (refused.status, refused["error"]["code"]) == (400, "invalid_request"), status


async def test_the_headers_of_replies_are_shown(stage: House) -> None:
    await stage.client().create(surprise=1)
    (row,) = (await stage.admin().get("/requests"))["requests"]
    assert "surprise" in row["response"]["headers"]["X-Soundstage-Warning"]


async def test_a_wait_ends_with_the_call_it_waits_for(stage: House) -> None:
    client, admin = stage.client(), stage.admin()
    waiting = asyncio.create_task(admin.get("/requests/wait?operation=create&count=2&timeout=30"))
    await client.create()
    await client.post("/unified-video/quote", KLING)
    await stage.client("sk_test_somebody_else").create()
    assert not waiting.done()
    await client.create()
    answer = await asyncio.wait_for(waiting, 10)
    assert answer["reached"] is True
    assert [row["operation"] for row in answer["requests"]] == ["createVideo"] * 2
    assert stage.stage.journal.listeners == []


async def test_a_wait_for_what_has_happened_ends_at_once(stage: House) -> None:
    await stage.client().create()
    answer = await stage.admin().get("/requests/wait?timeout=0")
    assert (answer["reached"], len(answer["requests"])) == (True, 1)


async def test_a_wait_in_vain_ends_with_its_time(stage: House) -> None:
    await stage.client().create()
    answer = await stage.admin().get("/requests/wait?count=2&timeout=0.05")
    assert (answer["reached"], len(answer["requests"])) == (False, 1)
    assert stage.stage.journal.listeners == []


async def test_a_wait_for_lost_replies_hears_of_a_client_that_left(stage: House) -> None:
    waiting = asyncio.create_task(stage.admin().get("/requests/wait?status=0&timeout=30"))
    creating = asyncio.create_task(stage.client().create({**KLING, "prompt": "sim:latency=1m"}))
    written_down = await stage.admin().get("/requests/wait?operation=create&status=200&timeout=30")
    assert written_down["reached"] is True
    creating.cancel()
    answer = await asyncio.wait_for(waiting, 10)
    assert [(row["operation"], row["status"]) for row in answer["requests"]] == [("createVideo", 0)]


async def test_a_reply_that_nobody_got_is_counted_as_none(stage: House) -> None:
    with pytest.raises(aiohttp.ClientError):
        await stage.client().create({**KLING, "prompt": "sim:lose"})
    creating = asyncio.create_task(stage.client().create({**KLING, "prompt": "sim:latency=1m"}))
    await stage.admin().get("/requests/wait?operation=create&count=2&timeout=30")
    creating.cancel()
    await stage.admin().get("/requests/wait?status=0&count=2&timeout=30")
    async with stage.http.get(f"{stage.url}/metrics") as reply:
        counted = [line for line in (await reply.text()).splitlines() if line.startswith("soundstage_requests_total")]
    assert counted == ['soundstage_requests_total{operation="createVideo",provider="midsync",status="0"} 2.0']


async def test_a_wait_counts_what_the_journal_still_holds(stage: House) -> None:
    admin = stage.admin()
    await stage.client().create()
    waiting = asyncio.create_task(admin.get("/requests/wait?count=2&timeout=30"))
    await admin.post("/reset", {"what": "journal"})
    await stage.client().create()
    assert not waiting.done()
    await stage.client().create()
    assert len((await asyncio.wait_for(waiting, 10))["requests"]) == 2


async def test_a_wait_judges_each_exchange_once_however_many_there_are(
    stage: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, judged = stage.stage.journal, 0
    newest = Journal.newest

    def counted(self: Journal) -> Iterator[Exchange]:
        nonlocal judged
        for one in newest(self):
            judged += 1
            yield one

    for _ in range(500):
        journal.add(1, 1, "u", "midsync", "createVideo", "POST", "/x", {}, b"", 200, b"{}")
    waiting = asyncio.create_task(stage.admin(universe="u").get("/requests/wait?count=520&timeout=30"))
    async with asyncio.timeout(10):
        while not journal.listeners:
            await stage.nobody().get("/unified-video/models")
    monkeypatch.setattr(Journal, "newest", counted)
    for _ in range(19):
        journal.add(1, 1, "u", "midsync", "createVideo", "POST", "/x", {}, b"", 200, b"{}")
        await stage.nobody().get("/unified-video/models")
    assert judged < 200
    assert not waiting.done()
    journal.add(1, 1, "u", "midsync", "createVideo", "POST", "/x", {}, b"", 200, b"{}")
    assert (await asyncio.wait_for(waiting, 10))["reached"] is True


async def test_nobody_is_kept_waiting_who_has_left(stage: House) -> None:
    waiting = asyncio.create_task(stage.admin().get("/requests/wait?count=1000&timeout=60"))
    async with asyncio.timeout(10):
        while not stage.stage.journal.listeners:
            await stage.client().get("/unified-video/models")
        waiting.cancel()
        while stage.stage.journal.listeners:
            await stage.client().get("/unified-video/models")


@pytest.mark.parametrize("path", ["/requests/wait", "/deliveries/wait"])
@pytest.mark.parametrize("query", ["timeout=61", "timeout=-1", "timeout=nan", "timeout=soon", "count=0", "count=1001"])
async def test_a_bad_wait_says_why(stage: House, path: str, query: str) -> None:
    refused = await stage.admin().call("GET", f"{path}?{query}")
    assert (refused.status, refused["error"]["code"]) == (400, "invalid_request")


async def test_a_callback_is_waited_for_until_it_is_delivered(stage: House, receiver: Receiver) -> None:
    admin = stage.admin()
    made = await stage.client().create(callbackUrl=receiver.url)
    await stage.client().create()
    waiting = asyncio.create_task(admin.get(f"/deliveries/wait?task_id={made['taskId']}&timeout=30"))
    receiver.hang()
    moving = asyncio.create_task(admin.advance())
    await receiver.arrived()
    flying = await admin.get("/deliveries/wait?state=in_flight")
    assert (flying["reached"], flying["deliveries"][0]["task_id"]) == (True, made["taskId"])
    assert not waiting.done()
    receiver.release()
    answer = await asyncio.wait_for(waiting, 10)
    await moving
    assert answer["reached"] is True
    assert [(one["task_id"], one["state"]) for one in answer["deliveries"]] == [(made["taskId"], "delivered")]


async def test_callbacks_are_waited_for_by_state_and_count_and_in_vain(stage: House, receiver: Receiver) -> None:
    admin = stage.anybody()
    for key in ("sk_test_one", "sk_test_two"):
        await stage.client(key).create(callbackUrl=receiver.url)
        await stage.admin(key).advance()
    both = await admin.get("/deliveries/wait?count=2")
    assert (both["reached"], len(both["deliveries"])) == (True, 2)
    none = await admin.get("/deliveries/wait?state=refused&timeout=0.05")
    assert none == {"deliveries": [], "reached": False}
    one = await stage.admin("sk_test_one").get("/deliveries/wait?count=2&timeout=0")
    assert (one["reached"], len(one["deliveries"])) == (False, 1)
    wrong = await admin.call("GET", "/deliveries/wait?state=happy")
    assert (wrong.status, wrong["error"]["code"]) == (400, "invalid_request")
    listed = await admin.get(f"/deliveries?state=delivered&task_id={one['deliveries'][0]['task_id']}")
    assert listed["deliveries"] == one["deliveries"]


async def test_the_journal_is_exported_as_har(stage: House) -> None:
    client, admin = stage.client(), stage.admin()
    made = await client.create(prompt="Ein Strand, später")
    await client.get("/v1/usage/logs", landing=True, label="a b")
    await stage.nobody().get("/nowhere")
    await stage.client("sk_test_somebody_else").create()
    answer = await admin.call("GET", "/requests.har")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    Draft202012Validator(HAR).validate(answer.body)
    assert stage.key not in answer.raw.decode()
    log = answer["log"]
    assert log["creator"] == {"name": "Soundstage", "version": __version__}
    entries = log["entries"]
    assert [one["_soundstage"]["operation"] for one in entries] == ["createVideo", "listUsageLogs"]
    first, second = entries
    assert first["request"]["postData"]["mimeType"] == "application/json"
    assert "sp" in first["request"]["postData"]["text"]
    assert {"name": "Authorization", "value": "…"} in first["request"]["headers"]
    assert made["taskId"] in first["response"]["content"]["text"]
    assert (first["response"]["status"], first["response"]["statusText"]) == (200, "OK")
    assert first["_soundstage"].keys() == {"id", "operation", "provider", "universe", "fault"}
    assert {"name": "api_key", "value": "…"} in second["request"]["queryString"]
    assert {"name": "label", "value": "a b"} in second["request"]["queryString"]
    assert second["request"]["url"].startswith(f"{stage.url}/midsync/v1/usage/logs?")
    assert "postData" not in second["request"]
    reads = await admin.get("/requests.har?operation=read")
    assert [one["_soundstage"]["id"] for one in reads["log"]["entries"]] == [second["_soundstage"]["id"]]


async def test_a_har_says_what_went_wrong_on_purpose(stage: House) -> None:
    told = {"X-Soundstage-Fault-Applied": "transport/commit-then-lose", "Location": "/elsewhere"}
    stage.stage.journal.add(1, 1, "u", "midsync", "createVideo", "POST", "/x", {}, b"\xff", 0, b"", told)
    har = await stage.admin(universe="u").get("/requests.har")
    Draft202012Validator(HAR).validate(har)
    (entry,) = har["log"]["entries"]
    assert (entry["response"]["status"], entry["response"]["statusText"]) == (0, "")
    assert entry["_soundstage"]["fault"] == "transport/commit-then-lose"
    assert entry["response"]["redirectURL"] == "/elsewhere"


async def test_a_har_says_how_long_each_call_took_on_the_machine(stage: House, monkeypatch: pytest.MonkeyPatch) -> None:
    wall = iter(range(1_000_000, 9_000_000, 5))
    monkeypatch.setattr(stage.stage.world, "wall", lambda: next(wall))
    await stage.client().create()
    await stage.client().create(prompt="sim:latency=0.001s")
    har = await stage.admin().get("/requests.har")
    Draft202012Validator(HAR).validate(har)
    plain, late = (entry["time"] for entry in har["log"]["entries"])
    assert late > plain > 0
    for entry in har["log"]["entries"]:
        assert sum(entry["timings"].values()) == entry["time"]


async def findings(house: House, query: str = "") -> list[Any]:
    """Return what the lint says of the usual client."""
    return list((await house.admin().get(f"/lint{query}"))["findings"])


async def test_a_careful_client_is_not_blamed(stage: House) -> None:
    client, admin = stage.client(), stage.admin()
    made = await client.create()
    await client.status(made["taskId"])
    await admin.advance()
    assert (await client.status(made["taskId"]))["status"] == "completed"
    assert await findings(stage) == []


async def test_a_careless_client_is_told_what_it_did(stage: House) -> None:
    client, admin = stage.client(), stage.admin()
    made = await client.create(surprise=1)
    await admin.advance()
    for _ in range(3):
        await client.status(made["taskId"])
    await client.get("/v1/usage/logs", landing=True)
    for _ in range(2):
        await client.post("/unified-video/quote", {**KLING, "duration": 99})
    await stage.client("sk_test_somebody_else").create(surprise=1)
    found = await findings(stage)
    assert [(one["rule"], one["level"]) for one in found] == [
        ("dropped-field", "warning"), ("polled-after-end", "warning"), ("key-in-query", "warning"),
        ("refused-retried", "warning"),
    ]  # fmt: skip
    late = next(one for one in found if one["rule"] == "polled-after-end")
    assert late.keys() == {"rule", "level", "message", "requests", "task_id", "universe", "provider"}
    assert (late["task_id"], late["provider"], len(late["requests"])) == (made["taskId"], "midsync", 3)
    assert stage.key not in str(found)
    left = await findings(stage, "?ignore=polled-after-end,key-in-query")
    assert {one["rule"] for one in left} == {"dropped-field", "refused-retried"}
    everybody = (await stage.anybody().get("/lint"))["findings"]
    assert len(everybody) == len(found) + 1
    wrong = await admin.call("GET", "/lint?ignore=polled-after-end,nonsense")
    assert (wrong.status, wrong["error"]["code"]) == (400, "unknown_rule")


async def test_a_retry_before_the_limit_ends_is_found(open_stage: OpenStage) -> None:
    house = await open_stage()
    await house.anybody().register(key=house.key, limits={"requests_per_minute": 1})
    client = house.client()
    await client.create()
    assert (await client.post("/v1/videos/generations", KLING)).status == 429
    assert (await client.post("/v1/videos/generations", KLING)).status == 429
    assert [one["rule"] for one in await findings(house)] == ["retry-after-ignored"]


async def test_the_lint_of_a_universe_that_was_reset_shows_nothing(stage: House) -> None:
    await stage.client().create(surprise=1)
    await stage.admin().post("/reset", {"what": "all"})
    assert await findings(stage) == []
