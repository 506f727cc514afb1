"""A price has changed since it was quoted."""

from typing import ClassVar

from pydantic import Field

from soundstage.core.faults import Need, Place, Scene
from soundstage.core.task import Order
from soundstage.faults import Fault
from soundstage.faults.money._prices import charged_otherwise


class PriceChange(Fault):
    """The create charges another price than quotes and price lists show, and its reply shows what is charged."""

    place: ClassVar[Place] = "task"
    needs: ClassVar[frozenset[Need]] = frozenset({"price"})

    factor: float = Field(
        default=1.5, gt=0, le=1000, allow_inf_nan=False, description="the new price as a multiple of the old one"
    )

    def order(self, scene: Scene, order: Order) -> Order:
        """Charge the new price, as far as the credits go."""
        return charged_otherwise(scene, order, self.factor)
