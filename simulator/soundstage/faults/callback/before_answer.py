"""A callback overtakes the answer to the call that created its task."""

from typing import ClassVar

from soundstage.core.call import Reply
from soundstage.core.faults import CallScene, Need
from soundstage.core.task import Order, Task
from soundstage.faults import TaskFault


class BeforeAnswer(TaskFault):
    """The task ends at once, and its callback arrives before the create call is answered (which waits 5 s at most)."""

    needs: ClassVar[frozenset[Need]] = frozenset({"callback"})

    def order(self, scene: CallScene, order: Order) -> Order:
        """Let the task end as soon as it is created, whatever course another fault gave it."""
        return order._replace(delay_ms=0, run_ms=0, course=None)

    def after(self, scene: CallScene, task: Task, reply: Reply) -> Reply:
        """Let the callback go first."""
        return reply.leaving(after_callbacks=True)
