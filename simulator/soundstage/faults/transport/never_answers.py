"""No answer ever comes."""

from typing import ClassVar

from soundstage.core.call import Fate
from soundstage.faults.transport._broken import Broken


class NeverAnswers(Broken):
    """The connection stays open and no answer ever comes; nothing was done, or with `when: after` it was."""

    fate: ClassVar[Fate] = "hang"
