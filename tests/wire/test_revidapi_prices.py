"""RevidAPI's prices: the row that fits is charged, for every row, server and combination of fields (R-REV-153..168)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from soundstage.providers.revidapi.catalogue import catalogue
from soundstage.providers.revidapi.pricing import pick
from support.client import PROMPT, House
from support.revid import (
    DANCE,
    IMAGE,
    KOL,
    MODELS,
    MOTION,
    PICTURE,
    SEEDANCE,
    VIDEO,
    Revid,
    bring_sound,
    refused,
    revid,
    rich,
    row_of,
)

KEY = "sk_test_rich_one"
FIELDS = ("resolution", "duration", "audio", "speed", "quality")
KLING = {"model": "kling-2.6", "prompt": PROMPT}


def body_for(name: str, **fields: Any) -> dict[str, Any]:
    """Return a request for a model, complete but for these fields."""
    path = MODELS[name]["endpoint"]
    given: dict[str, Any] = {"model": name}
    if path == MOTION:
        given |= DANCE
    elif path == KOL:
        given["image_url"] = PICTURE
    else:
        given["prompt"] = PROMPT
    if name == "kling-o1-video":
        given["img_url"] = PICTURE
    return {**given, **{field: value for field, value in fields.items() if value is not None}}


async def cost(client: Revid, name: str, **fields: Any) -> int | None:
    """Return what a job costs, None when the server does not make it; the job does not stay."""
    answer = await client.post(MODELS[name]["endpoint"], body_for(name, **fields))
    if answer.status == 400:
        refused(answer, 400, "does not make")
        return None
    assert answer.status == 200, answer.raw
    await client.cancel(answer["job_id"])
    return int(answer["cost"])


@pytest.mark.parametrize("name", [name for name in MODELS if name != "kling-avatar"])
async def test_r_rev_033_167_every_row_is_charged_as_it_stands(stage: House, name: str) -> None:
    client, admin = await rich(stage), stage.admin(KEY)
    for row in MODELS[name]["rows"]:
        before = await admin.balance()
        asked = {field: row.get(field) for field in FIELDS}
        answer = await client.job(MODELS[name]["endpoint"], body_for(name, server_id=row["server"], **asked))
        assert answer["cost"] == row["credits"], row
        assert await admin.balance() == before - row["credits"] == answer["balance_remaining"]
        assert (await client.poll(answer["job_id"]))["cost"] == row["credits"]
    await admin.advance()
    wallet = await admin.wallet()
    assert wallet["spent"] == sum(row["credits"] for row in MODELS[name]["rows"])
    await admin.sound()


def combinations(model: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every combination of a model's values, each of them left out as well."""
    names = {"resolution": "resolutions", "duration": "durations", "speed": "speeds", "quality": "qualities"}
    choices = {field: [None, *model.get(plural, ())] for field, plural in names.items()}
    choices["audio"] = [None, True, False] if model.get("audio") else [None]
    choices["server_id"] = [None, *model["servers"]]
    for values in product(*choices.values()):
        yield dict(zip(choices, values, strict=True))


def expected(model: Mapping[str, Any], asked: Mapping[str, Any]) -> int | None:
    """Return what a combination costs by the rows alone."""
    wanted = {field: asked[field] or model.get(f"default_{field}") for field in ("resolution", "duration", "speed")}
    wanted["quality"] = asked["quality"] or model.get("default_quality")

    def lowest(sound: bool) -> int | None:
        fitting = [
            row["credits"]
            for row in model["rows"]
            if asked["server_id"] in {None, row["server"]}
            and row.get("audio", sound) == sound
            and all(field not in row or row[field] == value for field, value in wanted.items())
        ]
        return min(fitting, default=None)

    loud = lowest(sound=True) if asked["audio"] else None
    return lowest(sound=False) if loud is None else loud


@pytest.mark.parametrize("name", [name for name in MODELS if name != "kling-avatar"])
async def test_r_rev_034_056_every_combination_costs_its_row_or_is_not_made(stage: House, name: str) -> None:
    """Without a server the cheapest row that fits counts (A-REV-04, 05); sound that no row has costs nothing."""
    client = await rich(stage)
    for asked in combinations(MODELS[name]):
        assert await cost(client, name, **asked) == expected(MODELS[name], asked), asked


async def test_r_rev_032_the_quickstart_costs_30_of_1000(stage: House) -> None:
    answer = await revid(stage).job(IMAGE, {"prompt": "A futuristic city at sunset", "model": "nano-banana-pro"})
    assert {**answer.body, "job_id": ""} == {"job_id": "", "status": "pending", "cost": 30, "balance_remaining": 970}
    assert await stage.admin().balance() == 970


@pytest.mark.parametrize(
    ("fields", "credits_"),
    [
        ({"server_id": "fast", "resolution": "720p", "duration": 5, "speed": "fast"}, 15),
        ({"server_id": "fast", "resolution": "720p", "duration": 5, "speed": "fast", "audio": True}, 25),
        ({"server_id": "vip1", "resolution": "1080p", "duration": 10, "speed": "slow"}, 320),
        ({"server_id": "vip1", "resolution": "1080p", "duration": 10, "audio": True}, 640),
        ({}, 15),
    ],
)
async def test_r_rev_153_the_documented_cells(stage: House, fields: dict[str, Any], credits_: int) -> None:
    assert await cost(await rich(stage), "kling-2.6", **fields) == credits_


