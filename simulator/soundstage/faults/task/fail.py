"""A task fails."""

from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from soundstage.core.bent import Bent
from soundstage.core.faults import Place, Scene
from soundstage.core.task import Order
from soundstage.core.timeline import Point
from soundstage.faults import Fault


class Fail(Fault):
    """The task is accepted and fails, at its start, half-way, at 99 % or when it should be done; credits come back."""

    place: ClassVar[Place] = "task"

    at: Literal["start", "middle", "99", "end"] = Field(
        default="end", description="when: as it starts, half-way, after it has shown 99 %, or when it should be done"
    )
    reason: str | None = Field(
        default=None, max_length=500, description="the reason polls and callbacks show; else the provider's usual one"
    )

    @field_validator("at", mode="before")
    @classmethod
    def _as_text(cls, given: Any) -> Any:
        # A header or a scenario file reads 99 as a number.
        return "99" if given == 99 else given

    def order(self, scene: Scene, order: Order) -> Order:
        """Let the plan end in failure."""
        run = {"start": 0, "middle": order.run_ms // 2}.get(self.at, order.run_ms)
        return order._replace(outcome="failed", run_ms=run, reason=self.reason)

    def bend(self, scene: Scene, order: Order, bent: Bent) -> Bent:
        """Let a course that another fault gave the task end in failure as well."""
        if self.at == "99":
            late = Point(order.delay_ms + order.run_ms * 99 // 100, "running", 99)
            before = tuple(one for one in bent.timeline or order.timeline if one.offset_ms < late.offset_ms)
            bent = bent._replace(timeline=(*before, late))
        return bent.ending(order.span_ms, "failed")
