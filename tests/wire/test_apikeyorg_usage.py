"""What a key has used, by model, adds up with the ledger (R-KEY-004)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from support.client import Admin, House

ONE, TWO = "sk_test_one", "sk_test_two"
HELD = {"reserve": 1, "release": -1, "refund": -1}


async def used(admin: Admin, key_id: str) -> Any:
    """Return what a key has used, whose parts must add up to its whole."""
    found = await admin.get(f"/keys/{key_id}/usage")
    models = found["models"].values()
    assert sum(one["calls"] for one in models) == found["calls"]
    assert sum(Decimal(one["charged"]) for one in models) == Decimal(found["charged"])
    return found


async def agreed(admin: Admin, key_id: str) -> Decimal:
    """Return a key's charge, on which usage, wallet and ledger must agree."""
    ledger = await admin.get("/ledger")
    (wallet,) = [one for one in ledger["wallets"] if one["key_id"] == key_id]
    moved = [one for one in ledger["entries"] if one["key_id"] == key_id]
    charged = Decimal((await used(admin, key_id))["charged"])
    assert charged == Decimal(wallet["held"]) + Decimal(wallet["spent"])
    assert charged == Decimal(wallet["issued"]) - Decimal(wallet["available"])
    assert charged == sum(HELD.get(one["kind"], 0) * Decimal(one["amount"]) for one in moved)
    await admin.sound()
    return charged


async def test_r_key_004_usage_adds_up_with_the_ledger_at_every_step(stage: House) -> None:
    admin, client = stage.admin(ONE), stage.gateway(ONE)
    key_id = (await admin.register("apikeyorg", key=ONE, balance="5000"))["id"]
    assert await used(admin, key_id) == {
        "id": key_id, "universe": (await admin.get("/universes"))["universes"][0]["id"], "calls": 0, "charged": "0",
        "models": {},
    }  # fmt: skip
    video = await client.task("video")
    assert await agreed(admin, key_id) == 200
    image = await client.task("image", n=3, resolution="2k")
    music = await client.task("music", duration=61)
    assert await agreed(admin, key_id) == 200 + 30 + 30
    chat = await client.chat("Name three uses of a paper boat.")
    embedded = await client.embed(["a paper boat", "a lake"])
    tokens = {"gpt-5-mini": chat["usage"]["total_tokens"], "text-embedding-3-small": embedded["usage"]["total_tokens"]}
    cost = Decimal(chat["usage"]["prompt_tokens"]) * Decimal("0.0001")
    cost += Decimal(chat["usage"]["completion_tokens"]) * Decimal("0.0008")
    cost += Decimal(embedded["usage"]["prompt_tokens"]) * Decimal("0.00001")
    assert await agreed(admin, key_id) == 260 + cost
    await admin.post(f"/tasks/{image['id']}/fail")
    assert await agreed(admin, key_id) == 230 + cost
    await admin.advance()
    made = (await client.poll(video["id"]))["duration"]
    assert await agreed(admin, key_id) == made * 20 + 30 + cost
    found = await used(admin, key_id)
    assert found["calls"] == 5
    assert found["models"]["seedream-4"] == {"calls": 1, "charged": "0", "tokens": 0}
    assert found["models"]["seedance-2"] == {"calls": 1, "charged": str(made * 20), "tokens": 0}
    assert {name: found["models"][name]["tokens"] for name in tokens} == tokens
    assert (await client.poll(music["id"]))["credits"]["charged"] == 30


async def test_keys_of_one_universe_are_counted_apart(stage: House) -> None:
    admin = stage.admin(universe="u_shared")
    ids = [(await admin.register("apikeyorg", key=key, universe="u_shared"))["id"] for key in (ONE, TWO)]
    await stage.gateway(ONE).task("image")
    for _ in range(2):
        await stage.gateway(TWO).task("music", model="lyria-3", duration=30)
    assert [await agreed(admin, key_id) for key_id in ids] == [6, 16]
    assert [list((await used(admin, key_id))["models"]) for key_id in ids] == [["seedream-4"], ["lyria-3"]]


async def test_refused_calls_are_no_usage(stage: House) -> None:
    admin, client = stage.admin(ONE), stage.gateway(ONE)
    key_id = (await admin.register("apikeyorg", key=ONE, balance="5"))["id"]
    assert (await client.post("/v1/images/generations", {"model": "seedream-4", "prompt": "x"})).status == 402
    assert (await client.post("/v1/images/generations", {"model": "seedream-4"})).status == 400
    assert (await client.post("/v1/credits/estimate", {"model": "seedream-4"})).status == 200
    assert (await used(admin, key_id))["calls"] == 0
    assert await agreed(admin, key_id) == 0


async def test_a_key_there_is_none_of_has_no_usage(stage: House) -> None:
    refused = await stage.anybody().call("GET", "/keys/key_none/usage")
    assert (refused.status, refused["error"]["code"]) == (404, "no_such_key")
