"""RevidAPI's list of models: every published model with its servers, rows and words, the same in both forms."""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from typing import Any

from soundstage_contracts.checks.revidapi_requests import ONLY, models, row_credits, the_model, way_of
from soundstage_contracts.drivers.base import amount
from soundstage_contracts.exchange import Request
from soundstage_contracts.oracles.revidapi import GROK, MODELS
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import expect

_TABLES = " ".join(model.source for model in MODELS.values())
_SECONDS = re.compile(r"([0-9]+)s")
_TYPES = {"image": "image", "video": "video", "seedance": "video", "motion": "motion-control", "kol": "kol-ai"}
_MODES = {"image": {"t2i", "i2i"}, "motion": {"motion"}, "kol": {"avatar"}}
_PARAMS = {
    "prompt": "string, required",
    "img_url": "url, optional (set → I2V; omit → T2V)",
    "resolution": "720p | 1080p",
    "duration": "5 | 10 (seconds; accepts '5' / '5s')",
    "aspect_ratio": "16:9 | 9:16 | 1:1 (default 16:9)",
    "audio": "boolean (default false; silently dropped on unsupported combos)",
    "speed": "fast | slow (default fast)",
    "server_id": "fast | vip1 | vip2 (omit for auto-select)",
}
_NOTES = "Audio chỉ valid trên một số combo resolution/quality — server bỏ flag silently nếu sai combo."
_QUALITIES: dict[str, set[str | None]] = {"image-gpt-2": {"low", "medium", "high"}, "kling-avatar": {"720p", "1080p"}}
_ROWS = (
    {"server": "fast", "key": "720p-5s-fast", "credits": 15, "resolution": "720p", "duration": "5s"},
    {
        "server": "fast",
        "key": "720p-5s-audio-fast",
        "credits": 25,
        "resolution": "720p",
        "duration": "5s",
        "audio": True,
    },
    {
        "server": "vip1",
        "key": "1080p-10s-slow",
        "credits": 320,
        "resolution": "1080p",
        "duration": "10s",
        "speed": "slow",
    },
)


@promise("MODEL-201", {ONLY: f"R-REV-009 R-REV-017 R-REV-160 R-REV-161 {_TABLES}"}, each=tuple(MODELS))
def published_models_are_listed(stage: Stage, model: str) -> None:
    """Every published model is listed by its name with its servers, as we read it no others, and without `provider`."""
    found, known = the_model(stage, model), MODELS[model]
    expect(found["name"] == known.name, f"the name should be {known.name!r}, and is {found['name']!r}")
    servers = found["servers"]
    expect(set(known.servers) <= set(servers), f"the published servers are {known.servers}, the list has {servers}")
    # The published tables may lag behind (R-REV-172).
    exact = sorted(servers) == sorted(known.servers)
    expect(exact or not stage.assumptions, f"the servers should be {known.servers}, and are {servers}")
    expect("provider" not in found, "`servers` took the place of `provider`, which is still there")
    if way_of(model) == "video" or stage.assumptions:
        right = _TYPES[way_of(model)]
        expect(found["type"] == right, f"the type should be {right}, and is {found['type']!r}")


@promise("MODEL-202", {ONLY: "R-REV-162 R-REV-063 R-REV-133 R-REV-139 R-REV-070"}, each=tuple(MODELS))
def modes_are_as_published(stage: Stage, model: str) -> None:
    """Every video model makes videos from images, and from text where the table says so."""
    modes, way = the_model(stage, model)["modes"], way_of(model)
    if way in {"video", "seedance"}:
        right = {"i2v"} | ({"t2v"} if MODELS[model].from_text else set())
        expect(set(modes) == right and len(modes) == len(right), f"the modes should be {right}, and are {modes}")
    elif stage.assumptions:
        expect(set(modes) == _MODES[way] and len(modes) == len(_MODES[way]), f"the modes are {modes}")


@promise(
    "MODEL-203",
    {ONLY: f"R-REV-154 R-REV-163 {_TABLES}"},
    assumed={ONLY: "R-REV-154 is a reading, and tables may lag behind live prices (R-REV-172)"},
    each=tuple(MODELS),
)
def rows_stay_within_the_table(stage: Stage, model: str) -> None:
    """A model's price rows use only its published servers, resolutions, durations and speeds, within its range."""
    known = MODELS[model]
    rows = the_model(stage, model)["pricing"]
    expect(bool(rows), f"{model} has no price rows")
    for row in rows:
        expect(row["server"] in known.servers, f"a row is for the server {row['server']!r}")
        expect(known.sound or not row.get("audio"), f"{row} has sound, and the model has none")
        if known.span is not None:
            least, most = known.span
            expect(least <= row_credits(row) <= most, f"{row} is outside of {_range(known.span)} credits")


