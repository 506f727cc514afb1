"""What of an exchange is secret on a tape: known secrets everywhere, and whatever stands where a credential stands."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from soundstage_contracts.exchange import Exchange, Headers, Reply, Request
from soundstage_contracts.redaction import ON_TAPE, Needles, Redactor, plain_forms

PLACEHOLDER = re.compile(r"<(?:key|secret) \d+>")
CREDENTIALS = frozenset(
    {"authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "x-soundstage-admin-token"}
)
_QUERY_KEY = re.compile(r"(?<=[?&])((?:api_key|access_token)=)([^&#]+)", re.IGNORECASE)
_SCHEME = re.compile(r"(?:(?:bearer|basic|token|key)\s+)?", re.IGNORECASE)
_NAMED = {"key": "key", "webhook_secret": "secret", "admin_token": "key"}
_TELLING = 8
"""A credential shorter than this is hidden where it stands and not looked for elsewhere: it may be an ordinary word."""


class TapeRedactor:
    """Numbers secrets as they come: `<key 1>` for keys, `<secret 1>` for what signs callbacks."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._counts = {"key": 0, "secret": 0}
        self._known = Redactor(ON_TAPE)

    def hide(self, secret: str, kind: str = "") -> str:
        """Keep a secret out of everything from now on and return its placeholder; an empty text is no secret."""
        if not secret or PLACEHOLDER.fullmatch(secret):
            return secret
        return self._known.hide(secret, self._name(secret, kind))

    def _name(self, secret: str, kind: str) -> str:
        if secret not in self._names:
            kind = kind or ("secret" if secret.startswith("whsec_") else "key")
            self._counts[kind] += 1
            self._names[secret] = f"{kind} {self._counts[kind]}"
        return self._names[secret]

    def leaked(self, texts: Iterable[bytes]) -> str | None:
        """Return the placeholder of a secret that is in one of these texts after all, in any known form."""
        return self._known.leaked(texts)

    def exchange(self, given: Exchange) -> Exchange:
        """Return an exchange without secrets; what a set-up reply calls a key or secret is one from then on."""
        if given.kind == "setup" and given.reply is not None:
            for name, secret in _named(given.reply.body):
                self.hide(secret, _NAMED[name])
        known, local = self._known, Needles()
        asked, reply = given.request, given.reply
        path = _QUERY_KEY.sub(lambda found: found[1] + self._place(found[2], local), known.text(asked.path))
        headers = self._headers(asked.headers, local)
        request = Request(asked.method, local.text(path), headers, local.replaced(known.data(asked.body)))
        if reply is not None:
            headers = self._headers(reply.headers, local)
            reply = Reply(reply.status, headers, local.replaced(known.data(reply.body)), reply.took)
        return replace(given, request=request, reply=reply, failure=known.text(given.failure))

    def _headers(self, headers: Headers, local: Needles) -> Headers:
        credentials = [self._credential(name, self._known.text(value), local) for name, value in headers]
        return tuple((name, local.text(value)) for name, value in credentials)

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
        placeholder = ON_TAPE.looks.format(self._name(value, "key"))
        if len(value) >= _TELLING:
            for form in plain_forms(unquote(value)):
                local.add(form, placeholder.encode())
        return placeholder


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
    # Without a backslash what is inside of JSON stands there as it is, and was seen already.
    if text[:1] in {"{", "["} and "\\" in text:
        try:
            yield from all_texts(json.loads(text))
        except (ValueError, RecursionError):
            return
