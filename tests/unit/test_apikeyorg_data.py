"""What API-Key's data files say twice they say alike: OpenAPI, catalogue and lifecycle (R-KEY-037, 046, 047)."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from soundstage.core.task import Order, create
from soundstage.core.timeline import TERMINAL
from soundstage.providers.apikeyorg.callbacks import CALLBACK
from soundstage.providers.apikeyorg.status import STATES
from soundstage.resources import read_yaml
from support.gateway import DOCUMENT, FOLDER, MODELS
from unit.stage import a_key, opened

SCHEMAS = DOCUMENT["components"]["schemas"]
LIFE = read_yaml(FOLDER / "lifecycle.yaml")


def of(category: str) -> dict[str, Any]:
    """Return the models of a category."""
    return {name: model for name, model in MODELS.items() if model["category"] == category}


def named(models: dict[str, Any], field: str) -> list[Any]:
    """Return every value some models have for a field, each once, in the order of the file."""
    return list(dict.fromkeys(value for model in models.values() for value in model.get(field, ())))


def values(schema: dict[str, Any]) -> list[Any]:
    """Return an enum without its null."""
    return [value for value in schema["enum"] if value is not None]


@pytest.mark.parametrize("category", ["video", "image", "music", "chat", "embedding"])
def test_r_key_047_the_lists_of_models_agree(category: str) -> None:
    assert values(SCHEMAS[f"{category.capitalize()}Model"]) == list(of(category))
    assert category in SCHEMAS["Model"]["properties"]["category"]["enum"]


def test_r_key_037_modalities_and_input_modes_agree() -> None:
    made_by_tasks = {model["category"] for model in MODELS.values() if "estimated_seconds" in model}
    assert sorted(values(SCHEMAS["Modality"])) == sorted(made_by_tasks)
    assert values(SCHEMAS["InputMode"]) == named(of("video"), "input_modes")
    kinds = SCHEMAS["Model"]["properties"]["modalities"]["properties"]
    for side in ("input", "output"):
        used = {kind for model in MODELS.values() for kind in model["modalities"][side]}
        assert used <= set(kinds[side]["items"]["enum"])
    assert {model["category"] for model in MODELS.values()} == set(SCHEMAS["Model"]["properties"]["category"]["enum"])


@pytest.mark.parametrize("category", ["video", "image"])
def test_resolutions_and_ratios_agree(category: str) -> None:
    name = category.capitalize()
    assert values(SCHEMAS[f"{name}Resolution"]) == named(of(category), "resolutions")
    assert values(SCHEMAS[f"{name}Ratio"]) == named(of(category), "aspect_ratios")
    told = SCHEMAS[f"{name}Request"]["properties"]
    for field in ("resolution", "aspect_ratio"):
        (default,) = {model[f"default_{field}"] for model in of(category).values()}
        assert told[field]["description"].startswith(f"{default} when left out")
    for model in of(category).values():
        assert model["default_resolution"] in model["resolutions"]
        assert model["default_aspect_ratio"] in model["aspect_ratios"]


def test_forms_and_the_estimate_have_the_same_choices() -> None:
    form, estimate = SCHEMAS["VideoForm"]["properties"], SCHEMAS["EstimateRequest"]["properties"]
    assert values(form["resolution"]) == named(of("video"), "resolutions")
    assert values(form["aspect_ratio"]) == named(of("video"), "aspect_ratios")
    assert values(estimate["resolution"]) == named(of("video"), "resolutions") + named(of("image"), "resolutions")
    assert form.keys() | {"input_reference"} == SCHEMAS["VideoRequest"]["properties"].keys()


def test_single_models_limits_agree() -> None:
    """What a model lacks of its category's widest choice is what ModelLimits takes away, no more and no less."""
    expected: dict[str, dict[str, Any]] = {}
    for category in ("video", "image"):
        for name, model in of(category).items():
            if model["resolutions"] != named(of(category), "resolutions"):
                expected.setdefault(name, {})["resolution"] = {"enum": [*model["resolutions"], None]}
    for category in ("video", "music"):
        widest = max(model["duration"]["maximum"] for model in of(category).values())
        for name, model in of(category).items():
            if model["duration"]["maximum"] != widest:
                expected.setdefault(name, {})["duration"] = {"maximum": model["duration"]["maximum"]}
    limits = {
        one["if"]["properties"]["model"]["const"]: one["then"]["properties"] for one in SCHEMAS["ModelLimits"]["allOf"]
    }
    assert limits == expected


