"""Takes a task along its life: poll by poll to an end, or into the state a check is about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from soundstage_contracts import clock
from soundstage_contracts.drivers.base import Driver, TaskView
from soundstage_contracts.exchange import Reply
from soundstage_contracts.verdict import NotReached

if TYPE_CHECKING:
    from soundstage_contracts.stage import Stage
    from soundstage_contracts.target import Started

MOST_LOOKS = 600


class Look(NamedTuple):
    """One poll of a walk: seconds since its beginning, the reply, and what it says."""

    after: float
    reply: Reply
    view: TaskView


def walk(
    stage: Stage,
    task: Started,
    until: Iterable[str] | None = None,
    stride: float | None = None,
    *,
    by_events: bool = False,
) -> list[Look]:
    """Poll a task until it is in one of `until` (an end when None), and return every poll with its seconds.

    Between two polls `stride` seconds go by, or ever more when it is None: short enough to see every state, which the
    target's own next event may jump over. With `by_events` time goes on to that event, which is faster. Where nobody
    can move the time, it is waited for. Raises NotReached when the task ends elsewhere, or not in time.
    """
    terminal = stage.driver.life.terminal
    wanted = terminal if until is None else frozenset(until)
    looks: list[Look] = []
    passed, began = 0.0, clock.monotonic()
    while len(looks) < MOST_LOOKS or stage.target.adapter is None:
        reply = stage.poll_reply(task)
        looks.append(Look(passed, reply, stage.driver.view(reply)))
        if looks[-1].view.state in wanted:
            return looks
        if looks[-1].view.state in terminal or clock.monotonic() - began > stage.target.patience:
            break
        if not by_events:
            passed += stage.stride(task.account, passed, stride)
        elif not stage.step(task.account):
            break
    raise NotReached(f"task {task.id} never was {' or '.join(sorted(wanted))}; its status is {looks[-1].view.state!r}")


def views(stage: Stage, task: Started) -> list[TaskView]:
    """Poll a task to its end and return what the polls said, fine enough to see every state."""
    return [look.view for look in walk(stage, task)]


def reach(stage: Stage, task: Started, state: str) -> TaskView:
    """Bring a task into a state and return what a poll says then."""
    life = stage.driver.life
    if state == life.success:
        return stage.follow(task)[-1]
    if state == life.failure:
        return stage.failed(task)
    if state == life.cancelled:
        stage.answered(stage.driver.cancel(task.id), task.account)
    return stage.until(task, state)


def task_in(stage: Stage, state: str, creation: str | None = None) -> Started:
    """Make a task and bring it into a state; raises NotTested, and makes none, where only an adapter could do that."""
    if state == stage.driver.life.failure:
        _ = stage.adapter
    task = stage.start(stage.account(), creation)
    reach(stage, task, state)
    return task


def creations(driver: Driver) -> list[str]:
    """Return the names of the ways to make a task."""
    return [creation.name for creation in driver.creations()]


def words(driver: Driver) -> tuple[str, ...]:
    """Return the states a task can be brought into."""
    return driver.life.words


def ends(driver: Driver) -> list[str]:
    """Return the states a task can end in."""
    return [word for word in driver.life.words if word in driver.life.terminal]


def open_words(driver: Driver) -> list[str]:
    """Return the states a task passes."""
    return [word for word in driver.life.words if word not in driver.life.terminal]
