"""What these tests share: a wall clock set by hand, a world on it, and coroutines run without an event loop."""

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson

from soundstage.core.call import Call, Reply
from soundstage.core.clock import MANUAL_START, Clock
from soundstage.core.money import MICROS
from soundstage.core.provider import Handler
from soundstage.core.store import Step
from soundstage.core.universe import Key, Opening, find_key, open_key, open_universe
from soundstage.core.view import Tx, View
from soundstage.core.wallet import open_wallet
from soundstage.core.world import World
from soundstage.faults import Faults
from soundstage.providers import Providers
from soundstage.store.memory import MemoryStore

Result = TypeVar("Result")
BASE_URL = "http://stage.example"
MANUAL = Clock(mode="manual")
WALL = MANUAL_START + 10_000_000


def finish(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine that never waits for anything to its end."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: Result = stop.value
        return result
    coroutine.close()
    raise AssertionError("this coroutine waited, so something other than the test's own clock moves it")


@dataclass
class Wall:
    """The machine's clock, in milliseconds, as far as a test lets it go."""

    now: int = WALL

    def __call__(self) -> int:
        return self.now


def opened(clock: Clock = MANUAL, *, wall: int = WALL, credits_: int = 1000, universe: str = "u") -> Tx:
    """Return a step on a fresh universe with one wallet `w` in it, its writes not yet committed."""
    tx = Tx(universe, View(), wall)
    open_universe(tx, Opening(seed=1, credits=0, clock=clock))
    open_wallet(tx, "w", provider="midsync", owner="k")
    open_key(tx, a_key(credits_=0))
    if credits_:
        wallet = tx.get("wallet", "w")
        tx.put("entry", 1, _issued(credits_))
        tx.put("meta", "entries", 1)
        tx.put("wallet", "w", type(wallet)("w", "midsync", "k", credits_, credits_, 0, 0))
    return tx


def after(tx: Tx, now: int) -> Tx:
    """Commit a step and return the next one, at `now`."""
    view: View = tx._view
    view.apply(tx.writes(), tx.now)
    later = Tx(tx.universe_id, view, now)
    later.now = now
    return later


def _issued(amount: int) -> Any:
    from soundstage.core.wallet import Entry

    return Entry("w", "issue", MANUAL_START, amount, "test")


def a_key(key_id: str = "k", *, wallet: str = "w", credits_: int = 0, callback_url: str | None = None) -> Key:
    """Return a MidSync key."""
    return Key(
        id=key_id,
        provider="midsync",
        account=key_id,
        wallet=wallet,
        shown="…",
        secret="whsec_dGVzdA==",
        credits=credits_,
        callback_url=callback_url,
    )


@dataclass
class Stage:
    """A world of one universe and one MidSync key, its handlers called the way the edge calls them."""

    wall: Wall = field(default_factory=Wall)
    clock: Clock = MANUAL
    seed: int = 7
    universe: str = "u_stage"
    credits: int = 1_000_000 * MICROS
    base_url: str = BASE_URL
    provider: str = "midsync"

    def __post_init__(self) -> None:
        opening = Opening(seed=self.seed, credits=self.credits, clock=self.clock)
        self.world = World(MemoryStore(self.wall), Providers(), opening, Faults(), self.wall)
        self.world.base_url = self.base_url

    async def run(self, step: Step[Result]) -> Result:
        """Run one step after everything that is due."""
        return await self.world.run(self.universe, step)

    def do(self, step: Step[Result]) -> Result:
        """Run one step to its end."""
        return finish(self.run(step))

    def enter(self, tx: Tx) -> Key:
        """Return the key, its universe and itself opened on first use."""
        found = find_key(tx, "k")
        if found is None:
            open_universe(tx, self.world.opening)
            found = a_key(wallet="k", credits_=self.credits)
            open_key(tx, found)
        return found

    async def call(
        self,
        operation: str,
        body: Any = None,
        *,
        params: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Reply:
        """Answer one call on an operation of the stage's provider."""
        found = next(one for one in self.world.providers[self.provider].operations if one.id == operation)
        handle: Handler = found.handle

        def step(tx: Tx) -> Reply:
            key = self.enter(tx)
            call = Call(found.method, found.path, params or {}, query or {}, {}, body, key, self.world.base_url)
            return handle(call, tx)

        return await self.run(step)

    def ask(self, operation: str, body: Any = None, **more: Mapping[str, str]) -> Any:
        """Return the body of one call's reply, which must be a success."""
        reply = finish(self.call(operation, body, **more))
        assert reply.status == 200, reply.body
        return reply.body

    def create(self, body: Mapping[str, Any]) -> str:
        """Create a task and return its id."""
        task_id: str = self.ask("generateVideo", dict(body))["taskId"]
        return task_id

    def status(self, task_id: str) -> dict[str, Any]:
        """Return a task's status body."""
        body: dict[str, Any] = self.ask("getVideoStatus", params={"taskId": task_id})
        return body

    def now(self) -> int:
        """Return universe time."""
        return self.do(lambda tx: tx.now)

    def forward(self, milliseconds: int) -> None:
        """Advance the universe's clock."""
        finish(self.world.forward(self.universe, self.now() + milliseconds))

    def rows(self, table: str) -> list[Any]:
        """Return a table's rows in order."""
        return self.do(lambda tx: [row for _, row in tx.scan(table)])


def as_bytes(reply: Reply) -> bytes:
    """Return a reply as it goes over the wire."""
    body: bytes = reply.body if isinstance(reply.body, bytes) else orjson.dumps(reply.body)
    return body


SEEDANCE: Mapping[str, Any] = {
    "model": "seedance-1.5-pro",
    "prompt": "a fox runs",
    "resolution": "720p",
    "duration": 8,
}
KLING: Mapping[str, Any] = {"model": "kling-2.5-turbo", "prompt": "a heron lands", "duration": 10}
RUNWAY: Mapping[str, Any] = {"model": "runway", "prompt": "rain on tin", "aspectRatio": "16:9"}
GROK: Mapping[str, Any] = {"model": "grok-video", "prompt": "slow waves", "duration": 9}
BODIES = (SEEDANCE, KLING, RUNWAY, GROK)
