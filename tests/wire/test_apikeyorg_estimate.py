"""API-Key's estimate: what it says is what a create reserves and the balance loses (R-KEY-021, 030..037)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from support.client import PROMPT, TASKS, House
from support.gateway import MODELS, invalid, nobody, refused

REFERENCES: dict[str, dict[str, Any]] = {
    "text-to-video": {},
    "image-to-video": {"images": ["https://example.com/a.png"]},
    "video-to-video": {"videos": ["https://example.com/a.mp4"]},
}
MUSIC_SECONDS = (10, 29, 30, 31, 60, 61, 90, 91, 119, 120, 121, 239, 240)
DOCUMENTED = {
    "model": "seedance-2-fast",
    "modality": "video",
    "duration": 6,
    "resolution": "720p",
    "input_mode": "text-to-video",
    "max_credits": 250,
}
RICH = "sk_test_rich"
Row = tuple[str, dict[str, Any], int]


def seconds_of(given: dict[str, Any], every: range | tuple[int, ...]) -> list[tuple[dict[str, Any], int]]:
    """Return the durations to ask for with the seconds each is paid for; left out, the longest automatic one."""
    span = given["duration"]
    asked = [({"duration": n}, n) for n in every if span["minimum"] <= n <= span["maximum"]]
    return [*asked, ({}, span["auto"]["maximum"])]


def rows() -> list[Row]:
    """Return every price of the catalogue as (model, fields, credits), by the words of the file itself."""
    found: list[Row] = []
    for model, given in MODELS.items():
        price = given["price"]
        if price["kind"] == "per_second":
            found += [
                (model, {**row["when"], **fields}, row["credits"] * paid)
                for row in price["rows"]
                for fields, paid in seconds_of(given, range(1, 20))
            ]
        elif price["kind"] == "per_image":
            found += [
                (model, {**row["when"], "n": n}, row["credits"] * n) for row in price["rows"] for n in (1, 2, 3, 4)
            ]
        elif price["kind"] == "per_started_30_seconds":
            found += [
                (model, fields, price["credits"] * -(-paid // 30)) for fields, paid in seconds_of(given, MUSIC_SECONDS)
            ]
    return found


def create_of(model: str, fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the path and the body of the task that a row prices."""
    path, _ = TASKS[MODELS[model]["category"]]
    return path, {"model": model, "prompt": PROMPT, **fields, **REFERENCES[fields.get("input_mode", "text-to-video")]}


async def test_r_key_032_036_estimate_is_reserve_is_what_the_balance_loses_for_every_row(stage: House) -> None:
    """R-KEY-032, R-KEY-035, R-KEY-036, R-KEY-048."""
    admin, client = stage.admin(RICH), stage.gateway(RICH)
    await admin.register("apikeyorg", key=RICH, balance="10000000")
    every = rows()
    assert len(every) == (9 + 6) * 13 + (3 + 2) * 4 + 14 + 11
    left = await admin.balance()
    for model, fields, costs in every:
        estimated = await client.post("/v1/credits/estimate", {"model": model, **fields})
        assert estimated["credits"] == costs, (model, fields)
        path, body = create_of(model, fields)
        made = await client.post(path, body)
        assert (await client.poll(made["id"]))["credits"] == {"reserved": costs, "charged": costs, "released": 0}
        left -= costs
    assert await admin.wallet() == {
        "issued": 10_000_000,
        "available": left,
        "held": sum(costs for _, _, costs in every),
        "spent": 0,
    }
    await admin.sound()


