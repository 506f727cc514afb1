"""Records: the journal of calls, callback deliveries, the ledger, invariants, and starting over."""

from itertools import chain
from typing import Any, Literal
from urllib.parse import unquote_plus

from soundstage.core import outbox
from soundstage.core.clock import iso, parse_iso
from soundstage.core.invariants import violations
from soundstage.core.journal import Exchange
from soundstage.core.money import decimal_text
from soundstage.core.outbox import Delivery
from soundstage.core.universe import DIRECTORY, start_over
from soundstage.core.view import Tx
from soundstage.core.wallet import listed
from soundstage.edge.admin.context import AdminBody, AdminCall, AdminError, Answer, Route, readable
from soundstage.edge.delivery import body_text
from soundstage.edge.gate import reopen

_SECRET_HEADERS = frozenset(
    {
        "authorization",
        "x-api-key",
        "cookie",
        "proxy-authorization",
        "x-soundstage-admin-token",
        "x-api-key-signature",
        "webhook-signature",
    }
)
_SECRET_FIELDS = frozenset({"api_key", "apikey", "key", "token"})


class Reset(AdminBody):
    """What to forget: the journal, a universe's tasks and money, or both and its registered keys."""

    what: Literal["journal", "state", "all"] = "all"


async def requests(call: AdminCall) -> Answer:
    """List the last calls on provider endpoints, the newest first, without their secrets."""
    limit = call.number("limit", 50, 1000)
    cursor = call.number("cursor", 2**40, 2**40)
    found = [one for one in _matching(call) if one.id < cursor]
    page = found[:limit]
    return 200, {
        "requests": [_exchange(one) for one in page],
        "next_cursor": str(page[-1].id) if len(found) > limit else None,
    }


async def count(call: AdminCall) -> Answer:
    """Count the calls the journal still holds."""
    return 200, {"count": len(_matching(call))}


async def deliveries(call: AdminCall) -> Answer:
    """List callbacks with their attempts, the newest first."""
    limit = call.number("limit", 100, 1000)
    rows: list[dict[str, Any]] = []
    for universe in call.readable():
        found = await call.world.run(universe, lambda tx: [row for _, row in tx.scan("delivery", newest_first=True)])
        rows += [delivery_view(row, universe) for row in found[:limit]]
    return 200, {"deliveries": rows[:limit]}


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


async def ledger(call: AdminCall) -> Answer:
    """Show every wallet and every movement."""
    wallets: list[dict[str, Any]] = []
    entries: list[dict[str, Any]] = []

    def look(tx: Tx) -> None:
        for _, wallet in tx.scan("wallet"):
            sums = ("issued", "available", "held", "spent")
            wallets.append(
                {
                    "provider": wallet.provider,
                    "key_id": wallet.owner,
                    "universe": tx.universe_id,
                    **{name: decimal_text(getattr(wallet, name)) for name in sums},
                }
            )
        for _, entry in tx.scan("entry"):
            entries.append(_entry(entry.at, entry.kind, entry.amount, None, entry.wallet, entry.note))
        for _, row in chain(tx.scan("use"), tx.scan("task")):
            for kind, at, amount in listed(row.movements):
                entries.append(_entry(at, kind, amount, row.id, row.wallet, ""))

    for universe in call.readable():
        await call.world.run(universe, look)
    entries.sort(key=lambda entry: str(entry["at"]))
    return 200, {"wallets": wallets, "entries": entries}


async def invariants(call: AdminCall) -> Answer:
    """Prove that no credit appeared or vanished and no task went back."""
    found: list[str] = []
    for universe in call.readable():
        found += [f"{universe}: {one}" for one in await call.world.run(universe, violations)]
    return 200, {"ok": not found, "violations": found}


