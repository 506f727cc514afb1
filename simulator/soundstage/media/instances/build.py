"""Values for schemas: alternatives tried in turn, objects and arrays filled in, recursion ended where it may end."""

from collections.abc import Iterator
from typing import Any

import orjson

from soundstage.media.instances.errors import DeadEndError, TooLargeError
from soundstage.media.instances.fits import fits
from soundstage.media.instances.merge import DEEPEST, Merged, absorb, given_by, inferred
from soundstage.media.instances.patterns import matches
from soundstage.media.instances.plan import MOST_NODES
from soundstage.media.instances.scalars import count, number, string
from soundstage.media.instances.state import State
from soundstage.media.instances.words import PLAIN

_COMPOUND = frozenset(("$ref", "allOf", "anyOf", "oneOf", "if", "not", "const", "dependentSchemas"))


def make(state: State, schema: Any, name: str) -> Any:
    """Return a value for the schema of something called `name`; raises DeadEndError when none is found."""
    state.spend()
    if len(state.path) > DEEPEST:
        raise TooLargeError(f"the value would be more than {DEEPEST} levels deep")
    if schema is False:
        raise state.dead("nothing is allowed here")
    if not isinstance(schema, dict):
        return string(state, {}, name)
    if schema.keys().isdisjoint(_COMPOUND):
        merged = Merged(schema)
        merged.absorbed[id(schema)] = schema
    else:
        merged = Merged({})
        absorb(state, merged, schema)
    for given in given_by(merged.keywords):
        if fits(state, schema, given):
            return state.taken(given)
    return _solved(state, merged, name)


def _solved(state: State, merged: Merged, name: str) -> Any:
    if not merged.groups:
        return _checked(state, merged, name)
    (kind, options), *rest = merged.groups
    ordered = sorted(options, key=state.plan.height) if state.lean else options
    reason: DeadEndError | None = None
    for option in ordered:
        for spare in (0, 1):
            state.spare += spare
            try:
                branch = merged.copy()
                branch.groups = list(rest)
                absorb(state, branch, option)
                value = _solved(state, branch, name)
                if kind == "anyOf" or sum([fits(state, other, value) for other in options]) == 1:
                    return value
            except DeadEndError as error:
                reason = reason or error
                break
            finally:
                state.spare -= spare
    raise reason or state.dead("no alternative fits alone")


def _checked(state: State, merged: Merged, name: str) -> Any:
    """Return a value that passes the checks put aside: as usual twice, then with only what is required."""
    if not merged.checks:
        return _plain(state, merged, name)
    fallbacks = (
        () if "type" in merged.keywords or "enum" in merged.keywords else ("integer", "boolean", "null", "array")
    )
    for spare, kind in ((0, ""), (0, ""), (1, ""), *[(0, kind) for kind in fallbacks]):
        state.spare += spare
        try:
            value = _of_kind(state, merged, kind, name) if kind else _plain(state, merged, name)
        finally:
            state.spare -= spare
        if all(fits(state, check, value) for check in merged.checks):
            return value
    raise state.dead("its keywords could not be met together")


def _plain(state: State, merged: Merged, name: str) -> Any:
    """Return a value for keywords without alternatives."""
    keywords = merged.keywords
    if "enum" in keywords:
        return _listed(state, keywords)
    kinds = keywords.get("type") or inferred(keywords)
    if isinstance(kinds, str):
        return _of_kind(state, merged, kinds, name)
    reason: DeadEndError | None = None
    for kind in sorted(kinds, key=lambda kind: kind == "null"):
        try:
            return _of_kind(state, merged, kind, name)
        except DeadEndError as error:
            reason = reason or error
    raise reason or state.dead("no type is allowed")


def _listed(state: State, keywords: dict[str, Any]) -> Any:
    values = keywords["enum"]
    others = {key: value for key, value in keywords.items() if key != "enum"}
    start = state.below(len(values) or 1)
    for nothing in (False, True):  # null only when nothing else fits
        for turn in range(len(values)):
            value = values[(start + turn) % len(values)]
            if (value is None) is nothing and fits(state, others, value):
                return state.taken(value)
    raise state.dead("none of the listed values fits the other keywords")


def _of_kind(state: State, merged: Merged, kind: str, name: str) -> Any:
    keywords = merged.keywords
    if kind == "string":
        return string(state, keywords, name)
    if kind in ("integer", "number"):
        return number(state, keywords, name, whole=kind == "integer")
    if kind == "boolean":
        state.grow(4)
        return bool(state.below(2))
    if kind == "null":
        state.grow(4)
        return None
    return _nested(state, merged, kind, name)


def _nested(state: State, merged: Merged, kind: str, name: str) -> Any:
    """Make an object or an array, lean when one of its schemas is being made further out already."""
    active = state.active
    again = any(active.get(ident) for ident in merged.absorbed)
    state.spare += again
    for ident in merged.absorbed:
        active[ident] = active.get(ident, 0) + 1
    try:
        return _object(state, merged.keywords) if kind == "object" else _array(state, merged.keywords, name)
    finally:
        state.spare -= again
        for ident in merged.absorbed:
            active[ident] -= 1


