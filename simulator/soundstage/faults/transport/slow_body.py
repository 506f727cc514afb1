"""The answer's body drips."""

from pydantic import Field

from soundstage.core.call import Reply
from soundstage.core.faults import CallScene
from soundstage.faults import ExchangeFault
from soundstage.faults.spans import RealMilliseconds


class SlowBody(ExchangeFault):
    """Status and headers come at once, the body a few bytes at a time; it is whole in the end."""

    piece_bytes: int = Field(default=32, ge=1, le=1_048_576, description="bytes at a time")
    piece_ms: RealMilliseconds = Field(default=200, description="milliseconds of real time between them")

    def after(self, scene: CallScene, reply: Reply) -> Reply:
        """Send the body in pieces."""
        return reply.leaving(piece_bytes=self.piece_bytes, piece_ms=self.piece_ms)
