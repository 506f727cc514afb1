"""What the faults about refunds share: a task that fails, so that there is something to give back."""

from typing import ClassVar

from pydantic import Field

from soundstage.core.bent import Refund
from soundstage.core.faults import CallScene
from soundstage.core.task import Order
from soundstage.faults import TaskFault


class Failing(TaskFault):
    """A fault that lets the task fail when it should be done; on a task that fails anyway, only the refund is bent."""

    refund: ClassVar[Refund]

    reason: str | None = Field(
        default=None,
        max_length=500,
        description="the reason polls and callbacks show; else the provider's usual one",
    )

    def order(self, scene: CallScene, order: Order) -> Order:
        """Let the task end in failure, and say what becomes of its credits."""
        return order.failing(self.reason or order.reason)._replace(refund=self.refund)
