"""The /v2 gateway's tasks as clients see them: the body of poll and callback.

ASSUMED: `data` is empty before success (A-V2-11); the figures of progress while a task runs (A-V2-15); where and when
the two further words of the wider family appear, which only keys of the plan `six-states` see (A-V2-01).
"""

from typing import Any, Final, NamedTuple

from soundstage.core import task as tasks
from soundstage.core.assets import asset_path
from soundstage.core.call import Call, Reply
from soundstage.core.timeline import TERMINAL, State
from soundstage.core.universe import the_key
from soundstage.core.view import Tx
from soundstage.lifecycle import Words, lifecycle
from soundstage.providers.v2gateway.catalogue import scope_of, scopes
from soundstage.providers.v2gateway.errors import TASK_NOT_EXIST, no_such_scope, reply_to

# Core state → the gateway's word (R-V2-050). ASSUMED: what only an operator can cancel is reported as failed.
STATES: Final = Words("v2gateway")


class _Seen(NamedTuple):
    status: str
    progress: str


SIX_STATES = "six-states"
# A waiting task goes through these, each for a third of its wait; the percents are the family's (R-V2-051, R-V2-055).
_FURTHER_WAITS = (_Seen("SUBMITTED", "10%"), _Seen("QUEUED", "20%"))
_FILES = {"image": "image/png", "video": "video/mp4", "audio": "audio/wav"}
_NO_REASON = "The task could not be completed. Its credits were returned; submit it again."


def status(call: Call, tx: Tx) -> Reply:
    """GET /v2/{scope}/generations/{task_id}: where a task is now; asking never moves it (R-V2-002)."""
    scope = scopes().get(call.params["scope"])
    if scope is None:
        return reply_to(no_such_scope(call.params["scope"], ", ".join(scopes())))
    task = tasks.find(tx, call.params["task_id"], "v2gateway")
    if task is None or task.kind != scope.media or the_key(tx, task.key_id).account != call.key.account:
        return reply_to(TASK_NOT_EXIST)
    return Reply(task_body(tx, task, call.base_url, six_states=call.key.plan == SIX_STATES))


def task_body(tx: Tx, task: tasks.Task, base_url: str, *, six_states: bool = False) -> dict[str, Any]:
    """Return a task as poll and callback both show it; times are Unix seconds, 0 until reached (R-V2-040..048)."""
    state = task.state(tx.now)
    status_, progress = _seen(task, tx.now, state, six_states=six_states)
    finish = (task.ends_at or 0) // 1000 if state in TERMINAL else 0
    url = f"{base_url}{asset_path(tx.universe_id, task.id, 0, asset_type(task))}" if state == "succeeded" else ""
    extras = dict(scope_of(task.kind).terms(task.model).extras)
    last = {"search_item": extras.pop("search_item")} if "search_item" in extras else {}
    return {
        "task_id": task.id,
        **extras,
        "status": status_,
        "fail_reason": (task.reason or _NO_REASON) if state in {"failed", "cancelled"} else "",
        "submit_time": task.created_at // 1000,
        "start_time": _start(task, state) // 1000,
        "finish_time": finish,
        "progress": progress,
        "data": {"output": url, "outputs": [url] if url else []},
        **last,
    }


def asset_type(task: tasks.Task) -> str:
    """Return the media type of the file a task makes."""
    return _FILES[task.kind]


def _seen(task: tasks.Task, now: int, state: State, *, six_states: bool) -> _Seen:
    word, figures = STATES[state], lifecycle("v2gateway")["progress"]
    if state in TERMINAL:
        return _Seen(word, figures[word])
    if state == "running":
        least, most = figures["running"]["minimum"], figures["running"]["maximum"]
        return _Seen(word, f"{least + (most - least) * task.point(now).progress // 100}%")
    third = min(2, 3 * (now - task.created_at) // max(1, task.delay_ms))
    return _FURTHER_WAITS[third - 1] if six_states and third else _Seen(word, figures["initial"])


def _start(task: tasks.Task, state: State) -> int:
    """Return when a task began to run, 0 when it did not; one completed while it waited began and ended at once."""
    if state == "waiting":
        return 0
    if task.replaced is None:
        return task.created_at + task.delay_ms
    # What lies ahead is replaced from now on, so a point at which it runs has been reached.
    begins = next((point.offset_ms for point in task.replaced if point.state == "running"), None)
    if begins is not None:
        return task.created_at + begins
    return (task.ends_at or 0) if state == "succeeded" else 0
