"""Takes secrets out of what is kept: every form a secret is likely to take becomes one stable placeholder."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from soundstage_contracts.exchange import Exchange, Headers, Reply, Request

PLACEHOLDER = re.compile(r"<(?:key|secret) \d+>")
CREDENTIALS = frozenset(
    {"authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "x-soundstage-admin-token"}
)
_QUERY_KEY = re.compile(r"(?<=[?&])((?:api_key|access_token)=)([^&#]+)", re.IGNORECASE)
_SCHEME = re.compile(r"(?:(?:bearer|basic|token|key)\s+)?", re.IGNORECASE)
_NAMED = {"key": "key", "webhook_secret": "secret", "admin_token": "key"}
_WINDOW = 8
_TELLING = 8
"""A credential shorter than this is hidden where it stands and not looked for elsewhere: it may be an ordinary word."""


class Needles:
    """Many texts looked for at once, at a cost that does not grow with their number.

    Whoever looks at every eighth place of a haystack meets, of every needle of 15 bytes, one of the eight windows of
    eight bytes at its end. Shorter needles are looked for one by one.
    """

    def __init__(self) -> None:
        self._windows: dict[bytes, list[tuple[bytes, int, bytes]]] = {}
        self._names: dict[bytes, bytes] = {}
        self._short: dict[bytes, bytes] = {}

    def add(self, needle: bytes, name: bytes) -> None:
        """Look for `needle` too; what is found of it is told as `name`."""
        if needle in self._names:
            return
        self._names[needle] = name
        if len(needle) < 2 * _WINDOW - 1:
            self._short[needle] = name
            return
        for offset in range(len(needle) - 2 * _WINDOW + 1, len(needle) - _WINDOW + 1):
            window = needle[offset : offset + _WINDOW]
            self._windows.setdefault(window, []).append((needle, offset, name))

    def spots(self, hay: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Yield where something was found: begin, end and name."""
        for needle, name in self._short.items():
            at = hay.find(needle)
            while at >= 0:
                yield at, at + len(needle), name
                at = hay.find(needle, at + 1)
        known = self._windows
        for at in range(0, len(hay) - _WINDOW + 1, _WINDOW) if known else ():
            for needle, offset, name in known.get(hay[at : at + _WINDOW], ()):
                begin = at - offset
                if begin >= 0 and hay.startswith(needle, begin):
                    yield begin, begin + len(needle), name

    def replaced(self, hay: bytes) -> bytes:
        """Return `hay` with the name in place of everything found, the longest first."""
        parts: list[bytes] = []
        done = 0
        for begin, end, name in sorted(self.spots(hay), key=lambda spot: (spot[0], -spot[1])):
            if begin >= done:
                parts += hay[done:begin], name
                done = end
        return b"".join((*parts, hay[done:])) if parts else hay


