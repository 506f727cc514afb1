"""A task fails and its credits come back late."""

from typing import ClassVar

from pydantic import Field

from soundstage.core.bent import Refund
from soundstage.core.faults import CallScene
from soundstage.core.task import Order
from soundstage.faults.money._failing import Failing
from soundstage.faults.spans import Seconds


class RefundLate(Failing):
    """The task fails when it should be done, and its credits come back long after; until then it counts as charged."""

    refund: ClassVar[Refund] = "late"

    seconds: Seconds = Field(default=3600, gt=0, description="how long after the failure, before the clock's speed")

    def order(self, scene: CallScene, order: Order) -> Order:
        """Put the refund off."""
        return super().order(scene, order)._replace(refund_after_ms=int(self.seconds * 1000))
