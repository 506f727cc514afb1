"""Receive callbacks on this machine, print each one with the verdict on its signature, and pass it on.

This is `soundstage listen`: what a developer points a callback URL at before the app has a receiver, or puts
in front of the app's receiver to see what arrives.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, web
from multidict import CIMultiDict
from rich.console import Console
from yarl import URL

from soundstage.core.clock import Wall, wall_now
from soundstage.core.signing import SignatureError, verify_hex_hmac, verify_standard_webhook
from soundstage.edge.egress import EgressPolicy, check_url, guarded_connector

__all__ = ["DEFAULT_PORT", "MAX_BODY_BYTES", "Scheme", "describe", "listen"]

Scheme = Literal["standard", "apikey"]

DEFAULT_PORT = 4099
MAX_BODY_BYTES = 1024 * 1024
BODY_TIMEOUT_SECONDS = 30.0
FORWARD_TIMEOUT_SECONDS = 30.0
SHOWN_CHARACTERS = 4000

# RFC 9110, 7.6.1: these speak about one connection only. Host and length are the next request's own;
# Expect was answered here.
_HOP_BY_HOP = frozenset(
    [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "host",
        "content-length",
        "expect",
    ]
)
# What aiohttp would add by itself; the receiver is to see what was sent, no more.
_NOT_ADDED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


async def listen(
    *,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    secret: str | None = None,
    forward_to: str | None = None,
    scheme: Scheme | None = None,
    console: Console,
    stop: asyncio.Event,
    wall: Wall = wall_now,
) -> None:
    """Serve on (host, port) until `stop` is set, printing one line per POST to `console`.

    The first line is `LISTENING http://host:port/`; port 0 picks a free one. With `scheme` None each
    callback's headers tell the kind of signature. `wall` returns milliseconds since 1970. A callback is
    answered 200, or with the status of `forward_to` (loopback and private networks only), or 502 when that
    cannot be reached.
    Raises ValueError when `forward_to` is refused or is this listener, OSError when the port cannot be bound.
    """
    policy = EgressPolicy()
    refusal = check_url(forward_to, policy) if forward_to is not None else None
    if refusal:
        raise ValueError(f"--forward-to cannot be used: {refusal}")
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    # Signatures cover the bytes as sent, so a compressed body stays compressed.
    runner = web.AppRunner(app, access_log=None, auto_decompress=False, keepalive_timeout=30.0, shutdown_timeout=0.5)
    async with ClientSession(
        connector=guarded_connector(policy),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=_NOT_ADDED,
        timeout=ClientTimeout(total=FORWARD_TIMEOUT_SECONDS),
    ) as session:
        listener = _Listener(console, secret, scheme, URL(forward_to) if forward_to else None, session, wall)
        app.router.add_route("*", "/{path:.*}", listener.answer)
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port)
            await site.start()
            bound = int(runner.addresses[0][1])
            _refuse_loop(listener.forward_to, host, bound)
            shown = f"[{host}]" if ":" in host else host
            _print(console, f"LISTENING http://{shown}:{bound}/")
            await stop.wait()
        finally:
            await runner.cleanup()


def describe(headers: Mapping[str, str], body: bytes, *, at_ms: int, status: int, verdict: str, note: str = "") -> str:
    """Write one callback as one line: time (UTC), event id, attempt, task id, status, verdict, note, body.

    Unknown parts show as `-`. Nothing a sender wrote can break the line or colour the terminal.

    >>> describe({"webhook-id": "evt_1"}, b'{"taskId": "t_1"}', at_ms=0, status=200, verdict="signature ok")
    '00:00:00Z  evt_1  attempt -  task t_1  200  signature ok  {"taskId": "t_1"}'
    """
    known = CIMultiDict(headers)
    document = _parse(body)
    parts = [
        f"{datetime.fromtimestamp(at_ms / 1000, UTC):%H:%M:%S}Z",
        known.get("webhook-id") or "-",
        f"attempt {known.get('x-soundstage-attempt') or '-'}",
        f"task {_task_id(document) or known.get('x-api-key-task-id') or '-'}",
        str(status),
        verdict,
        note,
        _compact(body, document),
    ]
    return "  ".join(_visible(part) for part in parts if part)


@dataclass(frozen=True, slots=True)
class _Listener:
    """What one run of `listen` knows; its `answer` is the only route."""

    console: Console
    secret: str | None = field(repr=False)
    scheme: Scheme | None
    forward_to: URL | None
    session: ClientSession
    wall: Wall

    async def answer(self, request: web.Request) -> web.Response:
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "POST"}, text="callbacks are sent with POST\n")
        body, status, note = b"", 200, ""
        try:
            async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
                body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            status, note = 413, f"the body is over {MAX_BODY_BYTES} bytes"
        except TimeoutError:
            status, note = 408, f"the body did not arrive within {BODY_TIMEOUT_SECONDS:g} s"
        now_ms = self.wall()
        verdict = "not checked: no body" if note else self.judge(request.headers, body, now_ms // 1000)
        if not note and self.forward_to is not None:
            status, note = await self.forward(request.headers, body, self.forward_to)
        line = describe(request.headers, body, at_ms=now_ms, status=status, verdict=verdict, note=note)
        _print(self.console, line)
        return web.Response(status=status)

    def judge(self, headers: Mapping[str, str], body: bytes, now: int) -> str:
        """Say in a few words what the signature is worth."""
        if self.secret is None:
            return "not checked: no --secret"
        try:
            if (self.scheme or _scheme_of(headers)) == "standard":
                verify_standard_webhook(self.secret, headers, body, now=now)
            else:
                signature = headers.get("x-api-key-signature", "")
                timestamp = headers.get("x-api-key-timestamp", "")
                verify_hex_hmac(self.secret, signature, timestamp=timestamp, body=body, now=now)
        except SignatureError as error:
            return f"signature wrong: {error}"
        return "signature ok"

    async def forward(self, headers: Mapping[str, str], body: bytes, target: URL) -> tuple[int, str]:
        """Send the callback on as it came; return the receiver's status, or 502 and the reason."""
        try:
            async with self.session.post(
                target, data=body, headers=_end_to_end(headers), allow_redirects=False
            ) as reply:
                return reply.status, ""
        except TimeoutError:
            return 502, f"forward failed: no answer within {FORWARD_TIMEOUT_SECONDS:g} s"
        # ValueError: a header that was readable on the way in and cannot be written on the way out.
        except (ClientError, OSError, ValueError) as error:
            return 502, f"forward failed: {error}"


