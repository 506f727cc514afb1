"""The full table of a task's states and what anybody may do with the task: every cell is tried."""

from __future__ import annotations

import re

from soundstage_contracts.adapters.base import Account
from soundstage_contracts.checks.creation_cases import before_spending
from soundstage_contracts.drivers.base import Driver, TaskView
from soundstage_contracts.exchange import Request
from soundstage_contracts.oracles.lifecycle import check_ended
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.target import Started
from soundstage_contracts.verdict import NotTested, expect
from soundstage_contracts.walking import reach, words

LINK = re.compile(rb"https?://")
BAD_KEYS = ("no key", "revoked key")
OTHER_KEYS = ("second key", "another account")


def may_cancel(driver: Driver) -> bool:
    """Return whether the provider has a request that cancels a task."""
    return type(driver).cancel is not Driver.cancel


def owner_cells(driver: Driver) -> list[str]:
    """Return what an account may do with its own task, in every state."""
    return [f"{does}/{state}" for does in ("poll", "fetch") for state in words(driver)]


def bad_key_cells(driver: Driver) -> list[str]:
    """Return what may be tried with a task without a key that counts, in every state."""
    return _by(driver, BAD_KEYS)


def other_key_cells(driver: Driver) -> list[str]:
    """Return what may be tried with a task with another key than the one that made it, in every state."""
    return _by(driver, OTHER_KEYS)


def _by(driver: Driver, keys: tuple[str, ...]) -> list[str]:
    does = ["poll", "cancel"] if may_cancel(driver) else ["poll"]
    tried = [f"{one} by {who}" for one in does for who in keys]
    return [f"{one}/{state}" for one in tried for state in (*words(driver), *_running(driver))]


def _running(driver: Driver) -> list[str]:
    """Return the running state of a task of every way but the first, which is tried in all states."""
    return [f"{driver.life.running} by {creation.name}" for creation in driver.creations()[1:]]


def cancel_cells(driver: Driver) -> list[str]:
    """Return the states in which a task may be tried to cancel."""
    return [f"cancel/{state}" for state in (*words(driver), *_running(driver))] if may_cancel(driver) else []


def brought(stage: Stage, account: Account, cell: str) -> tuple[Started, str, str, TaskView]:
    """Make a task and bring it into a cell's state; return it, what to do, the state, and what a poll says of it."""
    before_spending(stage)
    does, _, where = cell.rpartition("/")
    state, _, way = where.partition(" by ")
    task = stage.start(account, way or None)
    view = reach(stage, task, state)
    expect(view.state == state, f"the task should be {state!r} and is {view.state!r}")
    return task, does, state, view


@promise(
    "TABLE-001",
    {
        "midsync": "R-MID-025 R-MID-090 R-MID-091 R-MID-130",
        "revidapi": "R-REV-100 R-REV-101 R-REV-102",
        "v2gateway": "R-V2-002 R-V2-040 R-V2-041 R-V2-042 R-V2-045",
        "apikeyorg": "R-KEY-027 R-KEY-045 R-KEY-046",
    },
    assumed={"apikeyorg": "the words processing and failed (R-KEY-046)"},
    each=owner_cells,
)
def owners_see_their_task(stage: Stage, cell: str) -> None:
    """In every state an account sees its task as it is, and its result once there is one and never before."""
    account = stage.account()
    task, does, state, view = brought(stage, account, cell)
    books = stage.books(account)
    reply = stage.answered(stage.driver.poll(task.id, task.creation), account)
    seen = stage.driver.view(reply)
    expect(seen == view, f"a poll said {view} and another one {seen}")
    check_ended(stage.driver.life, seen)
    if does == "fetch" and state == stage.driver.life.success:
        for link in seen.results:
            came = stage.fetch(link)
            expect(came.status == 200 and bool(came.body), f"the result answers {came.status}, {len(came.body)} bytes")
    elif does == "fetch":
        expect(LINK.search(reply.body) is None, f"a task that is {state!r} shows an address: {reply.body[:200]!r}")
    expect(stage.books(account) == books, f"{does} changed the balance")


