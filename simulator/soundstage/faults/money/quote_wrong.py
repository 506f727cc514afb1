"""A quote shows another price than is charged."""

from typing import ClassVar

from pydantic import Field

from soundstage.core.call import Reply
from soundstage.core.faults import Place, Scene
from soundstage.core.money import MICROS, number
from soundstage.core.provider import Role
from soundstage.faults import Fault
from soundstage.faults.bodies import value_at, with_value


class QuoteWrong(Fault):
    """The quote shows another price than the create will charge."""

    place: ClassVar[Place] = "exchange"
    roles: ClassVar[frozenset[Role]] = frozenset({"quote"})

    factor: float = Field(
        default=0.5, ge=0, le=1000, allow_inf_nan=False, description="what is shown as a multiple of the price"
    )

    def after(self, scene: Scene, reply: Reply) -> Reply:
        """Show the other price."""
        path, body = scene.provider.shape.quote, reply.body
        if path is None or reply.status != 200 or not isinstance(body, dict):
            return reply
        price = value_at(body, path)
        if not isinstance(price, int | float):
            return reply
        return reply._replace(body=with_value(body, path, number(round(price * MICROS * self.factor))))
