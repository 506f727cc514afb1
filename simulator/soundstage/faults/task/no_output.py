"""A task succeeds and has no result."""

from typing import Any, ClassVar

from soundstage.core.faults import Place, Scene
from soundstage.faults import Fault
from soundstage.faults.bodies import with_value


class NoOutput(Fault):
    """The task succeeds and is charged, and polls and callbacks show no result."""

    place: ClassVar[Place] = "task"

    def view(self, scene: Scene, body: dict[str, Any]) -> dict[str, Any]:
        """Show every result as it is before there is one."""
        if scene.task is None or scene.task.state(scene.tx.now) != "succeeded":
            return body
        for path, nothing in scene.provider.shape.results.items():
            body = with_value(body, path, nothing)
        return body
