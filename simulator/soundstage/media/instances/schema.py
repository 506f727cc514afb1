"""A schema prepared once for every value made from it: bounded, compiled, and its parts merged where they meet."""

from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any, cast
from urllib.parse import unquote

import orjson

from soundstage.media.instances.scalars import DeadEndError, TooLargeError, UnsatisfiableError, exactly, hard, weight

_LARGEST_SCHEMA = 256 * 1024  # bytes
_MOST_PARTS = 10_000
_MOST_STEPS = 100_000  # of a validator; each takes about a microsecond
_HEAVIEST_PATTERNS = 30_000
_MOST_KEPT = 20_000
_DEEPEST = 64
_DRAFTS = ("draft/2020-12/schema", "draft/2019-09/schema", "draft-07/schema")

# Keywords that hold schemas: for the value itself, for what is inside it, and under names.
_HERE = frozenset(("not", "if", "then", "else", "allOf", "anyOf", "oneOf", "dependentSchemas"))
_INSIDE = frozenset(("additionalProperties", "additionalItems", "items", "prefixItems", "contains", "propertyNames"))
_NAMED = frozenset(("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"))
_QUICK = ("type", "minimum", "maximum", "multipleOf", "minLength", "maxLength", "pattern", "format", "required")
# Unevaluated ones can take a validator exponential time; the others change where references lead.
_REFUSED = frozenset(("unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef", "dependencies"))


class Flat:
    """What must hold for one value: keywords, lists of alternatives still open, and the schemas they came from."""

    def __init__(self, base: "Flat | None" = None) -> None:
        self.keywords: dict[str, Any] = dict(base.keywords) if base else {}
        self.groups: list[list[Any]] = base.groups[1:] if base else []
        self.parts: dict[int, Any] = dict(base.parts) if base else {}
        self.cost: int = base.cost if base else 1
        self.dead = ""  # why nothing can hold all of it

    @cached_property
    def given(self) -> list[Any]:
        """The schema's own examples and default that fit, unless they are empty: those say little."""
        examples = self.keywords.get("examples")
        values = [*(examples[:4] if isinstance(examples, list) else ()), self.keywords.get("default")]
        values = [value for value in values if value is not None and value not in ("", [], {})]
        return self._fitting(values) if values else values

    @cached_property
    def listed(self) -> list[Any]:
        """The first listed values that fit the other keywords; null only when it is the only one."""
        values = self._fitting(self.keywords["enum"][:500])
        return [value for value in values if value is not None] or values

    def _fitting(self, values: list[Any]) -> list[Any]:
        check = _compiled({key: self.keywords[key] for key in _QUICK if key in self.keywords})
        return [value for value in values if check.is_valid(value)]


