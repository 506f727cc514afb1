"""What must be there before fuzzing, because no generated request could make it, such as an upload that arrived."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from soundstage_contracts.adapters.base import Account, Wanted
from soundstage_contracts.checks.revidapi_requests import FILES, landed, upload
from soundstage_contracts.exchange import Request
from soundstage_contracts.stage import Stage
from soundstage_contracts.target import Target

MOST = 1_000_000
ROOM: Mapping[str, Wanted] = {
    "revidapi": Wanted(
        limits=dict.fromkeys(
            ("total_concurrent", "image_concurrent", "video_concurrent", "queue", "requests_per_minute"), MOST
        ),
        role="tenant_owner",
    )
}
"""What an account needs beyond credits so that no limit is in the way of thousands of requests."""

Given = dict[str, dict[str, str]]
"""Values by operation and field that every well-formed request uses."""


def room(provider: str) -> Wanted:
    """Return the account a provider's fuzzing needs."""
    return ROOM.get(provider, Wanted())


def samples() -> dict[str, bytes]:
    """Return a small real file of each kind: image, video, audio."""
    return {kind: content for kind, (_, _, content) in FILES.items()}


def prepare(target: Target, account: Account) -> Given:
    """Set the account up and return what its requests shall use; all of it is free of charge."""
    made = _PREPARE.get(target.driver.id)
    return {} if made is None else made(Stage(target, f"{target.driver.prefix}-FUZZ"), account)


def _uploads(stage: Stage, account: Account) -> Given:
    """Upload a sound and wait for its audio_id; put a video where a presigned upload wants it."""
    sound = stage.answered(upload("audio"), account)
    audio_id = landed(stage, str(sound.field("upload_id")), account)["audio_id"]
    name, media_type, content = FILES["video"]
    presigned = stage.answered(Request.json("/v1/files/upload/presign", {"filename": name}), account)
    stage.put(str(presigned.field("upload_url")), content, media_type)
    return {
        "generateKolAi": {"audio_id": str(audio_id)},
        "confirmUpload": {"upload_id": str(presigned.field("upload_id"))},
    }


_PREPARE: Mapping[str, Callable[[Stage, Account], Given]] = {"revidapi": _uploads}
