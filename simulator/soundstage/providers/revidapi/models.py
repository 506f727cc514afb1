"""RevidAPI's models with their prices and fields, and the flat list of price rows (R-REV-160..171)."""

from functools import cache
from typing import Annotated, Any

import orjson
from pydantic import Field

from soundstage.core.call import Call, Problem, Reply
from soundstage.core.money import number
from soundstage.core.view import Tx
from soundstage.providers.revidapi.catalogue import Model, Row, catalogue
from soundstage.providers.revidapi.errors import reply_to
from soundstage.validation import WireModel, read

_Filter = Annotated[str, Field(min_length=1, max_length=200)]


class _Asked(WireModel):
    model: _Filter | None = None
    server_id: _Filter | None = None


def models(call: Call, tx: Tx) -> Reply:
    """GET /models: every model, the source of truth for prices."""
    return Reply(_models())


def pricing(call: Call, tx: Tx) -> Reply:
    """GET /models/pricing: the rows of all models, or of one model or one server."""
    asked = read(_Asked, call.query)
    if isinstance(asked, Problem):
        return reply_to(asked)
    rows = [
        {"model": model.id, **_row(row)}
        for model in catalogue().values()
        if asked.model in {None, model.id}
        for row in model.rows
        if asked.server_id in {None, row.server}
    ]
    return Reply({"pricing": rows, "count": len(rows)})


@cache
def _models() -> bytes:
    return orjson.dumps({"models": [_entry(model) for model in catalogue().values()]})


def _entry(model: Model) -> dict[str, Any]:
    prices = [row.credits for row in model.rows]
    return {
        "model": model.id,
        "name": model.name,
        "type": model.type,
        "modes": model.modes,
        "servers": model.servers,
        "credits_min": number(min(prices)),
        "credits_max": number(max(prices)),
        "pricing": [_row(row) for row in model.rows],
        "params": model.params,
        "notes": model.notes,
    }


def _row(row: Row) -> dict[str, Any]:
    """Return a row as shown: what is the default, silent or fast, goes without saying (R-REV-163)."""
    told = {
        "server": row.server,
        "key": row.key,
        "config_key": row.key,
        "credits": number(row.credits),
        "resolution": row.resolution,
        "duration": None if row.duration is None else f"{row.duration}s",
        "audio": row.audio or None,
        "speed": None if row.speed == "fast" else row.speed,
        "quality": row.quality,
    }
    return {name: value for name, value in told.items() if value is not None}
