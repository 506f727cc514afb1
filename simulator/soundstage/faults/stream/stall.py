"""A stream stops."""

from soundstage.core.call import Reply, Stream
from soundstage.core.faults import CallScene
from soundstage.faults.stream._streamed import Streamed


class Stall(Streamed):
    """A stream stops in the middle while its connection stays open; all of it is charged."""

    def broken(self, scene: CallScene, reply: Reply, stream: Stream, first: int) -> Reply:
        """Let nothing come any more."""
        kept = stream.frames[:first]
        return reply._replace(body=Stream(kept)).leaving(fate="hang", cut=sum(len(frame.data) for frame in kept))
