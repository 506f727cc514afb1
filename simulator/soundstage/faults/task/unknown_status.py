"""A task shows a status that no document knows."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from soundstage.core.faults import TaskScene
from soundstage.core.paths import changed
from soundstage.core.timeline import TERMINAL
from soundstage.faults import TaskFault


class UnknownStatus(TaskFault):
    """While the task runs, or from its end on, polls and callbacks show a status word that no document knows."""

    # The parameter's name is a word of Python's own.
    model_config = ConfigDict(serialize_by_alias=True)

    trials: ClassVar[tuple[Mapping[str, Any], ...]] = ({}, {"while": "end"})

    word: str = Field(default="RECONCILING", min_length=1, max_length=60, description="the word that is shown")
    while_: Literal["running", "end"] = Field(
        default="running", alias="while", description="when: while the task runs, or from its end on"
    )

    def view(self, scene: TaskScene, body: dict[str, Any]) -> dict[str, Any]:
        """Show the word in place of the status."""
        state = scene.task.state(scene.tx.now)
        shows = state == "running" if self.while_ == "running" else state in TERMINAL
        return changed(body, scene.provider.shape.status, self.word) if shows else body
