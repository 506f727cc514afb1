"""A callback is signed with a secret that is no longer valid."""

from pydantic import Field

from soundstage.core.faults import AttemptScene, Signing
from soundstage.core.randomness import fingerprint
from soundstage.faults.callback._signed import Signed


class OldSecret(Signed):
    """Every attempt is signed with the secret this key had before its present one, which was rotated away."""

    secret: str = Field(
        default="",
        max_length=200,
        pattern=r"^(whsec_([A-Za-z0-9+/]{4}){4,}([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?|sec_[0-9a-f]{48})?$",
        description="the old secret, as the provider writes it; some other one when left out",
    )

    def sign(self, scene: AttemptScene, signing: Signing) -> Signing:
        """Sign with the old secret."""
        # A secret of another provider's form can never have been this key's.
        fits = self.secret.partition("_")[0] == signing.secret.partition("_")[0]
        old = self.secret if fits else scene.scheme.secret(fingerprint("old secret", signing.secret))
        return signing._replace(secret=old)
