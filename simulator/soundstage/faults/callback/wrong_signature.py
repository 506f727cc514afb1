"""A callback is signed by somebody else."""

from typing import ClassVar

from soundstage.core.faults import Need, Place, Scene, Signing
from soundstage.faults import Fault


class WrongSignature(Fault):
    """Every attempt is signed with a secret that was never this key's: the right form, and it fits nothing."""

    place: ClassVar[Place] = "callback"
    needs: ClassVar[frozenset[Need]] = frozenset({"signature"})

    def sign(self, scene: Scene, signing: Signing, number: int) -> Signing:
        """Sign with another secret."""
        scheme = scene.provider.callback
        if scheme is None:
            return signing
        return signing._replace(secret=scheme.secret(bytes.fromhex(scene.draw.hex("secret", 32))))
