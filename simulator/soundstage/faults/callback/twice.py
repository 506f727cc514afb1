"""A callback comes twice."""

from typing import ClassVar

from pydantic import Field

from soundstage.core.faults import Place, Scene
from soundstage.core.outbox import Planned
from soundstage.faults import Fault


class Twice(Fault):
    """The callback is sent two times, with the same event id and body, each rightly signed and retried on its own."""

    place: ClassVar[Place] = "callback"

    gap_ms: int = Field(
        default=0, ge=0, le=86_400_000, description="milliseconds between the two, before the clock's speed; 0: at once"
    )

    def plan(self, scene: Scene, planned: list[Planned]) -> list[Planned]:
        """Add one more of each."""
        return [*planned, *(one._replace(delay_ms=one.delay_ms + self.gap_ms) for one in planned)]
