"""MidSync's usage views: the same rows as the ledger, in both dialects (R-MID-021, 022, 110..123)."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from conftest import OpenStage
from support.client import KLING, SEEDANCE, Client, House


async def all_rows(client: Client, **query: str) -> list[Any]:
    """Return every row, page by page, with exact decimals."""
    rows: list[Any] = []
    page = 1
    while True:
        got = (await client.get("/v1/usage/logs", page=str(page), limit="7", landing=False, **query)).exact
        rows += got["logs"]
        if len(rows) >= got["pagination"]["total"] or not got["logs"]:
            return rows
        page += 1


async def test_r_mid_111_115_rows_are_views_of_the_ledger(stage: House) -> None:
    """R-MID-111, 114, 115: a failed task's row stays, charged 0."""
    client, admin = stage.client(), stage.admin()
    await client.create(SEEDANCE)
    failed = (await client.create(KLING))["taskId"]
    await admin.advance(seconds=1)
    await client.create(KLING, duration=10)
    assert [row["pointsCharged"] for row in await all_rows(client)] == [70, 35, 20]
    await admin.post(f"/tasks/{failed}/fail")
    await admin.advance()
    rows = await all_rows(client)
    assert [row["pointsCharged"] for row in rows] == [70, 0, 20]
    assert rows[1]["creditsConsumed"] == 0
    assert {row["usage"] for row in rows} == {None}
    assert rows[0]["createdAt"] == "2026-01-01T00:00:01.000Z"
    wallet = await admin.wallet()
    summary = (await client.get("/v1/usage/summary")).exact
    assert summary["totalPointsCharged"] == wallet["spent"] + wallet["held"] == 90
    assert summary["byModel"] == [
        {"model": "kling-2.5-turbo", "requests": 2, "pointsCharged": 70},
        {"model": "seedance-1.5-pro", "requests": 1, "pointsCharged": 20},
    ]
    assert (summary["totalRequests"], summary["totalInputTokens"], summary["totalOutputTokens"]) == (3, 0, 0)


async def test_history_adds_up_with_summary_and_ledger(open_stage: OpenStage) -> None:
    """R-MID-112, 121, 122: --history rows bring their own issued credits."""
    house = await open_stage(history=60)
    client, admin = house.client(), house.admin()
    await client.create(SEEDANCE)
    rows = await all_rows(client)
    summary = (await client.get("/v1/usage/summary", groupBy="model")).exact
    wallet = await admin.wallet()
    assert len(rows) == 61 == summary["totalRequests"]
    charged = sum((row["pointsCharged"] for row in rows), Decimal(0))
    assert charged == summary["totalPointsCharged"] == wallet["spent"] + wallet["held"]
    assert charged == sum(one["pointsCharged"] for one in summary["byModel"])
    assert Counter(row["model"] for row in rows) == {one["model"]: one["requests"] for one in summary["byModel"]}
    tokens = [row["usage"] for row in rows if row["usage"] is not None]
    assert tokens
    assert all(one["totalTokens"] == one["inputTokens"] + one["outputTokens"] for one in tokens)
    assert summary["totalInputTokens"] == sum(one["inputTokens"] for one in tokens)
    assert summary["totalOutputTokens"] == sum(one["outputTokens"] for one in tokens)
    assert wallet["available"] == 980
    assert [row["createdAt"] for row in rows] == sorted((row["createdAt"] for row in rows), reverse=True)
    await admin.sound()


