"""A callback is signed with an old timestamp, or one of the future."""

from pydantic import Field

from soundstage.core.faults import AttemptScene, Signing
from soundstage.core.signing import TOLERANCE_SECONDS
from soundstage.faults.callback._signed import Signed
from soundstage.faults.spans import WholeSeconds


class StaleSignature(Signed):
    """Every attempt carries a timestamp of long ago and a signature that is right for it, as a replayed one does."""

    # Within the tolerance of Standard Webhooks it would not be stale, and an honest receiver would be right to take it.
    seconds: WholeSeconds = Field(default=3600, gt=TOLERANCE_SECONDS, description="how far the timestamp is from now")
    ahead: bool = Field(default=False, description="whether it lies in the future instead of the past")

    def sign(self, scene: AttemptScene, signing: Signing) -> Signing:
        """Sign for another instant."""
        distance = self.seconds if self.ahead else -self.seconds
        return signing._replace(timestamp=max(0, signing.timestamp + distance))
