"""RevidAPI in the suite's terms. Source: requirements R-REV-…; SOURCE.md beside the provider's documents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from email import message_from_bytes
from email.message import Message
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl, quote

from soundstage_contracts.adapters.base import Account, Wanted
from soundstage_contracts.drivers import samples
from soundstage_contracts.drivers.base import (
    Created,
    Creation,
    Driver,
    ErrorRule,
    ErrorView,
    Given,
    Price,
    TaskView,
    amount,
)
from soundstage_contracts.drivers.excuses import Excuse, always, has, names
from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.oracles import revidapi as oracle
from soundstage_contracts.oracles import revidapi_catalogue
from soundstage_contracts.oracles.lifecycle import Life
from soundstage_contracts.verdict import Broken

if TYPE_CHECKING:
    from soundstage_contracts.stage import Stage

PICTURE = "https://media.example.com/ada.png"
CLIP = "https://media.example.com/dance.mp4"
_JOB = re.compile(r"/v1/jobs/([^/?]+)")
_READ = re.compile(
    r"/v1/(jobs/[^/]+|models|models/pricing|files/upload/[^/]+/status|limits|balance|dashboard/"
    r"(me|jobs|stats|stats/export|credits|tenant/users|tenant/subs|tenant/revenue))"
)
_FREE = re.compile(
    r"/v1/(jobs/[^/]+/cancel|files/upload/(image|video|audio|presign|confirm)|files/upload-url|download/extract)"
)
_TIMES = ("created_at", "completed_at")


_KOL, _PRESIGN, _CONFIRM = (frozenset({name}) for name in ("generateKolAi", "presignUpload", "confirmUpload"))
_CREATES = frozenset({"generateImage", "generateVideo", "generateSeedance", "generateMotion", *_KOL})
_UPLOADS = frozenset({"uploadImage", "uploadVideo", "uploadAudio"})
_LIMITS = ("total_concurrent", "image_concurrent", "video_concurrent", "queue", "requests_per_minute")


def _building(path: str, **base: Any) -> Any:
    """Return a builder of requests for one path."""

    def build(prompt: str, **more: Any) -> Request:
        return Request.json(path, {"prompt": prompt, **base, **more})

    return build


class RevidAPI(Driver):
    """Credits, polling only, one price table for everything."""

    id = "revidapi"
    prefix = "REV"
    title = "RevidAPI"
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
                ("pending", "cancelled"),
                ("processing", "cancelled"),
            }
        ),
        cancelled="cancelled",
    )
    errors: ClassVar[Mapping[str, ErrorRule]] = {
        "invalid": ErrorRule(400),
        "unauthorized": ErrorRule(401),
        "credits": ErrorRule(402),
        "forbidden": ErrorRule(403),
        "not_found": ErrorRule(404),
        "method": ErrorRule(405),
        "too_large": ErrorRule(413),
        "media_type": ErrorRule(415),
        "rate": ErrorRule(429),
        "internal": ErrorRule(500),
        "unavailable": ErrorRule(503),
    }
    room = Wanted(limits=dict.fromkeys(_LIMITS, 1_000_000), role="tenant_owner")
    excuses = (
        Excuse("only an audio that was uploaded has an audio_id", _KOL, names("audio_id")),
        Excuse("not every server makes every combination", _CREATES, has("server_id")),
        Excuse("content_type is that of the kind filename names", _PRESIGN, names("content_type")),
        Excuse("a file must have arrived before it is confirmed", _CONFIRM, names("upload_id")),
        Excuse("a job that ended cannot be cancelled", frozenset({"cancelJob"}), always),
        Excuse("the schema cannot say which bytes are media", _UPLOADS, always),
    )

    def front_door(self) -> Request:
        """Return the request for the price rows of one model; no other provider has such a path."""
        return Request.get("/v1/models/pricing", {"model": "image-4.0"})

    def creations(self) -> tuple[Creation, ...]:
        """Return the cheapest job of each path that needs no upload; KOL needs the audio_id of one."""
        dance = {"model": "seedance-2.0-fast", "resolution": "480p", "duration": 5}
        clip = {"character_image_url": PICTURE, "motion_video_url": CLIP, "model": "motion-control-3.0", "mode": "std"}
        paths = oracle.PATHS
        return (
            Creation("image", "generateImage", "image", _building(paths["image"], model="image-4.0")),
            Creation("video", "generateVideo", "video", _building(paths["video"], model="veo3.1-fast", duration=8)),
            Creation("motion", "generateMotion", "video", _building(paths["motion"], **clip)),
            Creation("seedance", "generateSeedance", "video", _building(paths["seedance"], **dance)),
        )

    def created(self, reply: Reply) -> Created:
        """Read `{job_id, status, cost, balance_remaining}`."""
        job_id = reply.field("job_id")
        if not isinstance(job_id, str) or not job_id:
            raise Broken(f"job_id should be a text, and is {job_id!r}")
        cost, left = amount(reply.field("cost")), amount(reply.field("balance_remaining"))
        return Created(job_id, str(reply.field("status")), cost, left)

    def poll(self, task_id: str, creation: Creation) -> Request:
        """Return the look-up of a job."""
        return Request.get(f"/v1/jobs/{quote(task_id, safe='')}")

    def view(self, reply: Reply) -> TaskView:
        """Read a job; its id is empty where the reply, like the documented one, has none."""
        return _view(reply.object())

    def is_poll(self, request: Request) -> bool:
        """Return whether it looks a job up."""
        return request.method == "GET" and _JOB.fullmatch(request.path.partition("?")[0]) is not None

    def error(self, reply: Reply) -> ErrorView:
        """Read `{"detail": "…"}`."""
        detail = reply.field("detail")
        if not isinstance(detail, str):
            raise Broken(f"detail should be a text, and is {detail!r}")
        return ErrorView(detail)

    def cancel(self, task_id: str) -> Request:
        """Return the request that cancels a job."""
        return Request("POST", f"/v1/jobs/{quote(task_id, safe='')}/cancel")

    def balance_request(self) -> Request:
        """Return GET /balance."""
        return Request.get("/v1/balance")

    def left(self, reply: Reply) -> Decimal:
        """Return what GET /balance says."""
        return amount(reply.field("balance"))

    def usage_request(self) -> Request:
        """Return the request for the dashboard's totals."""
        return Request.get("/v1/dashboard/stats")

    def charged_of(self, reply: Reply) -> Decimal:
        """Return the dashboard's total of credits."""
        return amount(reply.field("total_credits"))

    def price(self, request: Request) -> Price | None:
        """Return the published price of a create, or the published range of its model."""
        return oracle.price(request.path.partition("?")[0], fields_of(request))

    def worst_price(self, request: Request) -> Decimal | None:
        """Price creates by the end of their model's range; reads, uploads and downloads are free."""
        path = request.path.partition("?")[0]
        if request.method == "POST" and path in oracle.PATHS.values():
            return oracle.most(path, fields_of(request))
        if "://" in path:
            # An address that a reply gave: a result to look at, or a presigned place to put a file.
            return Decimal(0) if request.method in {"GET", "PUT"} else None
        known = {"GET": _READ, "POST": _FREE}.get(request.method)
        return Decimal(0) if known is not None and known.fullmatch(path) else None

    def price_differences(self, catalogue: Mapping[str, Any]) -> Iterator[str]:
        """Compare the rows with the published tables."""
        return revidapi_catalogue.differences(catalogue["models"])

    def prepare(self, stage: Stage, account: Account) -> Given:
        """Upload a sound and wait for its audio_id; put a video where a presigned upload wants it."""
        sound = stage.answered(samples.upload("audio"), account)
        audio_id = samples.landed(stage, str(sound.field("upload_id")), account).get("audio_id")
        if not isinstance(audio_id, str):
            raise Broken(f"an uploaded sound should have an audio_id, and it is {audio_id!r}")
        name, media_type, content = samples.FILES["video"]
        presigned = stage.answered(Request.json("/v1/files/upload/presign", {"filename": name}), account)
        stage.put(str(presigned.field("upload_url")), content, media_type)
        return {
            "generateKolAi": {"audio_id": audio_id},
            "confirmUpload": {"upload_id": str(presigned.field("upload_id"))},
        }