@pytest.mark.parametrize(("schema", "category"), [("VideoRequest", "video"), ("MusicRequest", "music")])
def test_durations_agree(schema: str, category: str) -> None:
    duration = SCHEMAS[schema]["properties"]["duration"]
    spans = [model["duration"] for model in of(category).values()]
    assert duration["minimum"] == min(span["minimum"] for span in spans)
    assert duration["maximum"] == max(span["maximum"] for span in spans)
    for span in spans:
        assert span["minimum"] <= span["auto"]["minimum"] <= span["auto"]["maximum"] <= span["maximum"]


def test_dimensions_agree() -> None:
    request = SCHEMAS["EmbeddingRequest"]
    widest = max(model["dimensions"] for model in of("embedding").values())
    assert request["properties"]["dimensions"]["maximum"] == widest
    limits = {
        one["if"]["properties"]["model"]["const"]: one["then"]["properties"]["dimensions"]["maximum"]
        for one in request["allOf"]
    }
    assert limits == {
        name: model["dimensions"] for name, model in of("embedding").items() if model["dimensions"] != widest
    }


def test_every_combination_has_one_price_and_every_model_a_path() -> None:
    for name, model in MODELS.items():
        price = model["price"]
        assert model["paths"], name
        assert len({path["id"] for path in model["paths"]}) == len(model["paths"])
        assert all(path["id"].startswith(f"{name}/") and path["weight"] > 0 for path in model["paths"])
        if "rows" not in price:
            continue
        choices = {"resolution": model["resolutions"], "input_mode": model.get("input_modes", [])}
        wanted: list[tuple[str, ...]] = [()]
        for field in price["by"]:
            wanted = [(*one, value) for one in wanted for value in choices[field]]
        assert [tuple(row["when"][field] for field in price["by"]) for row in price["rows"]] == wanted


def test_r_key_046_the_words_of_a_life_agree() -> None:
    told = {core: one["state"] for core, one in LIFE["from_core"].items()}
    assert told == STATES
    assert list(LIFE["states"]) == SCHEMAS["Task"]["properties"]["status"]["enum"]
    assert set(STATES.values()) == set(LIFE["states"])
    assert LIFE["initial"] == STATES["waiting"] == SCHEMAS["TaskCreated"]["properties"]["status"]["const"]
    ends = {STATES[state] for state in STATES if state in TERMINAL}
    assert ends == set(LIFE["terminal"]) == set(LIFE["callback_on"])
    assert ends == {name for name, state in LIFE["states"].items() if state["terminal"]}
    for move in LIFE["moves"]:
        assert not LIFE["states"][move["from"]]["terminal"]
        assert move["to"] in LIFE["states"]


def test_r_key_062_066_the_events_agree() -> None:
    """R-KEY-062, R-KEY-066: the words of the lifecycle, of the document and of what is sent."""
    callback = DOCUMENT["components"]["callbacks"]["TaskEnded"]["{$request.body#/callback_url}"]
    (event,) = [one for one in callback["post"]["parameters"] if one["name"] == "x-api-key-event"]
    assert event["schema"]["enum"] == list(LIFE["callback_events"].values())
    assert SCHEMAS["CallbackBody"]["allOf"][1]["properties"]["status"]["enum"] == list(LIFE["callback_events"])
    cores: tuple[Literal["succeeded", "failed", "cancelled"], ...] = ("succeeded", "failed", "cancelled")
    for core in cores:
        order = Order("apikeyorg", "createVideoTask", "video", "seedance-2", b"{}", 100, 0, 0, outcome=core)
        assert CALLBACK.event(create(opened(), a_key(), order, "task_1")) == LIFE["callback_events"][STATES[core]]


def test_every_requirement_named_in_the_data_is_one_of_the_requirements() -> None:
    known = {
        f"R-KEY-{number:03}"
        for first, last in ((1, 11), (20, 27), (30, 37), (40, 50), (60, 72))
        for number in range(first, last + 1)
    }
    cited = set(_sources(DOCUMENT)) | set(_sources(MODELS)) | set(_sources(LIFE))
    assert cited <= known
    assert known - cited == {"R-KEY-049", "R-KEY-067", "R-KEY-071"}


def _sources(value: Any) -> list[str]:
    if isinstance(value, list):
        return [one for item in value for one in _sources(item)]
    if not isinstance(value, dict):
        return []
    here = [one for name in ("x-source", "source", "callback_source") for one in value.get(name, [])]
    return here + [one for item in value.values() for one in _sources(item)]
