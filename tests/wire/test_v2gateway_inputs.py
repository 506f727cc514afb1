"""What the /v2 gateway accepts and refuses: modes, references, fields of a model's own, hostile bodies."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest

from support.client import Answer, House
from support.v2 import FULL, SCOPES, VEO, invalid, refused, remembered, untouched, v2

PATH = "/v2/videos/generations"
IMAGE = "https://media.example.com/boat.png"
VIDEO = "https://media.example.com/boat.mp4"
BASE64 = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(300)).decode()


async def large_body(house: House, **fields: Any) -> Answer:
    """Submit a body of megabytes, as a file: the client warns about bytes of that size."""
    return await v2(house).call("POST", PATH, data=io.BytesIO(json.dumps({**VEO, **fields}).encode()))


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(
    ("fields", "source"),
    [
        ({}, "text"),
        ({"images": None, "videos": None}, "text"),
        ({"images": [], "videos": []}, "text"),
        ({"images": [""], "videos": ["", ""]}, "text"),
        ({"images": "", "videos": ""}, "text"),
        ({"images": [IMAGE]}, "image"),
        ({"images": ["", IMAGE], "videos": [""]}, "image"),
        ({"videos": [VIDEO]}, "video"),
        ({"images": [IMAGE], "videos": ["", VIDEO]}, "video"),
    ],
)
async def test_r_v2_021_the_mode_follows_from_the_references(
    stage: House, scope: str, fields: dict[str, Any], source: str
) -> None:
    """R-V2-021, A-V2-07, A-V2-08: empty texts are dropped first; videos win over images."""
    task = await v2(stage).submit(scope, **fields)
    media = {"images": "image", "videos": "video", "audio": "audio"}[scope]
    assert remembered(stage, task)["mode"] == f"{source}-to-{media}"
    assert f"veo3, {source}-to-{media}," in (await stage.admin().get(f"/tasks/{task}"))["explanation"]


@pytest.mark.parametrize("image", [IMAGE, IMAGE.replace("https", "http"), BASE64, f"data:image/png;base64,{BASE64}"])
async def test_r_v2_016_images_are_addresses_or_base64(stage: House, image: str) -> None:
    task = await v2(stage).submit(images=[image, ""])
    (kept,) = remembered(stage, task)["images"]
    assert kept == image


async def test_r_v2_016_many_and_large_pictures_are_accepted_and_not_kept(stage: House) -> None:
    """R-V2-016: sixteen pictures of a mebibyte each; the task remembers their digests, and tells them apart."""
    large = base64.b64encode(bytes(1 << 20)).decode()
    one = await large_body(stage, images=[large] * 16)
    two = await large_body(stage, images=[f"AAAA{large}"])
    assert (one.status, two.status) == (200, 200)
    kept = remembered(stage, one["task_id"])["images"]
    assert len(kept) == 16
    assert all(image.startswith("sha256:") and len(image) == 71 for image in kept)
    assert remembered(stage, two["task_id"])["images"] != kept[:1]
    invalid(await v2(stage).post(PATH, {**VEO, "images": [IMAGE] * 17}), "images")
    refused(await large_body(stage, images=[large] * 25), 413, "payload_too_large")


@pytest.mark.parametrize(
    "image",
    ["ftp://a.example/b.png", "boat.png", "https://", "https://a b", "data:text/html;base64,AAAA", "AA AA", "="],
)
async def test_r_v2_016_other_images_are_refused(stage: House, image: str) -> None:
    invalid(await v2(stage).post(PATH, {**VEO, "images": [image]}), "http")
    await untouched(stage.admin())


@pytest.mark.parametrize("video", [BASE64, f"data:video/mp4;base64,{BASE64}", "ftp://a.example/b.mp4", "boat.mp4"])
async def test_r_v2_017_videos_are_addresses_only(stage: House, video: str) -> None:
    invalid(await v2(stage).post(PATH, {**VEO, "videos": [video]}), "http or https")
    invalid(await v2(stage).post(PATH, {**VEO, "videos": [VIDEO] * 17}), "videos")
    await untouched(stage.admin())


@pytest.mark.parametrize("duration", [5, 0.5, 10.0, "10", "4", 10**9])
async def test_r_v2_012_025_a_duration_is_a_number_or_its_digits(stage: House, duration: Any) -> None:
    """R-V2-012, R-V2-025, A-V2-05."""
    task = await v2(stage).submit(duration=duration)
    assert remembered(stage, task)["duration"] == duration


async def test_r_v2_019_025_076_any_other_field_is_taken_and_passed_on_without_a_word(stage: House) -> None:
    """R-V2-019, R-V2-025: Sora's and Veo's fields, and fields nobody has ever heard of, of any kind."""
    own = {
        "hd": True,
        "private": False,
        "enhance_prompt": True,
        "character_url": VIDEO,
        "character_timestamps": "1,3",
        "image_url": f"{stage.url}/cdn/a/b/c.png",
        "nested": {"a": [1, None, {"b": "\u0000é"}]},
        "scope": "none",
        "mode": 7,
        "": "",
        "x" * 300: 1.5,
    }
    answer = await v2(stage).post(PATH, {**FULL, **own})
    assert answer.status == 200
    assert "X-Soundstage-Warning" not in answer.headers
    passed = remembered(stage, answer["task_id"])["other"]
    assert passed == {**{name: value for name, value in own.items() if value != ""}, "image_url": "/cdn/a/b/c.png"}


async def test_r_v2_019_a_field_that_differs_makes_another_task_and_large_ones_leave_a_digest(stage: House) -> None:
    client = v2(stage)
    small = await client.submit(model="plain", seed=1)
    assert small != await client.submit(model="plain", seed=2)
    large = await client.submit(model="plain", prompt="p" * 9000, seeds=list(range(5000)))
    kept = remembered(stage, large)
    assert kept["prompt"].startswith("sha256:")
    assert kept["other"].startswith("sha256:")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prompt": None}, "prompt is required"),
        ({"prompt": ""}, "prompt is required"),
        ({"prompt": 7}, "prompt must be a string"),
        ({"prompt": ["a"]}, "prompt must be a string"),
        ({"model": None}, "model is required"),
        ({"model": ""}, "model is required"),
        ({"model": 3}, "model must be a string"),
        ({"model": {"id": "veo3"}}, "model must be a string"),
        ({"model": "x" * 201}, "model must have at most 200"),
        ({"duration": 0}, "duration must be seconds"),
        ({"duration": -5}, "duration must be seconds"),
        ({"duration": True}, "duration must be seconds"),
        ({"duration": "5s"}, "duration must be seconds"),
        ({"duration": "10\n"}, "duration must be seconds"),
        ({"duration": "1" * 7}, "duration must be seconds"),
        ({"duration": [5]}, "duration must be seconds"),
        ({"aspect_ratio": 1.5}, "aspect_ratio must be a string"),
        ({"size": "x" * 201}, "size must have at most 200"),
        ({"resolution": 720}, "resolution must be a string"),
        ({"images": IMAGE}, "images must be an array"),
        ({"images": [7]}, "images.0 must be a string"),
        ({"images": [None]}, "images.0 must be a string"),
        ({"videos": {"0": VIDEO}}, "videos must be an array"),
        ({"watermark": "yes"}, "watermark must be true or false"),
        ({"watermark": 1}, "watermark must be true or false"),
        ({"notify_hook": 5}, "notify_hook must be a string"),
        ({"notify_hook": "not a url"}, "http"),
        ({"notify_hook": "http://your-app.com/hook"}, "notify_hook must be https"),
        ({"notify_hook": f"https://a.example/{'x' * 2048}"}, "2048"),
    ],
)
async def test_r_v2_071_a_field_that_does_not_fit_is_named(stage: House, change: dict[str, Any], words: str) -> None:
    """R-V2-010..018, R-V2-071, A-V2-16."""
    client = v2(stage)
    for scope in SCOPES:
        invalid(await client.post(f"/v2/{scope}/generations", {**FULL, **change}), words)
    await untouched(stage.admin())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" \n",
        b"[]",
        b'"hi"',
        b"null",
        b"7",
        b'{"prompt": "a", "model": "veo3",}',  # the commas of the document are typography (A-V2-03)
        b'{"prompt": "a", // comment\n"model": "veo3"}',
        b"\xef\xbb\xbf{}",
        b'{"prompt": "\xff"}',
        b'{"prompt": "\\ud800", "model": "veo3"}',
        b"[" * 100_000,
        b'{"duration": 1e999}',
    ],
)
async def test_r_v2_071_hostile_bodies_are_refused_in_the_family_s_shape(stage: House, raw: bytes) -> None:
    refused(await v2(stage).call("POST", PATH, data=raw), 400, "invalid_request")
    await untouched(stage.admin())


async def test_a_body_nested_as_deep_as_json_goes_is_refused_and_not_an_error_of_ours(stage: House) -> None:
    for depth in (90, 110, 260, 1000):
        raw = json.dumps(dict(VEO))[:-1] + ', "x": ' + "[" * depth + "]" * depth + "}"
        answer = await v2(stage).call("POST", PATH, data=raw.encode())
        if depth == 90:
            assert answer.status == 200, answer.raw
        else:
            invalid(answer, "nested more than 100 levels")


async def test_r_v2_005_a_body_that_is_not_json_is_refused(stage: House) -> None:
    for media in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = await v2(stage).call("POST", PATH, data=b"prompt=a&model=veo3", headers={"Content-Type": media})
        refused(answer, 415, "unsupported_media_type")
    await untouched(stage.admin())


async def test_hostile_names_of_models_are_taken_as_they_are(stage: House) -> None:
    """R-V2-007, R-V2-011: any name is a model; no name breaks an id, a path or a reply."""
    client, admin = v2(stage), stage.admin()
    for model in (
        "veo3/../../x",
        "veo3%2F",
        "veo3:1",
        "veo3?x=1",
        "a\r\nb",
        "\u0000",
        "\U0001f41f",
        "veo3" + "." * 196,
    ):
        task = await client.submit(model=model)
        assert (await client.poll(task))["task_id"] == task
        assert (await admin.get(f"/tasks/{task}"))["model"] == model
        await admin.advance()
        async with stage.http.get((await client.poll(task))["data"]["output"]) as reply:
            assert reply.status == 200
