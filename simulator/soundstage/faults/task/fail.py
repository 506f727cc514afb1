"""A task fails."""

from typing import Any, Literal

from pydantic import Field, field_validator

from soundstage.core.faults import CallScene
from soundstage.core.task import Order
from soundstage.core.timeline import Point
from soundstage.faults import TaskFault


class Fail(TaskFault):
    """The task is accepted and fails, at its start, half-way, at 99 % or when it should be done; credits come back."""

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

    def order(self, scene: CallScene, order: Order) -> Order:
        """Let the task end in failure."""
        if self.at == "99":
            late = Point(order.delay_ms + order.run_ms * 99 // 100, "running", 99)
            before = (point for point in order.timeline if point.offset_ms < late.offset_ms)
            order = order._replace(course=(*before, late))
        return order.failing(self.reason, at={"start": 0, "middle": 0.5}.get(self.at, 1))
