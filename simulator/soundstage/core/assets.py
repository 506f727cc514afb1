"""Where result files are: paths nobody can guess, one for each file a task made."""

from collections.abc import Mapping
from functools import lru_cache

from soundstage.core.randomness import Draw

EXTENSIONS: Mapping[str, str] = {"video/mp4": "mp4", "image/png": "png", "audio/wav": "wav"}


@lru_cache(maxsize=4096)
def asset_path(universe_id: str, task_id: str, number: int, content_type: str) -> str:
    """Return the path of a task's file `number`, counted from 0, as served under the simulator's root.

    Universe ids come from API keys, so the token in the path is drawn from more than what a client is shown.
    Finished tasks are polled again and again, and their paths never change, so the last ones are remembered.
    """
    token = Draw("asset", universe_id, task_id).hex(f"token {number}" if number else "token", 32)
    return f"/cdn/{universe_id}/{task_id}/{token}.{EXTENSIONS[content_type]}"
