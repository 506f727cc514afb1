"""A task fails and nobody says why."""

from typing import Any

from soundstage.core.faults import CallScene, TaskScene
from soundstage.core.paths import changed
from soundstage.core.task import Order
from soundstage.faults import TaskFault


class NoReason(TaskFault):
    """The task fails when it should be done, and polls and callbacks show no reason at all; credits come back."""

    def order(self, scene: CallScene, order: Order) -> Order:
        """Let the task end in failure."""
        return order.failing(None)

    def view(self, scene: TaskScene, body: dict[str, Any]) -> dict[str, Any]:
        """Show the reason as it is before there is one."""
        if scene.task.state(scene.tx.now) == "failed":
            shape = scene.provider.shape
            body = changed(body, shape.reason, shape.no_reason)
        return body
