"""RevidAPI's uploads by form: an image or a video is there at once, a sound is measured first.

Source: R-REV-019, 020, 180..182. ASSUMED: only multipart is read, and a file of another kind, by its first bytes, is
refused with 400.
"""

from functools import partial

from soundstage.core.call import BlobRef, Call, Problem, Reply
from soundstage.core.provider import Handler
from soundstage.core.uploads import unfit
from soundstage.core.view import Tx
from soundstage.providers.revidapi.errors import reply_to
from soundstage.providers.revidapi.presigned import confirm, presign, upload_url
from soundstage.providers.revidapi.uploads import (
    MOST_BYTES,
    NOT_FOUND,
    TYPES,
    Kind,
    begin,
    find,
    started_body,
    upload_body,
)
from soundstage.validation import WireModel, read, warned

__all__ = [
    "MOST_BYTES",
    "confirm",
    "presign",
    "upload_audio",
    "upload_image",
    "upload_status",
    "upload_url",
    "upload_video",
]


class FileUpload(WireModel):
    """The one field of the three upload forms."""

    file: BlobRef


def _upload(kind: Kind, call: Call, tx: Tx) -> Reply:
    media_type = call.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != "multipart/form-data":
        message = "Send the file as multipart/form-data, in the field file."
        return reply_to(Problem("unsupported_media_type", message))
    given = read(FileUpload, call.body)
    if isinstance(given, Problem):
        return reply_to(given)
    reason = unfit(given.file, TYPES[kind], MOST_BYTES[kind])
    if reason is not None:
        return reply_to(Problem("invalid_request", reason, "file"))
    upload = begin(call, tx, kind, given.file.sha256, blob=given.file)
    body = started_body(upload) if kind == "audio" else upload_body(tx, upload, call.base_url)
    return Reply(body, headers=warned(FileUpload, call.body))


def upload_status(call: Call, tx: Tx) -> Reply:
    """GET /files/upload/{upload_id}/status: what became of an upload of any kind (R-REV-020)."""
    upload = find(call, tx, call.params["upload_id"])
    return reply_to(NOT_FOUND) if upload is None else Reply(upload_body(tx, upload, call.base_url))


upload_image: Handler = partial(_upload, "image")
upload_video: Handler = partial(_upload, "video")
upload_audio: Handler = partial(_upload, "audio")
