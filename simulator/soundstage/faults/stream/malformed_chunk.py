"""A stream holds an event that is no JSON."""

from soundstage.core.call import Reply, Stream
from soundstage.core.faults import CallScene
from soundstage.faults.stream._streamed import Streamed


class MalformedChunk(Streamed):
    """One event of a stream is only half there and no JSON; those after it are right."""

    def broken(self, scene: CallScene, reply: Reply, stream: Stream, first: int) -> Reply:
        """Cut one event in half, never the one that says "that was all"."""
        frames = list(stream.frames)
        place = max(0, min(first, len(frames) - 2))
        frames[place] = frames[place]._replace(data=frames[place].data[: len(frames[place].data) // 2] + b"\n\n")
        return reply._replace(body=Stream(tuple(frames)))
