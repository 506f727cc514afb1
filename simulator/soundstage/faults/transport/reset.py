"""The connection is reset."""

from soundstage.core.call import Wire
from soundstage.core.faults import Scene
from soundstage.faults.transport._broken import Broken


class Reset(Broken):
    """The connection is reset in place of an answer; nothing was done, or with `when: after` it was and is charged."""

    def wire(self, scene: Scene, wire: Wire) -> Wire:
        """Reset before any byte."""
        return wire._replace(fate="reset", cut=None)
