"""API-Key's credits: the budget guard before a task, the reserve beside it, the settlement after it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from soundstage_contracts.adapters.base import Books
from soundstage_contracts.checks.apikeyorg_errors import answer_to, denied
from soundstage_contracts.checks.apikeyorg_estimate import TASK_MODELS, estimated
from soundstage_contracts.checks.apikeyorg_models import entry
from soundstage_contracts.drivers.base import amount
from soundstage_contracts.exchange import Request
from soundstage_contracts.oracles.apikeyorg import CREATES
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import PROMPT, Stage
from soundstage_contracts.target import Started
from soundstage_contracts.verdict import NotReached, NotTested, expect
from soundstage_contracts.walking import creations

HALF = Decimal("0.5")
LEAST = Decimal("0.000001")


def documented_only(stage: Stage, case: str) -> None:
    """Raise NotTested for a creation that no document has, where assumptions are off."""
    if not stage.assumptions and case != "video":
        raise NotTested("no document has an image or music model, or the form")


def _exact(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


@promise("MONEY-402", {"apikeyorg": "R-KEY-033 R-KEY-034"}, each=creations)
def over_budget(stage: Stage, case: str) -> None:
    """A task whose estimate exceeds its max_credits is refused before it exists: nothing is held or ever happens."""
    documented_only(stage, case)
    account, creation = stage.account(), stage.creation(case)
    stage.refused(creation.build(PROMPT, max_credits=0), "over_budget", account)
    if not stage.assumptions:
        return
    cost = stage.driver.quoted(stage.call(stage.driver.quote(creation.build(PROMPT))))
    box = stage.mailbox()
    for most in (Decimal(1), cost - 1, cost - HALF, cost - LEAST):
        request = creation.build(PROMPT, max_credits=_exact(most), callback_url=box.url)
        reply = denied(stage, request, "over_budget", "max_credits", account)
        expect("task_id" not in reply.object(), "a refused create names a task")
        expect(reply.field("error", "type") == "gateway_error", "the budget is refused by the gateway")
    expect(not stage.step(account), "a refused create left something that goes on")
    stage.pass_seconds(7200, account)
    expect(not box.all(), "a refused create sent a callback")


@promise("MONEY-403", {"apikeyorg": "R-KEY-034"}, assumed={"apikeyorg": "equal is allowed"}, each=creations)
def within_budget(stage: Stage, case: str) -> None:
    """A task whose estimate equals its max_credits is made, and any higher budget changes nothing."""
    account, creation = stage.account(), stage.creation(case)
    cost = stage.driver.quoted(stage.call(stage.driver.quote(creation.build(PROMPT))))
    for count, most in enumerate((cost, cost + LEAST, cost + HALF, cost + 1, Decimal(1_000_000)), 1):
        stage.start(account, creation, max_credits=_exact(most))
        held = stage.books(account).held
        expect(held == count * cost, f"{count} tasks at {cost} should hold {count * cost}, and hold {held}")
    if case != "form":
        stage.start(account, creation, max_credits=None)
        expect(stage.books(account).held == 6 * cost, "a task without a budget has another price")


@promise("MONEY-407", {"apikeyorg": "R-KEY-033 R-KEY-034 R-KEY-040"}, each=tuple(TASK_MODELS))
def budget_without_duration(stage: Stage, case: str) -> None:
    """A budget counts for a body of model and prompt alone: below the estimate it is refused, at the estimate made."""
    if not stage.assumptions and case not in {"seedance-2", "seedance-2-fast"}:
        raise NotTested("no document names an image or music model")
    path = next(one for one, kind in CREATES.items() if kind == TASK_MODELS[case])
    account, body = stage.account(), {"model": case, "prompt": PROMPT}
    stage.refused(Request.json(path, {**body, "max_credits": 0}), "over_budget", account)
    if not stage.assumptions:
        return
    cost = estimated(stage, model=case)
    for most in (cost - 1, cost - LEAST):
        request = Request.json(path, {**body, "max_credits": _exact(most)})
        denied(stage, request, "over_budget", "max_credits", account)
    stage.answered(Request.json(path, {**body, "max_credits": _exact(cost)}), account)
    if stage.target.adapter is not None:
        held = stage.books(account).held
        expect(held == cost, f"{case} without a duration is estimated at {cost}, and the task holds {held}")


@promise("MONEY-404", {"apikeyorg": "R-KEY-033 R-KEY-070"}, assumed={"apikeyorg": "max_credits is looked at first"})
def budget_before_balance(stage: Stage) -> None:
    """Where neither budget nor balance suffices the budget is named, and a balance of exactly the price is enough."""
    creation = stage.creation()
    cost = stage.driver.quoted(stage.call(stage.driver.quote(creation.build(PROMPT))))
    poor, exact = stage.account(balance=cost - LEAST), stage.account(balance=cost)
    denied(stage, creation.build(PROMPT, max_credits=_exact(cost - 1)), "over_budget", "max_credits", poor)
    answer_to(stage, creation.build(PROMPT, max_credits=_exact(cost)), "credits", poor)
    stage.start(exact, creation)
    expect(stage.books(exact).available == 0, "a balance of exactly the price should be all held")
    answer_to(stage, creation.build(PROMPT), "credits", exact)


def _credits(stage: Stage, task: Started, books: Books, **wanted: Decimal) -> Mapping[str, Any]:
    """Return a poll's body; raises Broken unless its credits are those wanted and what the books have."""
    body = stage.poll_reply(task).object()
    said = {name: amount(value) for name, value in body["credits"].items()}
    expect(said == wanted, f"task {task.id} is {body['status']}: its credits should be {wanted}, and are {said}")
    taken, gone = books.held + books.spent, books.issued - books.available
    expect(taken == gone == wanted["charged"], f"the poll shows {wanted['charged']} as charged, and {taken} are taken")
    return body


