"""A document made safe to fuzz: every address a generated request could carry is one fixed, harmless address."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from typing import Any

CALLBACK = "http://127.0.0.1:9/soundstage-contracts"
"""Where a target may call: a port of its own machine that discards everything."""

MEDIA = "https://media.example.com/reference.png"
"""What a target may fetch: a host that is reserved for examples and has no files."""

_CALLS = re.compile(r"callback|webhook|notify|hook", re.IGNORECASE)
_PREFIX = "#/components/schemas/"
_SENT = "Sent"
_WORDS = ("format", "pattern", "minLength", "maxLength")
Known = dict[str, list[str]]
_METHODS = ("get", "post", "put", "delete", "patch")


def pinned(document: Mapping[str, Any], without: Collection[str] = ()) -> dict[str, Any]:
    """Return the document with every address in requests pinned, and without the operations of these operationIds.

    Schemas of requests become copies of their own (`SentX` beside `X`), so that replies are judged as documented.
    Callbacks go: nothing may be generated from their addresses.
    """
    whole: dict[str, Any] = deepcopy(dict(document))
    known = _documented(whole)
    components = whole["components"]
    for name, schema in list(components["schemas"].items()):
        components["schemas"][_SENT + name] = _sent(schema, name, known)
    for place in ("parameters", "requestBodies"):
        if place in components:
            components[place] = {name: _sent(one, name, known) for name, one in components[place].items()}
    components.pop("callbacks", None)
    for item in whole["paths"].values():
        _pin_operations(item, known, without)
    whole["paths"] = {path: item for path, item in whole["paths"].items() if any(name in item for name in _METHODS)}
    return whole


def addresses(text: str) -> Iterator[str]:
    """Yield the hosts of all web addresses in a text."""
    for found in re.finditer(r"https?:\\?/\\?/([^/\\?#\"'\s&,\]}]*)", text, re.IGNORECASE):
        yield found.group(1).rpartition("@")[2].lower()


def harmless(host: str, also: Collection[str] = ()) -> bool:
    """Return whether a request may name this host: this machine's, one for examples, or one of the document's."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    return not name or name in {"127.0.0.1", "localhost", *also} or f".{name}".endswith(".example.com")


def hosts(document: Mapping[str, Any]) -> set[str]:
    """Return the hosts of the addresses that a pinned document's requests can carry."""
    return set(addresses(repr(document["paths"]) + repr(document["components"])))


def _pin_operations(item: dict[str, Any], known: Known, without: Collection[str]) -> None:
    for method in _METHODS:
        says = item.get(method)
        if says is None:
            continue
        if says["operationId"] in without:
            del item[method]
            continue
        says.pop("callbacks", None)
        _leave_streams(says)
        for place in ("requestBody", "parameters"):
            if place in says:
                says[place] = _sent(says[place], "", known)
        _leave_second_form(says)
    if "parameters" in item:
        item["parameters"] = _sent(item["parameters"], "", known)


def _leave_second_form(says: dict[str, Any]) -> None:
    """Keep one of two kinds of form: both have one schema, and each costs as many requests as the other."""
    content = says.get("requestBody", {}).get("content", {})
    if "multipart/form-data" in content:
        content.pop("application/x-www-form-urlencoded", None)


def _leave_streams(says: dict[str, Any]) -> None:
    """Take the schemas of event streams out: the contract judges each event, and Schemathesis another shape of it."""
    for response in says["responses"].values():
        response.get("content", {}).get("text/event-stream", {}).pop("schema", None)


def _documented(document: Mapping[str, Any]) -> Known:
    """Return by field name the addresses that examples of requests give it."""
    found: Known = {}
    for item in document["paths"].values():
        for method in _METHODS:
            for name, address in _named_addresses(item.get(method, {}).get("requestBody", {}), ""):
                found.setdefault(name, []).append(address)
    return found


def _named_addresses(node: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _named_addresses(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from _named_addresses(value, name)
    elif isinstance(node, str) and re.match(r"https?://", node):
        yield name, node


def _sent(node: Any, name: str, known: Known) -> Any:
    if isinstance(node, list):
        return [_sent(one, name, known) for one in node]
    if isinstance(node, str):
        return (CALLBACK if _CALLS.search(name) else node) if re.match(r"https?://", node) else node
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str) and node["$ref"].startswith(_PREFIX):
        target = node["$ref"].removeprefix(_PREFIX)
        return {**node, "$ref": f"{_PREFIX}{_SENT}{target}"}
    if "data:" in str(node.get("pattern", "")):
        return {**node, "pattern": re.sub(r"https\?://\|", "", node["pattern"])}
    if _takes_address(node, name):
        kept = {key: value for key, value in node.items() if key not in {*_WORDS, "examples", "example", "default"}}
        kinds = node.get("type", "string")
        return kept | {"enum": [_address(name, node, known), *([None] if "null" in kinds else [])]}
    return {key: _sent(value, _named(key, name), known) for key, value in node.items()}


def _takes_address(node: Mapping[str, Any], name: str) -> bool:
    kinds = node.get("type", ())
    text = kinds == "string" or (isinstance(kinds, list) and "string" in kinds)
    says = str(node.get("pattern", ""))
    return (
        text and "enum" not in node and (node.get("format") == "uri" or "https?:" in says or bool(_CALLS.search(name)))
    )


def _named(key: str, name: str) -> str:
    """Return the field a part of a schema is about: words of the schema language name nothing."""
    return name if key in {"items", "anyOf", "oneOf", "allOf", "schema", "value", "if", "then", "else", "not"} else key


def _address(name: str, node: Mapping[str, Any], known: Known) -> str:
    if _CALLS.search(name):
        return CALLBACK
    fitting = (one for one in known.get(name, ()) if re.search(node.get("pattern", ""), one))
    return next(fitting, MEDIA)