async def test_r_rev_139_grok_costs_30_45_50_70(stage: House) -> None:
    client = await rich(stage)
    sizes = product(("480p", "720p"), (6, 10))
    told = [await cost(client, "grok-i2v", resolution=size, duration=seconds) for size, seconds in sizes]
    assert told == [30, 45, 50, 70]


async def test_a_rev_05_without_a_server_the_row_that_fits_counts_and_not_the_least_of_the_model(stage: House) -> None:
    """The cheapest model row is 15; slow is made by the vip servers only, and of those vip2 is cheaper."""
    client = revid(stage)
    job = (await client.job(VIDEO, {**KLING, "speed": "slow"})).body
    assert job["cost"] == 40
    assert b'"server":"vip2"' in row_of(stage, job["job_id"]).request


async def test_a_rev_18_sound_that_is_dropped_is_not_paid_for_and_not_an_error(stage: House) -> None:
    client = revid(stage)
    answer = await client.job(VIDEO, {**KLING, "resolution": "1080p", "server_id": "fast", "audio": True})
    assert answer["cost"] == 30
    assert "audio" in answer.headers["X-Soundstage-Warning"]
    assert b'"audio":false' in row_of(stage, answer["job_id"]).request


async def test_sound_that_only_another_server_has_is_made_there_unless_a_server_is_named(stage: House) -> None:
    client = revid(stage)
    answer = await client.job(VIDEO, {**KLING, "resolution": "1080p", "audio": True})
    assert answer["cost"] == 160
    assert "X-Soundstage-Warning" not in answer.headers


async def test_r_rev_072_sound_of_seedance_is_made_and_costs_nothing(stage: House) -> None:
    client = revid(stage)
    for audio in (None, False, True):
        answer = await client.job(SEEDANCE, model="seedance-2.0-fast", audio=audio)
        assert answer["cost"] == 80
        assert (b'"audio":true' in row_of(stage, answer["job_id"]).request) == bool(audio)


@pytest.mark.parametrize("spelled", [10, "10", "10s", "010"])
async def test_r_rev_052_a_duration_is_a_number_however_it_is_spelled(stage: House, spelled: Any) -> None:
    client = revid(stage)
    assert (await client.job(VIDEO, {**KLING, "duration": spelled}))["cost"] == 30
    assert (await client.form(VIDEO, f"model=kling-2.6&prompt=waves&duration={spelled}".encode()))["cost"] == 30


@pytest.mark.parametrize(
    ("fields", "credits_"),
    [
        ({}, 12),
        ({"mode": "std"}, 12),
        ({"mode": "pro"}, 120),
        ({"resolution": "1080p"}, 120),
        ({"mode": "pro", "resolution": "1080p"}, 120),
        ({"model": "motion-control-2.6"}, 60),
        ({"model": "motion-control-2.6", "mode": "pro"}, 90),
    ],
)
async def test_r_rev_082_083_a_motions_mode_is_its_resolution(
    stage: House, fields: dict[str, Any], credits_: int
) -> None:
    assert (await revid(stage).job(MOTION, **fields))["cost"] == credits_


@pytest.mark.parametrize(
    ("seconds", "fields", "credits_"),
    [
        (13.0, {"quality": "720p"}, 65),
        (13.0, {}, 130),
        (13.01, {}, 140),
        (0.2, {"quality": "720p"}, 5),
        (60.0, {"quality": "1080p", "server_id": "vip1", "model": "kling-avatar"}, 600),
    ],
)
async def test_r_rev_095_a_talking_face_costs_every_started_second(
    stage: House, seconds: float, fields: dict[str, Any], credits_: int
) -> None:
    client = revid(stage)
    await client.limits()
    audio_id = await bring_sound(client, stage, seconds)
    answer = await client.job(KOL, {"audio_id": audio_id, "image_url": PICTURE, **fields})
    assert (answer["cost"], answer["balance_remaining"]) == (credits_, 1000 - credits_)


def test_of_two_servers_that_cost_the_same_the_first_in_the_models_list_is_taken() -> None:
    model = catalogue()["kling-2.6"]
    same = replace(model, rows=tuple(replace(row, credits=7) for row in reversed(model.rows)))
    for order in (("vip2", "fast", "vip1"), ("vip1", "fast", "vip2")):
        values = {"resolution": "720p", "duration": 5, "speed": "fast"}
        row = pick(replace(same, servers=order), values, None, audio=False)
        assert row is not None
        assert row.server == order[0]


async def test_what_a_picture_shows_does_not_change_its_price(stage: House) -> None:
    client = revid(stage)
    given = body_for("nano-banana")
    for more in ({}, {"img_url": PICTURE}, {"aspect_ratio": "9:16"}, {"prompt": "x" * 10_000}):
        assert (await client.job(IMAGE, {**given, **more}))["cost"] == 5


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if "t2v" in model["modes"]])
async def test_r_rev_064_a_video_from_text_takes_30_to_120_seconds(stage: House, name: str) -> None:
    client = await rich(stage)
    for speed, server in product(MODELS[name].get("speeds", [None]), MODELS[name]["servers"]):
        fields = {"server_id": server, **({} if speed is None else {"speed": speed})}
        answer = await client.post(MODELS[name]["endpoint"], body_for(name, **fields))
        if answer.status == 200:
            row = row_of(stage, answer["job_id"], KEY)
            assert 30_000 <= row.delay_ms + row.run_ms <= 120_000, (speed, server)
