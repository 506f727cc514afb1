"""Judges every provider reply by the provider's OpenAPI document; whatever the document does not say is a fault."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema_rs

from soundstage.resources import read_yaml, schema_root

_METHODS = ("get", "post", "put", "delete", "patch")


class MismatchError(AssertionError):
    """A reply that the document does not allow."""


class Judge:
    """One provider's document, compiled as it is used."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._validators: dict[str, jsonschema_rs.Draft202012Validator] = {}

    def operation(self, method: str, path: str) -> tuple[str, dict[str, Any]] | None:
        """Return the operation of a call; of a path without this method any operation, because all know the 405."""
        given = path.partition("?")[0].split("/")
        for template, item in self.document["paths"].items():
            parts = template.split("/")
            if len(parts) != len(given):
                continue
            if all(part == came or (part.startswith("{") and came) for part, came in zip(parts, given, strict=True)):
                known = item.get(method.lower()) or next(item[name] for name in _METHODS if name in item)
                return template, known
        return None

    def check(self, method: str, path: str, status: int, content_type: str, raw: bytes) -> None:
        """Raise MismatchError unless this reply is documented."""
        where = f"{method} {path} → {status}"
        found = self.operation(method, path)
        if found is None:
            if status != 404:
                raise MismatchError(f"{where}: an unknown path must answer 404")
            return self._valid(where, "error", {"$ref": "#/components/schemas/Error"}, json.loads(raw))
        template, operation = found
        response = operation["responses"].get(str(status))
        if response is None:
            raise MismatchError(f"{where}: {operation['operationId']} documents {', '.join(operation['responses'])}")
        if "$ref" in response:
            response = self.document["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
        media = response["content"].get(content_type)
        if media is None:
            raise MismatchError(
                f"{where}: content type {content_type!r}, documented are {', '.join(response['content'])}"
            )
        return self._fits(where, f"{operation['operationId']} {template} {status}", content_type, media, raw)

    def _fits(self, where: str, name: str, content_type: str, media: dict[str, Any], raw: bytes) -> None:
        if content_type == "text/event-stream":
            for chunk in chunks(raw):
                self._valid(where, f"{name} chunk", {"$ref": media["x-chunk-schema"]}, chunk)
        elif content_type.endswith("json"):
            self._valid(where, name, media["schema"], json.loads(raw))
        elif not raw.decode():
            raise MismatchError(f"{where}: an empty document")

    def check_schema(self, name: str, body: Any) -> None:
        """Raise MismatchError unless `body` fits the component schema `name`."""
        self._valid(name, f"component {name}", {"$ref": f"#/components/schemas/{name}"}, body)

    def _valid(self, where: str, name: str, schema: dict[str, Any], body: Any) -> None:
        validator = self._validators.get(name)
        if validator is None:
            whole = {**schema, "components": self.document["components"]}
            validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
            self._validators[name] = validator
        errors = [f"{list(error.instance_path)}: {error.message}" for error in validator.iter_errors(body)]
        if errors:
            raise MismatchError(f"{where}: {'; '.join(errors)[:2000]}")


def chunks(raw: bytes) -> list[Any]:
    """Return the JSON chunks of a stream, whose framing must be exact and whose last event must say that it is done."""
    events = raw.split(b"\n\n")
    if events.pop() != b"" or events.pop() != b"data: [DONE]":
        raise MismatchError("the stream does not end with data: [DONE] and an empty line")
    if any(not event.startswith(b"data: ") or b"\n" in event for event in events):
        raise MismatchError("an event of the stream is not one line that begins with data:")
    return [json.loads(event.removeprefix(b"data: ")) for event in events]


@cache
def of(provider: str) -> Judge:
    """Return the judge of a provider."""
    return Judge(read_yaml(schema_root() / provider / "openapi.yaml"))
