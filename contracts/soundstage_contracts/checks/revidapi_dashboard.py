"""RevidAPI's dashboard: the key, its jobs, their sums and the log of credits, all views of the same money."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from soundstage_contracts.adapters.base import Account
from soundstage_contracts.checks.revidapi_requests import ONLY, job, made, roomy
from soundstage_contracts.drivers.base import amount
from soundstage_contracts.exchange import Request
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import expect

_BODIES = "no document shows what the dashboard's replies look like"
_JOBS, _STATS, _CREDITS = "/v1/dashboard/jobs", "/v1/dashboard/stats", "/v1/dashboard/credits"
_DAY = 86_400
_MADE = (("image-4.0",), ("image-4.0", "veo3.1-fast"), ("imagen-4",))


def _all(stage: Stage, account: Account, path: str, rows: str, **query: Any) -> list[dict[str, Any]]:
    """Return all rows of a list, read in pages of three; expects that no page overlaps another."""
    found: list[dict[str, Any]] = []
    for page in range(1, 50):
        body = stage.answered(Request.get(path, {**query, "page": page, "limit": 3}), account).object()
        told = body["pagination"]
        expect((told["page"], told["limit"]) == (page, 3), f"page {page} with 3 rows is told as {told}")
        found += body[rows]
        expect(
            len(body[rows]) == max(0, min(3, told["total"] - 3 * (page - 1))), f"page {page} has {len(body[rows])} rows"
        )
        if len(found) >= told["total"]:
            break
    expect(len(found) == told["total"], f"{told['total']} rows are promised, and {len(found)} came")
    return found


def _busy(stage: Stage) -> tuple[Account, list[str]]:
    """Return an account with jobs of all states, and their ids, the oldest first."""
    account = roomy(stage)
    ids = []
    for model, end in (
        ("image-4.0", "completed"),
        ("veo3.1-fast", "failed"),
        ("image-4.0", "cancelled"),
        ("motion-control-3.0", "processing"),
        ("seedance-2.0-fast", "pending"),
        ("image-4.0", "pending"),
        ("veo3.1-low", "pending"),
    ):
        created = made(stage, job(model), account)
        ids.append(created.id)
        if end == "completed":
            stage.step(account)
        elif end == "failed":
            stage.adapter.fail(account, created.id)
        elif end == "cancelled":
            stage.answered(stage.driver.cancel(created.id), account)
        elif end == "processing":
            stage.pass_seconds(20, account)
    return account, ids


@promise("USAGE-201", {ONLY: "R-REV-004 R-REV-025 R-REV-208"}, assumed={ONLY: _BODIES})
def me_tells_of_the_key(stage: Stage) -> None:
    """GET /dashboard/me and GET /balance show how the key begins and never all of it, its type, role and plan."""
    user = stage.account(balance=Decimal(50))
    owner = stage.account(beside=user, role="tenant_owner", plan="business", kind="standalone")
    right = {user: ("shared", "user", "default"), owner: ("standalone", "tenant_owner", "business")}
    for account, words in ((one, right[one]) for one in (user, owner)):
        body = stage.answered(Request.get("/v1/dashboard/me"), account).object()
        told = (body["key_type"], body["role"], body["plan"])
        expect(told == words, f"the key should be {words}, and is told as {told}")
        expect(body["balance"] == account.balance, f"the balance should be {account.balance}, not {body['balance']}")
        short = stage.answered(Request.get("/v1/balance"), account).object()
        expect(short["key_prefix"] == body["key_prefix"], "two endpoints show two beginnings of the key")
        start = body["key_prefix"].removesuffix("...")
        expect(account.key.startswith(start) and 8 <= len(start) <= 15, f"the key is shown as {body['key_prefix']!r}")
        task = stage.start(account)
        made_at = stage.poll_reply(task).field("created_at")
        expect(body["created_at"] == made_at, f"the key was made at {made_at}, and says {body['created_at']}")


@promise("USAGE-202", {ONLY: "R-REV-025 R-REV-208"}, assumed={ONLY: _BODIES})
def listed_jobs_are_the_jobs(stage: Stage) -> None:
    """GET /dashboard/jobs lists every job of the account, the newest first, as its look-up shows it, and no other's."""
    account, ids = _busy(stage)
    stranger = stage.account(beside=account)
    made(stage, job("image-4.0"), stranger)
    rows = stage.answered(Request.get(_JOBS), account).object()
    expect(rows["pagination"] == {"page": 1, "limit": 20, "total": len(ids)}, f"pagination is {rows['pagination']}")
    listed = [row["job_id"] for row in rows["jobs"]]
    expect(listed == ids[::-1], f"the jobs are listed as {listed}, and were made as {ids}")
    for row in rows["jobs"]:
        alone = stage.answered(Request.get(f"/v1/jobs/{row['job_id']}"), account).object()
        expect(alone == row, f"the list shows {row}, the look-up {alone}")
    states = {row["status"] for row in rows["jobs"]}
    expect(states == stage.driver.life.states, f"the jobs are {states}")