@promise("MODEL-213", {ONLY: f"R-REV-154 {_TABLES}"}, assumed={ONLY: "R-REV-154 is a reading"}, each=tuple(MODELS))
def rows_have_only_published_values(stage: Stage, model: str) -> None:
    """A model's rows have its published resolutions, durations and speeds, each at least once, and no other."""
    known, rows = MODELS[model], the_model(stage, model)["pricing"]
    sizes = {row.get("resolution") for row in rows}
    # The resolution of image-gpt-2 is a shape; its quality has the price (A-REV-11).
    wanted = () if model == "image-gpt-2" else known.resolutions
    expect(sizes == set(wanted or (None,)), f"the resolutions are {sizes}")
    spans = {_seconds(row) for row in rows}
    expect(spans == set(known.durations or (None,)), f"the durations are {spans}")
    speeds = {row.get("speed", "fast") for row in rows}
    right = known.speeds or (("fast", "slow") if model.startswith("kling-") and known.durations else ("fast",))
    expect(speeds == set(right), f"the speeds should be {right}, and are {speeds}")
    expect({row["server"] for row in rows} == set(known.servers), "a server of the model has no row")
    sound = any(row.get("audio") for row in rows)
    expect(sound == (known.sound and way_of(model) == "video"), f"that there are rows with sound is {sound}")
    qualities = {row.get("quality") for row in rows}
    expect(qualities == _QUALITIES.get(model, {None}), f"the qualities are {qualities}")


@promise(
    "MODEL-204",
    {ONLY: f"R-REV-168 R-REV-170 {_TABLES}"},
    assumed={ONLY: "R-REV-170 is a reading, and tables may lag behind live prices (R-REV-172)"},
    each=tuple(MODELS),
)
def ends_are_the_ends_of_the_rows(stage: Stage, model: str) -> None:
    """credits_min and credits_max are the least and the most of the model's rows, and the published range."""
    found = the_model(stage, model)
    prices = [row_credits(row) for row in found["pricing"]]
    ends = (amount(found["credits_min"]), amount(found["credits_max"]))
    right = (min(prices), max(prices))
    expect(ends == right, f"credits_min and _max are {_range(ends)}, the rows {_range(right)}")
    known = MODELS[model].span
    expect(known in {None, ends}, f"the published range is {known and _range(known)}, and the list has {_range(ends)}")


@promise(
    "MODEL-205",
    {ONLY: f"R-REV-074 R-REV-163 R-REV-164 R-REV-165 R-REV-166 {_TABLES}"},
    each=tuple(MODELS),
)
def keys_have_their_form(stage: Stage, model: str) -> None:
    """A row's key says its resolution, duration, sound and speed in this order; config_key is its alias."""
    rows = the_model(stage, model)["pricing"]
    for row in rows:
        # The alias is kept for one release only; where it is, it is right.
        expect(row.get("config_key", row["key"]) == row["key"], f"config_key is not key in {row}")
        if _published_form(model) or stage.assumptions:
            expect(row["key"] == _key(model, row), f"the key should be {_key(model, row)} in {row}")
        span = row.get("duration")
        expect(span is None or _SECONDS.fullmatch(span) is not None, f"a duration has an s, and not {span!r}")
        usual = row.get("audio", True) is not True or row.get("speed") == "fast"
        expect(not usual or not stage.assumptions, f"silence and `fast` should be left out of {row}")
    twice = [one for one, times in Counter((row["server"], row["key"]) for row in rows).items() if times > 1]
    expect(not twice, f"these rows are there twice: {twice}")


def _published_form(model: str) -> bool:
    return model == "image-gpt-2" or (way_of(model) in {"video", "seedance"} and not model.startswith("veo"))


def _key(model: str, row: dict[str, Any]) -> str:
    """Return the key of a row, in the published form where there is one, else in that of an older source."""
    way, speed = way_of(model), row.get("speed", "fast")
    if way == "image":
        return f"{row.get('quality') or row.get('resolution', 'default')}-{speed}"
    if model.startswith("veo"):
        return str(row["duration"])
    if way in {"motion", "kol"}:
        return str(row.get("resolution") or row["quality"])
    sound = "-audio" if row.get("audio") else ""
    return f"{row['resolution']}-{row['duration']}{sound}-{speed}"


