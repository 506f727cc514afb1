"""RevidAPI's five generate endpoints: what they take, what they refuse, and what a refusal leaves behind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from support import forms
from support.client import PROMPT, House
from support.revid import (
    BODIES,
    DANCE,
    FILM,
    IMAGE,
    KOL,
    MODELS,
    MOTION,
    PAINT,
    PICTURE,
    SEEDANCE,
    VIDEO,
    bring_sound,
    refused,
    revid,
    rich,
    row_of,
    untouched,
)

KLING: Mapping[str, Any] = {"model": "kling-2.6", "prompt": PROMPT}
ONE, TWO = PICTURE, "https://media.example.com/bob.png"


def urls(count: int) -> list[str]:
    """Return so many addresses."""
    return [f"https://media.example.com/{number}.png" for number in range(count)]


def made(house: House, answer: Any) -> dict[str, Any]:
    """Return what the server understood of an accepted request."""
    assert answer.status == 200, answer.raw
    fields: dict[str, Any] = json.loads(row_of(house, answer["job_id"]).request)
    return fields


async def test_r_rev_030_032_a_job_is_created_pending_and_charged_at_once(stage: House) -> None:
    client = revid(stage)
    answer = await client.job(IMAGE, {"prompt": "A futuristic city at sunset", "model": "nano-banana-pro"})
    assert list(answer.body) == ["job_id", "status", "cost", "balance_remaining"]
    assert (answer["status"], answer["cost"], answer["balance_remaining"]) == ("pending", 30, 970)
    assert answer["job_id"].startswith("job_")
    assert len(answer["job_id"]) == 28
    wallet = await stage.admin().wallet()
    assert [wallet[name] for name in ("available", "held", "spent")] == [970, 30, 0]


@pytest.mark.parametrize("path", BODIES)
async def test_r_rev_006_every_endpoint_reads_json_and_both_forms(stage: House, path: str) -> None:
    client = await rich(stage)
    given = BODIES[path]
    pairs = "&".join(f"{name}={value}" for name, value in given.items())
    multipart = forms.form(*(forms.field(name, str(value)) for name, value in given.items()))
    answers = [
        await client.post(path, dict(given)),
        await client.form(path, pairs.encode()),
        await client.form(path, multipart, forms.TYPE),
    ]
    understood = [json.loads(row_of(stage, one["job_id"], "sk_test_rich_one").request) for one in answers]
    assert understood[0] == understood[1] == understood[2]


async def test_a_form_spells_numbers_truth_and_lists_as_text(stage: House) -> None:
    client = revid(stage)
    data = f"model=kling-2.6&prompt=waves&duration=10s&audio=1&img_url={ONE}&img_url={TWO}&mode=i2v"
    fields = made(stage, await client.form(VIDEO, data.encode()))
    assert (fields["duration"], fields["audio"], fields["images"]) == (10, True, [ONE, TWO])
    fields = made(stage, await client.form(VIDEO, b"model=kling-2.6&prompt=waves&audio=false"))
    assert fields["audio"] is False


@pytest.mark.parametrize("path", [IMAGE, VIDEO, SEEDANCE])
async def test_r_rev_042_061_images_may_come_as_files(stage: House, path: str) -> None:
    client = revid(stage)
    fields = [forms.field(name, str(value)) for name, value in BODIES[path].items()]
    picture = forms.upload(forms.PNG, name="input_image")
    other = forms.upload(forms.PNG + b"1", name="input_image", filename="b.png")
    understood = made(stage, await client.form(path, forms.form(*fields, picture, other), forms.TYPE))
    assert len(set(understood["files"])) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "Empty file"), (forms.MP4, "video/mp4"), (b"hello", "of no kind known here")],
)
async def test_a_file_that_is_no_image_is_refused(stage: House, content: bytes, words: str) -> None:
    fields = [forms.field(name, str(value)) for name, value in PAINT.items()]
    body = forms.form(*fields, forms.upload(content, name="input_image"))
    refused(await revid(stage).form(IMAGE, body, forms.TYPE), 400, words, "input_image")
    await untouched(stage.admin())


@pytest.mark.parametrize(
    "given",
    [
        {"img_url": [ONE, TWO]},
        {"img_url": ONE, "image_url": TWO},
        {"image_urls": [ONE, TWO]},
        {"img_url": [ONE], "image_urls": [ONE, TWO]},
    ],
)
async def test_r_rev_048_062_images_count_together_whatever_their_field_is_called(
    stage: House, given: dict[str, Any]
) -> None:
    assert made(stage, await revid(stage).post(VIDEO, {**KLING, **given}))["images"] == [ONE, TWO]


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if model["images"]["maximum"]])
async def test_r_rev_048_066_071_a_model_takes_as_many_images_as_it_says_and_no_more(stage: House, name: str) -> None:
    client, most = revid(stage), MODELS[name]["images"]["maximum"]
    path, given = MODELS[name]["endpoint"], {"model": name, "prompt": PROMPT}
    assert len(made(stage, await client.post(path, {**given, "img_url": urls(most)}))["images"]) == most
    for more in (
        {"img_url": urls(most + 1)},
        {"image_urls": urls(most + 1)},
        {"img_url": urls(most), "image_url": TWO},
        {"img_url": [ONE] * (most + 1)},
    ):
        refused(await client.post(path, {**given, **more}), 400, "at most")
    assert len(await stage.admin().tasks()) == 1


async def test_null_means_left_out(stage: House) -> None:
    client = revid(stage)
    names = ("img_url", "image_url", "image_urls", "mode", "resolution", "duration", "aspect_ratio", "audio", "speed")
    bare = made(stage, await client.post(VIDEO, KLING))
    assert made(stage, await client.post(VIDEO, {**KLING, **dict.fromkeys((*names, "server_id"))})) == bare
    motion = made(stage, await client.post(MOTION, {**DANCE, "model": None, "mode": None, "prompt": None}))
    assert (motion["model"], motion["resolution"]) == ("motion-control-3.0", "720p")


@pytest.mark.parametrize(("path", "given"), [(path, given) for path, given in BODIES.items()])
async def test_r_rev_007_unknown_fields_are_ignored_and_named(stage: House, path: str, given: dict[str, Any]) -> None:
    answer = await revid(stage).post(path, {**given, "promt": {"deep": [1]}, "count": 1})
    assert answer.status == 200
    assert "count" in answer.headers["X-Soundstage-Warning"]


@pytest.mark.parametrize(
    ("path", "given", "named"),
    [
        (VIDEO, {**FILM, "speed": "fast", "resolution": "4k", "audio": True}, ["speed", "resolution", "audio"]),
        (VIDEO, {"model": "kling-2.5-turbo", "prompt": "x", "aspect_ratio": "9:16"}, ["aspect_ratio"]),
        (IMAGE, {**PAINT, "quality": "high", "resolution": "9k"}, ["quality", "resolution"]),
        (VIDEO, {**FILM, "video_url": ONE}, ["video_url"]),
        (MOTION, {**DANCE, "video_cover_url": ONE, "background_source": "input_image"}, ["video_cover_url"]),
    ],
)
async def test_fields_a_model_does_not_have_change_nothing(
    stage: House, path: str, given: dict[str, Any], named: list[str]
) -> None:
    """A-REV-22, A-REV-34, A-REV-35."""
    client = revid(stage)
    answer = await client.post(path, given)
    plain = {name: value for name, value in given.items() if name not in named and name != "background_source"}
    assert made(stage, answer) == made(stage, await client.post(path, plain))
    for name in named:
        assert name in answer.headers["X-Soundstage-Warning"]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"user": "ada"}, "Insufficient user balance. Required: 30, Available: 29.5"),
        ({"type": "standalone"}, "Insufficient balance. Required: 30, Available: 29.5"),
    ],
)
async def test_r_rev_223_227_without_enough_credits_nothing_is_made(
    stage: House, fields: dict[str, Any], text: str
) -> None:
    key = "sk_test_poor_one"
    client = await rich(stage, key, balance="29.5", **fields)
    answer = await client.post(IMAGE, {"prompt": PROMPT, "model": "nano-banana-pro"})
    assert refused(answer, 402) == text
    wallet = await stage.admin(key).wallet()
    assert [str(wallet[name]) for name in ("available", "held", "spent")] == ["29.5", "0", "0"]
    assert await stage.admin(key).tasks() == []


async def test_r_rev_223_a_budgeted_key_speaks_of_its_own_balance(stage: House) -> None:
    """A-REV-38, A-REV-39: its quota was taken from the user when it was made, and is what it spends and shows."""
    owner = await rich(stage, "sk_test_of_ada_1", balance="100", user="ada", universe="shared")
    budget = await rich(
        stage, "sk_test_of_ada_2", balance="35", user="ada", type="budgeted", universe="shared", limits=None
    )
    given = {"prompt": PROMPT, "model": "nano-banana-pro"}
    assert (await budget.job(IMAGE, given))["balance_remaining"] == 5
    text = refused(await budget.post(IMAGE, given), 402)
    assert text == "Insufficient balance. Required: 30, Available: 5"
    assert (await owner.job(IMAGE, given))["balance_remaining"] == 35


async def test_a_job_may_cost_all_there_is(stage: House) -> None:
    client = await rich(stage, balance="30")
    answer = await client.job(IMAGE, {"prompt": PROMPT, "model": "nano-banana-pro"})
    assert answer["balance_remaining"] == 0


async def test_a_key_makes_only_the_models_it_may(stage: House) -> None:
    client = await rich(stage, models=["image-4.0"])
    await client.paint()
    refused(await client.post(VIDEO, FILM), 403, "veo3.1-fast", "image-4.0")


@pytest.mark.parametrize("seconds", [1.0, 299.9])
async def test_r_rev_090_095_a_face_speaks_an_uploaded_sound(stage: House, seconds: float) -> None:
    client = await rich(stage)
    await client.limits()
    audio_id = await bring_sound(client, stage, seconds)
    answer = await client.post(KOL, {"audio_id": audio_id, "image_url": PICTURE, "audio_url": ONE})
    assert answer.status == 200
    assert "audio_url" in answer.headers["X-Soundstage-Warning"], "A-REV-36"
    assert (await client.poll(answer["job_id"]))["type"] == "kol-ai"


@pytest.mark.parametrize(
    ("more", "words"),
    [({"kind": "video"}, "audio_id must be"), ({"wait": 5000}, "is processing"), ({"seconds": None}, "not completed")],
)
async def test_a_sound_that_is_not_ready_is_refused(stage: House, more: dict[str, Any], words: str) -> None:
    client = revid(stage)
    await client.limits()
    audio_id = await bring_sound(client, stage, **{"seconds": 5.0, **more})
    refused(await client.post(KOL, {"audio_id": audio_id, "image_url": PICTURE}), 400, words, "audio_id")
    await untouched(stage.admin())


async def test_the_sound_of_another_account_is_refused(stage: House) -> None:
    one = await rich(stage, "sk_test_of_ada_1")
    await one.limits()
    audio_id = await bring_sound(one, stage, 5.0)
    other = await rich(stage, "sk_test_of_bob_1")
    refused(await other.post(KOL, {"audio_id": audio_id, "image_url": PICTURE}), 400, "audio_id must be")
