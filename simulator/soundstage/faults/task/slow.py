"""A task takes longer than it should."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from pydantic import Field

from soundstage.core.faults import CallScene
from soundstage.core.task import Order
from soundstage.faults import TaskFault
from soundstage.faults.spans import Seconds

# Faults that stretch a task stretch each other; no clock counts on for ever.
_LONGEST_MS: Final = 365 * 86_400_000


class Slow(TaskFault):
    """The task takes longer than it should and then ends as it would have; it is charged as usual."""

    trials: ClassVar[tuple[Mapping[str, Any], ...]] = ({"factor": 100},)

    factor: float = Field(default=10, ge=1, le=1000, allow_inf_nan=False, description="how many times as long it takes")
    seconds: Seconds | None = Field(
        default=None, description="how long it takes in all, in place of the factor, before the clock's speed"
    )

    def order(self, scene: CallScene, order: Order) -> Order:
        """Stretch the plan, its wait and its run alike, and a course that another fault gave the task."""
        last = order.timeline[-1].offset_ms
        if order.course is not None and last:
            points = (point._replace(offset_ms=point.offset_ms * self._long(last) // last) for point in order.timeline)
            order = order._replace(course=tuple(points))
        whole = self._long(order.span_ms)
        delay = whole * order.delay_ms // max(1, order.span_ms)
        return order._replace(delay_ms=delay, run_ms=whole - delay)

    def _long(self, span_ms: int) -> int:
        """Return how long takes what should take `span_ms`."""
        wanted = span_ms * self.factor if self.seconds is None else self.seconds * 1000
        return max(1, int(min(wanted, _LONGEST_MS)))
