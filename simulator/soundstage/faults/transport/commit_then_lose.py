"""The answer is lost after the work was done."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from soundstage.core.call import Reply
from soundstage.core.faults import CallScene
from soundstage.core.provider import Role
from soundstage.faults import ExchangeFault

_BAD_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"


class CommitThenLose(ExchangeFault):
    """The call is carried out and charged, and its answer is lost: reset, closed, never sent, or a proxy's 502."""

    roles: ClassVar[frozenset[Role]] = frozenset({"create", "completion"})
    anywhere: ClassVar[bool] = True
    trials: ClassVar[tuple[Mapping[str, Any], ...]] = ({}, {"how": "hang"}, {"how": "bad-gateway"})

    how: Literal["reset", "close", "hang", "bad-gateway"] = Field(
        default="reset", description="the connection is reset or closed, nothing ever comes, or a proxy's 502 page"
    )

    def after(self, scene: CallScene, reply: Reply) -> Reply:
        """Lose the answer to what was done."""
        if self.how == "bad-gateway":
            return Reply(_BAD_GATEWAY, 502, content_type="text/html", wire=reply.wire)
        return reply.leaving(fate=self.how, cut=None)
