"""MidSync's published points and field values, written here from the documents. Source: R-MID-030 to R-MID-108."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from soundstage_contracts.drivers.base import Price

SEEDANCE, KLING, RUNWAY, GROK = MODELS = ("seedance-1.5-pro", "kling-2.5-turbo", "runway", "grok-video")
DISPLAY_NAMES = {SEEDANCE: "Seedance 1.5 Pro", KLING: "Kling 2.5 Turbo", RUNWAY: "Runway", GROK: "Grok Video"}
"""The landing form's names; the first two stand in its examples, Grok Video in a sentence, Runway is a guess."""

LANDING_FIELDS = ("duration_seconds", "image_url", "reference_task_id")
CREATE_KEYS = (
    *("success", "taskId", "providerTaskId", "model", "providerModel"),
    *("pointsCharged", "status", "estimatedTime", "estimatedTimeSec"),
)
"""The nine keys of a create reply (R-MID-059)."""
GOLDEN: dict[str, Any] = {
    "model": SEEDANCE,
    "prompt": "A cinematic beach at sunset with gentle waves",
    "resolution": "720p",
    "aspectRatio": "16:9",
    "duration": 8,
    "generateAudio": True,
}
"""The documented request whose reply is printed beside it (R-MID-060)."""


class Cell(NamedTuple):
    """A published price: a body without its prompt, the points, the requirement."""

    name: str
    fields: dict[str, Any]
    points: int
    source: str


def grok(resolution: str, seconds: int) -> Cell:
    """Return the cell of Grok's formula, whose seconds go from 6 to 30."""
    base = {"480p": 9, "720p": 17}[resolution]
    fields = {"model": GROK, "resolution": resolution, "duration": seconds}
    return Cell(f"{GROK} {resolution} {seconds}s", fields, base + (seconds - 6) * 2, "R-MID-107")


_GOLDEN_CELL = {name: value for name, value in GOLDEN.items() if name != "prompt"}
_RUNWAY = {"model": RUNWAY, "aspectRatio": "16:9"}
_MATRICES = (
    Cell("seedance-1.5-pro 720p 8s sound", _GOLDEN_CELL, 20, "R-MID-060"),
    Cell("kling-2.5-turbo 5s", {"model": KLING, "duration": 5}, 35, "R-MID-101"),
    Cell("kling-2.5-turbo 10s", {"model": KLING, "duration": 10}, 70, "R-MID-101"),
    Cell("runway 720p 5s", {**_RUNWAY, "duration": 5, "quality": "720p"}, 10, "R-MID-105"),
    Cell("runway 1080p 5s", {**_RUNWAY, "duration": 5, "quality": "1080p"}, 25, "R-MID-105"),
    Cell("runway 720p 10s", {**_RUNWAY, "duration": 10, "quality": "720p"}, 25, "R-MID-105"),
)
FORMULA = tuple(grok(resolution, seconds) for resolution in ("480p", "720p") for seconds in range(6, 31))
"""Every cell of Grok's formula."""
CELLS = (*_MATRICES, *(cell for cell in FORMULA if cell.fields["duration"] in {6, 7, 15, 30}))
"""Every published cell of a matrix, and of the formula both ends, the first step and one in the middle."""
NOT_OFFERED: dict[str, Any] = {**_RUNWAY, "duration": 10, "quality": "1080p"}
"""The one combination that is said not to be allowed (R-MID-105)."""

_PRICED = ("duration", "resolution", "quality", "generateAudio")
_WHOLLY_PUBLISHED = (KLING, RUNWAY, GROK)


def landing(cell: Cell) -> dict[str, Any] | None:
    """Return a cell's body in the landing form, without prompt; None where that form has no word for it."""
    if "generateAudio" in cell.fields:
        return None
    given = {"model": DISPLAY_NAMES[cell.fields["model"]], "duration_seconds": cell.fields["duration"]}
    size = cell.fields.get("resolution", cell.fields.get("quality"))
    return given if size is None else given | {"resolution": size}


def price(body: Any) -> Price | None:
    """Return the published price of a body in either form, None where none is published for what it asks.

    A field left out has no published default, so the price then lies between all that it may mean.
    """
    if not isinstance(body, dict):
        return None
    given = _developer(body)
    cells = [cell for cell in (*_MATRICES, *FORMULA) if _may_mean(given, cell)]
    if not cells:
        return None
    points = [Decimal(cell.points) for cell in cells]
    return Price(min(points), max(points), cells[0].source)


def _developer(body: dict[str, Any]) -> dict[str, Any]:
    """Return what a body says of its price, in the developer form's words."""
    names = {name: model for model, name in DISPLAY_NAMES.items()}
    model = body.get("model")
    model = names.get(model, model) if isinstance(model, str) else None
    given = {name: body[name] for name in _PRICED if name in body}
    if "duration_seconds" in body:
        given["duration"] = body["duration_seconds"]
        if model == RUNWAY and "resolution" in given:
            given["quality"] = given.pop("resolution")
    return given | {"model": model}


def _may_mean(given: dict[str, Any], cell: Cell) -> bool:
    if given["model"] != cell.fields["model"]:
        return False
    partly = given["model"] in _WHOLLY_PUBLISHED
    for name in _PRICED:
        if name in cell.fields:
            said = given.get(name)
            same = said == cell.fields[name] and type(said) is type(cell.fields[name])
            if not same and (name in given or not partly):
                return False
    return True
