"""Reads a request as suspiciously as it can: what two servers might read differently is refused, not guessed at.

A price is worth something only when the target reads the very request that was priced. So a path must be in its one
plain form, a body that costs must be one strict JSON object of documented fields, and nothing may name another method.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections import Counter
from typing import Any
from urllib.parse import quote, unquote

import jsonschema_rs

from soundstage_contracts.documents.contract import Contract, Operation
from soundstage_contracts.exchange import Headers, Request
from soundstage_contracts.guard.ledger import Denied

UNKNOWN = "no documented operation"
AMBIGUOUS = "it can be read in two ways"
UNPRICEABLE = "cannot be priced"

_PLAIN = "@:!$'()*,=+~"
"""Characters that may stand unencoded in a part of a path, beside letters, digits and -._"""
_HIDDEN = re.compile(r"[\x00-\x1f\x7f/\\%.;?#]")
_OVERRIDES = frozenset(
    {
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
        "x-original-url",
        "x-rewrite-url",
        "x-original-uri",
    }
)
_ONE_READING = frozenset({"content-type", "content-length", "content-encoding", "transfer-encoding", "host"})
_JSON = re.compile(r'application/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?', re.IGNORECASE)
_LARGEST_INTEGER = 2**53 - 1
_BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


def check_head(request: Request) -> None:
    """Raise Denied for a path or headers that mean one thing here and may mean another at the target."""
    path, mark, query = request.path.partition("?")
    if not path.startswith("/"):
        raise Denied(UNKNOWN, "the request is not for a path under the base URL")
    for part in path.split("/")[1:]:
        _check_part(part)
    if mark and (not query.isascii() or "#" in query or _names_method(query)):
        raise Denied(AMBIGUOUS, "the query is not plain, or it names a method")
    _check_headers(request.headers)
    if request.body and request.method in _BODILESS:
        raise Denied(AMBIGUOUS, f"a {request.method} with a body")


def _check_part(part: str) -> None:
    try:
        text = unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise Denied(AMBIGUOUS, "the path is no UTF-8") from None
    encoded = text != part
    if not part or part in {".", ".."} or quote(text, safe=_PLAIN) != part or (encoded and _HIDDEN.search(text)):
        raise Denied(AMBIGUOUS, "the path is not in its one plain form")


def _names_method(query: str) -> bool:
    names = [unquote(pair.partition("=")[0]).lower() for pair in re.split("[&;]", query)]
    return any(name.replace("_", "-") in {"-method", "http-method", *_OVERRIDES} for name in names)


def _check_headers(headers: Headers) -> None:
    seen = Counter(name.lower().replace("_", "-") for name, _ in headers)
    for name, value in headers:
        # Some servers make no difference between a dash and an underscore in a header's name.
        plain = name.lower().replace("_", "-")
        if not (name.isascii() and value.isascii()):
            raise Denied(AMBIGUOUS, "a header is not plain text")
        if plain in _OVERRIDES:
            raise Denied(AMBIGUOUS, f"the header {plain} asks for another request than the one it is on")
        if plain in _ONE_READING and (seen[plain] > 1 or "_" in name):
            raise Denied(AMBIGUOUS, f"the header {plain} comes twice or is misspelt")
        odd = plain == "transfer-encoding" or (plain == "content-encoding" and value.strip().lower() != "identity")
        if odd:
            raise Denied(AMBIGUOUS, f"the header {plain} makes the body another one")


def documented(contract: Contract, request: Request) -> Operation:
    """Return the operation a request is for; raises Denied unless it is documented with exactly this method."""
    operation = contract.operation(request.method, request.path)
    if operation is None or operation.method != request.method:
        raise Denied(UNKNOWN, f"{request.method} {request.path.partition('?')[0][:100]} is not in the document")
    return operation


class Strictness:
    """Says of requests that cost whether their bodies have one reading, by one provider's document."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        schemes = contract.document.get("components", {}).get("securitySchemes", {}).values()
        self._keys = {one["name"] for one in schemes if one.get("type") == "apiKey" and one.get("in") == "query"}
        self._validators: dict[str, jsonschema_rs.Draft202012Validator] = {}

    def check(self, operation: Operation, request: Request) -> None:
        """Raise Denied unless the body is one strict JSON object with documented fields only, and all that counts."""
        self._check_query(request.path.partition("?")[2])
        if _JSON.fullmatch((request.header("content-type") or "").strip()) is None:
            raise Denied(UNPRICEABLE, "only application/json in UTF-8 has one reading")
        problem = next(self._validator(operation).iter_errors(strict_object(request.body)), None)
        if problem is not None:
            raise Denied(UNPRICEABLE, f"the body is not a documented one: {problem.message[:200]}")

    def _check_query(self, query: str) -> None:
        names = [pair.partition("=")[0] for pair in query.split("&")] if query else []
        if len(names) != len(set(names)) or not self._keys.issuperset(names) or ";" in query:
            raise Denied(AMBIGUOUS, "a request that costs has its fields in the body, not in the query")

    def _validator(self, operation: Operation) -> jsonschema_rs.Draft202012Validator:
        known = self._validators.get(operation.name)
        if known is None:
            body = self._contract.resolved(operation.says.get("requestBody", {}))
            schema = body.get("content", {}).get("application/json", {}).get("schema", False)
            components = {"schemas": _closed(self._contract.document["components"]["schemas"])}
            whole = {"components": components, "allOf": [_closed(schema)], "unevaluatedProperties": False}
            known = self._validators[operation.name] = jsonschema_rs.Draft202012Validator(whole)
        return known


def _closed(node: Any) -> Any:
    """Return a schema without its explicit permissions for more fields."""
    if isinstance(node, list):
        return [_closed(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        name: _closed(value) for name, value in node.items() if not (name == "additionalProperties" and value is True)
    }


def strict_object(body: bytes) -> dict[str, Any]:
    """Return a body that is one JSON object which every reader reads alike; raises Denied for any other."""
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_pairs,
            parse_constant=_no_number,
            parse_int=_integer,
            parse_float=_number,
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        # UnicodeError, a half of a surrogate pair included, is a ValueError too.
        raise Denied(UNPRICEABLE, "the body is no strict JSON") from None
    if not isinstance(value, dict):
        raise Denied(UNPRICEABLE, "the body is no JSON object")
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Readers that make no difference between large and small letters take these for one field.
    if len({unicodedata.normalize("NFKC", name).casefold() for name, _ in pairs}) != len(pairs):
        raise Denied(AMBIGUOUS, "a field of the body comes twice")
    return dict(pairs)


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _integer(text: str) -> int:
    number = int(text)
    if abs(number) > _LARGEST_INTEGER or text == "-0":
        raise ValueError("not every reader keeps this number")
    return number


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number) or number.is_integer():
        # 5.0 is the integer 5 for some readers and no integer at all for others.
        raise ValueError("not every reader reads this number alike")
    return number
