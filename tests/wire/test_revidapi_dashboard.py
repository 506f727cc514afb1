"""RevidAPI's balance, jobs and log of credits: views of one ledger for every type of key (R-REV-004, 025, 105, 203)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from conftest import OpenStage
from support.client import House
from support.revid_books import ask, balance, every, log_adds_up, users, view
from support.revid_files import revid

VIEWS = ("me", "jobs", "stats", "stats/export", "credits")


async def test_r_rev_027_203_208_what_a_key_shows_of_itself(stage: House) -> None:
    client = revid(stage, "sk_live_abcdefghijklmnopqrstuvwx")
    told = (await client.get("/v1/balance")).body
    assert told == {"balance": 1000, "currency": "credits", "key_prefix": "sk_live_abcdefg...", "organization": None}
    assert await view(client, "me") == {
        "key_prefix": "sk_live_abcdefg...",
        "key_type": "shared",
        "role": "user",
        "balance": 1000,
        "currency": "credits",
        "plan": "default",
        "created_at": "2026-01-01T00:00:00.000Z",
    }


@pytest.mark.parametrize("key", ["sk_a_b_c", "sk_test_somebody", "s" * 200])
async def test_r_rev_005_203_a_key_is_never_shown_whole(stage: House, key: str) -> None:
    shown = (await revid(stage, key).get("/v1/balance"))["key_prefix"]
    assert shown.endswith("...")
    assert key.startswith(shown[:-3])
    assert len(shown[:-3]) <= min(15, len(key) // 2)


async def test_r_rev_004_208_every_type_of_key_shows_the_balance_it_spends(stage: House) -> None:
    """R-REV-004, A-REV-38, 39: a budget leaves the user's balance when its key is made."""
    ada, too, budget, alone = await users(stage)
    assert [await balance(one) for one in (ada, too, budget, alone)] == [400, 400, 100, Decimal("70.5")]
    for client in (ada, too, budget, alone):
        await client.image()
    assert [await balance(one) for one in (ada, too, budget, alone)] == [340, 340, 70, Decimal("40.5")]
    shown = [await view(one, "me") for one in (ada, too, budget, alone)]
    assert [one["key_type"] for one in shown] == ["shared", "shared", "budgeted", "standalone"]
    assert [one["plan"] for one in shown] == ["default", "default", "starter", "default"]
    assert [one["role"] for one in shown] == ["tenant_owner", "user", "user", "user"]
    assert shown[0]["created_at"] == "2026-01-01T00:00:00.000Z"
    logs = [await log_adds_up(one) for one in (ada, too, budget, alone)]
    assert logs[0] == logs[1]
    assert [row["type"] for row in logs[0]] == ["topup", "deduct", "deduct", "deduct"]
    assert sorted(row["amount"] for row in logs[0]) == [30, 30, 100, 500]
    assert [(row["type"], row["amount"]) for row in logs[2]] == [("topup", 100), ("deduct", 30)]
    await stage.admin(universe="tenant").sound()


async def test_r_rev_208_jobs_are_the_account_s_and_the_newest_first(stage: House) -> None:
    ada, too, budget, alone = await users(stage)
    made = [await one.image() for one in (ada, too, budget)]
    await stage.admin(universe="tenant").advance()
    made.append(await ada.video())
    for client in (ada, too, budget):
        rows = await every(client, "jobs", "jobs")
        assert [row["job_id"] for row in rows] == made[::-1]
    assert await every(alone, "jobs", "jobs") == []
    assert await every(revid(stage, "sk_test_stranger"), "jobs", "jobs") == []
    for row in await every(ada, "jobs", "jobs"):
        assert (await ada.get(f"/v1/jobs/{row['job_id']}")).exact == row


