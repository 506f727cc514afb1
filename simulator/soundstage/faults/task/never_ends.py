"""A task runs for ever."""

from soundstage.core.faults import CallScene
from soundstage.core.task import Order
from soundstage.core.timeline import TERMINAL
from soundstage.faults import TaskFault


class NeverEnds(TaskFault):
    """The task starts, runs, and never ends by itself; it stays charged and holds its slot, and no callback comes."""

    def order(self, scene: CallScene, order: Order) -> Order:
        """Take the end off the task's course."""
        return order._replace(course=tuple(point for point in order.timeline if point.state not in TERMINAL))
