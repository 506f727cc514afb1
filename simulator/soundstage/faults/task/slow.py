"""A task takes longer than it should."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from pydantic import Field

from soundstage.core.bent import Bent
from soundstage.core.faults import Place, Scene
from soundstage.core.task import Order
from soundstage.faults import Fault

_LONGEST_SECONDS: Final = 30 * 86_400


class Slow(Fault):
    """The task takes longer than it should and then ends as it would have; it is charged as usual."""

    place: ClassVar[Place] = "task"
    trials: ClassVar[tuple[Mapping[str, Any], ...]] = ({"factor": 100},)

    factor: float = Field(default=10, ge=1, le=1000, allow_inf_nan=False, description="how many times as long it takes")
    seconds: float | None = Field(
        default=None,
        gt=0,
        le=_LONGEST_SECONDS,
        allow_inf_nan=False,
        description="how long it takes in all, in place of the factor, before the clock's speed",
    )

    def order(self, scene: Scene, order: Order) -> Order:
        """Stretch the plan: its wait and its run alike."""
        if self.seconds is None:
            return order._replace(delay_ms=int(order.delay_ms * self.factor), run_ms=int(order.run_ms * self.factor))
        whole = int(self.seconds * 1000)
        delay = whole * order.delay_ms // max(1, order.span_ms)
        return order._replace(delay_ms=delay, run_ms=whole - delay)

    def bend(self, scene: Scene, order: Order, bent: Bent) -> Bent:
        """Stretch a course that another fault gave the task."""
        course = bent.timeline
        if course is None or not course[-1].offset_ms:
            return bent
        last = course[-1].offset_ms
        long = int(last * self.factor) if self.seconds is None else int(self.seconds * 1000)
        points = (point._replace(offset_ms=point.offset_ms * long // last) for point in course)
        return bent._replace(timeline=tuple(points))