@promise("PAGE-201", {ONLY: "R-REV-208"}, assumed={ONLY: _BODIES}, each=("jobs", "credits"))
def pages_part_the_list(stage: Stage, which: str) -> None:
    """The pages of a list are its parts: together the whole, in order, no row twice; a page past the end is empty."""
    account, _ = _busy(stage)
    path, rows = {"jobs": (_JOBS, "jobs"), "credits": (_CREDITS, "transactions")}[which]
    whole = stage.answered(Request.get(path, {"limit": 100}), account).field(rows)
    expect(len(whole) >= 7, f"{len(whole)} rows are listed where there should be seven or more")
    expect(_all(stage, account, path, rows) == whole, "the pages are not the parts of the whole")
    past = stage.answered(Request.get(path, {"page": 50}), account).object()
    expect(past[rows] == [] and past["pagination"]["total"] == len(whole), f"page 50 has {past}")
    for query in ({"page": 0}, {"page": -1}, {"page": "x"}, {"limit": 0}, {"limit": 101}, {"limit": "1.5"}):
        stage.refused(Request.get(path, query), "invalid", account)


_FILTERS = (
    *(f"status={word}" for word in ("pending", "processing", "completed", "failed", "cancelled")),
    *(f"type={word}" for word in ("image", "video", "motion-control", "kol-ai")),
    *("model=image-4.0", "model=none", "status=pending&type=image", "status=failed&model=image-4.0"),
)


@promise("PAGE-202", {ONLY: "R-REV-208"}, assumed={ONLY: _BODIES}, each=_FILTERS)
def job_filters_filter(stage: Stage, case: str) -> None:
    """The filters status, type and model of the job list leave the jobs they name and no other, alone and together."""
    account, ids = _busy(stage)
    wanted = dict(one.split("=") for one in case.split("&"))
    whole = stage.answered(Request.get(_JOBS), account).field("jobs")
    right = [row for row in whole if all(row[name] == value for name, value in wanted.items())]
    few = _all(stage, account, _JOBS, "jobs", **wanted)
    expect(few == right, f"{case} leaves {len(few)} of {len(ids)} jobs, and {len(right)} are of it")
    for name in wanted.keys() & {"status", "type"}:
        stage.refused(Request.get(_JOBS, {name: "nothing"}), "invalid", account)


@promise("USAGE-203", {ONLY: "R-REV-025 R-REV-208"}, assumed={ONLY: _BODIES})
def sums_are_what_was_spent(stage: Stage) -> None:
    """The stats by model and by day add up to the totals, to the listed jobs, and to what the balance lost."""
    account, ids = _busy(stage)
    lost = stage.target.adapter is not None and stage.taken(account)
    stats = stage.answered(Request.get(_STATS), account).object()
    expect(stats["total_jobs"] == len(ids), f"{len(ids)} jobs were made, and {stats['total_jobs']} are counted")
    expect(amount(stats["total_credits"]) == lost, f"{lost} credits are gone, and {stats['total_credits']} are counted")
    for part in ("by_model", "by_day"):
        jobs, spent = _sum(stats[part])
        expect((jobs, spent) == (len(ids), lost), f"{part} adds up to {jobs} jobs and {spent} credits")
    rows = stage.answered(Request.get(_JOBS), account).field("jobs")
    by_model = {row["model"]: row["jobs"] for row in stats["by_model"]}
    models = [row["model"] for row in rows]
    expect(by_model == {name: models.count(name) for name in models}, f"by model the jobs are {by_model}")
    kept = [row for row in rows if row["status"] not in {"failed", "cancelled"}]
    for line in stats["by_model"]:
        right = sum((amount(row["cost"]) for row in kept if row["model"] == line["model"]), Decimal(0))
        expect(amount(line["credits"]) == right, f"{line['model']} cost {right}, and is counted with {line['credits']}")


