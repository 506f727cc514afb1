"""RevidAPI's declaration: its operations, its key rules and how it words things.

Source: schemas/revidapi/SOURCE.md.
"""

from collections.abc import Mapping
from typing import Final

import orjson

from soundstage.core.credentials import PLAIN_KEY
from soundstage.core.money import decimal_text
from soundstage.core.provider import Handler, Operation, Provider, Shape
from soundstage.core.task import Task
from soundstage.core.wallet import total
from soundstage.providers.revidapi import create, dashboard, errors, files, jobs, limits
from soundstage.providers.revidapi.account import balance
from soundstage.providers.revidapi.catalogue import catalogue, plans
from soundstage.providers.revidapi.download import extract
from soundstage.providers.revidapi.models import models, pricing
from soundstage.providers.revidapi.uploads import Kind

# What stands for a credential that is none; no header can hold a text that begins with a space.
_FAULTS: Final = {" none": errors.NO_HEADER, " scheme": errors.NOT_BEARER, " empty": errors.NO_KEY}


def _credential(path: str, headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
    bearer = headers.get("Authorization")
    if bearer is None:
        return " none"
    scheme, _, key = bearer.partition(" ")
    if scheme.lower() != "bearer":
        return " scheme"
    return key.strip() or " empty"


def _key_fault(key: str) -> str | None:
    return _FAULTS.get(key) or (None if PLAIN_KEY.fullmatch(key) else errors.NO_SUCH_FORM)


def _explain_price(task: Task) -> str:
    fields = orjson.loads(task.request)
    seconds = f", {fields['seconds']} s of it" if "seconds" in fields else ""
    what = f"{catalogue()[task.model].name} is row {fields['key']} of server {fields['server']}{seconds}"
    return f"{what}, and costs {decimal_text(total(task.movements, 'reserve'))} credits"


def _generate(id_: str, path: str, handle: Handler) -> Operation:
    # Files that come along are reference images.
    most = files.MOST_BYTES["image"]
    return Operation(id_, "POST", path, handle, "create", body="json or form", most_file_bytes=most)


def _upload(id_: str, kind: Kind, handle: Handler) -> Operation:
    return Operation(
        id_,
        "POST",
        f"/v1/files/upload/{kind}",
        handle,
        "upload",
        body="json or form",
        most_file_bytes=files.MOST_BYTES[kind],
        keeps_files=True,
    )


PROVIDER = Provider(
    id="revidapi",
    title="RevidAPI",
    base_url_variable="REVIDAPI_BASE_URL",
    operations=(
        _generate("generateImage", "/v1/image/generate", create.create_image),
        _generate("generateVideo", "/v1/video/generate", create.create_video),
        _generate("generateSeedance", "/v1/seedance/generate", create.create_seedance),
        _generate("generateMotion", "/v1/motion/generate", create.create_motion),
        _generate("generateKolAi", "/v1/kol-ai/generate", create.create_kol_ai),
        Operation("getJob", "GET", "/v1/jobs/{job_id}", jobs.job, "poll"),
        Operation("cancelJob", "POST", "/v1/jobs/{job_id}/cancel", jobs.cancel, "cancel"),
        Operation("listModels", "GET", "/v1/models", models),
        Operation("listPricing", "GET", "/v1/models/pricing", pricing),
        _upload("uploadImage", "image", files.upload_image),
        _upload("uploadVideo", "video", files.upload_video),
        _upload("uploadAudio", "audio", files.upload_audio),
        Operation("getUpload", "GET", "/v1/files/upload/{upload_id}/status", files.upload_status),
        Operation("presignUpload", "POST", "/v1/files/upload/presign", files.presign, "upload", body="json or form"),
        Operation("confirmUpload", "POST", "/v1/files/upload/confirm", files.confirm, "upload", body="json or form"),
        Operation("uploadFromUrl", "POST", "/v1/files/upload-url", files.upload_url, "upload", body="json or form"),
        Operation("extractDownload", "POST", "/v1/download/extract", extract, body="json or form"),
        Operation("getLimits", "GET", "/v1/limits", limits.limits),
        Operation("getBalance", "GET", "/v1/balance", balance),
        Operation("getAccount", "GET", "/v1/dashboard/me", dashboard.me),
        Operation("listJobs", "GET", "/v1/dashboard/jobs", dashboard.jobs),
        Operation("getStats", "GET", "/v1/dashboard/stats", dashboard.stats),
        Operation("exportStats", "GET", "/v1/dashboard/stats/export", dashboard.stats_export),
        Operation("listCredits", "GET", "/v1/dashboard/credits", dashboard.credits),
        Operation("listTenantUsers", "GET", "/v1/dashboard/tenant/users", dashboard.tenant_users),
        Operation("listTenantSubs", "GET", "/v1/dashboard/tenant/subs", dashboard.tenant_subs),
        Operation("getTenantRevenue", "GET", "/v1/dashboard/tenant/revenue", dashboard.tenant_revenue),
    ),
    credential=_credential,
    # ASSUMED: beyond its prefix RevidAPI publishes no key syntax; this is what common keys look like.
    key_fault=_key_fault,
    reply_to=errors.reply_to,
    states=jobs.STATES,
    shape=Shape(
        task_id="job_id",
        poll_id="job_id",
        status="status",
        reason="error",
        results={"result": None},
        progress="progress",
        price="cost",
    ),
    scopes=frozenset(),
    asset_types=jobs.asset_types,
    models=lambda: frozenset(catalogue()),
    limits=limits.LIMITS,
    plans=lambda: frozenset(plans()),
    # ASSUMED: what consumers do is what it wants; they wait 3 to 10 s between polls (R-REV-107).
    poll_seconds=3.0,
    explain_price=_explain_price,
)
