"""The answer is no JSON."""

from typing import Literal

import orjson
from pydantic import Field

from soundstage.core.call import Reply
from soundstage.core.faults import CallScene
from soundstage.faults import ExchangeFault
from soundstage.faults.http._content import json_of


class MalformedJson(ExchangeFault):
    """The work is done and charged, and the answer is JSON that no parser accepts, under its usual headers."""

    how: Literal["cut", "comma", "twice"] = Field(
        default="cut", description="half of it, a comma before the last bracket, or the whole twice in a row"
    )

    def after(self, scene: CallScene, reply: Reply) -> Reply:
        """Break the body; its length is told rightly."""
        body = json_of(reply)
        if body is None:
            return reply
        raw = orjson.dumps(body)
        broken = {"cut": raw[: len(raw) // 2], "comma": raw[:-1] + b"," + raw[-1:], "twice": raw + raw}
        return reply._replace(body=broken[self.how])
