"""Finds the admin endpoint of a call, after checking that the caller may drive this server."""

from collections.abc import Mapping
from hmac import compare_digest
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
from aiohttp import web
from aiohttp.web_request import BaseRequest

from soundstage.core.call import Problem
from soundstage.core.universe import DIRECTORY, directory_row, universe_of
from soundstage.edge.admin import (
    clock,
    deliveries,
    faults,
    har,
    keys,
    lint,
    records,
    requests,
    scenarios,
    tasks,
    universes,
    verdict,
)
from soundstage.edge.admin.context import AdminCall, AdminError, Answer, Route, Services, readable
from soundstage.edge.admin.names import check_universe
from soundstage.edge.admin.openapi import document
from soundstage.edge.body import JSON_LIMIT, parse_json, parse_query, read_bytes
from soundstage.logs import Log
from soundstage.validation import nearest

_log = Log("soundstage.admin")
ROUTES: tuple[Route, ...] = (
    *universes.ROUTES,
    *keys.ROUTES,
    *clock.ROUTES,
    *faults.ROUTES,
    *scenarios.ROUTES,
    *tasks.ROUTES,
    *requests.ROUTES,
    *har.ROUTES,
    *deliveries.ROUTES,
    *records.ROUTES,
    *lint.ROUTES,
    *verdict.ROUTES,
)


class Admin:
    """The admin API of one server."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._by_shape: dict[tuple[str, int], list[tuple[list[str], Route]]] = {}
        for route in ROUTES:
            parts = route.path.split("/")
            self._by_shape.setdefault((route.method, len(parts)), []).append((parts, route))
        self._hosts: frozenset[str] = frozenset()

    def bound(self, port: int) -> None:
        """Remember under which names this server may be addressed."""
        names = {"127.0.0.1", "localhost", "[::1]", self._services.settings.host}
        public = urlsplit(self._services.world.base_url).netloc
        self._hosts = frozenset({f"{name}:{port}" for name in names} | names | {public})

    async def serve(self, request: BaseRequest, path: str, query_text: str) -> web.Response:
        """Answer one call under /__admin."""
        try:
            self._check_caller(request)
            if path in {"/__admin/openapi.json", "/__admin"}:
                return _json(200, document(ROUTES))
            status, body = await self._call(request, path, query_text)
            return web.Response(status=204) if status == 204 else _json(status, body)
        except AdminError as refusal:
            content = {"error": {"code": refusal.code, "message": readable(str(refusal)), "hint": refusal.hint}}
            return _json(refusal.status, content)
        except ConnectionError:
            raise
        except Exception:  # noqa: BLE001 - the last resort, logged whole
            _log.exception("admin call failed", path=path)
            return _json(500, {"error": {"code": "internal", "message": "see the log", "hint": "report this"}})

    def _check_caller(self, request: BaseRequest) -> None:
        settings = self._services.settings
        host = request.headers.get("Host", "")
        if _is_loopback(settings.host):
            if host not in self._hosts:
                raise AdminError(403, "foreign_host", f"the Host header {host[:80]!r} does not name this server")
        else:
            token = request.headers.get("X-Soundstage-Admin-Token", "")
            wanted = settings.admin_token
            if wanted is None or not compare_digest(token.encode("utf-8", "replace"), wanted.encode()):
                raise AdminError(
                    401,
                    "admin_token_needed",
                    "beyond loopback the admin API needs a token",
                    "start with --admin-token TOKEN and send X-Soundstage-Admin-Token: TOKEN",
                )
        if "x-soundstage-attempt" in request.headers:
            raise AdminError(403, "own_callback", "a callback of this server may not drive its admin API")
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != host:
            raise AdminError(403, "foreign_origin", "web pages of other origins may not use the admin API")

    async def _call(self, request: BaseRequest, path: str, query_text: str) -> Answer:
        route, params = self._find(request.method, path)
        query = parse_query(query_text) if query_text else {}
        if isinstance(query, Problem):
            raise AdminError(400, "invalid_request", query.message)
        _check_query(query, route)
        body = await self._body(request) if request.method in {"POST", "PUT"} else None
        universe = await self._universe(request)
        return await route.handle(
            AdminCall(self._services, params, query, body, universe, lambda: request.transport is None)
        )

    def _find(self, method: str, path: str) -> tuple[Route, Mapping[str, str]]:
        given = path.rstrip("/").split("/")
        for parts, route in self._by_shape.get((method, len(given)), []):
            pairs = list(zip(parts, given, strict=True))
            if all(part == came or part.startswith("{") for part, came in pairs):
                return route, {part[1:-1]: unquote(came) for part, came in pairs if part.startswith("{")}
        raise AdminError(404, "no_such_endpoint", f"{method} {path[:80]}", "see /__admin/openapi.json")

    async def _body(self, request: BaseRequest) -> Any:
        raw = await read_bytes(request, JSON_LIMIT)
        if isinstance(raw, Problem):
            raise AdminError(raw.status, raw.code, raw.message)
        if not raw:
            return None
        body = parse_json(raw, request.headers.get("Content-Type", "none"))
        if isinstance(body, Problem):
            raise AdminError(body.status, body.code, body.message)
        return body

    async def _universe(self, request: BaseRequest) -> str | None:
        named = request.headers.get("X-Soundstage-Universe")
        if named is not None:
            if named != "*":
                check_universe(named)
                await self._services.world.open(named)
            return named
        scheme, _, key_text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key_text:
            return None
        universe = await self._universe_of_key(key_text.strip())
        await self._services.world.open(universe)
        return universe

    async def _universe_of_key(self, key_text: str) -> str:
        names = [directory_row(provider, key_text) for provider in self._services.world.providers]
        rows = await self._services.world.store.transact(
            DIRECTORY, lambda tx: [tx.get("registered", name) for name in names]
        )
        row = next((row for row in rows if row is not None), None)
        if row is not None:
            return str(row.universe)
        return universe_of(key_text)


def _check_query(query: Mapping[str, str], route: Route) -> None:
    """Refuse a name this endpoint does not know: a filter that filters nothing answers another question."""
    wrong = next((name for name in query if name not in route.query), None)
    if wrong is not None:
        known = ", ".join(route.query) or "nothing"
        meant = nearest(wrong, route.query)
        message = f"{readable(wrong)[:60]!r} is no part of this query{f'; did you mean {meant}?' if meant else ''}"
        raise AdminError(400, "invalid_request", message, f"it may hold {known}")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _json(status: int, body: Any) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), headers={"Content-Type": "application/json"})
