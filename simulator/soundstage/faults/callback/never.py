"""A callback never comes."""

from soundstage.core.faults import CallbackScene
from soundstage.core.outbox import Planned
from soundstage.faults import CallbackFault


class Never(CallbackFault):
    """The task ends and is billed as usual, and no callback is ever sent; the delivery is written down as dropped."""

    def plan(self, scene: CallbackScene, planned: list[Planned]) -> list[Planned]:
        """Drop every callback."""
        return [one._replace(dropped=True) for one in planned]