def _sum(lines: list[dict[str, Any]]) -> tuple[int, Decimal]:
    return sum(line["jobs"] for line in lines), sum((amount(line["credits"]) for line in lines), Decimal(0))


def _three_days(stage: Stage) -> tuple[Account, list[str]]:
    """Return an account with jobs made at noon of three days, and the dates of these days and of the next."""
    account = roomy(stage)
    stage.pass_seconds(_DAY / 2, account)
    first = ""
    for models in _MADE:
        for model in models:
            task_id = made(stage, job(model), account).id
            first = first or stage.answered(Request.get(f"/v1/jobs/{task_id}"), account).field("created_at")
        stage.pass_seconds(_DAY, account)
    expect(first[10:13] == "T12", f"the first job was made at noon, and says {first}")
    days = (date.fromisoformat(first[:10]) + timedelta(days=number) for number in range(4))
    return account, [day.isoformat() for day in days]


_WINDOWS = (
    *("to", "{1} to", "to {1}", "{1} to {1}", "{0}T12:00:00Z to {1}T11:59:59Z", "{1}T12:00:01Z to {2}"),
    *("{3} to", "{2} to {0}"),
)


@promise("USAGE-204", {ONLY: "R-REV-208"}, assumed={ONLY: _BODIES}, each=_WINDOWS)
def stats_keep_to_their_window(stage: Stage, case: str) -> None:
    """`from` and `to` leave the days between them, both ends included; the CSV has the same sums by day and model."""
    account, days = _three_days(stage)
    first, last = (one.strip() or None for one in case.format(*days).split("to"))
    prices = {"image-4.0": 4, "veo3.1-fast": 10, "imagen-4": 20}
    inside = {day: jobs for day, jobs in zip(days, _MADE, strict=False) if _within(f"{day}T12:00:00Z", first, last)}
    query = {"from": first, "to": last}
    stats = stage.answered(Request.get(_STATS, query), account).object()
    right = [
        {"date": day, "jobs": len(jobs), "credits": sum(map(prices.__getitem__, jobs))} for day, jobs in inside.items()
    ]
    expect(stats["by_day"] == right, f"by day it should be {right}, and is {stats['by_day']}")
    expect(_sum(stats["by_model"]) == _sum(right), f"by model it is {stats['by_model']}, by day {right}")
    expect((stats["total_jobs"], amount(stats["total_credits"])) == _sum(right), f"the totals are {stats}")
    reply = stage.answered(Request.get(f"{_STATS}/export", query), account)
    expect(reply.media_type == "text/csv", f"the export is {reply.media_type!r}")
    lines = list(csv.reader(io.StringIO(reply.body.decode())))
    rows = [[day, model, "1", str(prices[model])] for day, jobs in inside.items() for model in jobs]
    expect(lines == [["date", "model", "jobs", "credits"], *rows], f"the lines should be {rows}, and are {lines}")


def _within(at: str, first: str | None, last: str | None) -> bool:
    ends = "9999" if last is None else last if "T" in last else f"{last}T99"
    return (first or "") <= at <= ends


