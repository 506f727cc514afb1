"""The connection is closed without a reply."""

from soundstage.core.call import Wire
from soundstage.core.faults import Scene
from soundstage.faults.transport._broken import Broken


class EmptyReply(Broken):
    """The connection is closed in good order without one byte; nothing was done, or with `when: after` it was."""

    def wire(self, scene: Scene, wire: Wire) -> Wire:
        """Close before any byte."""
        return wire._replace(fate="close", cut=None)
