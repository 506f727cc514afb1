"""Makes callback attempts over real HTTP, outside any step; one hanging receiver never delays another.

Each attempt is claimed in one step and answered in another. Attempts to one receiver share a lane of eight; lanes do
not share anything. Redirects are not followed, replies are read up to 64 KiB, nothing but the status counts.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import orjson
from yarl import URL

from soundstage import __version__
from soundstage.core import outbox, uploads
from soundstage.core.faults import Outgoing, Signing
from soundstage.core.outbox import Attempt, Delivery, DeliveryState
from soundstage.core.provider import CallbackScheme
from soundstage.core.universe import the_key
from soundstage.core.uploads import Upload
from soundstage.core.view import Tx
from soundstage.core.world import World
from soundstage.edge.body import is_deep
from soundstage.edge.egress import BLOCKED, EgressPolicy, check_url, guarded_connector
from soundstage.edge.metrics import Counts
from soundstage.edge.uploads import drop_unused, fetch
from soundstage.logs import Log
from soundstage.store.blobs import BlobStore

_log = Log("soundstage.callbacks")
_AT_ONCE_PER_RECEIVER = 8
_READ_LIMIT = 65_536
# Others have their turn after so many attempts were started.
_STARTED_A_TURN = 50
# One text for all attempts: each of them keeps the headers it went out with.
_USER_AGENT = f"Soundstage/{__version__}"

Flight = asyncio.Task[None]


@dataclass(frozen=True, slots=True)
class _Tried:
    """What became of one attempt: the headers it went out with, and what came back, 0 when nothing did."""

    headers: Mapping[str, str]
    status: int = 0
    error: str | None = None
    forged: bool = False


class Courier:
    """Delivers what the outboxes hold, as it falls due."""

    def __init__(self, world: World, policy: EgressPolicy, counts: Counts, blobs: BlobStore) -> None:
        self._world = world
        self._blobs = blobs
        self._policy = policy
        self._counts = counts
        self._lanes: dict[str, asyncio.Semaphore] = {}
        self._session: aiohttp.ClientSession | None = None
        self._flights: dict[str, set[Flight]] = {}

    async def stop(self) -> None:
        """Drop the attempts under way; their deliveries stay in the outbox."""
        flying = [task for tasks in self._flights.values() for task in tasks]
        for task in flying:
            task.cancel()
        await asyncio.gather(*flying, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def ground(self, universe_id: str) -> None:
        """Drop the attempts under way in one universe, because it starts over."""
        for flight in self._flights.get(universe_id, ()):
            flight.cancel()

    async def make_due(self, universe_id: str) -> set[Flight]:
        """Start every attempt that is due in a universe and return them; each goes on by itself."""
        started: set[Flight] = set()
        while (claimed := await self._world.run(universe_id, _claim)) is not None:
            if isinstance(claimed, bool):
                continue
            if isinstance(claimed, Delivery):
                work = self._attempt(universe_id, claimed)
            else:
                work = self._fetch(universe_id, claimed)
            flight = asyncio.get_running_loop().create_task(work)
            started.add(flight)
            self._flights.setdefault(universe_id, set()).add(flight)
            flight.add_done_callback(lambda done: self._ended(universe_id, done))
            if not len(started) % _STARTED_A_TURN:
                await asyncio.sleep(0)
        return started

    async def landed(self, universe_id: str, seconds: float) -> bool:
        """Wait until nothing is under way in a universe; False when that takes more than so many seconds."""
        loop = asyncio.get_running_loop()
        # The loop's own time: a test that freezes the machine's clock must not make a wait endless.
        until = loop.time() + seconds
        while flying := self._flights.get(universe_id):
            left = until - loop.time()
            if left <= 0:
                return False
            await asyncio.wait(set(flying), timeout=left)
        return True

    async def call_back(self, universe_id: str, seconds: float) -> None:
        """Make the callbacks that are due in a universe and wait for their receivers, at most so many seconds."""
        started = await self.make_due(universe_id)
        if started:
            await asyncio.wait(started, timeout=seconds)

    def _ended(self, universe_id: str, flight: Flight) -> None:
        flights = self._flights.get(universe_id)
        if flights is not None:
            flights.discard(flight)
            if not flights:
                del self._flights[universe_id]
        if not flight.cancelled() and flight.exception() is not None:
            _log.error("an attempt broke", universe=universe_id, error=repr(flight.exception()))

    async def _attempt(self, universe_id: str, delivery: Delivery) -> None:
        scheme = self._world.providers[delivery.provider].callback
        if scheme is None:
            return
        number = len(delivery.attempts) + 1
        try:
            tried = await self._try(universe_id, delivery, scheme, number)
        except Exception as broken:  # noqa: BLE001 - an attempt without an answer would stay in flight for ever
            _log.exception("an attempt broke", universe=universe_id, delivery=delivery.id)
            tried = _Tried(_usual_headers(delivery, number), error=f"the simulator failed: {type(broken).__name__}")
        state, retry = _verdict(scheme, number, tried)
        self._counts.attempts[delivery.provider, state] += 1

        def record(tx: Tx) -> None:
            shown = tuple((name, _shown(name, value)) for name, value in tried.headers.items())
            attempt = Attempt(at=tx.now, status=tried.status, error=tried.error, headers=shown, forged=tried.forged)
            outbox.answer(tx, delivery, attempt, state, retry)

        await self._world.run(universe_id, record)

    async def _fetch(self, universe_id: str, upload: Upload) -> None:
        async with self._lane(upload.source or ""):
            found = await fetch(self._client(), self._policy, upload, lambda: self._blobs.writer(universe_id))

        def record(tx: Tx) -> None:
            reason = found if isinstance(found, str) else uploads.misfit(upload, found)
            if reason is not None:
                uploads.failed(tx, upload.id, reason)
            elif not isinstance(found, str):
                uploads.arrived(tx, upload.id, found)

        await self._world.run(universe_id, record)
        if not isinstance(found, str):
            await drop_unused(self._world, self._blobs, universe_id, {found.sha256})

    async def _try(self, universe_id: str, delivery: Delivery, scheme: CallbackScheme, number: int) -> _Tried:
        headers = _usual_headers(delivery, number)
        reason = check_url(delivery.url, self._policy)
        if reason is not None:
            return _Tried(headers, error=f"{BLOCKED}{reason}")
        async with self._lane(delivery.url):
            # Signed only when its turn has come: receivers refuse a timestamp that is minutes old.
            outgoing = await self._world.run(universe_id, lambda tx: self._signed(tx, delivery, scheme, number))
            headers |= outgoing.headers
            status, error = await self._post(delivery.url, outgoing.body, headers, scheme.timeout_seconds)
            return _Tried(headers, status, error, outgoing.forged)

    def _signed(self, tx: Tx, delivery: Delivery, scheme: CallbackScheme, number: int) -> Outgoing:
        signing = Signing(the_key(tx, delivery.key_id).secret, self._world.wall() // 1000)
        provider = self._world.providers[delivery.provider]
        return self._world.bender.attempt(tx, scheme, provider, delivery, signing, number)

    async def _post(
        self, url: str, body: bytes, headers: Mapping[str, str], timeout_seconds: float
    ) -> tuple[int, str | None]:
        session = self._client()
        timeout = aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=5)
        try:
            async with session.post(
                URL(url), data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                await answer.content.read(_READ_LIMIT)
                return answer.status, None
        except TimeoutError:
            return 0, f"no answer within {timeout_seconds:g} s"
        except aiohttp.ClientConnectorError as error:
            # The guard's own words begin the text; a host or a receiver can only add to aiohttp's.
            said = error.os_error.strerror or ""
            return 0, (said if said.startswith(BLOCKED) else str(error))[:200]
        except (aiohttp.ClientError, OSError, ValueError) as error:
            text = f"failed: {error or type(error).__name__}"
            return 0, text[:200]

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=guarded_connector(self._policy),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session

    def _lane(self, url: str) -> asyncio.Semaphore:
        origin = urlsplit(url).netloc
        lane = self._lanes.get(origin)
        if lane is None:
            if len(self._lanes) > 10_000:
                self._lanes = {name: kept for name, kept in self._lanes.items() if kept.locked()}
            lane = self._lanes[origin] = asyncio.Semaphore(_AT_ONCE_PER_RECEIVER)
        return lane


def _claim(tx: Tx) -> Delivery | Upload | bool | None:
    due = tx.first("attempt")
    if due is None or due[0] > tx.now:
        return None
    upload: Upload | None = tx.get("upload", tx.get("attempt", due))
    if upload is not None:
        tx.delete("attempt", due)
        return upload
    return outbox.claim(tx, due) or True


def _usual_headers(delivery: Delivery, number: int) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": _USER_AGENT,
        "webhook-id": delivery.event_id,
        "x-soundstage-attempt": str(number),
    }


def _verdict(scheme: CallbackScheme, number: int, tried: _Tried) -> tuple[DeliveryState, int | None]:
    if 200 <= tried.status < 300:
        return "delivered", None
    if tried.error is not None and tried.error.startswith(BLOCKED):
        return "blocked", None
    if tried.status in scheme.refusals:
        return "refused", None
    if number > len(scheme.retries_ms):
        return "exhausted", None
    return "pending", scheme.retries_ms[number - 1]


def _shown(name: str, value: str) -> str:
    return f"…{value[-4:]}" if "signature" in name else value


def body_text(body: bytes) -> object:
    """Return a delivery's body for the admin: parsed when it is JSON, text otherwise."""
    try:
        value = orjson.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
    return body.decode("utf-8", "replace") if is_deep(body, value) else value
