"""The provider answers with an error."""

from typing import ClassVar

from pydantic import Field

from soundstage.core.call import STATUS, Problem, ProblemCode, Reply
from soundstage.core.faults import Place, Scene
from soundstage.faults import Fault
from soundstage.faults.http._refusal import refusal

# One code for each status that has one; of those with several, the first, or one that every provider has a word for.
_CODES: dict[int, ProblemCode] = {
    **{status: code for code, status in reversed(list(STATUS.items()))},
    403: "address_not_allowed",
    404: "no_such_route",
}


class Status(Fault):
    """The call is refused with this HTTP status, in the provider's own error shape; nothing is created or charged."""

    place: ClassVar[Place] = "exchange"

    status: int = Field(default=503, ge=400, le=599, description="the HTTP status")
    message: str = Field(default="", max_length=500, description="the error's text; a plain one when left out")
    retry_after: int | None = Field(
        default=None, ge=0, le=86_400, description="Retry-After, in seconds; none by default"
    )

    def before(self, scene: Scene) -> Reply | None:
        """Refuse in place of the provider."""
        code = _CODES.get(self.status) or ("internal" if self.status >= 500 else "invalid_request")
        if self.status == 404 and scene.operation is not None and scene.operation.role in {"poll", "cancel"}:
            code = "not_found"
        text = self.message or f"The request failed with status {self.status}."
        wait = None if self.retry_after is None else self.retry_after * 1000
        return refusal(scene, Problem(code, text, retry_after_ms=wait), self.status)