async def test_r_key_033_034_a_budget_that_equals_the_estimate_passes_and_one_below_does_not(stage: House) -> None:
    """The boundary on every row, in the estimate's words and in the create's deeds."""
    admin, client = stage.admin(RICH), stage.gateway(RICH)
    await admin.register("apikeyorg", key=RICH, balance="10000000")
    spent = 0
    for model, fields, costs in rows():
        path, body = create_of(model, fields)
        for most in (costs - 1, costs - 0.000001):
            told = await client.post("/v1/credits/estimate", {"model": model, **fields, "max_credits": most})
            assert (told["within_budget"], told["max_credits"], told["credits"]) == (False, most, costs)
            over = await client.post(path, {**body, "max_credits": most})
            assert refused(over, 402, "max_credits_exceeded", "gateway_error", "max_credits")
            assert str(costs) in over["error"]["message"]
        told = await client.post("/v1/credits/estimate", {"model": model, **fields, "max_credits": costs})
        assert told["within_budget"] is True
        assert (await client.post(path, {**body, "max_credits": costs})).status == 200
        spent += costs
    assert (await admin.wallet())["held"] == spent


async def test_r_key_030_031_the_documented_example_needs_no_key(stage: House) -> None:
    """R-KEY-021: it opens no account either."""
    answer = await nobody(stage).post("/v1/credits/estimate", DOCUMENTED)
    assert answer.body == {
        "object": "gateway.credits.estimate",
        "model": "seedance-2-fast",
        "modality": "video",
        "credits": 72,
        "currency": "credits",
        "max_credits": 250,
        "within_budget": True,
    }
    assert (await stage.anybody().get("/universes"))["universes"] == []


async def test_r_key_032_estimating_with_a_key_charges_and_creates_nothing(stage: House) -> None:
    client, admin = stage.gateway(), stage.admin()
    for _ in range(3):
        assert (await client.post("/v1/credits/estimate", DOCUMENTED)).status == 200
    assert await admin.wallet() == {"issued": 1000, "available": 1000, "held": 0, "spent": 0}
    assert await admin.tasks() == []
    assert [entry["kind"] for entry in (await admin.get("/ledger"))["entries"]] == ["issue"]


async def test_an_estimate_does_not_look_at_the_balance(stage: House) -> None:
    await stage.admin().register("apikeyorg", key=stage.key, balance="0")
    assert (await stage.gateway().post("/v1/credits/estimate", DOCUMENTED))["credits"] == 72


@pytest.mark.parametrize(
    ("most", "within"),
    [(250, True), (72, True), (72.0, True), (72.5, True), (71.999999, False), (0, False), (None, None)],
)
async def test_a_key_03_a_budget_in_an_estimate_is_answered_and_never_an_error(
    stage: House, most: float | None, within: bool | None
) -> None:
    answer = await nobody(stage).post("/v1/credits/estimate", {**DOCUMENTED, "max_credits": most})
    assert (answer.status, answer["credits"]) == (200, 72)
    assert (answer["max_credits"], answer["within_budget"]) == (most, within)


@pytest.mark.parametrize(
    ("body", "costs"),
    [
        ({"model": "seedance-2"}, 200),
        ({"model": "seedance-2-fast"}, 120),
        ({"model": "seedance-2", "duration": 4}, 80),
        ({"model": "seedance-2", "input_mode": "video-to-video"}, 250),
        ({"model": "seedream-4"}, 6),
        ({"model": "flux-2-pro", "modality": "image", "n": 4, "resolution": "2k"}, 56),
        ({"model": "suno-5"}, 60),
        ({"model": "lyria-3", "modality": "music"}, 16),
    ],
)
async def test_r_key_037_what_is_left_out_counts_as_in_the_task(stage: House, body: dict[str, Any], costs: int) -> None:
    answer = await nobody(stage).post("/v1/credits/estimate", body)
    assert (answer["credits"], answer["modality"]) == (costs, MODELS[body["model"]]["category"])
    path, create = create_of(body["model"], {name: body[name] for name in body.keys() - {"model", "modality"}})
    made = await stage.gateway().post(path, create)
    assert (await stage.gateway().poll(made["id"]))["credits"]["reserved"] == costs


