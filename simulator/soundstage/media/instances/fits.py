"""Whether a value fits a part of a schema: a quick check while a value is built; the validator has the last word."""

from collections.abc import Callable
from typing import Any

from soundstage.media.instances.errors import DeadEndError, TooLargeError
from soundstage.media.instances.merge import DEEPEST, exactly, same
from soundstage.media.instances.plan import Plan, own_size
from soundstage.media.instances.state import State

_MOST_WORK = 1_000_000
_MOST_PAIRS = 50_000
_PLACES = 3 * DEEPEST

_KINDS: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def fits(state: State, schema: Any, value: Any, depth: int = 0) -> bool:
    """Say whether the value fits the schema as far as the keywords known here tell."""
    state.check(1 + len(schema["enum"]) // 8 if isinstance(schema, dict) and "enum" in schema else 1)
    if depth > DEEPEST:
        raise TooLargeError(f"the schema goes through more than {DEEPEST} levels")
    if not isinstance(schema, dict):
        return schema is not False
    for key, limit in schema.items():
        test = _TESTS.get(key)
        if test is not None and not test(limit, value):
            return False
    return all(part(state, schema, value, depth + 1) for part in _parts_for(schema, value))


def _parts_for(schema: dict[str, Any], value: Any) -> list[Callable[[State, dict[str, Any], Any, int], bool]]:
    parts: list[Callable[[State, dict[str, Any], Any, int], bool]] = []
    if isinstance(value, dict):
        parts.append(_object_fits)
    elif isinstance(value, list):
        parts.append(_array_fits)
    elif "pattern" in schema and isinstance(value, str):
        parts.append(_pattern_fits)
    if not schema.keys().isdisjoint(_IN_PLACE):
        parts.append(_in_place_fits)
    return parts


def _pattern_fits(state: State, schema: dict[str, Any], value: Any, _depth: int) -> bool:
    return state.plan.pattern(schema["pattern"])[1].is_valid(value)


def _object_fits(state: State, schema: dict[str, Any], value: Any, depth: int) -> bool:
    properties = schema.get("properties") or {}
    named = schema.get("patternProperties") or {}
    rest = schema.get("additionalProperties", True)
    for name, inner in value.items():
        known = name in properties
        if known and not fits(state, properties[name], inner, depth):
            return False
        for pattern, wanted in named.items():
            if state.plan.pattern(pattern)[1].is_valid(name):
                known = True
                if not fits(state, wanted, inner, depth):
                    return False
        if not known and rest is not True and not fits(state, rest, inner, depth):
            return False
    return "propertyNames" not in schema or all(fits(state, schema["propertyNames"], name, depth) for name in value)


def _array_fits(state: State, schema: dict[str, Any], value: Any, depth: int) -> bool:
    first = schema.get("prefixItems") or ()
    rest = schema.get("items", True)
    if isinstance(rest, list):
        first, rest = rest, schema.get("additionalItems", True)
    for number, inner in enumerate(value):
        if not fits(state, first[number] if number < len(first) else rest, inner, depth):
            return False
    if "contains" in schema and not any(fits(state, schema["contains"], inner, depth) for inner in value):
        return bool(schema.get("minContains", 1) == 0)
    return True


def _in_place_fits(state: State, schema: dict[str, Any], value: Any, depth: int) -> bool:
    if "$ref" in schema and not fits(state, state.plan.target(schema["$ref"]), value, depth):
        return False
    if not all(fits(state, inner, value, depth) for inner in schema.get("allOf", ())):
        return False
    if "anyOf" in schema and not any(fits(state, inner, value, depth) for inner in schema["anyOf"]):
        return False
    if "oneOf" in schema and sum([fits(state, inner, value, depth) for inner in schema["oneOf"]]) != 1:
        return False
    if "not" in schema and fits(state, schema["not"], value, depth):
        return False
    if "if" not in schema:
        return True
    return fits(state, schema.get("then" if fits(state, schema["if"], value, depth) else "else", True), value, depth)


_IN_PLACE = frozenset(("$ref", "allOf", "anyOf", "oneOf", "not", "if"))


def _is_multiple(step: Any, value: Any) -> bool:
    return not _KINDS["number"](value) or (exactly(value) / exactly(step)).denominator == 1


def _is_kind(kinds: Any, value: Any) -> bool:
    return _KINDS[kinds](value) if isinstance(kinds, str) else any(_KINDS[kind](value) for kind in kinds)


def _number(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda limit, value: isinstance(value, bool) or not isinstance(value, int | float) or test(limit, value)


def _sized(kind: type[Any], test: Callable[[Any, int], bool]) -> Callable[[Any, Any], bool]:
    return lambda limit, value: not isinstance(value, kind) or test(limit, len(value))


_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "type": _is_kind,
    "const": same,
    "enum": lambda values, value: any(same(value, one) for one in values),
    "minimum": _number(lambda limit, value: value >= limit),
    "maximum": _number(lambda limit, value: value <= limit),
    "exclusiveMinimum": _number(lambda limit, value: value > limit),
    "exclusiveMaximum": _number(lambda limit, value: value < limit),
    "multipleOf": _is_multiple,
    "minLength": _sized(str, lambda limit, size: size >= limit),
    "maxLength": _sized(str, lambda limit, size: size <= limit),
    "minItems": _sized(list, lambda limit, size: size >= limit),
    "maxItems": _sized(list, lambda limit, size: size <= limit),
    "minProperties": _sized(dict, lambda limit, size: size >= limit),
    "maxProperties": _sized(dict, lambda limit, size: size <= limit),
    "required": lambda names, value: not isinstance(value, dict) or all(name in value for name in names),
}


class _Work:
    """Counts the steps a validator would take that never remembers what it has seen."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.known: dict[tuple[int, int], int | None] = {}

    def of(self, schema: Any, value: Any, depth: int = 0) -> int:
        if not isinstance(schema, dict):
            return 1
        pair = (id(schema), id(value))
        if pair in self.known:
            steps = self.known[pair]
            if steps is None:
                raise DeadEndError("the schema refers to itself without end")
            return steps
        if len(self.known) > _MOST_PAIRS or depth > _PLACES:
            raise TooLargeError("the schema refers to itself too often")
        self.known[pair] = None
        steps = own_size(schema) + sum([self.of(inner, at, depth + 1) for inner, at in self._inner(schema, value)])
        self.known[pair] = min(steps, 10**18)
        return steps

    def _inner(self, schema: dict[str, Any], value: Any) -> list[tuple[Any, Any]]:
        inner = [(part, value) for key in ("allOf", "anyOf", "oneOf") for part in schema.get(key, ())]
        inner += [(schema[key], value) for key in ("if", "then", "else", "not") if key in schema]
        inner += [(part, value) for part in (schema.get("dependentSchemas") or {}).values()]
        if "$ref" in schema:
            inner.append((self.plan.target(schema["$ref"]), value))
        if isinstance(value, dict):
            inner += self._of_properties(schema, value)
        elif isinstance(value, list):
            first = schema.get("prefixItems") or ()
            lists = first if not isinstance(schema.get("items"), list) else schema["items"]
            inner += list(zip(lists, value, strict=False))
            rests = [schema.get(key) for key in ("items", "additionalItems", "contains", "unevaluatedItems")]
            inner += [(part, one) for part in rests if isinstance(part, dict) for one in value]
        return inner

    def _of_properties(self, schema: dict[str, Any], value: dict[str, Any]) -> list[tuple[Any, Any]]:
        properties = schema.get("properties") or {}
        inner = [(properties[name], one) for name, one in value.items() if name in properties]
        rests = [schema.get("additionalProperties"), schema.get("unevaluatedProperties")]
        rests += list((schema.get("patternProperties") or {}).values())
        return inner + [(part, one) for part in rests if isinstance(part, dict) for one in value.values()]


def refuse_endless_work(plan: Plan, value: Any, nodes: int) -> None:
    """Raise TooLargeError when validating the value would take very long: references can multiply without a limit."""
    if plan.unfolded * nodes > _MOST_WORK and _Work(plan).of(plan.root, value) > _MOST_WORK:
        raise TooLargeError("the schema refers to itself too often to be checked")
