"""RevidAPI's models, price rows, servers and plans, read once from its catalogue.

Source: schemas/revidapi/catalogue.yaml, where every row says whether it is documented or assumed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from soundstage.core.money import micros
from soundstage.resources import read_yaml, schema_root

# What a request may choose → the catalogue's name for what there is to choose from.
_CHOICES: Final = {
    "resolution": "resolutions",
    "quality": "qualities",
    "duration": "durations",
    "aspect_ratio": "aspect_ratios",
    "speed": "speeds",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One priced combination on one server; what is None fits every request. `credits` in micros, `duration` in s."""

    server: str
    key: str
    credits: int
    resolution: str | None
    duration: int | None
    audio: bool | None
    speed: str | None
    quality: str | None


@dataclass(frozen=True, slots=True)
class Model:
    """One model. `choices` and `defaults` by request field; `images` is the most references it takes."""

    id: str
    name: str
    type: str
    endpoint: str
    modes: tuple[str, ...]
    servers: tuple[str, ...]
    images: int
    choices: Mapping[str, tuple[Any, ...]]
    defaults: Mapping[str, Any]
    audio: bool
    per_second: bool
    estimated_ms: Mapping[str | None, int]
    params: Mapping[str, str]
    notes: str
    rows: tuple[Row, ...]
    # Rows found before, by what was asked: a model has up to 48, and most calls ask for one of a few.
    found: dict[tuple[Any, ...], Row | None] = field(init=False, default_factory=dict, compare=False, repr=False)

    @property
    def slot(self) -> str:
        """The kind of slot its jobs take: everything that is no image counts as video (A-REV-42)."""
        return "image" if self.type == "image" else "video"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a subscription allows: jobs that run at once, in all and by kind, and jobs that wait beyond them."""

    total_concurrent: int
    image_concurrent: int
    video_concurrent: int
    queue: int


@cache
def catalogue() -> Mapping[str, Model]:
    """Return RevidAPI's models by id."""
    return {model_id: _model(model_id, given) for model_id, given in _data()["models"].items()}


@cache
def plans() -> Mapping[str, Plan]:
    """Return the plans by name; `default` is what a key has that names none."""
    return {
        name: Plan(given["total_concurrent"], given["image_concurrent"], given["video_concurrent"], given["queue"])
        for name, given in _data()["plans"].items()
    }


@cache
def server_percent() -> Mapping[str, int]:
    """Return how long a server takes, in percent of a model's estimate."""
    return {name: given["time_percent"] for name, given in _data()["servers"].items()}


@cache
def default_models() -> Mapping[str, str]:
    """Return the model of a request that names none, by the endpoint's path."""
    return {catalogue()[name].endpoint: name for name in _data()["default_models"].values()}


@cache
def _data() -> Any:
    return read_yaml(schema_root() / "revidapi" / "catalogue.yaml")


def _model(model_id: str, given: Mapping[str, Any]) -> Model:
    choices = {field: tuple(given[name]) for field, name in _CHOICES.items() if name in given}
    estimated = given["estimated_seconds"]
    by_speed = estimated if isinstance(estimated, dict) else dict.fromkeys(choices.get("speed", (None,)), estimated)
    return Model(
        id=model_id,
        name=given["name"],
        type=given["type"],
        endpoint=given["endpoint"],
        modes=tuple(given["modes"]),
        servers=tuple(given["servers"]),
        images=given["images"]["maximum"],
        choices=choices,
        defaults={field: given[f"default_{field}"] for field in choices if f"default_{field}" in given},
        audio=given.get("audio", False),
        per_second=given.get("per_second", False),
        estimated_ms={speed: seconds * 1000 for speed, seconds in by_speed.items()},
        params=given["params"],
        notes=given["notes"],
        rows=tuple(_row(row) for row in given["rows"]),
    )


def _row(given: Mapping[str, Any]) -> Row:
    return Row(
        server=given["server"],
        key=given["key"],
        credits=micros(given["credits"]),
        resolution=given.get("resolution"),
        duration=given.get("duration"),
        audio=given.get("audio"),
        speed=given.get("speed"),
        quality=given.get("quality"),
    )
