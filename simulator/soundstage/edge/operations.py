"""The pipeline of every documented endpoint: authenticate, pick the universe, read the body, run the step, send.

No aiohttp middleware and none of its routing: a call costs one dictionary look-up here. Errors of any kind leave in
the provider's own shape; a step that raises has changed nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

import orjson
from aiohttp import web
from aiohttp.web_request import BaseRequest

from soundstage.core.bending import is_bent
from soundstage.core.call import Call, Form, Frame, Problem, Reply, Stream, Wire
from soundstage.core.clock import Clock
from soundstage.core.journal import Journal, cut_headers
from soundstage.core.opening import enter
from soundstage.core.provider import Operation, Provider, refusal
from soundstage.core.store import Step
from soundstage.core.universe import NOBODY, Key, the_universe
from soundstage.core.view import Tx
from soundstage.core.world import World
from soundstage.edge.body import parse_json, parse_query, read_bytes
from soundstage.edge.forms import is_form, read_form
from soundstage.edge.gate import Gate, Identity, limit_problem
from soundstage.edge.metrics import Counts
from soundstage.edge.router import Endpoint
from soundstage.edge.steering import NOTHING, asked_by, asks
from soundstage.edge.uploads import drop_unused, go_on
from soundstage.edge.wire import LostError, headers_of, send_bent, send_stream, status_sent, usual_headers
from soundstage.faults import Faults
from soundstage.logs import Log
from soundstage.store.blobs import BlobStore, BlobWriter

_log = Log("soundstage.edge")
_EMPTY: Mapping[str, str] = {}
_SIMPLY = Wire()


@dataclass(slots=True)
class _Visit:
    """One call on its way through the pipeline: what is known of it so far, for the journal."""

    request: BaseRequest
    endpoint: Endpoint
    operation: Operation
    began: int
    universe: str = ""
    now: int = 0
    raw: bytes = b""
    clock: Clock | None = None
    files: list[BlobWriter] | None = None
    number: int = 0


class Operations:
    """Runs calls on provider endpoints and writes each into the journal."""

    def __init__(
        self,
        world: World,
        gate: Gate,
        journal: Journal,
        counts: Counts,
        blobs: BlobStore,
        faults: Faults,
        call_back: Callable[[str], Awaitable[None]],
    ) -> None:
        self._world = world
        self._gate = gate
        self._journal = journal
        self._counts = counts
        self._blobs = blobs
        self._faults = faults
        # Makes the callbacks of a universe that are due, for a fault that lets them overtake the answer.
        self._call_back = call_back

    async def serve(
        self, request: BaseRequest, endpoint: Endpoint, params: Mapping[str, str], query_text: str
    ) -> web.StreamResponse:
        """Answer one call on a documented path."""
        operation = endpoint.operations.get(request.method) or _behind_head(request, endpoint)
        if operation is None:
            return self._method_not_allowed(request, endpoint)
        visit = _Visit(request, endpoint, operation, self._world.wall())
        try:
            reply = await self._answer(visit, params, query_text)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception:  # noqa: BLE001 - the last resort, logged whole
            # The step changed nothing. Whatever broke is ours, and its text may hold what a client sent.
            _log.exception("handler failed", operation=operation.id, universe=visit.universe)
            problem = Problem("internal", "The simulator failed; its log says why. Nothing was charged.")
            reply = endpoint.provider.reply_to(problem)
        if visit.files:
            digests = {file.kept for file in visit.files if file.kept is not None}
            await drop_unused(self._world, self._blobs, visit.universe, digests)
        if isinstance(reply.body, Stream):
            return await self._stream(visit, reply, reply.body)
        return self._send(visit, reply) if reply.wire is None else await self._send_bent(visit, reply, reply.wire)

    async def _answer(self, visit: _Visit, params: Mapping[str, str], query_text: str) -> Reply:
        request, path, operation = visit.request, visit.endpoint.path, visit.operation
        provider, world = visit.endpoint.provider, self._world
        query = parse_query(query_text) if query_text else _EMPTY
        if isinstance(query, Problem):
            return provider.reply_to(query)
        headers = request.headers
        key_text = provider.credential(path, headers, query)
        if key_text is None and operation.keyless:
            return await self._for_nobody(visit, params, query)
        identity = None if key_text is None else self._gate.known(provider.id, key_text)
        if identity is None:
            found = await self._gate.identify(provider, key_text)
            if isinstance(found, Problem):
                return provider.reply_to(found)
            identity = found
        visit.universe = identity.universe
        body = None if operation.body == "none" else await self._body(visit)
        if isinstance(body, Problem):
            return provider.reply_to(body)
        if not self._gate.trusts(provider.id, key_text, identity):
            # While the body arrived, keys were changed, and this one may be revoked: the question is asked again.
            found = await self._gate.identify(provider, key_text)
            if isinstance(found, Problem):
                return provider.reply_to(found)
            identity = found
        return await world.run(identity.universe, self._step(visit, identity, params, query, body))

    def _step(
        self, visit: _Visit, identity: Identity, params: Mapping[str, str], query: Mapping[str, str], body: Any
    ) -> Step[Reply]:
        request, operation, provider, world = visit.request, visit.operation, visit.endpoint.provider, self._world

        def step(tx: Tx) -> Reply:
            key = enter(tx, provider, identity.newcomer, world.opening)
            visit.now = tx.now
            problem = limit_problem(tx, operation, key, request)
            if problem is not None:
                return refusal(provider, problem)
            reply = self._handle(visit, self._call(visit, params, query, body, key), tx)
            if isinstance(reply.body, Stream):
                visit.clock = the_universe(tx).clock
            return reply

        return step

    async def _for_nobody(self, visit: _Visit, params: Mapping[str, str], query: Mapping[str, str]) -> Reply:
        body = None if visit.operation.body == "none" else await self._body(visit)
        if isinstance(body, Problem):
            return visit.endpoint.provider.reply_to(body)
        call = self._call(visit, params, query, body, NOBODY)
        return self._world.outside(lambda tx: self._handle(visit, call, tx))

    def _handle(self, visit: _Visit, call: Call, tx: Tx) -> Reply:
        """Run the handler, under the faults of its universe and of the request where there are any."""
        operation, provider, headers, asked = visit.operation, visit.endpoint.provider, visit.request.headers, NOTHING
        if asks(headers, visit.raw, operation):
            asked = asked_by(headers, visit.raw, call, operation, provider, self._faults)
        elif not is_bent(tx):
            return operation.handle(call, tx)
        reply = self._world.bender.run(call, tx, operation, provider, asked.faults)
        return asked.warned(reply)

    def _call(self, visit: _Visit, params: Mapping[str, str], query: Mapping[str, str], body: Any, key: Key) -> Call:
        request, endpoint, base_url = visit.request, visit.endpoint, self._world.base_url
        return Call(request.method, endpoint.path, params, query, request.headers, body, key, base_url, endpoint.prefix)

    async def _body(self, visit: _Visit) -> Any:
        if "Expect" in visit.request.headers:
            await go_on(visit.request)
        content_type = visit.request.headers.get("Content-Type")
        forms = visit.operation.body == "json or form"
        if forms and is_form(content_type):
            keep = partial(self._keep, visit) if visit.operation.keeps_files else BlobWriter
            form = await read_form(visit.request, visit.operation.most_file_bytes, keep)
            if isinstance(form, Form):
                visit.raw = orjson.dumps(form)
            return form
        raw = await read_bytes(visit.request, visit.operation.most_bytes)
        if isinstance(raw, Problem):
            return raw
        visit.raw = raw
        return parse_json(raw, content_type, or_form=forms)

    def _keep(self, visit: _Visit) -> BlobWriter:
        writer = self._blobs.writer(visit.universe)
        visit.files = [*(visit.files or ()), writer]
        return writer

    def _send(self, visit: _Visit, reply: Reply) -> web.Response:
        body = _bytes_of(reply)
        response = web.Response(body=body, status=reply.status, headers=self._note(visit, reply, body))
        self._counts.add(visit.endpoint.provider.id, visit.operation.id, reply.status)
        if reply.status == 400 and visit.request.content.exception() is not None:
            # Where the next request would begin is anybody's guess after a body that could not be read.
            response.force_close()
        return response

    async def _send_bent(self, visit: _Visit, reply: Reply, wire: Wire) -> web.StreamResponse:
        if wire.after_callbacks:
            await self._call_back(visit.universe)
        body = _bytes_of(reply)
        headers = self._note(visit, reply, body)
        return await self._heard(visit, reply, send_bent(visit.request, reply.status, headers, body, wire))

    async def _stream(self, visit: _Visit, reply: Reply, stream: Stream) -> web.StreamResponse:
        """Send a stream's frames at their times; a manual clock stands still, so there none of them waits."""
        headers = self._note(visit, reply, b"".join([frame.data for frame in stream.frames]))
        together = groupby(stream.frames, partial(_wait, visit.clock))
        frames = ((due, b"".join([frame.data for frame in some])) for due, some in together)
        sending = send_stream(visit.request, reply.status, headers, frames, reply.wire or _SIMPLY)
        return await self._heard(visit, reply, sending)

    async def _heard(self, visit: _Visit, reply: Reply, sending: Awaitable[web.StreamResponse]) -> web.StreamResponse:
        """Send a reply and count what became of it; one that its client left before is written down as lost.

        One that is lost on purpose was written down as such before.
        """
        status = status_sent(reply)
        try:
            return await sending
        except LostError:
            raise
        except ConnectionError:
            _log.info("a client left before its reply was whole", operation=visit.operation.id)
            if not visit.request.writer.output_size:
                status = 0
                self._journal.lost(visit.number)
            raise
        finally:
            self._journal.sent(visit.number, self._world.wall() - visit.began)
            self._counts.add(visit.endpoint.provider.id, visit.operation.id, status)

    def _note(self, visit: _Visit, reply: Reply, body: bytes) -> dict[str, str]:
        """Write one exchange down and return the headers that its reply leaves with, which name it."""
        request, wall = visit.request, self._world.wall()
        headers = headers_of(reply)
        visit.number = self._journal.add(
            # A call that reached no universe has the machine's time alone.
            visit.now or wall,
            wall,
            visit.universe,
            visit.endpoint.provider.id,
            visit.operation.id,
            request.method,
            request.raw_path,
            request.headers,
            visit.raw,
            status_sent(reply),
            body if reply.wire is None else body[: reply.wire.cut],
            # What a provider says by itself is short, and what a fault or a warning adds may be megabytes. Most replies
            # share one mapping: a thousand of their own, kept for a while each, are cold memory on every call.
            cut_headers(headers) if reply.headers else usual_headers(reply.content_type),
            wall - visit.began,
        )
        headers.setdefault("X-Request-Id", f"req_{visit.number:012}")
        return headers

    def unmatched(self, request: BaseRequest, provider: Provider, near: str | None) -> web.Response:
        """Answer a call on a path the provider does not have; `near` is the documented one most like it."""
        message = "There is no such endpoint." if near is None else f"There is no such endpoint; did you mean {near}?"
        reply = provider.reply_to(Problem("no_such_route", message))
        if near is not None:
            reply = reply._replace(headers={**reply.headers, "X-Soundstage-Hint": f"nearest documented path: {near}"})
        nothing = Operation("unmatched", request.method, "", _nothing)
        return self._send(_Visit(request, Endpoint(provider, "", ""), nothing, self._world.wall()), reply)

    def _method_not_allowed(self, request: BaseRequest, endpoint: Endpoint) -> web.Response:
        message = f"{request.method[:20]} is not possible here; use {endpoint.methods}."
        reply = endpoint.provider.reply_to(Problem("method_not_allowed", message))
        some = next(iter(endpoint.operations.values()))
        headers = {**reply.headers, "Allow": endpoint.methods}
        return self._send(_Visit(request, endpoint, some, self._world.wall()), reply._replace(headers=headers))


def _bytes_of(reply: Reply) -> bytes:
    return reply.body if isinstance(reply.body, bytes) else orjson.dumps(reply.body)


def _nothing(call: Call, tx: Tx) -> Reply:
    raise LookupError(f"{call.path} has no operation")


def _behind_head(request: BaseRequest, endpoint: Endpoint) -> Operation | None:
    """Return the operation whose reply's headers a HEAD asks for: documents anybody may GET."""
    found = endpoint.operations.get("GET") if request.method == "HEAD" else None
    return found if found is not None and found.keyless else None


def _wait(clock: Clock | None, frame: Frame) -> int:
    return 0 if clock is None or clock.mode == "manual" else clock.span(frame.offset_ms)
