"""What API-Key's task endpoints read: input modes, OpenAI's names, JSON and forms (R-KEY-024..026, 037, D8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from conftest import OpenStage
from support.client import PROMPT, TASKS, Answer, Gateway, House
from support.gateway import invalid, refused

PICTURE, CLIP = "https://example.com/a.png", "https://example.com/a.mp4"
DATA = "data:image/png;base64,iVBORw0KGgo="
PNG, MP4 = b"\x89PNG\r\n\x1a\n" + bytes(40), b"\0\0\0\x18ftypmp42" + bytes(40)
FORM = "application/x-www-form-urlencoded"
VIDEO = {"model": "seedance-2", "prompt": PROMPT}
IMAGE, MUSIC = dict(TASKS["image"][1]), dict(TASKS["music"][1])


def multipart(fields: Mapping[str, str | list[str]], files: Mapping[str, tuple[str, bytes]] | None = None) -> bytes:
    """Return a multipart body whose boundary is `edge`."""
    parts = [
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n{text}'.encode()
        for name, value in fields.items()
        for text in (value if isinstance(value, list) else [value])
    ]
    parts += [
        f'Content-Disposition: form-data; name="{name}"; filename="{told}"\r\nContent-Type: {told}\r\n\r\n'.encode()
        + raw
        for name, (told, raw) in (files or {}).items()
    ]
    return b"".join(b"--edge\r\n%b\r\n" % part for part in parts) + b"--edge--\r\n"


async def upload(client: Gateway, fields: Mapping[str, Any], files: Mapping[str, tuple[str, bytes]]) -> Answer:
    """Create a video task by a multipart form."""
    headers = {"Content-Type": "multipart/form-data; boundary=edge"}
    return await client.call("POST", "/v1/videos", data=multipart(fields, files), headers=headers)


async def said(stage: House, task_id: str) -> str:
    """Return the explanation of a task, which says what it is priced by."""
    return str((await stage.admin().get(f"/tasks/{task_id}"))["explanation"])


@pytest.mark.parametrize(
    ("fields", "mode", "costs"),
    [
        ({}, "text-to-video", 120),
        ({"images": [], "videos": []}, "text-to-video", 120),
        ({"input_mode": "text-to-video"}, "text-to-video", 120),
        ({"images": [PICTURE]}, "image-to-video", 120),
        ({"images": [PICTURE, DATA, PICTURE, "http://example.com/b"]}, "image-to-video", 120),
        ({"images": [PICTURE], "prompt": None, "input_mode": "image-to-video"}, "image-to-video", 120),
        ({"videos": [CLIP]}, "video-to-video", 150),
        ({"videos": [CLIP], "images": None, "prompt": None}, "video-to-video", 150),
    ],
)
async def test_r_key_025_037_references_decide_the_input_mode_and_its_price(
    stage: House, fields: dict[str, Any], mode: str, costs: int
) -> None:
    made = await stage.gateway().task(duration=6, **fields)
    assert (await stage.gateway().poll(made["id"]))["credits"]["reserved"] == costs
    assert f"input_mode {mode}" in await said(stage, made["id"])


@pytest.mark.parametrize(
    ("fields", "costs", "words"),
    [
        ({"seconds": "6"}, 120, "resolution 720p, input_mode text-to-video, duration 6"),
        ({"seconds": 6}, 120, "duration 6"),
        ({"seconds": "12", "size": "1280x720"}, 240, "resolution 720p, input_mode text-to-video, duration 12"),
        ({"duration": 5, "size": "720x1280"}, 100, "resolution 720p"),
        ({"duration": 5, "size": "1920x1080"}, 200, "resolution 1080p"),
        ({"duration": 5, "size": "1792x1024"}, 200, "resolution 1080p"),
        ({"duration": 5, "size": "640x480"}, 50, "resolution 480p"),
        ({"duration": 5, "size": "9999x9999"}, 200, "resolution 1080p"),
    ],
)
async def test_d8_openai_s_names_for_length_and_frame(
    stage: House, fields: dict[str, Any], costs: int, words: str
) -> None:
    made = await stage.gateway().task(**fields)
    assert (await stage.gateway().poll(made["id"]))["credits"]["reserved"] == costs
    assert words in await said(stage, made["id"])


async def test_d8_two_names_of_one_thing_are_the_same_task(open_stage: OpenStage) -> None:
    """The same request draws the same id on a fresh server, whatever its fields are called."""
    spelled: list[dict[str, Any]] = [
        {"duration": 6, "resolution": "720p", "aspect_ratio": "9:16"},
        {"seconds": "6", "size": "720x1280"},
        {"seconds": 6, "size": "720x1280", "duration": None, "max_credits": 120, "callback_url": None},
        {"duration": 6, "aspect_ratio": "9:16", "input_mode": "text-to-video", "images": []},
    ]
    ids = {(await (await open_stage()).gateway().task(**fields))["id"] for fields in spelled}
    assert len(ids) == 1
    assert (await (await open_stage()).gateway().task(duration=7, aspect_ratio="9:16"))["id"] not in ids


async def test_r_key_025_d8_json_and_both_forms_are_the_same_task_at_the_same_price(open_stage: OpenStage) -> None:
    body = {**VIDEO, "duration": 6, "resolution": "480p", "images": [PICTURE, CLIP], "max_credits": 60}
    text = {name: value if isinstance(value, list) else str(value) for name, value in body.items()}
    brackets = {("images[]" if name == "images" else name): value for name, value in text.items()}
    sent = [
        (None, None),
        ("multipart/form-data; boundary=edge", multipart(text)),
        ("multipart/form-data; boundary=edge", multipart(brackets)),
        (FORM, urlencode(text, doseq=True).encode()),
        (f"{FORM}; charset=utf-8", urlencode(brackets, doseq=True).encode()),
    ]
    made = set()
    for media, data in sent:
        client = (await open_stage()).gateway()
        if media is None:
            answer = await client.post("/v1/videos", body)
        else:
            answer = await client.call("POST", "/v1/videos", data=data, headers={"Content-Type": media})
        assert answer.status == 200, answer.raw
        made.add((answer["id"], (await client.poll(answer["id"]))["credits"]["reserved"]))
    assert [costs for _, costs in made] == [60]


@pytest.mark.parametrize(
    ("told", "raw", "mode", "costs"),
    [
        ("image/png", PNG, "image-to-video", 120),
        ("application/octet-stream", PNG, "image-to-video", 120),
        ("image/png", MP4, "video-to-video", 150),
        ("video/mp4", MP4, "video-to-video", 150),
        ("image/gif", b"GIF89a" + bytes(20), "image-to-video", 120),
        ("video/webm", b"\x1aE\xdf\xa3" + bytes(20), "video-to-video", 150),
    ],
)
async def test_r_key_025_d8_an_uploaded_reference_decides_the_mode_by_its_bytes(
    stage: House, told: str, raw: bytes, mode: str, costs: int
) -> None:
    client = stage.gateway()
    made = await upload(client, {**VIDEO, "seconds": "6"}, {"input_reference": (told, raw)})
    assert made.status == 200, made.raw
    assert (await client.poll(made["id"]))["credits"]["reserved"] == costs
    assert f"input_mode {mode}" in await said(stage, made["id"])


async def test_another_file_is_another_task(open_stage: OpenStage) -> None:
    ids = set()
    for raw in (PNG, PNG, PNG + b"x"):
        ids.add((await upload((await open_stage()).gateway(), VIDEO, {"input_reference": ("image/png", raw)}))["id"])
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("fields", "files", "param"),
    [
        (VIDEO, {"input_reference": ("image/png", b"hello")}, "input_reference"),
        (VIDEO, {"input_reference": ("audio/wav", b"RIFF\0\0\0\0WAVE")}, "input_reference"),
        (VIDEO, {"input_reference": ("image/png", b"")}, "input_reference"),
        ({**VIDEO, "input_reference": "hello"}, {}, "input_reference"),
        ({**VIDEO, "input_mode": "video-to-video"}, {"input_reference": ("image/png", PNG)}, "input_mode"),
        ({**VIDEO, "seconds": "6.5"}, {}, "seconds"),
        ({**VIDEO, "duration": "six"}, {}, "duration"),
        ({**VIDEO, "duration": ["6", "7"]}, {}, "duration"),
        ({**VIDEO, "max_credits": "much"}, {}, "max_credits"),
        ({"prompt": PROMPT}, {}, "model"),
    ],
)
async def test_forms_that_make_no_task(
    stage: House, fields: dict[str, Any], files: dict[str, tuple[str, bytes]], param: str
) -> None:
    assert invalid(await upload(stage.gateway(), fields, files), param)
    assert await stage.admin().tasks() == []


@pytest.mark.parametrize("kind", ["image", "music"])
@pytest.mark.parametrize("media", [FORM, "multipart/form-data; boundary=edge", "text/plain"])
async def test_images_and_music_read_json_only(stage: House, kind: str, media: str) -> None:
    answer = await stage.gateway().call("POST", TASKS[kind][0], data=b"model=x", headers={"Content-Type": media})
    assert refused(answer, 415, "unsupported_media_type", "invalid_request_error")


@pytest.mark.parametrize(
    ("kind", "fields", "named"),
    [
        ("video", {"max_credit": 5}, "max_credit (did you mean max_credits?)"),
        ("video", {"callbackUrl": "x", "fps": 30}, "callbackUrl (did you mean callback_url?), fps"),
        ("image", {"quality": "hd", "response_format": "url"}, "quality, response_format"),
        ("music", {"title": "x"}, "title"),
        ("music", {"bad\r\nname": 1}, "bad??name"),
    ],
)
async def test_unknown_fields_are_ignored_and_named_in_a_warning(
    stage: House, kind: str, fields: dict[str, Any], named: str
) -> None:
    """R-KEY-042: the body stays the documented one."""
    made = await stage.gateway().task(kind, **fields)
    assert made.headers["X-Soundstage-Warning"] == f"ignored fields: {named}"
    assert made.body.keys() == {"task_id", "id", "object", "status"}


OPTIONAL = {
    "video": "duration seconds resolution aspect_ratio size input_mode images videos max_credits callback_url",
    "image": "images n resolution aspect_ratio size max_credits callback_url",
    "music": "lyrics instrumental duration max_credits callback_url",
}


@pytest.mark.parametrize("kind", sorted(TASKS))
async def test_null_means_left_out(open_stage: OpenStage, kind: str) -> None:
    bare = await (await open_stage()).gateway().task(kind)
    client = (await open_stage()).gateway()
    nulls = await client.task(kind, **dict.fromkeys(OPTIONAL[kind].split()))
    assert nulls.body == bare.body
    assert nulls.headers.get("X-Soundstage-Warning") is None


async def test_a_file_beside_references_is_refused(stage: House) -> None:
    for field in ("images", "videos"):
        answer = await upload(stage.gateway(), {**VIDEO, field: PICTURE}, {"input_reference": ("image/png", PNG)})
        assert (answer.status, answer["error"]["code"]) == (400, "invalid_request")
        assert "input_reference" in answer["error"]["message"]
