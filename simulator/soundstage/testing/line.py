"""The line to a server's admin API: connections that stay open, JSON both ways, one error for every refusal."""

import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from selectors import EVENT_READ, DefaultSelector
from socket import socket
from threading import Lock
from typing import Any
from urllib.parse import urlencode, urlsplit

from soundstage.testing.shapes import Ask

# Seconds beyond what the server itself may take to answer.
PATIENCE = 10.0


class SoundstageError(Exception):
    """A call that the server refused, or that did not reach it: a machine word, what is wrong, what to do."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.code = code
        self.message = message
        self.hint = hint


class Line:
    """A way to one server, for any number of threads; each call uses a connection nobody else is using."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url.rstrip("/")
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise SoundstageError("invalid_url", f"a server's URL is like http://127.0.0.1:4090, got {url!r}")
        self._kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._host, self._port, self._prefix = parts.hostname, parts.port, parts.path
        self._token = token
        self._idle: list[HTTPConnection] = []
        self._lock = Lock()
        self._closed = False

    def close(self) -> None:
        """Close the connections that are open."""
        with self._lock:
            self._closed = True
            while self._idle:
                self._idle.pop().close()

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        universe: str | None = None,
        key: str | None = None,
        query: Mapping[str, Any] | None = None,
        seconds: float = 0,
    ) -> Any:
        """Make a call under /__admin that may take the server `seconds`, and return its JSON; None for an empty reply.

        It is about the universe that is named, or that of an API key. Raises SoundstageError.
        """
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        if universe is not None:
            headers["X-Soundstage-Universe"] = universe
        if self._token is not None:
            headers["X-Soundstage-Admin-Token"] = self._token
        given = {name: value for name, value in (query or {}).items() if value is not None}
        target = f"{self._prefix}/__admin{path}" + (f"?{urlencode(given)}" if given else "")
        data = None if body is None else json.dumps(body).encode()
        status, raw = self.exchange(method, target, data, headers, seconds + PATIENCE)
        return _content(status, raw, f"{method} {path}")

    def exchange(
        self, method: str, target: str, data: bytes | None, headers: Mapping[str, str], seconds: float
    ) -> tuple[int, bytes]:
        """Make one call and return its status and body; raises SoundstageError when there is no answer."""
        connection = self._take()
        connection.timeout = seconds
        if connection.sock is not None:
            connection.sock.settimeout(seconds)
        try:
            connection.request(method, target, body=data, headers=dict(headers))
            answer = connection.getresponse()
            found = answer.status, answer.read()
        except (OSError, HTTPException) as error:
            connection.close()
            said = str(error) or type(error).__name__
            raise SoundstageError("unreachable", f"{self.url} does not answer {method} {target}: {said}") from None
        self._give_back(connection)
        return found

    def _take(self) -> HTTPConnection:
        with self._lock:
            while self._idle:
                kept = self._idle.pop()
                if kept.sock is not None and not _has_news(kept.sock):
                    return kept
                kept.close()
        return self._kind(self._host, self._port)

    def _give_back(self, connection: HTTPConnection) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()


def _has_news(sock: socket) -> bool:
    # Whoever has not been asked has nothing to say but goodbye.
    with DefaultSelector() as selector:
        selector.register(sock, EVENT_READ)
        return bool(selector.select(0))


def every_page(ask: Ask, path: str, name: str, query: Mapping[str, Any]) -> list[Any]:
    """Return the whole of a list called `name`, the newest first, however many pages it has."""
    found: list[Any] = []
    cursor = None
    while True:
        page = ask("GET", path, query={**query, "cursor": cursor})
        found += page[name]
        cursor = page.get("next_cursor")
        if cursor is None:
            return found


def read_json(url: str, seconds: float) -> Any:
    """Return the JSON that a GET of any URL brings; raises SoundstageError."""
    parts = urlsplit(url)
    line = Line(f"{parts.scheme}://{parts.netloc}")
    try:
        status, raw = line.exchange("GET", parts._replace(scheme="", netloc="").geturl() or "/", None, {}, seconds)
    finally:
        line.close()
    return _content(status, raw, f"GET {url}")


def _content(status: int, raw: bytes, what: str) -> Any:
    try:
        content = json.loads(raw) if raw else None
    except ValueError:
        raise SoundstageError("not_json", f"{what} answered {status} with {raw[:80]!r}, not JSON") from None
    if status < 400:
        return content
    error = content.get("error") if isinstance(content, dict) else None
    if not isinstance(error, dict):
        raise SoundstageError("refused", f"{what} answered {status}")
    raise SoundstageError(str(error.get("code")), str(error.get("message")), str(error.get("hint") or ""))