@promise("MODEL-206", {ONLY: "R-REV-131 R-REV-153 R-REV-160 R-REV-162 R-REV-163 R-REV-164 R-REV-169 R-REV-065"})
def the_documented_model_is_word_for_word(stage: Stage) -> None:
    """kling-2.6 is listed as the document shows it: words of every body field, three rows, prices unless newer."""
    found = the_model(stage, "kling-2.6")
    right: dict[str, Any] = {"name": "Kling 2.6", "type": "video", "modes": ["t2v", "i2v"]}
    right["servers"] = ["fast", "vip1", "vip2"]
    if stage.assumptions:
        right |= {"credits_min": 15, "credits_max": 640}
    shown = {name: found[name] for name in right}
    expect(shown == right, f"it is listed as {shown}")
    for name, text in _PARAMS.items():
        expect(
            found["params"].get(name) == text, f"params.{name} should be {text!r}, not {found['params'].get(name)!r}"
        )
    expect(found["params"].keys() == _PARAMS.keys(), f"params has {sorted(found['params'])}")
    expect(found["notes"] == _NOTES, f"notes should be {_NOTES!r}, and are {found['notes']!r}")
    for row in _ROWS:
        wanted = row if stage.assumptions else {name: value for name, value in row.items() if name != "credits"}
        expect(any(wanted.items() <= one.items() for one in found["pricing"]), f"there is no row {wanted}")


@promise("MODEL-207", {ONLY: "R-REV-018 R-REV-163 R-REV-171"})
def both_lists_agree(stage: Stage) -> None:
    """GET /models/pricing has every row of GET /models with its model, nothing else, and counts them."""
    flat = stage.answered(Request.get("/v1/models/pricing")).object()
    rows = [{"model": name, **row} for name, model in models(stage).items() for row in model["pricing"]]
    if stage.assumptions:
        expect(flat["count"] == len(flat["pricing"]), f"count is {flat['count']} for {len(flat['pricing'])} rows")
    expect(_sorted(flat["pricing"]) == _sorted(rows), "the flat list and the models' rows are not the same rows")
    expect(not stage.assumptions or flat["pricing"] == rows, "the two lists have different orders")


_FILTERS = (*MODELS, "vip1", "vip2", "fast", "default", "kling-2.6 on vip2", "kling-2.6 on default", "no-such-model")


@promise("MODEL-208", {ONLY: "R-REV-018 R-REV-171 R-REV-150 R-REV-151 R-REV-152"}, each=_FILTERS)
def filters_really_filter(stage: Stage, case: str) -> None:
    """The filters `model` and `server_id` of the flat list leave exactly the rows of that model, server, or both."""
    first, _, second = case.partition(" on ")
    server = second or (first if first in {"vip1", "vip2", "fast", "default"} else None)
    model = None if server == first else first
    whole = stage.answered(Request.get("/v1/models/pricing")).field("pricing")
    right = [row for row in whole if model in {None, row["model"]} and server in {None, row["server"]}]
    few = stage.answered(Request.get("/v1/models/pricing", {"model": model, "server_id": server})).object()
    expect(few["pricing"] == right, f"{len(right)} rows are of {case}, and {len(few['pricing'])} came")
    expect(not stage.assumptions or few["count"] == len(right), f"count is {few['count']} for {len(right)} rows")


@promise("MODEL-210", {ONLY: "R-REV-139"})
def grok_costs_four_prices(stage: Stage) -> None:
    """grok-i2v has the four rows {480p, 720p} x {6s, 10s}, all `standard`, at 30, 45, 50 and 70 unless newer."""
    rows = the_model(stage, "grok-i2v")["pricing"]
    prices = {row["key"]: int(row_credits(row)) for row in rows}
    cells = {f"{size}-{span}s-standard" for size in ("480p", "720p") for span in (6, 10)}
    expect(prices.keys() == cells, f"the keys are {sorted(prices)}")
    if not stage.assumptions:
        return
    expect(sorted(prices.values()) == sorted(GROK), f"the prices are {prices}")
    expect(
        (prices["480p-6s-standard"], prices["720p-10s-standard"]) == (30, 70),
        f"the smallest should cost 30 and the largest 70: {prices}",
    )
    expect(prices["480p-10s-standard"] == 45, f"the prices should follow the order of the keys: {prices}")


@promise("MODEL-212", {ONLY: "R-REV-150 R-REV-151 R-REV-152"})
def the_economy_server_is_the_cheapest(stage: Stage) -> None:
    """For the same key the server `fast`, the economy tier, never costs more than vip1 or vip2."""
    for name, model in models(stage).items():
        cheap = {row["key"]: row_credits(row) for row in model["pricing"] if row["server"] == "fast"}
        for row in model["pricing"]:
            expect(row_credits(row) >= cheap.get(row["key"], 0), f"{name} costs less on {row['server']}: {row}")


def _seconds(row: dict[str, Any]) -> int | None:
    found = _SECONDS.fullmatch(row.get("duration", ""))
    return None if found is None else int(found[1])


def _sorted(rows: list[dict[str, Any]]) -> list[list[tuple[str, Any]]]:
    return sorted((sorted(row.items()) for row in rows), key=str)


def _range(ends: tuple[Decimal, Decimal]) -> str:
    return f"{ends[0]}-{ends[1]}"
