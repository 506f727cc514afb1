"""A result's file comes slowly."""

from typing import ClassVar

from pydantic import Field

from soundstage.core.call import Reply, Wire
from soundstage.core.faults import Place, Scene
from soundstage.faults import Fault


class Slow(Fault):
    """The result's file comes whole, in small pieces with a pause between them."""

    place: ClassVar[Place] = "file"

    piece_bytes: int = Field(default=1024, ge=1, le=1_048_576, description="bytes in one piece")
    piece_ms: int = Field(
        default=200, ge=1, le=60_000, description="the pause between two pieces, in the machine's milliseconds"
    )

    def after(self, scene: Scene, reply: Reply) -> Reply:
        """Let the file leave in pieces."""
        wire = (reply.wire or Wire())._replace(piece_bytes=self.piece_bytes, piece_ms=self.piece_ms)
        return reply._replace(wire=wire)
