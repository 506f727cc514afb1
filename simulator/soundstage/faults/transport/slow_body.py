"""The answer's body drips."""

from typing import ClassVar

from pydantic import Field

from soundstage.core.call import Reply, Wire
from soundstage.core.faults import Place, Scene
from soundstage.faults import Fault


class SlowBody(Fault):
    """Status and headers come at once, the body a few bytes at a time; it is whole in the end."""

    place: ClassVar[Place] = "exchange"

    piece_bytes: int = Field(default=32, ge=1, le=1_048_576, description="bytes at a time")
    piece_ms: int = Field(default=200, ge=0, le=60_000, description="milliseconds of real time between them")

    def after(self, scene: Scene, reply: Reply) -> Reply:
        """Send the body in pieces."""
        wire = (reply.wire or Wire())._replace(piece_bytes=self.piece_bytes, piece_ms=self.piece_ms)
        return reply._replace(wire=wire)
