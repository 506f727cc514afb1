"""A result's file is not there."""

from typing import ClassVar

from soundstage.core.call import Reply
from soundstage.core.faults import Place, Scene
from soundstage.faults import Fault


class Missing(Fault):
    """The task has succeeded and is charged, and its file answers 404."""

    place: ClassVar[Place] = "file"

    def before(self, scene: Scene) -> Reply | None:
        """Answer as a file server does that has no such file."""
        return Reply(b"404 Not Found\n", 404, content_type="text/plain")
