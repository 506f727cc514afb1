"""A callback's body names another task."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from soundstage.core.faults import Place, Scene
from soundstage.core.outbox import Planned
from soundstage.core.task import Task
from soundstage.faults import Fault

_MOST_LOOKED_AT = 1000
_DIGITS = 8


class WrongTaskId(Fault):
    """The callback's body carries the id of another task; all else is this task's, and the signature is right."""

    place: ClassVar[Place] = "callback"
    trials: ClassVar[tuple[Mapping[str, Any], ...]] = ({}, {"whose": "unknown"})

    whose: Literal["known", "unknown"] = Field(
        default="known", description="another task of this provider here, if there is one, or an id nobody has"
    )

    def plan(self, scene: Scene, planned: list[Planned]) -> list[Planned]:
        """Write the other id wherever a body has this task's as a value."""
        task = scene.task
        if task is None:
            return planned
        # In the bytes, so that the rest of the body keeps the provider's own writing.
        own, other = (f'"{one}"'.encode() for one in (task.id, self._other(scene, task)))
        return [one._replace(body=one.body.replace(own, other)) for one in planned]

    def _other(self, scene: Scene, task: Task) -> str:
        tx, draw = scene.tx, scene.draw
        kept = (tx.get("task", key) for key in tx.oldest("task", _MOST_LOOKED_AT))
        others = (one.id for one in kept if one and one.provider == task.provider and one.id != task.id)
        # By hash and not by age: which task was first may differ from run to run.
        found = min(others, key=draw.bits, default=None) if self.whose == "known" else None
        return found or task.id[:-_DIGITS] + draw.hex("id", _DIGITS)
