"""What the faults have in common that break the connection instead of answering."""

from typing import ClassVar, Literal

from pydantic import Field

from soundstage.core.call import Fate, Reply
from soundstage.core.faults import CallScene
from soundstage.faults import ExchangeFault


class Broken(ExchangeFault):
    """The connection breaks before any byte of an answer; `fate` says how."""

    fate: ClassVar[Fate]

    when: Literal["before", "after"] = Field(
        default="before", description="before: nothing was done; after: it was done and charged, as if all were well"
    )

    def before(self, scene: CallScene) -> Reply | None:
        """Break off in place of the provider."""
        return self.broken(scene, Reply(b"")) if self.when == "before" else None

    def after(self, scene: CallScene, reply: Reply) -> Reply:
        """Break off when everything was done."""
        return self.broken(scene, reply) if self.when == "after" else reply

    def broken(self, scene: CallScene, reply: Reply) -> Reply:
        """Return the reply as it leaves."""
        return reply.leaving(fate=self.fate, cut=None)
