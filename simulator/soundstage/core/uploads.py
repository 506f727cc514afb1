"""Uploads: files a client brings for later calls, from the moment they are announced until they expire.

What an upload is at any time is a function of that time; only its bytes' arrival, a failed fetch and the client's
confirmation are written down. Its bytes are the edge's: they may be gone before its row is.
"""

from typing import Final, Literal, NamedTuple

from soundstage.core.call import BlobRef
from soundstage.core.universe import Key
from soundstage.core.view import Tx

UploadState = Literal["awaiting", "processing", "ready", "failed", "expired"]
# Uploads kept per universe; beyond it the oldest go.
MOST_UPLOADS: Final = 2_000
# ASSUMED: how long what has arrived is kept.
KEPT_MS: Final = 7 * 86_400_000
# Stands in an asset's path for the id of a task or upload where any file of a type will do.
SAMPLE: Final = "sample"


class Upload(NamedTuple):
    """One file of an account. Instants in ms; `most_bytes` and `kinds` say what may still arrive.

    Bytes may begin to arrive until `expires_at`. `blob` is None until they are here; `processing_ms` later the provider
    has looked at them, and `KEPT_MS` later they are forgotten. A sound with `most_seconds` must tell how long it is.
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
    most_seconds: int | None = None

    def state(self, now: int) -> UploadState:
        """Return what the upload is at `now`."""
        if self.arrived_at is not None and now < self.arrived_at + self.processing_ms:
            return "processing"
        if self.error is not None:
            return "failed"
        if now >= (self.expires_at if self.arrived_at is None else self.arrived_at + KEPT_MS):
            return "expired"
        if self.arrived_at is not None:
            return "ready"
        return "awaiting" if self.source is None else "processing"


def announce(tx: Tx, upload: Upload, most: int = MOST_UPLOADS) -> Upload:
    """Add an upload, with or without its bytes; one with a `source` is fetched from there as soon as possible.

    Of `most` uploads of one account, and of all there may be, the oldest make room.
    """
    own = [key for key, row in tx.scan("upload") if row.account == upload.account]
    gone = own[: len(own) + 1 - most] if len(own) >= most else []
    if not gone and tx.count("upload") >= MOST_UPLOADS:
        gone = list(tx.oldest("upload", 1))
    for key in gone:
        tx.delete("upload", key)
    if upload.source is not None:
        tx.put("attempt", (tx.now, tx.serial()), upload.id)
    return _put(tx, upload)


def find(tx: Tx, upload_id: str, key: Key) -> Upload | None:
    """Return an upload of this key's account."""
    found: Upload | None = tx.get("upload", upload_id)
    return found if found is not None and found.account == key.account else None


def arrived(tx: Tx, upload_id: str, blob: BlobRef) -> Upload | None:
    """Give a waiting upload its bytes; None when it is gone or has had some already.

    Of two that arrive at once the first one counts. One that began in time may end late.
    """
    upload: Upload | None = tx.get("upload", upload_id)
    if upload is None or upload.arrived_at is not None or upload.error is not None:
        return None
    return _put(tx, upload._replace(blob=blob, arrived_at=tx.now))


def _put(tx: Tx, upload: Upload) -> Upload:
    if upload.blob is not None:
        upload = upload._replace(error=_misses(upload, upload.blob))
    if upload.arrived_at is not None and upload.processing_ms:
        # Nothing happens then, as its state is derived; but a clock that moves on until nothing is left gets there.
        tx.put("event", (upload.arrived_at + upload.processing_ms, tx.serial()), upload.id)
    tx.put("upload", upload.id, upload)
    return upload


def _misses(upload: Upload, blob: BlobRef) -> str | None:
    """Return what looking at a sound brings out against it."""
    if upload.most_seconds is None or (blob.seconds is not None and blob.seconds <= upload.most_seconds):
        return None
    if blob.seconds is None:
        return "The sound could not be measured: its bytes do not tell how long it is."
    return f"The sound is {blob.seconds:.1f} s long, at most {upload.most_seconds} s are taken."


def failed(tx: Tx, upload_id: str, error: str) -> None:
    """Note why a waiting upload will never have bytes."""
    upload: Upload | None = tx.get("upload", upload_id)
    if upload is not None and upload.arrived_at is None:
        tx.put("upload", upload_id, upload._replace(error=error))


def confirm(tx: Tx, upload: Upload) -> Upload:
    """Note that the client knows of its upload's arrival."""
    confirmed = upload._replace(confirmed=True)
    tx.put("upload", upload.id, confirmed)
    return confirmed


def misfit(upload: Upload, blob: BlobRef) -> str | None:
    """Return why these bytes are not what the upload is for."""
    return unfit(blob, upload.kinds, upload.most_bytes)


def unfit(blob: BlobRef, kinds: tuple[str, ...], most_bytes: int) -> str | None:
    """Return why a file is none of these kinds, or too large."""
    if blob.size == 0:
        return "Empty file"
    if blob.size > most_bytes:
        return f"The file has {blob.size} bytes, at most {most_bytes} are taken."
    if blob.content_type not in kinds:
        return f"The bytes are {blob.content_type or 'of no kind known here'}; send one of {', '.join(kinds)}."
    return None
