"""What requests to API-Key should cost in micros, worked out from its catalogue and the published rules alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

import orjson

from fuzz import forms
from soundstage.resources import read_yaml, schema_root
from support import judge

MICROS = 1_000_000


@cache
def models() -> Mapping[str, Any]:
    """Return the models of the catalogue."""
    found: Mapping[str, Any] = read_yaml(schema_root() / "apikeyorg" / "catalogue.yaml")["models"]
    return found


def fields_of(value: Mapping[str, Any], *, form: bool) -> dict[str, Any]:
    """Return a body's fields: of a form the only value of each, but lists for references."""
    if not form:
        return dict(value)
    return {name: given if name in {"images", "videos"} else given[0] for name, given in value.items()}


def asked_seconds(fields: Mapping[str, Any]) -> int | None:
    """Return the seconds a request names, or None."""
    model = models()[fields["model"]]
    names = {"video": ("duration", "seconds"), "music": ("duration",)}.get(model["category"], ())
    return next((int(fields[name]) for name in names if fields.get(name) is not None), None)


def files(fields: Mapping[str, Any]) -> int:
    """Return how many files a task makes."""
    asked = fields.get("n") if models()[fields["model"]]["category"] == "image" else None
    return int(asked or 1)


def task(fields: Mapping[str, Any], seconds: int | None = None) -> int:
    """Return what a task costs: for `seconds` when they are known, otherwise what is to be reserved."""
    model = models()[fields["model"]]
    made = asked_seconds(fields) if seconds is None else seconds
    if made is None and "duration" in model:
        made = model["duration"]["auto"]["maximum"]
    price = model["price"]
    row = {"resolution": _resolution(model, fields), "input_mode": _mode(fields)}
    rows = [
        one for one in price.get("rows", [price]) if all(one["when"][name] == row[name] for name in price.get("by", ()))
    ]
    rate = int(rows[0]["credits"]) * MICROS
    if model["category"] == "image":
        return rate * files(fields)
    assert made is not None
    return rate * (made if model["category"] == "video" else -(-made // 30))


def _resolution(model: Mapping[str, Any], fields: Mapping[str, Any]) -> Any:
    if "resolutions" not in model:
        return None
    if fields.get("size") is None:
        return str(fields.get("resolution") or model["default_resolution"])
    shorter = min(int(side) for side in fields["size"].split("x"))
    sizes = {name: int(name[:-1]) * (1024 if name.endswith("k") else 1) for name in model["resolutions"]}
    holding = [name for name, size in sizes.items() if size >= shorter]
    return min(holding, key=sizes.__getitem__) if holding else max(sizes, key=sizes.__getitem__)


def _mode(fields: Mapping[str, Any]) -> str:
    if fields.get("videos"):
        return "video-to-video"
    if fields.get("images"):
        return "image-to-video"
    if isinstance(fields.get("input_reference"), bytes):
        return f"{forms.kind_of(fields['input_reference'])}-to-video"
    return str(fields.get("input_mode") or "text-to-video")


def tokens(text: str) -> int:
    """Return a text's tokens: one for every four characters begun."""
    return -(-len(text) // 4)


def by_token(model: str, read: int, written: int = 0) -> int:
    """Return what tokens cost; prices are per thousand."""
    price = models()[model]["price"]
    cost = (Decimal(price["input"]) * read + Decimal(price.get("output", "0")) * written) * MICROS / 1000
    assert cost == int(cost), f"{model} has a price below a micro"
    return int(cost)


def asked_tokens(value: Mapping[str, Any]) -> int:
    """Return the tokens of a chat's messages and tools."""
    tools = value.get("tools")
    counted = 2 + (tokens(orjson.dumps(tools).decode()) if tools else 0)
    for message in value["messages"]:
        counted += 4 + _content(message.get("content"))
        if message["role"] == "assistant":
            for call in message.get("tool_calls") or ():
                counted += tokens(call["function"]["name"]) + tokens(call["function"]["arguments"])
    return counted


def _content(content: Any) -> int:
    if content is None or isinstance(content, str):
        return tokens(content or "")
    counted = 0
    for part in content:
        if part["type"] == "text":
            counted += tokens(part["text"])
        elif part["type"] == "image_url":
            counted += 85 if part["image_url"].get("detail") == "low" else 765
        else:
            counted += 64
    return counted


def input_tokens(given: Any) -> int:
    """Return the tokens of an embedding's input."""
    if isinstance(given, str):
        return tokens(given)
    if isinstance(given[0], int):
        return len(given)
    return sum(tokens(one) if isinstance(one, str) else len(one) for one in given)


def said(content_type: str, raw: bytes) -> tuple[list[dict[str, Any]], Mapping[str, Any] | None]:
    """Return (choices, usage) of a chat's reply; a stream's pieces are put together."""
    if content_type != "text/event-stream":
        body = json.loads(raw)
        return [{**one["message"], "finish_reason": one["finish_reason"]} for one in body["choices"]], body["usage"]
    choices: dict[int, dict[str, Any]] = {}
    usage = None
    for chunk in judge.chunks(raw):
        usage = chunk.get("usage") or usage
        for piece in chunk["choices"]:
            _join(choices.setdefault(piece["index"], {"content": None}), piece)
    return [choices[index] for index in sorted(choices)], usage


def _join(choice: dict[str, Any], piece: Mapping[str, Any]) -> None:
    delta = piece["delta"]
    choice["finish_reason"] = piece["finish_reason"]
    if delta.get("content") is not None:
        choice["content"] = (choice["content"] or "") + delta["content"]
    for call in delta.get("tool_calls", ()):
        known = choice.setdefault("tool_calls", [{"function": {"name": "", "arguments": ""}}])[call["index"]]
        known["function"]["name"] += call["function"].get("name", "")
        known["function"]["arguments"] += call["function"].get("arguments", "")


def written_tokens(choices: list[dict[str, Any]]) -> int:
    """Return the tokens of all choices."""
    counted = 0
    for choice in choices:
        calls = choice.get("tool_calls") or ()
        counted += tokens(choice["content"] or "") + sum(tokens(call["function"]["arguments"]) for call in calls)
    return counted
