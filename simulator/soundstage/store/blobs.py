"""Keeps the bytes of files in a temporary folder, by universe and content; they go with the process.

The folder is made when the first file arrives. One that a killed process left is deleted by the next that makes one.
"""

import errno
import os
import shutil
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from soundstage.core.call import BlobRef
from soundstage.core.randomness import fingerprint
from soundstage.media.kinds import kind_of
from soundstage.media.probe import seconds_of
from soundstage.store.leftovers import claim, sweep

_HEAD = 64
_PREFIX = "soundstage-"
# Bytes on the disk in all, files that are still arriving included, and files; beyond them the oldest go.
MOST_BYTES = 2_147_483_648
MOST_FILES = 20_000


class BlobStore:
    """Files by digest. The same bytes are kept once a universe; the oldest make room for new ones."""

    def __init__(self, most_bytes: int = MOST_BYTES, most_files: int = MOST_FILES) -> None:
        self._folder: TemporaryDirectory[str] | None = None
        self._claim: int | None = None
        self._parts = 0
        self._sizes: dict[Path, int] = {}
        self._kept = 0
        self._coming = 0
        self._most_bytes = most_bytes
        self._most_files = most_files

    def _place(self, universe_id: str) -> Path:
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix=_PREFIX)
            folder = Path(self._folder.name)
            self._claim = claim(folder)
            sweep(folder.parent, _PREFIX)
        # Others choose the names of universes; a folder's name is none of them.
        return Path(self._folder.name) / fingerprint("files", universe_id).hex()

    def writer(self, universe_id: str) -> "BlobWriter":
        """Return what takes a file piece by piece."""
        folder = self._place(universe_id)
        folder.mkdir(parents=True, exist_ok=True)
        self._parts += 1
        return BlobWriter(folder / f"{self._parts}.part", self)

    def path(self, universe_id: str, digest: str) -> Path | None:
        """Return where a file's bytes are, None when they are not here."""
        if self._folder is None:
            return None
        found = self._place(universe_id) / digest
        return found if found in self._sizes and found.is_file() else None

    def copy(self, source: str, target: str) -> None:
        """Let a universe have another one's files, as far as there is room; they count twice, linked or not."""
        if self._folder is None:
            return
        self.forget(target)
        folder, there = self._place(source), self._place(target)
        for path, size in [(path, size) for path, size in self._sizes.items() if path.parent == folder]:
            if self._kept + self._coming + size > self._most_bytes or len(self._sizes) >= self._most_files:
                return
            there.mkdir(parents=True, exist_ok=True)
            _link(path, there / path.name)
            self._sizes[there / path.name] = size
            self._kept += size

    def forget(self, universe_id: str) -> None:
        """Delete every file of a universe; what is still arriving there will not be kept."""
        if self._folder is None:
            return
        folder = self._place(universe_id)
        for path in [path for path in self._sizes if path.parent == folder]:
            self._kept -= self._sizes.pop(path)
        shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Delete everything."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        if self._claim is not None:
            os.close(self._claim)
            self._claim = None
        self._sizes, self._kept = {}, 0

    def make_room(self, more: int) -> None:
        """Count `more` bytes of a file that is arriving; raises OSError when even the oldest files are too few."""
        while self._kept + self._coming + more > self._most_bytes:
            if not self._sizes:
                raise OSError(errno.ENOSPC, f"files here may have {self._most_bytes} bytes together")
            self._drop_oldest()
        self._coming += more

    def keep(self, part: Path, digest: str, size: int) -> Path:
        """Keep a file that has arrived; raises FileNotFoundError when its universe was forgotten meanwhile."""
        path = part.replace(part.parent / digest)
        self._coming -= size
        self._kept += size - self._sizes.pop(path, 0)
        self._sizes[path] = size
        while len(self._sizes) > self._most_files:
            self._drop_oldest()
        return path

    def drop(self, universe_id: str, digest: str) -> None:
        """Delete one file."""
        if self._folder is None:
            return
        path = self._place(universe_id) / digest
        self._kept -= self._sizes.pop(path, 0)
        path.unlink(missing_ok=True)

    def give_up(self, size: int) -> None:
        """Stop counting a file that did not arrive."""
        self._coming -= size

    def _drop_oldest(self) -> None:
        oldest = next(iter(self._sizes))
        self._kept -= self._sizes.pop(oldest)
        oldest.unlink(missing_ok=True)


class BlobWriter:
    """One file on its way in: measured, hashed and typed by its first bytes, and kept if there is a place.

    Whoever makes one calls `finish` or `abort`; `abort` after `finish` does nothing. Both, and `add`, raise OSError
    when the disk does.
    """

    def __init__(self, part: Path | None = None, store: BlobStore | None = None) -> None:
        self._part = part
        self._store = store
        self._file = None if part is None else part.open("wb")
        self._digest = sha256()
        self._head = b""
        self.size = 0
        self.kept: str | None = None

    def add(self, data: bytes | bytearray) -> None:
        """Take the next piece."""
        if self._file is not None and self._store is not None:
            self._store.make_room(len(data))
        self.size += len(data)
        self._digest.update(data)
        if self._file is not None:
            self._file.write(data)
        if len(self._head) < _HEAD:
            self._head += bytes(data[: _HEAD - len(self._head)])

    def finish(self) -> BlobRef:
        """Return what the file is; its bytes are kept under its digest."""
        digest, kind = self._digest.hexdigest(), kind_of(self._head)
        if self._file is None or self._part is None or self._store is None:
            return BlobRef(self.size, kind, digest)
        self._file.close()
        kept = self._store.keep(self._part, digest, self.size)
        self._file, self.kept = None, digest
        sound = kind is not None and kind.startswith("audio/")
        return BlobRef(self.size, kind, digest, seconds_of(kept) if sound else None)

    def abort(self) -> None:
        """Drop the file, because not all of it came."""
        if self._file is None or self._part is None or self._store is None:
            return
        self._file.close()
        self._file = None
        self._part.unlink(missing_ok=True)
        self._store.give_up(self.size)


def _link(path: Path, name: Path) -> None:
    try:
        os.link(path, name)
    except OSError:
        # Not every file system knows hard links.
        shutil.copyfile(path, name)
