"""A task fails and is charged all the same."""

from typing import ClassVar

from soundstage.core.bent import Refund
from soundstage.faults.money._failing import Failing


class ChargedThoughFailed(Failing):
    """The task fails when it should be done, and its credits never come back."""

    refund: ClassVar[Refund] = "never"
