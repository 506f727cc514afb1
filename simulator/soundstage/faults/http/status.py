"""The provider answers with an error."""

from pydantic import Field

from soundstage.core.call import STATUS, Problem, ProblemCode, Reply
from soundstage.core.faults import CallScene
from soundstage.faults import ExchangeFault
from soundstage.faults.http._refusal import refusal
from soundstage.faults.spans import WholeSeconds

# One code for each status that has one; of those with several, the first, or one that every provider has a word for.
_CODES: dict[int, ProblemCode] = {
    **{status: code for code, status in reversed(list(STATUS.items()))},
    403: "address_not_allowed",
    404: "no_such_route",
}


class Status(ExchangeFault):
    """The call is refused with this HTTP status, in the provider's own error shape; nothing is created or charged."""

    status: int = Field(default=503, ge=400, le=599, description="the HTTP status")
    message: str = Field(default="", max_length=500, description="the error's text; a plain one when left out")
    retry_after: WholeSeconds | None = Field(default=None, description="Retry-After, in seconds; none by default")

    def before(self, scene: CallScene) -> Reply | None:
        """Refuse in place of the provider."""
        code = _CODES.get(self.status) or ("internal" if self.status >= 500 else "invalid_request")
        if self.status == 404 and scene.operation.role in {"poll", "cancel"}:
            code = "not_found"
        text = self.message or f"The request failed with status {self.status}."
        wait = None if self.retry_after is None else self.retry_after * 1000
        return refusal(scene, Problem(code, text, retry_after_ms=wait), self.status)
