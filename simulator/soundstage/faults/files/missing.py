"""A result's file is not there."""

from soundstage.core.call import Reply
from soundstage.core.faults import TaskScene
from soundstage.faults import FileFault


class Missing(FileFault):
    """The task has succeeded and is charged, and its file answers 404."""

    def before(self, scene: TaskScene) -> Reply | None:
        """Answer as a file server does that has no such file."""
        return Reply(b"404 Not Found\n", 404, content_type="text/plain")
