"""A task fails and nobody says why."""

from typing import Any, ClassVar

from soundstage.core.bent import Bent
from soundstage.core.faults import Place, Scene
from soundstage.core.task import Order
from soundstage.faults import Fault
from soundstage.faults.bodies import with_value


class NoReason(Fault):
    """The task fails when it should be done, and polls and callbacks show no reason at all; credits come back."""

    place: ClassVar[Place] = "task"

    def order(self, scene: Scene, order: Order) -> Order:
        """Let the plan end in failure."""
        return order._replace(outcome="failed", reason=None)

    def bend(self, scene: Scene, order: Order, bent: Bent) -> Bent:
        """Let a course that another fault gave the task end in failure as well."""
        return bent.ending(order.span_ms, "failed")

    def view(self, scene: Scene, body: dict[str, Any]) -> dict[str, Any]:
        """Show the reason as it is before there is one."""
        if scene.task is None or scene.task.state(scene.tx.now) != "failed":
            return body
        shape = scene.provider.shape
        return with_value(body, shape.reason, shape.no_reason)
