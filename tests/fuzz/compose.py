"""Requests made from an OpenAPI document: good ones, and ones that are wrong in body, key, path, method or headers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema_rs
import orjson

from fuzz import forms, odd
from fuzz.dice import Dice
from fuzz.mutate import coded, damaged, raw_damage
from fuzz.values import Known, Maker, paired

METHODS = ("get", "post", "put", "delete", "patch")
UNREAD: Any = object()
_TRIES = 8
_HOLE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Made:
    """One request; `value` is the body as a reader should see it, UNREAD when it should not be readable.

    A `bare` one goes to the server's own paths, not to a provider's.
    """

    method: str
    path: str
    operation: str | None
    account: str | None
    headers: tuple[odd.Header, ...] = ()
    body: bytes = b""
    value: Any = UNREAD
    chunked: bool = False
    odd: bool = False
    bare: bool = False

    def said(self, host: str, prefix: str) -> bytes:
        """Return the request as it goes over the wire."""
        lines = [f"{self.method} {'' if self.bare else prefix}{self.path} HTTP/1.1".encode(), b"Host: " + host.encode()]
        lines += [name + b": " + value for name, value in self.headers]
        if self.chunked:
            half = len(self.body) // 2
            pieces = [piece for piece in (self.body[:half], self.body[half:]) if piece]
            framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
            return b"\r\n".join([*lines, b"Transfer-Encoding: chunked", b"", framed])
        if self.body or self.method in {"POST", "PUT", "PATCH"}:
            lines.append(b"Content-Length: %d" % len(self.body))
        return b"\r\n".join([*lines, b"", self.body])


@dataclass
class Composer:
    """Makes requests for the operations of one document; `keys` are the accounts that may ask."""

    document: Mapping[str, Any]
    keys: Mapping[str, str]
    ordinary: Sequence[tuple[str, int]]
    both_headers: bool = True
    operations: list[tuple[tuple[str, str, Mapping[str, Any]], int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._validators: dict[int, jsonschema_rs.Draft202012Validator] = {}
        self._maker = Maker(self.document["components"])
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    weight = 12 if "requestBody" in item[method] else 8 if "{" in path else 2
                    self.operations.append(((method.upper(), path, item[method]), weight))

    def make(self, dice: Dice, known: Known) -> Made:
        """Return the next request; `known` is what exists, or once did."""
        self._maker.known = known
        if known.puts and dice.chance(7):
            return _put(known, dice)
        method, path, operation = dice.weighted(self.operations)
        made = Made(method, _filled(path, known, dice) + self._query(operation, dice), operation["operationId"], None)
        if "requestBody" in operation:
            made = self._with_body(made, operation["requestBody"]["content"], dice)
        return self._spoilt(self._with_key(made, dice), dice)

    def _query(self, operation: Mapping[str, Any], dice: Dice) -> str:
        pairs = []
        for given in operation.get("parameters", ()):
            name = given["$ref"].rsplit("/", 1)[1] if "$ref" in given else None
            field = self.document["components"]["parameters"][name] if name else given
            if field["in"] == "query" and dice.chance(30):
                value = self._maker.make(field["schema"], dice) if dice.chance(70) else dice.pick(odd.ASKED)
                pairs.append((field["name"], str(value)))
        return f"?{urlencode(pairs)}" if pairs else ""

    def _with_body(self, made: Made, content: Mapping[str, Any], dice: Dice) -> Made:
        json_too = "application/json" in content
        media = "application/json" if json_too and dice.chance(50) else dice.pick(sorted(content))
        value = self._fitting(content[media]["schema"], dice)
        if media == "application/json":
            return self._json(made, value, dice)
        pairs = forms.pairs_of(value, dice)
        if media.startswith("multipart"):
            pairs = forms.with_files(pairs, self._maker.fields(content[media]["schema"], dice), made.path, dice)
        if dice.chance(25):
            pairs = forms.odd(pairs, dice)
        if not media.startswith("multipart"):
            return replace(
                made, headers=((b"Content-Type", media.encode()),), body=forms.urlencoded(pairs), value=_form(pairs)
            )
        content_type, body = forms.multipart(pairs, dice)
        if dice.chance(15):
            content_type, body = forms.broken(content_type, body, dice)
            return replace(made, headers=((b"Content-Type", content_type),), body=body, odd=True)
        return replace(made, headers=((b"Content-Type", content_type),), body=body, value=_form(pairs))

    def _fitting(self, schema: Mapping[str, Any], dice: Dice) -> Any:
        """Return a value that fits, if a few tries find one: a schema's conditions decide over whole values."""
        valid = self.validator(schema)
        value = self._maker.make(schema, dice)
        for _ in range(_TRIES):
            if valid.is_valid(value):
                break
            value = self._maker.make(schema, dice)
        return paired(value) if isinstance(value, dict) else value

    def validator(self, schema: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
        """Return the compiled form of a schema of this document."""
        found = self._validators.get(id(schema))
        if found is None:
            whole = {**schema, "components": self.document["components"]}
            found = self._validators[id(schema)] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        return found

    def _json(self, made: Made, value: Any, dice: Dice) -> Made:
        if dice.chance(40):
            value = damaged(value, dice)
        # ASCII only half of the time, so that escapes and plain UTF-8 are both read.
        raw = json.dumps(value, ensure_ascii=dice.chance(50)).encode()
        headers = (
            (b"Content-Type", dice.weighted([(dice.pick(odd.JSON_TYPES), 95), (dice.pick(odd.WRONG_TYPES), 5)])),
        )
        if dice.chance(6):
            raw = raw_damage(raw, dice)
            return replace(made, headers=headers, body=raw, value=_read(raw), odd=True)
        plain = headers[0][1] in odd.JSON_TYPES
        if dice.chance(3):
            coding, sent, whole = coded(raw, dice)
            headers = (*headers, (b"Content-Encoding", coding))  # type: ignore[assignment]
            return replace(made, headers=headers, body=sent, value=_read(raw) if whole else UNREAD, odd=True)
        if dice.chance(0.4):
            return replace(
                made, headers=headers, body=raw.ljust(1_048_577), value=_read(raw), odd=True, chunked=dice.chance(50)
            )
        return replace(made, headers=headers, body=raw, value=_read(raw), odd=not plain, chunked=dice.chance(3))

    def _with_key(self, made: Made, dice: Dice) -> Made:
        if dice.chance(6):
            bad = dice.pick(odd.BAD_KEYS)
            given: tuple[odd.Header, ...] = dice.pick(
                [((b"Authorization", b"Bearer " + bad),), ((b"x-api-key", bad),), ((b"Authorization", bad),), ()]
            )
            return replace(made, headers=(*made.headers, *given), account=None)
        account = dice.weighted(self.ordinary)
        key = self.keys[account].encode()
        bearer = (b"Authorization", dice.pick([b"Bearer ", b"bearer ", b"Bearer  "]) + key)
        given = (bearer,) if dice.chance(80) or not self.both_headers else ((b"x-api-key", key),)
        if dice.chance(3):
            given = (bearer, (b"x-api-key", b"sk_fuzz_of_somebody_else"))
        return replace(made, headers=(*made.headers, *given), account=account)

    def _spoilt(self, made: Made, dice: Dice) -> Made:
        if dice.chance(3):
            path = dice.pick(odd.paths(made.path))
            made = replace(made, path=path, operation=made.operation if path == made.path else None, odd=True)
        if dice.chance(3):
            made = replace(made, method=dice.pick(odd.METHODS), odd=True)
        if dice.chance(4):
            made = replace(
                made, path=f"{made.path}{'&' if '?' in made.path else '?'}{dice.pick(odd.QUERIES)}", odd=True
            )
        if dice.chance(6):
            made = replace(made, headers=(*made.headers, dice.pick(odd.HEADERS)))
        return made


def _filled(path: str, known: Known, dice: Dice) -> str:
    """Return a path with its holes filled: mostly with what exists, its name spelled in one way or another."""
    place, task = "", dice.pick(odd.TASKS)
    if known.tasks and dice.chance(85):
        place, task = dice.pick(known.tasks)
        task = dice.weighted([(task, 6), (quote(task, safe=""), 3), (_escaped(task), 1), (_escaped(task[:9]), 1)])
    if not place or dice.chance(10):
        place = dice.weighted([("images", 8), ("videos", 12), ("audio", 6), ("%76ideos", 1), ("music", 1), ("%2f", 1)])
    upload = dice.pick(known.uploads) if known.uploads and dice.chance(85) else dice.pick(odd.TASKS)
    values = {"scope": place, "upload_id": upload}
    return _HOLE.sub(lambda hole: values.get(hole[1], task), path)


def _escaped(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def _put(known: Known, dice: Dice) -> Made:
    """Return a PUT of some file to a presigned address, or to one much like it."""
    path, kind = dice.pick(known.puts)
    body = forms.file(kind, dice)
    made = Made("PUT", path, "(put)", None, (), body, chunked=dice.chance(10), bare=True)
    if dice.chance(8):
        made = replace(made, path=dice.pick([path[:-1], f"{path}/x", path.replace("up_", "up_0"), f"{path}%00"]))
    if dice.chance(4):
        made = replace(made, method=dice.pick(["GET", "POST", "DELETE", "HEAD"]))
    return replace(made, headers=(dice.pick(odd.HEADERS),)) if dice.chance(10) else made


def _read(raw: bytes) -> Any:
    """Return what a strict reader finds in a JSON body."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return UNREAD


def _form(pairs: forms.Pairs) -> dict[str, list[str | bytes]]:
    form: dict[str, list[str | bytes]] = {}
    for name, value in pairs:
        form.setdefault(name.removesuffix("[]"), []).append(value)
    return form
