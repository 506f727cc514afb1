"""Time, the only module that may ask the machine for it.

A universe's clock only moves forward. In `scaled` mode universe time is wall time plus the jumps made so far; *speed*
shortens what the simulator itself lets pass (task durations, queue delays, callback retry delays), never rate windows
or shown timestamps. `real` is `scaled` at speed 1. `manual` stands still until somebody advances it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

Mode = Literal["real", "scaled", "manual"]
Wall = Callable[[], int]

# 2026-01-01T00:00:00Z: where manual clocks start when nobody says otherwise.
MANUAL_START = 1_767_225_600_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def wall_now() -> int:
    """Return the machine's time in milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


def stopwatch() -> float:
    """Return seconds on a clock that never jumps, for measuring wall time-outs."""
    return time.monotonic()


@dataclass(frozen=True, slots=True)
class Clock:
    """One universe's clock: its mode, its speed, and either the jumps so far or the instant it stands at."""

    mode: Mode = "scaled"
    speed: float = 10.0
    offset_ms: int = 0
    at: int = MANUAL_START

    def now(self, wall: int) -> int:
        """Return universe time when the machine's clock shows `wall`."""
        return self.at if self.mode == "manual" else wall + self.offset_ms

    def wall_of(self, instant: int, wall: int) -> int | None:
        """Return when the machine's clock will show `instant`; None when only an advance can get there."""
        if self.mode == "manual":
            return wall if instant <= self.at else None
        return instant - self.offset_ms

    def span(self, duration_ms: int) -> int:
        """Return how long a documented duration takes here, in milliseconds."""
        if self.mode != "scaled":
            return duration_ms
        return int(duration_ms / self.speed)

    def moved_to(self, instant: int, wall: int) -> "Clock":
        """Return the clock moved forward to `instant`; a clock already past it is returned unchanged."""
        if instant <= self.now(wall):
            return self
        if self.mode == "manual":
            return replace(self, at=instant)
        return replace(self, offset_ms=instant - wall)

    def switched(self, mode: Mode, speed: float, wall: int) -> "Clock":
        """Return the clock in another mode, showing the same time at this moment."""
        now = self.now(wall)
        return Clock(mode=mode, speed=1.0 if mode == "real" else speed, offset_ms=now - wall, at=now)


def iso(instant: int) -> str:
    """Return an instant as ISO 8601 in UTC with milliseconds.

    >>> iso(1_776_000_000_000)
    '2026-04-12T13:20:00.000Z'
    """
    seconds, millis = divmod(instant, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{millis:03d}Z"


def parse_iso(text: str) -> int:
    """Return the instant an ISO 8601 date or date-time names; without an offset it is UTC.

    Raises ValueError for anything else, and for years no clock here can show.

    >>> parse_iso("2026-04-12") == parse_iso("2026-04-12T00:00:00Z")
    True
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        # Whole numbers all the way: a float of seconds loses a millisecond here and there.
        return (moment - _EPOCH) // timedelta(milliseconds=1)
    except (OverflowError, OSError):
        raise ValueError(f"no instant between the years 1 and 9999: {text!r}") from None
