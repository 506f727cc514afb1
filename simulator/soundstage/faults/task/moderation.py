"""A task is accepted, and refused by moderation while it runs."""

from pydantic import Field

from soundstage.core.faults import CallScene
from soundstage.core.task import Order
from soundstage.faults import TaskFault

# It takes a look at what has been made so far.
_SHARE = 1 / 3


class Moderation(TaskFault):
    """The create is accepted, and a third into its run the task is refused by moderation; its credits come back."""

    reason: str = Field(
        default="The request was refused by our moderation: the prompt may violate the content policy.",
        min_length=1,
        max_length=500,
        description="the reason polls and callbacks show",
    )

    def order(self, scene: CallScene, order: Order) -> Order:
        """Let the task end in the refusal."""
        return order.failing(self.reason, at=_SHARE)
