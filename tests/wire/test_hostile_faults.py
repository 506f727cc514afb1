"""Faults asked for at their worst: nobody else is kept waiting, and what is kept of them stays small and secret."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from conftest import OpenStage
from soundstage.core.call import Wire
from soundstage.core.universe import universe_of
from soundstage.edge.wire import _pieces
from support.client import KLING, House
from support.receiver import Receiver

FAULT = "X-Soundstage-Fault"


async def turns_until(task: asyncio.Task[Any]) -> int:
    """Return how often others had their turn until a task was done."""
    turns = 0
    while not task.done():
        turns += 1
        await asyncio.sleep(0)
    return turns


async def asked(stage: House, fault: str) -> None:
    """Make a call whose reply may have none of the provider's shapes."""
    url, headers = f"{stage.url}/midsync/v1/usage/logs", {FAULT: fault, "Authorization": f"Bearer {stage.key}"}
    async with stage.http.get(url, headers=headers, allow_redirects=False) as reply:
        await reply.read()


async def test_a_long_header_of_a_reply_is_kept_only_in_part(stage: House) -> None:
    await asked(stage, f'http/redirect;location="/{"x" * 1500}"')
    (one,) = stage.stage.journal.newest()
    assert one.reply_headers["Location"] == f"/{'x' * 1023}"
    assert one.reply_headers["X-Soundstage-Fault-Applied"] == "http/redirect"


async def test_a_key_in_the_address_of_a_redirect_is_shown_nowhere(stage: House) -> None:
    told = {"Location": f"/x?api_key={stage.key}&a=1", "Link": f"</y?API%5FKEY={stage.key}>; rel=next"}
    stage.stage.journal.add(1, 1, "u", "midsync", "listUsageLogs", "GET", "/x", {}, b"", 307, b"", told)
    admin = stage.admin(universe="u")
    (row,) = (await admin.get("/requests"))["requests"]
    assert row["response"]["headers"]["Location"] == "/x?api_key=…&a=1"
    har = await admin.get("/requests.har")
    assert har["log"]["entries"][0]["response"]["redirectURL"] == "/x?api_key=…&a=1"
    assert stage.key not in str((row, har))


@pytest.mark.parametrize(
    "sent",
    ["secret=whsec_cGFzc3dvcmRwYXNz", 'secret = "whsec_cGFzc3dvcmRwYXNz"', 'SECRET="a;whsec_cGFzc3dvcmRwYXNz"'],
)
async def test_a_secret_that_a_fault_is_given_is_shown_nowhere(stage: House, sent: str) -> None:
    await asked(stage, f"callback/old-secret;{sent};times=1, http/status;status=503")
    (row,) = (await stage.admin().get("/requests"))["requests"]
    assert row["request"]["headers"][FAULT].endswith("=…;times=1, http/status;status=503")
    har = await stage.admin().get("/requests.har")
    assert "cGFzc3dvcmRwYXNz" not in str((row["request"], har["log"]["entries"][0]["request"]))


def test_a_body_leaves_in_no_more_than_so_many_pieces_at_its_own_pace() -> None:
    body = bytes(4_000_001)
    pieces = list(_pieces(body, Wire(piece_bytes=1, piece_ms=2)))
    assert len(pieces) <= 20_000
    assert b"".join(data for _, data in pieces) == body
    due, last = pieces[-1]
    assert due == (len(body) - len(last)) * 2


async def test_a_body_in_tiny_pieces_without_a_wait_keeps_nobody_waiting(stage: House) -> None:
    client = stage.gateway()
    whole = await client.get("/v1/models")
    fault = {FAULT: "transport/slow-body;piece_bytes=1;piece_ms=0"}
    dripping = asyncio.create_task(client.call("GET", "/v1/models", headers=fault))
    assert await turns_until(dripping) > min(len(whole.raw), 20_000) / 40
    assert (await dripping).raw == whole.raw


async def test_a_flood_of_callbacks_keeps_nobody_waiting(stage: House, receiver: Receiver) -> None:
    admin, world, universe = stage.admin(), stage.stage.world, universe_of(stage.key)
    await admin.post("/faults", {"fault": "callback/flood", "with": {"copies": 400}})
    await stage.client().create(callbackUrl=receiver.url)
    due = world.store.peek(universe).first("event")[0]
    await world.forward(universe, due)
    claiming = asyncio.create_task(stage.stage.courier.make_due(universe))
    # The ticker claims its share at the same time.
    assert await turns_until(claiming) >= 400 / 50 / 2
    assert await stage.stage.courier.landed(universe, 30)
    assert {one["state"] for one in await admin.deliveries()} == {"delivered"}


@pytest.mark.parametrize("fault", ["transport/never-answers", "transport/latency;ms=60000"])
async def test_a_server_that_stops_answers_nothing_in_place_of_a_reply_that_waits(
    open_stage: OpenStage, fault: str
) -> None:
    stage = await open_stage()
    waiting = asyncio.create_task(
        stage.client().call("POST", "/v1/videos/generations", body=KLING, headers={FAULT: fault})
    )
    await stage.admin().get("/requests/wait?operation=create&timeout=30")
    await stage.stage.stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await asyncio.wait_for(waiting, 10)


