"""The journal of calls on provider endpoints: list, count, wait for; never with a secret."""

import re
from collections.abc import Callable, Mapping
from itertools import takewhile
from typing import Any
from urllib.parse import unquote_plus

from soundstage.core.clock import iso, parse_iso
from soundstage.core.journal import ADDRESS_HEADERS, CAPACITY, SECRET_FIELDS, SECRET_HEADERS, Exchange
from soundstage.edge.admin.context import AdminCall, AdminError, Answer, Route, readable
from soundstage.edge.admin.waiting import wait_for
from soundstage.edge.delivery import body_text

Wanted = Callable[[Exchange], bool]
_STATUS = re.compile(r"[0-9]{1,3}|[1-5]xx", re.ASCII)
# A parameter of a fault asked for by header, up to the next one or the next fault; a text may hold both signs.
_SECRET = re.compile(r"""(\bsecret\s*=)(?:[^;,"]|"[^"]*"?)*""", re.IGNORECASE)


async def requests(call: AdminCall) -> Answer:
    """List the last calls on provider endpoints, the newest first, without their secrets."""
    limit = call.number("limit", 50, 1000)
    cursor = call.number("cursor", 2**40, 2**40)
    found = [one for one in matching(call) if one.id < cursor]
    page = found[:limit]
    return 200, {
        "requests": [exchange_view(one) for one in page],
        "next_cursor": str(page[-1].id) if len(found) > limit else None,
    }


async def count(call: AdminCall) -> Answer:
    """Count the calls the journal still holds."""
    return 200, {"count": len(matching(call))}


async def wait(call: AdminCall) -> Answer:
    """Answer as soon as the journal holds `count` such calls, or after `timeout` seconds with `reached` false."""
    journal, wanted = call.services.journal, _filter(call)
    least = call.number("count", 1, CAPACITY)
    # The lowest number of an exchange not judged yet, and the numbers of those that fit.
    first = 0
    fitting: set[int] = set()

    def concerns(number: int) -> bool:
        nonlocal first
        first = min(first, number)
        return True

    async def look() -> bool:
        nonlocal first
        since, first = first, journal.last + 1
        for one in takewhile(lambda one: one.id >= since, journal.newest()):
            (fitting.add if wanted(one) else fitting.discard)(one.id)
        if len(fitting) >= least:
            # Some may be gone from the journal since they were judged.
            fitting.intersection_update(one.id for one in journal.newest())
        return len(fitting) >= least

    reached = await wait_for(call, journal.listeners, look, concerns)
    return 200, {"requests": [exchange_view(one) for one in matching(call)], "reached": reached}


def exchange_view(one: Exchange) -> dict[str, Any]:
    """Return one exchange as the admin shows it."""
    return {
        "id": one.id,
        "at": iso(one.at),
        "universe": one.universe,
        "method": readable(one.method),
        "path": shown_target(one.target),
        "provider": one.provider,
        "operation": one.operation,
        "status": one.status,
        "request": {"headers": _headers(one.headers), "body": body_text(one.body) if one.body else None},
        "response": {"headers": _headers(one.sent_headers), "body": body_text(one.reply)},
    }


def matching(call: AdminCall) -> list[Exchange]:
    """Return the exchanges that the query names, the newest first."""
    return list(filter(_filter(call), call.services.journal.newest()))


def _filter(call: AdminCall) -> Wanted:
    """Return what tells whether an exchange is one of those the query names."""
    query = call.query
    since = _since(query)
    statuses = _statuses(query)
    universe = call.named
    roles: dict[str, frozenset[str]] = {}

    def named(one: Exchange) -> bool:
        operation = query.get("operation", one.operation)
        if one.provider not in roles:
            provider = call.world.providers[one.provider]
            roles[one.provider] = frozenset(found.id for found in provider.operations if found.role == operation)
        return operation == one.operation or one.operation in roles[one.provider]

    def wanted(one: Exchange) -> bool:
        return (
            universe in {None, one.universe}
            and query.get("method", one.method) == one.method
            and query.get("provider", one.provider) == one.provider
            and one.target.partition("?")[0].startswith(query.get("path", ""))
            and (since is None or one.at >= since)
            and (statuses is None or one.status in statuses)
            and ("operation" not in query or named(one))
        )

    return wanted


def _since(query: Mapping[str, str]) -> int | None:
    try:
        return parse_iso(query["since"]) if "since" in query else None
    except ValueError:
        raise AdminError(400, "invalid_request", "since must be ISO 8601, such as 2026-01-01T00:00:00Z") from None


def _statuses(query: Mapping[str, str]) -> range | None:
    text = query.get("status")
    if text is None:
        return None
    if not _STATUS.fullmatch(text):
        message = f"status must be a number or a class such as 5xx, got {text[:40]!r}"
        raise AdminError(400, "invalid_request", message, "status=0 finds the calls whose client got no answer")
    first = int(text.replace("xx", "00"))
    return range(first, first + (100 if text.endswith("xx") else 1))


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in shown_headers(headers)}  # noqa: C416 - of one name, the last counts


def shown_headers(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return headers as anybody may see them, in their order."""
    return [(readable(name), _shown(name.lower(), value)) for name, value in headers.items()]


def _shown(name: str, value: str) -> str:
    if name in SECRET_HEADERS:
        return "…"
    if name in ADDRESS_HEADERS:
        return shown_target(value)
    return _SECRET.sub(r"\1…", readable(value)) if name == "x-soundstage-fault" else readable(value)


def shown_target(target: str) -> str:
    """Return a request target without the keys in its query, however they are encoded."""
    path, mark, query = readable(target).partition("?")
    fields = [field.partition("=") for field in query.split("&")]
    shown = [
        f"{name}=…" if unquote_plus(name).lower() in SECRET_FIELDS else name + sign + value
        for name, sign, value in fields
    ]
    return path + mark + "&".join(shown)


FILTERS = ("method", "path", "provider", "operation", "status", "since")
ROUTES = (
    Route("GET", "/__admin/requests", requests, "List calls", query=(*FILTERS, "limit", "cursor")),
    Route("GET", "/__admin/requests/count", count, "Count calls", query=FILTERS),
    Route("GET", "/__admin/requests/wait", wait, "Wait for calls", query=(*FILTERS, "count", "timeout")),
)