@promise(
    "TABLE-002",
    {"midsync": "R-MID-004", "revidapi": "R-REV-002", "v2gateway": "R-V2-004", "apikeyorg": "R-KEY-002"},
    each=bad_key_cells,
)
def no_key_no_task(stage: Stage, cell: str) -> None:
    """In no state does a task show itself to a caller without a good key, or let one change anything."""
    if "revoked" in cell and not stage.assumptions:
        raise NotTested("no document says how a key ends")
    account = stage.account()
    task, does, _, view = brought(stage, account, cell)
    request, who = asked(stage, task, does)
    books = stage.books(account)
    if who == "no key":
        reply = stage.bare(request)
    else:
        reply = stage.call(request, stage.account(beside=account, same_user=True, revoked=True))
    stage.error_of(request, reply, "unauthorized")
    expect(stage.poll(task) == view, f"{does} changed the task")
    expect(stage.books(account) == books, f"{does} changed the balance")


def asked(stage: Stage, task: Started, does: str) -> tuple[Request, str]:
    """Return the request of a cell such as `poll by no key`, and by whom it is to be made."""
    what, _, who = does.partition(" by ")
    driver = stage.driver
    return (driver.cancel(task.id) if what == "cancel" else driver.poll(task.id, task.creation)), who


@promise(
    "TABLE-004",
    {"revidapi": "R-REV-108", "v2gateway": "R-V2-071"},
    assumed={
        "midsync": "whom a task shows itself to is in no document",
        "revidapi": "that a job is visible only to its owner, with any of the owner's keys (R-REV-108)",
        "v2gateway": "whom a task shows itself to is in no document",
        "apikeyorg": "whom a task shows itself to is in no document",
    },
    each=other_key_cells,
)
def tasks_belong_to_an_account(stage: Stage, cell: str) -> None:
    """In every state a task is there for all keys of its account, and does not exist for the keys of another."""
    account = stage.account()
    task, does, state, view = brought(stage, account, cell)
    request, who = asked(stage, task, does)
    mine = who == "second key"
    caller = stage.account(beside=account, same_user=True) if mine else stage.account(beside=account)
    books = stage.books(account)
    reply = stage.call(request, caller)
    if not mine:
        stage.error_of(request, reply, "no_task" if "no_task" in stage.driver.errors else "not_found")
    elif not does.startswith("cancel"):
        expect(stage.driver.view(reply) == view, f"the account's second key is told {reply.body[:200]!r}")
    elif state in stage.driver.life.terminal:
        stage.error_of(request, reply, "invalid")
    else:
        expect(reply.status == 200, f"the account's second key may not cancel: {reply.status}")
        expect(stage.poll(task).state == stage.driver.life.cancelled, "a cancelled job is not cancelled")
        return
    expect(stage.poll(task) == view, f"{does} changed the task")
    expect(stage.books(account) == books, f"{does} changed the balance")


@promise(
    "TABLE-003",
    {"revidapi": "R-REV-016 R-REV-104"},
    assumed={"revidapi": "a client's use shows the path (R-REV-016), an older source what it does (R-REV-104)"},
    each=cancel_cells,
)
def cancelling_where_it_can_be(stage: Stage, cell: str) -> None:
    """A job that is under way can be cancelled, and one that has ended answers 400 and stays what it is."""
    account = stage.account()
    task, _, state, view = brought(stage, account, cell)
    life = stage.driver.life
    if state in life.terminal:
        stage.refused(stage.driver.cancel(task.id), "invalid", account)
        expect(stage.poll(task) == view, "a refused cancel changed the job")
        return
    before = stage.books(account)
    stage.answered(stage.driver.cancel(task.id), account)
    expect(stage.poll(task).state == life.cancelled, f"a cancelled job is {stage.poll(task).state!r}")
    after = stage.books(account)
    expect(after.held == 0, f"a cancelled job still holds {after.held} credits")
    back = after.available - before.available
    wanted = before.held if state == life.initial else 0
    expect(back == wanted, f"cancelling a job that was {state!r} gave {back} credits back, and should give {wanted}")
