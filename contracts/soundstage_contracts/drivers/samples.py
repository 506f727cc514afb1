"""Small real files of each kind, and how they are uploaded to RevidAPI."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

from soundstage_contracts import clock
from soundstage_contracts.exchange import Request
from soundstage_contracts.verdict import NotReached

if TYPE_CHECKING:
    from soundstage_contracts.adapters.base import Account
    from soundstage_contracts.stage import Stage

MOST_LOOKS = 300
"""How often an upload is looked at before it is given up."""


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def wav(seconds: float, rate: int = 8000) -> bytes:
    """Return silence as 8-bit mono sound."""
    silence = b"\x80" * round(seconds * rate)
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate, 1, 8)
    content = b"WAVE" + head + struct.pack("<4sI", b"data", len(silence)) + silence
    return struct.pack("<4sI", b"RIFF", len(content)) + content


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\0\x2a\x6f\xb0", 9))
    + _chunk(b"IEND", b"")
)
MP4 = struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"isom", 512, b"isom", b"mp41") + struct.pack(">I4s", 8, b"mdat")
FILES = {
    "image": ("boat.png", "image/png", PNG),
    "video": ("boat.mp4", "video/mp4", MP4),
    "audio": ("boat.wav", "audio/wav", wav(1.5)),
}
"""By kind: a file's name, its media type, its bytes."""


def upload(kind: str, content: bytes | None = None) -> Request:
    """Return the upload of a small file of a kind."""
    name, media_type, usual = FILES[kind]
    file = ("file", name, media_type, usual if content is None else content)
    return Request.multipart(f"/v1/files/upload/{kind}", (), [file])


def status_of(upload_id: str) -> Request:
    """Return the look-up of an upload."""
    return Request.get(f"/v1/files/upload/{upload_id}/status")


def landed(stage: Stage, upload_id: str, account: Account | None = None) -> dict[str, Any]:
    """Wait until an upload is no longer processing, and return its status; raises NotReached when it stays so."""
    who, began = account or stage.someone, clock.monotonic()
    for _ in range(MOST_LOOKS):
        reply = stage.answered(status_of(upload_id), who)
        if reply.field("status") != "processing":
            return reply.object()
        if clock.monotonic() - began > stage.target.patience:
            break
        # A file is fetched in real time, whatever the account's clock says; each look gives it some.
        stage.step(who)
    raise NotReached(f"the upload {upload_id} stays in processing")
