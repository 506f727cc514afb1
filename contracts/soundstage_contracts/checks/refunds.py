"""Refunds: a task that fails gives back what it took, once, and nothing of what others took."""

from __future__ import annotations

from decimal import Decimal

from soundstage_contracts.checks.creation_cases import before_spending
from soundstage_contracts.checks.money import lost, purse, takes
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import expect
from soundstage_contracts.walking import creations

REFUNDED = {"apikeyorg": "R-KEY-048"}
UNWRITTEN = {
    "apikeyorg": "credits can be refunded, says the document; that they always are is ours (A-KEY-15)",
    "midsync": "refunds are unpublished (R-MID-134, D5)",
    "revidapi": "only an older source says it (R-REV-105, D5)",
    "v2gateway": "the family does it (R-V2-058), no document says it",
}


@promise("MONEY-021", REFUNDED, assumed=UNWRITTEN, each=creations)
def given_back_once(stage: Stage, name: str) -> None:
    """A task that fails while it runs gives its whole price back, once, and so it stays."""
    before_spending(stage)
    account = stage.account()
    before = purse(stage, account)
    task = stage.start(account, name)
    price = next(iter(lost(before, purse(stage, account)).values()))
    expect(price > 0, f"{name} takes {price} credits")
    stage.failed(task)
    for when in ("after the failure", "after another poll"):
        view = stage.poll(task)
        expect(view.state == stage.driver.life.failure, f"a failed task is {view.state}")
        takes(before, purse(stage, account), Decimal(0), when)
    for hours in (1, 24, 24 * 40):
        stage.pass_seconds(3600 * hours, account)
        stage.poll(task)
        takes(before, purse(stage, account), Decimal(0), f"{hours} more hours after the failure")


@promise("MONEY-022", REFUNDED, assumed=UNWRITTEN)
def fails_by_itself(stage: Stage) -> None:
    """A task that ends as failed, at whatever point of its run, has its price back at the poll that says so."""
    for at in ("start", "middle", "99", "end"):
        account = stage.account()
        stage.adapter.fault(account, "task/fail", at=at)
        before = purse(stage, account)
        last = stage.follow(stage.start(account))[-1]
        expect(last.state == stage.driver.life.failure, f"a task that was to fail ends as {last.state}")
        takes(before, purse(stage, account), Decimal(0), f"after a failure at {at}")


@promise("MONEY-023", REFUNDED, assumed=UNWRITTEN)
def only_its_own(stage: Stage) -> None:
    """Of two tasks the one that fails gives its price back, and the other stays paid to its end."""
    before_spending(stage)
    account = stage.account()
    before = purse(stage, account)
    good = stage.start(account)
    price = next(iter(lost(before, purse(stage, account)).values()))
    stage.failed(stage.start(account))
    takes(before, purse(stage, account), price, "after one of two tasks failed")
    last = stage.follow(good)[-1]
    expect(last.state == stage.driver.life.success, f"the other task ends as {last.state}")
    takes(before, purse(stage, account), price, "after the other task's success")


@promise("MONEY-024", REFUNDED, assumed=UNWRITTEN)
def can_be_spent_again(stage: Stage) -> None:
    """What a failed task gave back pays for the next one."""
    before_spending(stage)
    rich = stage.account()
    stage.start(rich)
    price = stage.taken(rich)
    account = stage.account(balance=price)
    before = purse(stage, account)
    for _ in range(3):
        stage.failed(stage.start(account))
    stage.start(account)
    takes(before, purse(stage, account), price, "after three failed tasks and a fourth")


@promise("MONEY-025", REFUNDED, assumed=UNWRITTEN)
def not_after_success(stage: Stage) -> None:
    """A task that has succeeded keeps its price, whatever is said of it later."""
    before_spending(stage)
    account = stage.account()
    before = purse(stage, account)
    task = stage.start(account)
    price = next(iter(lost(before, purse(stage, account)).values()))
    stage.follow(task)
    for _ in range(3):
        stage.pass_seconds(86400, account)
        state = stage.poll(task).state
        expect(state == stage.driver.life.success, f"a task that had succeeded is {state}")
        takes(before, purse(stage, account), price, "days after the success")
