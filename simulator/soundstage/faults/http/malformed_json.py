"""The answer is no JSON."""

from typing import ClassVar, Literal

import orjson
from pydantic import Field

from soundstage.core.call import Reply
from soundstage.core.faults import Place, Scene
from soundstage.faults import Fault
from soundstage.faults.http._content import json_of


class MalformedJson(Fault):
    """The work is done and charged, and the answer is JSON that no parser accepts, under its usual headers."""

    place: ClassVar[Place] = "exchange"

    how: Literal["cut", "comma", "twice"] = Field(
        default="cut", description="half of it, a comma before the last bracket, or the whole twice in a row"
    )

    def after(self, scene: Scene, reply: Reply) -> Reply:
        """Break the body; its length is told rightly."""
        body = json_of(reply)
        if body is None:
            return reply
        raw = orjson.dumps(body)
        broken = {"cut": raw[: len(raw) // 2], "comma": raw[:-1] + b"," + raw[-1:], "twice": raw + raw}
        return reply._replace(body=broken[self.how])
