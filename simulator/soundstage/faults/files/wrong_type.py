"""A result's file says it is something else."""

from typing import ClassVar

from pydantic import Field

from soundstage.core.call import Reply
from soundstage.core.faults import Place, Scene
from soundstage.faults import Fault


class WrongType(Fault):
    """The result's file comes as it should, and its Content-Type says it is something else."""

    place: ClassVar[Place] = "file"

    content_type: str = Field(
        default="application/octet-stream",
        max_length=100,
        pattern=r"^[a-z]+/[A-Za-z0-9.+\-]+(; ?[a-z]+=[A-Za-z0-9.\-]+)?$",
        description="the type that is claimed",
    )

    def after(self, scene: Scene, reply: Reply) -> Reply:
        """Claim the other type."""
        return reply if reply.status != 200 else reply._replace(content_type=self.content_type)
