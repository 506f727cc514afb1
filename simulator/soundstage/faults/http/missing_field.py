"""The answer lacks a field."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from soundstage.core.call import Reply
from soundstage.core.faults import CallScene
from soundstage.core.paths import ABSENT, at, changed
from soundstage.faults import ExchangeFault
from soundstage.faults.http._content import json_of


class MissingField(ExchangeFault):
    """The answer lacks one field: the task's id where it is created, its status in a poll, or another that is named."""

    field: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="the field, by path such as data.output; one that matters when left out",
    )

    def after(self, scene: CallScene, reply: Reply) -> Reply:
        """Take the field out."""
        body = json_of(reply)
        if not body:
            return reply
        return reply._replace(body=changed(body, self.field or _that_matters(scene, body), ABSENT))


def _that_matters(scene: CallScene, body: Any) -> str:
    """Return what a client looks for first: as the provider's shape says, or else the answer's own contents."""
    if not isinstance(body, Mapping):
        return ""
    shape, role = scene.provider.shape, scene.operation.role
    told = {"create": shape.task_id, "poll": shape.status, "cancel": shape.status, "quote": shape.quote}.get(role)
    if told is not None and at(body, told, ABSENT) is not ABSENT:
        return told
    return next((str(name) for name, value in body.items() if isinstance(value, dict | list)), str(next(iter(body))))
