"""Tasks: list, explain, complete, fail, stall."""

from collections.abc import Iterator
from inspect import getdoc
from itertools import dropwhile, islice
from typing import Any, Literal

from pydantic import Field

from soundstage.core import outbox
from soundstage.core.bent import Applied, bent_of, shown_parameters
from soundstage.core.clock import iso
from soundstage.core.explain import explain
from soundstage.core.money import decimal_text
from soundstage.core.outbox import Delivery
from soundstage.core.task import Task
from soundstage.core.timeline import TERMINAL
from soundstage.core.view import Tx
from soundstage.core.wallet import charged, listed
from soundstage.edge.admin.context import AdminBody, AdminCall, AdminError, Answer, Route
from soundstage.edge.admin.deliveries import delivery_view
from soundstage.faults import Fault

_STATES = ("waiting", "running", *sorted(TERMINAL))


class Failure(AdminBody):
    """Why the task fails, as the provider's client will read it."""

    reason: str | None = Field(default=None, max_length=500)


class Nothing(AdminBody):
    """An empty body."""


async def list_tasks(call: AdminCall) -> Answer:
    """List tasks, the newest first."""
    limit = call.number("limit", 50, 500)
    state, provider, cursor = call.query.get("state"), call.query.get("provider"), call.query.get("cursor")
    if state is not None and state not in _STATES:
        raise AdminError(400, "invalid_request", f"state must be one of {', '.join(_STATES)}")

    def matching(tx: Tx) -> list[dict[str, Any]]:
        tasks: Iterator[Task] = (task for _, task in tx.scan("task", newest_first=True))
        if cursor is not None and tx.get("task", cursor) is not None:
            tasks = islice(dropwhile(lambda task: task.id != cursor, tasks), 1, None)
        wanted = (t for t in tasks if state in {None, t.state(tx.now)} and provider in {None, t.provider})
        return [_brief(call, tx, task) for task in islice(wanted, limit + 1)]

    rows: list[dict[str, Any]] = []
    for universe in await _from_cursor(call, cursor):
        rows += await call.world.run(universe, matching)
        if len(rows) > limit:
            break
    more = len(rows) > limit
    return 200, {"tasks": rows[:limit], "next_cursor": rows[limit - 1]["id"] if more else None}


async def _from_cursor(call: AdminCall, cursor: str | None) -> list[str]:
    universes = call.readable()
    if cursor is None:
        return universes
    for number, universe in enumerate(universes):
        if await call.world.run(universe, lambda tx: tx.get("task", cursor)) is not None:
            return universes[number:]
    raise AdminError(400, "invalid_cursor", "cursor must be the next_cursor of an earlier answer")


async def show(call: AdminCall) -> Answer:
    """Show one task whole, with an explanation in plain words."""
    _, view = await _find(call, call.params["id"], call.readable())
    return 200, view


async def complete(call: AdminCall) -> Answer:
    """End a task now, successfully."""
    call.read(Nothing)
    return await _redirect(call, "complete", None)


async def fail(call: AdminCall) -> Answer:
    """End a task now as failed; what it held is released."""
    return await _redirect(call, "fail", call.read(Failure).reason)


async def stall(call: AdminCall) -> Answer:
    """Let a task never end by itself."""
    call.read(Nothing)
    return await _redirect(call, "stall", None)


async def _redirect(call: AdminCall, verb: Literal["complete", "fail", "stall"], reason: str | None) -> Answer:
    task_id = call.params["id"]
    universe, _ = await _find(call, task_id, call.writable())
    try:
        await call.world.redirect(universe, task_id, verb, reason)
    except ValueError as error:
        raise AdminError(409, "task_has_ended", str(error)) from None
    return 200, (await _find(call, task_id, [universe]))[1]


async def _find(call: AdminCall, task_id: str, universes: list[str]) -> tuple[str, dict[str, Any]]:
    def look(tx: Tx) -> dict[str, Any] | None:
        task = tx.get("task", task_id)
        return None if task is None else _whole(call, tx, task)

    for universe in universes:
        found = await call.world.run(universe, look)
        if found is not None:
            return universe, found
    raise AdminError(404, "no_such_task", f"there is no task {task_id[:80]!r}", "GET /__admin/tasks lists them")


def _brief(call: AdminCall, tx: Tx, task: Task) -> dict[str, Any]:
    state = task.state(tx.now)
    return {
        "id": task.id,
        "universe": tx.universe_id,
        "provider": task.provider,
        "state": state,
        "provider_status": call.world.providers[task.provider].states[state],
        "model": task.model,
        "cost": decimal_text(charged(task.movements)),
        "created_at": iso(task.created_at),
    }


def _whole(call: AdminCall, tx: Tx, task: Task) -> dict[str, Any]:
    found, bent = outbox.of_task(tx, task.id, task.delivery), bent_of(tx, task.id)
    faults = _at_work(call, () if bent is None else bent.faults, found)
    return {
        **_brief(call, tx, task),
        "operation": task.operation,
        "key_id": task.key_id,
        "callback_url": task.callback_url,
        "timeline": [
            {"at": iso(task.created_at + point.offset_ms), "state": point.state, "progress": point.progress}
            for point in task.timeline
        ],
        "ledger": [
            {"at": iso(at), "kind": kind, "amount": decimal_text(amount), "task_id": task.id}
            for kind, at, amount in listed(task.movements)
        ],
        "deliveries": [delivery_view(one, tx.universe_id) for one in found],
        "faults": [{"fault": one.name, "with": shown_parameters(one.params), "origin": one.origin} for one in faults],
        "explanation": explain(task, call.world.providers[task.provider], found, tx.now, bent=bent, faults=faults),
    }


def _at_work(call: AdminCall, bending: tuple[Applied, ...], deliveries: list[Delivery]) -> dict[Applied, str]:
    """Return the faults that bent a task or its callbacks, each once, with its sentence in the catalogue."""
    found = dict.fromkeys([*bending, *(fault for one in deliveries for fault in one.faults)])
    return {one: _says(call.services.faults[one.name]) for one in found}


def _says(kind: type[Fault]) -> str:
    return (getdoc(kind) or "").partition("\n\n")[0].replace("\n", " ")


ROUTES = (
    Route("GET", "/__admin/tasks", list_tasks, "List tasks", query=("provider", "state", "limit", "cursor")),
    Route("GET", "/__admin/tasks/{id}", show, "Show and explain a task"),
    Route("POST", "/__admin/tasks/{id}/complete", complete, "End a task successfully now", Nothing),
    Route("POST", "/__admin/tasks/{id}/fail", fail, "End a task as failed now", Failure),
    Route("POST", "/__admin/tasks/{id}/stall", stall, "Let a task never end by itself", Nothing),
)
