"""A callback is signed with an old timestamp, or one of the future."""

from typing import ClassVar

from pydantic import Field

from soundstage.core.faults import Need, Place, Scene, Signing
from soundstage.core.signing import TOLERANCE_SECONDS
from soundstage.faults import Fault

_MONTH = 30 * 86_400


class StaleSignature(Fault):
    """Every attempt carries a timestamp of long ago and a signature that is right for it, as a replayed one does."""

    place: ClassVar[Place] = "callback"
    needs: ClassVar[frozenset[Need]] = frozenset({"signature"})

    # Within the tolerance of Standard Webhooks it would not be stale, and an honest receiver would be right to take it.
    seconds: int = Field(default=3600, gt=TOLERANCE_SECONDS, le=_MONTH, description="how far the timestamp is from now")
    ahead: bool = Field(default=False, description="whether it lies in the future instead of the past")

    def sign(self, scene: Scene, signing: Signing, number: int) -> Signing:
        """Sign for another instant."""
        distance = self.seconds if self.ahead else -self.seconds
        return signing._replace(timestamp=max(0, signing.timestamp + distance))
