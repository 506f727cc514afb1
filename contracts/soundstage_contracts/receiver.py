"""The suite's own receiver of callbacks: keeps what came byte by byte and answers as a check wants."""

from __future__ import annotations

import socket
import threading
from collections import defaultdict, deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from soundstage_contracts import clock
from soundstage_contracts.exchange import Headers

MOST_BYTES = 8 * 2**20


@dataclass(frozen=True, slots=True)
class Callback:
    """One attempt to call us: path with query, headers in order, raw body, our status, Unix seconds of arrival."""

    path: str
    headers: Headers
    body: bytes
    answered: int
    at: float

    def header(self, name: str) -> str | None:
        """Return the first header of this name, in any case of letters."""
        return next((value for given, value in self.headers if given.lower() == name.lower()), None)


class Receiver:
    """Listens on loopback; every check has a mailbox of its own, the last part of its callback URL."""

    def __init__(self, port: int = 0, public_url: str | None = None) -> None:
        """Listen on `port` (0 picks one); `public_url` is what a target elsewhere calls, a tunnel to here."""
        self._came: dict[str, list[Callback]] = defaultdict(list)
        self._answers: dict[str, deque[int]] = defaultdict(deque)
        self._news = threading.Condition()
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self._public = (public_url or f"http://127.0.0.1:{self._server.server_port}").rstrip("/")
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, box: str) -> str:
        """Return the callback URL of a mailbox."""
        return f"{self._public}/callbacks/{box}"

    def open(self, box: str, *statuses: int) -> None:
        """Empty a mailbox; its first attempts are answered with these statuses, one each, those after them with 200."""
        with self._news:
            self._came[box].clear()
            self._answers[box] = deque(statuses)

    def callbacks(self, box: str) -> tuple[Callback, ...]:
        """Return what came to this mailbox so far, in order of arrival."""
        with self._news:
            return tuple(self._came[box])

    def wait(self, box: str, count: int, seconds: float) -> tuple[Callback, ...]:
        """Return what came to this mailbox once `count` attempts are there, or what there is after `seconds`."""
        with self._news:
            self._news.wait_for(lambda: len(self._came[box]) >= count, timeout=seconds)
            return tuple(self._came[box])

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def take(self, path: str, headers: Headers, body: bytes) -> int:
        """Keep an attempt and return the status to answer with."""
        box = path.partition("?")[0].rpartition("/")[2]
        with self._news:
            waiting = self._answers[box]
            status = waiting.popleft() if waiting else 200
            self._came[box].append(Callback(path, headers, body, status, clock.unix()))
            self._news.notify_all()
        return status


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a caller that hangs up in the middle is no news."""

    def server_bind(self) -> None:
        """Bind without asking a name server who we are."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            length = self.headers.get("content-length", "")
            if not length.isdecimal() or int(length) > MOST_BYTES:
                self.close_connection = True
                return self._say(411)
            return self._say(receiver.take(self.path, tuple(self.headers.items()), self.rfile.read(int(length))))

        def do_GET(self) -> None:
            """Keep a redirect that was followed the way browsers do."""
            self._say(receiver.take(self.path, tuple(self.headers.items()), b""))

        def _say(self, status: int) -> None:
            self.send_response(status)
            if status // 100 == 3:
                # Whoever follows a redirect arrives in a mailbox of its own.
                self.send_header("location", f"{self.path.partition('?')[0]}-elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *given: Any) -> None:
            """Say nothing: the report tells what came."""

    return Handler
