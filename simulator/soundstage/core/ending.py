"""How a task ends: at its time, cancelled, or redirected by hand; and what becomes of its credits and its slot.

A task's future part may be replaced, together with its event; its past never changes.
"""

from soundstage.core import timeline as tl
from soundstage.core.bent import bent_of
from soundstage.core.slots import give_back, leave
from soundstage.core.task import Task, start
from soundstage.core.timeline import Point, State
from soundstage.core.universe import the_key, the_universe
from soundstage.core.view import Tx
from soundstage.core.wallet import Movements, held, issue, release, settle


def end(tx: Tx, task: Task) -> Task:
    """Settle or release at the task's end, which is now; the outbox row is the engine's part."""
    movements, due = task.movements, None
    if task.due is not None:
        tx.delete("event", task.due)
    if task.state(tx.now) == "succeeded":
        movements = settle(tx, task.wallet, movements, task.cost)
    elif held(movements):
        movements, due = _give_back(tx, task)
    ended = _give_up_place(tx, task)._replace(movements=movements, due=due)
    tx.put("task", ended.id, ended)
    return ended


def _give_back(tx: Tx, task: Task) -> tuple[Movements, tuple[int, int] | None]:
    """Return the movements of a task that did not succeed, and when its credits come back if that is not now."""
    bent = bent_of(tx, task.id)
    if bent is None or bent.refund in {"usual", "due"}:
        return release(tx, task.wallet, task.movements), None
    if bent.refund == "never":
        return settle(tx, task.wallet, task.movements), None
    if bent.refund == "late":
        due = (tx.now + max(1, the_universe(tx).clock.span(bent.refund_after_ms)), tx.serial())
        tx.put("bent", task.id, bent._replace(refund="due"))
        tx.put("event", due, task.id)
        return task.movements, due
    twice = held(task.movements)
    issue(tx, task.wallet, twice, note=f"refunded once more for {task.id}")
    return release(tx, task.wallet, task.movements), None


def refund_late(tx: Tx, task: Task) -> Task:
    """Give the credits of a task back that ended before now, because a fault delayed it."""
    if task.due is not None:
        tx.delete("event", task.due)
    paid_back = task._replace(movements=release(tx, task.wallet, task.movements), due=None)
    tx.put("task", paid_back.id, paid_back)
    return paid_back


def cancel(tx: Tx, task: Task) -> Task:
    """End a task now as cancelled: one that waits costs nothing, of one that runs nothing is given back (ASSUMED).

    Raises ValueError when the task has ended.
    """
    running = task.state(tx.now) == "running"
    changed = redirect(tx, task, "cancelled")
    if running:
        changed = changed._replace(movements=settle(tx, changed.wallet, changed.movements))
        tx.put("task", changed.id, changed)
    return changed


def redirect(tx: Tx, task: Task, outcome: State | None, reason: str | None = None) -> Task:
    """Replace the task's future: end now with `outcome`, or never when it is None. Its past stays as it was.

    Raises ValueError when the task has ended, because what happened cannot change.
    """
    state = task.state(tx.now)
    if state in tl.TERMINAL:
        raise ValueError(f"task {task.id} has already ended as {state}; only a task under way can be changed")
    offset, timeline = tx.now - task.created_at, task.timeline
    progress = task.point(tx.now).progress
    future = () if outcome is None else (Point(offset, outcome, 100 if outcome == "succeeded" else progress),)
    if task.due is not None:
        tx.delete("event", task.due)
    due = None if outcome is None else (tx.now, tx.serial())
    if task.queued and outcome is None:
        # Stuck for good: whoever stands behind it in line must not wait for it.
        task = _give_up_place(tx, task)
    changed = task._replace(
        replaced=tl.replaced(timeline, offset, *future),
        outcome=outcome or task.outcome,
        reason=reason,
        due=due,
    )
    tx.put("task", changed.id, changed)
    if due is not None:
        tx.put("event", due, changed.id)
    return changed


def _give_up_place(tx: Tx, task: Task) -> Task:
    """Free what a task that ends holds, its slot or its place in line, and start who comes next."""
    if task.slot is None:
        return task
    account = the_key(tx, task.key_id).account
    if task.queued:
        leave(tx, account, task.id)
    else:
        for waiting in give_back(tx, account, task.slot):
            start(tx, waiting)
    return task._replace(slot=None, queued=False)
