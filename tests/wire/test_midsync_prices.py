"""MidSync's points: documented prices, and quote = charge = what the balance loses (R-MID-060, 073, 074, 100..107)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from soundstage.resources import read_yaml, schema_root
from support.client import PROMPT, SEEDANCE, House


def rows() -> list[tuple[str, dict[str, Any], int]]:
    """Return every price row of the catalogue as (model, fields, points)."""
    found: list[tuple[str, dict[str, Any], int]] = []
    for model, given in read_yaml(schema_root() / "midsync" / "catalogue.yaml")["models"].items():
        price = given["price"]
        if price["kind"] == "matrix":
            found += [(model, row["when"], row["points"]) for row in price["rows"]]
            continue
        span = given["params"]["duration"]
        found += [
            (model, {"resolution": size, "duration": s}, base + (s - price["from_seconds"]) * price["per_second"])
            for size, base in price["base"].items()
            for s in range(span["minimum"], span["maximum"] + 1)
        ]
    return found


def body_of(model: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return a body that buys one row."""
    ratio = {"aspectRatio": "16:9"} if model == "runway" else {}
    return {"model": model, "prompt": PROMPT, **ratio, **fields}


async def test_r_mid_074_quote_is_the_charge_is_what_the_balance_loses_for_every_row(stage: House) -> None:
    """R-MID-074, R-MID-100, R-MID-133: points are taken at create."""
    admin, client = stage.admin("sk_test_rich"), stage.client("sk_test_rich")
    await admin.register(key="sk_test_rich", balance="100000")
    every = rows()
    assert len(every) == 18 + 2 + 3 + 50
    for model, fields, points in every:
        before = await admin.balance()
        quoted = await client.post("/unified-video/quote", body_of(model, fields))
        assert await admin.balance() == before
        made = await client.post("/unified-video/generate", body_of(model, fields))
        lost = before - await admin.balance()
        assert quoted["pointsCharged"] == made["pointsCharged"] == lost == points, (model, fields)
    await admin.sound()


async def test_r_mid_073_a_quote_creates_and_charges_nothing(stage: House) -> None:
    """R-MID-070..073: model, points, and nothing else happens."""
    client, admin = stage.client(), stage.admin()
    answer = await client.post("/unified-video/quote", {**SEEDANCE, "callbackUrl": "https://your-app.com/hook"})
    assert answer.body == {"success": True, "model": "seedance-1.5-pro", "pointsCharged": 20}
    assert (await admin.wallet())["held"] == 0
    assert await admin.balance() == 1000
    assert await admin.tasks() == []
    assert (await client.get("/v1/usage/logs"))["pagination"]["total"] == 0


@pytest.mark.parametrize(
    ("model", "fields", "points"),
    [
        ("seedance-1.5-pro", {"resolution": "720p", "duration": 8, "generateAudio": True}, 20),
        ("kling-2.5-turbo", {"duration": 5}, 35),
        ("kling-2.5-turbo", {"duration": 10}, 70),
        ("runway", {"duration": 5, "quality": "720p"}, 10),
        ("runway", {"duration": 5, "quality": "1080p"}, 25),
        ("runway", {"duration": 10, "quality": "720p"}, 25),
        ("grok-video", {"resolution": "480p", "duration": 6}, 9),
        ("grok-video", {"resolution": "480p", "duration": 30}, 57),
        ("grok-video", {"resolution": "720p", "duration": 6}, 17),
        ("grok-video", {"resolution": "720p", "duration": 30}, 65),
    ],
)
async def test_r_mid_060_101_105_107_documented_points(
    stage: House, model: str, fields: dict[str, Any], points: int
) -> None:
    answer = await stage.client().post("/unified-video/quote", body_of(model, fields))
    assert answer["pointsCharged"] == points
    assert type(answer["pointsCharged"]) is int  # R-MID-055


@pytest.mark.parametrize(("size", "base"), [("480p", 9), ("720p", 17)])
async def test_r_mid_107_the_whole_grok_formula(stage: House, size: str, base: int) -> None:
    client = stage.client()
    for seconds in range(6, 31):
        body = body_of("grok-video", {"resolution": size, "duration": seconds})
        assert (await client.post("/unified-video/quote", body))["pointsCharged"] == base + (seconds - 6) * 2


async def test_a_balance_too_small_creates_nothing_and_says_both_figures(stage: House) -> None:
    """R-MID-135 gap: 402."""
    admin, client = stage.admin("sk_test_poor1"), stage.client("sk_test_poor1")
    await admin.register(key="sk_test_poor1", balance="19.99")
    assert (await client.post("/unified-video/quote", SEEDANCE)).status == 200
    answer = await client.post("/unified-video/generate", SEEDANCE)
    assert (answer.status, answer["code"]) == (402, "insufficient_points")
    assert "20 points" in answer["error"]
    assert "19.99" in answer["error"]
    assert await admin.balance() == Decimal("19.99")
    assert await admin.tasks() == []


async def test_d5_a_failed_task_gives_its_points_back_once(stage: House) -> None:
    client, admin = stage.client(), stage.admin()
    task = (await client.create(SEEDANCE))["taskId"]
    assert await admin.balance() == 980
    await admin.post(f"/tasks/{task}/fail", {"reason": "no"})
    assert await admin.balance() == 1000
    assert (await admin.call("POST", f"/tasks/{task}/fail", {})).status == 409
    await admin.advance()
    assert await admin.wallet() == {"issued": 1000, "available": 1000, "held": 0, "spent": 0}
    await admin.sound()
