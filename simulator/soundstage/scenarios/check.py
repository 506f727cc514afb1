"""Holds a scenario's document against what a scenario may say, and makes its rules."""

import math
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from soundstage.core.provider import ROLES, Provider
from soundstage.core.rules import Book, Rule
from soundstage.faults import Faults
from soundstage.faults.rule import RuleBody, When, moment, rule_from
from soundstage.scenarios.flaws import MOST_DEPTH, Flaws, Path
from soundstage.validation import shown

MOST_RULES: Final = 100
_LONGEST_NAME: Final = 40
_LONGEST_TEXT: Final = 300
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_KEYS: Final = ("name", "description", "faults")
_COUNTS: Final = ("nth", "first", "every")
_MOST_INTEGER: Final = 2**63 - 1
_SHOULD: Final = re.compile(r"^\w+ should ")
_WORDS: Final = {
    "missing": "is missing",
    "model_type": "must be a mapping",
    "dict_type": "must be a mapping",
    "extra_forbidden": "is not known here; leave it out",
}
Model = TypeVar("Model", bound=BaseModel)


class Scenario(NamedTuple):
    """A named set of rules that bend one world together; `document` is what it was read from, as plain data."""

    name: str
    description: str
    rules: tuple[Rule, ...]
    document: Mapping[str, Any]

    def book(self) -> Book:
        """Return the rules of a universe in which this scenario is in force and nothing else."""
        return Book(scenario=self.name, about=self.description, staged=self.rules)


def scenario(data: Any, flaws: Flaws, faults: Faults, providers: Mapping[str, Provider]) -> Scenario:
    """Return what a document describes; raises ScenarioError with everything that is wrong with it."""
    _check_values(data, flaws)
    if not isinstance(data, Mapping):
        flaws.stop((), f"a scenario is a mapping of {', '.join(_KEYS)}, got {shown(data)}")
    for name in data:
        if name not in _KEYS:
            flaws.unknown((str(name),), _KEYS)
    name, description = _name(data, flaws), _description(data, flaws)
    given = data.get("faults", [])
    if not isinstance(given, list):
        flaws.add(("faults",), f"must be a list of rules, got {shown(given)}; each begins with - fault: family/name")
        given = []
    if len(given) > MOST_RULES:
        flaws.add(("faults",), f"a scenario has at most {MOST_RULES} rules, got {len(given)}; make two scenarios of it")
        given = []
    making = _Making(name, flaws, faults, providers)
    rules = [making.rule(("faults", number), rule) for number, rule in enumerate(given)]
    flaws.raise_any()
    return Scenario(name, description, tuple(rule for rule in rules if rule is not None), data)


def _name(data: Mapping[str, Any], flaws: Flaws) -> str:
    name = data.get("name")
    if isinstance(name, str) and _NAME.fullmatch(name):
        return name
    allowed = f"1 to {_LONGEST_NAME} of a-z, 0-9 and -, beginning with a letter or digit"
    if "name" not in data:
        flaws.add(("name",), f"is missing; give the scenario a name of {allowed}")
    else:
        flaws.add(("name",), f"must be {allowed}, got {shown(name)}")
    return ""


def _description(data: Mapping[str, Any], flaws: Flaws) -> str:
    given = data.get("description")
    text = given.strip() if isinstance(given, str) else ""
    if text and len(text) <= _LONGEST_TEXT and "\n" not in text:
        return text
    if "description" not in data:
        flaws.add(("description",), "is missing; say in one sentence what this scenario shows")
    else:
        flaws.add(("description",), f"must be one sentence of 1 to {_LONGEST_TEXT} characters, got {shown(given)}")
    return ""


def _check_values(data: Any, flaws: Flaws) -> None:
    """Note every value that JSON could not hold; such a document may come from TOML or from Python."""
    left: list[tuple[Path, Any]] = [((), data)]
    while left:
        path, value = left.pop()
        if len(path) > MOST_DEPTH:
            flaws.stop(path[:MOST_DEPTH], f"nested deeper than the {MOST_DEPTH} levels a scenario may have")
        if isinstance(value, list):
            left.extend(((*path, number), one) for number, one in enumerate(value))
        elif isinstance(value, Mapping):
            for name in value:
                if not _is_text(name):
                    flaws.stop(path, f"a key must be a text that UTF-8 can hold, got {shown(name)}")
            left.extend(((*path, name), one) for name, one in value.items())
        elif (problem := _problem(value)) is not None:
            flaws.refuse(path, problem)


def _problem(value: Any) -> str | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return None if abs(value) <= _MOST_INTEGER else "must be a number of ordinary size"
    if isinstance(value, float):
        return None if math.isfinite(value) else f"must be a finite number, got {value}"
    if isinstance(value, str):
        return None if _is_text(value) else "must be text that UTF-8 can hold"
    return f"must be a text, a number, true, false, null, a list or a mapping, got a {type(value).__name__}"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)


