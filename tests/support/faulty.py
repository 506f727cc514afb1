"""What the tests of faults share: any provider's tasks through one small client that takes replies as they come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from soundstage.core.clock import parse_iso
from support.client import Admin, Answer, House
from support.ways import CALLERS, CREATES, PROVIDERS, WAYS

__all__ = (
    "APPLIED",
    "CALLBACK_URL",
    "CALLERS",
    "CREATE",
    "MONTH",
    "NO_RESULTS",
    "PROVIDERS",
    "WORDS",
    "Side",
    "reason",
    "results",
    "side",
    "urls",
)

CREATE = CREATES
CALLBACK_URL: Mapping[str, str] = {name: WAYS[name].hook for name in CALLERS}
# Waiting, running, succeeded, failed.
WORDS: Mapping[str, tuple[str, str, str, str]] = {name: (way.waiting, *way.words) for name, way in WAYS.items()}
APPLIED = "X-Soundstage-Fault-Applied"
# In seconds.
MONTH = 30 * 86_400


@dataclass
class Side:
    """One provider as a client sees it that believes nothing."""

    house: House
    provider: str
    key: str = "sk_test_somebody"

    @property
    def admin(self) -> Admin:
        """The admin of this key's universe."""
        return self.house.admin(self.key)

    async def call(self, method: str, path: str, body: Any = None, fault: str | None = None) -> Answer:
        """Make a call, with a fault asked for by header."""
        headers = {"Authorization": f"Bearer {self.key}"} | ({"X-Soundstage-Fault": fault} if fault else {})
        url = f"{self.house.url}/{self.provider}{path}"
        async with self.house.http.request(method, url, json=body, headers=headers) as reply:
            return Answer(reply.status, await reply.read(), reply.headers)

    async def create(self, fault: str | None = None, **fields: Any) -> Answer:
        """Create a task, or be refused."""
        path, body = CREATE[self.provider]
        return await self.call("POST", path, {**body, **fields}, fault)

    async def made(self, fault: str | None = None, **fields: Any) -> str:
        """Create a task and return its id."""
        answer = await self.create(fault, **fields)
        assert answer.status == 200, answer.raw
        if fault:
            assert answer.headers[APPLIED] == fault.partition(";")[0]
        return str(answer[WAYS[self.provider].reply_id])

    async def poll(self, task_id: str) -> Any:
        """Return a task's body."""
        answer = await self.call("GET", WAYS[self.provider].poll.format(task_id))
        assert answer.status == 200, answer.raw
        return answer.body

    async def status(self, task_id: str) -> str:
        """Return a task's status word."""
        return str((await self.poll(task_id))["status"])

    async def rule(self, fault: str, when: Mapping[str, Any] | None = None, **params: Any) -> Any:
        """Set a rule."""
        return await self.admin.post("/faults", {"fault": fault, "with": params, "when": when or {}})

    async def offsets(self, task_id: str) -> list[tuple[int, str, int]]:
        """Return a task's timeline: milliseconds since it was created, state, progress."""
        task = await self.admin.get(f"/tasks/{task_id}")
        began = parse_iso(task["created_at"])
        return [(parse_iso(one["at"]) - began, one["state"], one["progress"]) for one in task["timeline"]]


def side(house: House, provider: str) -> Side:
    """Return a provider's side of a stage."""
    return Side(house, provider)


def reason(provider: str, body: Any) -> Any:
    """Return the reason a task's body shows."""
    shown = body["fail_reason" if provider == "v2gateway" else "error"]
    return shown["message"] if isinstance(shown, dict) else shown


def results(provider: str, body: Any) -> Any:
    """Return everything of a task's body that is a result."""
    where: dict[str, Any] = {
        "midsync": lambda: [body["output"], body["assets"]],
        "apikeyorg": lambda: body["output_urls"],
        "revidapi": lambda: body["result"],
        "v2gateway": lambda: body["data"],
    }
    return where[provider]()


def urls(provider: str, body: Any) -> str:
    """Return where a finished task's file is."""
    found: dict[str, Any] = {
        "midsync": lambda: body["output"]["videoUrl"],
        "apikeyorg": lambda: body["output_urls"][0],
        "revidapi": lambda: body["result"],
        "v2gateway": lambda: body["data"]["output"],
    }
    return str(found[provider]())


NO_RESULTS: Mapping[str, Any] = {
    "midsync": [None, []],
    "apikeyorg": [],
    "revidapi": None,
    "v2gateway": {"output": "", "outputs": []},
}
