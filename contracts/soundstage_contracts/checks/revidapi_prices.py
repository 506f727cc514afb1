"""RevidAPI's prices: the published cells, and the row that a request's fields and server pick."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from soundstage_contracts.checks.revidapi_requests import (
    ONLY,
    PAID,
    cost,
    fields,
    job,
    made,
    roomy,
    row_credits,
    row_fields,
    the_model,
)
from soundstage_contracts.drivers.base import amount
from soundstage_contracts.drivers.revidapi import CLIP, PICTURE
from soundstage_contracts.drivers.samples import landed, upload, wav
from soundstage_contracts.exchange import Request
from soundstage_contracts.oracles.revidapi import CELLS, MODELS, PATHS
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import PROMPT, Stage
from soundstage_contracts.verdict import expect

_CELLS = {cell.name: cell for cell in CELLS}
_TIMED = tuple(name for name, model in MODELS.items() if model.durations)


@promise("PRICE-201", {ONLY: " ".join(sorted({cell.source for cell in CELLS}))}, each=tuple(_CELLS))
def published_prices_are_charged(stage: Stage, case: str) -> None:
    """A job whose price is published costs what the list has for it: the published number, unless the list is newer."""
    cell, account = _CELLS[case], stage.account()
    rows = the_model(stage, cell.fields["model"])["pricing"]
    prices = {
        row_credits(row) for row in rows if cell.server in {None, row["server"]} and cell.key in {None, row["key"]}
    }
    before = stage.driver.balance(stage, account) if stage.assumptions else None
    created = made(stage, Request.json(cell.path, {"prompt": PROMPT, **cell.fields}), account)
    price = created.price or Decimal(0)
    expect(price in prices, f"{case} costs {price}, and the list has {sorted(prices)} for it")
    if before is not None:
        # The tables may lag behind a live price (R-REV-172).
        expect(price == cell.credits, f"{case} should cost {cell.credits}, and costs {price}")
        single = cell.key is None and cell.server is None
        expect(single or prices == {cell.credits}, f"the row of {case} should say {cell.credits}, not {prices}")
        left = before - price
        expect(created.balance_left == left, f"{left} should be left, and balance_remaining is {created.balance_left}")
        expect(stage.driver.balance(stage, account) == left, f"the balance should be {left}")
    if stage.target.adapter is not None:
        taken = stage.taken(account)
        expect(taken == price, f"the balance should lose {price}, and lost {taken}")


@promise("PRICE-202", {ONLY: "R-REV-030 R-REV-031 R-REV-032 R-REV-033"})
def the_documented_example_holds(stage: Stage) -> None:
    """The quickstart's request costs 30 of 1000 credits, unless the price is newer, and they are gone at once."""
    account = stage.account(balance=Decimal(1000))
    asked = {"prompt": "A futuristic city at sunset", "model": "nano-banana-pro"}
    reply = stage.answered(Request.json("/v1/image/generate", asked), account)
    price, left = amount(reply.field("cost")), amount(reply.field("balance_remaining"))
    expect(reply.field("status") == "pending", f"the job begins as {reply.field('status')!r}")
    expect(price + left == 1000, f"{price} of 1000 credits were taken, and {left} remain")
    expect(price == 30 or not stage.assumptions, f"it should cost 30, and costs {price}")


@promise("PRICE-203", {ONLY: "R-REV-034 R-REV-167 R-REV-172 R-REV-046 R-REV-058"}, each=PAID)
def every_row_is_what_its_request_costs(stage: Stage, model: str) -> None:
    """A request with the values and the server of a price row costs that row's credits, for every row of the list."""
    account = roomy(stage)
    for row in the_model(stage, model)["pricing"]:
        asked = job(model, **row_fields(model, row), server_id=row["server"])
        price = cost(stage, asked, account)
        expect(price == row_credits(row), f"the row {row} was chosen, and {price} charged")


@promise("PRICE-204", {ONLY: "R-REV-034 R-REV-168"}, each=PAID)
def without_server_the_cheapest_row_is_charged(stage: Stage, model: str) -> None:
    """Without `server_id` a request costs the cheapest of the rows with its key."""
    account = roomy(stage)
    rows = the_model(stage, model)["pricing"]
    for key in dict.fromkeys(row["key"] for row in rows):
        same = [row for row in rows if row["key"] == key]
        least = min(map(row_credits, same))
        price = cost(stage, job(model, **row_fields(model, same[0])), account)
        expect(price == least, f"{model} {key} costs {least} on its cheapest server, and {price} was charged")


