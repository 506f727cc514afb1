"""A result's file comes slowly."""

from pydantic import Field

from soundstage.core.call import Reply
from soundstage.core.faults import TaskScene
from soundstage.faults import FileFault
from soundstage.faults.spans import RealMilliseconds


class Slow(FileFault):
    """The result's file comes whole, in small pieces with a pause between them."""

    piece_bytes: int = Field(default=1024, ge=1, le=1_048_576, description="bytes in one piece")
    piece_ms: RealMilliseconds = Field(
        default=200, gt=0, description="the pause between two pieces, in the machine's milliseconds"
    )

    def after(self, scene: TaskScene, reply: Reply) -> Reply:
        """Let the file leave in pieces."""
        return reply.leaving(piece_bytes=self.piece_bytes, piece_ms=self.piece_ms)
