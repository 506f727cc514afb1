"""The answer has a field no document knows."""

from typing import Any, ClassVar

from pydantic import Field

from soundstage.core.call import Reply
from soundstage.core.faults import Place, Scene
from soundstage.faults import Fault
from soundstage.faults.http._content import changed, json_of


class UnknownField(Fault):
    """The answer has one field more than is documented; everything else in it is right."""

    place: ClassVar[Place] = "exchange"

    name: str = Field(
        default="new_in_this_release",
        min_length=1,
        max_length=200,
        description="the field's name; data.extra puts it inside of data",
    )
    value: Any = Field(default="on", description="what it holds")

    def after(self, scene: Scene, reply: Reply) -> Reply:
        """Add the field."""
        body = json_of(reply)
        return reply if body is None else reply._replace(body=changed(body, self.name, self._more))

    def _more(self, given: dict[str, Any], name: str) -> dict[str, Any]:
        return {**given, name: self.value}
