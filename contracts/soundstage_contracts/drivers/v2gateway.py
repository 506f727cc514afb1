"""The /v2 gateway in the suite's terms. Source: requirements R-V2-…; SOURCE.md beside the provider's documents."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import quote

from soundstage_contracts.drivers.base import Created, Creation, Driver, ErrorRule, ErrorView, TaskView
from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.oracles import v2gateway as oracle
from soundstage_contracts.oracles.lifecycle import Life
from soundstage_contracts.receiver import Callback
from soundstage_contracts.verdict import Broken

NOBODY = "00000000-0000-4000-8000-000000000000"
"""A task id that nobody was given."""


def submit(scope: str) -> str:
    """Return the path that takes tasks of a scope."""
    return f"/v2/{scope}/generations"


def status(scope: str, task_id: str, safe: str = ":") -> Request:
    """Return the request for a task of a scope; `safe` are the signs that are not percent-encoded."""
    return Request.get(f"{submit(scope)}/{quote(task_id, safe=safe)}")


def _smallest(scope: str, model: str) -> Any:
    """Return a builder of the smallest documented body, a prompt and a model (R-V2-020)."""

    def build(prompt: str, **more: Any) -> Request:
        return Request.json(submit(scope), {"prompt": prompt, "model": model} | more)

    return build


class V2Gateway(Driver):
    """One pair of calls for every model, polling by scope, nothing published about money."""

    id = "v2gateway"
    prefix = "V2"
    title = "/v2 gateway"
    life = Life(
        "NOT_START",
        "SUCCESS",
        "FAILURE",
        frozenset(
            {
                ("NOT_START", "IN_PROGRESS"),
                ("IN_PROGRESS", "SUCCESS"),
                ("IN_PROGRESS", "FAILURE"),
                ("NOT_START", "FAILURE"),
            }
        ),
        extra=frozenset({"SUBMITTED", "QUEUED"}),  # R-V2-051
    )
    errors: ClassVar[Mapping[str, ErrorRule]] = {
        "invalid": ErrorRule(400, "invalid_request"),
        "unauthorized": ErrorRule(401, "unauthorized"),
        "credits": ErrorRule(402, "insufficient_quota"),
        "forbidden": ErrorRule(403, "forbidden"),
        "not_found": ErrorRule(400, "task_not_exist"),
        "scope": ErrorRule(404, "not_found"),
        "method": ErrorRule(405, "method_not_allowed"),
        "too_large": ErrorRule(413, "payload_too_large"),
        "media_type": ErrorRule(415, "unsupported_media_type"),
        "rate": ErrorRule(429, "rate_limit_exceeded"),
        "internal": ErrorRule(500, "internal_error"),
        "unavailable": ErrorRule(503, "unavailable"),
    }

    def front_door(self) -> Request:
        """Return the poll of a task that nobody has; it is refused, since no call that only reads answers 200."""
        return status("videos", NOBODY)

    def creations(self) -> tuple[Creation, ...]:
        """Return one task of each scope, and the documented Veo task, which comes first since no price is published."""
        return (
            Creation("veo", "submitTask", "video", _smallest("videos", "veo3"), "notify_hook"),
            Creation("videos", "submitTask", "video", _smallest("videos", "sora-2"), "notify_hook"),
            Creation("images", "submitTask", "image", _smallest("images", "image-model"), "notify_hook", "its models"),
            Creation("audio", "submitTask", "audio", _smallest("audio", "audio-model"), "notify_hook", "its models"),
        )

    def created(self, reply: Reply) -> Created:
        """Read `{"task_id": …}`; the reply tells nothing else."""
        task_id = reply.field("task_id")
        if not isinstance(task_id, str) or not task_id:
            raise Broken(f"task_id must be a text that is not empty, and is {task_id!r}")
        return Created(task_id)

    def poll(self, task_id: str, creation: Creation) -> Request:
        """Return the poll under the scope that the task was submitted to, its colon as it is."""
        return status(creation.build("x").path.split("/")[2], task_id)

    def view(self, reply: Reply) -> TaskView:
        """Read a poll's bare body."""
        return oracle.task(reply.object())

    def is_poll(self, request: Request) -> bool:
        """Return whether it is a poll, of whatever scope."""
        parts = request.path.partition("?")[0].split("/")
        return request.method == "GET" and len(parts) == 5 and parts[1] == "v2" and parts[3] == "generations"

    def error(self, reply: Reply) -> ErrorView:
        """Read either shape of the family, `{"code", "message", "data"}` or one object `error` around them."""
        body = reply.object()
        inner = body.get("error")
        said = inner if isinstance(inner, dict) else body
        message, code = said.get("message"), said.get("code")
        if not isinstance(message, str) or not isinstance(code, str):
            raise Broken(f"an error has a text message and a text code; this one is {reply.body[:200]!r}")
        if said is body and body.get("data", ...) is not None:
            raise Broken("an error of this shape has data null")
        return ErrorView(message, code or None)

    def worst_price(self, request: Request) -> Decimal | None:
        """Price polls at nothing; nothing is published about the rest."""
        parts = request.path.partition("?")[0].split("/")
        free = self.is_poll(request) and parts[2] in oracle.SCOPES and parts[4] != ""
        return Decimal(0) if free else None

    def callback_view(self, callback: Callback) -> TaskView:
        """Read the callback's body, which is that of a poll (R-V2-074)."""
        return oracle.task(Reply(200, callback.headers, callback.body).object())

    def callback_id(self, callback: Callback) -> str:
        """Return webhook-id, an assumption."""
        return callback.header("webhook-id") or ""


DRIVER = V2Gateway()