async def test_a_rule_for_every_universe_holds_for_those_that_open_later(stage: House) -> None:
    every = stage.admin(universe="*")
    await stage.client().get("/v1/usage/logs")
    await stage.admin().post("/faults", {"fault": "transport/latency", "with": {"ms": 0}})
    (put,) = await every.post("/faults", {"fault": "http/status", "with": {"status": 503}})
    assert put["id"] == "rule_2"
    later = stage.client("sk_test_later")
    assert (await later.get("/v1/usage/logs")).status == 503
    its = stage.admin("sk_test_later")
    (rule,) = (await its.get("/faults"))["rules"]
    assert (rule["id"], rule["matched"]) == ("rule_2", 1)
    assert (await its.post("/faults", {"fault": "transport/latency", "with": {"ms": 0}}))["id"] == "rule_3"
    await every.ok("PUT", "/scenario", {"name": None})
    assert (await stage.client("sk_test_latest").get("/v1/usage/logs")).status == 503
    await every.ok("DELETE", "/faults/rule_2")
    assert [one["id"] for one in (await stage.admin().get("/faults"))["rules"]] == ["rule_1"]
    for key in (stage.key, "sk_test_later", "sk_test_latest", "sk_test_last"):
        assert (await stage.client(key).get("/v1/usage/logs")).status == 200


@pytest.mark.parametrize(("method", "path", "body"), [("DELETE", "/faults", None), ("POST", "/reset", {"what": "all"})])
async def test_rules_for_every_universe_end_for_every_universe(stage: House, method: str, path: str, body: Any) -> None:
    every = stage.admin(universe="*")
    assert await every.post("/faults", {"fault": "http/status", "with": {"status": 503}}) == []
    assert (await stage.client().get("/v1/usage/logs")).status == 503
    await every.ok(method, path, body)
    assert (await stage.client("sk_test_later").get("/v1/usage/logs")).status == 200


async def test_a_rule_that_cannot_be_set_everywhere_is_set_nowhere(stage: House) -> None:
    every, rule = stage.admin(universe="*"), {"fault": "http/status", "with": {"status": 503}}
    await stage.client("sk_test_another").get("/v1/usage/logs")
    for _ in range(200):
        await stage.admin().post("/faults", {"fault": "transport/latency", "with": {"ms": 0}})
    answer = await every.call("POST", "/faults", rule)
    assert (answer.status, answer["error"]["code"]) == (409, "too_many_rules")
    for key in ("sk_test_another", "sk_test_later"):
        assert (await stage.client(key).get("/v1/usage/logs")).status == 200


async def test_a_scenario_that_could_not_be_put_everywhere_is_none_for_universes_to_come(
    stage: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.client().get("/v1/usage/logs")

    async def broken(*_: Any) -> Any:
        raise RuntimeError("the store is gone")

    every, before = stage.admin(universe="*"), stage.stage.world.opening
    with monkeypatch.context() as patch:
        patch.setattr(stage.stage.world, "run", broken)
        assert (await every.call("PUT", "/scenario", {"name": "lost-create"})).status == 500
    assert stage.stage.world.opening == before


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"fault": "task/fail", "when": {"modle": "x"}}, ["when.modle", "did you mean model?", "operation", "from"]),
        ({"fault": "task/fail", "wiht": {}}, ["wiht", "did you mean with?", "fault, with, when"]),
        ({"fault": "task/fail", "with": 5}, ["with: Input should be a valid dictionary"]),
        ({"fault": "task/fail", "when": {"first": 0}}, ["when.first: Input should be greater than or equal to 1"]),
        ({"fault": "task/fail", "when": {"first": 1, "nth": 1}}, ["when.first: nth and first exclude each other"]),
        ([], ["the body: Input should be a valid dictionary"]),
    ],
)
async def test_a_mistake_in_a_rule_is_told_with_the_words_that_are_allowed_there(
    stage: House, body: Any, words: list[str]
) -> None:
    answer = await stage.admin().call("POST", "/faults", body)
    assert (answer.status, answer["error"]["code"]) == (400, "invalid_request")
    assert not [word for word in words if word not in answer["error"]["message"]], answer["error"]
    assert "with_" not in str(answer.body)


async def test_a_secret_among_a_fault_s_parameters_is_shown_nowhere(stage: House) -> None:
    client, admin = stage.client(), stage.admin("sk_test_somebody")
    secret = "whsec_c2VjcmV0LW9mLWFuLW9sZC1rZXktMTIzNA=="
    await admin.post("/faults", {"fault": "callback/old-secret", "with": {"secret": secret}})
    made = await client.create(callbackUrl="http://127.0.0.1:9/hook")
    await admin.advance(seconds=200)
    for path in ("/faults", f"/tasks/{made['taskId']}", "/deliveries", "/requests", "/requests.har"):
        assert secret not in (await admin.call("GET", path)).raw.decode()
    faults = (await admin.get(f"/tasks/{made['taskId']}"))["faults"]
    assert [(one["fault"], one["with"]) for one in faults] == [("callback/old-secret", {"secret": "…"})]
