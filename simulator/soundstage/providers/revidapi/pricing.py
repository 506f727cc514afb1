"""Which price row a request gets: the one its fields match, on the server it names or on the cheapest that has it.

Source: R-REV-163..168, A-REV-02..05, A-REV-18, A-REV-45..47.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from soundstage.core.call import Problem
from soundstage.providers.revidapi.catalogue import Model, Row
from soundstage.providers.revidapi.wire import MODES, Generate
from soundstage.validation import shown

# Fields that pick a row; the shape of a picture has no price.
_BY = ("resolution", "duration", "speed", "quality")


class Choice(NamedTuple):
    """A row, the values that led to it, and the names of the fields that had no effect."""

    row: Row
    values: Mapping[str, Any]
    without_effect: tuple[str, ...]


def choose(model: Model, request: Generate) -> Choice | Problem:
    """Return the row a request gets, or why a model has none for it."""
    values = _values(model, request)
    if isinstance(values, Problem):
        return values
    server = request.server_id
    if server is not None and server not in model.servers:
        allowed = ", ".join(model.servers)
        return Problem(
            "invalid_request", f"server_id must be one of {allowed} for {model.id}, got {shown(server)}.", "server_id"
        )
    wants_sound = bool(getattr(request, "audio", None))
    row = pick(model, values, server, audio=wants_sound)
    if row is None:
        return _nowhere(model, values, server)
    # Seedance's rows do not name sound: it is made for the same price.
    sound = wants_sound and model.audio and row.audio is not False
    lost = [field for field in (*_BY, "aspect_ratio") if field not in values and _given(request, field)]
    if wants_sound and not sound:
        lost.append("audio")
    return Choice(row, {**values, "audio": sound}, tuple(lost))


def pick(model: Model, values: Mapping[str, Any], server: str | None, *, audio: bool) -> Row | None:
    """Return the cheapest row that fits, the first of the model's servers among equals; sound only if there is any."""
    asked = (*[values.get(field) for field in _BY], server, audio)
    if asked not in model.found:
        fitting = [row for row in model.rows if server in {None, row.server} and _fits(row, values)]
        wanted = [row for row in fitting if row.audio in {None, audio}]
        model.found[asked] = _cheapest(model, wanted or [row for row in fitting if not row.audio])
    return model.found[asked]


def price(model: Model, row: Row, seconds: int | None) -> int:
    """Return a job's price in micros; `seconds` of sound count only where a row is for one second."""
    if not model.per_second:
        return row.credits
    if seconds is None:
        raise ValueError(f"{model.id} is priced by the second")
    return row.credits * seconds


def _fits(row: Row, values: Mapping[str, Any]) -> bool:
    return all(getattr(row, field) in {None, values.get(field)} for field in _BY)


def _cheapest(model: Model, rows: Iterable[Row]) -> Row | None:
    return min(rows, key=lambda row: (row.credits, model.servers.index(row.server)), default=None)


def _given(request: Generate, field: str) -> bool:
    return getattr(request, field, None) is not None


def _values(model: Model, request: Generate) -> Mapping[str, Any] | Problem:
    """Return what a request chose of what the model has on offer, with the defaults filled in."""
    values = {}
    for field, allowed in model.choices.items():
        value = getattr(request, field, None)
        if value is None and field == "resolution":
            value = MODES.get(getattr(request, "mode", None) or "")
        if value is not None and value not in allowed:
            choices = ", ".join(str(one) for one in allowed)
            message = f"{field} must be one of {choices} for {model.id}, got {shown(value)}."
            return Problem("invalid_request", message, field)
        values[field] = model.defaults.get(field) if value is None else value
    return values


def _nowhere(model: Model, values: Mapping[str, Any], server: str | None) -> Problem:
    asked = ", ".join(f"{field} {values[field]}" for field in _BY if field in values)
    return Problem(
        "invalid_request",
        f"Server {server} does not make {model.id} with {asked}; GET /v1/models lists what it makes.",
        "server_id",
    )
