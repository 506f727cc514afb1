"""The pipeline of every documented endpoint: authenticate, pick the universe, read the body, run the step, send.

No aiohttp middleware and none of its routing: a call costs one dictionary look-up here. Errors of any kind leave in
the provider's own shape; a step that raises has changed nothing.
"""

from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from aiohttp import web
from aiohttp.web_request import BaseRequest

from soundstage.core.call import Call, Problem, Reply
from soundstage.core.journal import Journal
from soundstage.core.provider import Operation
from soundstage.core.universe import Key
from soundstage.core.view import Tx
from soundstage.core.world import World
from soundstage.edge.body import JSON_LIMIT, parse_json, parse_query, read_bytes
from soundstage.edge.gate import Gate, enter
from soundstage.edge.metrics import Counts
from soundstage.edge.router import Endpoint

_log = structlog.get_logger("soundstage.edge")
_EMPTY: Mapping[str, str] = {}


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
        provider = endpoint.provider
        operation = endpoint.operations.get(request.method)
        if operation is None:
            return self._method_not_allowed(request, endpoint)
        universe, now, raw = "", 0, b""
        query = parse_query(query_text) if query_text else _EMPTY
        if isinstance(query, Problem):
            return self._send(request, endpoint, operation, provider.reply_to(query), universe, now, raw)
        key_text = provider.credential(endpoint.path, request.headers, query)
        identity = None if key_text is None else self._gate.known(provider.id, key_text)
        if identity is None:
            found = await self._gate.identify(provider, key_text)
            if isinstance(found, Problem):
                return self._send(request, endpoint, operation, provider.reply_to(found), universe, now, raw)
            identity = found
        universe = identity.universe
        body: Any = None
        if operation.takes_body:
            given = await read_bytes(request, JSON_LIMIT)
            if isinstance(given, Problem):
                return self._send(request, endpoint, operation, provider.reply_to(given), universe, now, raw)
            raw = given
            body = parse_json(raw, request.headers.get("Content-Type"))
            if isinstance(body, Problem):
                return self._send(request, endpoint, operation, provider.reply_to(body), universe, now, raw)
        world = self._world

        def step(tx: Tx) -> tuple[Reply, int]:
            key = enter(tx, provider, identity, world.opening)
            refused = _refusal(key, operation)
            if refused is not None:
                return provider.reply_to(refused), tx.now
            call = Call(
                request.method, endpoint.path, params, query, request.headers, body, key, world.base_url
            )
            return operation.handle(call, tx), tx.now

        try:
            reply, now = await world.run(universe, step)
        except Exception:
            # The step changed nothing. Whatever broke is ours, and its text may hold what a client sent.
            _log.exception("handler failed", operation=operation.id, universe=universe)
            problem = Problem("internal", "The simulator failed; its log says why. Nothing was charged.")
            reply = provider.reply_to(problem)
        return self._send(request, endpoint, operation, reply, universe, now, raw)

    def _send(
        self,
        request: BaseRequest,
        endpoint: Endpoint,
        operation: Operation,
        reply: Reply,
        universe: str,
        now: int,
        raw: bytes,
    ) -> web.Response:
        body = reply.body if isinstance(reply.body, bytes) else orjson.dumps(reply.body)
        provider_id = endpoint.provider.id
        self._counts.add(provider_id, operation.id, reply.status)
        self._journal.add(
            now or self._world.wall(),
            universe,
            provider_id,
            operation.id,
            request.method,
            request.raw_path,
            request.headers,
            raw,
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
        allowed = Reply(reply.body, reply.status, {**reply.headers, "Allow": endpoint.methods}, reply.content_type)
        return self._send(request, endpoint, some, allowed, "", 0, b"")


def _refusal(key: Key, operation: Operation) -> Problem | None:
    if operation.scope is None or key.scopes is None or operation.scope in key.scopes:
        return None
    has = ", ".join(sorted(key.scopes)) or "none"
    return Problem("forbidden", f"This API key lacks the scope {operation.scope}; it has {has}.")
