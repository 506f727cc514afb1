"""A task fails and is charged all the same."""

from soundstage.core.bent import Bent
from soundstage.core.faults import Scene
from soundstage.core.task import Order
from soundstage.faults.money._failing import Failing


class ChargedThoughFailed(Failing):
    """The task fails when it should be done, and its credits never come back."""

    def bend(self, scene: Scene, order: Order, bent: Bent) -> Bent:
        """Keep the credits."""
        return super().bend(scene, order, bent)._replace(refund="never")
