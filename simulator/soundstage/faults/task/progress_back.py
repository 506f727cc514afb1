"""A task's progress goes back half-way."""

from typing import ClassVar

from pydantic import Field

from soundstage.core.faults import CallScene, Need
from soundstage.core.task import Order
from soundstage.core.timeline import Point
from soundstage.faults import TaskFault

_HALF = 50


class ProgressBack(TaskFault):
    """Half-way the task's progress falls back and climbs again, where polls show progress; it ends as it would have."""

    needs: ClassVar[frozenset[Need]] = frozenset({"progress"})

    by: int = Field(default=40, ge=1, le=_HALF, description="how far it falls back, in percent of the whole")

    def order(self, scene: CallScene, order: Order) -> Order:
        """Let the second half of the run show less than the first."""
        return order._replace(course=tuple(self._back(point) for point in order.timeline))

    def _back(self, point: Point) -> Point:
        falls = point.state == "running" and point.progress >= _HALF
        return point._replace(progress=point.progress - self.by) if falls else point
