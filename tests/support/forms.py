"""What the tests of forms share: bodies put together byte by byte, and what must be true after a refusal."""

from __future__ import annotations

import io
import json
from typing import Any

from soundstage.core.universe import universe_of
from support.client import PROMPT, Answer, House

PATH = "/v1/videos"
BOUNDARY = "x-boundary-x"
TYPE = f"multipart/form-data; boundary={BOUNDARY}"
URLENCODED = "application/x-www-form-urlencoded"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 200
MP4 = b"\0\0\0\x20ftypisom\0\0\2\0" + b"\0" * 200


def part(head: str | bytes, value: str | bytes) -> bytes:
    """Return one part with these header lines."""
    lines, said = (one.encode() if isinstance(one, str) else one for one in (head, value))
    return b"--" + BOUNDARY.encode() + b"\r\n" + lines + b"\r\n\r\n" + said + b"\r\n"


def field(name: str, value: str | bytes) -> bytes:
    """Return a part that is a field."""
    return part(f'Content-Disposition: form-data; name="{name}"', value)


def upload(content: bytes, *, name: str = "input_reference", filename: str = "a.png", more: str = "") -> bytes:
    """Return a part that is a file; `more` are further header lines."""
    return part(f'Content-Disposition: form-data; name="{name}"; filename="{filename}"{more}', content)


def form(*parts: bytes, end: bytes = b"--x-boundary-x--\r\n") -> bytes:
    """Return a body of parts."""
    return b"".join(parts) + end


BASE = field("model", "seedance-2") + field("prompt", PROMPT)
GOOD = form(BASE)


async def send(house: House, body: Any, content_type: str = TYPE, headers: dict[str, str] | None = None) -> Answer:
    """Send a body as it is; large ones as files, since the client warns about large bytes."""
    data = io.BytesIO(body) if isinstance(body, bytes) else body
    return await house.gateway().call(
        "POST", PATH, data=data, headers={"Content-Type": content_type, **(headers or {})}
    )


def refused(answer: Answer, status: int = 400, param: str | None = None) -> str:
    """Assert API-Key's error shape and return the message."""
    assert answer.status == status, answer.raw
    assert answer.body.keys() == {"error"}
    error = answer["error"]
    assert error.keys() - {"param"} == {"message", "type", "code"}
    codes = {400: "invalid_request", 404: "model_not_found", 413: "payload_too_large", 415: "unsupported_media_type"}
    assert error["code"] == codes[status]
    assert param is None or error["param"] == param, error
    assert 10 < len(error["message"]) < 1000
    return str(error["message"])


async def untouched(house: House) -> None:
    """Assert that no task exists, no credit moved and the books balance."""
    admin = house.admin()
    assert await admin.tasks() == []
    wallet = await admin.wallet()
    assert not wallet or [wallet[name] for name in ("available", "held", "spent")] == [1000, 0, 0]
    await admin.sound()


def fields_of(house: House, answer: Answer) -> dict[str, Any]:
    """Return what the server understood of an accepted form."""
    assert answer.status == 200, answer.raw
    view = house.stage.world.store.peek(universe_of(house.key))
    fields: dict[str, Any] = json.loads(view.get("task", answer["task_id"]).request)
    return fields
