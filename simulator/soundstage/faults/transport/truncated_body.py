"""The answer breaks off."""

import orjson
from pydantic import Field

from soundstage.core.call import Reply, Stream
from soundstage.core.faults import CallScene
from soundstage.faults import ExchangeFault


class TruncatedBody(ExchangeFault):
    """The work is done and charged, and the connection closes before all of the promised body has come."""

    share: float = Field(default=0.5, ge=0, lt=1, description="how much of the body comes, from 0 to 1")
    bytes: int | None = Field(default=None, ge=0, description="how many bytes of it come, in place of a share")

    def after(self, scene: CallScene, reply: Reply) -> Reply:
        """Promise the whole body and end after a part of it."""
        body = reply.body
        if isinstance(body, Stream):
            size = sum(len(frame.data) for frame in body.frames)
        else:
            body = body if isinstance(body, bytes) else orjson.dumps(body)
            size = len(body)
        cut = int(size * self.share) if self.bytes is None else min(self.bytes, max(0, size - 1))
        return reply._replace(body=body).leaving(fate="close", cut=cut)