async def test_r_rev_208_jobs_by_status_model_and_type(stage: House) -> None:
    client, admin = revid(stage), stage.admin()
    image, failed, cancelled = await client.image(), await client.image(), await client.image()
    await admin.post(f"/tasks/{failed}/fail")
    await client.post(f"/v1/jobs/{cancelled}/cancel", {})
    await admin.advance()
    video = await client.video()

    async def ids(**query: str) -> list[str]:
        return [row["job_id"] for row in await every(client, "jobs", "jobs", **query)]

    assert await ids() == [video, cancelled, failed, image]
    assert await ids(status="completed") == [image]
    assert await ids(status="failed") == [failed]
    assert await ids(status="cancelled") == [cancelled]
    assert await ids(status="pending", type="video") == [video]
    assert await ids(status="processing") == []
    assert await ids(type="image", model="nano-banana-pro") == [cancelled, failed, image]
    assert await ids(type="image", model="kling-2.6") == await ids(model="nobody-knows") == []
    assert (await view(client, "jobs", page="9"))["jobs"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"page": "0"},
        {"page": "x"},
        {"page": "1.5"},
        {"page": "1000001"},
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "-1"},
        {"status": "done"},
        {"type": "audio"},
        {"model": ""},
    ],
)
async def test_r_rev_220_a_filter_that_means_nothing_is_refused(stage: House, query: dict[str, str]) -> None:
    client = revid(stage)
    assert (await ask(client, "jobs", **query)).status == 400
    if query.keys() <= {"page", "limit"}:
        assert (await ask(client, "credits", **query)).status == 400


async def test_r_rev_105_208_a_failed_job_is_deducted_and_given_back_once(stage: House) -> None:
    client, admin = revid(stage), stage.admin()
    job = await client.image()
    await admin.post(f"/tasks/{job}/fail")
    await admin.advance()
    await admin.advance(seconds=5)
    rows = await log_adds_up(client)
    assert [(row["type"], row["amount"], row["balance_after"], row["job_id"], row["reason"]) for row in rows] == [
        ("topup", 1000, 1000, None, "Starting balance"),
        ("deduct", 30, 970, job, "nano-banana-pro"),
        ("refund", 30, 1000, job, "Job failed - automatic refund"),
    ]
    assert (await view(client, "stats"))["total_credits"] == 0


async def test_the_log_adds_up_through_everything_that_moves_credits(stage: House) -> None:
    """Top-ups, credits taken away, jobs that wait, fail, are cancelled or succeed, several at one instant."""
    client, admin = revid(stage), stage.admin()
    key_id = (await admin.get("/keys"))["keys"]
    for step in range(6):
        jobs = [await client.image(), await client.image(), await client.video()]
        if not key_id:
            key_id = (await admin.get("/keys"))["keys"]
        await admin.post(f"/tasks/{jobs[0]}/fail")
        await admin.post(f"/keys/{key_id[0]['id']}/top-up", {"amount": "12.25" if step % 2 else "-7"})
        await client.post(f"/v1/jobs/{jobs[1]}/cancel", {})
        await log_adds_up(client)
        await admin.advance(**({"seconds": 7} if step % 3 else {"until": "idle"}))
        await log_adds_up(client)
    wallet = await admin.wallet()
    stats = await view(client, "stats")
    assert stats["total_credits"] == wallet["spent"] + wallet["held"]
    assert stats["total_jobs"] == len(await admin.tasks()) == 18
    await admin.sound()


async def test_another_provider_s_tasks_are_none_of_its_own(stage: House) -> None:
    await stage.client().create()
    await stage.gateway().task("image")
    client = revid(stage)
    await client.image()
    assert len(await every(client, "jobs", "jobs")) == 1
    assert (await view(client, "stats"))["total_credits"] == 30
    assert len(await log_adds_up(client)) == 2


async def test_what_was_evicted_stays_in_the_log(open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch) -> None:
    from soundstage.core import task

    monkeypatch.setattr(task, "MOST_TASKS", 4)
    house = await open_stage()
    client, admin = revid(house), house.admin()
    for _ in range(8):
        await client.image()
        await admin.advance()
    rows = await log_adds_up(client)
    assert len(await admin.tasks()) < 8
    assert sum(row["amount"] for row in rows if row["type"] == "deduct") == 240


@pytest.mark.parametrize("name", VIEWS)
async def test_r_rev_002_the_dashboard_needs_a_key(stage: House, name: str) -> None:
    client = revid(stage)
    client.key = None
    assert (await client.get(f"/v1/dashboard/{name}")).status == 401
