"""A stream ends in an error."""

import orjson
from pydantic import Field

from soundstage.core.call import Frame, Problem, Reply, Stream
from soundstage.core.faults import CallScene
from soundstage.faults.stream._streamed import Streamed


class Error(Streamed):
    """A stream ends in an event with the provider's error, under status 200; all of it is charged."""

    message: str = Field(
        default="The server had an error while it was answering.", max_length=500, description="the error's text"
    )

    def broken(self, scene: CallScene, reply: Reply, stream: Stream, first: int) -> Reply:
        """Put the error in place of the rest, the event that says "that was all" included."""
        error = orjson.dumps(scene.provider.reply_to(Problem("internal", self.message)).body)
        frame = Frame(stream.frames[first].offset_ms, b"data: %b\n\n" % error)
        return reply._replace(body=Stream((*stream.frames[:first], frame)))
