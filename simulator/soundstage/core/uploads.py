"""Uploads: files a client brings for later calls, from the moment they are announced until they expire.

What an upload is at any time is a function of that time; only its bytes' arrival and a failed fetch are written down.
"""

from typing import Final, Literal, NamedTuple

from soundstage.core.call import BlobRef
from soundstage.core.universe import Key
from soundstage.core.view import Tx

UploadState = Literal["awaiting", "processing", "ready", "failed", "expired"]
# Uploads kept per universe; beyond it the oldest go, their bytes with them when nothing else needs these.
MOST_UPLOADS: Final = 2_000


class Upload(NamedTuple):
    """One file of an account. Instants in ms; `most_bytes` and `kinds` say what may still arrive.

    `blob` is None until the bytes are here; `ready_at` is when the provider has looked at them.
    """

    id: str
    provider: str
    key_id: str
    account: str
    kind: str
    created_at: int
    expires_at: int
    most_bytes: int
    kinds: tuple[str, ...]
    processing_ms: int = 0
    arrived_at: int | None = None
    blob: BlobRef | None = None
    source: str | None = None
    error: str | None = None
    confirmed: bool = False

    def state(self, now: int) -> UploadState:
        """Return what the upload is at `now`."""
        if self.error is not None:
            return "failed"
        if now >= self.expires_at:
            return "expired"
        if self.arrived_at is None:
            return "awaiting" if self.source is None else "processing"
        return "processing" if now < self.arrived_at + self.processing_ms else "ready"


def announce(tx: Tx, upload: Upload) -> Upload:
    """Add an upload; one with a `source` is fetched from there as soon as possible."""
    tx.put("upload", upload.id, upload)
    if upload.source is not None:
        tx.put("attempt", (tx.now, tx.serial()), upload.id)
    if tx.count("upload") >= MOST_UPLOADS:
        for key in tx.oldest("upload", 1):
            tx.delete("upload", key)
    return upload


def find(tx: Tx, upload_id: str, key: Key) -> Upload | None:
    """Return an upload of this key's account."""
    found: Upload | None = tx.get("upload", upload_id)
    return found if found is not None and found.account == key.account else None


def arrived(tx: Tx, upload_id: str, blob: BlobRef) -> Upload | None:
    """Give a waiting upload its bytes; None when it is gone or has had some already."""
    upload: Upload | None = tx.get("upload", upload_id)
    if upload is None or upload.arrived_at is not None or upload.error is not None:
        return None
    changed = upload._replace(blob=blob, arrived_at=tx.now)
    tx.put("upload", upload_id, changed)
    return changed


def failed(tx: Tx, upload_id: str, error: str) -> None:
    """Note why a waiting upload will never have bytes."""
    upload: Upload | None = tx.get("upload", upload_id)
    if upload is not None and upload.arrived_at is None:
        tx.put("upload", upload_id, upload._replace(error=error))


def misfit(upload: Upload, blob: BlobRef) -> str | None:
    """Return why these bytes are not what the upload is for."""
    if blob.size == 0:
        return "Empty file"
    if blob.size > upload.most_bytes:
        return f"The file has {blob.size} bytes, at most {upload.most_bytes} are taken."
    if blob.content_type not in upload.kinds:
        return f"The bytes are {blob.content_type or 'of no kind known here'}; send one of {', '.join(upload.kinds)}."
    return None
