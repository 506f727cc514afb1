"""The limits of API-Key's task requests: the widest that is allowed, and what lies beyond (R-KEY-024..026, 071)."""

from __future__ import annotations

from typing import Any

import pytest

from support.client import TASKS, House
from support.gateway import invalid

PICTURE, CLIP = "https://example.com/a.png", "https://example.com/a.mp4"
DATA = "data:image/png;base64,iVBORw0KGgo="
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("video", {"prompt": ""}, "prompt"),
    ("video", {"prompt": "x" * 5001}, "prompt"),
    ("video", {"prompt": None}, "prompt"),
    ("video", {"prompt": 7}, "prompt"),
    ("video", {"duration": 3}, "duration"),
    ("video", {"duration": 16}, "duration"),
    ("video", {"duration": "6"}, "duration"),
    ("video", {"duration": 6.0}, "duration"),
    ("video", {"seconds": "3"}, "duration"),
    ("video", {"resolution": "4k"}, "resolution"),
    ("video", {"model": "seedance-2-fast", "resolution": "1080p"}, "resolution"),
    ("video", {"aspect_ratio": "5:4"}, "aspect_ratio"),
    ("video", {"size": "big"}, "size"),
    ("video", {"input_mode": "image-to-video"}, "input_mode"),
    ("video", {"input_mode": "text-to-video", "images": [PICTURE]}, "input_mode"),
    ("video", {"images": [PICTURE] * 5}, "images"),
    ("video", {"videos": [CLIP] * 2}, "videos"),
    ("video", {"images": PICTURE}, "images"),
    ("video", {"images": ["a.png"]}, "images.0"),
    ("video", {"images": ["data:text/plain;base64,AA=="]}, "images.0"),
    ("video", {"videos": ["data:video/mp4;base64,AA=="]}, "videos.0"),
    ("video", {"input_reference": PICTURE}, "input_reference"),
    ("video", {"max_credits": -0.01}, "max_credits"),
    ("image", {"prompt": "x" * 4001}, "prompt"),
    ("image", {"n": 0}, "n"),
    ("image", {"n": 5}, "n"),
    ("image", {"n": True}, "n"),
    ("image", {"resolution": "720p"}, "resolution"),
    ("image", {"model": "flux-2-pro", "resolution": "4k"}, "resolution"),
    ("image", {"aspect_ratio": "7:5"}, "aspect_ratio"),
    ("image", {"images": [PICTURE] * 9}, "images"),
    ("music", {"prompt": "x" * 3001}, "prompt"),
    ("music", {"lyrics": "x" * 5001}, "lyrics"),
    ("music", {"instrumental": "yes"}, "instrumental"),
    ("music", {"duration": 9}, "duration"),
    ("music", {"duration": 241}, "duration"),
    ("music", {"model": "lyria-3", "duration": 121}, "duration"),
    ("music", {"model": "seedream-4"}, "model"),
]


@pytest.mark.parametrize(("kind", "fields", "param"), REFUSED, ids=lambda value: str(value)[:40])
async def test_r_key_071_refused_with_the_field_to_blame(
    stage: House, kind: str, fields: dict[str, Any], param: str
) -> None:
    path, given = TASKS[kind]
    assert invalid(await stage.gateway().post(path, {**given, **fields}), param)
    assert await stage.admin().tasks() == []


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("video", {"duration": 6, "seconds": "6"}),
        ("video", {"size": "1280x720", "resolution": "720p"}),
        ("video", {"size": "1280x720", "aspect_ratio": "16:9"}),
        ("video", {"images": [PICTURE], "videos": [CLIP]}),
        ("image", {"size": "1024x1024", "resolution": "1k"}),
    ],
)
async def test_fields_that_exclude_each_other_are_both_named(stage: House, kind: str, fields: dict[str, Any]) -> None:
    answer = await stage.gateway().post(TASKS[kind][0], {**TASKS[kind][1], **fields})
    assert (answer.status, answer["error"]["code"]) == (400, "invalid_request")
    assert all(name in answer["error"]["message"] for name in fields)
    assert answer["error"].get("param") in {None, *fields}


ALLOWED: list[tuple[str, dict[str, Any], int]] = [
    ("video", {"prompt": "é" * 5000, "duration": 4}, 80),
    ("video", {"duration": 15, "resolution": "480p", "aspect_ratio": "21:9"}, 150),
    ("image", {"prompt": "x" * 4000, "n": 4, "images": [PICTURE] * 7 + [DATA]}, 24),
    ("image", {"size": "1024x1024"}, 6),
    ("image", {"size": "2048x1152", "n": 2}, 20),
    ("image", {"resolution": "4k", "aspect_ratio": "2:3"}, 18),
    ("music", {"prompt": "x" * 3000, "lyrics": "l" * 5000, "instrumental": False, "duration": 30}, 10),
    ("music", {"lyrics": "", "instrumental": True, "duration": 240}, 80),
]


@pytest.mark.parametrize(("kind", "fields", "costs"), ALLOWED, ids=lambda value: str(value)[:40])
async def test_r_key_024_026_the_widest_that_is_allowed(
    stage: House, kind: str, fields: dict[str, Any], costs: int
) -> None:
    made = await stage.gateway().task(kind, **fields)
    assert (await stage.gateway().poll(made["id"]))["credits"]["reserved"] == costs
