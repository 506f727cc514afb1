"""A stream is cut."""

from soundstage.core.call import Reply, Stream
from soundstage.core.faults import CallScene
from soundstage.faults.stream._streamed import Streamed


class Cut(Streamed):
    """The connection is reset in the middle of a stream; all of it is charged."""

    def broken(self, scene: CallScene, reply: Reply, stream: Stream, first: int) -> Reply:
        """Reset the connection."""
        kept = stream.frames[:first]
        return reply._replace(body=Stream(kept)).leaving(fate="reset", cut=sum(len(frame.data) for frame in kept))
