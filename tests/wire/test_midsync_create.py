"""MidSync's create: what it takes, what it answers, in both dialects (R-MID-020..067, 080..088, 100..108)."""

from __future__ import annotations

from typing import Any

import pytest

from support.client import KLING, PROMPT, SEEDANCE, House

NINE = {
    "success", "taskId", "providerTaskId", "model", "providerModel", "pointsCharged", "status", "estimatedTime",
    "estimatedTimeSec",
}  # fmt: skip
PICTURE = "https://example.com/a.png"
RUNWAY: dict[str, Any] = {"model": "runway", "prompt": PROMPT, "aspectRatio": "16:9"}
GROK: dict[str, Any] = {"model": "grok-video", "prompt": PROMPT}
BOTH_PATHS = pytest.mark.parametrize("path", ["/v1/videos/generations", "/unified-video/generate"])


@BOTH_PATHS
async def test_r_mid_020_024_050_to_060_the_documented_create_on_both_paths(stage: House, path: str) -> None:
    """R-MID-050..060, R-MID-085, D2."""
    answer = await stage.client().post(path, SEEDANCE)
    assert answer.status == 200
    body = answer.body
    assert body.keys() == NINE
    assert body["providerTaskId"] != body["taskId"]
    assert {name: body[name] for name in NINE - {"taskId", "providerTaskId"}} == {
        "success": True,
        "model": "seedance-1.5-pro",
        "providerModel": "bytedance/seedance-1.5-pro",
        "pointsCharged": 20,
        "status": "submitted",
        "estimatedTime": "~2-3 min",
        "estimatedTimeSec": 140,
    }


async def test_r_mid_086_the_smallest_documented_body_is_enough(stage: House) -> None:
    body = {"model": "seedance-1.5-pro", "prompt": PROMPT, "duration": 8, "resolution": "720p"}
    answer = await stage.client().post("/unified-video/generate", body)
    assert (answer.status, answer["status"]) == (200, "submitted")


async def test_r_mid_087_ids_are_kept_and_differ_from_task_to_task(stage: House) -> None:
    client = stage.client()
    made = [await client.create() for _ in range(5)]
    assert len({one["taskId"] for one in made}) == len({one["providerTaskId"] for one in made}) == 5