class Redactor:
    """Knows secrets and what stands for each: `<key 1>` for keys, `<secret 1>` for what signs callbacks."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._counts = {"key": 0, "secret": 0}
        self._known = Needles()
        self._scanned = Needles()

    def hide(self, secret: str, kind: str = "") -> str:
        """Keep a secret out of everything from now on and return its placeholder; an empty text is no secret."""
        if not secret or PLACEHOLDER.fullmatch(secret):
            return secret
        name = self._name(secret, kind)
        for form in _plain_forms(secret):
            self._known.add(form, name.encode())
        for form in (*_plain_forms(secret), *_encoded_forms(secret)):
            self._scanned.add(form, name.encode())
        return name

    def _name(self, secret: str, kind: str) -> str:
        if secret not in self._names:
            kind = kind or ("secret" if secret.startswith("whsec_") else "key")
            self._counts[kind] += 1
            self._names[secret] = f"<{kind} {self._counts[kind]}>"
        return self._names[secret]

    def leaked(self, texts: Iterable[bytes]) -> str | None:
        """Return the placeholder of a secret that is in one of these texts after all, in any known form."""
        # A tape says most things many times.
        return next((name.decode() for text in set(texts) for _, _, name in self._scanned.spots(text)), None)

    def text(self, text: str) -> str:
        """Return a text without the secrets."""
        return self._known.replaced(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def exchange(self, given: Exchange) -> Exchange:
        """Return an exchange without secrets; what a set-up reply calls a key or secret is one from then on."""
        if given.kind == "setup" and given.reply is not None:
            for name, secret in _named(given.reply.body):
                self.hide(secret, _NAMED[name])
        local = Needles()
        request, reply = given.request, given.reply
        path = _QUERY_KEY.sub(lambda found: found[1] + self._place(found[2], local), self.text(request.path))
        headers = self._headers(request.headers, local)
        request = Request(
            request.method, self._everywhere(path, local), headers, local.replaced(self._known.replaced(request.body))
        )
        if reply is not None:
            headers = self._headers(reply.headers, local)
            reply = Reply(reply.status, headers, local.replaced(self._known.replaced(reply.body)), reply.took)
        return replace(given, request=request, reply=reply, failure=self.text(given.failure))

    def _headers(self, headers: Headers, local: Needles) -> Headers:
        credentials = [self._credential(name, self.text(value), local) for name, value in headers]
        return tuple((name, self._everywhere(value, local)) for name, value in credentials)

    def _credential(self, name: str, value: str, local: Needles) -> tuple[str, str]:
        if name.lower() not in CREDENTIALS:
            return name, value
        scheme = _SCHEME.match(value)
        begin = scheme.end() if scheme else 0
        return name, value[:begin] + self._place(value[begin:], local)

    def _place(self, value: str, local: Needles) -> str:
        """Return what stands for a credential that nobody named as a secret; it is one within its own exchange."""
        if not value or PLACEHOLDER.search(value):
            return value
        name = self._name(value, "key")
        if len(value) >= _TELLING:
            for form in _plain_forms(unquote(value)):
                local.add(form, name.encode())
        return name

    @staticmethod
    def _everywhere(text: str, local: Needles) -> str:
        return local.replaced(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")


def _plain_forms(secret: str) -> set[bytes]:
    """Return how a text stands in headers, URLs and JSON."""
    escaped = json.dumps(secret)[1:-1]
    forms = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), escaped, escaped.replace("/", "\\/")}
    forms |= {json.dumps(secret, ensure_ascii=False)[1:-1]}
    return {form.encode("utf-8", "surrogatepass") for form in forms}


def _encoded_forms(secret: str) -> Iterator[bytes]:
    """Yield how a text looks inside of base64, wherever in it the text begins."""
    raw = secret.encode("utf-8", "surrogatepass")
    for shift in range(3):
        # Only whole groups of three bytes look the same whatever stands before and behind.
        inner = raw[-shift % 3 :]
        inner = inner[: len(inner) // 3 * 3]
        if len(inner) >= _TELLING:
            yield base64.b64encode(inner)
            yield base64.urlsafe_b64encode(inner)
    yield base64.b64encode(raw)
    yield raw.hex().encode()


def _named(body: bytes) -> Iterator[tuple[str, str]]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return
    if isinstance(value, dict):
        yield from ((name, value[name]) for name in _NAMED if isinstance(value.get(name), str))


def all_texts(value: Any) -> Iterator[bytes]:
    """Yield every text inside a JSON value as bytes: as it is, percent-decoded, and what JSON and base64 in it say."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from all_texts(name)
            yield from all_texts(inner)
        if isinstance(value.get("base64"), str):
            yield base64.b64decode(value["base64"])
    elif isinstance(value, list):
        for inner in value:
            yield from all_texts(inner)
    elif isinstance(value, str):
        yield from _readings(value)


def _readings(text: str) -> Iterator[bytes]:
    yield text.encode("utf-8", "surrogatepass")
    if "%" in text:
        yield unquote(text).encode("utf-8", "surrogatepass")
    if text[:1] in {"{", "["}:
        try:
            yield from all_texts(json.loads(text))
        except (ValueError, RecursionError):
            return
