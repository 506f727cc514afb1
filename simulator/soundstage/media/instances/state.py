"""What one generation may still spend, and what it has drawn so far."""

from typing import Any

import orjson

from soundstage.core.randomness import Draw
from soundstage.media.instances.errors import DeadEndError, TooLargeError
from soundstage.media.instances.plan import MOST_NODES, Plan

LARGEST_VALUE = 256 * 1024
_MOST_CHECKS = 50_000
_ENOUGH = 2000  # steps after which only what is required is made


class State:
    """The plan, the draws and the budgets of one generation."""

    __slots__ = ("active", "checks", "draw", "drawn", "nodes", "path", "plan", "pool", "room", "sizes", "spare")

    def __init__(self, plan: Plan, draw: Draw) -> None:
        self.plan = plan
        self.draw = draw
        self.drawn = 0
        self.pool = 0
        self.nodes = MOST_NODES
        self.checks = _MOST_CHECKS
        self.room = LARGEST_VALUE
        self.spare = 0
        self.active: dict[int, int] = {}
        self.path: list[str | int] = []
        self.sizes: dict[int, int] = {}

    def below(self, limit: int) -> int:
        """Draw a whole number in [0, limit); one hash gives eight of them."""
        if self.drawn % 8 == 0:
            self.pool = self.draw.bits(f"instance:{self.drawn}", 512)
        self.drawn += 1
        number = self.pool & 0xFFFFFFFFFFFFFFFF
        self.pool >>= 64
        return number % limit

    @property
    def lean(self) -> bool:
        """Whether only what is required is made: inside a recursion, or after much has been made."""
        return self.spare > 0 or self.nodes < MOST_NODES - _ENOUGH

    def spend(self, steps: int = 1) -> None:
        """Count steps of work; raises TooLargeError when there have been too many."""
        self.nodes -= steps
        if self.nodes < 0:
            raise TooLargeError(f"the schema takes more than {MOST_NODES} steps to fill in")

    def check(self, count: int = 1) -> None:
        """Count checks of a value against a part; raises TooLargeError when there have been too many."""
        self.checks -= count
        if self.checks < 0:
            raise TooLargeError(f"the schema takes more than {_MOST_CHECKS} checks to fill in")

    def grow(self, characters: int) -> None:
        """Count characters of the value; raises TooLargeError when it gets too long."""
        self.room -= characters
        if self.room < 0:
            raise TooLargeError(f"the value would be larger than {LARGEST_VALUE} bytes")

    def taken(self, value: Any) -> Any:
        """Return a value that stands in the schema, counted with its size."""
        if isinstance(value, list | dict):
            size = self.sizes.get(id(value))
            if size is None:
                size = self.sizes[id(value)] = len(orjson.dumps(value))
            self.grow(size)
        else:
            self.grow(len(value) if isinstance(value, str) else 8)
        return value

    def dead(self, reason: str) -> DeadEndError:
        """Return the error that says no value fits at the place that is being filled in."""
        where = "".join([f"/{step}" for step in self.path])[:200]
        return DeadEndError(f"no value fits at {where or 'the top'}: {reason}")
