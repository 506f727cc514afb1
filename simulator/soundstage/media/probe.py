"""Reads how long a sound is from the file itself."""

from pathlib import Path


def seconds_of(path: Path) -> float | None:
    """Return a sound file's duration in seconds, None when its bytes do not tell."""
    from tinytag import TinyTag, TinyTagException  # noqa: PLC0415 - only an upload of sound pays for it

    try:
        with path.open("rb") as file:
            found = TinyTag.get(filename=None, file_obj=file, tags=False)
    except (TinyTagException, ValueError, OSError):
        return None
    seconds = found.duration
    return seconds if seconds is not None and 0 < seconds < 1e7 else None