class Plan:
    """One schema, its validator and its parts."""

    def __init__(self, raw: bytes) -> None:
        self.root: Any = orjson.loads(raw)
        self.parts: dict[int, Any] = {}
        self._patterns: set[str] = set()
        self._targets: dict[str, Any] = {"#": self.root}
        self._flats: dict[tuple[int, int], tuple[Flat, Any, Flat | None]] = {}
        self._kept = 0
        self._walk()
        self.validator = _compiled(self.root)

    def _walk(self) -> None:
        """Register every part; refuse too many, and what nobody could check in a bounded time."""
        waiting, size = [self.root], 0
        while waiting:
            part = waiting.pop()
            if not isinstance(part, dict):
                continue
            self.parts[id(part)] = part
            size += 1 + len(part) + (len(part["enum"]) if isinstance(part.get("enum"), list) else 0)
            if size > 4 * _MOST_PARTS or len(self.parts) > _MOST_PARTS:
                raise TooLargeError(f"the schema has more than {_MOST_PARTS} parts")
            self._register(part)
            for key, inner in part.items():
                waiting.extend(_inside(key, inner))
        if sum([weight(source) for source in self._patterns]) > _HEAVIEST_PATTERNS:
            raise TooLargeError("the patterns of the schema repeat too much")

    def _register(self, part: dict[str, Any]) -> None:
        if refused := part.keys() & (_REFUSED if part is self.root else _REFUSED | {"$id"}):
            raise UnsatisfiableError(f"the keyword {min(refused)!r} is not supported here")
        reference, anchor = part.get("$ref"), part.get("$anchor")
        if isinstance(reference, str) and not reference.startswith("#"):
            raise UnsatisfiableError(f"the reference {reference[:80]!r} points outside the schema and is not fetched")
        if isinstance(anchor, str) and self._targets.setdefault("#" + anchor, part) is not part:
            raise UnsatisfiableError(f"the anchor {anchor[:80]!r} stands twice in the schema")
        named = part.get("patternProperties")
        self._patterns.update(named if isinstance(named, dict) else ())
        self._patterns.update([part["pattern"]] if isinstance(part.get("pattern"), str) else ())

    def target(self, reference: str) -> Any:
        """Return the schema a local reference names; raises DeadEndError when there is none."""
        if reference in self._targets:
            return self._targets[reference]
        at: Any = self.root
        try:
            for step in unquote(reference[1:]).split("/")[1:]:
                at = at[int(step)] if isinstance(at, list) else at[step.replace("~1", "/").replace("~0", "~")]
        except (LookupError, TypeError, ValueError):
            at = None
        if not isinstance(at, bool) and id(at) not in self.parts:
            raise DeadEndError(f"the reference {reference[:80]!r} leads to something that is not a schema")
        self._targets[reference] = at
        return at

    def flat(self, schema: Any, base: Flat | None = None) -> Flat:
        """Return what holds under a schema, and under `base` too."""
        key = (id(schema), id(base))
        if key in self._flats:
            return self._flats[key][0]
        made = Flat(base)
        try:
            self._absorb(made, schema, 0)
        except DeadEndError as error:
            made.dead = str(error)
        if self._kept < _MOST_KEPT:
            self._kept += made.cost
            self._flats[key] = (made, schema, base)  # both are kept alive: the key is made of their ids
        return made

    def _absorb(self, flat: Flat, schema: Any, depth: int) -> None:
        if schema is False:
            raise DeadEndError("nothing is allowed here")
        if schema is True or id(schema) in flat.parts:
            return
        if depth > _DEEPEST:
            raise TooLargeError(f"the schema goes through more than {_DEEPEST} references in a row")
        flat.parts[id(schema)] = schema
        size = len(schema) + sum([len(schema.get(key, ())) for key in ("properties", "enum", "anyOf", "oneOf")])
        flat.cost += 1 + size // 8 + (20 if "pattern" in schema else 0)
        _add_keywords(flat.keywords, schema)
        if "$ref" in schema:
            self._absorb(flat, self.target(schema["$ref"]), depth + 1)
        for inner in (*schema.get("allOf", ()), *schema.get("dependentSchemas", {}).values()):
            self._absorb(flat, inner, depth + 1)
        if "contains" in schema:  # simplest when all of them are
            _add_keywords(flat.keywords, {"items": schema["contains"]})
        flat.groups += [schema[key] for key in ("anyOf", "oneOf") if key in schema]
        if "if" in schema:
            flat.groups.append([{"allOf": [schema["if"], schema.get("then", True)]}, schema.get("else", True)])

    def check(self, value: Any) -> None:
        """Raise DeadEndError for a value that is not valid, TooLargeError when finding out would take too long."""
        self._refuse_endless_work(value)
        if not self.validator.is_valid(value):
            raise DeadEndError(_said(next(self.validator.iter_errors(value))))

    def _refuse_endless_work(self, value: Any) -> None:
        """Count the steps of a validator up to a limit: references that meet again and again multiply them."""
        waiting, steps = [(self.root, value, 0)], 0
        while waiting:
            schema, at, depth = waiting.pop()
            if not isinstance(schema, dict):
                continue
            steps += 1 + len(schema.get("enum", ())) // 8
            if "pattern" in schema and isinstance(at, str):
                steps += len(at) // 16 + (500 if hard(schema["pattern"]) else 1)
            if steps > _MOST_STEPS or depth > 20 * _DEEPEST:
                raise TooLargeError("the schema refers to itself too often, or takes too long to check")
            for key, inner in schema.items():
                waiting.extend([(part, place, depth + 1) for part, place in self._applied(key, inner, at)])

    def _applied(self, key: str, inner: Any, value: Any) -> list[tuple[Any, Any]]:
        """Return which schemas a keyword holds against which values; rather a few too many."""
        if key == "$ref":
            return [(self.target(inner), value)]
        if key in _HERE:
            return [(part, value) for part in _inside(key, inner)]
        if key == "properties" and isinstance(value, dict):
            return [(inner[name], one) for name, one in value.items() if name in inner]
        places = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()
        parts = _inside(key, inner) if key in _INSIDE or key == "patternProperties" else []
        parts += [{"pattern": source} for source in inner] if key == "patternProperties" else []
        if len(parts) * len(places) > _MOST_STEPS:
            raise TooLargeError("the value takes too long to check")
        return [(part, one) for part in parts for one in places]


def _inside(key: str, inner: Any) -> list[Any]:
    """Return the schemas a keyword holds."""
    if key in _NAMED:
        return list(inner.values()) if isinstance(inner, dict) else []
    return [] if key not in _HERE and key not in _INSIDE else inner if isinstance(inner, list) else [inner]


