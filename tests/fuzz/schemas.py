"""JSON Schemas for tools and answers: small ones of every keyword, some of which nothing can fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fuzz.dice import Dice

Schema = dict[str, Any]
_NAMES = ("city", "n", "tags", "when", "a b", "é", "$ref", "type", "items")
_PATTERNS = (
    "^[a-z]{2,5}$",
    "^\\d{3}-\\d{4}$",
    "(foo|bar)+",
    "^$",
    ".",
    "^(?=a).*$",
    "[^\\s]",
    "^[A-Z][a-z]*$",
    "\\p{L}{2}",
)
_FORMATS = ("date-time", "date", "email", "uuid", "uri", "ipv4", "hostname", "duration", "regex", "made-up")
_VALUES: tuple[Any, ...] = (None, True, 0, -1.5, "x", "", [], {}, [1, "a"], {"k": None}, 10**12)
_DEEPEST = 3


def parameters(dice: Dice) -> Schema:
    """Return a schema for a tool's arguments, which are an object."""
    return {**_object(dice, 0), **dice.pick([{}, {}, {"$schema": "https://json-schema.org/draft/2020-12/schema"}])}


def schema(dice: Dice, depth: int = 0) -> Schema:
    """Return a schema."""
    made = dice.weighted(_KINDS if depth < _DEEPEST else _FLAT)(dice, depth)
    return {**made, **_extra(dice, depth)} if dice.chance(12) and depth < _DEEPEST else made


def _object(dice: Dice, depth: int) -> Schema:
    names = [name for name in _NAMES if dice.chance(30)]
    made: Schema = {"type": "object", "properties": {name: schema(dice, depth + 1) for name in names}}
    if dice.chance(60):
        made["required"] = [name for name in names if dice.chance(60)]
    if dice.chance(50):
        made["additionalProperties"] = dice.pick([False, False, True, {"type": "string"}])
    if dice.chance(10):
        made[dice.pick(["minProperties", "maxProperties"])] = dice.below(4)
    return made


def _array(dice: Dice, depth: int) -> Schema:
    made: Schema = {"type": "array", "items": schema(dice, depth + 1)}
    low = dice.below(4)
    options: tuple[Mapping[str, Any], ...] = (
        {"minItems": low},
        {"maxItems": low},
        {"minItems": low, "maxItems": low + 1},
        {"uniqueItems": True, "minItems": 2},
        {"prefixItems": [schema(dice, depth + 1)]},
        {"contains": schema(dice, depth + 1)},
        {},
    )
    return {**made, **dice.pick(options)}


def _string(dice: Dice, depth: int) -> Schema:
    low = dice.below(6)
    options: tuple[Mapping[str, Any], ...] = (
        {},
        {"minLength": low, "maxLength": low + dice.below(3)},
        {"minLength": 200},
        {"pattern": dice.pick(_PATTERNS)},
        {"format": dice.pick(_FORMATS)},
        {"enum": ["red", "green"]},
        {"pattern": dice.pick(_PATTERNS), "maxLength": 4},
    )
    return {"type": "string", **dice.pick(options)}


def _number(dice: Dice, depth: int) -> Schema:
    low = dice.between(-5, 1000)
    options: tuple[Mapping[str, Any], ...] = (
        {},
        {"minimum": low},
        {"maximum": low},
        {"minimum": low, "maximum": low + dice.below(3)},
        {"exclusiveMinimum": low, "exclusiveMaximum": low + 1},
        {"multipleOf": dice.pick([1, 2, 7, 0.01, 0.5]), "minimum": low},
        {"minimum": 0.1, "maximum": 0.2},
    )
    return {"type": dice.pick(["integer", "number"]), **dice.pick(options)}


def _plain(dice: Dice, depth: int) -> Schema:
    options: tuple[Schema, ...] = (
        {"type": "boolean"},
        {"type": "null"},
        {"const": dice.pick(_VALUES)},
        {"enum": [dice.pick(_VALUES), dice.pick(_VALUES)]},
        {"type": ["string", "null"]},
        {"type": ["integer", "array"]},
        {},
        {"title": "anything", "default": 1, "examples": ["x"]},
    )
    return dice.pick(options)


def _choice(dice: Dice, depth: int) -> Schema:
    parts = [schema(dice, depth + 1) for _ in range(dice.between(1, 3))]
    return {dice.pick(["anyOf", "anyOf", "oneOf", "allOf"]): parts}


def _defined(dice: Dice, depth: int) -> Schema:
    if depth:
        return {"type": "object", "properties": {"again": {"$ref": "#"}}}
    return {"$defs": {"part": schema(dice, 1)}, "type": "object", "properties": {"part": {"$ref": "#/$defs/part"}}}


def _extra(dice: Dice, depth: int) -> Schema:
    options: tuple[Schema, ...] = (
        {"not": schema(dice, depth + 1)},
        {"if": schema(dice, depth + 1), "then": schema(dice, depth + 1)},
        {"description": "é☃ text", "deprecated": True},
        {"propertyNames": {"maxLength": 4}},
        {"dependentRequired": {"city": ["n"]}},
        {"patternProperties": {"^x": {"type": "integer"}}},
    )
    return dice.pick(options)


_Kind = Callable[[Dice, int], Schema]
_FLAT: tuple[tuple[_Kind, int], ...] = ((_string, 4), (_number, 3), (_plain, 3))
_KINDS: tuple[tuple[_Kind, int], ...] = (*_FLAT, (_object, 5), (_array, 3), (_choice, 2), (_defined, 1))
