"""Attempts at callbacks: again after an error, with the same bytes, not after success, and not for ever."""

from __future__ import annotations

from soundstage_contracts.checks.callbacks import ENDS, WEEK, hooked
from soundstage_contracts.checks.creation_cases import before_spending, with_callback
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import expect

RETRY = {
    "midsync": "attempts are unpublished (R-MID-132)",
    "v2gateway": "attempts are unpublished",
    "apikeyorg": "attempts are unpublished (R-KEY-067)",
}


@promise("CALL-004", ENDS, assumed=RETRY, each=with_callback)
def tried_again(stage: Stage, name: str) -> None:
    """A callback that is answered with an error comes again: the same event, the same bytes, until it is taken."""
    before_spending(stage)
    box = stage.mailbox(500, 503, 404, 204)
    task = hooked(stage, box, name)
    stage.follow(task)
    stage.pass_seconds(WEEK, task.account)
    told = box.wait(4)
    expect(len(told) == 4, f"after three refusals and a 204 there were {len(told)} attempts")
    expect(len({one.body for one in told}) == 1, "the attempts of one event have different bodies")
    names = {stage.driver.callback_id(one) for one in told}
    expect(len(names) == 1 and all(names), f"the attempts of one event are called {sorted(names)}")
    expect(len({one.path for one in told}) == 1, "the attempts of one event went to different addresses")


@promise("CALL-005", assumed=RETRY)
def not_for_ever(stage: Stage) -> None:
    """Nobody is called for ever: after some attempts a callback that is never taken is given up."""
    before_spending(stage)
    box = stage.mailbox(*[500] * 40)
    task = hooked(stage, box)
    stage.follow(task)
    stage.pass_seconds(WEEK, task.account)
    tried = len(box.all())
    expect(1 < tried < 40, f"a callback that is always refused came {tried} times in a week")
    stage.pass_seconds(4 * WEEK, task.account)
    expect(len(box.all()) == tried, "a callback comes again weeks after it was given up")
    view = stage.poll(task)
    expect(view.state == stage.driver.life.success, f"a lost callback has made the task {view.state}")


@promise("CALL-008", assumed=RETRY)
def no_redirects(stage: Stage) -> None:
    """A redirect is not followed; the callback is tried again where it was asked for."""
    before_spending(stage)
    box = stage.mailbox(302, 307, 308)
    # Where the receiver's redirects lead to.
    elsewhere = f"{box.name}-elsewhere"
    box.receiver.open(elsewhere)
    task = hooked(stage, box)
    stage.follow(task)
    stage.pass_seconds(WEEK, task.account)
    told = box.wait(4)
    expect(len(told) == 4, f"after three redirects there were {len(told)} attempts, not four")
    followed = box.receiver.callbacks(elsewhere)
    expect(not followed, f"{len(followed)} callbacks followed a redirect to another address")


@promise("CALL-009", assumed=RETRY)
def gone(stage: Stage) -> None:
    """A receiver that answers 410 is never called again about this event."""
    before_spending(stage)
    box = stage.mailbox(410)
    task = hooked(stage, box)
    stage.follow(task)
    box.wait(1)
    stage.pass_seconds(WEEK, task.account)
    expect(len(box.all()) == 1, f"a receiver that said 410 was called {len(box.all())} times")
