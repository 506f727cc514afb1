"""The journal of calls on provider endpoints: list, count, wait for, export as HAR; never with a secret."""

import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from itertools import takewhile
from typing import Any
from urllib.parse import parse_qsl, quote, unquote_plus

from soundstage import __version__
from soundstage.core.clock import iso, parse_iso
from soundstage.core.journal import CAPACITY, SECRET_FIELDS, SECRET_HEADERS, Exchange
from soundstage.edge.admin.context import AdminCall, AdminError, Answer, Route, readable
from soundstage.edge.admin.waiting import wait_for
from soundstage.edge.delivery import body_text

Wanted = Callable[[Exchange], bool]
_FAULT_HEADER = "x-soundstage-fault-applied"
_STATUS = re.compile(r"[0-9]{1,3}|[1-5]xx", re.ASCII)
# What a URL may hold as it stands; the rest, the mark of what is left out included, is percent-encoded.
_IN_A_URL = "%/:=&?~#+!$,;'@()*[]"


async def requests(call: AdminCall) -> Answer:
    """List the last calls on provider endpoints, the newest first, without their secrets."""
    limit = call.number("limit", 50, 1000)
    cursor = call.number("cursor", 2**40, 2**40)
    found = [one for one in _matching(call) if one.id < cursor]
    page = found[:limit]
    return 200, {
        "requests": [exchange_view(one) for one in page],
        "next_cursor": str(page[-1].id) if len(found) > limit else None,
    }


async def count(call: AdminCall) -> Answer:
    """Count the calls the journal still holds."""
    return 200, {"count": len(_matching(call))}


async def wait(call: AdminCall) -> Answer:
    """Answer as soon as the journal holds `count` such calls, or after `timeout` seconds with `reached` false."""
    journal, wanted = call.services.journal, _filter(call)
    least = call.number("count", 1, CAPACITY)
    seen = 0

    async def look() -> bool:
        nonlocal seen
        since, seen = seen, journal.last
        # Only when something new fits is the whole journal counted again.
        news = takewhile(lambda one: one.id > since, journal.newest())
        return any(map(wanted, news)) and len(_matching(call)) >= least

    reached = await wait_for(call, journal.heard, look)
    return 200, {"requests": [exchange_view(one) for one in _matching(call)], "reached": reached}


async def har(call: AdminCall) -> Answer:
    """Export the journal as HAR 1.2, the oldest call first; times are the universe's and no time passes within a call.

    Source: the HTTP Archive 1.2 format.
    """
    base_url = call.world.base_url
    entries = [_entry(one, base_url) for one in reversed(_matching(call))]
    creator = {"name": "Soundstage", "version": __version__}
    return 200, {"log": {"version": "1.2", "creator": creator, "entries": entries}}


def exchange_view(one: Exchange) -> dict[str, Any]:
    """Return one exchange as the admin shows it."""
    return {
        "id": one.id,
        "at": iso(one.at),
        "universe": one.universe,
        "method": readable(one.method),
        "path": _target(one.target),
        "provider": one.provider,
        "operation": one.operation,
        "status": one.status,
        "request": {"headers": _headers(one.headers), "body": body_text(one.body) if one.body else None},
        "response": {"headers": _headers(one.reply_headers), "body": body_text(one.reply)},
    }


def _matching(call: AdminCall) -> list[Exchange]:
    return list(filter(_filter(call), call.services.journal.newest()))


def _filter(call: AdminCall) -> Wanted:
    """Return what tells whether an exchange is one of those the query names."""
    query = call.query
    since = _since(query)
    statuses = _statuses(query)
    universe = None if call.universe == "*" else call.universe
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
    return {name: value for name, value in _pairs(headers)}  # noqa: C416 - of one name, the last counts


def _pairs(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [
        (readable(name), "…" if name.lower() in SECRET_HEADERS else readable(value)) for name, value in headers.items()
    ]


def _target(target: str) -> str:
    """Return a request target without the keys in its query, however they are encoded."""
    path, mark, query = readable(target).partition("?")
    fields = [field.partition("=") for field in query.split("&")]
    shown = [
        f"{name}=…" if unquote_plus(name).lower() in SECRET_FIELDS else name + sign + value
        for name, sign, value in fields
    ]
    return path + mark + "&".join(shown)


def _entry(one: Exchange, base_url: str) -> dict[str, Any]:
    target = _target(one.target)
    replied = {name.lower(): value for name, value in _pairs(one.reply_headers)}
    request: dict[str, Any] = {
        "method": readable(one.method),
        "url": quote(base_url + target, safe=_IN_A_URL),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _listed(_pairs(one.headers)),
        "queryString": _listed(parse_qsl(target.partition("?")[2], keep_blank_values=True)),
        "headersSize": -1,
        "bodySize": len(one.body),
    }
    if one.body:
        request["postData"] = {"mimeType": _header(one.headers, "content-type"), "text": _text(one.body)}
    content = {"size": len(one.reply), "mimeType": replied.get("content-type", "x-unknown"), "text": _text(one.reply)}
    return {
        "startedDateTime": iso(one.at),
        "time": 0,
        "request": request,
        "response": {
            "status": one.status,
            "statusText": _phrase(one.status),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _listed(_pairs(one.reply_headers)),
            "content": content,
            "redirectURL": replied.get("location", ""),
            "headersSize": -1,
            "bodySize": len(one.reply),
        },
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
        "_soundstage": {
            "id": one.id,
            "operation": one.operation,
            "provider": one.provider,
            "universe": one.universe,
            "fault": replied.get(_FAULT_HEADER),
        },
    }


def _listed(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _header(headers: Mapping[str, str], wanted: str) -> str:
    return next((readable(value) for name, value in headers.items() if name.lower() == wanted), "x-unknown")


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""


_FILTERS = ("method", "path", "provider", "operation", "status", "since")
ROUTES = (
    Route("GET", "/__admin/requests", requests, "List calls", query=(*_FILTERS, "limit", "cursor")),
    Route("GET", "/__admin/requests/count", count, "Count calls", query=_FILTERS),
    Route("GET", "/__admin/requests/wait", wait, "Wait for calls", query=(*_FILTERS, "count", "timeout")),
    Route("GET", "/__admin/requests.har", har, "Export calls as HAR 1.2", query=_FILTERS),
)
