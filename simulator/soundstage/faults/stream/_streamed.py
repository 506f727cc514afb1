"""What the faults have in common that break a stream after so many events."""

from typing import ClassVar

from pydantic import ConfigDict, Field

from soundstage.core.call import Reply, Stream
from soundstage.core.faults import CallScene
from soundstage.core.provider import Role
from soundstage.faults import ExchangeFault


class Streamed(ExchangeFault):
    """A stream goes wrong; `broken` says how. A reply that is not streamed stays as it is."""

    # The parameter is called "after", which here is a hook's name.
    model_config = ConfigDict(serialize_by_alias=True)

    roles: ClassVar[frozenset[Role]] = frozenset({"completion"})

    events: int = Field(
        default=3, alias="after", ge=0, le=100_000, description="how many events come first; at most all but the last"
    )

    def after(self, scene: CallScene, reply: Reply) -> Reply:
        """Break the stream."""
        if not isinstance(reply.body, Stream) or not reply.body.frames:
            return reply
        return self.broken(scene, reply, reply.body, min(self.events, len(reply.body.frames) - 1))

    def broken(self, scene: CallScene, reply: Reply, stream: Stream, first: int) -> Reply:
        """Return the reply with a stream that goes wrong after its first events."""
        raise NotImplementedError
