"""The connection is closed without a reply."""

from typing import ClassVar

from soundstage.core.call import Fate
from soundstage.faults.transport._broken import Broken


class EmptyReply(Broken):
    """The connection is closed in good order without one byte; nothing was done, or with `when: after` it was."""

    fate: ClassVar[Fate] = "close"
