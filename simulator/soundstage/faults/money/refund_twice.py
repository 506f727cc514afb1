"""A task fails and its credits come back twice."""

from soundstage.core.bent import Bent
from soundstage.core.faults import Scene
from soundstage.core.task import Order
from soundstage.faults.money._failing import Failing


class RefundTwice(Failing):
    """The task fails when it should be done, and its credits come back twice: the second time nobody had paid them."""

    def bend(self, scene: Scene, order: Order, bent: Bent) -> Bent:
        """Give the credits back once more."""
        return super().bend(scene, order, bent)._replace(refund="twice")
