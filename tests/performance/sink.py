"""A receiver that answers 200 to everything and counts: for callbacks, and to find the load's top speed.

GET /take/N waits until N POSTs have come, or none came for 3 seconds, answers `{"count", "first", "last"}`
(seconds on one clock) and starts again.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import time
from typing import cast

from event_loop import run

LENGTH = re.compile(rb"\r\n(?i:content-length): *(\d+)")
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n" + b'{"ok":true}'
QUIET_SECONDS = 3.0


class Arrivals:
    """How many POSTs came, when the first and the last did, and who waits to hear it."""

    def __init__(self) -> None:
        self.count = self.wanted = 0
        self.first = self.last = self.asked = 0.0
        self.waiter: asyncio.Transport | None = None

    def add(self) -> None:
        """One POST has come."""
        self.last = time.monotonic()
        if not self.count:
            self.first = self.last
        self.count += 1
        if self.waiter is not None and self.count >= self.wanted:
            self.tell()

    def ask(self, transport: asyncio.Transport, wanted: int) -> None:
        """Answer *transport* when *wanted* POSTs have come, or when it has been quiet for too long."""
        self.waiter, self.wanted, self.asked = transport, wanted, time.monotonic()
        if self.count >= wanted:
            self.tell()
        else:
            self.watch()

    def watch(self) -> None:
        """Look again when the quiet would be over."""
        left = max(self.last, self.asked) + QUIET_SECONDS - time.monotonic()
        if self.waiter is None:
            return
        if left <= 0:
            self.tell()
        else:
            asyncio.get_running_loop().call_later(left, self.watch)

    def tell(self) -> None:
        """Answer the one who waits; start again at zero."""
        body = b'{"count":%d,"first":%.6f,"last":%.6f}' % (self.count, self.first, self.last)
        if self.waiter is not None:
            self.waiter.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        self.count, self.waiter = 0, None


class Sink(asyncio.Protocol):
    """One connection: keep-alive, content-length bodies only."""

    def __init__(self, arrivals: Arrivals) -> None:
        self.arrivals = arrivals
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer each whole request in what has come."""
        data = self.buffer + data
        while (head := data.find(b"\r\n\r\n")) >= 0:
            length = LENGTH.search(data, 0, head)
            end = head + 4 + (int(length[1]) if length else 0)
            if len(data) < end:
                break
            self.answer(data)
            data = data[end:]
        self.buffer = data

    def answer(self, request: bytes) -> None:
        """Count one request and answer it."""
        if request.startswith(b"GET /take/"):
            self.arrivals.ask(self.transport, int(request[10:].split(b" ", 1)[0]))
            return
        if request.startswith(b"POST"):
            self.arrivals.add()
        self.transport.write(OK)


async def serve(port: int) -> None:
    """Serve on loopback until the process is ended."""
    arrivals = Arrivals()
    server = await asyncio.get_running_loop().create_server(
        lambda: Sink(arrivals), "127.0.0.1", port, backlog=1024
    )
    print(f"READY http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
