"""A task waits for ever."""

from soundstage.core.faults import CallScene
from soundstage.core.task import Order
from soundstage.core.timeline import IN_LINE
from soundstage.faults import TaskFault


class StuckWaiting(TaskFault):
    """The task is accepted and charged and never begins to run; where jobs need a slot, it holds one all the same."""

    def order(self, scene: CallScene, order: Order) -> Order:
        """Let the task's course be one long wait."""
        return order._replace(course=IN_LINE)
