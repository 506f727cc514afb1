"""The answer has a field no document knows."""

from typing import Any

from pydantic import Field

from soundstage.core.call import Reply
from soundstage.core.faults import CallScene
from soundstage.core.paths import changed
from soundstage.faults import ExchangeFault
from soundstage.faults.http._content import json_of


class UnknownField(ExchangeFault):
    """The answer has one field more than is documented; everything else in it is right."""

    name: str = Field(
        default="new_in_this_release",
        min_length=1,
        max_length=200,
        description="the field's name; data.extra puts it inside of data",
    )
    value: Any = Field(default="on", description="what it holds")

    def after(self, scene: CallScene, reply: Reply) -> Reply:
        """Add the field."""
        body = json_of(reply)
        return reply if body is None else reply._replace(body=changed(body, self.name, self.value, add=True))