@promise("PRICE-205", {ONLY: "R-REV-052 R-REV-065"}, each=_TIMED)
def seconds_may_be_written_three_ways(stage: Stage, model: str) -> None:
    """A duration of 5, "5" and "5s" is one: all are accepted and cost the same, for every duration of the model."""
    account = roomy(stage)
    for seconds in MODELS[model].durations:
        ways = (seconds, str(seconds), f"{seconds}s")
        prices = [cost(stage, job(model, duration=way), account) for way in ways]
        expect(len(set(prices)) == 1, f"{model} for {seconds} s costs {prices}, by how the seconds are written")
        rows = [row for row in the_model(stage, model)["pricing"] if row["duration"] == f"{seconds}s"]
        expect(prices[0] in map(row_credits, rows), f"{model} has no row of {seconds} s for {prices[0]}")


@promise("PRICE-206", {ONLY: "R-REV-056 R-REV-072 R-REV-131 R-REV-167"}, each=_TIMED)
def sound_that_is_not_on_offer_is_dropped(stage: Stage, model: str) -> None:
    """`audio` where no row has sound is dropped without an error, at the silent price; elsewhere it is charged."""
    account = roomy(stage)
    rows = the_model(stage, model)["pricing"]
    for row in rows:
        if row.get("audio"):
            continue
        asked = row_fields(model, row)
        loud = [
            one for one in rows if one["server"] == row["server"] and row_fields(model, one) == {**asked, "audio": True}
        ]
        asked["server_id"] = row["server"]
        right = row_credits(loud[0] if loud else row)
        price = cost(stage, job(model, **asked, audio=True), account)
        expect(price == right, f"{row} with audio should cost {right}, and costs {price}")
        price = cost(stage, job(model, **asked, audio=False), account)
        expect(price == row_credits(row), f"{row} without audio should cost what it says, and costs {price}")


@promise("PRICE-207", {ONLY: "R-REV-047 R-REV-114"})
def quality_sets_the_price(stage: Stage) -> None:
    """image-gpt-2 costs more with a higher `quality`, by the rows `{quality}-fast` of vip1."""
    account = roomy(stage)
    rows = {row["key"]: row for row in the_model(stage, "image-gpt-2")["pricing"]}
    keys = [f"{quality}-fast" for quality in ("low", "medium", "high")]
    expect(sorted(rows) == sorted(keys), f"the keys should be {keys}, and are {sorted(rows)}")
    prices = [cost(stage, job("image-gpt-2", quality=key.partition("-")[0]), account) for key in keys]
    expect(prices == [row_credits(rows[key]) for key in keys], f"the rows are {rows}, and {prices} were charged")
    expect(prices == sorted(set(prices)), f"a higher quality should cost more: {prices}")


@promise("PRICE-208", {ONLY: "R-REV-045 R-REV-055 R-REV-057"})
def what_is_left_out_is_the_documented_default(stage: Stage) -> None:
    """kling-2.6 without `speed` is `fast`, without `audio` silent, and its ratio changes no price."""
    account = roomy(stage)
    cell = {"resolution": "720p", "duration": 5, "server_id": "vip1"}
    plain = cost(stage, job("kling-2.6", **cell), account)
    for more in ({"speed": "fast"}, {"audio": False}, {"aspect_ratio": "16:9"}, {"aspect_ratio": "9:16"}):
        price = cost(stage, job("kling-2.6", **cell, **more), account)
        expect(price == plain, f"{more} is the default, and costs {price} instead of {plain}")
    rows = the_model(stage, "kling-2.6")["pricing"]
    right = [row_credits(row) for row in rows if (row["server"], row["key"]) == ("vip1", "720p-5s-fast")]
    expect(right == [plain], f"the row of the defaults says {right}, and {plain} was charged")


@promise("PRICE-209", assumed={ONLY: "what each size costs, and that a job has one price (A-REV-31, A-REV-33)"})
def motion_modes_are_resolutions(stage: Stage) -> None:
    """Motion control costs its 720p row with mode std, or no mode, and its 1080p row with mode pro."""
    account = roomy(stage)
    for model in ("motion-control-2.6", "motion-control-3.0"):
        rows = {row["key"]: row_credits(row) for row in the_model(stage, model)["pricing"]}
        asked: tuple[tuple[dict[str, Any], str], ...] = (
            ({}, "720p"),
            ({"mode": "std"}, "720p"),
            ({"mode": "pro"}, "1080p"),
            ({"resolution": "1080p"}, "1080p"),
            ({"mode": "pro", "resolution": "1080p"}, "1080p"),
        )
        for more, key in asked:
            price = cost(stage, job(model, **more), account)
            expect(price == rows[key], f"{model} with {more} should cost {rows[key]}, and costs {price}")
    unnamed = {"character_image_url": PICTURE, "motion_video_url": CLIP}
    price = cost(stage, Request.json(PATHS["motion"], unnamed), account)
    expect(price == rows["720p"], f"without a model it should be motion-control-3.0 at 720p, and {price} was charged")


