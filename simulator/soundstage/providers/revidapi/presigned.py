"""RevidAPI's uploads beside the form: put to a presigned address and confirmed, or fetched from an address.

Source: R-REV-021, 022, 183..186. ASSUMED: file name endings, lengths and every refusal; a second confirm answers the
same, and so does one of an upload that needed none.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field

from soundstage.core.addresses import is_nearby
from soundstage.core.assets import upload_path
from soundstage.core.call import Call, Problem, Reply
from soundstage.core.uploads import confirm as note
from soundstage.core.view import Tx
from soundstage.providers.revidapi.errors import reply_to
from soundstage.providers.revidapi.uploads import (
    NOT_FOUND,
    PRESIGNED_SECONDS,
    Kind,
    begin,
    find,
    started_body,
    url_of,
)
from soundstage.validation import Url, WireModel, ignored, path_if_ours, read, shown, warned, warning_headers

_ENDINGS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("jpg", "jpeg", "png", "webp", "gif"), "image"),
    **dict.fromkeys(("mp4", "m4v", "mov", "webm"), "video"),
}
_SOUND: Final = re.compile(r".*\.(mp3|wav|m4a|ogg|oga|opus|flac|aac)", re.IGNORECASE | re.DOTALL)
_SAMPLE_WARNING: Final = (
    "a public host is contacted only by a server started with --allow-egress; otherwise a sample stands in for its file"
)


class Presign(WireModel):
    """A file to come; its name's ending says of which kind."""

    filename: Annotated[str, Field(min_length=1, max_length=255)]
    content_type: Annotated[str, Field(max_length=200)] | None = None


class Confirm(WireModel):
    """An upload that was put."""

    upload_id: Annotated[str, Field(min_length=1, max_length=200)]


class UploadUrl(WireModel):
    """A file to fetch."""

    url: Url
    type: Literal["image", "video", "audio"]


def presign(call: Call, tx: Tx) -> Reply:
    """POST /files/upload/presign: an address that takes one PUT of an image or a video."""
    given = read(Presign, call.body)
    if isinstance(given, Problem):
        return reply_to(given)
    kind = _kind(given)
    if isinstance(kind, Problem):
        return reply_to(kind)
    upload = begin(call, tx, kind, given.filename)
    body = {
        "upload_url": f"{call.base_url}{upload_path(tx.universe_id, upload.id)}",
        "upload_id": upload.id,
        "expires_in": PRESIGNED_SECONDS,
    }
    return Reply(body, headers=warned(Presign, call.body))


def _kind(given: Presign) -> Kind | Problem:
    _, dot, ending = given.filename.rpartition(".")
    kind = _ENDINGS.get(ending.lower()) if dot else None
    if kind is None:
        known = f"filename must end in one of {', '.join(_ENDINGS)}, got {shown(given.filename)}."
        sound = " Audio goes through /v1/files/upload/audio." if _SOUND.fullmatch(given.filename) else ""
        return Problem("invalid_request", known + sound, "filename")
    told = given.content_type
    if told is not None and told.partition("/")[0].strip().lower() != kind:
        message = f"content_type must be that of the {kind} that filename names, got {shown(told)}."
        return Problem("invalid_request", message, "content_type")
    return kind


def confirm(call: Call, tx: Tx) -> Reply:
    """POST /files/upload/confirm: the address of a file that was put."""
    given = read(Confirm, call.body)
    if isinstance(given, Problem):
        return reply_to(given)
    upload = find(call, tx, given.upload_id)
    if upload is None:
        return reply_to(NOT_FOUND)
    state = upload.state(tx.now)
    if upload.kind == "audio":
        return reply_to(Problem("invalid_request", "Audio needs no confirm; look at the upload's status.", "upload_id"))
    if state != "ready" or upload.blob is None:
        reason = "its upload_url has expired; presign anew" if state == "expired" else "nothing has arrived yet"
        return reply_to(Problem("invalid_request", f"This upload cannot be confirmed: {reason}.", "upload_id"))
    if not upload.confirmed:
        note(tx, upload)
    body = {"upload_id": upload.id, "url": url_of(tx, upload, upload.blob, call.base_url), "status": "ready"}
    return Reply(body, headers=warned(Confirm, call.body))


def upload_url(call: Call, tx: Tx) -> Reply:
    """POST /files/upload-url: fetch a file in the background."""
    given = read(UploadUrl, call.body)
    if isinstance(given, Problem):
        return reply_to(given)
    upload = begin(call, tx, given.type, path_if_ours(given.url, call.base_url), source=given.url)
    nearby = is_nearby(urlsplit(given.url).hostname or "")
    warning = None if nearby else _SAMPLE_WARNING
    return Reply(started_body(upload), headers=warning_headers(warning, ignored(UploadUrl, call.body)))
