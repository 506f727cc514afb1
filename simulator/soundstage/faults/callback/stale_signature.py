"""A callback is signed with an old timestamp."""

from typing import ClassVar

from pydantic import Field

from soundstage.core.faults import Place, Scene, Signing
from soundstage.faults import Fault

_MONTH = 30 * 86_400


class StaleSignature(Fault):
    """Every attempt carries a timestamp of long ago and a signature that is right for it, as a replayed one does."""

    place: ClassVar[Place] = "callback"

    seconds: int = Field(
        default=3600, ge=-_MONTH, le=_MONTH, description="how old the timestamp is; a negative one lies ahead"
    )

    def sign(self, scene: Scene, signing: Signing, number: int) -> Signing:
        """Sign for another instant."""
        return signing._replace(timestamp=max(0, signing.timestamp - self.seconds))
