"""A task is accepted, and refused by moderation while it runs."""

from typing import ClassVar

from pydantic import Field

from soundstage.core.bent import Bent
from soundstage.core.faults import Place, Scene
from soundstage.core.task import Order
from soundstage.faults import Fault

# It takes a look at what has been made so far.
_SHARE = 3


class Moderation(Fault):
    """The create is accepted, and a third into its run the task is refused by moderation; its credits come back."""

    place: ClassVar[Place] = "task"

    reason: str = Field(
        default="The request was refused by our moderation: the prompt may violate the content policy.",
        min_length=1,
        max_length=500,
        description="the reason polls and callbacks show",
    )

    def order(self, scene: Scene, order: Order) -> Order:
        """Let the plan end in the refusal."""
        return order._replace(outcome="failed", run_ms=order.run_ms // _SHARE, reason=self.reason)

    def bend(self, scene: Scene, order: Order, bent: Bent) -> Bent:
        """Let a course that another fault gave the task end in the refusal as well."""
        return bent.ending(order.span_ms, "failed")
