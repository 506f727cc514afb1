"""Delivery paths: which way a task goes to a model's upstreams, with priority, weight and retry policy (R-KEY-049).

ASSUMED: how a path is chosen. Paths of the lowest priority number come first, drawn by weight among equals. A busy
path is tried again as its retry policy says, then the next one; the last of all always takes the task.
"""

from typing import NamedTuple

from soundstage.core.randomness import Draw
from soundstage.providers.apikeyorg.catalogue import Model, Path


class Try(NamedTuple):
    """One try on a path, whether it took the task, and the wait that follows when it did not."""

    path: Path
    taken: bool
    wait_ms: int


def route(model: Model, draw: Draw) -> list[Try]:
    """Return the tries of one task in order; the last one took it."""
    tries: list[Try] = []
    left = list(model.paths)
    while left:
        path = _next(left, draw)
        left.remove(path)
        for number in range(path.retries + 1):
            if not left or draw.between(f"busy {path.id} {number}", 1, 100) > path.busy_percent:
                return [*tries, Try(path, taken=True, wait_ms=0)]
            tries.append(Try(path, taken=False, wait_ms=path.retry_wait_ms if number < path.retries else 0))
    return tries


def _next(left: list[Path], draw: Draw) -> Path:
    first = min([path.priority for path in left])
    equals = [path for path in left if path.priority == first]
    if len(equals) == 1:
        return equals[0]
    mark = draw.between(f"weight {len(left)}", 1, sum([path.weight for path in equals]))
    for path in equals:
        mark -= path.weight
        if mark <= 0:
            return path
    raise ValueError("weights must be positive")


def told(model: Model, draw: Draw) -> str:
    """Return the route of a task in words."""
    tries = route(model, draw)
    said = [
        f"{one.path.id} (priority {one.path.priority}, weight {one.path.weight}, {_policy(one.path)}) "
        + (
            "took it"
            if one.taken
            else f"was busy{f', tried again after {one.wait_ms // 1000} s' if one.wait_ms else ''}"
        )
        for one in tries
    ]
    return f"Delivery path: {'; '.join(said)}"


def _policy(path: Path) -> str:
    if not path.retries:
        return "no retry"
    return f"up to {path.retries} {'retry' if path.retries == 1 else 'retries'} after {path.retry_wait_ms // 1000} s"
