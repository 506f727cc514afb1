"""The answer lacks a field."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from soundstage.core.call import Reply
from soundstage.core.faults import Place, Scene
from soundstage.faults import Fault
from soundstage.faults.http._content import changed, json_of


class MissingField(Fault):
    """The answer lacks one field: the task's id where it is created, its status in a poll, or another that is named."""

    place: ClassVar[Place] = "exchange"

    field: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="the field, by path such as data.output; one that matters when left out",
    )

    def after(self, scene: Scene, reply: Reply) -> Reply:
        """Take the field out."""
        body = json_of(reply)
        if not body:
            return reply
        return reply._replace(body=changed(body, self.field or _that_matters(scene, body), _less))


def _less(given: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key != name}


def _that_matters(scene: Scene, body: Any) -> str:
    """Return what a client looks for first: as the provider's shape says, or else the answer's own contents."""
    if not isinstance(body, Mapping):
        return ""
    shape, role = scene.provider.shape, None if scene.operation is None else scene.operation.role
    named = {"create": shape.task_id, "poll": shape.status, "cancel": shape.status, "quote": shape.quote}.get(
        role or ""
    )
    if named is not None and _holds(body, named):
        return named
    return next((str(name) for name, value in body.items() if isinstance(value, dict | list)), str(next(iter(body))))


def _holds(body: Any, path: str) -> bool:
    for name in path.split("."):
        if not isinstance(body, Mapping) or name not in body:
            return False
        body = body[name]
    return True
