"""A client of RevidAPI, its catalogue, and what its tests share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from soundstage.core.call import BlobRef
from soundstage.core.task import Task
from soundstage.core.universe import key_id_of, universe_of
from soundstage.core.uploads import Upload, announce
from soundstage.core.view import Tx
from soundstage.core.world import World
from soundstage.resources import read_yaml, schema_root
from support.client import PROMPT, Admin, Answer, Client, House

KEY = "sk_test_somebody"
FOLDER = schema_root() / "revidapi"
CATALOGUE: Mapping[str, Any] = read_yaml(FOLDER / "catalogue.yaml")
MODELS: Mapping[str, Any] = CATALOGUE["models"]
IMAGE, VIDEO, SEEDANCE = "/v1/image/generate", "/v1/video/generate", "/v1/seedance/generate"
MOTION, KOL = "/v1/motion/generate", "/v1/kol-ai/generate"
PICTURE = "https://media.example.com/ada.png"
CLIP = "https://media.example.com/dance.mp4"
# The cheapest job of each kind, and of each endpoint that needs no upload.
PAINT: Mapping[str, Any] = {"model": "image-4.0", "prompt": PROMPT}
FILM: Mapping[str, Any] = {"model": "veo3.1-fast", "prompt": PROMPT}
DANCE: Mapping[str, Any] = {"character_image_url": PICTURE, "motion_video_url": CLIP}
BODIES: Mapping[str, Mapping[str, Any]] = {
    IMAGE: PAINT,
    VIDEO: FILM,
    SEEDANCE: {"model": "seedance-2.0-fast", "prompt": PROMPT},
    MOTION: DANCE,
}


@dataclass
class Revid(Client):
    """A client of RevidAPI with one key."""

    provider: str = "revidapi"

    async def job(self, path: str = IMAGE, given: Mapping[str, Any] | None = None, **fields: Any) -> Answer:
        """Create a job, which must succeed."""
        answer = await self.post(path, {**(BODIES.get(path, {}) if given is None else given), **fields})
        assert answer.status == 200, answer.raw
        assert answer["status"] == "pending"
        return answer

    async def paint(self, **fields: Any) -> str:
        """Create an image job and return its id."""
        return str((await self.job(IMAGE, **fields))["job_id"])

    async def film(self, **fields: Any) -> str:
        """Create a video job and return its id."""
        return str((await self.job(VIDEO, **fields))["job_id"])

    async def poll(self, job_id: str) -> Any:
        """Return a job's body."""
        answer = await self.get(f"/v1/jobs/{job_id}")
        assert answer.status == 200, answer.raw
        return answer.body

    async def states(self, *job_ids: str) -> list[str]:
        """Return the states of jobs."""
        return [(await self.poll(one))["status"] for one in job_ids]

    async def cancel(self, job_id: str) -> Answer:
        """Cancel a job."""
        return await self.call("POST", f"/v1/jobs/{job_id}/cancel")

    async def form(self, path: str, data: Any, content_type: str = "application/x-www-form-urlencoded") -> Answer:
        """POST a form's bytes."""
        return await self.call("POST", path, data=data, headers={"Content-Type": content_type})

    async def limits(self) -> dict[str, list[int]]:
        """Return what GET /limits says, as lists of numbers."""
        answer = await self.get("/v1/limits")
        assert answer.status == 200, answer.raw
        return {name: list(numbers.values()) for name, numbers in answer.body.items() if name != "plan"}


def revid(house: House, key: str | None = None) -> Revid:
    """Return a client of RevidAPI."""
    return Revid(house.http, f"{house.url}/revidapi", key or house.key)


def nobody(house: House) -> Revid:
    """Return a client of RevidAPI without a key."""
    return replace(revid(house), key=None)


async def rich(house: House, key: str = "sk_test_rich_one", **fields: Any) -> Revid:
    """Register a key that can pay for everything and run much at once, and return its client."""
    much = dict.fromkeys(("total_concurrent", "image_concurrent", "video_concurrent", "queue"), 1000)
    await house.anybody().register("revidapi", key=key, **{"balance": "100000000", "limits": much, **fields})
    return revid(house, key)


def refused(answer: Answer, status: int, *words: str) -> str:
    """Assert RevidAPI's error shape and these words in its text; return the text."""
    assert answer.status == status, answer.raw
    assert answer.body.keys() == {"detail"}
    detail = str(answer["detail"])
    for word in words:
        assert word in detail, detail
    assert detail
    assert len(detail) < 1000
    assert answer.headers["x-request-id"].startswith("req_")
    return detail


async def untouched(admin: Admin, available: int = 1000) -> None:
    """Assert that no job exists, no credit moved and the books balance."""
    assert await admin.tasks() == []
    wallet = await admin.wallet()
    assert not wallet or [wallet[name] for name in ("available", "held", "spent")] == [available, 0, 0]
    await admin.sound()


async def bring_sound(client: Revid, house: House, seconds: float | None, *, kind: str = "audio", wait: int = 0) -> str:
    """Put an audio upload into the account of a client that has called before, and return its audio_id."""

    def step(tx: Tx) -> str:
        key = next(key for _, key in tx.scan("key") if key.id == key_id_of("revidapi", client.key or ""))
        upload_id = f"up_{tx.serial():024x}"
        sound = BlobRef(size=1000, content_type="audio/wav", sha256="0" * 64, seconds=seconds)
        announce(
            tx,
            Upload(
                id=upload_id,
                provider="revidapi",
                key_id=key.id,
                account=key.account,
                kind=kind,
                created_at=tx.now,
                expires_at=tx.now + 10**12,
                most_bytes=10**6,
                kinds=("audio/wav",),
                processing_ms=wait,
                arrived_at=tx.now,
                blob=sound,
            ),
        )
        return upload_id.replace("up_", "aud_")

    world: World = house.stage.world
    return await world.run(universe_of(client.key or ""), step)


def row_of(house: House, job_id: str, key: str = KEY) -> Task:
    """Return a job as the engine keeps it."""
    found: Task = house.stage.world.store.peek(universe_of(key)).get("task", job_id)
    return found
