"""Signatures of callbacks: right over the bytes that came, with the key's own secret, fresh, anew at each attempt."""

from __future__ import annotations

from dataclasses import replace

from soundstage_contracts.checks.callbacks import WEEK, hooked
from soundstage_contracts.checks.creation_cases import before_spending, with_callback
from soundstage_contracts.promise import promise
from soundstage_contracts.receiver import Callback
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import Broken, NotTested, expect

STAMPS = {"midsync": "webhook-timestamp", "apikeyorg": "x-api-key-timestamp"}
TOLERANCE = 300
"""Seconds between a stamp and its arrival; what receivers of signed callbacks commonly allow."""
SIGNED = {"apikeyorg": "R-KEY-064 R-KEY-065 R-KEY-069"}
UNWRITTEN = {
    "midsync": "signatures are unpublished (R-MID-132, D6)",
    "apikeyorg": "secret and encoding are unpublished (R-KEY-067)",
}


@promise("CALL-021", SIGNED, assumed=UNWRITTEN, each=with_callback)
def signed(stage: Stage, name: str) -> None:
    """A callback is signed over its raw bytes and its timestamp, with the secret of the key that made the task."""
    box = stage.mailbox()
    task = hooked(stage, box, name)
    stage.follow(task)
    callback = box.wait(1)[0]
    secret = _secret(task.account.secret)
    stage.driver.check_signature(callback, secret)
    _notices_changes(stage, callback, secret)


@promise("CALL-022", SIGNED, assumed=UNWRITTEN)
def signed_failure(stage: Stage) -> None:
    """The callback of a failure is signed as well."""
    before_spending(stage)
    box = stage.mailbox()
    task = hooked(stage, box)
    stage.failed(task)
    stage.pass_seconds(1, task.account)
    stage.driver.check_signature(box.wait(1)[0], _secret(task.account.secret))


@promise("CALL-023", SIGNED, assumed=UNWRITTEN)
def fresh(stage: Stage) -> None:
    """The timestamp in a callback's header is the Unix second at which the attempt was made."""
    before_spending(stage)
    box = stage.mailbox(500, 500)
    task = hooked(stage, box)
    stage.follow(task)
    stage.pass_seconds(WEEK, task.account)
    for callback in box.wait(3):
        stamp = callback.header(STAMPS[stage.driver.id]) or ""
        expect(stamp.isdecimal(), f"the timestamp {stamp!r} is no whole number")
        away = abs(int(stamp) - callback.at)
        expect(away < TOLERANCE, f"the timestamp is {away:.0f} s away from the time of arrival")


@promise("CALL-024", SIGNED, assumed=UNWRITTEN)
def each_attempt(stage: Stage) -> None:
    """Every attempt at an event has a right signature of its own, for its own timestamp."""
    before_spending(stage)
    box = stage.mailbox(500, 500)
    task = hooked(stage, box)
    stage.follow(task)
    stage.pass_seconds(WEEK, task.account)
    for callback in box.wait(3):
        stage.driver.check_signature(callback, _secret(task.account.secret))


@promise("CALL-025", assumed=UNWRITTEN)
def own_secret(stage: Stage) -> None:
    """Every key has a secret of its own: another user's does not fit."""
    mine = stage.account()
    other = stage.account(beside=mine)
    box = stage.mailbox()
    task = hooked(stage, box)
    expect(task.account == mine, "the task was made with another key")
    stage.follow(task)
    callback = box.wait(1)[0]
    stage.driver.check_signature(callback, _secret(mine.secret))
    expect(mine.secret != other.secret, "two keys have the same secret")
    _must_not_fit(stage, callback, _secret(other.secret), "another key's secret")


def _notices_changes(stage: Stage, callback: Callback, secret: str) -> None:
    """Make sure the judge itself would notice: one byte more, one byte changed, another second."""
    stamp = STAMPS[stage.driver.id]
    headers = tuple(
        (name, "1" + value[1:] + "0" if name.lower() == stamp else value) for name, value in callback.headers
    )
    changed = bytes([callback.body[0] ^ 1]) + callback.body[1:]
    _must_not_fit(stage, replace(callback, body=changed), secret, "a body with one bit changed")
    _must_not_fit(stage, replace(callback, body=callback.body + b" "), secret, "a body with a space more")
    _must_not_fit(stage, replace(callback, headers=headers), secret, "another timestamp")


def _must_not_fit(stage: Stage, callback: Callback, secret: str, what: str) -> None:
    try:
        stage.driver.check_signature(callback, secret)
    except Broken:
        return
    raise Broken(f"the signature fits {what} as well")


def _secret(secret: str | None) -> str:
    if secret is None:
        raise NotTested("it needs the secret that callbacks are signed with")
    return secret
