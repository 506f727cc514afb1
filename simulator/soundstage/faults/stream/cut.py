"""A stream is cut."""

from soundstage.core.call import Reply, Stream, Wire
from soundstage.core.faults import Scene
from soundstage.faults.stream._streamed import Streamed


class Cut(Streamed):
    """The connection is reset in the middle of a stream; all of it is charged."""

    def broken(self, scene: Scene, reply: Reply, stream: Stream, first: int) -> Reply:
        """Reset the connection."""
        kept = stream.frames[:first]
        wire = (reply.wire or Wire())._replace(fate="reset", cut=sum(len(frame.data) for frame in kept))
        return reply._replace(body=Stream(kept), wire=wire)
