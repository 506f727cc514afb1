"""What the faults about signatures share: they mean nothing where nothing is signed."""

from typing import ClassVar

from soundstage.core.faults import Need
from soundstage.faults import CallbackFault


class Signed(CallbackFault):
    """Something that goes wrong with a callback's signature."""

    needs: ClassVar[frozenset[Need]] = frozenset({"callback", "signature"})
