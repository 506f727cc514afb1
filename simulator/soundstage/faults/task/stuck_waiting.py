"""A task waits for ever."""

from typing import ClassVar

from soundstage.core.bent import Bent
from soundstage.core.faults import Place, Scene
from soundstage.core.task import Order
from soundstage.core.timeline import IN_LINE
from soundstage.faults import Fault


class StuckWaiting(Fault):
    """The task is accepted and charged and never begins to run; where jobs need a slot, it holds one all the same."""

    place: ClassVar[Place] = "task"

    def bend(self, scene: Scene, order: Order, bent: Bent) -> Bent:
        """Let the task's course be one long wait."""
        return bent._replace(timeline=IN_LINE)