def _scheme_of(headers: Mapping[str, str]) -> Scheme:
    """Tell the kind of signature by its header; `webhook-id` tells nothing, as it rides on every callback."""
    if "webhook-signature" in headers:
        return "standard"
    if "x-api-key-signature" in headers:
        return "apikey"
    raise SignatureError("there is neither a webhook-signature nor an x-api-key-signature header")


def _end_to_end(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """Copy the headers meant for the receiver, without those of this connection or named by `Connection`."""
    named = {
        token.strip().lower()
        for name, value in headers.items()
        if name.lower() == "connection"
        for token in value.split(",")
    }
    return CIMultiDict((k, v) for k, v in headers.items() if k.lower() not in _HOP_BY_HOP | named)


def _refuse_loop(target: URL | None, host: str, port: int) -> None:
    """Refuse to forward to ourselves: the first callback would go round until something breaks."""
    if target is None or target.port != port:
        return
    if target.host in {host, "localhost", "127.0.0.1", "::1", "::ffff:7f00:1"}:
        raise ValueError(f"--forward-to cannot be used: {target} is this listener itself")


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):  # not JSON, not UTF-8, a number of thousands of digits, too deep
        return None


def _task_id(document: Any) -> str | None:
    """Find the task id at the top or below `data` or `task`; `id` comes last, as it may be an event's."""
    if not isinstance(document, dict):
        return None
    places = [document, *(document[key] for key in ("data", "task") if isinstance(document.get(key), dict))]
    values = [place.get(name) for name in ("taskId", "task_id", "id") for place in places]
    return next((str(value) for value in values if isinstance(value, str | int)), None)


def _compact(body: bytes, document: Any) -> str:
    """Show a body on one line; JSON that already is one is shown untouched, so 1.10 stays 1.10."""
    text = body.decode("utf-8", "backslashreplace").strip()
    if document is not None and "\n" in text:
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    if len(text) > SHOWN_CHARACTERS:
        return f"{text[:SHOWN_CHARACTERS]}… ({len(body)} bytes)"
    return text or "(empty body)"


def _visible(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _print(console: Console, line: str) -> None:
    # Rich would wrap, colour and read [tags] in what strangers sent.
    console.print(line, markup=False, highlight=False, emoji=False, soft_wrap=True)