ALLOWED: list[tuple[str, dict[str, Any]]] = [
    ("R-MID-031 shortest prompt", {**SEEDANCE, "prompt": "abc"}),
    ("R-MID-031 longest prompt", {**SEEDANCE, "prompt": "é" * 2500}),
    ("R-MID-032 no images", {**SEEDANCE, "images": []}),
    ("R-MID-032 one image", {**SEEDANCE, "images": [PICTURE]}),
    ("R-MID-032 two images", {**SEEDANCE, "images": [PICTURE, PICTURE]}),
    *(
        (f"R-MID-033 {ratio}", {**SEEDANCE, "aspectRatio": ratio})
        for ratio in ("1:1", "4:3", "3:4", "16:9", "9:16", "21:9", "2:3", "3:2")
    ),
    *((f"R-MID-034 {size}", {**SEEDANCE, "resolution": size}) for size in ("480p", "720p", "1080p")),
    *((f"R-MID-035 {seconds}", {**SEEDANCE, "duration": seconds}) for seconds in (4, 8, 12)),
    ("R-MID-036..039", {**SEEDANCE, "generateAudio": False, "fixedLens": True, "nsfwChecker": True, "projectId": "p"}),
    ("R-MID-040", {**SEEDANCE, "callbackUrl": "https://your-app.com/hook"}),
    ("R-MID-101 10 s", {**KLING, "duration": 10}),
    ("R-MID-102 cfgScale is clamped", {**KLING, "cfgScale": 17, "negativePrompt": "rain"}),
    ("R-MID-102 cfgScale is clamped from below", {**KLING, "cfgScale": -1.5}),
    ("R-MID-103 negative prompt", {**KLING, "negativePrompt": "x" * 2500}),
    ("R-MID-103 short negative prompt beside an image", {**KLING, "images": [PICTURE], "negativePrompt": "x" * 500}),
    ("R-MID-103 ratio beside an image has no effect", {**KLING, "images": [PICTURE], "aspectRatio": "9:16"}),
    ("R-MID-104 ratio", RUNWAY),
    ("R-MID-104 no ratio beside an image", {"model": "runway", "prompt": PROMPT, "images": [PICTURE]}),
    ("R-MID-104 watermark", {**RUNWAY, "watermark": "me", "projectId": "p", "prompt": "x" * 1800}),
    ("R-MID-106", {**GROK, "duration": 30, "resolution": "720p", "mode": "fun"}),
    ("R-MID-108 seven images", {**GROK, "images": [PICTURE] * 7, "referenceIndex": 5}),
    ("R-MID-108 prompt is optional beside an image", {"model": "grok-video", "images": [PICTURE]}),
    ("R-MID-108 spicy", {**GROK, "mode": "spicy", "nsfwChecker": False, "aspectRatio": "2:3"}),
    ("R-MID-084 referenceVideoUrls is let pass", {**SEEDANCE, "referenceVideoUrls": [PICTURE]}),
]
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("R-MID-030 no model", {"prompt": PROMPT}, "model"),
    ("R-MID-030 unknown model", {**SEEDANCE, "model": "sora"}, "model"),
    ("R-MID-031 no prompt", {"model": "seedance-1.5-pro"}, "prompt"),
    ("R-MID-031 prompt too short", {**SEEDANCE, "prompt": "ab"}, "prompt"),
    ("R-MID-031 prompt too long", {**SEEDANCE, "prompt": "x" * 2501}, "prompt"),
    ("R-MID-032 three images", {**SEEDANCE, "images": [PICTURE] * 3}, "images"),
    ("R-MID-032 no URL (A-MID-31)", {**SEEDANCE, "images": ["data:image/png;base64,AA=="]}, "http"),
    ("R-MID-033", {**SEEDANCE, "aspectRatio": "5:4"}, "aspectRatio"),
    ("R-MID-034", {**SEEDANCE, "resolution": "4k"}, "resolution"),
    ("R-MID-035", {**SEEDANCE, "duration": 5}, "duration"),
    ("R-MID-035 no integer", {**SEEDANCE, "duration": "8"}, "duration"),
    ("R-MID-035 a float", {**SEEDANCE, "duration": 8.0}, "duration"),
    ("R-MID-036", {**SEEDANCE, "generateAudio": "yes"}, "generateAudio"),
    ("R-MID-037", {**SEEDANCE, "fixedLens": 1}, "fixedLens"),
    ("R-MID-038", {**SEEDANCE, "nsfwChecker": 0}, "nsfwChecker"),
    ("R-MID-039", {**SEEDANCE, "projectId": 7}, "projectId"),
    ("R-MID-040 no URL", {**SEEDANCE, "callbackUrl": "your-app.com/hook"}, "http"),
    ("R-MID-101", {**KLING, "duration": 8}, "duration"),
    ("R-MID-103 two images", {**KLING, "images": [PICTURE] * 2}, "images"),
    ("R-MID-103 long negative prompt", {**KLING, "images": [PICTURE], "negativePrompt": "x" * 501}, "negativePrompt"),
    ("R-MID-103 ratio", {**KLING, "aspectRatio": "4:3"}, "aspectRatio"),
    ("R-MID-104 prompt", {**RUNWAY, "prompt": "x" * 1801}, "prompt"),
    ("R-MID-104 no ratio", {"model": "runway", "prompt": PROMPT}, "aspectRatio"),
    ("R-MID-104 images", {**RUNWAY, "images": [PICTURE] * 2}, "images"),
    ("R-MID-105 10 s at 1080p", {**RUNWAY, "duration": 10, "quality": "1080p"}, "1080p"),
    ("R-MID-106 too short", {**GROK, "duration": 5}, "duration"),
    ("R-MID-106 too long", {**GROK, "duration": 31}, "duration"),
    ("R-MID-106 resolution", {**GROK, "resolution": "1080p"}, "resolution"),
    ("R-MID-108 both", {**GROK, "images": [PICTURE], "referenceTaskId": "gen_1"}, "referenceTaskId"),
    ("R-MID-108 spicy with an image", {**GROK, "images": [PICTURE], "mode": "spicy"}, "spicy"),
    ("R-MID-108 eight images", {**GROK, "images": [PICTURE] * 8}, "images"),
    ("R-MID-108 index", {**GROK, "referenceIndex": 6}, "referenceIndex"),
    ("R-MID-108 no prompt", {"model": "grok-video"}, "prompt"),
    ("A-MID-08 a display name", {**KLING, "model": "Kling 2.5 Turbo"}, "kling-2.5-turbo"),
]


