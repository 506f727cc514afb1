"""A task fails and its credits come back late."""

from typing import Final

from pydantic import Field

from soundstage.core.bent import Bent
from soundstage.core.faults import Scene
from soundstage.core.task import Order
from soundstage.faults.money._failing import Failing

_LONGEST_SECONDS: Final = 30 * 86_400


class RefundLate(Failing):
    """The task fails when it should be done, and its credits come back long after; until then it counts as charged."""

    seconds: float = Field(
        default=3600,
        gt=0,
        le=_LONGEST_SECONDS,
        allow_inf_nan=False,
        description="how long after the failure, before the clock's speed",
    )

    def bend(self, scene: Scene, order: Order, bent: Bent) -> Bent:
        """Put the refund off."""
        late = int(self.seconds * 1000)
        return super().bend(scene, order, bent)._replace(refund="late", refund_after_ms=late)
