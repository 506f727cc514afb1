"""The provider has had too many calls."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from pydantic import Field

from soundstage.core.call import Problem, Reply
from soundstage.core.faults import CallScene
from soundstage.core.limits import REQUESTS_PER_MINUTE, limit_of
from soundstage.faults import ExchangeFault
from soundstage.faults.http._refusal import refusal
from soundstage.faults.spans import WholeSeconds

# ASSUMED: what a key without a limit of its own is told.
_USUAL_LIMIT: Final = 60


class RateLimited(ExchangeFault):
    """The call is refused with the provider's 429, with Retry-After or, where that is null, without any."""

    trials: ClassVar[tuple[Mapping[str, Any], ...]] = ({}, {"retry_after": None})

    retry_after: WholeSeconds | None = Field(
        default=1, description="Retry-After, in seconds; null for a 429 that does not say when"
    )

    def before(self, scene: CallScene) -> Reply | None:
        """Refuse in the provider's words for a key over its limit."""
        limit = limit_of(scene.call.key, REQUESTS_PER_MINUTE) or _USUAL_LIMIT
        text = f"This API key may make {limit} calls a minute"
        if self.retry_after is None:
            return refusal(scene, Problem("rate_limited", f"{text}; try again later."))
        text = f"{text}; try again in {self.retry_after} s."
        return refusal(scene, Problem("rate_limited", text, retry_after_ms=self.retry_after * 1000))