def fields_of(request: Request) -> dict[str, Any]:
    """Return the fields of a body, JSON or form; of a repeated one the last, and none where there is no such body."""
    kind = request.header("content-type") or ""
    if kind.startswith("multipart/form-data"):
        form = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + request.body)
        texts = [part for part in form.walk() if not part.is_multipart() and part.get_filename() is None]
        return {str(one.get_param("name", header="content-disposition")): _text(one) for one in texts}
    if kind.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(request.body.decode("utf-8", "replace")))
    body = request.value()
    return body if isinstance(body, dict) else {}


def _text(part: Message[str, str]) -> str:
    return bytes(part.get_payload(decode=True)).decode("utf-8", "replace")


def _view(body: Mapping[str, Any]) -> TaskView:
    status, result, progress, error = (body.get(name) for name in ("status", "result", "progress", "error"))
    if not isinstance(status, str):
        raise Broken(f"a job has no text status: {str(body)[:200]}")
    if not isinstance(result, str | None):
        raise Broken(f"result should be a URL or null, and is {result!r}")
    times = {name: _unix(str(body[name])) for name in _TIMES if body.get(name) is not None}
    return TaskView(
        str(body.get("job_id") or ""),
        status,
        progress=progress if type(progress) in {int, float} else None,
        results=() if result is None else (result,),
        reason=None if error is None else str(error),
        times=times,
    )


def _unix(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise Broken(f"{text[:60]!r} is no time") from None


DRIVER = RevidAPI()
