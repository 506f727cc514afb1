"""What several faults of this family share: a charge other than the one the handler meant to make."""

from typing import ClassVar

from soundstage.core.faults import CallScene, Need
from soundstage.core.task import Order
from soundstage.core.wallet import the_wallet
from soundstage.faults import TaskFault


class OtherCharge(TaskFault):
    """A fault about prices; where a provider never says what anything costs, its clients could not tell."""

    needs: ClassVar[frozenset[Need]] = frozenset({"price"})

    factor: float

    def order(self, scene: CallScene, order: Order) -> Order:
        """Charge so many times the price, though never more than the wallet can pay."""
        if not order.price:
            return order
        price = min(round(order.price * self.factor), the_wallet(scene.tx, scene.call.key.wallet).available)
        return order._replace(price=price, cost=None if order.cost is None else order.cost * price // order.price)
