"""Layer 0: the documents themselves are sound, and each says where it comes from; nothing is sent anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import best_match  # type: ignore[import-untyped]
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from soundstage_contracts import clock
from soundstage_contracts.command.coverage import covered
from soundstage_contracts.documents import document, schema_root
from soundstage_contracts.documents.contract import METHODS
from soundstage_contracts.drivers import driver_of
from soundstage_contracts.verdict import READING_ERRORS, Result, Verdict

LAYER = "L0"
MOST_TOLD = 8
_BASE = "urn:document"


@dataclass(frozen=True, slots=True)
class Documents:
    """A provider's documents as they were read."""

    provider: str
    openapi: dict[str, Any]
    lifecycle: dict[str, Any]
    catalogue: dict[str, Any]


Rule = Callable[[Documents], Iterator[str]]


def static(provider: str) -> Iterator[Result]:
    """Try every rule on a provider's documents and yield what came of each."""
    read = {name: document(provider, name) for name in ("openapi", "lifecycle", "catalogue")}
    yield from judged(Documents(provider, **read))


def judged(documents: Documents) -> Iterator[Result]:
    """Try every rule on documents that were read already."""
    prefix = driver_of(documents.provider).prefix
    for number, title, rule in RULES:
        began = clock.monotonic()
        try:
            found = list(rule(documents))
        except (*READING_ERRORS, OSError) as error:
            found = [f"the document is not as it should be: {type(error).__name__}: {error}"]
        more = f"; and {len(found) - MOST_TOLD} more" if len(found) > MOST_TOLD else ""
        says = "; ".join(found[:MOST_TOLD]) + more
        verdict = Verdict.FAIL if found else Verdict.PASS
        yield Result(f"{prefix}-{number}", title, verdict, says, (), LAYER, clock.monotonic() - began)


# ---- the OpenAPI document --------------------------------------------------------------------------------------------


def _openapi(documents: Documents) -> Iterator[str]:
    for error in OpenAPIV31SpecValidator(documents.openapi).iter_errors():
        yield f"{'/'.join(map(str, error.absolute_path))}: {str(error.message)[:200]}"


