"""One schema out of several that hold at once: references followed, allOf merged, alternatives set aside."""

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from soundstage.media.instances.errors import DeadEndError, TooLargeError

if TYPE_CHECKING:
    from soundstage.media.instances.state import State

DEEPEST = 64
_IN_PLACE = frozenset(
    (
        "$ref",
        "allOf",
        "anyOf",
        "oneOf",
        "if",
        "then",
        "else",
        "not",
        "const",
        "dependentSchemas",
        "$defs",
        "definitions",
        "$schema",
        "$id",
        "$comment",
    )
)


class Merged:
    """Keywords that hold together, groups of alternatives still open, and schemas to check a value against."""

    __slots__ = ("absorbed", "checks", "groups", "keywords")

    def __init__(self, keywords: dict[str, Any]) -> None:
        self.keywords = keywords
        self.groups: list[tuple[str, list[Any]]] = []
        self.checks: list[Any] = []
        self.absorbed: dict[int, Any] = {}

    def copy(self) -> "Merged":
        """Return one that can be added to without changing this one."""
        other = Merged(dict(self.keywords))
        other.groups = list(self.groups)
        other.checks = list(self.checks)
        other.absorbed = dict(self.absorbed)
        return other


def absorb(state: "State", merged: Merged, schema: Any, depth: int = 0) -> None:
    """Add a schema to what holds; raises DeadEndError when both cannot hold."""
    state.spend()
    if schema is False:
        raise DeadEndError("nothing is allowed here")
    if not isinstance(schema, dict) or id(schema) in merged.absorbed:
        return
    if depth > DEEPEST:
        raise TooLargeError(f"the schema goes through more than {DEEPEST} references in a row")
    merged.absorbed[id(schema)] = schema
    state.spend(_cost(merged.keywords, schema))
    _add_keywords(merged, schema)
    if "$ref" in schema:
        absorb(state, merged, state.plan.target(schema["$ref"]), depth + 1)
    for inner in schema.get("allOf", ()):
        absorb(state, merged, inner, depth + 1)
    for inner in (schema.get("dependentSchemas") or {}).values():
        absorb(state, merged, inner, depth + 1)
    _set_aside(merged, schema)


def _cost(have: dict[str, Any], schema: dict[str, Any]) -> int:
    """Return what merging takes beyond one step: long lists of names and values are gone through."""
    names = len(have.get("properties") or ()) + len(schema.get("properties") or ())
    return names // 16 + len(have.get("enum") or ()) * len(schema.get("enum") or ()) // 256


def _set_aside(merged: Merged, schema: dict[str, Any]) -> None:
    for kind in ("anyOf", "oneOf"):
        if kind in schema:
            merged.groups.append((kind, schema[kind]))
    if "not" in schema:
        merged.checks.append({"not": schema["not"]})
    if "if" in schema:
        met = {"allOf": [schema["if"], schema.get("then", True)]}
        unmet = {"allOf": [{"not": schema["if"]}, schema.get("else", True)]}
        merged.groups.append(("anyOf", [met, unmet]))


def _add_keywords(merged: Merged, schema: dict[str, Any]) -> None:
    plain = {key: value for key, value in schema.items() if key not in _IN_PLACE}
    if "const" in schema:
        plain["enum"] = _common(plain["enum"], [schema["const"]]) if "enum" in plain else [schema["const"]]
    have = merged.keywords
    if not have:
        have.update(plain)
        return
    if "properties" in plain or "additionalProperties" in plain:
        _add_object(have, plain)
    for key, value in plain.items():
        if key not in have:
            have[key] = value
        elif (both := _BOTH.get(key)) is not None:
            have[key] = both(have[key], value)
        elif key in _CHECKED and have[key] != value:
            merged.checks.append({key: value})


