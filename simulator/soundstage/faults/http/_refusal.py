"""How a call is refused in the provider's place, in its own error shape."""

from soundstage.core.call import Problem, Reply
from soundstage.core.faults import Scene


def refusal(scene: Scene, problem: Problem, status: int | None = None) -> Reply:
    """Return a problem as the provider tells it, with Retry-After and Retry-After-Ms where waiting helps."""
    reply = scene.provider.reply_to(problem)
    wait = problem.retry_after_ms
    told = {} if wait is None else {"Retry-After": str(-(-wait // 1000)), "Retry-After-Ms": str(wait)}
    return reply._replace(status=status or reply.status, headers={**reply.headers, **told})
