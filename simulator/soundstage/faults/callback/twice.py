"""A callback comes twice."""

from pydantic import Field

from soundstage.core.faults import CallbackScene
from soundstage.core.outbox import Planned
from soundstage.faults import CallbackFault
from soundstage.faults.spans import Milliseconds


class Twice(CallbackFault):
    """The callback is sent two times, with the same event id and body, each rightly signed and retried on its own."""

    gap_ms: Milliseconds = Field(
        default=0, description="milliseconds between the two, before the clock's speed; 0: at once"
    )

    def plan(self, scene: CallbackScene, planned: list[Planned]) -> list[Planned]:
        """Add one more of each."""
        return [*planned, *(one._replace(delay_ms=one.delay_ms + self.gap_ms) for one in planned)]
