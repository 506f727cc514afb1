"""A provider's OpenAPI document as a judge: says of any exchange whether it is a documented one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

from soundstage_contracts.documents import document
from soundstage_contracts.documents.relaxed import relaxed
from soundstage_contracts.exchange import Reply, Request

METHODS = ("get", "post", "put", "delete", "patch")


@dataclass(frozen=True, slots=True)
class Operation:
    """One documented endpoint: `name` is its operationId, `path` the template, `says` its part of the document."""

    name: str
    method: str
    path: str
    says: dict[str, Any]


class Contract:
    """One provider's document, its schemas compiled as they are used.

    With `assumptions` the whole document counts; without, only what it does not mark as our own choice: a 2xx reply
    must have the documented fields in the documented types, and what errors look like is nobody's promise.
    """

    def __init__(self, provider: str, *, assumptions: bool) -> None:
        """Read the documents of `provider`."""
        self.provider = provider
        self.assumptions = assumptions
        self.document: dict[str, Any] = document(provider, "openapi")
        self.operations = tuple(
            Operation(says["operationId"], method.upper(), path, says)
            for path, item in self.document["paths"].items()
            for method, says in item.items()
            if method in METHODS
        )
        self._by_length: dict[int, list[tuple[list[str], Operation]]] = {}
        for operation in self.operations:
            parts = operation.path.split("/")
            self._by_length.setdefault(len(parts), []).append((parts, operation))
        self._validators: dict[str, jsonschema_rs.Draft202012Validator] = {}

    def operation(self, method: str, path: str) -> Operation | None:
        """Return the operation a request is for; of a known path with another method any of its operations."""
        given = path.partition("?")[0].split("/")
        fitting = [known for parts, known in self._by_length.get(len(given), ()) if _fits(parts, given)]
        # A template with fewer placeholders is the better fit: /v1/models/pricing before /v1/models/{id}.
        fitting.sort(key=lambda known: known.path.count("{"))
        return next((known for known in fitting if known.method == method.upper()), fitting[0] if fitting else None)

    def named(self, name: str) -> Operation:
        """Return the operation with this operationId."""
        return next(known for known in self.operations if known.name == name)

    def sources(self, operation: Operation) -> tuple[str, ...]:
        """Return the requirement ids that an operation and its replies cite, in order.

        Without assumptions only what is judged then: good replies, and of those what is no choice of ours.
        """
        found = dict.fromkeys(operation.says.get("x-source", ()))
        for status, response in operation.says["responses"].items():
            if self.assumptions or status.startswith("2"):
                found.update(dict.fromkeys(self._cited(response, frozenset())))
        return tuple(found)

    def _cited(self, node: object, met: frozenset[str]) -> Iterator[str]:
        if isinstance(node, list):
            for inner in node:
                yield from self._cited(inner, met)
        if not isinstance(node, dict) or (not self.assumptions and "x-assumption" in node and "x-source" not in node):
            return
        reference = node.get("$ref")
        if isinstance(reference, str) and reference not in met:
            yield from self._cited(self.resolved(node), met | {reference})
        cited = node.get("x-source", ())
        yield from [cited] if isinstance(cited, str) else cited
        for name, inner in node.items():
            if name not in {"x-source", "links", "examples", "example"}:
                yield from self._cited(inner, met)

    def problems(self, request: Request, reply: Reply) -> Iterator[str]:
        """Yield, as sentences, what of a reply is not as documented; a HEAD's reply has no body to judge."""
        if request.method == "HEAD":
            return
        operation = self.operation(request.method, request.path)
        if operation is None:
            if self.assumptions:
                yield from self._unknown_path(request, reply)
            return
        response = self._response(operation, reply.status)
        if response is None:
            if self.assumptions or reply.status < 300:
                known = ", ".join(operation.says["responses"])
                yield f"{operation.name} answered {reply.status}; documented are {known}"
            return
        if self.assumptions or reply.status < 300:
            yield from self._content(operation, response, reply)
            yield from self._headers(operation, response, reply)

    def _unknown_path(self, request: Request, reply: Reply) -> Iterator[str]:
        if reply.status != 404:
            yield f"{request.method} {request.path[:100]} is no documented path and answered {reply.status}, not 404"
        else:
            yield from self._valid("404", {"$ref": "#/components/schemas/Error"}, reply)

    def _response(self, operation: Operation, status: int) -> dict[str, Any] | None:
        known = operation.says["responses"]
        found = known.get(str(status), known.get(f"{status // 100}XX", known.get("default")))
        return None if found is None else self.resolved(found)

    def resolved(self, node: Any) -> Any:
        """Return what a node of the document says, a reference followed to its end."""
        while isinstance(node, dict) and "$ref" in node:
            target: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    def _content(self, operation: Operation, response: dict[str, Any], reply: Reply) -> Iterator[str]:
        name = f"{operation.name} {reply.status}"
        content = response.get("content")
        if content is None:
            if reply.body:
                yield f"{name} has a body, and none is documented"
            return
        media = content.get(reply.media_type)
        if media is None:
            yield f"{name} came as {reply.media_type or 'no content type'}; documented are {', '.join(content)}"
        elif reply.media_type == "text/event-stream":
            for event in events(reply.body):
                yield from self._valid(f"{name} event", {"$ref": media["x-chunk-schema"]}, event)
        elif reply.media_type.endswith("json"):
            yield from self._valid(name, media.get("schema", True), reply)
        elif not reply.body:
            yield f"{name} came without a body"

    def _headers(self, operation: Operation, response: dict[str, Any], reply: Reply) -> Iterator[str]:
        for name, given in response.get("headers", {}).items():
            says = self.resolved(given)
            value = reply.header(name)
            if value is None:
                if says.get("required"):
                    yield f"{operation.name} {reply.status} came without the header {name}"
                continue
            typed: Any = int(value) if says.get("schema", {}).get("type") == "integer" and value.isdecimal() else value
            problems = self._valid(f"header {name} of {operation.name} {reply.status}", says.get("schema", True), typed)
            yield from problems if self.assumptions else ()

    def schema_problems(self, component: str, value: Any) -> Iterator[str]:
        """Yield what of a value does not fit a component schema, such as a callback's body."""
        yield from self._valid(component, {"$ref": f"#/components/schemas/{component}"}, value)

    def _valid(self, name: str, schema: Any, given: Any) -> Iterator[str]:
        if isinstance(given, Reply):
            try:
                given = json.loads(given.body)
            except (ValueError, RecursionError):
                yield f"{name} is no JSON: {given.body[:80]!r}"
                return
        key = f"{name} {json.dumps(schema, sort_keys=True, default=str)}"
        validator = self._validators.get(key)
        if validator is None:
            whole: dict[str, Any] = {"components": self.document["components"]}
            whole |= {"allOf": [schema]}
            if not self.assumptions:
                whole = relaxed(whole)
            validator = self._validators[key] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        try:
            errors = list(validator.iter_errors(given))
        except ValueError as refused:  # such as: nested too deep to be looked at
            yield f"{name} cannot be held against its schema: {str(refused)[:100]}"
            return
        for error in errors:
            where = "/".join(map(str, error.instance_path))
            yield f"{name}{f' at {where}' if where else ''}: {error.message[:300]}"


def events(body: bytes) -> Iterator[Any]:
    """Yield the JSON of each event of a text/event-stream, up to the closing [DONE]."""
    for line in body.decode("utf-8", "replace").splitlines():
        data = line.removeprefix("data:").strip()
        if line.startswith("data:") and data != "[DONE]":
            try:
                yield json.loads(data)
            except ValueError:
                yield data


def _fits(parts: list[str], given: list[str]) -> bool:
    pairs = zip(parts, given, strict=True)
    return all(part == unquote(came) or (part.startswith("{") and came) for part, came in pairs)
