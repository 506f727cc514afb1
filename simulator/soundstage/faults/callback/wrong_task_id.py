"""A callback's body names another task."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from soundstage.core.faults import CallbackScene
from soundstage.core.outbox import Planned
from soundstage.faults import CallbackFault

_MOST_LOOKED_AT = 1000
_DIGITS = 8


class WrongTaskId(CallbackFault):
    """The callback's body carries the id of another task; all else is this task's, and the signature is right."""

    trials: ClassVar[tuple[Mapping[str, Any], ...]] = ({}, {"whose": "unknown"})

    whose: Literal["known", "unknown"] = Field(
        default="known", description="another task of this provider here, if there is one, or an id nobody has"
    )

    def plan(self, scene: CallbackScene, planned: list[Planned]) -> list[Planned]:
        """Write the other id wherever a body has this task's as a value."""
        # In the bytes, so that the rest of the body keeps the provider's own writing.
        own, other = (f'"{one}"'.encode() for one in (scene.task.id, self._other(scene)))
        return [one._replace(body=one.body.replace(own, other)) for one in planned]

    def _other(self, scene: CallbackScene) -> str:
        tx, task, draw = scene.tx, scene.task, scene.draw
        kept = (tx.get("task", key) for key in tx.oldest("task", _MOST_LOOKED_AT))
        others = (one.id for one in kept if one and one.provider == task.provider and one.id != task.id)
        # By hash and not by age: which task was first may differ from run to run.
        found = min(others, key=draw.bits, default=None) if self.whose == "known" else None
        return found or task.id[:-_DIGITS] + draw.hex("id", _DIGITS)