def _add_object(have: dict[str, Any], plain: dict[str, Any]) -> None:
    """Merge properties: one that only one side names must satisfy the other side's additionalProperties as well."""
    ours, theirs = have.get("properties") or {}, plain.pop("properties", None) or {}
    our_rest = True if "patternProperties" in have else have.get("additionalProperties", True)
    their_rest = True if "patternProperties" in plain else plain.get("additionalProperties", True)
    merged: dict[str, Any] = {}
    for name in (*ours, *[name for name in theirs if name not in ours]):
        merged[name] = _all_of(ours.get(name, our_rest), theirs.get(name, their_rest))
    if merged:
        have["properties"] = merged


def _all_of(one: Any, other: Any) -> Any:
    if one is True or one == other:
        return other
    if other is True:
        return one
    return False if one is False or other is False else {"allOf": [one, other]}


def _types(one: Any, other: Any) -> list[str]:
    left, right = ([kinds] if isinstance(kinds, str) else kinds for kinds in (one, other))
    both = [kind for kind in left if kind in right or (kind == "integer" and "number" in right)]
    if "number" in left and "integer" in right and "integer" not in both:
        both.append("integer")
    if not both:
        raise DeadEndError("no type is allowed by all of its parts")
    return both


def same(one: Any, other: Any) -> bool:
    """Say whether two JSON values are equal; true is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _common(one: list[Any], other: list[Any]) -> list[Any]:
    if len(one) * len(other) > 1_000_000:
        raise TooLargeError("the schema lists too many values")
    both = [value for value in one if any(same(value, also) for also in other)]
    if not both:
        raise DeadEndError("no listed value is allowed by all of its parts")
    return both


def exactly(number: float) -> Fraction:
    """Return a number as it is written in JSON, without the error of its binary form."""
    if isinstance(number, float) and not math.isfinite(number):
        raise DeadEndError("a number is too large")
    return Fraction(repr(number))


def _multiple(one: float, other: float) -> float:
    left, right = exactly(one), exactly(other)
    scale = math.lcm(left.denominator, right.denominator)
    both = Fraction(math.lcm(int(left * scale), int(right * scale)), scale)
    try:
        return both.numerator if both.denominator == 1 else float(both)
    except OverflowError:
        raise DeadEndError("a number is too large") from None


def _union(one: list[str], other: list[str]) -> list[str]:
    return list(dict.fromkeys([*one, *other]))


def _one_by_one(one: list[Any], other: list[Any]) -> list[Any]:
    longer = one if len(one) >= len(other) else other
    return [_all_of(left, right) for left, right in zip(one, other, strict=False)] + longer[min(len(one), len(other)) :]


_BOTH: dict[str, Callable[[Any, Any], Any]] = {
    "type": _types, "enum": _common, "multipleOf": _multiple, "required": _union, "prefixItems": _one_by_one,
    "minimum": max, "exclusiveMinimum": max, "minLength": max, "minItems": max, "minProperties": max,
    "minContains": max, "maximum": min, "exclusiveMaximum": min, "maxLength": min, "maxItems": min,
    "maxProperties": min, "maxContains": min, "additionalProperties": _all_of, "items": _all_of, "contains": _all_of,
    "propertyNames": _all_of, "unevaluatedProperties": _all_of,
    "uniqueItems": lambda one, other: one or other,
}  # fmt: skip
_CHECKED = frozenset(("pattern", "format", "patternProperties", "dependentRequired", "dependencies"))

_OBJECT = frozenset(
    ("properties", "required", "additionalProperties", "minProperties", "patternProperties", "propertyNames")
)
_ARRAY = frozenset(("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"))
_STRING = frozenset(("minLength", "maxLength", "pattern", "format"))
_NUMBER = frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"))


def inferred(keywords: dict[str, Any]) -> str:
    """Return the type that keywords without one are about; string when they do not tell."""
    for kind, hints in (("object", _OBJECT), ("array", _ARRAY), ("string", _STRING), ("number", _NUMBER)):
        if not keywords.keys().isdisjoint(hints):
            return kind
    return "string"


def given_by(keywords: dict[str, Any]) -> Iterator[Any]:
    """Yield the schema's own examples and default, unless they are empty: those say little."""
    examples = keywords.get("examples")
    values = examples[:4] if isinstance(examples, list) else []
    for value in (*values, keywords.get("default")):
        if value is not None and value not in ("", [], {}):
            yield value
