"""How a call is refused in the provider's place, in its own error shape."""

from soundstage.core import provider
from soundstage.core.call import Problem, Reply
from soundstage.core.faults import CallScene


def refusal(scene: CallScene, problem: Problem, status: int | None = None) -> Reply:
    """Return a problem as the provider tells it, under another status where one is given."""
    reply = provider.refusal(scene.provider, problem)
    return reply if status is None else reply._replace(status=status)