async def test_null_is_left_out_and_unknown_fields_are_named(stage: House) -> None:
    empty = dict.fromkeys(("modality", "duration", "resolution", "input_mode", "n", "max_credits"))
    answer = await nobody(stage).post("/v1/credits/estimate", {"model": "seedance-2", **empty})
    assert (answer["credits"], answer.headers.get("X-Soundstage-Warning")) == (200, None)
    answer = await nobody(stage).post("/v1/credits/estimate", {"model": "seedance-2", "max_credit": 5, "prompt": "x"})
    assert (answer["credits"], answer["within_budget"]) == (200, None)
    assert answer.headers["X-Soundstage-Warning"] == "ignored fields: max_credit (did you mean max_credits?), prompt"


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "model"),
    ({"model": None}, "model"),
    ({"model": 7}, "model"),
    ({"model": ["seedance-2", "suno-5"]}, "model"),
    ({"model": "gpt-5"}, "model"),
    ({"model": "text-embedding-3-small"}, "model"),
    ({"model": "seedance-2", "modality": "image"}, "modality"),
    ({"model": "suno-5", "modality": "video"}, "modality"),
    ({"model": "seedance-2", "modality": "audio"}, "modality"),
    ({"model": "seedance-2", "duration": 3}, "duration"),
    ({"model": "seedance-2", "duration": 16}, "duration"),
    ({"model": "seedance-2", "duration": 6.5}, "duration"),
    ({"model": "seedance-2", "duration": "6"}, "duration"),
    ({"model": "seedance-2", "duration": True}, "duration"),
    ({"model": "suno-5", "duration": 9}, "duration"),
    ({"model": "suno-5", "duration": 241}, "duration"),
    ({"model": "lyria-3", "duration": 121}, "duration"),
    ({"model": "seedream-4", "duration": 6}, "duration"),
    ({"model": "seedance-2", "resolution": "4k"}, "resolution"),
    ({"model": "seedance-2-fast", "resolution": "1080p"}, "resolution"),
    ({"model": "flux-2-pro", "resolution": "4k"}, "resolution"),
    ({"model": "suno-5", "resolution": "720p"}, "resolution"),
    ({"model": "seedance-2", "input_mode": "audio-to-video"}, "input_mode"),
    ({"model": "seedream-4", "input_mode": "text-to-video"}, "input_mode"),
    ({"model": "seedance-2", "n": 2}, "n"),
    ({"model": "seedream-4", "n": 0}, "n"),
    ({"model": "seedream-4", "n": 5}, "n"),
    ({"model": "seedance-2", "max_credits": -1}, "max_credits"),
    ({"model": "seedance-2", "max_credits": "250"}, "max_credits"),
    ({"model": "seedance-2", "max_credits": True}, "max_credits"),
]


@pytest.mark.parametrize(("body", "param"), REFUSED, ids=str)
async def test_r_key_071_what_no_task_could_be_is_refused(stage: House, body: dict[str, Any], param: str) -> None:
    answer = await nobody(stage).post("/v1/credits/estimate", body)
    assert invalid(answer, param)


async def test_an_unknown_model_is_404_and_the_message_lists_the_models(stage: House) -> None:
    answer = await nobody(stage).post("/v1/credits/estimate", {"model": "sora-9"})
    assert refused(answer, 404, "model_not_found", "not_found_error", "model")
    assert [name for name, one in MODELS.items() if one["category"] in TASKS] == [
        name for name in MODELS if name in answer["error"]["message"]
    ]


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b'"x"', b"null", b'{"model":"seedance-2","max_credits":NaN}', b"\xff"]
)
async def test_bodies_that_are_no_json_object_are_refused(stage: House, raw: bytes) -> None:
    assert invalid(await nobody(stage).call("POST", "/v1/credits/estimate", data=raw), None)


@pytest.mark.parametrize(
    "media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
async def test_an_estimate_reads_json_only(stage: House, media: str) -> None:
    headers = {"Content-Type": media}
    answer = await nobody(stage).call("POST", "/v1/credits/estimate", data=b"model=seedance-2", headers=headers)
    assert refused(answer, 415, "unsupported_media_type", "invalid_request_error")


async def test_credits_are_whole_numbers_where_they_are_whole(stage: House) -> None:
    answer = await nobody(stage).post("/v1/credits/estimate", {**DOCUMENTED, "max_credits": 80.25})
    assert (type(answer["credits"]), answer.exact["max_credits"]) == (int, Decimal("80.25"))
