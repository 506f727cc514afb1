"""Ask a running server thousands of generated questions and judge every answer: `python tests/fuzz/run.py`."""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fuzz.findings import Finding, Tally
from fuzz.lane import Lane
from fuzz.profiles import PROFILES
from fuzz.talk import Line
from soundstage.core.clock import stopwatch

LANES = 8
SHOWN = 20


@contextmanager
def server(seed: int, log: IO[bytes], folder: str) -> Iterator[int]:
    """Run a server with a manual clock on a free port, with its files in `folder`, and yield the port."""
    command = [sys.executable, "-m", "soundstage", "serve", "--port", "0", "--clock", "manual", "--seed", str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env={**os.environ, "TMPDIR": folder}) as process:
        assert process.stdout is not None
        try:
            ready = process.stdout.readline().decode().split()
            if ready[:1] != ["READY"]:
                raise RuntimeError(f"the server did not start: {' '.join(ready)}")
            yield int(ready[1].rsplit(":", 1)[1])
        finally:
            process.terminate()


async def fuzz(
    port: int,
    provider: str,
    requests: int,
    seed: int,
    *,
    folder: str | None = None,
    lanes: int = LANES,
    batch: int = 500,
) -> Tally:
    """Send `requests` generated requests over some connections and return what came of it.

    Beneath `folder` are the files of the server, and there must be none that it did not take.
    """
    tally, there = Tally(), _files(folder)
    running = [
        Lane(Line("127.0.0.1", port), provider, f"{provider}-{number}", seed, tally, batch=max(1, batch // lanes))
        for number in range(lanes)
    ]
    shares = [requests // lanes + (number < requests % lanes) for number in range(lanes)]
    await asyncio.gather(*[lane.run(share) for lane, share in zip(running, shares, strict=True)])
    taken = {digest for lane in running for digest in lane.books.digests()}
    for path in sorted(_files(folder) - there):
        if path.name not in taken:
            what = f"a file of {path.stat().st_size} bytes is kept that was never taken: {path}"
            tally.add(Finding(what, provider, None, path.read_bytes()[:16].hex()), f"stray file {path.suffix}")
    return tally


def _files(folder: str | None) -> set[Path]:
    return set() if folder is None else {path for path in Path(folder).rglob("*") if path.is_file()}


def report(tally: Tally, provider: str, seconds: float, base: str) -> str:
    """Return the outcome in words: rate, statuses, coverage, and the first findings."""
    statuses: Counter[int] = Counter()
    operations: dict[str, list[str]] = {}
    for (operation, status), count in sorted(tally.seen.items()):
        statuses[status] += count
        operations.setdefault(operation, []).append(f"{status}x{count}")
    lines = [
        f"{provider}: {tally.requests} requests in {seconds:.1f} s, {tally.requests / seconds:.0f} a second",
        f"kept connections that were closed between two requests: {tally.reopened}",
        "statuses: " + ", ".join(f"{status}x{count}" for status, count in sorted(statuses.items())),
        "coverage (operation x status):",
        *(f"  {operation:24} {' '.join(seen)}" for operation, seen in operations.items()),
        f"findings: {sum(tally.kinds.values())} of {len(tally.kinds)} kinds",
        *(
            f"{number}. {count} times: {found.told(base)}"
            for number, (found, count) in enumerate(tally.findings[:SHOWN], 1)
        ),
    ]
    return "\n".join(lines)


def traces(log: IO[bytes]) -> int:
    """Print what the server's log tells of exceptions nobody caught, and return how many kinds there are."""
    log.seek(0)
    blocks = log.read().decode("utf-8", "replace").split("Traceback (most recent call last):")[1:]
    # Of exceptions that led to one another only the last counts.
    ends = [
        block for block in blocks if "exception was the direct cause" not in block and "another exception" not in block
    ]
    last = Counter(next((line for line in reversed(end.splitlines()) if "Error" in line), end[-200:]) for end in ends)
    for line, count in last.items():
        print(f"the server's log has {count} times a traceback that ends with: {line[:300]}")
    return len(last)


def main(given: Sequence[str] | None = None) -> int:
    """Read the command line, start a server, fuzz it, report; return 1 when anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1, help="same seed, same requests")
    parser.add_argument("--provider", choices=[*PROFILES, "all"], default="all")
    wanted = parser.parse_args(given)
    chosen = list(PROFILES) if wanted.provider == "all" else [wanted.provider]
    found = 0
    with (
        tempfile.TemporaryFile() as log,
        tempfile.TemporaryDirectory() as folder,
        server(wanted.seed, log, folder) as port,
    ):
        for provider in chosen:
            begun = stopwatch()
            tally = asyncio.run(fuzz(port, provider, wanted.requests // len(chosen), wanted.seed, folder=folder))
            print(report(tally, provider, stopwatch() - begun, f"http://127.0.0.1:{port}/{provider}"))
            found += sum(tally.kinds.values())
        found += traces(log)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
