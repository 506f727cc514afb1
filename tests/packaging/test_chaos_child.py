"""The commands of `soundstage chaos` end whole, with every process they started, and their output stays small."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from soundstage.chaos import child

SECONDS = 60
STAYS = "import signal; signal.pause()"
# Under a fault it starts a process of its own, says that both are there, and never ends.
CLIENT = f"""
import os, signal, socket, subprocess, sys, urllib.request
headers = {{"Authorization": "Bearer " + os.environ["MIDSYNC_API_KEY"], "Content-Type": "application/json"}}
url = os.environ["MIDSYNC_BASE_URL"] + "/v1/videos/generations"
body = b'{{"model": "grok-video", "prompt": "a fox in the snow"}}'
urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=5).read()
if os.environ["SOUNDSTAGE_FAULT"]:
    further = subprocess.Popen([sys.executable, "-c", {STAYS!r}])
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as line:
        line.sendall(f"{{os.getpid()}} {{further.pid}}".encode())
    signal.pause()
"""


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    # What nobody waits for any more is dead all the same.
    return state != "Z"


def test_ctrl_c_ends_the_commands_and_tells_what_is_known(tmp_path: Path) -> None:
    out = tmp_path / "chaos.json"
    words = [
        "--faults",
        "task/fail",
        "--faults",
        "task/moderation",
        "--jobs",
        "2",
        "--ignore",
        "result-never-collected",
    ]
    pids: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as bell:
        bell.settimeout(SECONDS)
        command = [sys.executable, "-m", "soundstage", "chaos", "--provider", "midsync", "--json", str(out), *words]
        command += ["--", sys.executable, "-c", CLIENT, str(bell.getsockname()[1])]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                for _ in range(2):
                    with bell.accept()[0] as line:
                        pids += map(int, line.makefile().read().split())
                process.send_signal(signal.SIGINT)
                text, _ = process.communicate(timeout=SECONDS)
            finally:
                process.kill()
    assert process.returncode == 130
    assert "0 of 0 survived; 2 not run." in text
    assert {row["name"]: row["outcome"] for row in json.loads(out.read_text())["matrix"]} == {
        "(no fault)": "survived",
        "task/fail": "not run",
        "task/moderation": "not run",
    }
    assert len(pids) == 4
    assert not [pid for pid in pids if is_alive(pid)]


async def test_a_command_over_its_time_ends_with_everything_it_started() -> None:
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    start = f"print(subprocess.Popen([sys.executable, '-c', {STAYS!r}]).pid, flush=True)"
    code = f"import signal, subprocess, sys; {deaf}; {start}; signal.pause()"
    ended = await child.run([sys.executable, "-c", code], os.environ, 2.5)
    assert ended.code is None
    assert not is_alive(int(ended.output))


async def test_what_a_command_leaves_running_ends_with_it() -> None:
    code = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {STAYS!r}]).pid)"
    ended = await child.run([sys.executable, "-c", code], os.environ, SECONDS)
    assert ended.code == 0
    assert not is_alive(int(ended.output))


async def test_of_endless_output_the_end_is_kept() -> None:
    code = "print('first'); print('x' * 5_000_000); print('last')"
    ended = await child.run([sys.executable, "-c", code], os.environ, SECONDS)
    assert ended.code == 0
    assert ended.output.startswith("[...]\n")
    assert ended.output.endswith("x\nlast\n")
    assert len(ended.output) <= child.MOST_OUTPUT + 10
