"""Callbacks and their attempts: list, wait for, send again."""

from collections.abc import Callable
from typing import Any, get_args

from soundstage.core import outbox
from soundstage.core.clock import iso
from soundstage.core.outbox import Delivery, DeliveryState
from soundstage.core.universe import DIRECTORY
from soundstage.core.view import Tx, View
from soundstage.edge.admin.context import AdminCall, AdminError, Answer, Route
from soundstage.edge.admin.waiting import wait_for
from soundstage.edge.delivery import body_text

_MOST = 1000


async def deliveries(call: AdminCall) -> Answer:
    """List callbacks with their attempts, the newest first."""
    limit = call.number("limit", 100, _MOST)
    wanted = _filter(call, None)
    rows: list[dict[str, Any]] = []
    for universe in call.readable():
        rows += [delivery_view(one, universe) for one in (await _found(call, universe, wanted))[:limit]]
    return 200, {"deliveries": rows[:limit]}


async def wait(call: AdminCall) -> Answer:
    """Answer as soon as `count` callbacks are in `state`, or after `timeout` seconds with `reached` false."""
    least = call.number("count", 1, _MOST)
    wanted = _filter(call, "delivered")
    found: dict[str, list[Delivery]] = {}
    changed = set(call.readable())

    def concerns(universe: str, _: View) -> bool:
        if universe == DIRECTORY or call.named not in {None, universe}:
            return False
        changed.add(universe)
        return True

    async def look() -> bool:
        while changed:
            universe = changed.pop()
            found[universe] = await _found(call, universe, wanted)
        return sum(map(len, found.values())) >= least

    reached = await wait_for(call, call.world.store.listeners, look, concerns)
    views = [delivery_view(one, universe) for universe, rows in found.items() for one in rows]
    return 200, {"deliveries": views, "reached": reached}


async def resend(call: AdminCall) -> Answer:
    """Make one more attempt now, with the same event id and body."""
    wanted = call.params["id"]

    def again(tx: Tx) -> Delivery | None:
        found = outbox.find(tx, wanted)
        return None if found is None else outbox.resend(tx, found)

    for universe in call.readable():
        try:
            sent = await call.world.run(universe, again)
        except ValueError as error:
            raise AdminError(409, "attempt_under_way", str(error)) from None
        if sent is not None:
            await call.services.courier.make_due(universe)
            return 200, delivery_view(sent, universe)
    raise AdminError(404, "no_such_delivery", f"there is no delivery {wanted[:60]!r}", "GET /__admin/deliveries")


def delivery_view(delivery: Delivery, universe: str) -> dict[str, Any]:
    """Return a delivery as the admin shows it."""
    pending = delivery.due is not None and delivery.state == "pending"
    return {
        "id": delivery.id,
        "event_id": delivery.event_id,
        "event": delivery.event,
        "task_id": delivery.task_id,
        "provider": delivery.provider,
        "universe": universe,
        "url": delivery.url,
        "state": delivery.state,
        "faults": [applied.name for applied in delivery.faults],
        "created_at": iso(delivery.created_at),
        "next_attempt_at": iso(delivery.due[0]) if pending and delivery.due is not None else None,
        "attempts": [
            {"at": iso(one.at), "status": one.status, "error": one.error, "headers": dict(one.headers)}
            for one in delivery.attempts
        ],
        "body": body_text(delivery.body),
    }


def _filter(call: AdminCall, usual: DeliveryState | None) -> Callable[[Delivery], bool]:
    state, task_id = call.query.get("state", usual), call.query.get("task_id")
    states = get_args(DeliveryState)
    if state is not None and state not in states:
        raise AdminError(400, "invalid_request", f"state must be one of {', '.join(states)}, got {state[:40]!r}")
    return lambda one: state in {None, one.state} and task_id in {None, one.task_id}


async def _found(call: AdminCall, universe: str, wanted: Callable[[Delivery], bool]) -> list[Delivery]:
    return await call.world.run(
        universe, lambda tx: [one for _, one in tx.scan("delivery", newest_first=True) if wanted(one)]
    )


ROUTES = (
    Route("GET", "/__admin/deliveries", deliveries, "List callbacks", query=("task_id", "state", "limit")),
    Route(
        "GET",
        "/__admin/deliveries/wait",
        wait,
        "Wait for callbacks",
        query=("task_id", "state", "count", "timeout"),
    ),
    Route("POST", "/__admin/deliveries/{id}/resend", resend, "Send a callback again"),
)
