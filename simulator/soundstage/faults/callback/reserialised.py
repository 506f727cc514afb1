"""A callback's body is written anew after it was signed."""

import json
from typing import ClassVar

from soundstage.core.faults import Need, Outgoing, Place, Scene
from soundstage.faults import Fault


class Reserialised(Fault):
    """The body is parsed and written again after it was signed: the same JSON in other bytes, as a proxy may do."""

    place: ClassVar[Place] = "callback"
    needs: ClassVar[frozenset[Need]] = frozenset({"signature"})

    def send(self, scene: Scene, outgoing: Outgoing) -> Outgoing:
        """Write the body with a blank after every colon and comma."""
        return outgoing._replace(body=json.dumps(json.loads(outgoing.body)).encode())
