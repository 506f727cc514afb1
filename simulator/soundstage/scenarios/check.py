"""Holds a scenario's document against what a scenario may say, and makes its rules."""

import math
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from soundstage.core.provider import Provider
from soundstage.core.rules import Book, Rule
from soundstage.faults import Faults
from soundstage.faults.rule import RuleBody, names_of, problems_of, rule_of
from soundstage.scenarios.flaws import MOST_DEPTH, Flaws
from soundstage.validation import Path, shown

MOST_RULES: Final = 100
_LONGEST_NAME: Final = 40
_LONGEST_TEXT: Final = 300
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_KEYS: Final = ("name", "description", "faults")
_MOST_INTEGER: Final = 2**63 - 1


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
    rules = [making.rule(number, rule) for number, rule in enumerate(given)]
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

    def rule(self, number: int, given: Any) -> Rule | None:
        """Return a rule, or None when something is wrong with it, which is noted."""
        path = ("faults", number)
        if not isinstance(given, Mapping):
            self.flaws.add(path, f"a rule is a mapping of {', '.join(names_of(RuleBody))}, got {shown(given)}")
            return None
        for where, said in problems_of(given, self.faults, self.providers):
            self.flaws.add((*path, *where), said)
        if self.flaws.touches(path):
            return None
        name, origin = f"{self.scenario}/{number + 1}", f"scenario {self.scenario}"
        return rule_of(RuleBody.model_validate(given), self.faults, self.providers, name=name, origin=origin)
