"""A task fails and its credits come back twice."""

from typing import ClassVar

from soundstage.core.bent import Refund
from soundstage.faults.money._failing import Failing


class RefundTwice(Failing):
    """The task fails when it should be done, and its credits come back twice: the second time nobody had paid them."""

    refund: ClassVar[Refund] = "twice"
