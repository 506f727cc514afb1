"""A create charges more than it says."""

from typing import ClassVar

from pydantic import Field

from soundstage.core.bent import bent_of
from soundstage.core.call import Reply
from soundstage.core.faults import Need, Place, Scene
from soundstage.core.money import number
from soundstage.core.task import Order
from soundstage.faults import Fault
from soundstage.faults.bodies import with_value
from soundstage.faults.money._prices import charged_otherwise


class Overcharge(Fault):
    """The create charges more than its quote and its reply show, as far as the credits go; balance and bill tell."""

    place: ClassVar[Place] = "task"
    needs: ClassVar[frozenset[Need]] = frozenset({"price"})

    factor: float = Field(
        default=2, gt=1, le=1000, allow_inf_nan=False, description="how many times the price is charged"
    )

    def order(self, scene: Scene, order: Order) -> Order:
        """Raise the charge."""
        return charged_otherwise(scene, order, self.factor)

    def after(self, scene: Scene, reply: Reply) -> Reply:
        """Show the price as it should be."""
        shape, task = scene.provider.shape, scene.task
        bent = None if task is None else bent_of(scene.tx, task.id)
        if shape.price is None or bent is None or not isinstance(reply.body, dict):
            return reply
        return reply._replace(body=with_value(reply.body, shape.price, number(bent.price)))
