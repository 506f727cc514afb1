"""An earlier event arrives after the last one."""

from pydantic import Field

from soundstage.core.faults import CallbackScene
from soundstage.core.outbox import Planned
from soundstage.core.task import Task
from soundstage.core.timeline import TERMINAL, Point
from soundstage.faults import CallbackFault
from soundstage.faults.spans import Milliseconds


class OutOfOrder(CallbackFault):
    """After the callback about the end another one comes, rightly signed, that says the task is still running."""

    gap_ms: Milliseconds = Field(
        default=1000, gt=0, description="milliseconds between the two, before the clock's speed"
    )

    def plan(self, scene: CallbackScene, planned: list[Planned]) -> list[Planned]:
        """Add what was true just before the end, in its own body and under its own event id."""
        scheme, task = scene.scheme, scene.task
        before = _still_running(task)
        last = max((one.delay_ms for one in planned), default=0)
        early = Planned(scheme.event(before), scene.body(before), last + self.gap_ms)
        return [*planned, early]


def _still_running(task: Task) -> Task:
    """Return a task as it was before its end: on its way, its price reserved and nothing more."""
    points = tuple(point for point in task.timeline if point.state not in TERMINAL)
    if points[-1].state != "running":
        points = (*points, Point(points[-1].offset_ms, "running", 0))
    return task._replace(replaced=points, outcome="running", reason=None, movements=task.movements[:3], due=None)
