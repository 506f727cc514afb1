"""What goes out of the engine's process and comes back, told line by line; no strange host is ever asked.

A line is a JSON object with its `kind`; bodies are in base64.
"""

from __future__ import annotations

import base64
import json
import sys
from dataclasses import dataclass
from io import BytesIO
from threading import Lock
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import RequestException
from schemathesis.specs.openapi._auth_retry import INVALID_CREDENTIAL
from urllib3 import HTTPResponse

from soundstage_contracts import clock
from soundstage_contracts.layers.jobs import Job
from soundstage_contracts.layers.pinned import addresses, harmless, hosts
from soundstage_contracts.wire import GUARD, MOST_BYTES

_LINES = Lock()


def say(kind: str, **what: Any) -> None:
    """Write one line of JSON; the engine sends from one thread and reports from another."""
    line = json.dumps({"kind": kind, **what}) + "\n"
    with _LINES:
        sys.stdout.write(line)


@dataclass(slots=True)
class Wire:
    """What goes out and comes back, told line by line; nothing goes to a host that no document names."""

    job: Job
    begun: float = 0.0
    late: bool = False
    known: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.begun = clock.monotonic()
        self.known = frozenset(hosts(self.job.document))

    def sending(self, send: Any) -> Any:
        """Return `send` of the HTTP client with the telling around it."""

        def told(adapter: HTTPAdapter, request: PreparedRequest, **options: Any) -> Response:
            self.late = self.late or clock.monotonic() - self.begun > self.job.seconds
            self._make_wrong(request)
            options["timeout"] = self.job.timeout
            where = where_of(request, self.job.base_url)
            stranger = self._stranger(request, where)
            try:
                response = denied(request, stranger) if stranger else send(adapter, request, **options)
                body = _read(response)
            except RequestException as error:
                say("exchange", request=_sent(request, where), reply=None, failure=type(error).__name__)
                raise
            reply = {
                "status": response.status_code,
                "headers": list(response.raw.headers.items()),
                "body": encoded(body),
                "took": response.elapsed.total_seconds(),
            }
            say("exchange", request=_sent(request, where), reply=reply, failure="")
            return response

        return told

    def _make_wrong(self, request: PreparedRequest) -> None:
        """Put a key that no target takes where Schemathesis has put its own idea of one."""
        for name, value in list(request.headers.items()):
            if INVALID_CREDENTIAL in plain(value):
                request.headers[name] = plain(value).replace(INVALID_CREDENTIAL, self.job.wrong_key)
        request.url = (request.url or "").replace(INVALID_CREDENTIAL, self.job.wrong_key)

    def _stranger(self, request: PreparedRequest, where: str) -> str:
        if "://" in where:
            return where
        text = where + body_of(request).decode("utf-8", "replace")
        return next((host for host in addresses(text) if not harmless(host, self.known)), "")


def denied(request: PreparedRequest, host: str) -> Response:
    """Return what the guard would answer: a request that names a strange host is not sent at all."""
    response = Response()
    response.status_code, response.request, response.url = 599, request, request.url or ""
    response.headers[GUARD] = f"it names the host {host[:100]!r}"
    response.raw = HTTPResponse(BytesIO(b""), response.headers, 599, preload_content=False)
    return response


def _read(response: Response) -> bytes:
    """Read the whole body and put it back, decoded, for whoever reads it next."""
    body = bytes(response.raw.read(MOST_BYTES, decode_content=True) or b"")
    headers = response.raw.headers.copy()
    headers.discard("content-encoding")
    response.headers.pop("content-encoding", None)
    response.raw.release_conn()
    response.raw = HTTPResponse(BytesIO(body), headers, response.status_code, preload_content=False)
    return body


def _sent(request: PreparedRequest, where: str) -> dict[str, Any]:
    headers = [(name, plain(value)) for name, value in request.headers.items()]
    return {"method": request.method, "path": where, "headers": headers, "body": encoded(body_of(request))}


def where_of(request: PreparedRequest, base_url: str) -> str:
    """Return the path and query under the base URL, or the whole address where it is another's."""
    url = request.url or ""
    return (
        url.removeprefix(base_url) or "/"
        if f"{url}/".startswith(f"{base_url}/") or url.startswith(f"{base_url}?")
        else url
    )


def body_of(request: PreparedRequest) -> bytes:
    """Return the body as bytes, empty where there is none."""
    body = request.body
    return body.encode() if isinstance(body, str) else bytes(body) if isinstance(body, bytes | bytearray) else b""


def plain(value: str | bytes) -> str:
    """Return a header's value as text."""
    return value.decode("latin-1") if isinstance(value, bytes) else value


def encoded(body: bytes | None) -> str:
    """Return bytes as they go into a line of JSON."""
    return base64.b64encode(body or b"").decode()
