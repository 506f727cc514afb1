"""What faults have bent about one task: its course, its bill, and which of them still act on what clients see of it."""

import json
from typing import Any, Final, Literal, NamedTuple

from soundstage.core.timeline import Timeline
from soundstage.core.view import Tx

# What becomes of the reserved credits of a task that does not succeed; "due" is a late one on its way.
Refund = Literal["usual", "never", "late", "due", "twice"]


# Parameters of faults that nobody is shown again.
SECRETS: Final = frozenset({"secret"})


class Applied(NamedTuple):
    """A fault at work: its name, its parameters as JSON, and who asked for it in words."""

    name: str
    params: bytes
    origin: str


class Bent(NamedTuple):
    """A task that does not go as planned. Spans are documented ones, before the clock's speed.

    `timeline` replaces the plan, its offsets counting from the moment the task starts. `deliveries` are the ids of the
    callbacks of its end beyond the first, which the task's own row names. `price` is what its handler was about to
    reserve, in micros.
    """

    faults: tuple[Applied, ...] = ()
    timeline: Timeline | None = None
    refund: Refund = "usual"
    refund_after_ms: int = 0
    deliveries: tuple[str, ...] = ()
    price: int = 0


def bent_of(tx: Tx, task_id: str) -> Bent | None:
    """Return what is bent about a task, None for nearly all of them."""
    found: Bent | None = tx.get("bent", task_id)
    return found


def shown_parameters(params: bytes) -> dict[str, Any]:
    """Return a fault's parameters as they may be shown to anybody."""
    return {name: "…" if name in SECRETS else value for name, value in json.loads(params).items()}
