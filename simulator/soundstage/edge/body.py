"""The strict reader: what comes from outside becomes a plain value, or a problem that says what to send instead."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import web
from aiohttp.web_request import BaseRequest

from soundstage.core.call import Problem

JSON_LIMIT = 1_048_576
DEEPEST = 100


async def read_bytes(request: BaseRequest, limit: int) -> bytes | Problem:
    """Return the whole body, at most `limit` bytes after decompression, or the problem with it."""
    if not request.can_read_body:
        return b""
    content = request.content
    try:
        if content.is_eof():
            # The usual case: a small body that came with its headers.
            whole = content.read_nowait()
            return whole if len(whole) <= limit else _too_large(limit)
        length = request.content_length
        if length is not None and length > limit:
            return _too_large(limit)
        chunks, size = [], 0
        while chunk := await content.readany():
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                return _too_large(limit)
    except web.RequestPayloadError:
        return unreadable(request)
    return b"".join(chunks)


def unreadable(request: BaseRequest) -> Problem:
    """Return the problem with a body that breaks off or is encoded wrongly, and let nobody try to read on."""
    # aiohttp would drain what is left, fail at it as well, and log that as an error of the server.
    request.content.feed_eof()
    return Problem("malformed_body", "The body could not be read: its encoding or its length is wrong.")


def _too_large(limit: int) -> Problem:
    return Problem("payload_too_large", f"The body may have at most {limit} bytes.")


def parse_json(raw: bytes, content_type: str | None, *, or_form: bool = False) -> Any:
    """Return the value of a JSON body, or a Problem: strict JSON in UTF-8 only."""
    if content_type is not None and not _is_json(content_type):
        form = ", or a form as multipart/form-data" if or_form else ""
        return Problem("unsupported_media_type", f"Send JSON, with the header Content-Type: application/json{form}.")
    if not raw.strip():
        return Problem("malformed_body", "The body is empty; send a JSON object.")
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return Problem(
            "malformed_body",
            f"The body is not valid JSON in UTF-8 (line {error.lineno}, column {error.colno}); send a JSON object.",
        )
    if is_deep(raw, value):
        return Problem("malformed_body", f"The body is nested more than {DEEPEST} levels deep.")
    return value


def is_deep(raw: bytes, value: Any) -> bool:
    """Tell whether a parsed value is nested deeper than anything here can write again."""
    if raw.count(b"[") + raw.count(b"{") <= DEEPEST:
        return False
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            return True
        inside = (one.values() if isinstance(one, dict) else one for one in level)
        level = [child for children in inside for child in children if isinstance(child, dict | list)]
    return False


def parse_query(text: str) -> Mapping[str, str] | Problem:
    """Return a query string's fields, or the problem with it."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=100)
    except UnicodeDecodeError:
        return Problem("invalid_request", "The query string must be percent-encoded UTF-8.")
    except ValueError:
        return Problem("invalid_request", "The query string may have at most 100 fields.")
    fields = dict(pairs)
    if len(fields) != len(pairs):
        return Problem("invalid_request", "A query field is given twice; give each one once.")
    return fields


def _is_json(content_type: str) -> bool:
    if content_type == "application/json":
        return True
    media, _, parameters = content_type.partition(";")
    media = media.strip().lower()
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    json_like = media == "application/json" or (media.startswith("application/") and media.endswith("+json"))
    return json_like and (not parameters or charset in {"utf-8", "utf8"} or "charset" not in parameters.lower())
