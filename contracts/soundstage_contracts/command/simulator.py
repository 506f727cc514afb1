"""Starts a Soundstage of its own for a run without a target: another process, a free port, manual time."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from typing import IO, Self

STARTS_IN = 60.0
"""Seconds a start may take."""
STOPS_IN = 10.0
_READY = "READY "


class NoSimulatorError(Exception):
    """The simulator did not start; the message is one sentence."""


class Simulator:
    """A running Soundstage, for use in a `with`; `url` is where it listens."""

    def __init__(self, *more: str) -> None:
        """Pass `more` on to `soundstage serve`."""
        self.url = ""
        self._command = [sys.executable, "-m", "soundstage", "serve", "--port", "0", "--clock", "manual", *more]

    def __enter__(self) -> Self:
        """Start it and wait until it listens; raises NoSimulatorError when it does not."""
        # What configures a user's own server must not change the one that is verified.
        env = {name: value for name, value in os.environ.items() if not name.startswith("SOUNDSTAGE_")}
        self._said = tempfile.TemporaryFile("w+")
        # A group of its own: Ctrl-C in the terminal is for us, who still have to write reports.
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own words
            self._command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._said, text=True,
            process_group=0,
        )  # fmt: skip
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        late = threading.Timer(STARTS_IN, self._process.kill)
        late.daemon = True
        late.start()
        try:
            self.url = _address(self._process.stdout)
        except BaseException:
            self.stop()
            raise
        finally:
            late.cancel()
        if not self.url:
            self._said.seek(0)
            last = (self._said.read().strip().splitlines() or ["it said nothing"])[-1]
            self.stop()
            raise NoSimulatorError(f"The simulator did not start: {last[:300]}")
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process; one that does not listen is killed."""
        self._process.terminate()
        try:
            self._process.wait(STOPS_IN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._said.close()


def _address(lines: IO[str]) -> str:
    """Return the URL of the line that says it is ready, or nothing when the process ends without one."""
    return next((line.removeprefix(_READY).strip() for line in lines if line.startswith(_READY)), "")
