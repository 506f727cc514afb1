"""A closed-loop HTTP load generator on raw sockets: each connection sends its next request when answered.

Requests are whole byte strings made beforehand, dealt out in turn to whichever connection is free, over and
over. Answers need a Content-Length. Reads one job as JSON on stdin (see `Job`), prints one `Result` as JSON.
By hand: `python tests/performance/load.py --url http://127.0.0.1:8000/path [--body '{}'] [-c 64] [-t 2]`.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import math
import re
import sys
import time
from array import array
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from typing import cast
from urllib.parse import urlsplit

from event_loop import run

LENGTH = re.compile(rb"\r\n(?i:content-length): *(\d+)")
GRACE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Job:
    """What to send: for *seconds* after *warmup* seconds, or exactly *count* requests when that is set."""

    port: int
    requests: list[str]
    connections: int = 64
    seconds: float = 2.0
    warmup: float = 0.2
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What came back; rate in requests per second over the window, latencies in milliseconds."""

    requests: int
    seconds: float
    rate: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    non_2xx: int
    broken: int
    """Connections lost, answers without a length, and connections still waiting when the grace ran out."""
    answered_2xx: int
    """All 2xx answers, those outside the window included."""


class Run:
    """The figures all connections of one job write to."""

    def __init__(self, job: Job) -> None:
        endless = cycle([request.encode("latin-1") for request in job.requests])
        self.requests: Iterator[bytes] = islice(endless, job.count)
        self.latencies = array("d")
        self.completed = self.good = self.bad = self.broken = 0
        self.open = job.connections
        self.done = asyncio.Event()
        self.started = time.perf_counter()
        self.begin = self.started if job.count else self.started + job.warmup
        self.deadline = math.inf if job.count else self.begin + job.seconds

    def leave(self) -> None:
        """One connection has finished."""
        self.open -= 1
        if not self.open:
            self.done.set()

    def result(self, ended: float) -> Result:
        """Sum up; a percentile is the smallest latency that many requests did not exceed."""
        ordered = sorted(self.latencies)
        window = min(ended, self.deadline) - self.begin

        def percentile(share: float) -> float:
            return ordered[max(0, math.ceil(share * len(ordered)) - 1)] * 1000 if ordered else math.nan

        return Result(
            requests=self.completed,
            seconds=window,
            rate=self.completed / window,
            p50_ms=percentile(0.50),
            p99_ms=percentile(0.99),
            max_ms=percentile(1.0),
            non_2xx=self.bad,
            broken=self.broken,
            answered_2xx=self.good,
        )


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request on its way."""

    def __init__(self, work: Run) -> None:
        self.work = work
        self.buffer = b""
        self.sent = 0.0
        self.finished = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self.transport = cast(asyncio.Transport, transport)
        self.send()

    def send(self) -> None:
        """Send the next request, or close when there is none."""
        request = next(self.work.requests, None)
        if request is None:
            self.finish()
            return
        self.sent = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Take one answer, whole or in pieces, and send the next request."""
        if self.buffer:
            data = self.buffer + data
        head = data.find(b"\r\n\r\n")
        length = LENGTH.search(data, 0, head) if head >= 0 else None
        if length is None and head >= 0:
            self.finish(broken=True)
        elif length is None or len(data) < head + 4 + int(length[1]):
            self.buffer = data
        else:
            self.buffer = b""
            self.take(data[9] == 50)  # 50 is "2", the first digit of the status

    def take(self, good: bool) -> None:
        """Count one answer. A late one counts for the latency, or a stall at the end would not show."""
        work = self.work
        now = time.perf_counter()
        if good:
            work.good += 1
        else:
            work.bad += 1
        if self.sent >= work.begin:
            work.latencies.append(now - self.sent)
        if now >= work.deadline:
            self.finish()
            return
        if now >= work.begin:
            work.completed += 1
        self.send()

    def connection_lost(self, _error: Exception | None) -> None:
        """A connection that the server closed counts as broken."""
        self.finish(broken=True)

    def finish(self, *, broken: bool = False) -> None:
        """Close, once."""
        if not self.finished:
            self.finished = True
            self.work.broken += broken
            self.transport.close()
            self.work.leave()


async def drive(job: Job) -> Result:
    """Do *job* and return its figures."""
    work = Run(job)
    loop = asyncio.get_running_loop()
    gc.disable()  # a pause here would be booked as the server's
    for _ in range(job.connections):
        await loop.create_connection(lambda: Connection(work), "127.0.0.1", job.port)
    limit = GRACE_SECONDS + (job.count / 500 if job.count else job.warmup + job.seconds)
    try:
        await asyncio.wait_for(work.done.wait(), limit)
    except TimeoutError:
        work.broken += work.open
    return work.result(time.perf_counter())


def request(method: str, path: str, port: int, body: str | None = None, bearer: str | None = None) -> str:
    """One whole HTTP/1.1 request; *body* is ASCII JSON."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Accept: */*"]
    if bearer is not None:
        lines.append(f"Authorization: Bearer {bearer}")
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", body or ""])


def job_by_hand(arguments: argparse.Namespace) -> Job:
    """The job of a command line with --url."""
    parts = urlsplit(arguments.url)
    port = parts.port or 80
    method = "POST" if arguments.body is not None else "GET"
    return Job(
        port=port,
        requests=[request(method, parts.path or "/", port, arguments.body)],
        connections=arguments.connections,
        seconds=arguments.seconds,
    )


def main() -> None:
    """Read one job, drive it, print its result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--url", help="loopback address; without it a job is read from stdin")
    parser.add_argument("--body", help="JSON body; makes it a POST")
    parser.add_argument("-c", "--connections", type=int, default=64)
    parser.add_argument("-t", "--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    job = job_by_hand(arguments) if arguments.url else Job(**json.load(sys.stdin))
    print(json.dumps(asdict(run(drive(job)))))


if __name__ == "__main__":
    main()
