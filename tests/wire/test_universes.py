"""Universes over the admin API: a fresh one in one call, and copies of those whose state took long to build."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from conftest import OpenStage
from soundstage.core.universe import universe_of
from support.client import KLING, Admin, Client, House
from support.receiver import Receiver
from support.revid_files import PNG, bare, revid
from wire.test_admin import refused

KEY = "sk_test_the_new_one"
OpenReceiver = Callable[[], Awaitable[Receiver]]


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
    assert sorted(made["providers"]) == ["apikeyorg", "midsync", "revidapi", "v2gateway"]
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
    assert (await client.create())["taskId"] == (await again(stage))["taskId"]


async def again(stage: House) -> Any:
    await fresh(stage)
    return (await stage.client(KEY).create()).body


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
    refused(
        await stage.anybody().call("POST", "/universes", {"key": KEY, "universe": "second"}), 409, "key_exists"
    )
    assert (await fresh(stage, universe="first"))["id"] == "first"


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
    assert [(await one.create()).raw for one in (other, client)].count((await last(admin)).encode()) == 0
    ids = [[task["id"] for task in await one.tasks()] for one in (admin, its)]
    assert ids[0] == ids[1]
    await its.advance()
    assert {task["state"] for task in await its.tasks()} != {task["state"] for task in await admin.tasks()}
    await admin.advance()
    assert await states(its) == await states(admin)
    assert await its.balance_of("midsync") == await admin.balance_of("midsync")
    for one in (admin, its):
        await one.sound()
