"""What RevidAPI's generate endpoints refuse: bodies, values, keys; nothing stays behind (R-REV-220..227)."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import pytest

from support.client import PROMPT, House
from support.revid import (
    BODIES,
    DANCE,
    FILM,
    IMAGE,
    KOL,
    MOTION,
    PAINT,
    PICTURE,
    SEEDANCE,
    VIDEO,
    nobody,
    refused,
    revid,
    untouched,
)

TALK: Mapping[str, Any] = {"audio_id": "aud_0123456789abcdef01234567", "image_url": PICTURE}
KLING: Mapping[str, Any] = {"model": "kling-2.6", "prompt": PROMPT}
SEED: Mapping[str, Any] = BODIES[SEEDANCE]
ONE, TWO = PICTURE, "https://media.example.com/bob.png"
REFUSALS: list[tuple[str, Any, tuple[str, ...]]] = [
    (IMAGE, {"prompt": PROMPT}, ("model is required", "nano-banana-pro")),
    (IMAGE, {"prompt": PROMPT, "model": None}, ("model is required",)),
    (IMAGE, {"prompt": PROMPT, "model": 5}, ("model",)),
    (IMAGE, {"prompt": PROMPT, "model": ["image-4.0"]}, ("model",)),
    (IMAGE, {"model": "image-4.0"}, ("prompt is required",)),
    (IMAGE, {"model": "image-4.0", "prompt": None}, ("prompt",)),
    (IMAGE, {"model": "image-4.0", "prompt": ""}, ("prompt",)),
    (IMAGE, {"model": "image-4.0", "prompt": "x" * 10_001}, ("prompt", "10000")),
    (IMAGE, {**PAINT, "model": "kling-9"}, ("Unsupported model: kling-9",)),
    (IMAGE, {**PAINT, "model": "kling-2.6"}, ("kling-2.6 is generated at /v1/video/generate.",)),
    (VIDEO, {**FILM, "model": "image-4.0"}, ("/v1/image/generate",)),
    (VIDEO, SEED, ("/v1/seedance/generate",)),
    (VIDEO, {**FILM, "model": "kling-01-video"}, ("Unsupported model",)),
    (SEEDANCE, FILM, ("/v1/video/generate",)),
    (MOTION, {**DANCE, "model": "kling-avatar"}, ("/v1/kol-ai/generate",)),
    (KOL, {**TALK, "model": "motion-control-3.0"}, ("/v1/motion/generate",)),
    (IMAGE, {**PAINT, "server_id": "vip1"}, ("server_id must be one of fast",)),
    (VIDEO, {**KLING, "server_id": "default"}, ("server_id must be one of fast, vip1, vip2",)),
    (VIDEO, {"model": "grok-i2v", "prompt": "x", "server_id": "fast"}, ("server_id must be one of default",)),
    (VIDEO, {**KLING, "server_id": "fast", "speed": "slow"}, ("Server fast does not make kling-2.6",)),
    (VIDEO, {**KLING, "speed": "standard"}, ("speed must be one of fast, slow",)),
    (SEEDANCE, {**SEED, "speed": "standard"}, ("speed must be one of fast",)),
    (VIDEO, {**KLING, "duration": 7}, ("duration must be one of 5, 10", "got 7")),
    (VIDEO, {**KLING, "duration": "5 s"}, ("duration",)),
    (VIDEO, {**KLING, "duration": "\u0665"}, ("duration",)),
    (VIDEO, {**KLING, "duration": True}, ("duration",)),
    (VIDEO, {**KLING, "duration": 10**30}, ("duration",)),
    (VIDEO, {**KLING, "resolution": "4k"}, ("resolution must be one of 720p, 1080p",)),
    (VIDEO, {**KLING, "aspect_ratio": "21:9"}, ("aspect_ratio must be one of",)),
    (VIDEO, {**KLING, "audio": "true"}, ("audio must be true or false",)),
    (VIDEO, {**KLING, "audio": 1}, ("audio must be true or false",)),
    (VIDEO, {**FILM, "audio": "yes"}, ("audio",)),
    (IMAGE, {**PAINT, "model": "image-gpt-2", "quality": "best"}, ("quality must be one of low, medium, high",)),
    (VIDEO, {**KLING, "mode": "v2v"}, ("mode must be one of",)),
    (VIDEO, {**KLING, "mode": "i2v"}, ("mode i2v does not fit",)),
    (VIDEO, {**KLING, "mode": "t2v", "img_url": ONE}, ("mode t2v does not fit",)),
    (VIDEO, {"model": "kling-o1-video", "prompt": "x"}, ("img_url is required",)),
    (VIDEO, {"model": "kling-o1-video", "prompt": "x", "img_url": []}, ("img_url is required",)),
    (VIDEO, {**KLING, "img_url": "data:image/png;base64,AAAA"}, ("img_url", "http")),
    (VIDEO, {**KLING, "img_url": ["/ada.png"]}, ("img_url", "http")),
    (VIDEO, {**KLING, "img_url": 5}, ("img_url",)),
    (VIDEO, {**KLING, "image_urls": ONE}, ("image_urls must be an array",)),
    (VIDEO, {**KLING, "input_image": "AAAA"}, ("input_image",)),
    (SEEDANCE, {**SEED, "video_url": [ONE, TWO]}, ("video_url must be a string",)),
    (MOTION, {"character_image_url": ONE}, ("motion_video_url is required",)),
    (MOTION, {"motion_video_url": ONE}, ("character_image_url is required",)),
    (MOTION, {**DANCE, "mode": "std", "resolution": "1080p"}, ("mode std makes 720p",)),
    (MOTION, {**DANCE, "mode": "fast"}, ("mode must be one of",)),
    (MOTION, {**DANCE, "resolution": "480p"}, ("resolution must be one of 720p, 1080p",)),
    (KOL, {"audio_id": "aud_1"}, ("image_url is required",)),
    (KOL, {"image_url": ONE}, ("audio_id is required",)),
    (KOL, {**TALK, "quality": "4k"}, ("quality must be one of 720p, 1080p",)),
    (KOL, TALK, ("audio_id must be the audio_id of an audio upload",)),
    (KOL, {**TALK, "audio_id": "../up_1"}, ("audio_id must match",)),
    (IMAGE, [], ("JSON object",)),
    (IMAGE, "text", ("JSON object",)),
    (IMAGE, None, ("JSON object",)),
]


@pytest.mark.parametrize(("path", "given", "words"), REFUSALS)
async def test_r_rev_220_227_what_is_not_on_offer_is_refused_and_leaves_nothing(
    stage: House, path: str, given: Any, words: tuple[str, ...]
) -> None:
    client = revid(stage)
    answer = await client.call("POST", path, data=json.dumps(given).encode())
    refused(answer, 400, *words)
    await untouched(stage.admin())
    assert (await client.limits())["active"] == [0, 0, 0, 0]


@pytest.mark.parametrize("data", [b"", b"{", b'{"prompt": NaN}', b"\xff"])
async def test_a_body_that_is_no_json_is_refused(stage: House, data: bytes) -> None:
    refused(await revid(stage).call("POST", IMAGE, data=data), 400)
    await untouched(stage.admin())


async def test_a_body_of_another_media_type_is_refused(stage: House) -> None:
    refused(await revid(stage).form(IMAGE, b"<a/>", "application/xml"), 415, "application/json")


async def test_a_body_of_more_than_a_mebibyte_is_refused(stage: House) -> None:
    body = json.dumps({**PAINT, "notes": "x" * 1_048_576}).encode()
    refused(await revid(stage).call("POST", IMAGE, data=io.BytesIO(body)), 413)


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({}, "Missing Authorization header"),
        ({"X-Api-Key": "sk_test_somebody"}, "Missing Authorization header"),
        ({"Authorization": "Basic c2s6"}, "Invalid authorization format. Use 'Bearer sk_...'"),
        ({"Authorization": "sk_test_somebody"}, "Invalid authorization format. Use 'Bearer sk_...'"),
        ({"Authorization": "Bearer"}, "Missing API key"),
        ({"Authorization": "Bearer sk 1234567"}, "Invalid API key format"),
        ({"Authorization": "Bearer short"}, "Invalid API key format"),
        ({"Authorization": "Bearer sk_test_somebody_revoked"}, "Invalid API key"),
    ],
)
async def test_r_rev_222_the_texts_of_a_missing_or_wrong_key(stage: House, headers: dict[str, str], text: str) -> None:
    for method, path in (("POST", IMAGE), ("GET", "/v1/models"), ("GET", "/v1/jobs/abc"), ("GET", "/v1/limits")):
        assert refused(await nobody(stage).call(method, path, headers=headers), 401) == text