def _compiled(schema: Any) -> Any:
    """Compile a schema; the draft is the one it names, else 2020-12, else draft-07 if only that takes it."""
    import jsonschema_rs  # noqa: PLC0415 - a tenth of the start time, needed by few runs

    draft = str(schema.get("$schema", _DRAFTS[0])) if isinstance(schema, dict) else _DRAFTS[0]
    if not draft.rstrip("#").endswith(_DRAFTS):
        raise UnsatisfiableError(f"the draft {draft[:80]!r} is not known: use JSON Schema 2020-12 or draft-07")
    options: Any = {
        "retriever": _refuse,
        "validate_formats": True,
        "pattern_options": jsonschema_rs.FancyRegexOptions(backtrack_limit=5000, size_limit=4 << 20),
    }
    try:
        return jsonschema_rs.validator_for(schema, **options)
    except ValueError as error:
        # Lists of items by place were spelled `items` before 2020.
        older = list(getattr(error, "instance_path", ()))[-1:] == ["items"]
        if older and isinstance(schema, dict) and "$schema" not in schema:
            try:
                return jsonschema_rs.Draft7Validator(schema, **options)
            except ValueError:
                pass  # the newer draft's complaint is the one to tell
        raise UnsatisfiableError(f"the schema is not valid: {_said(error)}") from None


def _refuse(uri: str) -> Any:
    raise UnsatisfiableError(f"{uri[:80]!r} is not fetched")


def _said(error: Exception) -> str:
    """Return what the validator complained about and where, short enough for a sentence."""
    message = " ".join(str(getattr(error, "message", error)).split())
    path = "".join([f"/{step}" for step in getattr(error, "instance_path", ())])
    return f"{f'at {path[:200]}: ' if path else ''}{message if len(message) <= 200 else message[:199] + '…'}"


@lru_cache(maxsize=256)
def pattern_check(source: str) -> Callable[[str], bool]:
    """Return the test whether a text matches a pattern."""
    return cast(Callable[[str], bool], _compiled({"pattern": source}).is_valid)


@lru_cache(maxsize=16)
def plan_for(raw: bytes) -> Plan:
    """Return the plan of a schema given as JSON bytes; raises UnsatisfiableError for one that is not valid."""
    if len(raw) > _LARGEST_SCHEMA:
        raise TooLargeError(f"the schema is larger than {_LARGEST_SCHEMA} bytes")
    return Plan(raw)


def _add_keywords(have: dict[str, Any], schema: dict[str, Any]) -> None:
    """Add a schema's own keywords to those that hold already; of two patterns or formats the first is kept."""
    plain = dict(schema)
    if "const" in plain:
        plain["enum"] = [plain.pop("const")]
    if have and ("properties" in plain or "additionalProperties" in plain):
        _add_properties(have, plain)
    for key, value in plain.items():
        if key not in have:
            have[key] = value
        elif key in _BOTH:
            have[key] = _BOTH[key](have[key], value)


def _add_properties(have: dict[str, Any], plain: dict[str, Any]) -> None:
    """Merge properties: one that only one side names must satisfy the other side's additionalProperties as well."""
    ours, theirs = have.get("properties", {}), plain.pop("properties", {})
    our_rest = True if "patternProperties" in have else have.get("additionalProperties", True)
    their_rest = True if "patternProperties" in plain else plain.get("additionalProperties", True)
    have["properties"] = {
        name: _all_of(ours.get(name, our_rest), theirs.get(name, their_rest)) for name in (ours | theirs)
    }


def _all_of(one: Any, other: Any) -> Any:
    if one is True or other is False:
        return other
    return one if other is True or one is False or one == other else {"allOf": [one, other]}


def _types(one: Any, other: Any) -> list[str]:
    left, right = ({kinds} if isinstance(kinds, str) else {*kinds} for kinds in (one, other))
    if "number" in left | right:  # a number may be an integer
        left, right = (kinds | {"integer"} if "number" in kinds else kinds for kinds in (left, right))
    if left.isdisjoint(right):
        raise DeadEndError("no type is allowed by all of its parts")
    return sorted(left & right)


def _common(one: list[Any], other: list[Any]) -> list[Any]:
    known = {orjson.dumps(value, option=orjson.OPT_SORT_KEYS) for value in other}
    both = [value for value in one if orjson.dumps(value, option=orjson.OPT_SORT_KEYS) in known]
    if not both:
        raise DeadEndError("no listed value is allowed by all of its parts")
    return both


_BOTH: dict[str, Callable[[Any, Any], Any]] = {
    "type": _types, "enum": _common, "required": lambda one, other: list(dict.fromkeys([*one, *other])),
    "minimum": max, "exclusiveMinimum": max, "minLength": max, "minItems": max, "minProperties": max,
    "maximum": min, "exclusiveMaximum": min, "maxLength": min, "maxItems": min, "maxProperties": min,
    "multipleOf": lambda one, other: one if exactly(one) % exactly(other) == 0 else other, "uniqueItems": max,
    "additionalProperties": _all_of, "propertyNames": _all_of,
    "items": lambda one, other: one if isinstance(one, list) or isinstance(other, list) else _all_of(one, other),
}  # fmt: skip