@promise("USAGE-205", {ONLY: "R-REV-208"}, assumed={ONLY: f"{_BODIES} (R-REV-105)"})
def the_log_of_credits_is_the_balance(stage: Stage) -> None:
    """The log has every movement, the newest first; from one row to the next the balance changes by its amount."""
    account, ids = _busy(stage)
    rows = stage.answered(Request.get(_CREDITS), account).field("transactions")
    expect(len({row["id"] for row in rows}) == len(rows), "two transactions have one id")
    balance = Decimal(0)
    for row in reversed(rows):
        moved = amount(row["amount"])
        balance += moved if row["type"] in {"topup", "refund"} else -moved
        expect(amount(row["balance_after"]) == balance, f"after {row} the balance should be {balance}")
    expect(balance == stage.driver.balance(stage, account), f"the log ends at {balance}, and the balance does not")
    moves = [(row["type"], row["job_id"]) for row in reversed(rows)]
    taken = [job_id for kind, job_id in moves if kind == "deduct"]
    expect(taken == ids, f"the deductions are for {taken}, and the jobs are {ids}")
    back = [job_id for kind, job_id in moves if kind == "refund"]
    expect(back == ids[1:3], f"the refunds are for {back}; the failed and the cancelled job are {ids[1:3]}")
    expect(moves[0] == ("topup", None), f"the first row should be a top-up, and is {moves[0]}")
    times = [row["created_at"] for row in rows]
    expect(times == sorted(times, reverse=True), "the log is not in the order of its times")


@promise("USAGE-206", {ONLY: "R-REV-026 R-REV-210"}, assumed={ONLY: "403, and what the replies look like (R-REV-210)"})
def tenant_routes_are_for_owners(stage: Stage) -> None:
    """The tenant's routes answer a tenant owner's key and refuse every other with 403."""
    owner = stage.account(role="tenant_owner")
    user = stage.account(beside=owner)
    for name in ("users", "subs", "revenue"):
        request = Request.get(f"/v1/dashboard/tenant/{name}")
        stage.answered(request, owner)
        stage.refused(request, "forbidden", user)


@promise("USAGE-207", {ONLY: "R-REV-026"}, assumed={ONLY: _BODIES})
def the_tenants_sums_add_up(stage: Stage) -> None:
    """Users, subscribers and revenue of a tenant are the sums of its users' balances and jobs."""
    owner = stage.account(role="tenant_owner", balance=Decimal(500))
    buyer = stage.account(beside=owner, plan="starter", balance=Decimal(300))
    made(stage, job("image-4.0"), buyer)
    failed = stage.start(buyer, "video")
    stage.failed(failed)
    users = _all(stage, owner, "/v1/dashboard/tenant/users", "users")
    told = sorted((one["balance"], one["total_jobs"], one["total_credits"], one["plan"]) for one in users)
    expect(told == [(296, 2, 4, "starter"), (500, 0, 0, "default")], f"the users are {users}")
    subs = _all(stage, owner, "/v1/dashboard/tenant/subs", "subs")
    names = {one["user_id"] for one in users if one["plan"] == "starter"}
    expect({one["user_id"] for one in subs} == names and len(subs) == 1, f"the subscribers are {subs}")
    sub = (subs[0]["plan"], subs[0]["type"], subs[0]["status"])
    expect(sub == ("starter", "credit", "active"), f"the subscriber is told as {sub}")
    revenue = stage.answered(Request.get("/v1/dashboard/tenant/revenue"), owner).object()
    right = {"currency": "credits", "users": 2, "total_topups": 800, "total_spent": 4, "total_refunded": 10}
    expect(revenue == right, f"the revenue should be {right}, and is {revenue}")


_VIEWS = ("limits", *(f"dashboard/{name}" for name in ("me", "jobs", "stats", "stats/export", "credits")))
_TENANT_VIEWS = tuple(f"dashboard/tenant/{name}" for name in ("users", "subs", "revenue"))


@promise("USAGE-208", {ONLY: "R-REV-024 R-REV-025 R-REV-026"}, each=(*_VIEWS, *_TENANT_VIEWS))
def every_view_is_shown(stage: Stage, view: str) -> None:
    """Every documented view of limits, key, jobs, sums and credits answers; those of a tenant answer its owner."""
    account = stage.account(role="tenant_owner") if view in _TENANT_VIEWS else stage.account()
    reply = stage.answered(Request.get(f"/v1/{view}"), account)
    expect(bool(reply.body), f"GET /v1/{view} answers without a body")
