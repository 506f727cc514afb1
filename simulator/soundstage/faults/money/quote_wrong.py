"""A quote shows another price than is charged."""

from typing import ClassVar

from pydantic import Field

from soundstage.core.call import Reply
from soundstage.core.faults import CallScene
from soundstage.core.money import MICROS, number
from soundstage.core.paths import at, changed
from soundstage.core.provider import Role
from soundstage.faults import ExchangeFault


class QuoteWrong(ExchangeFault):
    """The quote shows another price than the create will charge."""

    roles: ClassVar[frozenset[Role]] = frozenset({"quote"})

    factor: float = Field(
        default=0.5, ge=0, le=1000, allow_inf_nan=False, description="what is shown as a multiple of the price"
    )

    def after(self, scene: CallScene, reply: Reply) -> Reply:
        """Show the other price."""
        path, body = scene.provider.shape.quote, reply.body
        if path is None or reply.status != 200 or not isinstance(body, dict):
            return reply
        price = at(body, path)
        if not isinstance(price, int | float):
            return reply
        return reply._replace(body=changed(body, path, number(round(price * MICROS * self.factor))))
