"""A stream stops."""

from soundstage.core.call import Reply, Stream, Wire
from soundstage.core.faults import Scene
from soundstage.faults.stream._streamed import Streamed


class Stall(Streamed):
    """A stream stops in the middle while its connection stays open; all of it is charged."""

    def broken(self, scene: Scene, reply: Reply, stream: Stream, first: int) -> Reply:
        """Let nothing come any more."""
        kept = stream.frames[:first]
        wire = (reply.wire or Wire())._replace(fate="hang", cut=sum(len(frame.data) for frame in kept))
        return reply._replace(body=Stream(kept), wire=wire)
