"""RevidAPI's sums by model and day, their export, and what a tenant's owner sees (R-REV-025, 026, 208, 210)."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest

from support.client import House
from support.revid_books import ADA, ask, every, users, view
from support.revid_files import revid

TENANT = ("users", "subs", "revenue")


async def test_r_rev_208_stats_are_sums_of_the_ledger_by_model_and_day(stage: House) -> None:
    client, admin = revid(stage), stage.admin()
    await client.image()
    await admin.advance(seconds=86_400)
    await client.video()
    failed = await client.image()
    await admin.post(f"/tasks/{failed}/fail")
    await admin.advance()
    stats, wallet = await view(client, "stats"), await admin.wallet()
    assert stats["total_credits"] == wallet["spent"] == 45
    assert stats["by_model"] == [
        {"model": "nano-banana-pro", "jobs": 2, "credits": 30},
        {"model": "kling-2.6", "jobs": 1, "credits": 15},
    ]
    assert stats["by_day"] == [
        {"date": "2026-01-01", "jobs": 1, "credits": 30},
        {"date": "2026-01-02", "jobs": 2, "credits": 15},
    ]
    assert await view(client, "stats", from_="2026-01-02") == await view(client, "stats", from_="2026-01-01T00:00:01Z")
    assert (await view(client, "stats", to="2026-01-01"))["total_jobs"] == 1
    assert (await view(client, "stats", from_="2026-01-01", to="2026-01-02"))["total_jobs"] == 3
    assert (await view(client, "stats", to="2026-01-02T00:00:00+00:00"))["total_jobs"] == 3
    empty = {"total_jobs": 0, "total_credits": 0, "by_model": [], "by_day": []}
    assert await view(client, "stats", from_="2026-01-02", to="2026-01-01") == empty


async def test_r_rev_025_208_the_export_has_the_same_sums(stage: House) -> None:
    client, admin = revid(stage), stage.admin()
    for _ in range(2):
        await client.image()
        await client.video()
        await admin.advance(seconds=86_400)
    answer = await client.get("/v1/dashboard/stats/export")
    assert answer.headers["Content-Type"].startswith("text/csv")
    text = answer.raw.decode()
    assert text.startswith("date,model,jobs,credits\r\n")
    assert text.count("\n") == text.count("\r\n") == 5
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["date"] for row in rows] == ["2026-01-01"] * 2 + ["2026-01-02"] * 2
    stats = await view(client, "stats")
    assert sum(int(row["jobs"]) for row in rows) == stats["total_jobs"] == 4
    assert sum(Decimal(row["credits"]) for row in rows) == stats["total_credits"] == 90
    late = await client.get("/v1/dashboard/stats/export", from_="2027-01-01")
    assert late.raw == b"date,model,jobs,credits\r\n"


@pytest.mark.parametrize(
    "text", ["x", "2026", "20260101", "2026-13-01", "2026-01-01 10:00", "2026-01-01T", "", "2026-W01-1"]
)
async def test_r_rev_220_a_date_that_is_none_is_refused(stage: House, text: str) -> None:
    client = revid(stage)
    for name in ("stats", "stats/export"):
        for end in ("from_", "to"):
            assert (await ask(client, name, **{end: text})).status == 400


async def test_r_rev_026_210_only_the_tenant_s_owner_sees_the_tenant(stage: House) -> None:
    ada, *others = await users(stage)
    for name in TENANT:
        assert (await ada.get(f"/v1/dashboard/tenant/{name}")).status == 200
        for client in (*others, revid(stage, "sk_test_stranger")):
            answer = await client.get(f"/v1/dashboard/tenant/{name}")
            assert (answer.status, answer.body.keys()) == (403, {"detail"})


async def test_r_rev_026_the_tenant_s_sums_are_those_of_the_ledger(stage: House) -> None:
    ada, too, budget, alone = await users(stage)
    admin = stage.admin(universe="tenant")
    await admin.register("revidapi", key="sk_live_bobs_own_key", user="bob", balance="60", plan="business")
    for client in (ada, too, budget, alone):
        await client.image()
    failed = await ada.image()
    await admin.post(f"/tasks/{failed}/fail")
    await admin.advance()
    rows = await every(ada, "tenant/users", "users")
    by_user = {row["user_id"]: row for row in rows}
    assert len(rows) == len(by_user) == 3
    assert (by_user["ada"]["balance"], by_user["ada"]["total_jobs"], by_user["ada"]["total_credits"]) == (340, 4, 90)
    assert (by_user["bob"]["balance"], by_user["bob"]["plan"], by_user["bob"]["total_jobs"]) == (60, "business", 0)
    subs = await every(ada, "tenant/subs", "subs")
    assert [(sub["user_id"], sub["plan"], sub["type"], sub["status"]) for sub in subs] == [
        ("bob", "business", "credit", "active")
    ]
    revenue = await view(ada, "tenant/revenue")
    wallets = (await admin.get("/ledger"))["wallets"]
    assert revenue == {
        "currency": "credits",
        "users": 3,
        "total_topups": sum(Decimal(one["issued"]) for one in wallets),
        "total_spent": sum(Decimal(one["spent"]) + Decimal(one["held"]) for one in wallets),
        "total_refunded": 30,
    }
    assert (revenue["total_topups"], revenue["total_spent"]) == (Decimal("630.5"), 120)
    await admin.sound()


async def test_hundreds_of_jobs_are_summed_exactly(stage: House) -> None:
    await stage.admin(ADA).register("revidapi", key=ADA, balance="100000")
    client = revid(stage, ADA)
    for _ in range(100):
        for _ in range(3):
            await client.image()
        await stage.admin(ADA).advance(seconds=3600)
    stats = await view(client, "stats")
    assert (stats["total_jobs"], stats["total_credits"]) == (300, 9000)
    assert len(stats["by_day"]) == 5
    assert (await view(client, "credits"))["transactions"][0]["balance_after"] == 91_000
