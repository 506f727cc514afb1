"""The connection is reset."""

from typing import ClassVar

from soundstage.core.call import Fate
from soundstage.faults.transport._broken import Broken


class Reset(Broken):
    """The connection is reset in place of an answer; nothing was done, or with `when: after` it was and is charged."""

    fate: ClassVar[Fate] = "reset"
