"""A universe's clock, as a test moves it."""

from datetime import datetime, timedelta
from typing import Any, Literal

from soundstage.testing.line import SoundstageError
from soundstage.testing.shapes import Ask, ClockShown, Mode, Moved
from soundstage.testing.twins import twin

Wait = Literal["callbacks", "none"]
# Seconds that a call waits for the receivers of callbacks, unless it is told otherwise.
USUAL_SECONDS = 5.0


class Clock:
    """Time in one universe. Moving it makes everything happen that falls due on the way, in order.

    Each move waits until the receivers of the callbacks due by then have answered, for at most `timeout` seconds of the
    machine's time; `wait="none"` does not. A receiver in the test's own event loop can only answer an awaited twin.
    Raises SoundstageError with the code `advance_timed_out` when one has not answered by then; time has moved all the
    same.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    @property
    def now(self) -> datetime:
        """The time in this universe, with UTC as its zone."""
        return datetime.fromisoformat(self.show()["now"])

    def show(self) -> ClockShown:
        """Return mode, speed, now and next_event, when the next event or callback is due."""
        shown: ClockShown = self._ask("GET", "/clock")
        return shown

    def advance(self, seconds: float | timedelta, *, wait: Wait = "callbacks", timeout: float = USUAL_SECONDS) -> Moved:
        """Move time forward by so many seconds, of the universe's time."""
        span = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
        return self._move("aadvance", {"seconds": span}, wait, timeout)

    def next_event(self, *, wait: Wait = "callbacks", timeout: float = USUAL_SECONDS) -> Moved:
        """Move time forward to the next thing that happens, if anything will."""
        return self._move("anext_event", {"to": "next-event"}, wait, timeout)

    def idle(self, *, wait: Wait = "callbacks", timeout: float = USUAL_SECONDS) -> Moved:
        """Move time forward until nothing is left to happen: no task under way, no callback to be sent."""
        return self._move("aidle", {"until": "idle"}, wait, timeout)

    def set(
        self, *, mode: Mode | None = None, speed: float | None = None, now: datetime | str | None = None
    ) -> ClockShown:
        """Switch the clock; time goes on from where it is, or from a later `now` (ISO 8601 or with a zone).

        Raises SoundstageError for an earlier one, ValueError for a datetime without a zone.
        """
        body = {"mode": mode or self.show()["mode"], "speed": speed, "now": instant(now)}
        given = {name: value for name, value in body.items() if value is not None}
        shown: ClockShown = self._ask("PUT", "/clock", given)
        return shown

    ashow = twin(show)
    aadvance = twin(advance)
    anext_event = twin(next_event)
    aidle = twin(idle)
    aset = twin(set)  # noqa: A003 - this class's own

    def _move(self, awaited: str, how: dict[str, Any], wait: Wait, timeout: float) -> Moved:
        body = {**how, "wait": wait, "timeout": timeout}
        try:
            moved: Moved = self._ask("POST", "/clock/advance", body, seconds=timeout)
        except SoundstageError as error:
            if error.code != "advance_timed_out":
                raise
            hint = (
                f"if it lives in the event loop or thread that waits here, await clock.{awaited}() in place of "
                f'clock.{awaited[1:]}(), or pass wait="none"; if it is only slow, pass a longer timeout'
            )
            message = f"time has moved, but a callback's receiver has not answered within {timeout:g} s"
            raise SoundstageError(error.code, message, hint) from None
        return moved


def instant(given: datetime | str | None) -> str | None:
    """Return an instant as the admin API takes it; raises ValueError for a datetime without a zone."""
    if not isinstance(given, datetime):
        return given
    if given.tzinfo is None:
        raise ValueError("a datetime needs a zone, such as datetime.UTC, to be an instant")
    return given.isoformat()
