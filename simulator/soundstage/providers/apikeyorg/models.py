"""API-Key's public models with categories and metadata, for anybody who asks (R-KEY-020).

ASSUMED: OpenAI's list, with the catalogue's words for categories, parameters and prices.
"""

from functools import cache
from typing import Any

import orjson

from soundstage.core.call import Call, Reply
from soundstage.core.view import Tx
from soundstage.providers.apikeyorg.catalogue import Model, catalogue

_OWN = {"source", "assumed"}
_PARAMETERS = (
    "resolutions",
    "default_resolution",
    "aspect_ratios",
    "default_aspect_ratio",
    "duration",
    "context_tokens",
    "dimensions",
)


def models(call: Call, tx: Tx) -> Reply:
    """GET /v1/models: every public model."""
    return Reply(_models())


@cache
def _models() -> bytes:
    return orjson.dumps({"object": "list", "data": [_entry(model) for model in catalogue().values()]})


def _entry(model: Model) -> dict[str, Any]:
    data = model.data
    entry: dict[str, Any] = {
        "id": model.id,
        "object": "model",
        "created": data["created"],
        "owned_by": "api-key",
        "name": model.name,
        "category": model.category,
        "modalities": data["modalities"],
        "parameters": {name: data[name] for name in _PARAMETERS if name in data},
        "pricing": {"currency": "credits", **_published(data["price"])},
    }
    if model.category == "video":
        entry["input_modes"] = data["input_modes"]
    return entry


def _published(price: Any) -> dict[str, Any]:
    published = {name: value for name, value in price.items() if name not in _OWN}
    if "rows" in published:
        published["rows"] = [{k: v for k, v in row.items() if k not in _OWN} for row in published["rows"]]
    return published
