"""A task runs for ever."""

from soundstage.core.faults import CallScene
from soundstage.core.task import Order
from soundstage.core.timeline import TERMINAL, Point
from soundstage.faults import TaskFault


class NeverEnds(TaskFault):
    """The task starts, runs, and never ends by itself; it stays charged and holds its slot, and no callback comes."""

    def order(self, scene: CallScene, order: Order) -> Order:
        """Take the end off the task's course."""
        course = tuple(point for point in order.timeline if point.state not in TERMINAL)
        if course[-1].state != "running":
            # Another fault lets it wait for ever, or end where it should begin to run.
            course = (*course, Point(max(order.delay_ms, course[-1].offset_ms), "running", 0))
        return order._replace(course=course)
