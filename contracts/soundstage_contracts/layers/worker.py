"""Starts the engine in a process of its own and reads what it says."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from subprocess import PIPE, Popen
from tempfile import TemporaryFile
from threading import Timer
from typing import Any

from soundstage_contracts.layers.jobs import Job


def work(job: Job) -> Iterator[dict[str, Any]]:
    """Run the engine in a process of its own and yield its lines.

    The last is `end`, or `unsupported` or `died` with the reason.
    """
    # The key goes through the pipe: not into the arguments and not into the environment, where others could read it.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SCHEMATHESIS", "HYPOTHESIS"))}
    package = Path(__file__).resolve().parents[2]
    path = os.pathsep.join(filter(None, (str(package), kept.get("PYTHONPATH"))))
    command = [sys.executable, "-P", "-m", "soundstage_contracts.layers.beginning"]
    environment = kept | {"PYTHONPATH": path, "PYTHONHASHSEED": "0", "PYTHONIOENCODING": "utf-8"}
    with TemporaryFile() as complaints:
        process = Popen(command, stdin=PIPE, stdout=PIPE, stderr=complaints, env=environment, encoding="utf-8")  # noqa: S603
        watch = Timer(job.seconds * 2 + job.timeout, process.kill)
        watch.daemon = True
        watch.start()
        with process:
            try:
                yield from _lines(process, job)
                if process.wait() != 0:
                    complaints.seek(0)
                    last = complaints.read().decode("utf-8", "replace").strip().splitlines()[-1:]
                    said = last[0][:500] if last else f"it ended with {process.returncode}"
                    yield {"kind": "died", "says": f"the engine died: {said}"}
            finally:
                watch.cancel()
                process.kill()


def _lines(process: Popen[str], job: Job) -> Iterator[dict[str, Any]]:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the engine has no pipes")
    process.stdin.write(json.dumps(asdict(job)) + "\n")
    process.stdin.close()
    for line in process.stdout:
        yield json.loads(line)
