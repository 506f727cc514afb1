"""Request limits: so many calls a minute and no more, and a refusal that says when to come again."""

from __future__ import annotations

from soundstage_contracts.adapters.base import Account
from soundstage_contracts.exchange import Request
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import PROMPT, Stage
from soundstage_contracts.verdict import expect

ASSUMED = {
    "midsync": "limits are unpublished (R-MID-135)",
    "revidapi": "the number is the parent brand's (R-REV-207), how it is counted is not published",
    "v2gateway": "limits are unpublished (R-V2-075)",
    "apikeyorg": "limits are unpublished (R-KEY-071)",
}
LIMIT = 3


def _limited(stage: Stage) -> tuple[Account, Request]:
    """Return a key with three calls a minute, two of them left, and a request that takes one and nothing else."""
    account = stage.account(limits={"requests_per_minute": LIMIT})
    task = stage.start(account)
    return account, stage.driver.poll(task.id, task.creation)


@promise("LIMIT-001", assumed=ASSUMED)
def so_many_a_minute(stage: Stage) -> None:
    """Calls beyond the limit of a minute are refused, and say in whole seconds when the next one may pass."""
    account, poll = _limited(stage)
    for _ in range(LIMIT - 1):
        stage.answered(poll, account)
    for _ in range(2):
        stage.refused(poll, "rate", account)
    reply = stage.call(poll, account)
    waits = reply.header("retry-after") or ""
    expect(waits.isdecimal() and 1 <= int(waits) <= 60, f"Retry-After is {waits!r}; it should be 1 to 60 seconds")
    stage.pass_seconds(int(waits) - 1.5, account)
    stage.refused(poll, "rate", account)
    stage.pass_seconds(1.5, account)
    stage.answered(poll, account)
    stage.pass_seconds(60, account)
    for _ in range(LIMIT):
        stage.answered(poll, account)
    stage.refused(poll, "rate", account)


@promise("LIMIT-002", assumed=ASSUMED)
def refused_for_free(stage: Stage) -> None:
    """A create that is refused by the limit makes nothing and takes nothing, and does not prolong the wait."""
    account, poll = _limited(stage)
    for _ in range(LIMIT - 1):
        stage.answered(poll, account)
    create = stage.creation().build(PROMPT)
    waits = stage.call(create, account).header("retry-after")
    for _ in range(5):
        stage.refused(create, "rate", account)
    again = stage.call(create, account).header("retry-after")
    expect(again == waits, f"five refused calls changed Retry-After from {waits} to {again}")


@promise("LIMIT-003", assumed=ASSUMED)
def others_are_not_limited(stage: Stage) -> None:
    """One key's limit is not another's, not even of the same user."""
    account, poll = _limited(stage)
    second = stage.account(beside=account, same_user=True)
    for _ in range(LIMIT - 1):
        stage.answered(poll, account)
    stage.refused(poll, "rate", account)
    for _ in range(2 * LIMIT):
        task = stage.start(second)
        stage.failed(task)


@promise("LIMIT-004", assumed=ASSUMED)
def at_the_same_time(stage: Stage) -> None:
    """Of eight calls at the same time only as many pass as the limit leaves."""
    account, poll = _limited(stage)
    replies = stage.together([poll] * 8, account)
    passed = sum(reply.status == 200 for reply in replies)
    expect(passed == LIMIT - 1, f"{passed} of eight calls passed where {LIMIT - 1} were left")
    for reply in replies:
        if reply.status != 200:
            stage.error_of(poll, reply, "rate")


@promise("LIMIT-005", assumed=ASSUMED)
def poor_callers_count(stage: Stage) -> None:
    """Calls that are refused for what they say count towards the limit as well."""
    account = stage.account(limits={"requests_per_minute": LIMIT})
    create = stage.creation().build(PROMPT)
    for _ in range(LIMIT):
        stage.refused(Request.json(create.path, {}), "invalid", account)
    stage.refused(create, "rate", account)
