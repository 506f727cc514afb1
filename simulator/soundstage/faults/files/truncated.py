"""A result's file ends too early."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from soundstage.core.call import Reply
from soundstage.core.faults import TaskScene
from soundstage.faults import FileFault


class Truncated(FileFault):
    """The result's file ends too early: the connection closes before its length is reached, or the file is short."""

    trials: ClassVar[tuple[Mapping[str, Any], ...]] = ({}, {"how": "short"})

    share: float = Field(default=0.5, ge=0, lt=1, allow_inf_nan=False, description="the share of the file that comes")
    how: Literal["broken-off", "short"] = Field(
        default="broken-off",
        description="broken-off: the length is that of the whole file and the connection closes early; "
        "short: length and ETag are those of what comes, so that only the file itself can tell",
    )

    def after(self, scene: TaskScene, reply: Reply) -> Reply:
        """Cut the file off."""
        if reply.status != 200 or not isinstance(reply.body, bytes):
            return reply
        kept = int(len(reply.body) * self.share)
        if self.how == "short":
            return reply._replace(body=reply.body[:kept])
        return reply.leaving(fate="close", cut=kept)