class _Making(NamedTuple):
    """What turns the rules of one document into rules that act."""

    scenario: str
    flaws: Flaws
    faults: Faults
    providers: Mapping[str, Provider]

    def rule(self, path: Path, given: Any) -> Rule | None:
        """Return a rule, or None when something is wrong with it, which is noted."""
        if not isinstance(given, Mapping):
            self.flaws.add(path, f"a rule is a mapping of {', '.join(_names(RuleBody))}, got {shown(given)}")
            return None
        self._known(path, given, RuleBody)
        if isinstance(given.get("when"), Mapping):
            self._when((*path, "when"), given["when"])
        body = self._read(RuleBody, path, given)
        self._fault(path, given.get("fault"), given.get("with", {}))
        if body is None or self.flaws.touches(path):
            return None
        return self._aimed(path, body)

    def _known(self, path: Path, given: Mapping[str, Any], model: type[BaseModel]) -> None:
        known = _names(model)
        for name in given:
            if name not in known:
                self.flaws.unknown((*path, name), known)

    def _when(self, path: Path, given: Mapping[str, Any]) -> None:
        self._known(path, given, When)
        for name in ("from", "until"):
            try:
                moment(given.get(name))
            except (ValueError, TypeError, OverflowError):
                allowed = "a span such as 30s, 10m or 1.5h, or an instant such as 2026-01-01T00:00:00Z"
                self.flaws.add((*path, name), f"must be {allowed}, got {shown(given[name])}")
        self._aim(path, given)
        counts = [name for name in _COUNTS if given.get(name) is not None]
        for name in counts[1:]:
            self.flaws.add((*path, name), f"{' and '.join(counts)} exclude each other; keep one of them")

    def _aim(self, path: Path, given: Mapping[str, Any]) -> None:
        provider, operation = given.get("provider"), given.get("operation")
        asked = list(self.providers)
        if isinstance(provider, str) and provider in self.providers:
            asked = [provider]
        elif isinstance(provider, str):
            self.flaws.add((*path, "provider"), _one_of(provider, asked, ", ".join(asked)))
        if isinstance(operation, str) and operation not in ROLES:
            ids = {one.id for name in asked for one in self.providers[name].operations}
            if operation not in ids:
                allowed = f"{', '.join(ROLES)}, or an operation's id"
                self.flaws.add((*path, "operation"), _one_of(operation, [*ROLES, *sorted(ids)], allowed))

    def _fault(self, path: Path, name: Any, params: Any) -> None:
        if not isinstance(name, str) or self.flaws.touches((*path, "fault")):
            return
        if name not in self.faults:
            try:
                self.faults.checked(name, {}, "")
            except ValueError as error:
                self.flaws.add((*path, "fault"), str(error))
        elif isinstance(params, Mapping):
            self._known((*path, "with"), params, self.faults[name])
            self._read(self.faults[name], (*path, "with"), params, f"{name}: ")

    def _read(self, model: type[Model], path: Path, given: Mapping[str, Any], about: str = "") -> Model | None:
        """Return the model filled from a mapping, or note what keeps it from being filled."""
        try:
            return model.model_validate(given)
        except ValidationError as error:
            found: dict[Path, list[ErrorDetails]] = {}
            for one in error.errors(include_url=False):
                found.setdefault(_where(one, given), []).append(one)
            for where, errors in found.items():
                here = (*path, *(where or _subject(errors[0], given)))
                # What a model says about itself as a whole was said above at the very key, where that could be told.
                if errors[0]["type"] != "value_error" or not self.flaws.touches(here):
                    self.flaws.add(here, about + _sentence(errors, here))
            return None

    def _aimed(self, path: Path, body: RuleBody) -> Rule | None:
        number = path[-1]
        name = f"{self.scenario}/{number + 1}" if isinstance(number, int) else self.scenario
        try:
            return rule_from(body, self.faults, self.providers, name=name, origin=f"scenario {self.scenario}")
        except ValueError as error:
            self.flaws.add(path, str(error))
            return None


def _one_of(name: str, known: list[str], allowed: str) -> str:
    close = get_close_matches(name[:_LONGEST_NAME], known, 1)
    return f"must be one of {allowed}, got {shown(name)}" + (f"; did you mean {close[0]}?" if close else "")


def _names(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _where(error: ErrorDetails, given: Any) -> Path:
    """Return the path to an error as far as it was written; pydantic adds the names of alternatives it tried."""
    path: list[str | int] = []
    for part in error["loc"]:
        inside = isinstance(part, int) if isinstance(given, list) else isinstance(given, Mapping) and part in given
        if inside:
            given = given[part]
            path.append(part)
    missing = error["loc"][-1:] if error["type"] == "missing" else ()
    return (*path, *missing)


def _subject(error: ErrorDetails, given: Mapping[str, Any]) -> Path:
    """Return the key that a model's word about itself as a whole begins with."""
    word = _said(error).partition(" ")[0]
    return (word,) if word in given else ()


def _sentence(errors: Iterable[ErrorDetails], path: Path) -> str:
    said = list(dict.fromkeys(_said(error) for error in errors))
    said[1:] = [one.removeprefix("must be ") for one in said[1:]]
    first = next(iter(errors))
    # A key's text is not for logs and terminals.
    told = first["type"] in {"missing", "extra_forbidden"} or path[-1] == "key"
    return " or ".join(said) + ("" if told else f", got {shown(first['input'])}")


def _said(error: ErrorDetails) -> str:
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    return _WORDS.get(error["type"]) or _SHOULD.sub("must ", error["msg"])
