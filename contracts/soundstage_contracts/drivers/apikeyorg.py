"""API-Key in the suite's terms. Source: requirements R-KEY-…; SOURCE.md beside the provider's documents."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import quote

from soundstage_contracts.drivers.base import Created, Creation, Driver, ErrorRule, ErrorView, TaskView, amount
from soundstage_contracts.drivers.excuses import Excuse, Unread, is_form, lacks, names
from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.oracles import apikeyorg as oracle
from soundstage_contracts.oracles.lifecycle import Life
from soundstage_contracts.oracles.signatures import check_api_key
from soundstage_contracts.receiver import Callback
from soundstage_contracts.verdict import Broken

VIDEO: Mapping[str, Any] = {"model": "seedance-2-fast", "duration": 6, "resolution": "720p", "max_credits": 250}
"""The fields of R-KEY-030 and R-KEY-041. The cheaper models, lengths and resolutions are nowhere published."""
IMAGE: Mapping[str, Any] = {"model": "seedream-4", "n": 1, "resolution": "1k", "max_credits": 20}
MUSIC: Mapping[str, Any] = {"model": "suno-5", "duration": 10, "max_credits": 20}


def _build(path: str, cheapest: Mapping[str, Any]) -> Callable[..., Request]:
    def build(prompt: str, **more: Any) -> Request:
        return Request.json(path, {**cheapest, "prompt": prompt, **more})

    return build


def _form(prompt: str, **more: Any) -> Request:
    fields: list[tuple[str, str]] = []
    for name, value in {**VIDEO, "prompt": prompt, **more}.items():
        if value is not None:
            items = value if isinstance(value, list) else [value]
            fields += [(name, one if isinstance(one, str) else json.dumps(one)) for one in items]
    return Request.multipart("/v1/videos", fields, ())


def _zeros(body: Any, request: Request) -> bool:
    texts = body.values() if is_form(request) and isinstance(body, dict) else ()
    return any(re.fullmatch(r"0[0-9][0-9.]*", text) for text in texts)


def _answers_a_tool(body: Any, request: Request) -> bool:
    messages = body.get("messages") if isinstance(body, dict) else None
    return isinstance(messages, list) and any(isinstance(one, dict) and one.get("role") == "tool" for one in messages)


_VIDEO, _CHAT = frozenset({"createVideoTask"}), frozenset({"createChatCompletion"})


class ApiKeyOrg(Driver):
    """Credits with a budget on every task, one task shape for three kinds of media, OpenAI's chat beside them."""

    id = "apikeyorg"
    prefix = "KEY"
    title = "API-Key"
    key_forms = ("bearer", "x-api-key")
    life = Life(
        "pending",
        "completed",
        "failed",
        frozenset(
            {
                ("pending", "processing"),
                ("processing", "completed"),
                ("processing", "failed"),
                ("pending", "failed"),
            }
        ),
    )
    errors: ClassVar[Mapping[str, ErrorRule]] = {
        "invalid": ErrorRule(400, "invalid_request"),
        "unauthorized": ErrorRule(401, "invalid_api_key"),
        "credits": ErrorRule(402, "insufficient_credits"),
        "over_budget": ErrorRule(402, "max_credits_exceeded"),
        # Two codes share 403 and three share 404; the kinds below them name one each.
        "forbidden": ErrorRule(403),
        "model_forbidden": ErrorRule(403, "model_not_allowed"),
        "address_forbidden": ErrorRule(403, "ip_not_allowed"),
        "not_found": ErrorRule(404),
        "no_model": ErrorRule(404, "model_not_found"),
        "no_task": ErrorRule(404, "task_not_found"),
        "no_path": ErrorRule(404, "not_found"),
        "method": ErrorRule(405, "method_not_allowed"),
        "too_large": ErrorRule(413, "payload_too_large"),
        "media_type": ErrorRule(415, "unsupported_media_type"),
        "rate": ErrorRule(429, "rate_limit_exceeded"),
        "internal": ErrorRule(500, "internal_error"),
        "unavailable": ErrorRule(503, "unavailable"),
    }
    excuses = (
        Excuse("a tool's message answers an earlier call", _CHAT, _answers_a_tool),
        Excuse(
            "a form's fields depend on each other in ways its schema does not say: no prompt without references",
            _VIDEO,
            lacks("prompt"),
        ),
        Excuse("input_mode must be that of the references sent", _VIDEO, names("input_mode")),
        Excuse("a form's number begins with a zero, as no number in JSON does", _VIDEO, _zeros),
    )
    unread = (Unread("createChatCompletion", r"refusal|file ->", "parts of a message that only a model reads"),)

    def authorize(self, request: Request, key: str, form: str) -> Request:
        """Put the key into Authorization or into x-api-key."""
        return request.having("x-api-key", key) if form == "x-api-key" else super().authorize(request, key, form)

    def front_door(self) -> Request:
        """Return the request for the API catalogue; the models' path is one that other gateways have too.

        Nothing but a task's poll both reads and needs a key here (A-KEY-01), so this is answered without a key as well.
        """
        return Request.get("/.well-known/api-catalog")

    def creations(self) -> tuple[Creation, ...]:
        """Return the documented video first, though an image is cheaper: no image or music model is published.

        All bodies have a `max_credits`, the only ceiling of a price that there is. The form is decision D8.
        """
        image, music = "/v1/images/generations", "/v1/music/generations"
        return (
            Creation("video", "createVideoTask", "video", _build("/v1/videos", VIDEO), "callback_url"),
            Creation("form", "createVideoTask", "video", _form, "callback_url", "multipart fields (D8)"),
            Creation("image", "createImageTask", "image", _build(image, IMAGE), "callback_url", "its models"),
            Creation("music", "createMusicTask", "music", _build(music, MUSIC), "callback_url", "its models"),
        )

    def created(self, reply: Reply) -> Created:
        """Read the four keys; no price and no balance are among them."""
        return Created(str(reply.field("task_id")), reply.object().get("status"))

    def poll(self, task_id: str, creation: Creation) -> Request:
        """Return the request for the task; one path answers for all kinds."""
        return Request.get(f"/v1/tasks/{quote(task_id, safe='')}")

    def view(self, reply: Reply) -> TaskView:
        """Read a task."""
        return _view(reply.object())

    def is_poll(self, request: Request) -> bool:
        """Return whether it asks for a task."""
        return request.method == "GET" and request.path.startswith("/v1/tasks/")

    def error(self, reply: Reply) -> ErrorView:
        """Read `{"error": {"message": …, "type": …, "code": …}}`; all three must be texts."""
        for name in ("message", "type", "code"):
            if not isinstance(reply.field("error", name), str):
                raise Broken(f"error.{name} must be a text: {reply.body[:200]!r}")
        return ErrorView(reply.field("error", "message"), reply.field("error", "code"))

    def quote(self, request: Request) -> Request:
        """Return the estimate of a create, whether JSON or a form."""
        return Request.json(oracle.ESTIMATE, oracle.estimate_of(request))

    def quoted(self, reply: Reply) -> Decimal:
        """Return the credits an estimate says."""
        return amount(reply.field("credits"))

    def worst_price(self, request: Request) -> Decimal | None:
        """Return a create's own max_credits, 0 for reads and estimates, None for all that has no ceiling."""
        return oracle.worst_price(request)

    def callback_view(self, callback: Callback) -> TaskView:
        """Read the callback's body, which is the poll's (A-KEY-09)."""
        return _view(Reply(200, callback.headers, callback.body).object())

    def callback_id(self, callback: Callback) -> str:
        """Return the task's id and the event, which are documented headers and together the same at every attempt."""
        return " ".join(callback.header(name) or "" for name in ("x-api-key-task-id", "x-api-key-event"))

    def check_signature(self, callback: Callback, secret: str) -> None:
        """Judge x-api-key-signature over the header's timestamp and the raw body (R-KEY-065)."""
        check_api_key(callback, secret)


def _view(body: Mapping[str, Any]) -> TaskView:
    for name in ("task_id", "status"):
        if not isinstance(body.get(name), str):
            raise Broken(f"a task has no text {name}: {str(body)[:200]}")
    links, error = body.get("output_urls"), body.get("error")
    results = tuple(one for one in links if isinstance(one, str)) if isinstance(links, list) else ()
    times = {name: float(body[name]) for name in ("created_at", "completed_at") if type(body.get(name)) in {int, float}}
    reason = error.get("message") if isinstance(error, dict) else error
    return TaskView(body["task_id"], body["status"], None, results, None if reason is None else str(reason), times)


DRIVER = ApiKeyOrg()
