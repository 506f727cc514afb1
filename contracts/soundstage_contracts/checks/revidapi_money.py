"""RevidAPI's credits: one amount in every reply, whose balance a key spends, what is free, what comes back."""

from __future__ import annotations

from decimal import Decimal

from soundstage_contracts.adapters.base import Account
from soundstage_contracts.checks.revidapi_requests import (
    ONLY,
    PAID,
    WAYS,
    cheapest,
    cost,
    fresh,
    job,
    looked_up,
    made,
    roomy,
)
from soundstage_contracts.drivers.base import amount
from soundstage_contracts.drivers.revidapi import PICTURE
from soundstage_contracts.drivers.samples import landed, upload
from soundstage_contracts.exchange import Request
from soundstage_contracts.oracles.revidapi import PATHS
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import PROMPT, Stage
from soundstage_contracts.target import Started
from soundstage_contracts.verdict import expect

_SITES = (
    "tiktok.com",
    "www.douyin.com",
    "www.youtube.com",
    "www.facebook.com",
    "www.instagram.com",
    "x.com",
    "twitter.com",
)


@promise("MONEY-201", {ONLY: "R-REV-031 R-REV-033"}, each=WAYS)
def cost_is_what_the_balance_loses(stage: Stage, way: str) -> None:
    """`cost` is what `balance_remaining` went down by, job after job, on every path."""
    account = roomy(stage)
    request = Request.json(PATHS[way], cheapest(way))
    first = made(stage, request, account)
    for _ in range(3):
        after = made(stage, request, account)
        _went_down(first.balance_left, after.balance_left, after.price)
        first = after
    if stage.target.adapter is not None:
        books = stage.books(account)
        expect(books.available == first.balance_left, f"{books.available} is left, and {first.balance_left} is said")


def _went_down(before: Decimal | None, after: Decimal | None, price: Decimal | None) -> None:
    expect(
        before is not None and after is not None and before - after == price,
        f"balance_remaining went from {before} to {after}, and the job cost {price}",
    )


@promise("MONEY-202", {ONLY: "R-REV-208"}, assumed={ONLY: "the keys of /balance and /dashboard/me (R-REV-203)"})
def every_balance_is_the_same(stage: Stage) -> None:
    """GET /balance and GET /dashboard/me say what `balance_remaining` said, before, during and after a job."""
    account = roomy(stage)
    for model in ("image-4.0", "veo3.1-fast", "kling-2.6"):
        left = made(stage, job(model), account).balance_left
        for path in ("/v1/balance", "/v1/dashboard/me"):
            reply = stage.answered(Request.get(path), account)
            shown = amount(reply.field("balance"))
            expect(shown == left, f"{path} says {shown}, and {left} remained")
            expect(reply.field("currency") == "credits", f"{path} counts in {reply.field('currency')!r}")


@promise("MONEY-203", assumed={ONLY: "402 and that nothing is made or taken (R-REV-220, R-REV-227)"}, each=WAYS)
def a_job_nobody_can_pay_is_not_made(stage: Stage, way: str) -> None:
    """The 402 of a job with one credit too few names both sums, and leaves neither a job nor a transaction."""
    request = Request.json(PATHS[way], cheapest(way))
    price = cost(stage, request, roomy(stage))
    poor = stage.account(balance=price - 1)
    error = stage.refused(request, "credits", poor)
    words = ("" if error is None else error.message).replace(",", "").split()
    expect(str(price) in words and str(price - 1) in words, f"the 402 should name {price} and {price - 1}: {words}")
    expect(stage.answered(Request.get("/v1/dashboard/jobs"), poor).field("jobs") == [], "there is a job after a 402")
    log = stage.answered(Request.get("/v1/dashboard/credits"), poor).field("transactions")
    expect([one["type"] for one in log] == ["topup"], f"there are transactions after a 402: {log}")


