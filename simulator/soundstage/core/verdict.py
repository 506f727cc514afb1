"""The verdict on an app: what it believes about its tasks and its money, held against what is true.

Every finding is something that costs a team credits or trust in production and shows in no status code.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from soundstage.core.money import decimal_text
from soundstage.core.task import Task, was_collected
from soundstage.core.timeline import TERMINAL, State
from soundstage.core.view import Tx
from soundstage.core.wallet import charged

Kind = Literal[
    "orphan-paid-task",
    "double-charge",
    "refund-while-billed",
    "wrong-outcome",
    "other-charge",
    "unknown-task",
    "result-never-collected",
    "bad-signature-accepted",
]
# What an app may say became of a task; `refunded` is failed, and the credits counted as returned. Who says `unknown`
# has left the task to a person, which is never wrong.
Outcome = Literal["succeeded", "failed", "cancelled", "refunded", "pending", "unknown"]
_Request = tuple[str, str, bytes]
_GIVEN_UP: Final = frozenset({"failed", "cancelled", "refunded"})


class Belief(NamedTuple):
    """What an app believes about one task; `micros` are the credits it counts, None where it keeps no count."""

    task_id: str
    outcome: Outcome
    micros: int | None = None


class Finding(NamedTuple):
    """One thing that is not as it should be; `micros` are the credits at stake."""

    kind: Kind
    message: str
    task_id: str | None = None
    micros: int = 0


def judge(tx: Tx, beliefs: Sequence[Belief] | None) -> list[Finding]:
    """Return what is wrong, in order of the tasks; without beliefs only what needs none can be told."""
    tasks: dict[str, Task] = {task.id: task for _, task in tx.scan("task")}
    found = list(_of_signatures(tx))
    if beliefs is None:
        return [*(one for task in tasks.values() for one in _of_results(tx, task)), *found]
    known = {belief.task_id: belief for belief in beliefs}
    alike: dict[_Request, list[str]] = defaultdict(list)
    for task in tasks.values():
        alike[_asked(task)].append(task.id)
    for task in tasks.values():
        twin = next((name for name in alike[_asked(task)] if name in known and name != task.id), None)
        found += _of_task(tx, task, known.get(task.id), twin)
    for belief in beliefs:
        if belief.task_id not in tasks:
            found.append(Finding("unknown-task", f"The app names task {belief.task_id[:80]}, and there is none.", None))
    return found


def _asked(task: Task) -> _Request:
    """Return what a task was asked for, and by whom."""
    return task.key_id, task.operation, task.request


def _of_task(tx: Tx, task: Task, belief: Belief | None, twin: str | None) -> Iterator[Finding]:
    costs, state = charged(task.movements), task.state(tx.now)
    shown = decimal_text(costs)
    if belief is None:
        if costs and twin is not None:
            text = (
                f"Task {task.id} costs {shown} credits and does what {twin} was asked for; the app knows only that one."
            )
            yield Finding("double-charge", text, task.id, costs)
        elif costs:
            text = f"Task {task.id} is {state}, costs {shown} credits, and the app does not know of it."
            yield Finding("orphan-paid-task", text, task.id, costs)
        return
    if belief.outcome in _GIVEN_UP and costs:
        text = f"The app counts task {task.id} as {belief.outcome}; it is {state} and costs {shown} credits."
        yield Finding("refund-while-billed", text, task.id, costs)
    elif not _agree(belief.outcome, state):
        text = f"The app counts task {task.id} as {belief.outcome}; it is {state}."
        yield Finding("wrong-outcome", text, task.id, costs)
    elif belief.outcome == "succeeded":
        yield from _of_results(tx, task)
    if belief.micros is not None and belief.micros != costs:
        text = f"The app counts {decimal_text(belief.micros)} credits for task {task.id}; it costs {shown}."
        yield Finding("other-charge", text, task.id, abs(belief.micros - costs))


def _agree(outcome: Outcome, state: State) -> bool:
    if outcome == "unknown":
        return True
    if state not in TERMINAL:
        return outcome != "succeeded"
    return outcome == state or (outcome in _GIVEN_UP and state in {"failed", "cancelled"})


def _of_results(tx: Tx, task: Task) -> Iterator[Finding]:
    costs = charged(task.movements)
    if task.state(tx.now) == "succeeded" and costs and not was_collected(tx, task.id):
        shown = decimal_text(costs)
        text = f"Task {task.id} succeeded and costs {shown} credits; nobody ever got the whole of its result."
        yield Finding("result-never-collected", text, task.id, costs)


def _of_signatures(tx: Tx) -> Iterator[Finding]:
    accepted: dict[str, list[int]] = defaultdict(list)
    for _, delivery in tx.scan("delivery"):
        for number, attempt in enumerate(delivery.attempts, 1):
            if attempt.forged and 200 <= attempt.status < 300:
                accepted[delivery.task_id].append(number)
    for task_id, numbers in accepted.items():
        times = "" if len(numbers) == 1 else f" {len(numbers)} times"
        text = f"A callback about task {task_id} was not signed as it must be, and the receiver took it{times}."
        yield Finding("bad-signature-accepted", text, task_id)
