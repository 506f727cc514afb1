"""RevidAPI's jobs as clients see them: look one up, or cancel it.

ASSUMED: every key of a job but status, result, progress and error, and the word `cancelled`. A job that waits is given
back whole when it is cancelled, one that is being made is not (R-REV-104).
"""

from typing import Any, Final

from soundstage.core import ending
from soundstage.core import task as tasks
from soundstage.core.assets import asset_path
from soundstage.core.call import Call, Problem, Reply
from soundstage.core.clock import iso
from soundstage.core.money import number
from soundstage.core.timeline import TERMINAL
from soundstage.core.universe import Key, find_key
from soundstage.core.view import Tx
from soundstage.core.wallet import total
from soundstage.lifecycle import Words
from soundstage.providers.revidapi.errors import JOB_NOT_FOUND, reply_to

# Core state → RevidAPI's word (R-REV-100, R-REV-104).
STATES: Final = Words("revidapi")
# The text a consumer matches (R-REV-226).
_NO_REASON = "Job failed, change prompt or input and try again"


def job(call: Call, tx: Tx) -> Reply:
    """GET /jobs/{job_id}: where a job is now; asking never moves it (R-REV-100..103)."""
    task = _find(tx, call.params["job_id"], call.key)
    return reply_to(JOB_NOT_FOUND) if task is None else Reply(job_body(tx, task, call.base_url))


def cancel(call: Call, tx: Tx) -> Reply:
    """POST /jobs/{job_id}/cancel: end a job that has not ended."""
    task = _find(tx, call.params["job_id"], call.key)
    if task is None:
        return reply_to(JOB_NOT_FOUND)
    state = task.state(tx.now)
    if state in TERMINAL:
        return reply_to(Problem("invalid_request", f"Cannot cancel job with status '{STATES[state]}'"))
    ending.cancel(tx, task)
    return Reply({"job_id": task.id, "status": "cancelled", "message": "Job cancelled"})


def job_body(tx: Tx, task: tasks.Task, base_url: str) -> dict[str, Any]:
    """Return a job as it is now, as look-up and dashboard both show it."""
    point = task.point(tx.now)
    state = point.state
    ends = task.ends_at if state in TERMINAL else None
    return {
        "job_id": task.id,
        "status": STATES[state],
        "result": result_url(task, tx.universe_id, base_url) if state == "succeeded" else None,
        "progress": point.progress if task.run_ms or state == "succeeded" else 0,
        "model": task.model,
        "type": task.kind,
        "cost": number(total(task.movements, "reserve")),
        "created_at": iso(task.created_at),
        "completed_at": None if ends is None else iso(ends),
        "error": (task.reason or _NO_REASON) if state == "failed" else None,
    }


def result_url(task: tasks.Task, universe_id: str, base_url: str) -> str:
    """Return where a completed job's file is served."""
    return f"{base_url}{asset_path(universe_id, task.id, 0, asset_types(task)[0])}"


def asset_types(task: tasks.Task) -> tuple[str, ...]:
    """Return the media type of the one file a job makes."""
    return ("image/png" if task.kind == "image" else "video/mp4",)


def _find(tx: Tx, job_id: str, key: Key) -> tasks.Task | None:
    """Return a job of the key's account; keys of one user see each other's (R-REV-108)."""
    task = tasks.find(tx, job_id, "revidapi")
    owner = None if task is None else find_key(tx, task.key_id)
    return task if owner is not None and owner.account == key.account else None