def _examples(documents: Documents) -> Iterator[str]:
    whole = documents.openapi
    resource = Resource.from_contents(whole, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource(_BASE, resource)
    for where, schema, value in _with_examples(whole, ""):
        both = {
            "jsonschema": _first_problem(Draft202012Validator(_rooted(schema), registry=registry), value),
            "jsonschema_rs": _second_opinion(whole, schema, value),
        }
        yield from (f"{where} is not valid by {name}: {says[:200]}" for name, says in both.items() if says)


def _first_problem(validator: Draft202012Validator, value: Any) -> str:
    error = best_match(validator.iter_errors(value))
    return "" if error is None else str(error.message)


def _second_opinion(whole: Mapping[str, Any], schema: Any, value: Any) -> str:
    rooted = {"components": whole["components"], "allOf": [schema]}
    errors = jsonschema_rs.Draft202012Validator(rooted, validate_formats=True).iter_errors(value)
    return next((error.message for error in errors), "")


def _rooted(node: Any) -> Any:
    """Return a schema whose references name the whole document."""
    if isinstance(node, list):
        return [_rooted(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        name: f"{_BASE}{value}" if name == "$ref" and isinstance(value, str) else _rooted(value)
        for name, value in node.items()
    }


def _with_examples(node: Any, where: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield every example beside a schema: of parameters, headers, bodies and replies, and inside schemas."""
    if isinstance(node, list):
        for number, one in enumerate(node):
            yield from _with_examples(one, f"{where}/{number}")
        return
    if not isinstance(node, dict):
        return
    yield from _examples_of(node, where)
    for name, value in node.items():
        # What is under these names is data, even where it looks like a schema.
        if name not in {"example", "examples", "enum", "const", "default"}:
            yield from _with_examples(value, f"{where}/{name}")


def _examples_of(node: dict[str, Any], where: str) -> Iterator[tuple[str, Any, Any]]:
    given = node.get("examples")
    if "schema" in node and isinstance(given, dict):
        for name, example in given.items():
            if isinstance(example, dict) and "value" in example:
                yield f"{where}/examples/{name}", node["schema"], example["value"]
    elif isinstance(given, list):
        schema = {name: value for name, value in node.items() if name != "examples"}
        for number, value in enumerate(given):
            yield f"{where}/examples/{number}", schema, value
    if "schema" in node and "example" in node:
        yield f"{where}/example", node["schema"], node["example"]


def _origins(documents: Documents) -> Iterator[str]:
    for path, item in documents.openapi["paths"].items():
        for method, says in item.items():
            if method in METHODS and not (says.get("x-source") or says.get("x-assumption")):
                yield f"{method.upper()} {path} has neither x-source nor x-assumption"


# ---- the other documents ---------------------------------------------------------------------------------------------

CORE = frozenset({"waiting", "running", "succeeded", "failed", "cancelled"})
"""The states that every implementation has, whatever words it has for them."""


def _lifecycle(documents: Documents) -> Iterator[str]:
    life = documents.lifecycle
    states, terminal = life["states"], set(life["terminal"])
    if life["initial"] not in states:
        yield f"the initial state {life['initial']!r} is not among the states"
    marked = {name for name, says in states.items() if says["terminal"]}
    if marked != terminal:
        yield f"terminal names {sorted(terminal)}, and the states say {sorted(marked)}"
    if set(life["from_core"]) != CORE:
        yield f"from_core must give a word for each of {sorted(CORE)}, and gives {sorted(life['from_core'])}"
    for core, says in life["from_core"].items():
        if says["state"] not in states:
            yield f"{core} is called {says['state']!r}, which is not among the states"
    yield from _moves(life["moves"], set(states), terminal)
    yield from _reachable(life, set(states))


def _moves(moves: list[dict[str, Any]], states: set[str], terminal: set[str]) -> Iterator[str]:
    for move in moves:
        name = f"{move['from']} -> {move['to']}"
        if not {move["from"], move["to"]} <= states:
            yield f"the move {name} names a state that is not among the states"
        if move["from"] in terminal:
            yield f"the move {name} leaves a terminal state"
        if not (move.get("source") or move.get("assumed")):
            yield f"the move {name} has neither source nor assumed"


def _reachable(life: Mapping[str, Any], states: set[str]) -> Iterator[str]:
    reached: set[str] = {life["initial"]}
    for _ in states:
        reached |= {move["to"] for move in life["moves"] if move["from"] in reached}
    for name in sorted(states - reached):
        yield f"no move leads to {name}"


def _same_life(documents: Documents) -> Iterator[str]:
    life, ours = documents.lifecycle, driver_of(documents.provider).life
    pairs = {(move["from"], move["to"]) for move in life["moves"]}
    for before, after in sorted(pairs ^ ours.moves):
        where = "lifecycle.yaml" if (before, after) in pairs else "the suite's own lifecycle"
        yield f"the move {before} -> {after} is in {where} only"
    if life["initial"] != ours.initial:
        yield f"lifecycle.yaml begins with {life['initial']!r}, the suite's own lifecycle with {ours.initial!r}"
    if set(life["terminal"]) != ours.terminal:
        yield f"lifecycle.yaml ends with {life['terminal']}, the suite's own lifecycle with {sorted(ours.terminal)}"


def _rows(documents: Documents) -> Iterator[str]:
    yield from _unsourced(documents.catalogue, "", says=False)


_TABLES = frozenset({"models", "scopes", "plans", "servers"})
_ROWS = frozenset({"rows", "rules", "usage_models"})


def _unsourced(node: Any, where: str, says: bool) -> Iterator[str]:
    """Yield the rows, and the entries of tables by name, that have no origin, where nothing around them has one."""
    if isinstance(node, list):
        for number, one in enumerate(node):
            yield from _row(one, f"{where}/{number}", says)
        return
    for name, value in node.items() if isinstance(node, dict) else ():
        if name in _TABLES and isinstance(value, dict):
            for key, one in value.items():
                yield from _row(one, f"{where}/{name}/{key}", says)
        elif name in _ROWS or isinstance(value, dict):
            yield from _unsourced(value, f"{where}/{name}", says and name not in _ROWS)


def _row(row: Any, where: str, says: bool) -> Iterator[str]:
    if not isinstance(row, dict):
        return
    own = bool(row.get("source") or row.get("assumed"))
    if not (own or says):
        yield f"catalogue{where} has neither source nor assumed"
    yield from _unsourced(row, where, says=own)


def _source(documents: Documents) -> Iterator[str]:
    path = schema_root() / documents.provider / "SOURCE.md"
    if not path.is_file():
        yield "SOURCE.md is missing"
    elif len(path.read_text(encoding="utf-8")) < 200:
        yield "SOURCE.md says hardly anything"


def _prices(documents: Documents) -> Iterator[str]:
    yield from driver_of(documents.provider).price_differences(documents.catalogue)


def _requirements(documents: Documents) -> Iterator[str]:
    try:
        rows = covered(documents.provider)
    except FileNotFoundError:
        yield "requirements.yaml is missing"
        return
    for row in rows:
        if not row.by and not row.untestable:
            yield f"{row.id} ({row.says}) is tried by nothing and not marked untestable"


RULES: tuple[tuple[str, str, Rule], ...] = (
    ("DOC-901", "The document is valid OpenAPI 3.1", _openapi),
    ("DOC-902", "Every example fits the schema beside it, by two validators", _examples),
    ("DOC-903", "Every operation says what it rests on", _origins),
    ("DOC-904", "The lifecycle is whole: known states, real ends, a word for every state of a task", _lifecycle),
    ("DOC-905", "The lifecycle is the one the suite judges by", _same_life),
    ("DOC-906", "Every row of the catalogue says what it rests on", _rows),
    ("DOC-907", "The catalogue has every published price, and none that contradicts one", _prices),
    ("DOC-908", "SOURCE.md says where the documents come from", _source),
    ("DOC-909", "Every documented requirement is tried, or it is said why nobody can", _requirements),
)
FAMILIES: Mapping[str, str] = {number: title for number, title, _ in RULES}
"""What the layer's results promise, by number."""
