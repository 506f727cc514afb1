"""The workflows of RevidAPI's document, each from its first call to a result that opens (R-REV-050..103, 180..191)."""

from __future__ import annotations

from typing import Any

from support.client import House
from support.revid_files import MP4, PNG, Revid, bare, revid
from support.sounds import wav


async def finished(house: House, client: Revid, path: str, body: dict[str, Any]) -> Any:
    """Create a job, let it end, and return its body; its result must be a file that opens."""
    made = await client.post(path, body)
    assert made.status == 200, made.raw
    assert made["status"] == "pending"
    await house.admin().advance()
    job = (await client.get(f"/v1/jobs/{made['job_id']}")).body
    assert (job["status"], job["progress"], job["error"]) == ("completed", 100, None)
    assert isinstance(job["result"], str)
    file = await bare(house, "GET", job["result"])
    assert file.status == 200
    assert file.raw
    return job


async def test_the_quickstart_to_the_credit(stage: House) -> None:
    """R-REV-032: cost 30 and 970 left of 1000."""
    await stage.admin().register("revidapi", key=stage.key, balance="1000")
    body = {"prompt": "A futuristic city at sunset", "model": "nano-banana-pro"}
    made = await revid(stage).post("/v1/image/generate", body)
    assert (made["cost"], made["balance_remaining"], made["status"]) == (30, 970, "pending")


async def test_text_to_image_and_image_to_image(stage: House) -> None:
    client = revid(stage)
    await finished(stage, client, "/v1/image/generate", {"prompt": "a boat", "model": "nano-banana-pro"})
    picture = (await client.uploaded("image", PNG))["url"]
    body = {"prompt": "a boat", "model": "nano-banana-pro", "img_url": picture}
    await finished(stage, client, "/v1/image/generate", body)


async def test_text_to_video_and_image_to_video(stage: House) -> None:
    client = revid(stage)
    await finished(stage, client, "/v1/video/generate", {"prompt": "a boat", "model": "kling-2.6", "duration": 5})
    picture = (await client.uploaded("image", PNG))["url"]
    body = {"prompt": "a boat", "model": "veo3.1-fast", "img_url": picture, "duration": "8s"}
    await finished(stage, client, "/v1/video/generate", body)


async def test_motion_control(stage: House) -> None:
    client = revid(stage)
    body = {
        "character_image_url": (await client.uploaded("image", PNG))["url"],
        "motion_video_url": (await client.uploaded("video", MP4))["url"],
        "mode": "std",
    }
    await finished(stage, client, "/v1/motion/generate", body)


async def test_kol_ai_costs_what_the_sound_s_status_says(stage: House) -> None:
    client = revid(stage)
    sound = await client.uploaded("audio", wav(7.25))
    assert sound["status"] == "processing"
    await stage.admin().advance()
    status = await client.upload_status(sound["upload_id"])
    assert (status["status"], status["duration"]) == ("completed", 7.25)
    picture = (await client.uploaded("image", PNG))["url"]
    body = {"audio_id": status["audio_id"], "image_url": picture, "quality": "1080p"}
    job = await finished(stage, client, "/v1/kol-ai/generate", body)
    assert job["cost"] == status["costs"]["1080p"]


async def test_a_presigned_upload_ends_in_a_video(stage: House) -> None:
    client = revid(stage)
    presigned = await client.presign("picture.png")
    assert (await bare(stage, "PUT", presigned["upload_url"], PNG)).status == 200
    confirmed = await client.confirm(presigned["upload_id"])
    assert confirmed["status"] == "ready"
    body = {"prompt": "a boat", "model": "kling-2.6", "img_url": confirmed["url"]}
    await finished(stage, client, "/v1/video/generate", body)


async def test_an_external_url_and_a_download(stage: House) -> None:
    client = revid(stage)
    fetched = await client.fetch("https://example.com/video.mp4")
    assert fetched["status"] == "processing"
    await stage.admin().advance()
    status = await client.upload_status(fetched["upload_id"])
    assert status["status"] == "completed"
    assert (await bare(stage, "GET", status["url"])).raw == MP4
    before = await stage.admin().balance()
    assert (await client.post("/v1/download/extract", {"url": "https://tiktok.com/@a/video/1"})).status == 200
    assert await stage.admin().balance() == before
