"""A receiver that answers 200 to everything and counts: for callbacks, and to find the load's top speed.

GET /take answers `{"count", "first", "last"}` (seconds on one clock) of the POSTs so far and starts again.
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


class Arrivals:
    """How many POSTs came, and when the first and the last did."""

    def __init__(self) -> None:
        self.count = 0
        self.first = self.last = 0.0

    def take(self) -> bytes:
        """The figures as a JSON answer; start again at zero."""
        body = b'{"count":%d,"first":%.6f,"last":%.6f}' % (self.count, self.first, self.last)
        self.count = 0
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


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
        if request.startswith(b"GET /take"):
            self.transport.write(self.arrivals.take())
            return
        if request.startswith(b"POST"):
            now = time.monotonic()
            if not self.arrivals.count:
                self.arrivals.first = now
            self.arrivals.last = now
            self.arrivals.count += 1
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
