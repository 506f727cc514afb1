"""A receiver is flooded with copies of a callback."""

from pydantic import Field

from soundstage.core.faults import CallbackScene
from soundstage.core.outbox import Planned
from soundstage.faults import CallbackFault


class Flood(CallbackFault):
    """The callback is sent many times at the same instant, with the same event id and body, each rightly signed."""

    copies: int = Field(default=50, ge=2, le=1000, description="how often it is sent, all in all")

    def plan(self, scene: CallbackScene, planned: list[Planned]) -> list[Planned]:
        """Repeat the first callback, which tells of the end."""
        return [*planned, *planned[:1] * (self.copies - 1)]
