"""API-Key's callbacks: the four documented headers, which event they name, and how often it is tried."""

from __future__ import annotations

import re

from soundstage_contracts.checks.apikeyorg_credits import documented_only
from soundstage_contracts.checks.apikeyorg_errors import denied
from soundstage_contracts.exchange import Request
from soundstage_contracts.promise import promise
from soundstage_contracts.receiver import Callback
from soundstage_contracts.stage import PROMPT, Stage
from soundstage_contracts.verdict import expect

WAITS = (10, 60, 300, 1800, 7200, 21_600)
"""Seconds from one attempt to the next (an assumption: R-KEY-067)."""
FAR = (
    "http://your-app.com/webhooks/api-key",
    "HTTP://your-app.com/webhooks/api-key",
    "http://8.8.8.8/hook",
    "http://localhost.example.com/hook",
)


def _head(callback: Callback, name: str) -> str:
    value = callback.header(name)
    expect(value is not None, f"the callback has no header {name}")
    return value or ""


@promise(
    "CALL-401",
    {"apikeyorg": "R-KEY-060 R-KEY-061 R-KEY-062 R-KEY-063 R-KEY-064 R-KEY-065"},
    each=("video", "image", "music"),
)
def completed(stage: Stage, case: str) -> None:
    """The callback of a completed task names the event gateway.task.completed, the task, a second and a signature."""
    documented_only(stage, case)
    account, box = stage.account(), stage.mailbox()
    task = stage.start(account, case, callback_url=box.url)
    stage.follow(task)
    callback = box.wait(1)[0]
    event = _head(callback, "x-api-key-event")
    expect(event == "gateway.task.completed", f"the event of a completed task is {event!r}")
    named = _head(callback, "x-api-key-task-id")
    expect(named == task.id, f"the callback of {task.id} names {named!r}")
    stamp, signature = _head(callback, "x-api-key-timestamp"), _head(callback, "x-api-key-signature")
    expect(re.fullmatch(r"[0-9]{10}", stamp) is not None, f"the timestamp should be Unix seconds, and is {stamp!r}")
    if stage.assumptions:
        told = stage.driver.callback_view(callback)
        expect((told.id, told.state) == (task.id, "completed"), f"the body says that {told.id} is {told.state}")
        expect(
            re.fullmatch(r"[0-9a-f]{64}", signature) is not None, f"the signature is no lower-case hex: {signature!r}"
        )


@promise("CALL-402", {"apikeyorg": "R-KEY-060 R-KEY-066"}, assumed={"apikeyorg": "the failure event (R-KEY-066)"})
def failed(stage: Stage) -> None:
    """The callback of a failed task names the event gateway.task.failed and the task, whatever kind it is of."""
    for name in ("video", "form", "image", "music"):
        account, box = stage.account(), stage.mailbox()
        task = stage.start(account, name, callback_url=box.url)
        stage.pass_seconds(3, account)
        stage.failed(task)
        stage.pass_seconds(0, account)
        callback = box.wait(1)[0]
        event = _head(callback, "x-api-key-event")
        expect(event == "gateway.task.failed", f"the event of a failed task is {event!r}")
        expect(_head(callback, "x-api-key-task-id") == task.id, "the callback names another task")


@promise("CALL-403", {"apikeyorg": "R-KEY-064 R-KEY-065"}, assumed={"apikeyorg": "the schedule (R-KEY-067)"})
def schedule(stage: Stage) -> None:
    """A callback that nobody takes is tried seven times on one schedule, always under one webhook-id."""
    account, box = stage.account(), stage.mailbox(*[500] * 9)
    stage.follow(stage.start(account, "image", callback_url=box.url))
    for count, seconds in enumerate(WAITS, 1):
        came = len(box.wait(count))
        expect(came == count, f"{came} attempts came where there should be {count}")
        stage.pass_seconds(seconds - 0.001, account)
        expect(len(box.all()) == count, f"attempt {count + 1} came before {seconds} s had passed")
        stage.pass_seconds(0.001, account)
    stage.pass_seconds(40 * 86_400, account)
    came_in_all = box.all()
    expect(len(came_in_all) == 7, f"{len(came_in_all)} attempts came where there should be 7")
    names = {_head(one, "webhook-id") for one in came_in_all}
    expect(len(names) == 1 and all(names), f"the attempts of one event have the ids {names}")
    if stage.adapter.name == "soundstage":
        counted = [_head(one, "x-soundstage-attempt") for one in came_in_all]
        expect(counted == [str(number) for number in range(1, 8)], f"the attempts are counted as {counted}")
    other = stage.mailbox()
    stage.follow(stage.start(account, "image", callback_url=other.url))
    expect(_head(other.wait(1)[0], "webhook-id") not in names, "two events have the same webhook-id")


@promise(
    "CALL-404",
    {"apikeyorg": "R-KEY-040 R-KEY-061 R-KEY-068"},
    assumed={"apikeyorg": "that http is refused, and with which words"},
    each=("/v1/videos", "/v1/images/generations", "/v1/music/generations"),
)
def https_only(stage: Stage, case: str) -> None:
    """A task is not made with an http:// callback_url of another machine, and is made with an https:// one."""
    known = {one.build(PROMPT).path: one for one in stage.driver.creations() if one.name != "form"}
    for address in (*FAR, "", 7):
        denied(stage, known[case].build(PROMPT, callback_url=address), "invalid", "callback_url")
    stage.start(None, known[case], callback_url="https://your-app.com/webhooks/api-key")
    stage.answered(Request.json(case, {**known[case].build(PROMPT).value(), "callback_url": None}))
