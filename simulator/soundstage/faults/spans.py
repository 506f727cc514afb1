"""Spans of time as people write them, `90s`, `500ms`, `2h` or a number: one reading for every parameter that is one."""

import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

_SPAN: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)")
_UNITS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_LONGEST_SECONDS: Final = 30 * 86_400
LONGEST_REAL_MS: Final = 600_000


def span_ms(text: str) -> int | None:
    """Return the milliseconds of a span such as `90s`, None for any other text.

    >>> span_ms("1.5m")
    90000
    """
    span = _SPAN.fullmatch(text)
    return None if span is None else int(float(span[1]) * _UNITS[span[2]])


def _seconds(given: Any) -> Any:
    span = span_ms(given) if isinstance(given, str) else None
    return given if span is None else span / 1000


def _milliseconds(given: Any) -> Any:
    span = span_ms(given) if isinstance(given, str) else None
    return given if span is None else span


# At most 30 days of the universe's own time. The bounds stand first, so that they are those of a number. A field may
# add `gt`; a second `le` or `ge` would be lost.
Seconds = Annotated[float, Field(ge=0, le=_LONGEST_SECONDS, allow_inf_nan=False), BeforeValidator(_seconds)]
WholeSeconds = Annotated[int, Field(ge=0, le=_LONGEST_SECONDS), BeforeValidator(_seconds)]
Milliseconds = Annotated[int, Field(ge=0, le=_LONGEST_SECONDS * 1000), BeforeValidator(_milliseconds)]
# At most ten minutes of the machine's time, whatever the clock says.
RealMilliseconds = Annotated[int, Field(ge=0, le=LONGEST_REAL_MS), BeforeValidator(_milliseconds)]
