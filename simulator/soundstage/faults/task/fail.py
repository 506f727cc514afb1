"""A task fails."""

from typing import ClassVar, Literal

from pydantic import Field

from soundstage.core.faults import Place, Scene
from soundstage.core.task import Order
from soundstage.faults import Fault


class Fail(Fault):
    """The task is accepted, and fails: at its start, half-way, or when it should have been done."""

    place: ClassVar[Place] = "task"

    at: Literal["start", "middle", "end"] = "end"
    reason: str | None = Field(default=None, max_length=500, description="the reason polls and callbacks show")

    def order(self, scene: Scene, order: Order) -> Order:
        """Let the plan end in failure."""
        run = {"start": 0, "middle": order.run_ms // 2, "end": order.run_ms}[self.at]
        return order._replace(outcome="failed", run_ms=run, reason=self.reason)
