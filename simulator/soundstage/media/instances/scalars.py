"""Numbers, strings and matches of patterns within the bounds a schema sets, and the budget all values share."""

import math
import re
import warnings
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import lru_cache
from importlib import import_module
from string import ascii_letters, digits
from typing import Any

from soundstage.core.randomness import Draw
from soundstage.media.instances.words import FORMATS, filler, worded

MOST_STEPS = 10_000
_LONGEST_PATTERN = 2000
_LONGEST_MATCH = 16_384
_TRIES = 128


class UnsatisfiableError(ValueError):
    """No value is made for this schema; the message is one sentence that says why."""


class DeadEndError(UnsatisfiableError):
    """No value fits at this place; another branch or another attempt may have one."""


class TooLargeError(UnsatisfiableError):
    """The schema or its value is beyond what is worked on; nothing else is tried after that."""


class Budget:
    """What one attempt may still spend, and what it draws."""

    def __init__(self, draw: Draw, label: str) -> None:
        self.draw = draw
        self.label = label
        self.drawn = 0
        self.steps = 0

    def below(self, limit: int) -> int:
        """Draw a whole number in [0, limit)."""
        self.drawn += 1
        return self.draw.bits(f"{self.label}:{self.drawn}") % limit

    def spend(self, steps: int, characters: int = 0) -> None:
        """Count steps of work and characters of the value; raises TooLargeError when there have been too many."""
        self.steps += steps + characters // 32
        if self.steps > MOST_STEPS:
            raise TooLargeError(f"the schema takes more than {MOST_STEPS} steps to fill in")


_BOUNDS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf")
_FEW = 10_000
_USUAL = {"age": (18, 80), "year": (1990, 2030), "rating": (1, 5), "hour": (0, 23), "minute": (0, 59), "month": (1, 12)}


def number(budget: Budget, keywords: dict[str, Any], name: str, *, whole: bool) -> int | float:
    """Return a number within the bounds; raises DeadEndError when there is none."""
    if whole and keywords.keys().isdisjoint(_BOUNDS):
        low, high = _USUAL.get(name, (1, 100))
        return low + budget.below(high - low + 1)
    unit, first, last = _grid(whole, *[keywords.get(key) for key in _BOUNDS])
    if last - first > _FEW:  # of a wide range, numbers people use
        first, last = (0, min(last, _FEW)) if first < 0 < last else (first, first + _FEW)
    for _ in range(8):
        exact = (first + budget.below(last - first + 1)) * unit
        if unit.denominator == 1 or _divides(exact, unit):
            break
    if exact.denominator == 1 and abs(exact) < 2**63:
        return int(exact)
    if whole or abs(exact) > Fraction(1.7976931348623157e308):
        raise DeadEndError("the number is too large")
    return float(exact)


@lru_cache(maxsize=1024)
def _grid(
    whole: bool, least: float | None, above: float | None, most: float | None, under: float | None, step: float | None
) -> tuple[Fraction, int, int]:
    """Return a unit, and the first and last of its multiples within the bounds; an open side is 100 units away."""
    unit = Fraction(1) if step is None else exactly(step)
    unit = Fraction(unit.numerator) if whole else unit
    lows = [exactly(bound) for bound in (least, above) if bound is not None]
    highs = [exactly(bound) for bound in (most, under) if bound is not None]
    reach = 100 * max(unit, Fraction(1))
    low = max(lows) if lows else Fraction(0) if not highs or min(highs) >= 1 else min(highs) - reach
    high = min(highs) if highs else low + reach
    # Without a step, hundredths read best; a narrow range has quarters, and one that is a point has that point.
    for size in (unit,) if whole or step is not None else (Fraction(1, 100), (high - low) / 4, abs(low)):
        if size > 0:
            first, last = math.ceil(low / size), math.floor(high / size)
            first += above is not None and first * size == exactly(above)
            last -= under is not None and last * size == exactly(under)
            if first <= last:
                return size, first, last
    raise DeadEndError("no number lies within the bounds")


def exactly(written: float) -> Fraction:
    """Return a number as it is written in JSON, without the error of its binary form."""
    return Fraction(repr(written))


def _divides(exact: Fraction, unit: Fraction) -> bool:
    """Say whether the binary forms divide without a rest too: many validators divide those."""
    return abs(exact / unit) < 2**52 and float(unit) > 0 and (float(exact) / float(unit)).is_integer()


def count(keywords: dict[str, Any], key: str, usual: int) -> int:
    """Return a keyword that counts something; 4.0 counts as 4, and what is beyond 10**9 is as good as 10**9."""
    return int(min(keywords.get(key, usual), 10**9))


def string(budget: Budget, keywords: dict[str, Any], name: str, check: Callable[[str], bool] | None) -> str:
    """Return a string of the right length, format and pattern (that is `check`); raises DeadEndError without one."""
    least, most = count(keywords, "minLength", 0), count(keywords, "maxLength", 10**9)
    if least > most:
        raise DeadEndError("minLength is above maxLength")
    budget.spend(0, least)
    for text in _candidates(budget, keywords, name, least, most):
        if least <= len(text) <= most and (check is None or check(text)):
            return text
    raise DeadEndError("no text was found that fits the length, the format and the pattern")


def _candidates(budget: Budget, keywords: dict[str, Any], name: str, least: int, most: int) -> Iterator[str]:
    maker, pattern = FORMATS.get(keywords.get("format", "")), keywords.get("pattern")
    yield worded(name, budget.below) if maker is None else maker(budget.below)
    if pattern is not None:
        yield from matches(pattern, budget, least)
    elif maker is None:
        yield filler(min(max(least, 6), max(least, 24) if most == 10**9 else most), budget.below)


