"""A callback is signed by somebody else."""

from soundstage.core.faults import AttemptScene, Signing
from soundstage.faults.callback._signed import Signed


class WrongSignature(Signed):
    """Every attempt is signed with a secret that was never this key's: the right form, and it fits nothing."""

    def sign(self, scene: AttemptScene, signing: Signing) -> Signing:
        """Sign with another secret."""
        return signing._replace(secret=scene.scheme.secret(bytes.fromhex(scene.draw.hex("secret", 32))))
