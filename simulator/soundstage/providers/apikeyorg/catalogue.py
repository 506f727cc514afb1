"""API-Key's models, prices and delivery paths, read once from its catalogue.

Source: schemas/apikeyorg/catalogue.yaml, where every cell says whether it is documented or assumed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from soundstage.core.money import micros
from soundstage.resources import read_yaml, schema_root

Category = Literal["video", "image", "music", "chat", "embedding"]
TASK_CATEGORIES: tuple[Category, ...] = ("video", "image", "music")


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds a model can make, and the seconds it may choose by itself when the request names none."""

    minimum: int
    maximum: int
    auto_minimum: int
    auto_maximum: int


@dataclass(frozen=True, slots=True)
class Path:
    """A delivery path: lower `priority` first, `weight` among equals; a busy try is made again after a wait."""

    id: str
    priority: int
    weight: int
    retries: int
    retry_wait_ms: int
    busy_percent: int


@dataclass(frozen=True, slots=True)
class Model:
    """One model. `rates` are micros by the values of `by`; `per_token` micros for a token read and one written."""

    id: str
    name: str
    category: Category
    data: Mapping[str, Any]
    by: tuple[str, ...]
    rates: Mapping[tuple[str, ...], int]
    per_token: tuple[int, int]
    span: Span | None
    estimated_ms: int
    paths: tuple[Path, ...]

    def choices(self, name: str) -> tuple[str, ...]:
        """Return the values a field of this model may have, such as its `resolutions`; none when it has no such."""
        return tuple(self.data.get(name, ()))


@cache
def catalogue() -> Mapping[str, Model]:
    """Return API-Key's models by id."""
    data = read_yaml(schema_root() / "apikeyorg" / "catalogue.yaml")
    return {model_id: _model(model_id, given) for model_id, given in data["models"].items()}


@cache
def ids(*categories: Category) -> tuple[str, ...]:
    """Return the ids of the models of some categories."""
    return tuple(model.id for model in catalogue().values() if model.category in categories)


def _model(model_id: str, given: Mapping[str, Any]) -> Model:
    price = given["price"]
    by = tuple(price.get("by", ()))
    rows = price.get("rows", [price] if "credits" in price else [])
    return Model(
        id=model_id,
        name=given["name"],
        category=given["category"],
        data=given,
        by=by,
        rates={tuple(row["when"][name] for name in by): micros(row["credits"]) for row in rows},
        per_token=(_per_token(price.get("input", "0")), _per_token(price.get("output", "0"))),
        span=_span(given["duration"]) if "duration" in given else None,
        estimated_ms=given.get("estimated_seconds", 0) * 1000,
        paths=tuple(
            Path(
                id=path["id"],
                priority=path["priority"],
                weight=path["weight"],
                retries=path["retries"],
                retry_wait_ms=path["retry_wait_seconds"] * 1000,
                busy_percent=path["busy_percent"],
            )
            for path in given["paths"]
        ),
    )


def _per_token(credits_per_thousand: str) -> int:
    return micros(credits_per_thousand) // 1000


def _span(given: Mapping[str, Any]) -> Span:
    auto = given["auto"]
    return Span(given["minimum"], given["maximum"], auto["minimum"], auto["maximum"])
