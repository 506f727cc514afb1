"""A result's link has expired."""

from typing import Literal

from pydantic import Field

from soundstage.core.call import Reply
from soundstage.core.faults import TaskScene
from soundstage.faults import FileFault
from soundstage.faults.spans import Seconds

_DENIED = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>\n"
)


class Expired(FileFault):
    """The result's link has expired: at once, or some time after the task's end; the task stays charged."""

    status: Literal[403, 410] = Field(default=403, description="the HTTP status: 403 as of a signed link, or 410")
    seconds: Seconds = Field(
        default=0, description="how long after the task's end the link still works, in the universe's own time"
    )

    def before(self, scene: TaskScene) -> Reply | None:
        """Answer as storage does to a signed link that is too old."""
        ended = scene.task.ends_at
        if ended is None or scene.tx.now < ended + self.seconds * 1000:
            return None
        return Reply(_DENIED, self.status, content_type="application/xml")
