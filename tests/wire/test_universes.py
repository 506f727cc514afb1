"""Universes over the admin API: a fresh one in one call, and copies of those whose state took long to build."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import OpenStage
from soundstage.core.universe import universe_of
from soundstage.providers import provider_ids
from support.client import Admin, Client, House
from support.receiver import Receiver
from support.revid_files import PNG, bare, revid
from wire.test_admin import refused

KEY = "sk_test_the_new_one"


async def fresh(stage: House, **how: Any) -> Any:
    return await stage.anybody().post("/universes", {"key": KEY, **how})


async def forked(stage: House, source: str, **how: Any) -> Any:
    return await stage.anybody().post(f"/universes/{source}/fork", how)


def kit(stage: House, opened: Any) -> tuple[Client, Admin]:
    return stage.client(opened["key"]), stage.admin(universe=opened["id"])


async def test_one_call_opens_a_universe_with_a_key_for_every_provider(stage: House) -> None:
    made = await fresh(stage, seed=3, clock="scaled", speed=500, balance="12.5")
    assert made.keys() == {"id", "key", "seed", "clock", "scenario", "providers"}
    assert (made["id"], made["key"], made["seed"], made["scenario"]) == (universe_of(KEY), KEY, 3, None)
    assert (made["clock"]["mode"], made["clock"]["speed"]) == ("scaled", 500)
    assert tuple(made["providers"]) == provider_ids()
    for name, provider in made["providers"].items():
        assert provider["base_url"] == f"{stage.url}/{name}"
        assert provider["base_url_variable"] == f"{name.upper()}_BASE_URL"
        assert provider["balance"] == "12.5"
        assert provider["webhook_secret"].startswith(("whsec_", "sec_"))
    keys = (await stage.admin(KEY).get("/keys"))["keys"]
    assert {key["id"] for key in keys} == {provider["key_id"] for provider in made["providers"].values()}
    assert all(key["registered"] for key in keys)
    await stage.admin(KEY).sound()


async def test_what_was_there_before_is_forgotten_with_its_journal(stage: House) -> None:
    client, admin = stage.client(KEY), stage.admin(KEY)
    await client.create()
    await admin.advance(seconds=30)
    assert (await fresh(stage))["clock"]["now"] == "2026-01-01T00:00:00.000Z"
    assert await admin.tasks() == []
    assert (await admin.get("/requests"))["requests"] == []
    first = (await client.create()).body
    await fresh(stage)
    assert (await client.create()).body == first


async def test_a_manual_clock_starts_where_it_is_told_to(stage: House) -> None:
    made = await fresh(stage, clock="manual", now="2027-03-04T05:06:07Z")
    assert made["clock"]["now"] == "2027-03-04T05:06:07.000Z"
    scaled = await fresh(stage, clock="scaled", now="2040-01-01")
    assert scaled["clock"]["now"].startswith("2040-01-01T00:00:0")
    past = await fresh(stage, clock="real", now="2001-01-01")
    assert (past["clock"]["now"][:10], past["clock"]["speed"]) == ("2001-01-01", 1)


async def test_a_universe_may_be_named_and_a_key_made_up(stage: House) -> None:
    made = await stage.anybody().post("/universes", {"universe": "mine", "callback_url": "http://127.0.0.1:9/hook"})
    assert made["id"] == "mine"
    assert made["key"].startswith("sk_test_")
    client, admin = kit(stage, made)
    task = await client.create()
    assert (await admin.get(f"/tasks/{task['taskId']}"))["callback_url"] == "http://127.0.0.1:9/hook"


async def test_a_key_works_under_strict_keys_and_with_one_provider_at_the_root(open_stage: OpenStage) -> None:
    stage = await open_stage(strict_keys=True, provider="midsync")
    made = await fresh(stage)
    assert made["providers"]["midsync"]["base_url"] == stage.url
    client = Client(stage.http, stage.url, KEY)
    assert (await client.create()).status == 200


async def test_a_key_whose_last_word_is_a_magic_one_still_has_its_magic(stage: House) -> None:
    made = await fresh(stage, key="sk_test_somebody_broke")
    assert made["providers"]["midsync"]["balance"] == "0"
    assert (await fresh(stage, key="sk_test_somebody_broke", balance=5))["providers"]["midsync"]["balance"] == "5"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"key": "x y"}, "invalid_key"),
        ({"universe": "directory"}, "invalid_universe"),
        ({"seed": -1}, "invalid_request"),
        ({"seed": "7"}, "invalid_request"),
        ({"clock": "manuel"}, "invalid_request"),
        ({"speed": 0}, "invalid_request"),
        ({"now": "yesterday"}, "invalid_request"),
        ({"balance": "much"}, "invalid_amount"),
        ({"balance": -1}, "invalid_amount"),
        ({"callback_url": "ftp://x"}, "invalid_callback_url"),
        ({"sede": 1}, "invalid_request"),
    ],
)
async def test_a_bad_opening_says_why_and_leaves_what_is_there(stage: House, body: Any, code: str) -> None:
    await stage.client(KEY).create()
    refused(await stage.anybody().call("POST", "/universes", {"key": KEY, **body}), 400, code)
    assert len(await stage.admin(KEY).tasks()) == 1


async def test_a_key_of_another_universe_is_not_taken_away(stage: House) -> None:
    await fresh(stage, universe="first")
    refused(await stage.anybody().call("POST", "/universes", {"key": KEY, "universe": "second"}), 409, "key_exists")
    assert (await fresh(stage, universe="first"))["id"] == "first"


async def seen(admin: Admin) -> Any:
    """Return what both sides of a fork must agree on."""
    wallets = (await admin.get("/ledger"))["wallets"]
    tasks = [(task["id"], task["state"], task["cost"]) for task in await admin.tasks()]
    return tasks, [(one["key_id"], one["available"], one["held"], one["spent"]) for one in wallets]


async def test_a_fork_goes_on_where_the_original_was_and_gives_the_same_results(stage: House) -> None:
    made = await fresh(stage, seed=11)
    client, admin = kit(stage, made)
    for _ in range(3):
        await client.create()
    await admin.advance(seconds=10)
    copy = await forked(stage, made["id"])
    assert copy["key"] != made["key"]
    assert copy["id"] == universe_of(copy["key"])
    assert (copy["seed"], copy["clock"], copy["scenario"]) == (11, await admin.get("/clock"), None)
    other, its = kit(stage, copy)
    assert (await other.create()).body == (await client.create()).body
    before = await seen(admin)
    assert await seen(its) == before
    await its.advance()
    assert await seen(admin) == before
    await admin.advance()
    assert await seen(its) == await seen(admin) != before
    for one in (admin, its):
        await one.sound()


async def test_the_key_of_a_fork_stands_for_the_same_account_and_secret(stage: House) -> None:
    made = await fresh(stage, balance=50)
    client, _ = kit(stage, made)
    await client.create()
    copy = await forked(stage, made["id"], key="sk_test_of_the_fork", universe="copy")
    assert (copy["id"], copy["key"]) == ("copy", "sk_test_of_the_fork")
    for name, provider in copy["providers"].items():
        assert provider["key_id"] == made["providers"][name]["key_id"]
        assert provider["webhook_secret"] == made["providers"][name]["webhook_secret"]
    assert copy["providers"]["midsync"]["balance"] == "15"
    rows = (await stage.anybody().get("/keys"))["keys"]
    assert {row["key"] for row in rows if row["universe"] == "copy"} == {"sk_test…fork"}
    key_id = copy["providers"]["midsync"]["key_id"]
    await stage.admin(universe="copy").ok("DELETE", f"/keys/{key_id}")
    assert (await stage.client("sk_test_of_the_fork").get("/v1/usage/logs")).status == 401
    assert (await client.get("/v1/usage/logs")).status == 200


async def test_a_universe_that_was_opened_by_its_key_can_be_forked(stage: House) -> None:
    """A provider nobody has called yet gets an account of its own in the copy."""
    await stage.client("sk_test_by_itself").create()
    copy = await forked(stage, universe_of("sk_test_by_itself"))
    assert copy["providers"]["midsync"]["balance"] == "965"
    assert copy["providers"]["apikeyorg"]["balance"] == "1000"


async def test_a_fork_s_new_key_begins_with_what_its_last_word_says(stage: House) -> None:
    await stage.client("sk_test_somebody").create()
    copy = await forked(stage, universe_of("sk_test_somebody"), key="sk_test_copy_broke")
    balances = {name: one["balance"] for name, one in copy["providers"].items()}
    assert balances.pop("midsync") != "0"
    assert set(balances.values()) == {"0"}


async def test_a_callback_that_awaits_an_attempt_stays_with_the_original(stage: House, receiver: Receiver) -> None:
    made = await fresh(stage, callback_url=receiver.url)
    client, admin = kit(stage, made)
    receiver.status = 503
    await client.create()
    await admin.advance(to="next-event")
    await admin.advance(to="next-event")
    assert (await admin.deliveries())[0]["state"] == "pending"
    await client.create(prompt="this one ends after the fork")
    copy = await forked(stage, made["id"])
    other, its = kit(stage, copy)
    (left,) = await its.deliveries()
    assert (left["state"], left["next_attempt_at"], len(left["attempts"])) == ("dropped", None, 2)
    receiver.status, before = 200, len(receiver.got)
    await its.advance()
    assert [one["state"] for one in await its.deliveries()] == ["delivered", "dropped"]
    assert len(receiver.got) == before + 1
    await its.post(f"/deliveries/{left['id']}/resend")
    await its.advance()
    assert [one["state"] for one in await its.deliveries()] == ["delivered", "delivered"]
    await admin.advance()
    assert [one["state"] for one in await admin.deliveries()] == ["delivered", "delivered"]
    assert (await other.get("/v1/usage/logs")).status == 200


async def test_a_fork_has_the_uploads_and_keeps_them_when_the_original_goes(stage: House) -> None:
    made = await fresh(stage)
    uploaded = await revid(stage, KEY).uploaded("image", PNG)
    copy = await forked(stage, made["id"])
    its = revid(stage, copy["key"])
    url = (await its.upload_status(uploaded["upload_id"]))["url"]
    assert url != uploaded["url"]
    await stage.admin(KEY).ok("POST", "/reset", {"what": "all"})
    assert (await bare(stage, "GET", url)).raw == PNG
    assert (await bare(stage, "GET", uploaded["url"])).status == 404


async def test_a_fork_begins_with_no_calls_and_replaces_what_was_there(stage: House) -> None:
    made = await fresh(stage)
    client, _ = kit(stage, made)
    await client.create()
    await stage.client("sk_test_copy_old").create(prompt="nobody will see this")
    for _ in range(2):
        copy = await forked(stage, made["id"], key="sk_test_copy_old")
        _, its = kit(stage, copy)
        assert len(await its.tasks()) == 1
        assert (await its.get("/requests"))["requests"] == []


@pytest.mark.parametrize(
    ("source", "body", "status", "code"),
    [
        ("none", {}, 404, "no_such_universe"),
        ("directory", {}, 400, "invalid_universe"),
        ("mine", {"universe": "mine"}, 409, "same_universe"),
        ("mine", {"key": KEY}, 409, "key_exists"),
        ("mine", {"key": "?"}, 400, "invalid_key"),
        ("mine", {"seed": 1}, 400, "invalid_request"),
    ],
)
async def test_a_bad_fork_says_why(stage: House, source: str, body: Any, status: int, code: str) -> None:
    await fresh(stage, universe="mine")
    refused(await stage.anybody().call("POST", f"/universes/{source}/fork", body), status, code)
    assert [row["id"] for row in (await stage.anybody().get("/universes"))["universes"]] == ["mine"]


async def test_a_universe_that_was_reset_cannot_be_forked_and_costs_no_key(stage: House) -> None:
    made = await fresh(stage, clock="scaled", speed=1)
    client, admin = kit(stage, made)
    await client.create()
    await admin.post("/reset", {"what": "all"})
    # What the ticker does when it wakes up for a task that is gone.
    await stage.stage.courier.make_due(made["id"])
    assert stage.stage.world.store.peek(made["id"]) is None
    answer = await stage.anybody().call("POST", f"/universes/{made['id']}/fork", {"key": "sk_test_a_fork"})
    refused(answer, 404, "no_such_universe")
    assert (await fresh(stage, key="sk_test_a_fork", universe="mine"))["id"] == "mine"


async def with_a_fork(stage: House) -> tuple[Any, Any, str]:
    """Return a universe, its fork and the id that the MidSync key has in both."""
    made = await fresh(stage)
    await stage.client(KEY).create()
    copy = await forked(stage, made["id"], key="sk_test_of_the_fork")
    return made, copy, copy["providers"]["midsync"]["key_id"]


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("staged", [False, True])
async def test_a_rule_is_aimed_at_the_key_of_a_fork_by_its_text(stage: House, *, listed: bool, staged: bool) -> None:
    _, copy, key_id = await with_a_fork(stage)
    key = ["sk_test_nobody", copy["key"]] if listed else copy["key"]
    rule = {"fault": "http/status", "with": {"status": 503}, "when": {"key": key}}
    its = stage.admin(universe=copy["id"])
    if staged:
        document = {"name": "mine", "description": "One key alone.", "faults": [rule]}
        await its.ok("PUT", "/scenario", document)
    else:
        assert key_id in (await its.post("/faults", rule))["when"]["key"]
    assert (await stage.client(copy["key"]).get("/v1/usage/logs")).status == 503
    assert (await stage.client(KEY).get("/v1/usage/logs")).status == 200


async def test_the_key_of_a_fork_can_be_registered_again(stage: House) -> None:
    made, copy, key_id = await with_a_fork(stage)
    told = await stage.anybody().call(
        "POST", "/keys", {"provider": "midsync", "key": copy["key"], "universe": copy["id"], "scopes": []}
    )
    assert (told.status, told["id"]) == (200, key_id)
    assert told["webhook_secret"] == made["providers"]["midsync"]["webhook_secret"]
    its = stage.admin(universe=copy["id"])
    assert len((await its.get("/keys"))["keys"]) == len(copy["providers"])
    assert (await stage.client(copy["key"]).get("/v1/usage/logs")).status == 403
    assert (await stage.client(KEY).get("/v1/usage/logs")).status == 200
    await its.sound()


@pytest.mark.parametrize("universe", [None, "*"])
async def test_a_key_of_two_universes_is_named_with_one_of_them(stage: House, universe: str | None) -> None:
    made, copy, key_id = await with_a_fork(stage)
    nobody = stage.anybody() if universe is None else stage.admin(universe=universe)
    for method, path, body in (("POST", "/top-up", {"amount": "5"}), ("GET", "/usage", None), ("DELETE", "", None)):
        answer = await nobody.call(method, f"/keys/{key_id}{path}", body)
        refused(answer, 409, "universe_needed")
        assert made["id"] in answer["error"]["message"]
        assert copy["id"] in answer["error"]["message"]
    its = stage.admin(universe=copy["id"])
    assert (await its.post(f"/keys/{key_id}/top-up", {"amount": "5"}))["universe"] == copy["id"]
    assert (await its.get(f"/keys/{key_id}/usage"))["universe"] == copy["id"]
    refused(await its.call("GET", "/keys/key_none/usage"), 404, "no_such_key")
