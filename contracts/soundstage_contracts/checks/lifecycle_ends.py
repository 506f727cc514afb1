"""How a task ends and what leaves it alone: failures, cancelling, other tasks, polls, and the passing of time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from soundstage_contracts.checks.creation_cases import before_spending
from soundstage_contracts.oracles.lifecycle import check_ended, check_order, check_words
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import expect
from soundstage_contracts.walking import creations, ends, open_words, reach, task_in, views, words

DAY = 86_400.0
MOMENTS = ("start", "middle", "99", "end")
"""When a task fails by itself."""


@promise(
    "LIFE-008",
    {"revidapi": "R-REV-103", "v2gateway": "R-V2-053", "apikeyorg": "R-KEY-060"},
    assumed={
        "midsync": "that an end is final is a reading of its word",
        "v2gateway": "the document does not say that an end is final, its original does (R-V2-053)",
        "revidapi": "that an end is final is a reading (R-REV-103)",
    },
    each=ends,
)
def ends_are_final(stage: Stage, end: str) -> None:
    """A task that has ended stays exactly as it is, whoever looks and however much later."""
    task = task_in(stage, end)
    first = stage.poll(task)
    expect(first.state == end, f"the task should be {end!r} and is {first.state!r}")
    body = stage.poll_reply(task).object()
    for seconds in (0.0, 1.0, DAY, 30 * DAY) if stage.target.adapter is not None else (0.0,):
        if seconds:
            stage.pass_seconds(seconds, task.account)
        reply = stage.poll_reply(task)
        now = stage.driver.view(reply)
        kept = (now.state, now.reason, now.times) == (first.state, first.reason, first.times)
        expect(kept, f"the task had ended as {first.state!r}, and now it is {now.state!r}, {now.reason!r}, {now.times}")
        if stage.assumptions:
            changed = changes(body, reply.object())
            expect(not changed, f"the task had ended, and then {', '.join(changed)} changed")


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the names of the fields that two bodies have not in common."""
    return sorted(name for name in {**before, **after} if before.get(name, ...) != after.get(name, ...))


@promise(
    "LIFE-009",
    {
        "midsync": "R-MID-091 R-MID-093 R-MID-130",
        "revidapi": "R-REV-100 R-REV-102",
        "v2gateway": "R-V2-042 R-V2-050 R-V2-073",
        "apikeyorg": "R-KEY-046",
    },
    assumed={"apikeyorg": "the word failed and the error of a task are in no document (R-KEY-046)"},
    each=open_words,
)
def failure_says_why(stage: Stage, before: str) -> None:
    """A task that fails, waiting or running, shows the failure's word and a reason, and no result."""
    before_spending(stage)
    task = stage.start(stage.account())
    reach(stage, task, before)
    view = stage.failed(task, "The contract suite made this task fail.")
    life = stage.driver.life
    expect(view.state == life.failure, f"a task that failed is {life.failure!r}, and this one {view.state!r}")
    expect(view.id in {task.id, ""}, f"task {task.id} is shown as {view.id!r}")
    check_ended(life, view)


@promise(
    "LIFE-010",
    {
        "midsync": "R-MID-091 R-MID-130",
        "revidapi": "R-REV-100 R-REV-102",
        "v2gateway": "R-V2-042 R-V2-050",
        "apikeyorg": "R-KEY-046",
    },
    assumed={
        "midsync": "when a task may fail is in no document",
        "revidapi": "when a job may fail is in no document",
        "v2gateway": "when a task may fail is in no document",
        "apikeyorg": "when a task may fail is in no document",
    },
    each=MOMENTS,
)
def failing_is_legal(stage: Stage, moment: str) -> None:
    """A task that fails by itself goes a legal way to its failure, with no result on it and a reason at the end."""
    account = stage.account()
    stage.adapter.fault(account, "task/fail", at=moment)
    life = stage.driver.life
    seen = views(stage, stage.start(account))
    check_words(life, seen)
    check_order(life, seen)
    for view in seen:
        check_ended(life, view)
    expect(seen[-1].state == life.failure, f"the task should have failed and is {seen[-1].state!r}")


@promise(
    "LIFE-011",
    {
        "midsync": "R-MID-025",
        "revidapi": "R-REV-100",
        "v2gateway": "R-V2-002",
        "apikeyorg": "R-KEY-027",
    },
    each=words,
)
def looking_changes_nothing(stage: Stage, state: str) -> None:
    """However often a task is polled, the polls change neither the task nor the balance."""
    before_spending(stage)
    account = stage.account()
    task = stage.start(account)
    reach(stage, task, state)
    books = stage.books(account)
    body = stage.poll_reply(task).json()
    for _ in range(10):
        expect(stage.poll_reply(task).json() == body, "time stood still, and another poll says something else")
    expect(stage.books(account) == books, "polls changed the balance")


@promise(
    "LIFE-012",
    {
        "midsync": "R-MID-051",
        "revidapi": "R-REV-031",
        "v2gateway": "R-V2-030",
        "apikeyorg": "R-KEY-042",
    },
    each=creations,
)
def twins_are_two(stage: Stage, creation: str) -> None:
    """The same create sent twice makes two tasks, each with an id and a life of its own."""
    account = stage.account()
    one, other = stage.start(account, creation), stage.start(account, creation)
    expect(one.id != other.id, f"two creates gave the same id {one.id}")
    for task in (one, other):
        view = stage.poll(task)
        expect(view.id in {task.id, ""}, f"task {task.id} is shown as {view.id!r}")
    if stage.target.adapter is not None:
        alone = stage.poll_reply(other).json()
        expect(stage.failed(one).state == stage.driver.life.failure, "one of two tasks was made to fail and did not")
        expect(stage.poll_reply(other).json() == alone, "the failure of one task changed another")


@promise(
    "LIFE-013",
    assumed={
        "midsync": "no document says how long a task may take",
        "revidapi": "no document says how long a job may take",
        "v2gateway": "a time-out is configurable in the family (R-V2-057), and there is none by default",
        "apikeyorg": "no document says how long a task may take",
    },
    each=open_words,
)
def stuck_stays(stage: Stage, state: str) -> None:
    """A task that hangs, waiting or running, stays as it is: it neither ends nor fails by the passing of time."""
    account = stage.account()
    stalls = {stage.driver.life.initial: "task/stuck-waiting", stage.driver.life.running: "task/never-ends"}
    stage.adapter.fault(account, stalls[state])
    task = stage.start(account)
    reach(stage, task, state)
    for seconds in (600.0, DAY):
        stage.pass_seconds(seconds, account)
        view = stage.poll(task)
        expect(view.state == state, f"a task that hangs in {state!r} became {view.state!r}")
        check_ended(stage.driver.life, view)


@promise(
    "LIFE-015",
    {
        "midsync": "R-MID-025 R-MID-091",
        "revidapi": "R-REV-100",
        "v2gateway": "R-V2-040",
        "apikeyorg": "R-KEY-027",
    },
)
def tasks_are_kept_apart(stage: Stage) -> None:
    """Of two tasks that are under way together, each poll tells of the one it asked for, to its end."""
    account = stage.account()
    one = stage.start(account)
    other = stage.start(account, one.creation, "A lighthouse in the fog")
    links = []
    for task in (one, other, one):
        view = stage.follow(task)[-1]
        expect(view.id in {task.id, ""}, f"task {task.id} is shown as {view.id!r}")
        links.append(view.results)
    expect(links[0] == links[2], "a poll of another task changed a task's result")
    expect(not set(links[0]) & set(links[1]), "two tasks show the same result")
