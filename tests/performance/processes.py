"""Server processes: start until READY, memory, processor time, stop."""

from __future__ import annotations

import os
import select
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from event_loop import pinned

START_SECONDS = 30.0
STOP_SECONDS = 5.0


class NotStartedError(RuntimeError):
    """A server ended, or stayed silent, before its READY line."""


@dataclass(slots=True)
class Server:
    """One running server and the moment its process was started (perf_counter seconds)."""

    process: subprocess.Popen[bytes]
    errors: IO[bytes]
    began: float
    port: int = 0

    def rss(self) -> int:
        """Resident memory in bytes."""
        for line in self.proc_file("status").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError(f"process {self.process.pid} has no VmRSS line: has it ended?")

    def cpu_seconds(self) -> float:
        """Processor time used so far."""
        fields = self.proc_file("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def proc_file(self, name: str) -> str:
        """A file of this process under /proc."""
        return Path(f"/proc/{self.process.pid}/{name}").read_text("utf-8")

    def stop(self) -> None:
        """End the process: SIGTERM, then SIGKILL for one that does not listen."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.errors.close()


def busy_seconds(core: int | None) -> float:
    """Processor time everything together has used on *core* since the machine started; 0.0 when unknown."""
    stat = Path("/proc/stat")
    if core is None or not stat.exists():
        return 0.0
    for line in stat.read_text("utf-8").splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _wait, irq, softirq, steal = map(int, ticks[:8])
            return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    return 0.0


def start(command: list[str], core: int | None) -> Server:
    """Start *command* on *core* and wait for its line `READY http://127.0.0.1:PORT`.

    Its log goes to a temporary file, as with `2>log`: writing it costs the server what it costs a user.
    """
    errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by Server.stop
    with pinned(core):
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
    server = Server(process, errors, began)
    line = first_line(process, began + START_SECONDS)
    if not line.startswith("READY http"):
        process.kill()
        code = process.wait()
        errors.seek(0)
        tail = errors.read().decode(errors="replace").strip().splitlines()[-8:]
        server.stop()
        raise NotStartedError(
            f"server did not start: `{' '.join(command[1:])}` ended with code {code}, "
            f"its first line was {line!r}; expected `READY http://127.0.0.1:PORT` on stdout within "
            f"{START_SECONDS:.0f} s. Its last words:\n  " + "\n  ".join(tail or ["(none)"])
        )
    server.port = urlsplit(line.split()[1]).port or 80
    return server


def first_line(process: subprocess.Popen[bytes], deadline: float) -> str:
    """The first line *process* prints, or what it had printed when it ended or *deadline* came."""
    assert process.stdout is not None
    text = b""
    while b"\n" not in text and (left := deadline - time.perf_counter()) > 0:
        if not select.select([process.stdout], [], [], left)[0]:
            break
        piece = os.read(process.stdout.fileno(), 4096)
        if not piece:
            break
        text += piece
    return text.decode(errors="replace").partition("\n")[0]
