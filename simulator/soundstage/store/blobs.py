"""Keeps the bytes of files in a temporary folder, by universe and content; they go with the process."""

import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from soundstage.core.call import BlobRef
from soundstage.media.kinds import kind_of
from soundstage.media.probe import seconds_of

_HEAD = 64
# Bytes kept in all; beyond them the oldest files go.
MOST_BYTES = 2_147_483_648


class BlobStore:
    """Files by digest. The same bytes are kept once a universe."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._folder: TemporaryDirectory[str] | None = None
        self._parts = 0
        self._sizes: dict[Path, int] = {}
        self._most = most_bytes

    @property
    def _root(self) -> Path:
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="soundstage-")
        return Path(self._folder.name)

    def writer(self, universe_id: str) -> "BlobWriter":
        """Return what takes a file piece by piece."""
        folder = self._root / universe_id
        folder.mkdir(exist_ok=True)
        self._parts += 1
        return BlobWriter(folder / f"{self._parts}.part", self._keep)

    def path(self, universe_id: str, digest: str) -> Path | None:
        """Return where a file's bytes are, None when they are not here."""
        found = self._root / universe_id / digest
        return found if found.is_file() else None

    def forget(self, universe_id: str) -> None:
        """Delete every file of a universe."""
        if self._folder is not None:
            shutil.rmtree(self._root / universe_id, ignore_errors=True)
            self._sizes = {path: size for path, size in self._sizes.items() if path.exists()}

    def _keep(self, path: Path, size: int) -> None:
        self._sizes.pop(path, None)
        self._sizes[path] = size
        while sum(self._sizes.values()) > self._most and len(self._sizes) > 1:
            oldest = next(iter(self._sizes))
            del self._sizes[oldest]
            oldest.unlink(missing_ok=True)

    def close(self) -> None:
        """Delete everything."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


class BlobWriter:
    """One file on its way in: measured, hashed and typed by its first bytes, and kept if there is a place."""

    def __init__(self, part: Path | None = None, keep: Callable[[Path, int], None] | None = None) -> None:
        self._part = part
        self._keep = keep
        self._file = None if part is None else part.open("wb")
        self._digest = sha256()
        self._head = b""
        self.size = 0

    def add(self, data: bytes | bytearray) -> None:
        """Take the next piece."""
        self.size += len(data)
        self._digest.update(data)
        if self._file is not None:
            self._file.write(data)
        if len(self._head) < _HEAD:
            self._head += bytes(data[: _HEAD - len(self._head)])

    def finish(self) -> BlobRef:
        """Return what the file is; its bytes are kept under its digest."""
        digest, kind = self._digest.hexdigest(), kind_of(self._head)
        if self._file is None or self._part is None:
            return BlobRef(self.size, kind, digest)
        self._file.close()
        kept = self._part.replace(self._part.parent / digest)
        if self._keep is not None:
            self._keep(kept, self.size)
        sound = kind is not None and kind.startswith("audio/")
        return BlobRef(self.size, kind, digest, seconds_of(kept) if sound else None)

    def abort(self) -> None:
        """Drop the file, because not all of it came."""
        if self._file is not None and self._part is not None:
            self._file.close()
            self._part.unlink(missing_ok=True)
