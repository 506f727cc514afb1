"""API-Key's tasks as clients see them: the answer to a create, and the body of poll and callback.

ASSUMED: everything of a task's body but its first four fields (R-KEY-042, R-KEY-045).
"""

from functools import lru_cache
from typing import Any, Final

import orjson

from soundstage.core import task as tasks
from soundstage.core.assets import asset_path
from soundstage.core.call import Call, Problem, Reply
from soundstage.core.money import number
from soundstage.core.randomness import Draw
from soundstage.core.view import Tx
from soundstage.core.wallet import charged, total
from soundstage.lifecycle import Words
from soundstage.providers.apikeyorg.catalogue import Model, catalogue
from soundstage.providers.apikeyorg.errors import reply_to

# Core state → API-Key's word (R-KEY-046). ASSUMED: what only an operator can cancel is reported as failed.
STATES: Final = Words("apikeyorg")
_FILES = {"video": "video/mp4", "image": "image/png", "music": "audio/wav"}
_NO_REASON = "The task could not be completed. Its credits were released; create it again."


def created_body(task: tasks.Task) -> dict[str, Any]:
    """Return what create answers, as documented to the field (R-KEY-042)."""
    return {"task_id": task.id, "id": task.id, "object": f"gateway.{task.kind}.task", "status": STATES["waiting"]}


def status(call: Call, tx: Tx) -> Reply:
    """GET /v1/tasks/{task_id}: where a task is now; asking never moves it (R-KEY-027)."""
    task = tasks.find(tx, call.params["task_id"], "apikeyorg")
    if task is None or task.wallet != call.key.wallet:
        message = "There is no such task; send the task_id that create answered, with the same API key."
        return reply_to(Problem("not_found", message))
    return Reply(task_body(tx, task, call.base_url))


def task_body(tx: Tx, task: tasks.Task, base_url: str) -> dict[str, Any]:
    """Return a task as poll and callback both show it."""
    state = task.state(tx.now)
    done = state == "succeeded"
    failed = state in {"failed", "cancelled"}
    ended = task.ends_at if done or failed else None
    return {
        "task_id": task.id,
        "id": task.id,
        "object": f"gateway.{task.kind}.task",
        "status": STATES[state],
        "model": task.model,
        "created_at": task.created_at // 1000,
        "completed_at": None if ended is None else ended // 1000,
        "output_urls": output_urls(task, tx.universe_id, base_url) if done else [],
        "duration": _seconds_and_files(task.id, task.model, task.request)[0] if done else None,
        "error": _error(task.reason) if failed else None,
        "credits": {
            "reserved": number(total(task.movements, "reserve")),
            "charged": number(charged(task.movements)),
            "released": number(total(task.movements, "release") + total(task.movements, "refund")),
        },
    }


def output_urls(task: tasks.Task, universe_id: str, base_url: str) -> list[str]:
    """Return where a finished task's files are served; the links do not expire (R-KEY-050)."""
    return [
        f"{base_url}{asset_path(universe_id, task.id, number_, kind)}" for number_, kind in enumerate(asset_types(task))
    ]


def asset_types(task: tasks.Task) -> tuple[str, ...]:
    """Return the media types of the files a task makes, one for each."""
    return (_FILES[task.kind],) * _seconds_and_files(task.id, task.model, task.request)[1]


def made_seconds(model: Model, asked: int | None, draw: Draw) -> int | None:
    """Return the seconds a task makes: as asked, or drawn from what the model may choose by itself."""
    if asked is not None or model.span is None:
        return asked
    return draw.between("duration", model.span.auto_minimum, model.span.auto_maximum)


@lru_cache(maxsize=4096)
def _seconds_and_files(task_id: str, model_id: str, request: bytes) -> tuple[int | None, int]:
    # Finished tasks are polled again and again: seconds made and number of files never change.
    fields = orjson.loads(request)
    seconds = made_seconds(catalogue()[model_id], fields.get("duration"), Draw(task_id))
    return seconds, fields.get("n", 1)


def _error(reason: str | None) -> dict[str, str]:
    return {"message": reason or _NO_REASON, "type": "gateway_error", "code": "task_failed"}
