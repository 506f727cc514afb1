"""Result files: for now one small valid sample of each type, the same for every task."""

from functools import cache
from pathlib import Path

_FILES = {"image/png": "sample.png", "video/mp4": "sample.mp4", "audio/wav": "sample.wav"}


@cache
def sample(content_type: str) -> bytes:
    """Return a file of this type that opens; raises KeyError for a type there is no sample of."""
    return (Path(__file__).parent / "samples" / _FILES[content_type]).read_bytes()
