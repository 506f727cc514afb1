"""Figures held against the bars of the design: median, interval, met or not; as text, Markdown and JSON."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Bar:
    """What is asked: *at_least* or at most *limit* (times base, or the row's unit); *floor* is for CI."""

    limit: float
    at_least: bool = False
    floor: float | None = None

    def met(self, value: float) -> bool:
        """Whether *value* keeps it."""
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.limit:g}"


@dataclass(slots=True)
class Row:
    """One line of the table: paired samples of base and subject, one pair a round.

    *ratio* says whether the bar is on subject / base of each round or on the subject's own figure.
    """

    title: str
    unit: str
    bar: Bar | None
    ratio: bool = True
    base: list[float] = field(default_factory=list)
    subject: list[float] = field(default_factory=list)
    strangers: list[float] = field(default_factory=list)
    """Share of the server's core that went to anything but the measured server, load by load."""
    note: str = ""

    def add(self, base: float, subject: float) -> None:
        """One more round."""
        self.base.append(base)
        self.subject.append(subject)

    def samples(self) -> list[float]:
        """What the bar is held against, round by round."""
        if not self.ratio:
            return self.subject
        return [subject / base for base, subject in zip(self.base, self.subject, strict=True)]

    def median(self) -> float:
        """The middle of the samples."""
        return statistics.median(self.samples())

    def interval(self) -> str:
        """First to third quartile, or smallest to largest of fewer than five rounds."""
        samples = sorted(self.samples())
        if len(samples) == 1:
            return "one run"
        if len(samples) < 5:
            return f"{number(samples[0])}..{number(samples[-1])} (all)"
        low, _, high = statistics.quantiles(samples, n=4, method="inclusive")
        return f"{number(low)}..{number(high)}"

    def disturbed(self) -> bool:
        """Whether something else had so much of the core that its turns, not the servers, set the figures."""
        return bool(self.strangers) and statistics.median(self.strangers) > DISTURBED

    def verdict(self) -> str:
        """Met: yes or no; unknown when disturbed, since that draws every ratio to 1; - without a bar."""
        if self.bar is None:
            return "-"
        if self.disturbed():
            return "unknown"
        return "yes" if self.bar.met(self.median()) else "no"

    def below_floor(self) -> bool:
        """Whether CI should stop here."""
        return self.bar is not None and self.bar.floor is not None and self.median() < self.bar.floor

    def cells(self) -> list[str]:
        """The cells of its line."""
        unit = "\u00d7 base" if self.ratio else self.unit
        return [
            self.title,
            f"{self.bar} {unit}" if self.bar else "(for comparison)",
            f"{number(self.median())} {unit}",
            self.interval(),
            self.verdict(),
            f"{number(statistics.median(self.base))} {self.unit}" if self.base else "-",
            f"{number(statistics.median(self.subject))} {self.unit}",
            str(len(self.subject)),
        ]

    def raw(self) -> dict[str, Any]:
        """All figures, for the JSON file."""
        bar = asdict(self.bar) if self.bar else None
        return {
            "title": self.title,
            "unit": self.unit,
            "bar": bar,
            "bar_is_on": "ratio" if self.ratio else "value",
            "median": self.median(),
            "interval": self.interval(),
            "met": self.verdict(),
            "base": self.base,
            "subject": self.subject,
            "strangers": self.strangers,
            "note": self.note,
        }


DISTURBED = 0.15
HEADINGS = ("what", "bar", "measured, median", "q1..q3", "met", "base", "subject", "rounds")


def number(value: float) -> str:
    """Three figures or all of the whole part."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 0.2 else f"{value:.3f}"


def headings(subject: str) -> list[str]:
    """The heading line, with the name of the side that is measured."""
    name = "base again" if subject == "base" else subject
    return [name if heading == "subject" else heading for heading in HEADINGS]


def as_text(rows: Sequence[Row], subject: str) -> str:
    """The table for a terminal."""
    table = [headings(subject), *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    )


def as_markdown(rows: Sequence[Row], subject: str, conditions: str) -> str:
    """The table and what it was measured on, as Markdown."""
    lines = [headings(subject), ["---"] * len(HEADINGS), *(row.cells() for row in rows)]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    notes = "\n".join(f"- {row.title}: {row.note}" for row in rows if row.note)
    return f"{conditions}\n\n{table}\n\n{notes}\n".replace("\n\n\n", "\n")


def conditions(options: str, pinned: bool) -> str:
    """One paragraph on how the figures came about."""
    where = "server on one core, load on another" if pinned else "nothing pinned"
    machine = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    return (
        f"{machine}; {where}; {options}. *base* is `tests/performance/base_app.py`, a minimal aiohttp + "
        "uvloop + pydantic + orjson app over a dict. Only the ratios carry over to another machine."
    )
