"""A result's file says it is something else."""

from pydantic import Field

from soundstage.core.call import Reply
from soundstage.core.faults import TaskScene
from soundstage.faults import FileFault


class WrongType(FileFault):
    """The result's file comes as it should, and its Content-Type says it is something else."""

    content_type: str = Field(
        default="application/octet-stream",
        max_length=100,
        pattern=r"^[a-z]+/[A-Za-z0-9.+\-]+(; ?[a-z]+=[A-Za-z0-9.\-]+)?$",
        description="the type that is claimed",
    )

    def after(self, scene: TaskScene, reply: Reply) -> Reply:
        """Claim the other type."""
        return reply if reply.status != 200 else reply._replace(content_type=self.content_type)
