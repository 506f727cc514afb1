"""Reads how long a sound is from the file itself, and gives up on files that make the reading long."""

from io import BufferedReader, FileIO
from pathlib import Path

# Reads of one file. Twenty minutes of sound in small pages need fewer; a file of noise would take seconds.
MOST_READS = 50_000


class _Sparing(BufferedReader):
    """A file that may be read from only so often, and never asks for more memory than it has bytes."""

    def __init__(self, path: Path) -> None:
        super().__init__(FileIO(path))
        self._left = MOST_READS
        self._size = path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise ValueError(f"still undecided after {MOST_READS} reads")
        return super().read(-1 if size is None else min(size, self._size))


def seconds_of(path: Path) -> float | None:
    """Return a sound file's duration in seconds, None when its bytes do not tell."""
    from tinytag import TinyTag, TinyTagException  # noqa: PLC0415 - only an upload of sound pays for it

    try:
        with _Sparing(path) as file:
            # What breaks inside it, whatever it is, arrives as its own exception.
            found = TinyTag.get(filename=None, file_obj=file, tags=False)
    except (TinyTagException, ValueError, OSError):
        return None
    seconds = found.duration
    return seconds if seconds is not None and 0 < seconds < 1e7 else None