async def test_r_mid_113_pages_partition_the_rows(open_stage: OpenStage) -> None:
    """R-MID-110, 113, 116: no row twice, none missing, a page past the end is empty."""
    client = (await open_stage(history=45)).client()
    whole = (await client.get("/v1/usage/logs", limit="100"))["logs"]
    for limit in (1, 7, 20, 45):
        pages = -(-45 // limit)
        got = [(await client.get("/v1/usage/logs", page=str(p), limit=str(limit))).body for p in range(1, pages + 2)]
        assert [row["id"] for page in got for row in page["logs"]] == [row["id"] for row in whole]
        assert got[-1]["logs"] == []
        assert got[0]["pagination"] == {"page": 1, "limit": limit, "total": 45}
    first = await client.get("/v1/usage/logs")
    assert first["pagination"] == {"page": 1, "limit": 20, "total": 45}
    assert len({row["id"] for row in whole}) == 45


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"page": "0"}, "page"),
        ({"page": "x"}, "page"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "1.5"}, "limit"),
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-13-01"}, "to"),
        ({"start_date": "01/02/2026"}, "start_date"),
        ({"end_date": "2026-02-30"}, "end_date"),
    ],
)
async def test_r_mid_116_limits_of_the_query(stage: House, query: dict[str, str], named: str) -> None:
    answer = await stage.client().call("GET", "/v1/usage/logs", query=query)
    assert (answer.status, answer["code"]) == (400, "invalid_request")
    assert named in answer["error"]


async def test_r_mid_110_120_filters(open_stage: OpenStage) -> None:
    """R-MID-110, R-MID-120: model, from and to cut the same rows in logs and summary."""
    client = (await open_stage(history=50)).client()
    rows = await all_rows(client)
    model = rows[0]["model"]
    assert [row["id"] for row in await all_rows(client, model=model)] == [
        row["id"] for row in rows if row["model"] == model
    ]
    middle = rows[25]["createdAt"]
    late, early = await all_rows(client, from_=middle), await all_rows(client, to=middle)
    assert [row["id"] for row in late] == [row["id"] for row in rows[:26]]
    assert [row["id"] for row in early] == [row["id"] for row in rows[25:]]
    summary = (await client.get("/v1/usage/summary", from_=middle)).exact
    assert summary["totalRequests"] == 26
    assert summary["totalPointsCharged"] == sum((row["pointsCharged"] for row in late), Decimal(0))
    day = middle[:10]
    assert [row["id"] for row in await all_rows(client, from_=day, to=day)] == [
        row["id"] for row in rows if row["createdAt"].startswith(day)
    ]
    assert await all_rows(client, from_="2026-01-02", to="2025-01-01") == []
    assert await all_rows(client, model="nothing") == []


async def test_r_mid_117_118_landing_logs(open_stage: OpenStage) -> None:
    house = await open_stage(history=30)
    client = house.client()
    await client.create(KLING)
    landing = (await client.get("/v1/usage/logs", landing=True)).exact["logs"]
    rows = await all_rows(client)
    assert len(landing) == len(rows) == 31
    assert landing[0] == {
        "timestamp": "2026-01-01T00:00:00Z", "model": "Kling 2.5 Turbo", "duration_seconds": 5, "points_consumed": 35,
    }  # fmt: skip
    assert [one["points_consumed"] for one in landing] == [row["pointsCharged"] for row in rows]
    dated = (await client.get("/v1/usage/logs", start_date="2026-01-01", end_date="2026-01-01"))["logs"]
    assert len(dated) == 1


async def test_r_mid_123_landing_summary(open_stage: OpenStage) -> None:
    house = await open_stage(history=30)
    client = house.client()
    await client.create(KLING)
    landing = (await client.get("/v1/usage/summary", landing=True)).exact
    summary = (await client.get("/v1/usage/summary")).exact
    rows = (await client.get("/v1/usage/logs", landing=True)).exact["logs"]
    assert landing["total_points_consumed"] == summary["totalPointsCharged"]
    assert landing["total_duration_seconds"] == sum(row["duration_seconds"] for row in rows)
    assert sum(landing["breakdown_by_model"].values()) == landing["total_points_consumed"]
    assert landing["breakdown_by_model"]["Kling 2.5 Turbo"] >= 35


async def test_landing_logs_stop_at_a_thousand_rows(open_stage: OpenStage) -> None:
    client = (await open_stage(history=1100)).client()
    assert len((await client.get("/v1/usage/logs", landing=True))["logs"]) == 1000


async def test_a_stranger_sees_none_of_it(stage: House) -> None:
    await stage.client().create()
    assert (await stage.client("sk_test_stranger").get("/v1/usage/logs"))["logs"] == []
