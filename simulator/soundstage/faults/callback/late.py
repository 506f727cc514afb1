"""A callback comes late."""

from pydantic import Field

from soundstage.core.faults import CallbackScene
from soundstage.core.outbox import Planned
from soundstage.faults import CallbackFault
from soundstage.faults.spans import Seconds


class Late(CallbackFault):
    """The callback leaves this long after the task's end; polls have known of the end all that time."""

    seconds: Seconds = Field(default=600, description="how late, before the clock's speed")

    def plan(self, scene: CallbackScene, planned: list[Planned]) -> list[Planned]:
        """Put every callback off."""
        return [one._replace(delay_ms=one.delay_ms + int(self.seconds * 1000)) for one in planned]
