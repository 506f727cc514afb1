"""MidSync's task status and model metadata.

ASSUMED: the shapes of `output` and `assets`, which the documents only name (R-MID-091); they are null and empty until
the task has completed.
"""

from functools import cache
from typing import Any, Final

import orjson

from soundstage.core import task as tasks
from soundstage.core.assets import asset_path
from soundstage.core.call import Call, Problem, Reply
from soundstage.core.view import Tx
from soundstage.lifecycle import Words
from soundstage.providers.midsync.catalogue import Model, catalogue
from soundstage.providers.midsync.errors import reply_to

# Core state → MidSync's word (R-MID-130). ASSUMED: what only an operator can cancel is reported as failed.
STATES: Final = Words("midsync")
ASSET_TYPE = "video/mp4"
_NO_REASON = "The video could not be generated. The points were returned; submit the same request again."


def status(call: Call, tx: Tx) -> Reply:
    """GET /unified-video/{taskId}/status: where the task is now; asking never moves it (R-MID-090..093)."""
    task = tasks.find(tx, call.params["taskId"], "midsync")
    if task is None or task.wallet != call.key.wallet:
        return reply_to(
            Problem("not_found", "There is no such task; send the taskId that create answered, with the same API key.")
        )
    return Reply(status_body(tx, task, call.base_url))


def status_body(tx: Tx, task: tasks.Task, base_url: str) -> dict[str, Any]:
    """Return a task as status and callback both show it."""
    state = task.state(tx.now)
    output: dict[str, Any] | None = None
    assets: list[dict[str, Any]] = []
    if state == "succeeded":
        url = asset_url(task, tx.universe_id, base_url)
        output = {
            "videoUrl": url,
            "mimeType": ASSET_TYPE,
            "durationSeconds": orjson.loads(task.request)["duration"],
        }
        assets = [{"url": url, "type": "video", "mimeType": ASSET_TYPE}]
    failed = state in {"failed", "cancelled"}
    return {
        "success": True,
        "taskId": task.id,
        "status": STATES[state],
        "output": output,
        "assets": assets,
        "error": (task.reason or _NO_REASON) if failed else None,
    }


def asset_url(task: tasks.Task, universe_id: str, base_url: str) -> str:
    """Return where a finished task's result is served; the token cannot be guessed without the API key."""
    return f"{base_url}{asset_path(universe_id, task.id, 0, ASSET_TYPE)}"


def models(call: Call, tx: Tx) -> Reply:
    """GET /unified-video/models: the metadata forms are built from (R-MID-095, R-MID-096)."""
    return Reply(_models())


@cache
def _models() -> bytes:
    known = catalogue().models
    return orjson.dumps(
        {
            "models": [
                {"id": one.id, "name": one.name, "providerModel": one.provider_model, "modality": one.modality}
                for one in known.values()
            ],
            "modelParams": {one.id: _params(one) for one in known.values()},
            "pricingHints": {one.id: {"currency": "points", **_price(one)} for one in known.values()},
        }
    )


def _params(model: Model) -> dict[str, Any]:
    hidden = {"source", "assumed"}
    return {
        name: {word: value for word, value in rules.items() if word not in hidden}
        for name, rules in model.params.items()
    }


def _price(model: Model) -> dict[str, Any]:
    price = {word: value for word, value in model.price.items() if word not in {"source", "assumed"}}
    if "rows" in price:
        price["rows"] = [{"when": row["when"], "points": row["points"]} for row in price["rows"]]
    return price