@pytest.mark.parametrize(("why", "body"), ALLOWED, ids=[why for why, _ in ALLOWED])
async def test_r_mid_030_to_040_and_100_to_108_allowed(stage: House, why: str, body: dict[str, Any]) -> None:
    client = stage.client()
    quoted = await client.post("/unified-video/quote", body)
    made = await client.post("/unified-video/generate", body)
    assert (quoted.status, made.status) == (200, 200), (why, made.raw)
    assert quoted["pointsCharged"] == made["pointsCharged"]


@pytest.mark.parametrize(("why", "body", "named"), REFUSED, ids=[why for why, _, _ in REFUSED])
async def test_r_mid_137_refused_by_quote_and_create_alike(
    stage: House, why: str, body: dict[str, Any], named: str
) -> None:
    """R-MID-072, R-MID-137: 4xx with success false and an error that names the field."""
    client = stage.client()
    for path in ("/unified-video/quote", "/unified-video/generate", "/v1/videos/generations"):
        answer = await client.post(path, body)
        assert (answer.status, answer["success"]) == (400, False), (why, answer.raw)
        assert named in answer["error"]
    assert await stage.admin().tasks() == []


async def test_r_mid_108_a_reference_task_must_be_ones_own(stage: House) -> None:
    client = stage.client()
    made = await client.create(GROK)
    assert (await client.create(GROK, referenceTaskId=made["taskId"])).status == 200
    answer = await client.post("/unified-video/generate", {**GROK, "referenceTaskId": "gen_foreign"})
    assert answer.status == 400
    assert "referenceTaskId" in answer["error"]


LANDING = {"model": "Kling 2.5 Turbo", "prompt": PROMPT, "duration_seconds": 5, "resolution": "1080p"}


@pytest.mark.parametrize("in_query", [True, False])
async def test_r_mid_065_to_067_the_landing_form(stage: House, in_query: bool) -> None:
    """R-MID-065..067, A-MID-02..06."""
    answer = await stage.client().post("/v1/videos/generations", LANDING, landing=in_query)
    assert answer.status == 200
    assert answer.body == {"task_id": answer["task_id"], "status": "processing"}
    assert (await stage.client().status(answer["task_id"]))["taskId"] == answer["task_id"]
    assert (await stage.admin().tasks())[0]["cost"] == "35"


@pytest.mark.parametrize("name", ["Seedance 1.5 Pro", "Kling 2.5 Turbo", "Runway", "Grok Video", "kling-2.5-turbo"])
async def test_r_mid_065_every_display_name_and_image_url(stage: House, name: str) -> None:
    body = {"model": name, "prompt": PROMPT, "image_url": PICTURE}
    assert (await stage.client().post("/v1/videos/generations", body)).status == 200


async def test_r_mid_065_a_grok_reference_task(stage: House) -> None:
    client = stage.client()
    first = await client.create(GROK)
    body = {"model": "Grok Video", "prompt": PROMPT, "reference_task_id": first["taskId"]}
    assert (await client.post("/v1/videos/generations", body)).status == 200
    refused = await client.post("/v1/videos/generations", {**body, "model": "Kling 2.5 Turbo"})
    assert refused.status == 400
    assert "reference_task_id" in refused["error"]


@pytest.mark.parametrize(
    "field",
    [
        "duration",
        "images",
        "referenceTaskId",
        "aspectRatio",
        "generateAudio",
        "callbackUrl",
        "quality",
        "mode",
        "watermark",
    ],
)
async def test_d1_a_camel_case_field_beside_a_landing_field_is_refused(stage: House, field: str) -> None:
    answer = await stage.client().post("/v1/videos/generations", {**LANDING, field: "x"})
    assert answer.status == 400
    assert field in answer["error"]


async def test_d1_unified_video_knows_the_developer_form_only(stage: House) -> None:
    answer = await stage.client().post("/unified-video/generate", LANDING)
    assert answer.status == 400
    assert (await stage.nobody().call("GET", "/unified-video/models?api_key=sk_test_somebody")).status == 401


async def test_r_mid_041_fields_nobody_knows_are_named_in_a_warning(stage: House) -> None:
    answer = await stage.client().create(KLING, aspectratio="1:1")
    assert "aspectRatio" in answer.headers["X-Soundstage-Warning"]
