"""What several faults of this family share: a charge other than the one the handler meant to make."""

from soundstage.core.faults import Scene
from soundstage.core.task import Order
from soundstage.core.wallet import the_wallet


def charged_otherwise(scene: Scene, order: Order, factor: float) -> Order:
    """Return an order at `factor` times its price, though never at more than the wallet can pay.

    Where a provider never says what anything costs, its clients could not tell: there nothing changes.
    """
    shape = scene.provider.shape
    if scene.call is None or not order.price or (shape.price is None and shape.quote is None):
        return order
    price = min(round(order.price * factor), the_wallet(scene.tx, scene.call.key.wallet).available)
    return order._replace(price=price, cost=None if order.cost is None else order.cost * price // order.price)
