"""A callback overtakes the answer to the call that created its task."""

from typing import ClassVar

from soundstage.core.call import Reply, Wire
from soundstage.core.faults import Need, Place, Scene
from soundstage.core.task import Order
from soundstage.faults import Fault


class BeforeAnswer(Fault):
    """The task ends at once, and its callback arrives before the create call is answered (which waits 5 s at most)."""

    place: ClassVar[Place] = "task"
    needs: ClassVar[frozenset[Need]] = frozenset({"callback"})

    def order(self, scene: Scene, order: Order) -> Order:
        """Let the task end as soon as it is created, where somebody is called back."""
        return order._replace(delay_ms=0, run_ms=0) if _calls_back(scene) else order

    def after(self, scene: Scene, reply: Reply) -> Reply:
        """Let the callback go first."""
        if not _calls_back(scene):
            return reply
        return reply._replace(wire=(reply.wire or Wire())._replace(after_callbacks=True))


def _calls_back(scene: Scene) -> bool:
    call, field = scene.call, scene.provider.shape.callback_url
    if scene.provider.callback is None or call is None:
        return False
    return bool(call.key.callback_url or (field and call.body.get(field)))
