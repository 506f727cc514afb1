"""A result's link has expired."""

from typing import ClassVar, Literal

from pydantic import Field

from soundstage.core.call import Reply
from soundstage.core.faults import Place, Scene
from soundstage.faults import Fault

_DENIED = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>\n"
)


class Expired(Fault):
    """The result's link has expired: at once, or some time after the task's end; the task stays charged."""

    place: ClassVar[Place] = "file"

    status: Literal[403, 410] = Field(default=403, description="the HTTP status: 403 as of a signed link, or 410")
    seconds: float = Field(
        default=0,
        ge=0,
        le=365 * 86_400,
        allow_inf_nan=False,
        description="how long after the task's end the link still works, in the universe's own time",
    )

    def before(self, scene: Scene) -> Reply | None:
        """Answer as storage does to a signed link that is too old."""
        ended = None if scene.task is None else scene.task.ends_at
        if ended is None or scene.tx.now < ended + self.seconds * 1000:
            return None
        return Reply(_DENIED, self.status, content_type="application/xml")
