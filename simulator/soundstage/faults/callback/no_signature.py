"""A callback is not signed."""

from typing import ClassVar, Literal

from pydantic import Field

from soundstage.core.faults import Need, Outgoing, Place, Scene
from soundstage.faults import Fault


class NoSignature(Fault):
    """Attempts come without a signature: all of them, or only those after the first."""

    place: ClassVar[Place] = "callback"
    needs: ClassVar[frozenset[Need]] = frozenset({"signature"})

    attempts: Literal["all", "retries"] = Field(default="all", description="which attempts are not signed")

    def send(self, scene: Scene, outgoing: Outgoing) -> Outgoing:
        """Leave the signature out; the timestamp stays."""
        if self.attempts == "retries" and outgoing.number == 1:
            return outgoing
        unsigned = {name: value for name, value in outgoing.headers.items() if "signature" not in name.lower()}
        return outgoing._replace(headers=unsigned)
