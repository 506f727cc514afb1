"""What the faults about refunds share: a task that fails, so that there is something to give back."""

from typing import ClassVar

from pydantic import Field

from soundstage.core.bent import Bent
from soundstage.core.faults import Place, Scene
from soundstage.core.task import Order
from soundstage.faults import Fault


class Failing(Fault):
    """A fault that lets the task fail when it should be done; on a task that fails anyway, only the refund is bent."""

    place: ClassVar[Place] = "task"

    reason: str | None = Field(
        default=None,
        max_length=500,
        description="the reason polls and callbacks show; else the provider's usual one",
    )

    def order(self, scene: Scene, order: Order) -> Order:
        """Let the plan end in failure."""
        return order._replace(outcome="failed", reason=self.reason or order.reason)

    def bend(self, scene: Scene, order: Order, bent: Bent) -> Bent:
        """Let a course that another fault gave the task end in failure as well."""
        return bent.ending(order.span_ms, "failed")
