"""The pipeline of every documented endpoint: authenticate, pick the universe, read the body, run the step, send.

No aiohttp middleware and none of its routing: a call costs one dictionary look-up here. Errors of any kind leave in
the provider's own shape; a step that raises has changed nothing.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from aiohttp import web
from aiohttp.web_request import BaseRequest

from soundstage.core.call import Call, Problem, Reply
from soundstage.core.journal import Journal
from soundstage.core.provider import Operation
from soundstage.core.view import Tx
from soundstage.core.world import World
from soundstage.edge.body import JSON_LIMIT, parse_json, parse_query, read_bytes
from soundstage.edge.gate import Gate, enter
from soundstage.edge.metrics import Counts
from soundstage.edge.router import Endpoint

_log = structlog.get_logger("soundstage.edge")
_EMPTY: Mapping[str, str] = {}


@dataclass(slots=True)
class _Visit:
    """One call on its way through the pipeline: what is known of it so far, for the journal."""

    request: BaseRequest
    endpoint: Endpoint
    operation: Operation
    universe: str = ""
    now: int = 0
    raw: bytes = b""


class Operations:
    """Runs calls on provider endpoints and writes each into the journal."""

    def __init__(self, world: World, gate: Gate, journal: Journal, counts: Counts) -> None:
        self._world = world
        self._gate = gate
        self._journal = journal
        self._counts = counts

    async def serve(
        self, request: BaseRequest, endpoint: Endpoint, params: Mapping[str, str], query_text: str
    ) -> web.Response:
        """Answer one call on a documented path."""
        operation = endpoint.operations.get(request.method)
        if operation is None:
            return self._method_not_allowed(request, endpoint)
        visit = _Visit(request, endpoint, operation)
        try:
            reply = await self._answer(visit, params, query_text)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception:  # noqa: BLE001 - the last resort, logged whole
            # The step changed nothing. Whatever broke is ours, and its text may hold what a client sent.
            _log.exception("handler failed", operation=operation.id, universe=visit.universe)
            problem = Problem("internal", "The simulator failed; its log says why. Nothing was charged.")
            reply = endpoint.provider.reply_to(problem)
        return self._send(visit, reply)

    async def _answer(self, visit: _Visit, params: Mapping[str, str], query_text: str) -> Reply:
        request, path, operation = visit.request, visit.endpoint.path, visit.operation
        provider, world = visit.endpoint.provider, self._world
        query = parse_query(query_text) if query_text else _EMPTY
        if isinstance(query, Problem):
            return provider.reply_to(query)
        headers = request.headers
        key_text = provider.credential(path, headers, query)
        identity = None if key_text is None else self._gate.known(provider.id, key_text)
        if identity is None:
            found = await self._gate.identify(provider, key_text)
            if isinstance(found, Problem):
                return provider.reply_to(found)
            identity = found
        visit.universe = identity.universe
        body = await self._body(visit) if operation.takes_body else None
        if isinstance(body, Problem):
            return provider.reply_to(body)

        def step(tx: Tx) -> Reply:
            key = enter(tx, provider, identity, world.opening)
            visit.now = tx.now
            if operation.scope is not None and key.scopes is not None and operation.scope not in key.scopes:
                return provider.reply_to(_lacking(operation.scope, key.scopes))
            call = Call(request.method, path, params, query, headers, body, key, world.base_url)
            return operation.handle(call, tx)

        return await world.run(identity.universe, step)

    async def _body(self, visit: _Visit) -> Any:
        raw = await read_bytes(visit.request, JSON_LIMIT)
        if isinstance(raw, Problem):
            return raw
        visit.raw = raw
        return parse_json(raw, visit.request.headers.get("Content-Type"))

    def _send(self, visit: _Visit, reply: Reply) -> web.Response:
        request, provider_id = visit.request, visit.endpoint.provider.id
        body = reply.body if isinstance(reply.body, bytes) else orjson.dumps(reply.body)
        self._counts.add(provider_id, visit.operation.id, reply.status)
        self._journal.add(
            visit.now or self._world.wall(),
            visit.universe,
            provider_id,
            visit.operation.id,
            request.method,
            request.raw_path,
            request.headers,
            visit.raw,
            reply.status,
            body,
        )
        headers = {"Content-Type": reply.content_type}
        if reply.headers:
            headers.update(reply.headers)
        return web.Response(body=body, status=reply.status, headers=headers)

    def _method_not_allowed(self, request: BaseRequest, endpoint: Endpoint) -> web.Response:
        message = f"{request.method[:20]} is not possible here; use {endpoint.methods}."
        reply = endpoint.provider.reply_to(Problem("method_not_allowed", message))
        some = next(iter(endpoint.operations.values()))
        headers = {**reply.headers, "Allow": endpoint.methods}
        return self._send(_Visit(request, endpoint, some), reply._replace(headers=headers))


def _lacking(scope: str, scopes: frozenset[str]) -> Problem:
    has = ", ".join(sorted(scopes)) or "none"
    return Problem("forbidden", f"This API key lacks the scope {scope}; it has {has}.")
