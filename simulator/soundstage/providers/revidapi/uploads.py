"""RevidAPI's uploads as clients see them: what each kind may be, and what its status shows.

Source: R-REV-180..187. ASSUMED: every limit (R-REV-188), the ids, which word ends which route (A-REV-27, A-REV-29), and
that an upload nobody could use any more is not found.
"""

from collections.abc import Mapping
from math import ceil
from typing import Any, Final, Literal

from soundstage.core import uploads
from soundstage.core.assets import asset_path
from soundstage.core.call import BlobRef, Call, Problem
from soundstage.core.money import number
from soundstage.core.universe import draw_for, the_universe
from soundstage.core.uploads import Upload
from soundstage.core.view import Tx
from soundstage.providers.revidapi.catalogue import catalogue
from soundstage.providers.revidapi.pricing import price
from soundstage.validation import compact

Kind = Literal["image", "video", "audio"]

MOST_BYTES: Final[Mapping[Kind, int]] = {"image": 20_971_520, "video": 104_857_600, "audio": 20_971_520}
TYPES: Final[Mapping[Kind, tuple[str, ...]]] = {
    "image": ("image/jpeg", "image/png", "image/webp", "image/gif"),
    "video": ("video/mp4", "video/webm", "video/quicktime"),
    "audio": ("audio/mpeg", "audio/wav", "audio/mp4", "audio/ogg", "audio/flac"),
}
MOST_SECONDS: Final = 300
# Uploads an account keeps; the oldest make room.
MOST_KEPT: Final = 500
PRESIGNED_SECONDS: Final = 3600
# How long the provider looks at a sound, or at a file it has fetched.
_LOOKED_AT_MS: Final = 3_000
NOT_FOUND: Final = Problem("not_found", "Upload not found")


def begin(
    call: Call, tx: Tx, kind: Kind, told_by: str, *, blob: BlobRef | None = None, source: str | None = None
) -> Upload:
    """Add an upload that has its bytes, or a source to fetch them from, or else waits for a PUT.

    Its id is drawn over what it is `told_by`: a digest, an address or a file name.
    """
    draw = draw_for(tx, "upload", compact([kind, told_by]))
    looks = kind == "audio" or source is not None
    upload = Upload(
        id=f"up_{draw.hex('id', 24)}",
        provider="revidapi",
        key_id=call.key.id,
        account=call.key.account,
        kind=kind,
        created_at=tx.now,
        expires_at=tx.now + (PRESIGNED_SECONDS * 1000 if source is None else uploads.KEPT_MS),
        most_bytes=MOST_BYTES[kind],
        kinds=TYPES[kind],
        processing_ms=the_universe(tx).clock.span(_LOOKED_AT_MS) if looks else 0,
        arrived_at=None if blob is None else tx.now,
        blob=blob,
        source=source,
        confirmed=blob is not None or source is not None,
        most_seconds=MOST_SECONDS if kind == "audio" else None,
    )
    return uploads.announce(tx, upload, MOST_KEPT)


def find(call: Call, tx: Tx, upload_id: str) -> Upload | None:
    """Return an upload of the account, unless it arrived too long ago."""
    found = uploads.find(tx, upload_id, call.key)
    if found is None or found.provider != "revidapi":
        return None
    return None if found.arrived_at is not None and found.state(tx.now) == "expired" else found


def started_body(upload: Upload) -> dict[str, Any]:
    """Return what is answered before a file is there."""
    return {"upload_id": upload.id, "status": "processing"}


def upload_body(tx: Tx, upload: Upload, base_url: str) -> dict[str, Any]:
    """Return an upload as its status shows it."""
    head = {"upload_id": upload.id, "type": upload.kind}
    state = upload.state(tx.now)
    if state in {"failed", "expired"}:
        late = "Nothing was put to the upload_url before it expired; presign anew."
        return {**head, "status": "failed", "error": upload.error or late}
    blob = upload.blob
    if state != "ready" or blob is None or not upload.confirmed:
        return {**head, "status": "processing"}
    url = url_of(tx, upload, blob, base_url)
    if upload.kind == "audio":
        return {**head, "status": "completed", "url": url, **_sound(upload.id, blob.seconds or 0.0)}
    return {
        **head,
        "file_id": upload.id.replace("up_", "file_", 1),
        "url": url,
        "status": "ready" if upload.source is None else "completed",
        "content_type": blob.content_type,
        "size_bytes": blob.size,
    }


def url_of(tx: Tx, upload: Upload, blob: BlobRef, base_url: str) -> str:
    """Return where an upload that has arrived is served."""
    return f"{base_url}{asset_path(tx.universe_id, upload.id, 0, blob.content_type or '')}"


def _sound(upload_id: str, seconds: float) -> dict[str, Any]:
    avatar = catalogue()["kling-avatar"]
    started = max(1, ceil(seconds))
    return {
        "audio_id": upload_id.replace("up_", "aud_", 1),
        "duration": max(0.001, round(seconds, 3)),
        "costs": {row.quality: number(price(avatar, row, started)) for row in avatar.rows},
    }
