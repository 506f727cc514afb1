"""A task runs for ever."""

from typing import ClassVar

from soundstage.core.bent import Bent
from soundstage.core.faults import Place, Scene
from soundstage.core.task import Order
from soundstage.core.timeline import TERMINAL
from soundstage.faults import Fault


class NeverEnds(Fault):
    """The task starts, runs, and never ends by itself; it stays charged and holds its slot, and no callback comes."""

    place: ClassVar[Place] = "task"

    def bend(self, scene: Scene, order: Order, bent: Bent) -> Bent:
        """Take the end off the task's course."""
        course = bent.timeline or order.timeline
        return bent._replace(timeline=tuple(point for point in course if point.state not in TERMINAL))