async def reset(call: AdminCall) -> Answer:
    """Forget what happened, so that the same requests give the same results again.

    `state` keeps the clock, the seed and the keys; `all` closes the universe, which opens anew when it is next used.
    """
    what = call.read(Reset).what
    if what != "state" and call.universe == "*":
        call.services.journal.clear()
    for universe in call.writable():
        if what != "journal":
            call.services.courier.ground(universe)
        if what in {"journal", "all"}:
            call.services.journal.clear(universe)
        if what == "state":
            await call.world.run(universe, lambda tx: _start_over(call, tx))
        elif what == "all":
            await call.world.store.forget(universe)
            await call.world.store.transact(DIRECTORY, lambda tx, gone=universe: _unregister(tx, gone))  # type: ignore[misc]
            call.services.gate.forget()
        if what != "journal":
            call.services.blobs.forget(universe)
    return 204, None


def _start_over(call: AdminCall, tx: Tx) -> None:
    # Budgets come out of what their users have, so users first.
    for key in sorted(start_over(tx), key=lambda key: key.kind == "budgeted"):
        reopen(tx, call.world.providers[key.provider], key)


def _unregister(tx: Tx, universe: str) -> None:
    for name, row in list(tx.scan("registered")):
        if row.universe == universe:
            tx.delete("registered", name)


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
        "created_at": iso(delivery.created_at),
        "next_attempt_at": iso(delivery.due[0]) if pending and delivery.due is not None else None,
        "attempts": [
            {"at": iso(one.at), "status": one.status, "error": one.error, "headers": dict(one.headers)}
            for one in delivery.attempts
        ],
        "body": body_text(delivery.body),
    }


def _matching(call: AdminCall) -> list[Exchange]:
    query = call.query
    try:
        since = parse_iso(query["since"]) if "since" in query else None
    except ValueError:
        raise AdminError(400, "invalid_request", "since must be ISO 8601, such as 2026-01-01T00:00:00Z") from None
    universe = None if call.universe == "*" else call.universe
    return [
        one
        for one in call.services.journal.newest()
        if universe in {None, one.universe}
        and query.get("method", one.method) == one.method
        and query.get("provider", one.provider) == one.provider
        and one.target.partition("?")[0].startswith(query.get("path", ""))
        and (since is None or one.at >= since)
    ]


def _exchange(one: Exchange) -> dict[str, Any]:
    headers = {
        readable(name): "…" if name.lower() in _SECRET_HEADERS else readable(value)
        for name, value in one.headers.items()
    }
    return {
        "id": one.id,
        "at": iso(one.at),
        "universe": one.universe,
        "method": readable(one.method),
        "path": _target(one.target),
        "provider": one.provider,
        "operation": one.operation,
        "status": one.status,
        "request": {"headers": headers, "body": body_text(one.body) if one.body else None},
        "response": {"body": body_text(one.reply)},
    }


def _target(target: str) -> str:
    """Return a request target without the keys in its query, however they are encoded."""
    path, mark, query = readable(target).partition("?")
    fields = [field.partition("=") for field in query.split("&")]
    shown = [
        f"{name}=…" if unquote_plus(name).lower() in _SECRET_FIELDS else name + sign + value
        for name, sign, value in fields
    ]
    return path + mark + "&".join(shown)


def _entry(at: int, kind: str, amount: int, task_id: str | None, wallet: str, note: str) -> dict[str, Any]:
    return {
        "at": iso(at),
        "kind": kind,
        "amount": decimal_text(amount),
        "task_id": task_id,
        "key_id": wallet,
        "note": note,
    }


_FILTERS = ("method", "path", "provider", "since")
ROUTES = (
    Route("GET", "/__admin/requests", requests, "List calls", query=(*_FILTERS, "limit", "cursor")),
    Route("GET", "/__admin/requests/count", count, "Count calls", query=_FILTERS),
    Route("GET", "/__admin/deliveries", deliveries, "List callbacks", query=("limit",)),
    Route("POST", "/__admin/deliveries/{id}/resend", resend, "Send a callback again"),
    Route("GET", "/__admin/ledger", ledger, "Show wallets and movements"),
    Route("GET", "/__admin/invariants", invariants, "Check that the books balance"),
    Route("POST", "/__admin/reset", reset, "Start over", Reset, 204),
)
