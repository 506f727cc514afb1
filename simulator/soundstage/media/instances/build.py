"""Values for schemas: alternatives tried in turn, objects and arrays filled in, recursion ended where it may end."""

from collections.abc import Callable
from typing import Any

import orjson

from soundstage.core.randomness import Draw
from soundstage.media.instances.scalars import (
    MOST_STEPS,
    Budget,
    DeadEndError,
    TooLargeError,
    count,
    matches,
    number,
    string,
)
from soundstage.media.instances.schema import Flat, Plan, pattern_check
from soundstage.media.instances.words import PLAIN

_DEEPEST = 64
_ENOUGH = 2000  # steps after which only what is required is made

# How often each attempt goes: only what is required or all, the schema's own examples or not, which branch first.
ATTEMPTS = (
    (False, True, 0), (False, False, 0), (True, False, 0), (True, False, 1), (False, False, 1),
    (True, False, 2), (True, False, 3), (True, False, 4),
)  # fmt: skip
_HINTS = {
    "object": ("properties", "required", "additionalProperties", "minProperties", "patternProperties", "propertyNames"),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"),
    "string": ("minLength", "maxLength", "pattern", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
_TEXT = {"type": "string"}
_ANY = ("string", "integer", "boolean", "null", "array", "object")


class Builder(Budget):
    """One attempt at a value: `make` calls itself for every part of a schema."""

    def __init__(self, plan: Plan, draw: Draw, attempt: int) -> None:
        super().__init__(draw, f"instance:{attempt}")
        self.plan = plan
        self.spare, self.given, self.turn = ATTEMPTS[attempt]
        self.depth = 0
        self.active: dict[int, int] = {}  # how often an object or array of each part is being made further out

    @property
    def lean(self) -> bool:
        """Whether only what is required is made: in a lean attempt, inside a recursion, after much has been made."""
        return self.spare or self.steps > _ENOUGH

    def make(self, schema: Any, name: str) -> Any:
        """Return a value for the schema of something called `name`; raises DeadEndError when none is found."""
        if self.depth > _DEEPEST:
            raise DeadEndError(f"the value would be more than {_DEEPEST} levels deep")
        return self._solved(self._flat(schema), name)

    def _flat(self, schema: Any, base: Flat | None = None) -> Flat:
        flat = self.plan.flat(schema, base)
        self.spend(flat.cost)
        if flat.dead:
            raise DeadEndError(flat.dead)
        return flat

    def _solved(self, flat: Flat, name: str) -> Any:
        if self.given and flat.given:
            return self._taken(flat.given[0])
        if not flat.groups:
            return self._plain(flat, name)
        options = self._turned(flat.groups[0])
        if self.lean:  # what is not being made already ends soonest
            options = sorted(options, key=self._depth)
        return self._first_of(options, lambda option: self._solved(self._flat(option, flat), name))

    def _first_of(self, options: list[Any], make: Callable[[Any], Any]) -> Any:
        reason = DeadEndError("there is no alternative")
        for number_, option in enumerate(options):
            try:
                return make(option)
            except DeadEndError as error:
                reason = reason if number_ else error
        raise reason

    def _turned(self, options: list[Any]) -> list[Any]:
        first = self.turn % (len(options) or 1)
        return options[first:] + options[:first]

    def _depth(self, option: Any) -> int:
        return max([self.active.get(ident, 0) for ident in self.plan.flat(option).parts], default=0)

    def _plain(self, flat: Flat, name: str) -> Any:
        keywords = flat.keywords
        if "enum" in keywords:
            if not flat.listed:
                raise DeadEndError("none of the listed values fits the other keywords")
            return self._taken(flat.listed[self.below(len(flat.listed))])
        kinds = keywords.get("type")
        if kinds is None:  # the keywords tell what they are about, or anything will do
            kinds = [kind for kind, hints in _HINTS.items() if not keywords.keys().isdisjoint(hints)] or _ANY
        if isinstance(kinds, str):
            return self._of_kind(flat, kinds, name)
        kinds = sorted(self._turned(list(kinds)), key=lambda kind: kind == "null" and "type" in keywords)
        return self._first_of(kinds, lambda kind: self._of_kind(flat, kind, name))

    def _of_kind(self, flat: Flat, kind: str, name: str) -> Any:
        if kind == "string":
            pattern = flat.keywords.get("pattern")
            return string(self, flat.keywords, name, pattern_check(pattern) if pattern is not None else None)
        if kind in ("integer", "number"):
            return number(self, flat.keywords, name, whole=kind == "integer")
        if kind in ("boolean", "null"):
            return bool(self.below(2)) if kind == "boolean" else None
        return self._nested(flat, kind, name)

    def _nested(self, flat: Flat, kind: str, name: str) -> Any:
        """Make an object or an array, lean when one of its parts is being made further out already."""
        before = self.spare
        self.spare = before or any(self.active.get(ident) for ident in flat.parts)
        for ident in flat.parts:
            self.active[ident] = self.active.get(ident, 0) + 1
        try:
            return self._object(flat.keywords) if kind == "object" else self._array(flat.keywords, name)
        finally:
            self.spare = before
            for ident in flat.parts:
                self.active[ident] -= 1

    def _taken(self, value: Any) -> Any:
        """Return a value that stands in the schema, counted with its size."""
        self.spend(0, len(orjson.dumps(value)) if isinstance(value, list | dict | str) else 0)
        return value

    def _inside(self, schema: Any, name: str) -> Any:
        self.depth += 1
        self.spend(0, len(name))
        try:
            return self.make(schema, name)
        finally:
            self.depth -= 1

    def _object(self, keywords: dict[str, Any]) -> dict[str, Any]:
        properties, required = keywords.get("properties", {}), dict.fromkeys(keywords.get("required", ()))
        least, most = count(keywords, "minProperties", 0), count(keywords, "maxProperties", 10**9)
        _must_have_room(max(least, len(required)), most)
        made: dict[str, Any] = {}
        room = most - len(required)
        for name, schema in properties.items():
            if name in required:
                made[name] = self._inside(schema, name)
            elif room > 0 and (not self.lean or len(made) < least):
                try:
                    made[name] = self._inside(schema, name)
                    room -= 1
                except DeadEndError:
                    continue  # a property nothing fits is left out
        needed = keywords.get("dependentRequired", {})
        for name in (*required, *[name for key in needed if key in made for name in needed[key]]):
            if name not in made:
                made[name] = self._inside(_schema_of(keywords, name), name)
        self._add_entries(keywords, made, least, most)
        return made

    def _add_entries(self, keywords: dict[str, Any], made: dict[str, Any], least: int, most: int) -> None:
        """Add entries no property names: as many as needed, and two when the object is a map."""
        is_map = isinstance(keywords.get("additionalProperties"), dict) or "patternProperties" in keywords
        wanted = min(least if self.lean or made or not is_map else max(least, 2), most)
        for _ in range(4 * wanted + 8):
            if len(made) >= wanted:
                return
            try:
                name = self._entry_name(keywords)
                if name not in made:
                    made[name] = self._inside(_schema_of(keywords, name), name)
            except DeadEndError:
                break
        if len(made) < least:
            raise DeadEndError(f"it needs {least} properties and nothing says what they are called")

    def _entry_name(self, keywords: dict[str, Any]) -> str:
        word = PLAIN[self.below(len(PLAIN))]
        if "propertyNames" in keywords:
            return str(self._solved(self._flat(_TEXT, self._flat(keywords["propertyNames"])), ""))
        if "patternProperties" not in keywords or isinstance(keywords.get("additionalProperties"), dict):
            return word if self.below(3) else f"{word}_{self.below(100)}"
        pattern = next(iter(keywords["patternProperties"]), "")
        for text in matches(pattern, self):
            for name in (text + word, text):
                if pattern_check(pattern)(name):
                    return name
        raise DeadEndError("no property name was found for a pattern")

    def _array(self, keywords: dict[str, Any], name: str) -> list[Any]:
        first, rest = keywords.get("prefixItems", []), keywords.get("items", True)
        if isinstance(rest, list):
            first, rest = rest, keywords.get("additionalItems", True)
        contained = count(keywords, "minContains", 1) if "contains" in keywords else 0
        least, most = max(count(keywords, "minItems", 0), contained), count(keywords, "maxItems", 10**9)
        _must_have_room(least, most)
        usual = 0 if self.lean else max(len(first), 1 + self.below(3) if rest is not False else 0)
        made: list[Any] = []
        seen: set[bytes] = set()
        for place in range(min(max(usual, least), most)):
            schema = first[place] if place < len(first) else rest
            try:
                if keywords.get("uniqueItems"):
                    made.append(self._different(schema, name, seen, place))
                else:
                    made.append(self._inside(schema, name))
            except DeadEndError:
                if place < least:
                    raise
                break
        return made

    def _different(self, schema: Any, name: str, seen: set[bytes], place: int) -> Any:
        for _ in range(20 + 20 * place):
            value = self._inside(schema, name)
            key = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
            if key not in seen:
                seen.add(key)
                return value
        raise DeadEndError("there are not enough different values")


def _must_have_room(least: int, most: int) -> None:
    if least > most:
        raise DeadEndError("it needs more entries than it may have")
    if least > MOST_STEPS:
        raise TooLargeError(f"the value would have more than {MOST_STEPS} entries")


def _schema_of(keywords: dict[str, Any], name: str) -> Any:
    """Return what an entry must be that no property names, or that is required and named elsewhere."""
    for pattern, schema in keywords.get("patternProperties", {}).items():
        if pattern_check(pattern)(name):
            return schema
    return keywords.get("additionalProperties", True)
