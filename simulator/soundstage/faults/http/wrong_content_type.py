"""The answer says it is something else."""

from typing import ClassVar

from pydantic import Field

from soundstage.core.call import Reply
from soundstage.core.faults import Place, Scene
from soundstage.faults import Fault


class WrongContentType(Fault):
    """The answer is the usual one under another Content-Type."""

    place: ClassVar[Place] = "exchange"

    content_type: str = Field(
        default="text/html",
        max_length=200,
        pattern=r"^[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+(; ?[a-z]+=[A-Za-z0-9.-]+)?$",
        description="what the Content-Type header says, such as text/plain; charset=utf-8",
    )

    def after(self, scene: Scene, reply: Reply) -> Reply:
        """Change the header and nothing else."""
        return reply._replace(content_type=self.content_type)
