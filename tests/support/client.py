"""Thin clients: one for a provider, whose every reply is judged, and one for the admin API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import aiohttp
from yarl import URL

from support import judge

PROMPT = "A cinematic beach at sunset with gentle waves"
KLING: Mapping[str, Any] = {"model": "kling-2.5-turbo", "prompt": PROMPT, "duration": 5}
SEEDANCE: Mapping[str, Any] = {
    "model": "seedance-1.5-pro",
    "prompt": PROMPT,
    "resolution": "720p",
    "aspectRatio": "16:9",
    "duration": 8,
    "generateAudio": True,
}
TASKS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "video": ("/v1/videos", {"model": "seedance-2", "prompt": PROMPT}),
    "image": ("/v1/images/generations", {"model": "seedream-4", "prompt": PROMPT}),
    "music": ("/v1/music/generations", {"model": "suno-5", "prompt": PROMPT}),
}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    raw: bytes
    headers: Mapping[str, str]

    @property
    def body(self) -> Any:
        """The JSON value."""
        return json.loads(self.raw)

    @property
    def exact(self) -> Any:
        """The JSON value with decimals in place of floats, for sums of money."""
        return json.loads(self.raw, parse_float=Decimal)

    def __getitem__(self, name: str) -> Any:
        return self.body[name]


@dataclass
class Client:
    """A client of one provider with one key; MidSync's calls have shorthands here, API-Key's in `Gateway`."""

    http: aiohttp.ClientSession
    base: str
    key: str | None = "sk_test_somebody"
    provider: str = "midsync"

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        data: Any = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        landing: bool = False,
    ) -> Answer:
        """Make a call and judge its reply; `landing` sends the key as api_key in the query."""
        sent = dict(headers or {})
        fields = dict(query or {})
        if self.key is not None and landing:
            fields["api_key"] = self.key
        elif self.key is not None:
            sent.setdefault("Authorization", f"Bearer {self.key}")
        if body is not None:
            data = json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        url = URL(f"{self.base}{path}", encoded=True)
        if fields:
            url = url.extend_query(fields)
        async with self.http.request(method, url, data=data, headers=sent, allow_redirects=False) as reply:
            answer = Answer(reply.status, await reply.read(), reply.headers)
            if method != "HEAD":
                judge.of(self.provider).check(method, path, answer.status, reply.content_type, answer.raw)
        return answer

    async def get(self, path: str, *, landing: bool = False, **query: str) -> Answer:
        """GET `path`; a query field named like a Python word ends in an underscore."""
        return await self.call("GET", path, query={name.rstrip("_"): v for name, v in query.items()}, landing=landing)

    async def post(self, path: str, body: Any, *, landing: bool = False) -> Answer:
        """POST a JSON body."""
        return await self.call("POST", path, body=body, landing=landing)

    async def create(self, given: Mapping[str, Any] = KLING, **more: Any) -> Answer:
        """Create a task, which must succeed."""
        answer = await self.post("/v1/videos/generations", {**given, **more})
        assert answer.status == 200, answer.raw
        return answer

    async def status(self, task_id: str) -> Any:
        """Return the status body of a task."""
        answer = await self.get(f"/unified-video/{task_id}/status")
        assert answer.status == 200, answer.raw
        return answer.body


@dataclass
class Gateway(Client):
    """A client of API-Key with one key."""

    provider: str = "apikeyorg"

    async def task(self, kind: str = "video", **fields: Any) -> Answer:
        """Create a task, which must succeed."""
        path, given = TASKS[kind]
        answer = await self.post(path, {**given, **fields})
        assert answer.status == 200, answer.raw
        return answer

    async def poll(self, task_id: str) -> Any:
        """Return a task's body."""
        answer = await self.get(f"/v1/tasks/{task_id}")
        assert answer.status == 200, answer.raw
        return answer.body

    async def chat(self, text: str = PROMPT, **fields: Any) -> Answer:
        """Ask for a chat completion, which must succeed."""
        messages = [{"role": "user", "content": text}]
        answer = await self.post("/v1/chat/completions", {"model": "gpt-5-mini", "messages": messages, **fields})
        assert answer.status == 200, answer.raw
        return answer

    async def stream(self, text: str = PROMPT, **fields: Any) -> list[Any]:
        """Return the chunks of a streamed chat completion."""
        return judge.chunks((await self.chat(text, stream=True, **fields)).raw)

    async def embed(self, given: Any, **fields: Any) -> Answer:
        """Ask for embeddings, which must succeed."""
        answer = await self.post("/v1/embeddings", {"model": "text-embedding-3-small", "input": given, **fields})
        assert answer.status == 200, answer.raw
        return answer


