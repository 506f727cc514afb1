"""A task shows a status that no document knows."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from soundstage.core.faults import Place, Scene
from soundstage.core.timeline import TERMINAL
from soundstage.faults import Fault
from soundstage.faults.bodies import with_value


class UnknownStatus(Fault):
    """While the task runs, or from its end on, polls and callbacks show a status word that no document knows."""

    # The parameter's name is a word of Python's own.
    model_config = ConfigDict(serialize_by_alias=True)

    place: ClassVar[Place] = "task"
    trials: ClassVar[tuple[Mapping[str, Any], ...]] = ({}, {"while": "end"})

    word: str = Field(default="RECONCILING", min_length=1, max_length=60, description="the word that is shown")
    while_: Literal["running", "end"] = Field(
        default="running", alias="while", description="when: while the task runs, or from its end on"
    )

    def view(self, scene: Scene, body: dict[str, Any]) -> dict[str, Any]:
        """Show the word in place of the status."""
        state = None if scene.task is None else scene.task.state(scene.tx.now)
        shows = state == "running" if self.while_ == "running" else state in TERMINAL
        return with_value(body, scene.provider.shape.status, self.word) if shows else body
