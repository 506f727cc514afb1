"""MidSync in the suite's terms. Source: requirements R-MID-…; SOURCE.md beside the provider's documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote

from soundstage_contracts.drivers.base import Created, Creation, Driver, ErrorRule, ErrorView, Price, TaskView, amount
from soundstage_contracts.drivers.excuses import Excuse, has
from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.oracles import midsync as oracle
from soundstage_contracts.oracles import midsync_catalogue
from soundstage_contracts.oracles.lifecycle import Life
from soundstage_contracts.oracles.signatures import check_standard
from soundstage_contracts.receiver import Callback
from soundstage_contracts.verdict import Broken, NotApplicable

STATUS = "/unified-video/{}/status"
READS = ("/unified-video/models", "/v1/usage/logs", "/v1/usage/summary")


def _cheapest(path: str) -> Any:
    """Return a builder of the cheapest documented task: Runway, 5 s, 720p, 10 points (R-MID-105)."""

    def build(prompt: str, **more: Any) -> Request:
        body = {"model": "runway", "prompt": prompt, "duration": 5, "quality": "720p", "aspectRatio": "16:9"}
        return Request.json(path, body | more)

    return build


def _landing(prompt: str, **more: Any) -> Request:
    body = {"model": "Kling 2.5 Turbo", "prompt": prompt, "duration_seconds": 5, "resolution": "1080p"}
    return Request.json("/v1/videos/generations", body | more)


class MidSync(Driver):
    """Points, callbacks first, two dialects of the public endpoints."""

    id = "midsync"
    prefix = "MID"
    title = "MidSync"
    key_forms = ("bearer", "query")
    life = Life(
        "submitted",
        "completed",
        "failed",
        frozenset(
            {
                ("submitted", "processing"),
                ("processing", "completed"),
                ("processing", "failed"),
                ("submitted", "failed"),
            }
        ),
    )
    errors: ClassVar[Mapping[str, ErrorRule]] = {
        "invalid": ErrorRule(400, "invalid_request"),
        "unauthorized": ErrorRule(401, "unauthorized"),
        "credits": ErrorRule(402, "insufficient_points"),
        "forbidden": ErrorRule(403, "forbidden"),
        "not_found": ErrorRule(404, "not_found"),
        "method": ErrorRule(405, "method_not_allowed"),
        "too_large": ErrorRule(413, "payload_too_large"),
        "media_type": ErrorRule(415, "unsupported_media_type"),
        "rate": ErrorRule(429, "rate_limited"),
        "internal": ErrorRule(500, "internal_error"),
        "unavailable": ErrorRule(503, "service_unavailable"),
    }
    excuses = (
        Excuse(
            "a reference must be a task of the caller's, and the schema knows no tasks",
            frozenset({"createVideo", "generateVideo", "quoteVideo"}),
            has("referenceTaskId", "reference_task_id"),
        ),
    )

    def authorize(self, request: Request, key: str, form: str) -> Request:
        """Put the key into the header, or into the landing form's query parameter `api_key`."""
        if form == "query":
            return request.asking(api_key=key)
        return super().authorize(request, key, form)

    def documented_form(self, request: Request) -> str:
        """Return "query" for a landing request, whose page documents no other way (R-MID-005), else "bearer"."""
        path, _, query = request.path.partition("?")
        if path == "/v1/videos/generations":
            return "query" if any(f'"{name}"'.encode() in request.body for name in oracle.LANDING_FIELDS) else "bearer"
        days = {name for name, _ in parse_qsl(query)} & {"start_date", "end_date"}
        return "query" if days and path in READS else "bearer"

    def front_door(self) -> Request:
        """Return the request for the list of models."""
        return Request.get("/unified-video/models")

    def creations(self) -> tuple[Creation, ...]:
        """Return both paths of the developer form and the landing form."""
        return (
            Creation("generate", "generateVideo", "video", _cheapest("/unified-video/generate"), "callbackUrl"),
            Creation("create", "createVideo", "video", _cheapest("/v1/videos/generations"), "callbackUrl"),
            Creation("landing", "createVideo", "video", _landing),
        )

    def created(self, reply: Reply) -> Created:
        """Read either form of a create reply."""
        body = reply.object()
        if "task_id" in body:
            return Created(str(body["task_id"]), body.get("status"))
        charged = amount(reply.field("pointsCharged"))
        return Created(str(reply.field("taskId")), body.get("status"), charged)

    def poll(self, task_id: str, creation: Creation) -> Request:
        """Return the status request; one path answers for both forms (A-MID-21)."""
        return Request.get(STATUS.format(quote(task_id, safe="")))

    def view(self, reply: Reply) -> TaskView:
        """Read a status reply."""
        return _view(reply.object())

    def is_poll(self, request: Request) -> bool:
        """Return whether it is a status request."""
        return request.method == "GET" and request.path.startswith("/unified-video/") and "/status" in request.path

    def error(self, reply: Reply) -> ErrorView:
        """Read `{"success": false, "error": …, "code": …}`."""
        if reply.field("success") is not False:
            raise Broken("an error reply must say success false")
        return ErrorView(str(reply.field("error")), reply.object().get("code"))

    def quote(self, request: Request) -> Request:
        """Return the quote for a create's body; raises NotApplicable for the landing form, which has none."""
        if "duration_seconds" in request.value():
            raise NotApplicable("the landing form has no quote")
        return Request.json("/unified-video/quote", request.value())

    def quoted(self, reply: Reply) -> Decimal:
        """Return the points a quote says."""
        return amount(reply.field("pointsCharged"))

    def usage_request(self) -> Request:
        """Return the request for the summary."""
        return Request.get("/v1/usage/summary")

    def charged_of(self, reply: Reply) -> Decimal:
        """Return the summary's total of points."""
        return amount(reply.field("totalPointsCharged"))

    def price(self, request: Request) -> Price | None:
        """Return the published price of a create or quote body."""
        return oracle.price(request.value())

    def worst_price(self, request: Request) -> Decimal | None:
        """Price creates by the published cells; a quote and every documented read are free."""
        path, _, query = request.path.partition("?")
        if path in {"/unified-video/generate", "/v1/videos/generations"} and request.method == "POST":
            body = request.value()
            if query and not (isinstance(body, dict) and "duration_seconds" in body):
                # A key in the query makes it a landing request, which reads no `duration`: nobody can tell the price.
                return None
            known = oracle.price(body)
            return None if known is None else known.most
        if request.method == "GET":
            read = path in READS or (path.startswith("/unified-video/") and path.endswith("/status"))
            return Decimal(0) if read else None
        return Decimal(0) if (request.method, path) == ("POST", "/unified-video/quote") else None

    def price_differences(self, catalogue: Mapping[str, Any]) -> Iterator[str]:
        """Compare the rows and the formula with the published points."""
        return midsync_catalogue.differences(catalogue["models"])

    def callback_view(self, callback: Callback) -> TaskView:
        """Read the callback's body, which is the status body (D6)."""
        return _view(Reply(200, callback.headers, callback.body).object())

    def callback_id(self, callback: Callback) -> str:
        """Return webhook-id."""
        return callback.header("webhook-id") or ""

    def check_signature(self, callback: Callback, secret: str) -> None:
        """Judge the Standard Webhooks signature (D6, an assumption)."""
        check_standard(callback, secret)


def _view(body: Mapping[str, Any]) -> TaskView:
    for name in ("taskId", "status"):
        if not isinstance(body.get(name), str):
            raise Broken(f"a status has no text {name}: {str(body)[:200]}")
    assets = body.get("assets") or ()
    links = [one.get("url") for one in assets if isinstance(one, dict)]
    output = body.get("output")
    if isinstance(output, dict):
        links.insert(0, output.get("videoUrl") or output.get("url"))
    results = tuple(dict.fromkeys(link for link in links if isinstance(link, str)))
    error = body.get("error")
    return TaskView(body["taskId"], body["status"], results=results, reason=None if error is None else str(error))


DRIVER = MidSync()
