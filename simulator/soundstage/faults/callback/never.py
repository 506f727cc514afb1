"""A callback never comes."""

from typing import ClassVar

from soundstage.core.faults import Place, Scene
from soundstage.core.outbox import Planned
from soundstage.faults import Fault


class Never(Fault):
    """The task ends and is billed as usual, and no callback is ever sent; the delivery is written down as dropped."""

    place: ClassVar[Place] = "callback"

    def plan(self, scene: Scene, planned: list[Planned]) -> list[Planned]:
        """Drop every callback."""
        return [one._replace(dropped=True) for one in planned]
