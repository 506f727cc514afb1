"""API-Key's requests as the suite reads them: a body of any documented form, its quote, the most it may cost.

Source: R-KEY-030, 033, 037; decision D8 (forms). No price is published.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from email import message_from_bytes
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl

from soundstage_contracts.exchange import Request

CREATES = {"/v1/videos": "video", "/v1/images/generations": "image", "/v1/music/generations": "music"}
OBJECTS = {kind: f"gateway.{kind}.task" for kind in CREATES.values()}
BY_TOKEN = ("/v1/chat/completions", "/v1/embeddings")
ENTRY_POINTS = ("/openapi.json", "/api-docs/index.md", "/llms.txt", "/.well-known/api-catalog", "/auth.md")
ESTIMATE = "/v1/credits/estimate"
MODELS = "/v1/models"
_TASK = re.compile(r"/v1/tasks/[^/]+")
_DIGITS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?", re.ASCII)


def estimate_of(request: Request) -> dict[str, Any]:
    """Return the fields of a create that its price depends on, as an estimate takes them."""
    body = sent(request)
    kind = CREATES.get(request.path.partition("?")[0], "video")
    asked = {"model": body.get("model"), "modality": kind, "duration": body.get("duration", body.get("seconds"))}
    asked |= {name: body.get(name) for name in ("resolution", "max_credits")}
    asked |= {"n": body.get("n")} if kind == "image" else {}
    if kind == "video":
        asked["input_mode"] = body.get("input_mode") or _mode(body)
    return {name: value for name, value in asked.items() if value is not None}


def sent(request: Request) -> dict[str, Any]:
    """Return the fields of a create in JSON or form, numbers as numbers."""
    return {name: _number(name, value) for name, value in _pairs(request) or ()}


def worst_price(request: Request) -> Decimal | None:
    """Return the most a request may cost: its own max_credits, 0 where it is free, None where nobody can tell."""
    path = request.path.partition("?")[0]
    if request.method in {"GET", "HEAD"}:
        free = path in {MODELS, *ENTRY_POINTS} or _TASK.fullmatch(path) is not None
        return Decimal(0) if free else None
    if request.method != "POST":
        return None
    return _budget(request) if path in CREATES else (Decimal(0) if path == ESTIMATE else None)


def _budget(request: Request) -> Decimal | None:
    pairs = _pairs(request)
    if pairs is None:
        return None
    # Of two fields with one name nobody knows which counts, so such a body has no ceiling.
    given = [value for name, value in pairs if name == "max_credits"]
    if len(given) != 1 or isinstance(given[0], bool) or not isinstance(given[0], int | float | str):
        return None
    text = str(given[0])
    if isinstance(given[0], str) and (_is_json(request) or not _DIGITS.fullmatch(text)):
        return None
    known = Decimal(text)
    return known if known.is_finite() and known >= 0 else None


def _is_json(request: Request) -> bool:
    return "json" in (request.header("content-type") or "json").lower()


def _pairs(request: Request) -> list[tuple[str, Any]] | None:
    """Return the fields of a body in JSON or form, in order and with repetitions, or None where it is neither."""
    media = (request.header("content-type") or "").lower()
    try:
        if _is_json(request):
            return _object(request.body)
        if media.startswith("application/x-www-form-urlencoded"):
            return [(name, value) for name, value in parse_qsl(request.body.decode())]
        if media.startswith("multipart/form-data"):
            return _parts(request)
    except (ValueError, RecursionError):
        return None
    return None


def _object(body: bytes) -> list[tuple[str, Any]] | None:
    # The hook sees inner objects first; the outermost comes last and is the one that is returned.
    last: list[Any] = []

    def keep(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
        last[:] = [pairs]
        return dict(pairs)

    value = json.loads(body, object_pairs_hook=keep)
    return last[0] if isinstance(value, dict) else None


def _parts(request: Request) -> list[tuple[str, Any]]:
    head = f"Content-Type: {request.header('content-type')}\r\n\r\n".encode()
    message = message_from_bytes(head + request.body)
    parts = [part for part in message.get_payload() if isinstance(part, Message)] if message.is_multipart() else []
    # A file is no field: a target may not look into one that is called max_credits.
    return [(_name(part), None if part.get_filename() else _text(part)) for part in parts]


def _name(part: Message) -> str:
    return str(part.get_param("name", "", "content-disposition"))


def _text(part: Message) -> str:
    data = part.get_payload(decode=True)
    return data.decode("utf-8", "replace") if isinstance(data, bytes) else ""


def _mode(body: Mapping[str, Any]) -> str:
    given = {name.removesuffix("[]") for name, value in body.items() if value}
    if "images" in given or "input_reference" in given:
        return "image-to-video"
    return "video-to-video" if "videos" in given else "text-to-video"


def _number(name: str, value: Any) -> Any:
    if name in {"duration", "seconds", "n", "max_credits"} and isinstance(value, str) and _DIGITS.fullmatch(value):
        return float(value) if "." in value else int(value)
    return value
