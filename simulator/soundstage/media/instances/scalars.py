"""Numbers and strings within the bounds a schema sets."""

import math
from fractions import Fraction
from typing import Any, overload

from soundstage.media.instances.merge import exactly
from soundstage.media.instances.patterns import matches
from soundstage.media.instances.state import LARGEST_VALUE, State
from soundstage.media.instances.words import FORMATS, filler, worded

_INTEGER_LIMIT = 2**63 - 1
_USUAL = {"age": (18, 80), "year": (1990, 2030), "rating": (1, 5), "hour": (0, 23), "minute": (0, 59), "month": (1, 12)}


def number(state: State, keywords: dict[str, Any], name: str, *, whole: bool) -> int | float:
    """Return a number within the bounds; raises DeadEndError when there is none."""
    state.grow(8)
    if whole and keywords.keys().isdisjoint(_BOUNDS):
        low, high = _USUAL.get(name, (1, 100))
        return low + state.below(high - low + 1)
    low_bound, high_bound = _bounds(keywords)
    step = exactly(keywords["multipleOf"]) if "multipleOf" in keywords else None
    if whole:
        step = Fraction(1) if step is None else Fraction(step.numerator)
    if step is not None:
        return _stepped(state, low_bound, high_bound, step, whole=whole)
    return _between(state, low_bound, high_bound)


_BOUNDS = frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"))
_Bound = tuple[Fraction, bool]  # the number, and whether it is allowed itself


def _bounds(keywords: dict[str, Any]) -> tuple[_Bound, _Bound]:
    """Return both bounds; one that is not set lies a hundred from the other."""
    lows = [(exactly(keywords[key]), key == "minimum") for key in ("minimum", "exclusiveMinimum") if key in keywords]
    highs = [(exactly(keywords[key]), key == "maximum") for key in ("maximum", "exclusiveMaximum") if key in keywords]
    reach = 100 * max(exactly(keywords.get("multipleOf", 1)), Fraction(1))
    low: _Bound | None = max(lows, key=lambda bound: (bound[0], not bound[1])) if lows else None
    high: _Bound | None = min(highs, key=lambda bound: (bound[0], bound[1])) if highs else None
    if low is None:
        low = (Fraction(0), True) if high is None or high[0] >= 1 else (high[0] - reach, True)
    if high is None:
        high = (low[0] + reach, True)
    return low, high


def _stepped(state: State, low: _Bound, high: _Bound, step: Fraction, *, whole: bool) -> int | float:
    first, last = math.ceil(low[0] / step), math.floor(high[0] / step)
    first += first * step == low[0] and not low[1]
    last -= last * step == high[0] and not high[1]
    if first > last:
        raise state.dead("no number lies within the bounds")
    if first < 1 <= last and low[0] <= 0:
        first = max(first, 0)
    for _ in range(8):
        exact = (first + state.below(min(last - first + 1, 2**32))) * step
        if step.denominator == 1 or _divides(step, exact):
            break
    if exact.denominator == 1 and abs(exact) <= _INTEGER_LIMIT:
        return int(exact)
    if whole:
        raise state.dead("the number would need more than 64 bits")
    return _float(state, exact)


def _divides(step: Fraction, exact: Fraction) -> bool:
    """Say whether the binary forms divide without a rest too: many validators divide those."""
    return step > Fraction(1, 10**300) and abs(exact / step) < 2**52 and (float(exact) / float(step)).is_integer()


def _between(state: State, low: _Bound, high: _Bound) -> int | float:
    if low[0] > high[0] or (low[0] == high[0] and not (low[1] and high[1])):
        raise state.dead("no number lies within the bounds")
    exact = low[0] + (high[0] - low[0]) * Fraction(1 + state.below(9999), 10_001)
    for value in (round(_float(state, exact), 2), _float(state, exact), _float(state, (low[0] + high[0]) / 2)):
        at = exactly(value)
        if low[0] < at < high[0] or (at == low[0] and low[1]) or (at == high[0] and high[1]):
            return value
    for bound, allowed in (low, high):
        if allowed and exactly(_float(state, bound)) == bound:
            return _float(state, bound)
    raise state.dead("no number lies within the bounds")


def _float(state: State, exact: Fraction) -> float:
    try:
        return float(exact)
    except OverflowError:
        raise state.dead("the number is too large") from None


@overload
def count(keywords: dict[str, Any], key: str, usual: int) -> int: ...
@overload
def count(keywords: dict[str, Any], key: str, usual: None) -> int | None: ...
def count(keywords: dict[str, Any], key: str, usual: int | None) -> int | None:
    """Return a keyword that counts something; 4.0 counts as 4, and what is beyond 10**9 is as good as 10**9."""
    value = keywords.get(key)
    return usual if value is None else int(min(value, 10**9))


def string(state: State, keywords: dict[str, Any], name: str) -> str:
    """Return a string of the right length, format and pattern; raises DeadEndError when none is found."""
    least, most = count(keywords, "minLength", 0), count(keywords, "maxLength", None)
    if most is not None and least > most:
        raise state.dead("minLength is above maxLength")
    state.grow(min(least, LARGEST_VALUE + 1))
    text = _string(state, keywords, name, least, most)
    state.grow(max(0, len(text) - least) + 2)
    return text


def _string(state: State, keywords: dict[str, Any], name: str, least: int, most: int | None) -> str:
    form = keywords.get("format")
    pattern = keywords.get("pattern")
    maker = FORMATS.get(form) if isinstance(form, str) else None
    if maker is not None:
        text = _formatted(state, maker(state.below), str(form), least)
        if not _long_enough(text, least, most) or (pattern and not state.plan.pattern(pattern)[1].is_valid(text)):
            raise state.dead(f"no {str(form)[:40]} fits the length and the pattern")
        return text
    if pattern is not None:
        return _patterned(state, pattern, name, least, most)
    text = worded(name, state.below)
    if _long_enough(text, least, most):
        return text
    highest = max(least, 24) if most is None else most
    return filler(min(max(least, 6), highest), state.below)


def _formatted(state: State, text: str, form: str, least: int) -> str:
    """Lengthen a value whose format has room for it."""
    missing = least - len(text)
    if missing <= 0:
        return text
    if form in ("uri", "iri", "uri-reference", "iri-reference"):
        return text + "/" + filler(missing, state.below).replace(" ", "-")
    if form in ("email", "idn-email") and len(text.partition("@")[0]) + missing <= 64:
        return "m" * missing + text
    return text


def _patterned(state: State, pattern: str, name: str, least: int, most: int | None) -> str:
    node, validator = state.plan.pattern(pattern)
    usual = worded(name, state.below)
    if _long_enough(usual, least, most) and validator.is_valid(usual):
        return usual
    for text in matches(node, least, most, state):
        if _long_enough(text, least, most) and validator.is_valid(text):
            return text
    raise state.dead(f"no text was found for the pattern {pattern[:80]!r}")


def _long_enough(text: str, least: int, most: int | None) -> bool:
    return len(text) >= least and (most is None or len(text) <= most)
