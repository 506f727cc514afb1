"""Run the official clients, unchanged, against a Soundstage of one's own.

Run: `python tests/clients/run.py [--only NAME,NAME] [--envs FOLDER] [--lock]`. The first run makes one environment per
client below FOLDER and needs package registries; after that everything stays on loopback. One line per client, and the
details of what failed. Exit code: 0, or 1 when a behaviour failed or a client could not be run.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from environments import HERE, NotMadeError, lock, make, node_of, python_of

START_SECONDS = 30
TABLE_SECONDS = 120


@dataclass(frozen=True)
class Client:
    """A client, the environment it lives in and the table it must pass."""

    name: str
    environment: str
    script: str
    at_least: int
    """Behaviours the table must have, so that a table which ends early does not pass."""

    def command(self, folder: Path, url: str) -> list[str]:
        """Return the command that runs the table in the environment *folder*."""
        if not self.script.endswith(".mjs"):
            return [str(python_of(folder)), str(HERE / self.script), url]
        for file in HERE.glob("*.mjs"):
            shutil.copy(file, folder)  # Node looks for packages beside the file that imports them
        return [str(node_of(folder)), str(folder / self.script), url, self.name.removesuffix("-node")]


CLIENTS = (
    Client("openai-2", "openai-2", "openai_python.py", 50),
    Client("openai-3", "openai-3", "openai_python.py", 50),
    Client("openai-6-node", "node", "openai_node.mjs", 35),
    Client("openai-7-node", "node", "openai_node.mjs", 35),
    Client("langchain", "langchain", "langchain_client.py", 7),
    Client("litellm", "litellm", "litellm_client.py", 6),
)


@dataclass(frozen=True)
class Outcome:
    """What a table reported: how many behaviours it has and kept, what failed, and how long it took."""

    behaviours: int
    kept: int
    failures: list[str]
    seconds: float


@contextmanager
def soundstage() -> Iterator[tuple[str, IO[bytes]]]:
    """Start a server with this interpreter, yield its address and its log, and end it."""
    command = [sys.executable, "-m", "soundstage", "serve", "--port", "0", "--speed", "1000"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=clean(os.environ))
        assert process.stdout is not None
        try:
            ready = select.select([process.stdout], [], [], START_SECONDS)[0]
            line = process.stdout.readline().decode().strip() if ready else ""
            if not line.startswith("READY http"):
                raise NotMadeError(f"Soundstage did not start: {line!r}\n{tail(log)}")
            yield line.split()[1], log
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()


def text_of(log: IO[bytes]) -> str:
    """Return what the server has logged so far."""
    # A read at a place of its own: the server writes through the same open file.
    return os.pread(log.fileno(), 10_000_000, 0).decode(errors="replace")


def tail(log: IO[bytes]) -> str:
    """Return the last lines of a server's log."""
    return "\n".join(text_of(log).splitlines()[-30:])


def clean(given: Any) -> dict[str, str]:
    """Return an environment without the settings clients read, and with no way to the internet.

    A Python client that calls anything but loopback meets a closed port and fails; Node's fetch knows no proxies.
    """
    kept = {name: given[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in given}
    nowhere = dict.fromkeys(
        ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9"
    )
    return {**kept, **nowhere, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1"}


def run(client: Client, folder: Path, url: str) -> Outcome:
    """Run a client's table as a process of its own and read what it reports."""
    began = time.monotonic()
    ended = subprocess.Popen(
        client.command(folder, url), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean(os.environ)
    )
    try:
        said, errors = ended.communicate(timeout=TABLE_SECONDS)
    except subprocess.TimeoutExpired:
        ended.kill()
        said, errors = ended.communicate()
        errors += f"\nstopped after {TABLE_SECONDS} s"
    # A client may print lines of its own between ours.
    reports = [json.loads(line) for line in said.splitlines() if line.startswith('{"name"')]
    failures = [f"{report['name']}\n{report['detail']}" for report in reports if not report["ok"]]
    if ended.returncode or len(reports) < client.at_least:
        wanted = f"{len(reports)} of at least {client.at_least} behaviours, exit code {ended.returncode}"
        failures.append(f"{wanted}\n{errors.strip()[-2000:]}")
    return Outcome(len(reports), sum(report["ok"] for report in reports), failures, time.monotonic() - began)


def show(name: str, outcome: Outcome) -> None:
    """Print one line for a client, then what failed."""
    print(f"{name:14} {outcome.kept:3} of {outcome.behaviours:3} behaviours  {outcome.seconds:5.1f} s", flush=True)
    for failure in outcome.failures:
        print("  FAILED " + failure.replace("\n", "\n    "), flush=True)


def books_balance(url: str) -> bool:
    """Ask the server whether credits appeared or vanished while the clients ran."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"{url}/__admin/invariants", timeout=10) as answer:
        told = json.load(answer)
    print(f"{'books':14} {'balance' if told['ok'] else told['violations']}")
    return bool(told["ok"])


def environments_of(clients: list[Client], envs: Path) -> dict[str, Path]:
    """Make the environments these clients need, two at a time, and return their folders."""
    # The largest are at the end of the table: beginning with them keeps both busy to the end.
    folders = {client.environment: envs / client.environment for client in reversed(clients)}
    with ThreadPoolExecutor(2) as pool:
        for name, seconds in zip(folders, pool.map(make, folders, folders.values()), strict=True):
            if seconds is not None:
                print(f"{name:14} environment made in {seconds:.1f} s", flush=True)
    return folders


def main() -> int:
    """Run the clients asked for."""
    names = [client.name for client in CLIENTS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", default=",".join(names), help=f"some of {','.join(names)}")
    parser.add_argument("--envs", type=Path, default=Path(".venv-clients"), help="where the environments live")
    parser.add_argument("--lock", action="store_true", help="write the lock files anew and end")
    arguments = parser.parse_args()
    if arguments.lock:
        lock()
        return 0
    asked = arguments.only.split(",")
    if unknown := set(asked) - set(names):
        parser.error(f"--only: {', '.join(sorted(unknown))} is not one of {', '.join(names)}")
    clients = [client for client in CLIENTS if client.name in asked]
    try:
        folders = environments_of(clients, arguments.envs.resolve())
        return 0 if table(clients, folders) else 1
    except NotMadeError as error:
        print(error, file=sys.stderr)
        return 1


def table(clients: list[Client], folders: dict[str, Path]) -> bool:
    """Run every client against one server; return whether all went well."""
    with soundstage() as (url, log):
        well = True
        for client in clients:
            outcome = run(client, folders[client.environment], url)
            show(client.name, outcome)
            well = well and not outcome.failures
        well = books_balance(url) and well
        quiet = "Traceback" not in text_of(log)
        print(f"{'log':14} {'no tracebacks' if quiet else 'FAILED: has tracebacks'}")
        if not (well and quiet):
            print(f"The server's last words:\n{tail(log)}")
    return well and quiet


if __name__ == "__main__":
    sys.exit(main())
