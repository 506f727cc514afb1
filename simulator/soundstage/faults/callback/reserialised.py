"""A callback's body is written anew after it was signed."""

import json

from soundstage.core.faults import AttemptScene, Outgoing
from soundstage.faults.callback._signed import Signed


class Reserialised(Signed):
    """The body is parsed and written again after it was signed: the same JSON in other bytes, as a proxy may do."""

    def send(self, scene: AttemptScene, outgoing: Outgoing) -> Outgoing:
        """Write the body with a blank after every colon and comma."""
        return outgoing._replace(body=json.dumps(json.loads(outgoing.body)).encode())