@dataclass
class Admin:
    """The admin API; `universe` or `key` say on whose behalf."""

    http: aiohttp.ClientSession
    base: str
    key: str | None = None
    universe: str | None = None

    async def call(
        self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Make a call under /__admin."""
        sent = dict(headers or {})
        if self.key is not None:
            sent.setdefault("Authorization", f"Bearer {self.key}")
        if self.universe is not None:
            sent.setdefault("X-Soundstage-Universe", self.universe)
        async with self.http.request(method, f"{self.base}/__admin{path}", json=body, headers=sent) as reply:
            return Answer(reply.status, await reply.read(), reply.headers)

    async def ok(self, method: str, path: str, body: Any = None) -> Any:
        """Make a call that must succeed and return its body."""
        answer = await self.call(method, path, body)
        assert answer.status in {200, 201, 204}, answer.raw
        return answer.body if answer.raw else None

    async def get(self, path: str) -> Any:
        """GET, which must succeed."""
        return await self.ok("GET", path)

    async def post(self, path: str, body: Any = None) -> Any:
        """POST, which must succeed."""
        return await self.ok("POST", path, {} if body is None else body)

    async def register(self, provider: str = "midsync", **fields: Any) -> Any:
        """Register a key."""
        return await self.post("/keys", {"provider": provider, **fields})

    async def advance(self, **how: Any) -> Any:
        """Move the clock; until idle when nothing else is said."""
        return await self.post("/clock/advance", how or {"until": "idle"})

    async def wallet(self) -> dict[str, Decimal]:
        """Return the one wallet's sums, or nothing when no key was ever used."""
        wallets = (await self.get("/ledger"))["wallets"]
        assert len(wallets) <= 1, wallets
        return {name: Decimal(wallets[0][name]) for name in ("issued", "available", "held", "spent")} if wallets else {}

    async def balance(self) -> Decimal:
        """Return what the one wallet can still spend."""
        return (await self.wallet())["available"]

    async def tasks(self) -> list[Any]:
        """Return the tasks, the newest first."""
        return list((await self.get("/tasks"))["tasks"])

    async def deliveries(self) -> list[Any]:
        """Return the callbacks, the newest first."""
        return list((await self.get("/deliveries"))["deliveries"])

    async def sound(self) -> None:
        """Assert that the books balance."""
        assert await self.get("/invariants") == {"ok": True, "violations": []}


@dataclass
class House:
    """A running stage with what is needed to talk to it."""

    stage: Any
    http: aiohttp.ClientSession
    key: str = "sk_test_somebody"

    @property
    def url(self) -> str:
        """The server's base URL."""
        return str(self.stage.url)

    def client(self, key: str | None = None) -> Client:
        """Return a client of MidSync."""
        return Client(self.http, f"{self.url}/midsync", key or self.key)

    def nobody(self) -> Client:
        """Return a client without a key."""
        return Client(self.http, f"{self.url}/midsync", None)

    def gateway(self, key: str | None = None) -> Gateway:
        """Return a client of API-Key."""
        return Gateway(self.http, f"{self.url}/apikeyorg", key or self.key)

    def admin(self, key: str | None = None, universe: str | None = None) -> Admin:
        """Return an admin of a key's universe, or of a named one."""
        return Admin(self.http, self.url, None if universe else key or self.key, universe)

    def anybody(self) -> Admin:
        """Return an admin who names no universe."""
        return Admin(self.http, self.url)
