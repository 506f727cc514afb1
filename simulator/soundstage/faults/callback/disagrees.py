"""A callback says the opposite of what polls say."""

from soundstage.core.faults import CallbackScene
from soundstage.core.outbox import Planned
from soundstage.core.task import Task
from soundstage.core.timeline import Point, State
from soundstage.core.view import Tx
from soundstage.core.wallet import total
from soundstage.faults import CallbackFault


class Disagrees(CallbackFault):
    """The callback, rightly signed, tells of a failure where polls and the bill tell of a success, or the reverse."""

    def plan(self, scene: CallbackScene, planned: list[Planned]) -> list[Planned]:
        """Let callbacks about the end tell of the other end."""
        scheme, task = scene.scheme, scene.task
        other = _opposite(scene.tx, task)
        end, event, body = scheme.event(task), scheme.event(other), scene.body(other)
        return [one._replace(event=event, body=body) if one.event == end else one for one in planned]


def _opposite(tx: Tx, task: Task) -> Task:
    """Return a task as it would be had it ended the other way, its bill included."""
    outcome: State = "failed" if task.outcome == "succeeded" else "succeeded"
    points, price = task.timeline, total(task.movements, "reserve")
    end = Point(points[-1].offset_ms, outcome, 100 if outcome == "succeeded" else points[-1].progress)
    paid = 0 if outcome == "failed" else price if task.cost is None else task.cost
    bill = (*task.movements[:3], "settle", tx.now, paid, "release", tx.now, price - paid)
    return task._replace(replaced=(*points[:-1], end), outcome=outcome, reason=None, movements=bill)
