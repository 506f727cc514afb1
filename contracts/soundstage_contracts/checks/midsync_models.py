"""MidSync's list of models: what forms are built from agrees with what quotes and creates do."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import jsonschema_rs

from soundstage_contracts.checks.midsync_ways import MODELS as LIST
from soundstage_contracts.checks.midsync_ways import QUOTE, body_of, made, play_money, points
from soundstage_contracts.drivers.base import amount
from soundstage_contracts.exchange import Request
from soundstage_contracts.oracles.midsync import CELLS, DISPLAY_NAMES, FORMULA, GROK, KLING, MODELS, RUNWAY
from soundstage_contracts.oracles.midsync_fields import DEFAULTS, FIELDS, IMAGE, Field
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import expect

_INSIDE = {"midsync": "the documents name the three parts of the reply, and nothing of their inside"}


def _listed(stage: Stage) -> dict[str, Any]:
    return stage.answered(Request.get(LIST)).object()


@promise("MODEL-101", {"midsync": "R-MID-026 R-MID-095 R-MID-096"})
def list_of_models(stage: Stage) -> None:
    """The list of models has its three documented parts, and the four documented models are in it."""
    reply = _listed(stage)
    kinds = {"models": list, "modelParams": dict, "pricingHints": dict}
    for name, kind in kinds.items():
        expect(isinstance(reply.get(name), kind) and reply[name], f"{name} is {str(reply.get(name))[:100]}")
    text = str(reply["models"])
    for model in MODELS:
        expect(model in text, f"the list of models does not name {model}")


@promise("MODEL-102", {"midsync": "R-MID-054 R-MID-065 R-MID-096"}, assumed=_INSIDE)
def entries(stage: Stage) -> None:
    """Each model stands in the list once, under its name, with the upstream model that its tasks are made by."""
    reply = _listed(stage)
    ids = [one["id"] for one in reply["models"]]
    expect(sorted(ids) == sorted(MODELS), f"the models are {ids}")
    for part in ("modelParams", "pricingHints"):
        expect(sorted(reply[part]) == sorted(MODELS), f"{part} tells of {sorted(reply[part])}")
    play_money(stage)
    for one in reply["models"]:
        task = made(stage, body_of(one["id"])).object()
        said = (one["name"], one["providerModel"], one["modality"])
        wanted = (DISPLAY_NAMES[one["id"]], task["providerModel"], "video")
        expect(said == wanted, f"{one['id']} is listed as {said}, and its tasks show {wanted}")


@promise("MODEL-103", {"midsync": "R-MID-074 R-MID-095 R-MID-100"}, assumed=_INSIDE, each=MODELS)
def hints_are_quotes(stage: Stage, case: str) -> None:
    """The price hints of a model are what quotes say: each row, no row twice, and what has no row is refused."""
    reply = _listed(stage)
    hint, params = reply["pricingHints"][case], reply["modelParams"][case]
    expect(hint["currency"] == "points", f"the hint is in {hint['currency']!r}")
    axes = [_values(params[name]) for name in hint["by"]] if hint["kind"] == "matrix" else []
    rows = dict(_matrix(hint) if hint["kind"] == "matrix" else _formula(hint, params["duration"]))
    expect(len(rows) == len(hint.get("rows", rows)), "two rows of the hint are for one combination")
    for values, price in rows.items():
        quoted = points(stage, body_of(case) | dict(values))
        expect(quoted == price, f"{dict(values)} is hinted at {price} and quoted at {quoted}")
    for combination in product(*axes) if axes else ():
        values = tuple(zip(hint["by"], combination, strict=True))
        if values not in rows:
            stage.refused(Request.json(QUOTE, body_of(case) | dict(values)), "invalid")
    published = [cell for cell in (*CELLS, *FORMULA) if cell.fields["model"] == case]
    for cell in published:
        key = tuple((name, cell.fields[name]) for name in hint["by"])
        expect(rows.get(key) == cell.points, f"{cell.name} is published at {cell.points} and hinted at {rows.get(key)}")


Combination = tuple[tuple[str, Any], ...]


def _values(spec: dict[str, Any]) -> list[Any]:
    return [False, True] if spec["type"] == "boolean" else list(spec["enum"])


def _matrix(hint: dict[str, Any]) -> Iterator[tuple[Combination, Any]]:
    for row in hint["rows"]:
        expect(sorted(row["when"]) == sorted(hint["by"]), f"the row {row['when']} is not by {hint['by']}")
        yield tuple((name, row["when"][name]) for name in hint["by"]), amount(row["points"])


def _formula(hint: dict[str, Any], seconds: dict[str, Any]) -> Iterator[tuple[Combination, Any]]:
    expect(sorted(hint["by"]) == ["duration", "resolution"], f"the formula is by {hint['by']}")
    for size, base in hint["base"].items():
        for duration in range(seconds["minimum"], seconds["maximum"] + 1):
            price = amount(base) + (duration - hint["from_seconds"]) * amount(hint["per_second"])
            named = {"resolution": size, "duration": duration}
            yield tuple((name, named[name]) for name in hint["by"]), price


_RULES: dict[str, dict[str, dict[str, Any]]] = {
    KLING: {
        "aspectRatio": {"ignoredWith": ["images"]},
        "negativePrompt": {"maxLengthWith": {"images": 500}},
        "cfgScale": {"clamp": True},
    },
    RUNWAY: {"aspectRatio": {"ignoredWith": ["images"], "requiredWithout": ["images"]}},
    GROK: {
        "prompt": {"requiredWithout": ["images", "referenceTaskId"]},
        "images": {"exclusiveWith": ["referenceTaskId"]},
        "referenceTaskId": {"exclusiveWith": ["images"]},
        "mode": {"enumWith": {"images": ["fun", "normal"]}},
    },
}
_URLS: dict[str, dict[str, Any]] = {"images": {"of each": "uri", "minItems": 0}, "callbackUrl": {"format": "uri"}}
_WORDS = ("clamp", "requiredWithout", "ignoredWith", "exclusiveWith", "maxLengthWith", "enumWith")
_REFERENCE = Field(GROK, "referenceTaskId", ("g", "g" * 200), ("", "g" * 201, 7, None), (), "R-MID-108")


@promise("MODEL-104", {"midsync": "R-MID-026 R-MID-095"}, assumed=_INSIDE, each=MODELS)
def params_are_rules(stage: Stage, case: str) -> None:
    """The fields of a model are listed with the very limits that quotes and creates keep."""
    params = _listed(stage)["modelParams"][case]
    fields = [
        field for field in (*FIELDS, _REFERENCE) if field.model == case and not field.beside.keys() - {"duration"}
    ]
    names = {field.name for field in fields}
    expect(set(params) == names, f"{case} lists {sorted(set(params) ^ names)} too many or too few")
    for field in fields:
        spec = params[field.name]
        said = {word: spec[word] for word in _WORDS if word in spec}
        rules = _RULES.get(case, {}).get(field.name, {})
        if (url := _URLS.get(field.name)) is not None:
            same = url.items() <= (spec | {"of each": spec.get("items", {}).get("format")}).items()
            expect(same, f"{field.title} is listed as {spec}; it should have {url}")
        expect(said == rules, f"{field.title} is listed with {said}; the documents say {rules}")
        _limits_are(field, spec)


def _limits_are(field: Field, spec: dict[str, Any]) -> None:
    schema = {word: value for word, value in spec.items() if word not in {"required", "default", *_WORDS}}
    if spec.get("clamp"):
        low, high = schema.pop("minimum"), schema.pop("maximum")
        expect((low, high) == (0, 1), f"{field.title} is listed as clamped to {low}..{high}, not 0..1")
    known = schema.get("enum", [])
    expect(len(known) == len(set(known)), f"{field.title} lists a value twice")
    judge = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    for value in (*field.good, *field.also):
        expect(judge.is_valid(value), f"{field.title} takes {str(value)[:60]!r}, and is listed as {schema}")
    for value in (*field.bad, *field.wrong):
        expect(not judge.is_valid(value), f"{field.title} refuses {str(value)[:60]!r}, and is listed as {schema}")


@promise("MODEL-105", {"midsync": "R-MID-095 R-MID-106 R-MID-108"}, assumed=_INSIDE, each=MODELS)
def defaults_and_required(stage: Stage, case: str) -> None:
    """A model lists what it cannot do without, and for the rest what a field left out means."""
    params = _listed(stage)["modelParams"][case]
    required = sorted(name for name, spec in params.items() if spec["required"])
    expect(required == ([] if case == GROK else ["prompt"]), f"{case} lists {required} as required")
    defaults = {name: spec["default"] for name, spec in params.items() if "default" in spec}
    expect(defaults == DEFAULTS[case], f"{case} lists the defaults {defaults}, not {DEFAULTS[case]}")
    kinds = {name: type(value) for name, value in defaults.items()}
    expect(kinds == {name: type(value) for name, value in DEFAULTS[case].items()}, f"{case} lists defaults of {kinds}")
    plain = points(stage, body_of(case))
    for name, value in defaults.items():
        same = points(stage, body_of(case) | {name: value})
        expect(same == plain, f"{name} {value!r} is listed as {case}'s default and changes {plain} points to {same}")


@promise("MODEL-106", {"midsync": "R-MID-102"})
def clamped_scale(stage: Stage) -> None:
    """Kling's cfgScale is moved into 0 to 1, never refused: far outside of it a task is taken at its usual price."""
    plain = points(stage, body_of(KLING, duration=5))
    for value in (-1000, -0.01, 0, 0.3, 1, 1.01, 1000):
        other = points(stage, body_of(KLING, duration=5, cfgScale=value))
        expect(other == plain, f"cfgScale {value} changes {plain} points to {other}")
    expect(points(stage, body_of(KLING, duration=5, cfgScale=7, images=[IMAGE])) == plain, "beside an image it differs")
