"""A task's timeline: ordered points of (offset, state, progress), and its state at any time as a pure function.

Nobody moves a task by asking for it. Points never change once passed; cancel, complete, fail and stall replace the
part that lies ahead.
"""

from typing import Final, Literal, NamedTuple

State = Literal["waiting", "running", "succeeded", "failed", "cancelled"]
TERMINAL: Final = frozenset({"succeeded", "failed", "cancelled"})
STEPS: Final = 10


class Point(NamedTuple):
    """From `offset_ms` after the task's start on, it is in `state` at `progress` percent."""

    offset_ms: int
    state: State
    progress: int


Timeline = tuple[Point, ...]


# A task in line has no plan yet: when it starts depends on others.
IN_LINE: Final[Timeline] = (Point(0, "waiting", 0),)


def planned(delay_ms: int, run_ms: int, outcome: State) -> Timeline:
    """Return the usual timeline: waiting, then running in ten steps, then the outcome."""
    steps = [Point(delay_ms + run_ms * i // STEPS, "running", 100 * i // STEPS) for i in range(STEPS)]
    progress = 100 if outcome == "succeeded" else steps[-1].progress
    return (Point(0, "waiting", 0), *steps, Point(delay_ms + run_ms, outcome, progress))


def at(timeline: Timeline, offset_ms: int) -> Point:
    """Return the last point reached `offset_ms` after the start."""
    reached = timeline[0]
    for point in timeline:
        if point.offset_ms > offset_ms:
            break
        reached = point
    return reached


def replaced(timeline: Timeline, offset_ms: int, *future: Point) -> Timeline:
    """Return the timeline with everything after `offset_ms` replaced by `future`."""
    return (*(point for point in timeline if point.offset_ms <= offset_ms), *future)


def end_of(timeline: Timeline) -> Point | None:
    """Return the terminal point, or None when the task never ends on its own."""
    return timeline[-1] if timeline[-1].state in TERMINAL else None
