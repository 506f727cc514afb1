"""A schema prepared once: read, measured, checked for outside references and compiled; kept for the next call."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import unquote

import orjson

from soundstage.media.instances.errors import DeadEndError, TooLargeError, UnsatisfiableError
from soundstage.media.instances.regex import Node, Reader, weight

LARGEST_SCHEMA = 256 * 1024
MOST_NODES = 10_000
_HEAVIEST_PATTERNS = 30_000
_BACKTRACKS = 5000
_FAR = 10**9
_DRAFTS = (
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema",
    "https://json-schema.org/draft-07/schema",
    "http://json-schema.org/draft-06/schema",
)

ONE = frozenset(
    (
        "additionalProperties",
        "additionalItems",
        "items",
        "contains",
        "not",
        "if",
        "then",
        "else",
        "propertyNames",
        "unevaluatedItems",
        "unevaluatedProperties",
    )
)
SEVERAL = frozenset(("allOf", "anyOf", "oneOf", "prefixItems", "items"))
NAMED = frozenset(("properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"))


class Validator(Protocol):
    """The part of a compiled schema that is used here."""

    def is_valid(self, instance: Any) -> bool:
        """Say whether the value is valid."""

    def iter_errors(self, instance: Any) -> Iterator[Any]:
        """Yield what is wrong with the value."""


class Plan:
    """One schema: its validator, its references, its patterns, and how far each part is from an end."""

    def __init__(self, raw: bytes) -> None:
        self.root: Any = orjson.loads(raw)
        self.targets: dict[str, Any] = {}
        self.patterns: dict[str, tuple[Node, Validator]] = {}
        self.parts = self._parts()
        self._measure_patterns()
        self.validator = _compiled(self.root)
        _must_be_schemas(self.targets)
        self.unfolded = self._unfolded()
        self._heights: dict[int, int] | None = None

    def target(self, reference: str) -> Any:
        """Return the schema a local reference names; raises DeadEndError when there is none."""
        found = self.targets.get(reference, self)
        if found is self:
            found = self.targets[reference] = self._found(reference)
        return found

    def pattern(self, source: str) -> tuple[Node, Validator]:
        """Return a pattern as nodes, and a validator for strings that must match it."""
        found = self.patterns.get(source)
        if found is None:
            found = self.patterns[source] = (Reader(source).read(), _compiled({"pattern": source}))
        return found

    def height(self, schema: Any) -> int:
        """Return how many levels the flattest value of a part has, at least; 10**9 when it never ends."""
        if self._heights is None:
            self._heights = {id(part): _FAR for part in self.parts}
            for _ in range(64):
                if not self._lower(self._heights):
                    break
        return self._heights.get(id(schema), 0)

    def children(self, schema: Any) -> Iterator[Any]:
        """Yield the schemas right inside a schema, and the one it refers to."""
        if not isinstance(schema, dict):
            return
        for key, value in schema.items():
            if isinstance(value, list):
                yield from value if key in SEVERAL else ()
            elif isinstance(value, dict):
                if key in ONE:
                    yield value
                elif key in NAMED:
                    yield from [inner for inner in value.values() if isinstance(inner, dict)]
            elif key == "$ref" and isinstance(value, str):
                yield self.target(value)

    def _parts(self) -> list[Any]:
        """Return every schema that can be reached, once each, refusing references to elsewhere."""
        found: dict[int, Any] = {}
        waiting = [self.root]
        values = 0
        while waiting:
            schema = waiting.pop()
            if not isinstance(schema, dict) or id(schema) in found:
                continue
            found[id(schema)] = schema
            values += 1 + len(schema) + _entries(schema)
            if values > 4 * MOST_NODES or len(found) > MOST_NODES:
                raise TooLargeError(f"the schema has more than {MOST_NODES} parts")
            for key in ("$ref", "$dynamicRef", "$recursiveRef"):
                _must_be_local(schema.get(key))
            waiting.extend(self.children(schema))
        return list(found.values())

    def _found(self, reference: str) -> Any:
        name = unquote(reference[1:])
        at: Any = self.root
        if name and name[0] != "/":
            at, name = _anchored(self.root, name), ""
        for step in name.split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")  # noqa: PLW2901 - the same step, unescaped
            if isinstance(at, list) and step.isdecimal() and len(step) < 6 and int(step) < len(at):
                at = at[int(step)]
            elif isinstance(at, dict) and step in at:
                at = at[step]
            else:
                raise DeadEndError(f"the reference {reference[:80]!r} leads nowhere")
        return at

    def _measure_patterns(self) -> None:
        """Refuse patterns that together would take long to compile."""
        sources: set[str] = set()
        for part in self.parts:
            if isinstance(pattern := part.get("pattern"), str):
                sources.add(pattern)
            if isinstance(named := part.get("patternProperties"), dict):
                sources.update(named)
        if sum([weight(Reader(source).read()) for source in sources]) > _HEAVIEST_PATTERNS:
            raise TooLargeError("the patterns of the schema repeat too much")

    def _unfolded(self) -> int:
        """Return how many parts the schema has with every reference written out; 10**9 when it is recursive."""
        sizes: dict[int, int] = {}
        waiting = [(self.root, False)]
        while waiting:
            schema, done = waiting.pop()
            if done:
                inner = [sizes[id(child)] for child in self.children(schema) if isinstance(child, dict)]
                sizes[id(schema)] = min(_FAR, own_size(schema) + sum(inner))
            elif isinstance(schema, dict) and id(schema) not in sizes:
                sizes[id(schema)] = _FAR  # what is met again before it is done contains itself
                waiting.append((schema, True))
                waiting.extend([(child, False) for child in self.children(schema) if id(child) not in sizes])
        return sizes.get(id(self.root), 1)

    def _lower(self, heights: dict[int, int]) -> bool:
        changed = False
        for part in reversed(self.parts):
            height = self._height_now(part, heights)
            if height < heights[id(part)]:
                heights[id(part)] = height
                changed = True
        return changed

    def _height_now(self, schema: dict[str, Any], heights: dict[int, int]) -> int:
        if "const" in schema or "enum" in schema:
            return 0
        bounds = [heights.get(id(inner), 0) for inner in schema.get("allOf") or ()]
        if "$ref" in schema:
            bounds.append(heights.get(id(self.target(schema["$ref"])), 0))
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                bounds += [min([heights.get(id(inner), 0) for inner in schema[key]])]
        properties = schema.get("properties") or {}
        bounds.extend([1 + heights.get(id(properties.get(name)), 0) for name in schema.get("required") or ()])
        if schema.get("minItems"):
            items = [*schema.get("prefixItems", ()), schema.get("items")]
            bounds.extend([1 + heights.get(id(inner), 0) for inner in items])
        return min(_FAR, max(bounds, default=0))


def own_size(schema: dict[str, Any]) -> int:
    """Return about how much a schema's own keywords cost to check."""
    return 1 + _entries(schema) // 4 + 10 * len(schema.get("patternProperties") or ())


