"""The two sides of each ratio: how to start one, create a task on it, poll it and put load on it."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from event_loop import cores
from load import Job, Result, request
from processes import Server, start

HERE = Path(__file__).parent
BODY = {
    "model": "seedance-1.5-pro",
    "prompt": "A cinematic beach at sunset with gentle waves",
    "duration": 8,
    "resolution": "720p",
}
POLLED_TASKS = 1000
FAST = "100000"
"""Speed at which a task ends within milliseconds of its creation."""


class LoadError(RuntimeError):
    """An answer the figures cannot be built on."""


def server_core() -> int | None:
    """The core servers run on, None where nothing can be pinned."""
    pair = cores()
    return pair[0] if pair else None


@dataclass(slots=True)
class Target:
    """One started server, ready for creates under one key."""

    name: str
    server: Server
    prefix: str = ""
    key: str = "bench"
    ids: list[str] = field(default_factory=list)

    @property
    def tasks_end(self) -> bool:
        """Whether its tasks run to an end by themselves."""
        return self.name == "soundstage"

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One call on a fresh connection; the JSON answer."""
        client = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        try:
            client.request(method, path, None if body is None else json.dumps(body), headers)
            reply = client.getresponse()
            text = reply.read()
        finally:
            client.close()
        if reply.status >= 300:
            raise LoadError(f"{self.name}: {method} {path} answered {reply.status}: {text[:300]!r}")
        answer: dict[str, Any] = json.loads(text)
        return answer

    def register(self, provider: str) -> str:
        """The text of a new key with more credits than any round spends; base takes it without asking."""
        body: dict[str, Any] = {"provider": provider, "balance": "1000000000"}
        if provider == "revidapi":
            # No job of a round waits for another; the slots are counted all the same.
            body["limits"] = {"total_concurrent": 1_000_000, "image_concurrent": 1_000_000}
        return str(self.call("POST", "/__admin/keys", body)["key"]) if self.prefix else self.key

    def create(self) -> str:
        """Create one task; its id."""
        answer = self.call("POST", f"{self.prefix}/unified-video/generate", BODY)
        return str(answer["taskId"])

    def status(self, task_id: str) -> str:
        """The word a poll gives for one task's state."""
        return str(self.call("GET", f"{self.prefix}/unified-video/{task_id}/status").get("status"))

    def creates(self, callback: str | None = None, prompts: int = 1) -> list[str]:
        """Requests that create tasks, with *prompts* different prompts of equal length."""
        return [
            request(
                "POST",
                f"{self.prefix}/unified-video/generate",
                self.server.port,
                json.dumps(body_of(number if prompts > 1 else None, callback)),
                self.key,
            )
            for number in range(prompts)
        ]

    def polls(self) -> list[str]:
        """Requests that poll 1,000 tasks in turn; creates the tasks at the first use."""
        while len(self.ids) < POLLED_TASKS:
            self.ids.append(self.create())
        path = f"{self.prefix}/unified-video/%s/status"
        return [request("GET", path % task, self.server.port, None, self.key) for task in self.ids]

    def load(self, requests: list[str], connections: int, seconds: float) -> Result:
        """Closed-loop load for *seconds* from a process of its own."""
        return self.drive(Job(self.server.port, requests, connections, seconds, warmup=min(0.2, seconds / 4)))

    def fill(self, requests: list[str], count: int) -> None:
        """Send exactly *count* requests."""
        self.drive(Job(self.server.port, requests, count=count))

    def drive(self, job: Job) -> Result:
        """Run the load generator on *job*; anything but 2xx answers is an error."""
        command = [sys.executable, str(HERE / "load.py")]
        done = subprocess.run(command, input=json.dumps(asdict(job)).encode(), stdout=subprocess.PIPE, check=True)
        result = Result(**json.loads(done.stdout))
        if result.non_2xx or result.broken:
            raise LoadError(
                f"{self.name}: {result.non_2xx} answers were not 2xx and {result.broken} connections broke, "
                f"beside {result.answered_2xx} good answers; the first line sent was "
                f"{job.requests[0].partition(chr(13))[0]!r}"
            )
        return result


def body_of(number: int | None, callback: str | None) -> dict[str, Any]:
    """A create body, its prompt made different by *number*, with a callback address if there is one."""
    body: dict[str, Any] = dict(BODY)
    if number is not None:
        body["prompt"] = f"{BODY['prompt']} {number:07d}"
    if callback is not None:
        body["callbackUrl"] = callback
    return body


def start_base(speed: str | None = None) -> Target:
    """*base*: its tasks never end, so *speed* means nothing to it."""
    del speed
    command = [sys.executable, str(HERE / "base_app.py"), "--port", "0"]
    return Target("base", start(command, server_core()))


def start_soundstage(speed: str | None = None) -> Target:
    """Soundstage with all defaults on and one rich key."""
    command = [sys.executable, "-m", "soundstage", "serve", "--port", "0", "--seed", "1"]
    if speed is not None:
        command += ["--speed", speed]
    server = start(command, server_core())
    target = Target("soundstage", server, "/midsync")
    try:
        target.key = target.register("midsync")
    except BaseException:
        server.stop()
        raise
    return target


def start_second_base(speed: str | None = None) -> Target:
    """*base* in Soundstage's place: what the benchmark says of two equal servers."""
    target = start_base(speed)
    target.name = "base again"
    return target


Starter = Callable[[str | None], Target]
SUBJECTS: dict[str, Starter] = {"soundstage": start_soundstage, "base": start_second_base}