@promise("PRICE-210", {ONLY: "R-REV-014 R-REV-090 R-REV-091 R-REV-092 R-REV-095 R-REV-147 R-REV-182"})
def a_speaking_face_costs_by_the_second(stage: Stage) -> None:
    """A KOL job costs kling-avatar's credits for each second of its audio, as the upload's `costs` said before."""
    account = roomy(stage)
    rows = the_model(stage, "kling-avatar")["pricing"]
    sound = landed(stage, stage.answered(upload("audio", wav(2.0)), account).field("upload_id"), account)
    expect(round(sound["duration"], 1) == 2.0, f"two seconds of sound are {sound['duration']} s long")
    for quality in ("720p", "1080p"):
        asked = {"audio_id": sound["audio_id"], "image_url": PICTURE, "quality": quality}
        price = cost(stage, Request.json("/v1/kol-ai/generate", asked), account)
        least, most = min(map(row_credits, rows)), max(map(row_credits, rows))
        expect(2 * least <= price <= 2 * most, f"two seconds at {least} to {most} credits each cost {price}")
        if stage.assumptions:
            expect(10 <= price <= 20, f"two seconds should cost 5 to 10 credits each, and cost {price}")
            _as_said(price, quality, sound, rows)


def _as_said(price: Decimal, quality: str, sound: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    said = amount(sound["costs"][quality])
    expect(price == said, f"the upload's costs say {said} for {quality}, and {price} was charged")
    second = next(row_credits(row) for row in rows if row["key"] == quality)
    expect(price == 2 * second, f"two seconds at {second} should cost {2 * second}, not {price}")


@promise("PRICE-211", assumed={ONLY: "every started second counts, 1080p by default, audio_url ignored (A-REV-30, 36)"})
def started_seconds_count(stage: Stage) -> None:
    """Of the audio of a KOL job every started second counts; without `quality` it is 1080p."""
    account = roomy(stage)
    rows = {row["key"]: row_credits(row) for row in the_model(stage, "kling-avatar")["pricing"]}
    for seconds, whole in ((0.2, 1), (1.5, 2), (3.0, 3)):
        sound = landed(stage, stage.answered(upload("audio", wav(seconds)), account).field("upload_id"), account)
        asked = {"audio_id": sound["audio_id"], "image_url": PICTURE, "audio_url": "https://media.example.com/a.mp3"}
        right = {quality: whole * second for quality, second in rows.items()}
        said = {quality: amount(cost) for quality, cost in sound["costs"].items()}
        expect(said == right, f"{seconds} s should cost {right}, and the upload says {said}")
        price = cost(stage, Request.json("/v1/kol-ai/generate", asked), account)
        expect(price == right["1080p"], f"{seconds} s should cost {right['1080p']}, and cost {price}")


@promise("PRICE-212", assumed={ONLY: "A-REV-03, A-REV-17: the model, not the request, picks Seedance's suffix"})
def seedance_prices_follow_the_model(stage: Stage) -> None:
    """Seedance's rows end in -standard for seedance-2.0 and in -fast for its fast model; references cost nothing."""
    account = roomy(stage)
    for model, ending in (("seedance-2.0", "-standard"), ("seedance-2.0-fast", "-fast")):
        rows = the_model(stage, model)["pricing"]
        keys = [row["key"] for row in rows]
        expect(all(key.endswith(ending) for key in keys), f"the keys of {model} should end in {ending}: {keys}")
        plain = cost(stage, job(model), account)
        least = min(map(row_credits, rows))
        expect(plain == least, f"{model} without values should cost {least}, and costs {plain}")
        more = {"img_url": [PICTURE], "audio": True, "video_url": "https://media.example.com/a.mp4"}
        price = cost(stage, job(model, **more), account)
        expect(price == plain, f"references and sound should cost nothing, and cost {price - plain}")


@promise("PRICE-213", assumed={ONLY: "A-REV-10, A-REV-11 and other unpublished defaults"}, each=PAID)
def what_is_left_out_has_one_price(stage: Stage, model: str) -> None:
    """A request that leaves everything out costs as much as one that names the defaults, and null means left out."""
    account = roomy(stage)
    given = {name: value for name, value in _defaults(model).items() if value is not None}
    plain = cost(stage, job(model), account)
    named = cost(stage, job(model, **given), account)
    expect(plain == named, f"{model} costs {plain}, and {named} with its defaults {given}")
    nulls = dict.fromkeys([*given, "server_id", "aspect_ratio"])
    price = cost(stage, Request.json(MODELS[model].path, {**fields(model), **nulls}), account)
    expect(price == plain, f"{model} with nulls costs {price}, and {plain} without")


def _defaults(model: str) -> dict[str, Any]:
    known = MODELS[model]
    small = "480p" if "480p" in known.resolutions else "720p"
    size = "2k" if "2k" in known.resolutions else small if known.resolutions else None
    if model == "image-gpt-2":
        return {"quality": "medium", "speed": "fast"}
    return {
        "resolution": size,
        "duration": known.durations[0] if known.durations else None,
        "speed": known.speeds[0] if known.speeds else None,
    }
