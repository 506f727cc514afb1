"""The stage: one running server, from the first byte of a call to the router and back.

aiohttp's low-level server is used, without its application, router and middlewares: they cost a quarter of a call.
"""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.http import HttpProcessingError
from aiohttp.web_request import BaseRequest

from soundstage import __version__
from soundstage.core.journal import Journal
from soundstage.core.provider import Provider
from soundstage.core.world import World
from soundstage.edge.assets import serve_asset
from soundstage.edge.delivery import Courier
from soundstage.edge.egress import EgressPolicy
from soundstage.edge.gate import Gate
from soundstage.edge.metrics import Counts, exposition
from soundstage.edge.operations import Operations
from soundstage.edge.router import Router
from soundstage.edge.ticker import EVENTS_AT_ONCE, Ticker
from soundstage.edge.uploads import take_upload
from soundstage.edge.wire import Server
from soundstage.faults import Faults
from soundstage.logs import Log
from soundstage.settings import Settings
from soundstage.store.blobs import BlobStore
from soundstage.validation import header_text

if TYPE_CHECKING:
    from soundstage.edge.admin import Admin

_log = Log("soundstage")
_JSON = {"Content-Type": "application/json"}
# How long an answer waits for the callbacks that a fault lets go first.
_OVERTAKEN_SECONDS = 5


