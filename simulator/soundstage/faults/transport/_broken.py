"""What the faults have in common that break the connection instead of answering."""

from typing import ClassVar, Literal

from pydantic import Field

from soundstage.core.call import Reply, Wire
from soundstage.core.faults import Place, Scene
from soundstage.faults import Fault


class Broken(Fault):
    """The connection breaks; `wire` says how."""

    place: ClassVar[Place] = "exchange"

    when: Literal["before", "after"] = Field(
        default="before", description="before: nothing was done; after: it was done and charged, as if all were well"
    )

    def before(self, scene: Scene) -> Reply | None:
        """Break off in place of the provider."""
        return self._break(scene, Reply(b"")) if self.when == "before" else None

    def after(self, scene: Scene, reply: Reply) -> Reply:
        """Break off when everything was done."""
        return self._break(scene, reply) if self.when == "after" else reply

    def _break(self, scene: Scene, reply: Reply) -> Reply:
        return reply._replace(wire=self.wire(scene, reply.wire or Wire()))

    def wire(self, scene: Scene, wire: Wire) -> Wire:
        """Return how the reply leaves, which was to leave as `wire` says."""
        raise NotImplementedError