def _entries(schema: dict[str, Any]) -> int:
    entries = schema.get("enum")
    return len(entries) if isinstance(entries, list) else 0


def _anchored(root: Any, name: str) -> Any:
    waiting = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if value.get("$anchor") == name:
                return value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    raise DeadEndError(f"the reference {name[:80]!r} leads nowhere")


def _must_be_local(reference: Any) -> None:
    if isinstance(reference, str) and not reference.startswith("#"):
        raise UnsatisfiableError(f"the reference {reference[:80]!r} points outside the schema and is not fetched")


def _must_be_schemas(targets: dict[str, Any]) -> None:
    """Refuse references to what is no schema: the validator looks only at places where schemas belong."""
    import jsonschema_rs  # noqa: PLC0415 - as below

    for reference, target in targets.items():
        usual = reference == "#" or (reference.count("/") == 2 and reference.startswith(("#/$defs/", "#/definitions/")))
        if not isinstance(target, dict | bool) or not (usual or jsonschema_rs.meta.is_valid(target)):
            raise UnsatisfiableError(f"the reference {reference[:80]!r} leads to something that is not a schema")


def _refuse(uri: str) -> Any:
    raise UnsatisfiableError(f"{uri[:80]!r} is not fetched")


def _compiled(schema: Any) -> Validator:
    """Compile a schema; the draft is the one it names, else 2020-12, else draft-07 if only that takes it."""
    import jsonschema_rs  # noqa: PLC0415 - a tenth of the start time, needed by few runs

    draft = schema.get("$schema", _DRAFTS[0]) if isinstance(schema, dict) else _DRAFTS[0]
    if not isinstance(draft, str) or draft.rstrip("#") not in _DRAFTS:
        raise UnsatisfiableError(f"the draft {str(draft)[:80]!r} is not known: use JSON Schema 2020-12 or draft-07")
    options: Any = {
        "retriever": _refuse,
        "validate_formats": True,
        "pattern_options": jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACKTRACKS),
    }
    try:
        return jsonschema_rs.validator_for(schema, **options)
    except ValueError as error:
        if isinstance(schema, dict) and "$schema" not in schema:
            try:
                return jsonschema_rs.Draft7Validator(schema, **options)
            except ValueError:
                pass  # the newer draft's complaint is the one to tell
        raise UnsatisfiableError(f"the schema is not valid{place(error)}: {said(error)}") from None


def said(error: Exception) -> str:
    """Return what the validator complained about, short enough for a sentence."""
    message = " ".join(str(getattr(error, "message", error)).split())
    return message if len(message) <= 200 else message[:199] + "…"


def place(error: Exception) -> str:
    """Return where the validator found it, as ` at /a/0`, or nothing for the top."""
    path = "".join([f"/{step}" for step in getattr(error, "instance_path", ())])
    return f" at {path[:200]}" if path else ""


@lru_cache(maxsize=32)
def plan_for(raw: bytes) -> Plan:
    """Return the plan of a schema given as JSON bytes; raises UnsatisfiableError for one that is not valid."""
    if len(raw) > LARGEST_SCHEMA:
        raise TooLargeError(f"the schema is larger than {LARGEST_SCHEMA} bytes")
    return Plan(raw)
