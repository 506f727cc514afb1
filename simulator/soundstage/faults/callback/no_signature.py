"""A callback is not signed."""

from typing import Literal

from pydantic import Field

from soundstage.core.faults import AttemptScene, Outgoing
from soundstage.faults.callback._signed import Signed


class NoSignature(Signed):
    """Attempts come without a signature: all of them, or only those after the first."""

    attempts: Literal["all", "retries"] = Field(default="all", description="which attempts are not signed")

    def send(self, scene: AttemptScene, outgoing: Outgoing) -> Outgoing:
        """Leave the signature out; the timestamp stays."""
        if self.attempts == "retries" and scene.number == 1:
            return outgoing
        unsigned = {name: value for name, value in outgoing.headers.items() if "signature" not in name.lower()}
        return outgoing._replace(headers=unsigned)
