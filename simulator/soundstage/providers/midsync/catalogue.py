"""MidSync's models and prices, read once from its catalogue.

Source: schemas/midsync/catalogue.yaml, where every cell says whether it is documented or assumed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from soundstage.core.money import micros
from soundstage.resources import read_yaml, schema_root


@dataclass(frozen=True, slots=True)
class Model:
    """One model as the catalogue describes it; `rows` maps price-field values to points in micros."""

    id: str
    name: str
    provider_model: str
    modality: str
    estimated_seconds: int
    estimated_text: str
    params: Mapping[str, Any]
    price: Mapping[str, Any]
    by: tuple[str, ...]
    rows: Mapping[tuple[Any, ...], int]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All models by id, their ids by display name, and the models only seen in usage history."""

    models: Mapping[str, Model]
    by_name: Mapping[str, str]
    usage_models: tuple[Mapping[str, Any], ...]


@cache
def catalogue() -> Catalogue:
    """Return MidSync's catalogue."""
    data = read_yaml(schema_root() / "midsync" / "catalogue.yaml")
    models = {model_id: _model(model_id, given) for model_id, given in data["models"].items()}
    return Catalogue(
        models=models,
        by_name={model.name: model.id for model in models.values()},
        usage_models=tuple(data["usage_models"]),
    )


def _model(model_id: str, given: Mapping[str, Any]) -> Model:
    price = given["price"]
    by = tuple(price["by"])
    if price["kind"] == "matrix":
        rows = {tuple(row["when"][name] for name in by): micros(row["points"]) for row in price["rows"]}
    else:
        rows = _formula_rows(price, given["params"]["duration"])
    return Model(
        id=model_id,
        name=given["display_name"],
        provider_model=given["provider_model"],
        modality=given["modality"],
        estimated_seconds=given["estimated_seconds"],
        estimated_text=given["estimated_text"],
        params=given["params"],
        price=price,
        by=by,
        rows=rows,
    )


def _formula_rows(price: Mapping[str, Any], duration: Mapping[str, Any]) -> dict[tuple[Any, ...], int]:
    # base + (seconds - from_seconds) * per_second, laid out as rows so that every model is priced by one look-up.
    return {
        (resolution, seconds): micros(base + (seconds - price["from_seconds"]) * price["per_second"])
        for resolution, base in price["base"].items()
        for seconds in range(duration["minimum"], duration["maximum"] + 1)
    }
