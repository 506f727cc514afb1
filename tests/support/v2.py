"""What the tests of the /v2 gateway share: a client whose every reply is judged, bodies, and what a refusal is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from soundstage.core.universe import universe_of
from soundstage.resources import read_yaml, schema_root
from support.client import Admin, Answer, Client, House
from support.judge import Judge

SCOPES = ("images", "videos", "audio")
PROMPT = "A cat surfing in sunset, cinematic"
VEO: Mapping[str, Any] = {"prompt": PROMPT, "model": "veo3"}
# The documented body with every field; only the model, which is empty there, is another.
FULL: Mapping[str, Any] = {
    "prompt": "Example prompt from provider documentation.",
    "model": "wan3.0-video",
    "duration": 5,
    "aspect_ratio": "16:9",
    "size": "",
    "resolution": "780P",
    "images": [""],
    "videos": [""],
    "watermark": False,
}
# Scope → credits of a plain model, seconds it runs, media type of its file, how that file begins and where.
KINDS: Mapping[str, tuple[int, int, str, bytes, int]] = {
    "images": (4, 20, "image/png", b"\x89PNG", 0),
    "videos": (20, 90, "video/mp4", b"ftyp", 4),
    "audio": (6, 40, "audio/wav", b"RIFF", 0),
}
QUEUED = 11
NO_DATA = {"output": "", "outputs": []}
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


@dataclass
class V2(Client):
    """A client of the /v2 gateway with one key."""

    provider: str = "v2gateway"

    async def submit(self, scope: str = "videos", **fields: Any) -> str:
        """Submit a task, which must succeed and answer its id alone; return the id."""
        answer = await self.post(f"/v2/{scope}/generations", {**VEO, **fields})
        assert answer.status == 200, answer.raw
        assert answer.body.keys() == {"task_id"}
        return str(answer["task_id"])

    async def poll(self, task_id: str, scope: str = "videos") -> Any:
        """Return a task's body."""
        answer = await self.get(f"/v2/{scope}/generations/{task_id}")
        assert answer.status == 200, answer.raw
        return answer.body


def v2(house: House, key: str | None = None) -> V2:
    """Return a client of the gateway."""
    return V2(house.http, f"{house.url}/v2gateway", key or house.key)


def nobody(house: House) -> V2:
    """Return a client without a key."""
    return V2(house.http, f"{house.url}/v2gateway", None)


def refused(answer: Answer, status: int, code: str) -> str:
    """Assert that a reply is this refusal in the family's shape (R-V2-071); return its message."""
    assert answer.status == status, answer.raw
    assert answer.body == {"code": code, "message": answer["message"], "data": None}
    assert len(answer["message"]) < 1000
    return str(answer["message"])


def invalid(answer: Answer, words: str) -> None:
    """Assert that a reply is a 400 whose message holds these words."""
    message = refused(answer, 400, "invalid_request")
    assert words in message, message


async def untouched(admin: Admin) -> None:
    """Assert that no task exists, no credit moved and the books balance."""
    assert await admin.tasks() == []
    wallet = await admin.wallet()
    assert not wallet or wallet["available"] == wallet["issued"]
    await admin.sound()


def remembered(house: House, task_id: str, key: str | None = None) -> Any:
    """Return the request as a task remembers it, which is what would be passed on to the model."""
    view = house.stage.world.store.peek(universe_of(key or house.key))
    return json.loads(view.get("task", task_id).request)


def six_states() -> Judge:
    """Return a judge that knows the two further words of the wider family as well (R-V2-051)."""
    document = deepcopy(read_yaml(schema_root() / "v2gateway" / "openapi.yaml"))
    document["components"]["schemas"]["Task"]["properties"]["status"]["enum"] += ["SUBMITTED", "QUEUED"]
    return Judge(document)
