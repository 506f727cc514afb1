"""A task's progress goes back half-way."""

from typing import ClassVar

from pydantic import Field

from soundstage.core.bent import Bent
from soundstage.core.faults import Need, Place, Scene
from soundstage.core.task import Order
from soundstage.core.timeline import Point
from soundstage.faults import Fault

_HALF = 50


class ProgressBack(Fault):
    """Half-way the task's progress falls back and climbs again, where polls show progress; it ends as it would have."""

    place: ClassVar[Place] = "task"
    needs: ClassVar[frozenset[Need]] = frozenset({"progress"})

    by: int = Field(default=40, ge=1, le=_HALF, description="how far it falls back, in percent of the whole")

    def bend(self, scene: Scene, order: Order, bent: Bent) -> Bent:
        """Let the second half of the run show less than the first."""
        if scene.provider.shape.progress is None:
            return bent
        return bent._replace(timeline=tuple(self._back(point) for point in bent.timeline or order.timeline))

    def _back(self, point: Point) -> Point:
        falls = point.state == "running" and point.progress >= _HALF
        return point._replace(progress=point.progress - self.by) if falls else point
