"""No answer ever comes."""

from soundstage.core.call import Wire
from soundstage.core.faults import Scene
from soundstage.faults.transport._broken import Broken


class NeverAnswers(Broken):
    """The connection stays open and no answer ever comes; nothing was done, or with `when: after` it was."""

    def wire(self, scene: Scene, wire: Wire) -> Wire:
        """Hang before any byte."""
        return wire._replace(fate="hang", cut=None)
