"""A callback comes late."""

from typing import ClassVar

from pydantic import Field

from soundstage.core.faults import Place, Scene
from soundstage.core.outbox import Planned
from soundstage.faults import Fault

_LONGEST_SECONDS = 30 * 86_400


class Late(Fault):
    """The callback leaves this long after the task's end; polls have known of the end all that time."""

    place: ClassVar[Place] = "callback"

    seconds: float = Field(
        default=600, ge=0, le=_LONGEST_SECONDS, allow_inf_nan=False, description="how late, before the clock's speed"
    )

    def plan(self, scene: Scene, planned: list[Planned]) -> list[Planned]:
        """Put every callback off."""
        return [one._replace(delay_ms=one.delay_ms + int(self.seconds * 1000)) for one in planned]