@promise(
    "MONEY-204",
    {ONLY: "R-REV-004"},
    assumed={ONLY: "A-REV-38, A-REV-39: whose balance is shown, and when a quota moves"},
)
def key_types_spend_what_they_should(stage: Stage) -> None:
    """A shared key spends its user's credits, together with the user's other keys; the other two spend their own."""
    user = roomy(stage, balance=Decimal(1000))
    shared = stage.account(beside=user, same_user=True)
    budgeted = stage.account(beside=user, same_user=True, kind="budgeted", balance=Decimal(200))
    standalone = stage.account(beside=user, kind="standalone", balance=Decimal(300))
    kept = stage.driver.balance(stage, user)
    expect(kept == 800, f"a budgeted key of 200 should leave its user 800 of 1000 credits, not {kept}")
    expect(kept == stage.driver.balance(stage, shared), "two shared keys of one user show different balances")
    sums = {account.label: _kind(stage, account) for account in (user, shared, budgeted, standalone)}
    expect(list(sums.values()) == ["shared", "shared", "budgeted", "standalone"], f"the key types are {sums}")
    expect(stage.driver.balance(stage, budgeted) == 200, "a budgeted key should show its own quota")
    expect(stage.driver.balance(stage, standalone) == 300, "a standalone key should show its own pool")
    for account, before in ((budgeted, 200), (standalone, 300)):
        left = made(stage, job("image-4.0"), account).balance_left
        expect(left == before - 4, f"{before - 4} should be left of the key's own {before}, not {left}")
        expect(stage.driver.balance(stage, user) == kept, "a key with credits of its own spent its user's")
    left = made(stage, job("image-4.0"), shared).balance_left
    expect(left == kept - 4 == stage.driver.balance(stage, user), f"a shared key should leave {kept - 4}, not {left}")


@promise("MONEY-211", {ONLY: "R-REV-004 R-REV-033"})
def a_budget_comes_out_of_the_users_balance(stage: Stage) -> None:
    """A budgeted key's credits are gone from its user's balance once the key is made, and the user's jobs show it."""
    user = roomy(stage, balance=Decimal(1000))
    stage.account(beside=user, same_user=True, kind="budgeted", balance=Decimal(200))
    created = made(stage, job("image-4.0"), user)
    right = 800 - (created.price or 0)
    expect(created.balance_left == right, f"{right} of the user's 1000 should remain, not {created.balance_left}")


def _kind(stage: Stage, account: Account) -> str:
    return str(stage.answered(Request.get("/v1/dashboard/me"), account).field("key_type"))


@promise("MONEY-205", {ONLY: "R-REV-023 R-REV-190 R-REV-191"}, each=_SITES)
def looking_behind_a_link_is_free(stage: Stage, site: str) -> None:
    """POST /download/extract answers for every published site and takes no credits."""
    account = stage.account(balance=Decimal(0)) if stage.target.adapter is not None else stage.account()
    request = Request.json("/v1/download/extract", {"url": f"https://{site}/@ada/video/7301"})
    found = looked_up(stage, request, account)
    if not stage.assumptions:
        return
    body = found.object()
    platform = "twitter" if site == "x.com" else site.removeprefix("www.").partition(".")[0]
    expect(body["platform"] == platform, f"the platform should be {platform}, and is {body['platform']!r}")
    expect(stage.answered(request, account).object() == body, "the same link gives another answer the second time")
    expect(body["author"] == "ada", f"the author of /@ada/ is told as {body['author']!r}")
    kinds = sorted((one["type"], one["extension"]) for one in body["medias"])
    expect(kinds == [("audio", "wav"), ("video", "mp4")], f"the media are {kinds}")
    links = [("image", body["thumbnail"]), *((one["type"], one["url"]) for one in body["medias"])]
    for kind, link in links:
        file = stage.fetch(link)
        expect(file.status == 200 and bool(file.body), f"{link} answers {file.status}")
        expect(file.media_type.startswith(f"{kind}/"), f"{link} should be {kind}, and is {file.media_type!r}")


@promise("MONEY-206", assumed={ONLY: "no document says that other hosts are refused"})
def other_sites_are_refused(stage: Stage) -> None:
    """POST /download/extract refuses what is no address, or the address of another site."""
    for url in (
        "https://example.com/v/1",
        "https://nottiktok.com/v",
        "tiktok.com/v",
        "https://x.com.example.org/",
        "",
        7,
    ):
        stage.refused(Request.json("/v1/download/extract", {"url": url}), "invalid")
    stage.refused(Request.json("/v1/download/extract", {}), "invalid")


