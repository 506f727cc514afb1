"""The answer says it is something else."""

from pydantic import Field

from soundstage.core.call import Reply
from soundstage.core.faults import CallScene
from soundstage.faults import ExchangeFault


class WrongContentType(ExchangeFault):
    """The answer is the usual one under another Content-Type."""

    content_type: str = Field(
        default="text/html",
        max_length=200,
        pattern=r"^[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+(; ?[a-z]+=[A-Za-z0-9.-]+)?$",
        description="what the Content-Type header says, such as text/plain; charset=utf-8",
    )

    def after(self, scene: CallScene, reply: Reply) -> Reply:
        """Change the header and nothing else."""
        return reply._replace(content_type=self.content_type)