class Stage:
    """A server over one world. `start` returns its base URL; `stop` ends within a second."""

    def __init__(self, settings: Settings, world: World, providers: Mapping[str, Provider], faults: Faults) -> None:
        self.settings = settings
        self.world = world
        self.journal = Journal(settings.journal)
        self.counts = Counts()
        self.blobs = BlobStore()
        self.courier = Courier(world, EgressPolicy(allow_public=settings.allow_egress), self.counts, self.blobs)
        self.ticker = Ticker(world.wall, self._wake)
        self.gate = Gate(world, strict=settings.strict_keys)
        self.url = ""
        self._port = 0
        self._providers = providers
        self._router = Router()
        self._mounted: set[str] = set()
        self.faults = faults
        self._operations = Operations(world, self.gate, self.journal, self.counts, self.blobs, faults, self._call_back)
        self._admin: Admin | None = None
        self._runner: web.ServerRunner | None = None
        self._own: Mapping[str, Callable[[], Awaitable[web.Response]]] = {
            "/health": self._health,
            "/ready": self._ready,
            "/metrics": self._metrics,
        }
        world.store.listeners.append(self.ticker.committed)

    async def start(self) -> str:
        """Open the port and return the base URL under which this server is reached from here."""
        server = Server(self._handle, access_log=None, logger=_http_log())
        # Never 0, which aiohttp takes for "without end"; it waits that long twice.
        patience = 0.01 if self.settings.embedded else 0.1
        self._runner = web.ServerRunner(server, access_log=None, shutdown_timeout=patience, handle_signals=False)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.settings.host, self.settings.port, backlog=1024)
        await site.start()
        port = self._runner.addresses[0][1]
        host = self.settings.host
        shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{port}"
        self.world.base_url = (self.settings.public_base_url or self.url).rstrip("/")
        self._port = port
        return self.url

    async def stop(self) -> None:
        """Take no more calls, drop the attempts under way and close the port."""
        await self.ticker.stop()
        await self.courier.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        self.blobs.close()

    async def _wake(self, universe_id: str) -> None:
        # In slices, so that ten thousand tasks that end at once do not keep other callers waiting.
        while not await self.world.catch_up(universe_id, EVENTS_AT_ONCE):  # noqa: ASYNC110 - it works, it does not wait
            await asyncio.sleep(0)
        await self.courier.make_due(universe_id)
        view = self.world.store.peek(universe_id)
        if view is not None:
            self.ticker.committed(universe_id, view)

    def _the_admin(self) -> "Admin":
        """Return the admin API, whose models are loaded when it is first asked for: a server starts without them."""
        if self._admin is None:
            from soundstage.edge.admin import Admin  # noqa: PLC0415
            from soundstage.edge.admin.context import Services  # noqa: PLC0415

            parts = (self.world, self.gate, self.journal, self.courier, self.blobs, self.settings, self.faults)
            self._admin = Admin(Services(*parts))
            self._admin.bound(self._port)
        return self._admin

    async def _call_back(self, universe_id: str) -> None:
        await self.courier.call_back(universe_id, _OVERTAKEN_SECONDS)

    def _handle(self, request: BaseRequest) -> Coroutine[Any, Any, web.StreamResponse]:
        # Not a coroutine itself: every call would pay for one more.
        return self._answer_packed(request) if "Content-Encoding" in request.headers else self._answer(request)

    async def _answer_packed(self, request: BaseRequest) -> web.StreamResponse:
        response = await self._answer(request)
        if not request.content.is_eof():
            # Nobody unpacks what nobody wanted: a few bytes of it may be gigabytes.
            response.force_close()
            request.content.feed_eof()
        return response

    async def _answer(self, request: BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        match = self._router.match(path)
        if match is not None:
            return await self._operations.serve(request, match[0], match[1], query)
        return await self._other(request, path, query)

    async def _other(self, request: BaseRequest, path: str, query: str) -> web.StreamResponse:
        if not path.startswith("/"):
            # An absolute-form target names a host of the caller's choosing; no client of a base URL sends one.
            return web.Response(status=400, text="send a path, not an absolute URL, in the request line\n")
        own = self._own.get(path)
        if own is not None:
            return await own()
        if path.startswith("/__admin"):
            return await self._the_admin().serve(request, path, query)
        if path.startswith("/cdn/"):
            return await serve_asset(request, path, self.world, self.blobs)
        if path.startswith("/upload/"):
            return await take_upload(request, path, self.world, self.blobs)
        return await self._provider_path(request, path, query)

    async def _provider_path(self, request: BaseRequest, path: str, query: str) -> web.StreamResponse:
        first = path.split("/", 2)[1]
        provider_id = self.settings.provider or first
        if provider_id not in self._providers:
            known = ", ".join(f"/{name}" for name in self._providers)
            return _plain_404(f"No provider is served under /{first[:60]}; base URLs end in one of {known}.")
        provider = self._providers[provider_id]
        prefix = "" if self.settings.provider else f"/{provider_id}"
        if provider_id not in self._mounted:
            self._mounted.add(provider_id)
            self._router.mount(provider, prefix)
            if not self.settings.embedded:
                _freeze()
            match = self._router.match(path)
            if match is not None:
                return await self._operations.serve(request, match[0], match[1], query)
        return self._no_route(request, provider, prefix, path.removeprefix(prefix))

    def _no_route(self, request: BaseRequest, provider: Provider, prefix: str, path: str) -> web.Response:
        return self._operations.unmatched(request, provider, self._router.nearest(prefix, path))

    async def _health(self) -> web.Response:
        return web.Response(body=b'{"status":"ok"}', headers=_JSON)

    async def _ready(self) -> web.Response:
        return web.json_response(
            {
                "status": "ready",
                "version": __version__,
                "providers": list(self._providers),
                "store": self.world.store.name,
            }
        )

    async def _metrics(self) -> web.Response:
        body, content_type = exposition(self.counts, self.world.store, self.world.events_run)
        return web.Response(body=body, headers={"Content-Type": content_type})


def _http_log() -> logging.Logger:
    """Return where aiohttp reports errors: a body that a client broke off is none of this server's."""

    def ours(record: logging.LogRecord) -> bool:
        broken_off = web.RequestPayloadError | HttpProcessingError | ConnectionError
        return not (record.exc_info and isinstance(record.exc_info[1], broken_off))

    log = logging.getLogger("soundstage.http")
    if not log.filters:
        log.addFilter(ours)
    return log


def _plain_404(hint: str) -> web.Response:
    # Of no provider's shape, as none was asked; where clients of several providers look for a message all the same.
    hint = header_text(hint)
    body = {"error": {"code": "no_such_provider", "message": hint, "hint": "the base URL needs a provider's prefix"}}
    return web.json_response(body, status=404, headers={"X-Soundstage-Hint": hint})


def _freeze() -> None:
    # What was loaded stays: the collector need not look at it again. Rows of 200,000 tasks would otherwise be walked
    # at every full collection, and the slowest call in a hundred takes 100 ms.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)