def _object(state: State, keywords: dict[str, Any]) -> dict[str, Any]:
    properties = keywords.get("properties") or {}
    required = dict.fromkeys(keywords.get("required") or ())
    least, most = count(keywords, "minProperties", 0), count(keywords, "maxProperties", 10**9)
    if max(least, len(required)) > most:
        raise state.dead("it needs more properties than it may have")
    if least > state.nodes:
        raise TooLargeError(f"an object would have more than {MOST_NODES} properties")
    state.spend(len(properties) // 16)
    made = _named(state, properties, required, least, most)
    needed = keywords.get("dependentRequired") or {}
    wanted = [name for key in needed if key in made for name in needed[key]]
    for name in (*required, *wanted):
        if name not in made:
            made[name] = _member(state, name, _schema_of(state, keywords, name))
    _add_entries(state, keywords, made, least, most)
    return made


def _named(
    state: State, properties: dict[str, Any], required: dict[str, None], least: int, most: int
) -> dict[str, Any]:
    """Make the properties the schema names, in its order: the optional ones too while there is room."""
    made: dict[str, Any] = {}
    room = most - len(required)
    for name, schema in properties.items():
        if name in required:
            made[name] = _member(state, name, schema)
        elif room > 0 and (not state.lean or len(made) < least):
            try:
                made[name] = _member(state, name, schema)
                room -= 1
            except DeadEndError:
                continue  # a property nothing fits is left out
    return made


def _member(state: State, name: str, schema: Any) -> Any:
    state.path.append(name)
    state.grow(len(name) + 4)
    try:
        return make(state, schema, name)
    finally:
        state.path.pop()


def _schema_of(state: State, keywords: dict[str, Any], name: str) -> Any:
    properties = keywords.get("properties") or {}
    if name in properties:
        return properties[name]
    for pattern, schema in (keywords.get("patternProperties") or {}).items():
        if state.plan.pattern(pattern)[1].is_valid(name):
            return schema
    return keywords.get("additionalProperties", True)


def _add_entries(state: State, keywords: dict[str, Any], made: dict[str, Any], least: int, most: int) -> None:
    """Add entries no property names: as many as needed, and two when the object is a map."""
    is_map = isinstance(keywords.get("additionalProperties"), dict) or bool(keywords.get("patternProperties"))
    wanted = least if state.lean or made or not is_map else max(least, 2)
    wanted = min(wanted, most)
    for number_ in range(2 * wanted + 8):
        if len(made) >= wanted:
            return
        try:
            name = _entry_name(state, keywords, number_)
            if name not in made:
                made[name] = _member(state, name, _schema_of(state, keywords, name))
        except DeadEndError:
            break
    if len(made) < least:
        raise state.dead(f"it needs {least} properties and nothing says what they are called")


def _entry_name(state: State, keywords: dict[str, Any], number_: int) -> str:
    if keywords.get("patternProperties") and not isinstance(keywords.get("additionalProperties"), dict):
        node, validator = state.plan.pattern(next(iter(keywords["patternProperties"])))
        for text in matches(node, 0, None, state):
            for full in (text + PLAIN[state.below(len(PLAIN))], text):
                if validator.is_valid(full):
                    return full
        raise state.dead("no property name was found for a pattern")
    names = keywords.get("propertyNames", True)
    if names is not True:
        merged = Merged({})
        absorb(state, merged, names)
        merged.keywords.setdefault("type", "string")
        return str(_solved(state, merged, ""))
    word = PLAIN[(state.below(len(PLAIN)) + number_) % len(PLAIN)]
    return word if number_ < len(PLAIN) // 2 else f"{word}_{number_}"


def _array(state: State, keywords: dict[str, Any], name: str) -> list[Any]:
    first, rest = keywords.get("prefixItems") or [], keywords.get("items", True)
    if isinstance(rest, list):
        first, rest = rest, keywords.get("additionalItems", True)
    least, most = count(keywords, "minItems", 0), count(keywords, "maxItems", 10**9)
    contained = count(keywords, "minContains", 1) if "contains" in keywords else 0
    least = max(least, contained)
    if least > most:
        raise state.dead("minItems is above maxItems")
    if least > state.nodes:
        raise TooLargeError(f"an array would have more than {MOST_NODES} items")
    usual = 0 if state.lean else max(len(first), 1 + state.below(3) if rest is not False else 0)
    made: list[Any] = []
    seen: set[bytes] | None = set() if keywords.get("uniqueItems") else None
    for place in range(min(max(usual, least), most)):
        schema = first[place] if place < len(first) else rest
        if place >= least - contained and contained > 0 and place >= len(first):
            schema, contained = {"allOf": [schema, keywords["contains"]]}, contained - 1
        try:
            made.append(_item(state, schema, name, seen, place))
        except DeadEndError:
            if place < least:
                raise
            break
    return made


def _item(state: State, schema: Any, name: str, seen: set[bytes] | None, place: int) -> Any:
    state.path.append(place)
    try:
        return make(state, schema, name) if seen is None else _different(state, schema, name, seen, place)
    finally:
        state.path.pop()


def _different(state: State, schema: Any, name: str, seen: set[bytes], place: int) -> Any:
    """Make an item not seen yet: listed values are tried in turn, whole numbers counted up, others drawn anew."""
    for value in _attempts(state, schema, name, place):
        key = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        if key not in seen:
            seen.add(key)
            return value
        state.check()
    raise state.dead("there are not enough different values")


def _attempts(state: State, schema: Any, name: str, place: int) -> Iterator[Any]:
    merged = Merged({})
    absorb(state, merged, schema)
    keywords = merged.keywords
    listed = keywords.get("enum", [True, False] if keywords.get("type") == "boolean" else None)
    if listed is not None and not merged.groups:
        yield from [state.taken(value) for value in listed[place:] + listed[:place] if fits(state, schema, value)]
        return
    for _ in range(12):
        yield make(state, schema, name)
    start = keywords.get("minimum", keywords.get("maximum", place) - place)
    if keywords.get("type") == "integer" and isinstance(start, int):
        step = keywords.get("multipleOf", 1)
        first = -(-start // step) * step
        yield from [value for turn in range(place + 3) if fits(state, schema, value := first + turn * step)]
