"""A task succeeds and has no result."""

from typing import Any

from soundstage.core.faults import TaskScene
from soundstage.core.paths import changed
from soundstage.faults import TaskFault


class NoOutput(TaskFault):
    """The task succeeds and is charged, and polls and callbacks show no result."""

    def view(self, scene: TaskScene, body: dict[str, Any]) -> dict[str, Any]:
        """Show every result as it is before there is one."""
        if scene.task.state(scene.tx.now) == "succeeded":
            for path, nothing in scene.provider.shape.results.items():
                body = changed(body, path, nothing)
        return body
