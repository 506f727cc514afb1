"""The journal as HAR 1.2, which browsers and proxies open: the oldest call first, without secrets.

Source: the HTTP Archive 1.2 format.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote

from soundstage import __version__
from soundstage.core.clock import iso
from soundstage.core.journal import Exchange, header_of
from soundstage.edge.admin.context import AdminCall, Answer, Route, readable
from soundstage.edge.admin.requests import FILTERS, matching, shown_headers, shown_target

_FAULT_HEADER = "x-soundstage-fault-applied"
# What a URL may hold as it stands; the rest, the mark of what is left out included, is percent-encoded.
_IN_A_URL = "%/:=&?~#+!$,;'@()*[]"


async def export(call: AdminCall) -> Answer:
    """Export the journal as HAR 1.2, the oldest call first; it began at the universe's time and took the machine's.

    Source: the HTTP Archive 1.2 format.
    """
    base_url = call.world.base_url
    entries = [_entry(one, base_url) for one in reversed(matching(call))]
    creator = {"name": "Soundstage", "version": __version__}
    return 200, {"log": {"version": "1.2", "creator": creator, "entries": entries}}


def _entry(one: Exchange, base_url: str) -> dict[str, Any]:
    target = shown_target(one.target)
    replied = {name.lower(): value for name, value in shown_headers(one.sent_headers)}
    request: dict[str, Any] = {
        "method": readable(one.method),
        "url": quote(base_url + target, safe=_IN_A_URL),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _listed(shown_headers(one.headers)),
        "queryString": _listed(parse_qsl(target.partition("?")[2], keep_blank_values=True)),
        "headersSize": -1,
        "bodySize": len(one.body),
    }
    if one.body:
        request["postData"] = {
            "mimeType": readable(header_of(one.headers, "content-type") or "x-unknown"),
            "text": _text(one.body),
        }
    content = {"size": len(one.reply), "mimeType": replied.get("content-type", "x-unknown"), "text": _text(one.reply)}
    return {
        "startedDateTime": iso(one.at),
        # A machine's clock that was set back meanwhile must not make the file invalid.
        "time": max(one.took, 0),
        "request": request,
        "response": {
            "status": one.status,
            "statusText": _phrase(one.status),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _listed(shown_headers(one.sent_headers)),
            "content": content,
            "redirectURL": replied.get("location", ""),
            "headersSize": -1,
            "bodySize": len(one.reply),
        },
        "cache": {},
        "timings": {"send": 0, "wait": max(one.took, 0), "receive": 0},
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


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""


ROUTES = (Route("GET", "/__admin/requests.har", export, "Export calls as HAR 1.2", query=FILTERS),)