def matches(pattern: str, budget: Budget, least: int = 0) -> Iterator[str]:
    """Yield texts that should match a pattern; look-arounds are not read, so each must be checked."""
    nodes = _parsed(pattern)
    for turn in range(_TRIES):
        writer = _Writer(budget.below, natural=turn % 2 == 0, reach=5 if turn < 2 else 5 + 2 * least)
        writer.write(nodes)
        text = "".join(writer.out)
        budget.spend(3 + len(text) // 16 + (20 if hard(pattern) else 0))
        yield text


class _Writer:
    """Writes one text for a parsed pattern; `reach` is how often it repeats what may be repeated without an end."""

    def __init__(self, below: Callable[[int], int], *, natural: bool, reach: int) -> None:
        self.below = below
        self.natural = natural  # whether a class gives the characters a reader would expect, or any
        self.reach = reach
        self.steps = _LONGEST_MATCH
        self.out: list[str] = []

    def write(self, nodes: Any) -> None:
        for code, detail in nodes:
            self._count(1)
            kind = str(code)
            if kind == "BRANCH":
                self.write(detail[1][self.below(len(detail[1]))])
            elif kind == "SUBPATTERN":
                self.write(detail[3])
            elif kind in _REPEATS:
                self._repeat(*detail)
            elif kind in _CHARACTERS:
                usual, every = _choices(tuple(detail) if kind == "IN" else ((code, detail),))
                chosen = usual if self.natural else every
                self.out.append(chosen[self.below(len(chosen))])
            elif kind not in _NOTHING:
                raise DeadEndError("the pattern has a part that is not supported")

    def _count(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise DeadEndError("the pattern asks for too long a text")

    def _repeat(self, low: int, high: int, part: Any) -> None:
        single = len(part) == 1 and str(part[0][0]) in _CHARACTERS and high > low + 1
        more = self.below(self.reach if single else 2) + (2 if single and self.natural else 0)
        times = min(high, low + more)
        self._count(times)
        for _ in range(times):
            self.write(part)


_CHARACTERS = frozenset(("LITERAL", "NOT_LITERAL", "ANY", "IN"))
_REPEATS = frozenset(("MAX_REPEAT", "MIN_REPEAT"))
_GROUPS = frozenset(("BRANCH", "SUBPATTERN", "ASSERT", "ASSERT_NOT"))
_NOTHING = frozenset(("AT", "ASSERT", "ASSERT_NOT"))
_PRINTABLE = "".join(map(chr, range(32, 127)))
_CLASSES = {"DIGIT": digits, "SPACE": " \t\n", "WORD": ascii_letters + digits + "_"}
_HARD = re.compile(r"\(\?[^:]|\\[1-9k]")


def hard(pattern: str) -> bool:
    """Say whether a pattern needs a matcher that goes back and forth: those are slow at worst."""
    return _HARD.search(pattern) is not None


@lru_cache(maxsize=256)
def _parsed(pattern: str) -> Any:
    """Return a pattern as the standard library parses it, which reads nearly all that ECMA-262 allows."""
    if len(pattern) > _LONGEST_PATTERN:
        raise UnsatisfiableError(f"the pattern is longer than {_LONGEST_PATTERN} characters")
    source = re.sub(r"\\p\{[^}]*\}", r"\\w", pattern)  # the check will say whether a plain letter was meant
    source = re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", source)
    try:
        with warnings.catch_warnings(action="ignore"):
            return import_module("re._parser").parse(source)
    except (ImportError, OverflowError, RecursionError, re.error) as error:
        raise UnsatisfiableError(f"the pattern {pattern[:80]!r} is not supported: {error}") from None


def weight(pattern: str) -> int:
    """Return about how many states a matcher needs for a pattern: all repeats written out."""
    factor = 40 if "\\p" in pattern else 8 if hard(pattern) else 1
    return factor * _weight(_parsed(pattern))


def _weight(nodes: Any) -> int:
    total = 1
    for code, detail in nodes:
        if str(code) in _REPEATS:
            low, high, part = detail
            total += _weight(part) * max(1, high if high < 10**9 else low + 1)
        elif str(code) in _GROUPS:
            total += sum([_weight(part) for part in (detail[1] if str(code) == "BRANCH" else [detail[-1]])])
        else:
            total += 1 if str(code) in _CHARACTERS or str(code) in ("AT", "GROUPREF") else 10**9
    return min(total, 10**9)


@lru_cache(maxsize=512)
def _choices(items: tuple[Any, ...]) -> tuple[str, str]:
    """Return the characters of a class a reader would expect, and all of them (of a long range, the first)."""
    without = str(items[0][0]) in ("NEGATE", "NOT_LITERAL")
    found = "".join([_marks(str(code), detail) for code, detail in items])
    if without:
        found = "".join([mark for mark in _PRINTABLE if mark not in found])
    small = [mark for mark in found if "a" <= mark <= "z"]
    plain = [mark for mark in found if mark.isascii() and mark.isalnum()]
    every = "".join([mark for mark in found if mark.isprintable()]) or found
    if not every:
        raise DeadEndError("the pattern has a character class nothing here belongs to")
    return "".join(small or plain) or every[:1], every


def _marks(code: str, detail: Any) -> str:
    if code == "RANGE":
        return "".join([chr(at) for at in range(detail[0], min(detail[1], detail[0] + 127) + 1)])
    if code == "CATEGORY":
        name = str(detail).removeprefix("CATEGORY_")
        chosen = _CLASSES[name.removeprefix("NOT_")]
        return "".join([mark for mark in _PRINTABLE if mark not in chosen]) if name.startswith("NOT_") else chosen
    return _PRINTABLE if code == "ANY" else chr(detail) if code in ("LITERAL", "NOT_LITERAL") else ""