@promise(
    "MONEY-405",
    {"apikeyorg": "R-KEY-048"},
    assumed={"apikeyorg": "credits in a poll; the whole price comes back (A-KEY-15)"},
    each=creations,
)
def credits_in_polls(stage: Stage, case: str) -> None:
    """A poll's credits tell what the books do: reserved as estimated, then charged when it ends well, or released."""
    nothing = Decimal(0)
    for ends_well in (True, False):
        account = stage.account()
        task = stage.start(account, case)
        cost = stage.driver.quoted(stage.call(stage.driver.quote(task.request)))
        waiting = {"reserved": cost, "charged": cost, "released": nothing}
        books = stage.books(account)
        expect(books.held == cost, f"the estimate is {cost}, and the task holds {books.held}")
        _credits(stage, task, books, **waiting)
        stage.pass_seconds(8, account)
        _credits(stage, task, stage.books(account), **waiting)
        if ends_well:
            stage.follow(task)
        else:
            stage.failed(task)
            waiting |= {"charged": nothing, "released": cost}
        books = stage.books(account)
        _credits(stage, task, books, **waiting)
        expect(books.held == 0, "an ended task still holds credits")
        stage.pass_seconds(86_400, account)
        expect(stage.books(account) == books, "credits moved long after the end")


@promise(
    "MONEY-406",
    {"apikeyorg": "R-KEY-040 R-KEY-048"},
    assumed={"apikeyorg": "what was made is charged, never above the reserve (A-KEY-16)"},
    each=("seedance-2", "seedance-2-fast", "suno-5", "lyria-3"),
)
def settled(stage: Stage, case: str) -> None:
    """Without a duration the longest is reserved, and what was made is charged, never above the reserve."""
    path = "/v1/videos" if case.startswith("seedance") else "/v1/music/generations"
    creation = stage.creation("video" if case.startswith("seedance") else "music")
    reserve, cheapest = estimated(stage, model=case), None
    auto = entry(stage, case)["parameters"]["duration"]["auto"]
    for number in range(6):
        account = stage.account()
        request = Request.json(path, {"model": case, "prompt": f"{PROMPT}, take {number}"})
        reply = stage.answered(request, account)
        task = Started(account, creation, request, reply, stage.driver.created(reply))
        expect(stage.books(account).held == reserve, f"the estimate is {reserve}, and the task holds another amount")
        stage.follow(task)
        made = stage.poll_reply(task).field("duration")
        expect(auto["minimum"] <= made <= auto["maximum"], f"{case} chose {made} s, and says it chooses from {auto}")
        cost = estimated(stage, model=case, duration=made)
        expect(cost <= reserve, f"{made} s cost {cost}, more than the reserve of {reserve}")
        _credits(stage, task, stage.books(account), reserved=reserve, charged=cost, released=reserve - cost)
        cheapest = cost if cheapest is None else min(cheapest, cost)
    if cheapest == reserve:
        raise NotReached("no task was charged less than it had reserved")
