"""Where result files are: paths nobody can guess, one for each file a task made."""

from collections.abc import Mapping
from functools import lru_cache

from soundstage.core.randomness import Draw

EXTENSIONS: Mapping[str, str] = {
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/avif": "avif",
    "image/heic": "heic",
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/ogg": "ogg",
    "audio/flac": "flac",
}


@lru_cache(maxsize=4096)
def asset_path(universe_id: str, task_id: str, number: int, content_type: str) -> str:
    """Return the path of a task's file `number`, counted from 0, as served under the simulator's root.

    Universe ids come from API keys, so the token in the path is drawn from more than what a client is shown.
    Finished tasks are polled again and again, and their paths never change, so the last ones are remembered.
    """
    token = Draw("asset", universe_id, task_id).hex(f"token {number}" if number else "token", 32)
    return f"/cdn/{universe_id}/{task_id}/{token}.{EXTENSIONS[content_type]}"


def upload_path(universe_id: str, upload_id: str) -> str:
    """Return the path a client may PUT an upload's bytes to, once."""
    return f"/upload/{universe_id}/{upload_id}/{upload_token(universe_id, upload_id)}"


def upload_token(universe_id: str, upload_id: str) -> str:
    """Return the part of that path nobody can guess."""
    return Draw("upload", universe_id, upload_id).hex("token", 32)