@promise("MONEY-207", assumed={ONLY: "no document says that uploads, reads and cancels are free"})
def uploads_are_free(stage: Stage) -> None:
    """Uploads of every kind work with an empty balance and take nothing."""
    account = stage.account(balance=Decimal(0))
    for kind in ("image", "video", "audio"):
        landed(stage, stage.answered(upload(kind), account).field("upload_id"), account)
    stage.answered(Request.json("/v1/files/upload/presign", {"filename": "a.mp4"}), account)
    books = stage.books(account)
    expect(books.held == books.spent == 0, f"uploads took {books.held + books.spent} credits")


@promise("MONEY-208", assumed={ONLY: "R-REV-105: an older source; the document is silent (A-REV-26)"}, each=WAYS)
def a_failed_job_is_refunded_once(stage: Stage, way: str) -> None:
    """A failed job's credits come back as one `refund` of the log, whole, with the older source's reason."""
    account = roomy(stage)
    task = stage.start(account, way)
    stage.until(task, "processing")
    stage.failed(task)
    stage.adapter.finish(account)
    stage.poll(task)
    log = stage.answered(Request.get("/v1/dashboard/credits"), account).field("transactions")
    back = [one for one in log if one["job_id"] == task.id]
    expect([one["type"] for one in back] == ["refund", "deduct"], f"the log of the job is {back}")
    expect(
        all(amount(one["amount"]) == task.created.price for one in back),
        f"the amounts are not {task.created.price}",
    )
    expect(back[0]["reason"] == "Job failed - automatic refund", f"the reason is {back[0]['reason']!r}")


_STATES = ("pending", "queued", "processing", "completed", "failed", "cancelled")


@promise(
    "MONEY-209",
    assumed={
        ONLY: "cancelling is in no document: R-REV-016 and R-REV-104 are found, the refund of a pending job is ours"
    },
    each=_STATES,
)
def cancelling_depends_on_the_state(stage: Stage, state: str) -> None:
    """A pending job, queued or not, is cancelled and given back; one in processing only cancelled; no other is."""
    account = fresh(stage, limits={"image_concurrent": 1} if state == "queued" else None)
    if state == "queued":
        stage.start(account, "image")
    before = stage.driver.balance(stage, account)
    task = stage.start(account, "image")
    _bring_to(stage, task, state)
    if state in {"pending", "queued", "processing"}:
        reply = stage.answered(stage.driver.cancel(task.id), account).object()
        expect((reply["job_id"], reply["status"]) == (task.id, "cancelled"), f"the cancel answers {reply}")
        expect(bool(reply["message"].strip()), "the cancel has no message")
        lost = task.created.price if state == "processing" else 0
    else:
        error = stage.refused(stage.driver.cancel(task.id), "invalid", account)
        right = f"Cannot cancel job with status '{state}'"
        expect(error is not None and error.message == right, f"the refusal should be {right!r}, and is {error}")
        lost = task.created.price if state == "completed" else 0
    after = "cancelled" if state in {"pending", "queued", "processing"} else state
    stage.adapter.finish(account)
    expect(stage.poll(task).state == after, f"the job should stay {after}, and is {stage.poll(task).state}")
    left = stage.driver.balance(stage, account)
    expect(before - left == lost, f"{lost} credits should be gone, and {before - left} are")


def _bring_to(stage: Stage, task: Started, state: str) -> None:
    if state == "failed":
        stage.failed(task)
    elif state == "cancelled":
        stage.answered(stage.driver.cancel(task.id), task.account)
    elif state == "processing":
        stage.until(task, "processing")
    elif state != "queued":
        stage.until(task, state)


@promise("MONEY-210", {ONLY: "R-REV-033"}, each=PAID)
def a_completed_job_costs_what_it_said(stage: Stage, model: str) -> None:
    """A completed job of any model costs what its create said: no more, no less, and no refund."""
    account = roomy(stage)
    created = made(stage, job(model, prompt=PROMPT, img_url=PICTURE if model == "kling-o1-video" else None), account)
    stage.adapter.finish(account)
    body = stage.answered(Request.get(f"/v1/jobs/{created.id}"), account).object()
    expect(body["status"] == "completed", f"the job is {body['status']!r}")
    if stage.assumptions:
        expect(body["model"] == model, f"the job is of {body['model']!r}")
        expect(amount(body["cost"]) == created.price, f"the job shows {body['cost']}, its create {created.price}")
    books = stage.books(account)
    expect(books.spent == created.price and books.held == 0, f"it cost {created.price}, and the books say {books}")
