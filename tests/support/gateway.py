"""What the tests of API-Key share: its documented operations, a body for each, and short forms of checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from soundstage.resources import read_yaml, schema_root
from support.client import PROMPT, TASKS, Admin, Answer, Gateway, House

FOLDER = schema_root() / "apikeyorg"
DOCUMENT: Mapping[str, Any] = read_yaml(FOLDER / "openapi.yaml")
MODELS: Mapping[str, Any] = read_yaml(FOLDER / "catalogue.yaml")["models"]
BODIES: Mapping[str, Mapping[str, Any]] = {
    "/v1/credits/estimate": {"model": "seedance-2"},
    "/v1/chat/completions": {"model": "gpt-5-mini", "messages": [{"role": "user", "content": PROMPT}]},
    "/v1/embeddings": {"model": "text-embedding-3-small", "input": PROMPT},
    **dict(TASKS.values()),
}
# Method, path with an id in it, and whether the document says that no key is needed.
OPERATIONS = [
    (method.upper(), path.replace("{task_id}", "task_abc123"), operation.get("security") == [])
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
]
PROTECTED = [(method, path) for method, path, keyless in OPERATIONS if not keyless]
KEYLESS = [(method, path) for method, path, keyless in OPERATIONS if keyless]


def nobody(stage: House) -> Gateway:
    """Return a client of API-Key without a key."""
    return replace(stage.gateway(), key=None)


def bearer(key: str) -> dict[str, str]:
    """Return the header that sends a key."""
    return {"Authorization": f"Bearer {key}"}


def refused(answer: Answer, status: int, code: str, type_: str, param: str | None = None) -> bool:
    """Assert that a reply is this refusal, with nothing beside what belongs to it; return True."""
    assert answer.status == status, answer.raw
    error = answer["error"]
    assert {name: value for name, value in error.items() if name != "message"} == {
        "type": type_,
        "code": code,
        **({} if param is None else {"param": param}),
    }, answer.raw
    return True


def invalid(answer: Answer, param: str | None) -> bool:
    """Assert that a reply is a 400 that names the field to blame, if there is one; return True."""
    return refused(answer, 400, "invalid_request", "invalid_request_error", param)


async def everything(admin: Admin) -> tuple[Any, ...]:
    """Return all that a create could have changed."""
    return await admin.tasks(), await admin.get("/ledger"), await admin.deliveries(), await admin.get("/clock")
