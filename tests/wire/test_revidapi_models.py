"""RevidAPI's list of models and its price rows (R-REV-009, R-REV-110..147, R-REV-160..171)."""

from __future__ import annotations

from typing import Any

import pytest

from support.client import House
from support.revid import CATALOGUE, MODELS, nobody, refused, revid

# Model → the ends of its range, as the document's tables print them (R-REV-110..147).
RANGES = {
    "flux-2-pro": (10, 30),
    "grok-image": (20, 20),
    "image-4.0": (4, 4),
    "image-gpt": (8, 40),
    "imagen-4": (20, 20),
    "imagen-4-fast": (20, 20),
    "imagen-4-ultra": (30, 30),
    "kling-o1-image": (12, 35),
    "nano-banana": (1, 20),
    "nano-banana-2": (20, 40),
    "nano-banana-pro": (12, 70),
    "nano-banana-pro-cheap": (10, 10),
    "seedream-4.5": (15, 70),
    "kling-2.5-turbo": (10, 300),
    "kling-2.6": (15, 640),
    "kling-3.0-video": (15, 720),
    "kling-o1-video": (60, 600),
    "veo3.1-low": (15, 15),
    "veo3.1-fast": (10, 10),
    "veo3.1-high": (20, 20),
    "grok-i2v": (30, 70),
    "motion-control-2.6": (60, 90),
    "motion-control-3.0": (12, 120),
    "kling-avatar": (5, 10),
}


async def listed(house: House) -> dict[str, Any]:
    """Return the models by id."""
    answer = await revid(house).get("/v1/models")
    assert answer.status == 200, answer.raw
    assert answer.body.keys() == {"models"}
    return {model["model"]: model for model in answer["models"]}


async def test_r_rev_160_every_model_is_listed_with_its_own_texts(stage: House) -> None:
    models = await listed(stage)
    assert list(models) == list(MODELS)
    for name, model in models.items():
        assert "provider" not in model, "servers took its place (R-REV-009)"
        for field in ("name", "type", "modes", "servers", "params", "notes"):
            assert model[field] == MODELS[name][field]


async def test_r_rev_170_the_ends_of_a_range_are_those_of_the_rows_and_of_the_document(stage: House) -> None:
    for name, model in (await listed(stage)).items():
        prices = [row["credits"] for row in model["pricing"]]
        assert (model["credits_min"], model["credits_max"]) == (min(prices), max(prices))
        assert RANGES.get(name, (min(prices), max(prices))) == (min(prices), max(prices)), name


async def test_r_rev_163_164_a_row_leaves_out_what_goes_without_saying(stage: House) -> None:
    for name, model in (await listed(stage)).items():
        for row, kept in zip(model["pricing"], MODELS[name]["rows"], strict=True):
            assert row["config_key"] == row["key"] == kept["key"]
            assert (row["server"], row["credits"]) == (kept["server"], kept["credits"])
            assert row.get("audio", False) == kept.get("audio", False)
            assert row.get("speed", "fast") == kept.get("speed", "fast")
            assert row.get("duration") == (f"{kept['duration']}s" if "duration" in kept else None)


async def test_r_rev_165_166_keys_are_made_of_the_values_of_their_row(stage: House) -> None:
    for model in (await listed(stage)).values():
        for row in model["pricing"]:
            parts = [row.get("resolution"), row.get("duration"), "audio" if row.get("audio") else None]
            parts += [row.get("quality"), row.get("speed", "fast")]
            stem = "-".join(part for part in parts if part)
            possible = {stem, stem.removesuffix("-fast"), f"default-{stem}"}
            assert row["key"] in possible, row


async def test_r_rev_163_169_the_documented_entry_of_kling_2_6(stage: House) -> None:
    entry = (await listed(stage))["kling-2.6"]
    assert entry["params"] == {
        "prompt": "string, required",
        "img_url": "url, optional (set → I2V; omit → T2V)",
        "resolution": "720p | 1080p",
        "duration": "5 | 10 (seconds; accepts '5' / '5s')",
        "aspect_ratio": "16:9 | 9:16 | 1:1 (default 16:9)",
        "audio": "boolean (default false; silently dropped on unsupported combos)",
        "speed": "fast | slow (default fast)",
        "server_id": "fast | vip1 | vip2 (omit for auto-select)",
    }
    for row in (
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
    ):
        assert {**row, "config_key": row["key"]} in entry["pricing"]


async def test_r_rev_018_171_the_flat_list_has_the_same_rows(stage: House) -> None:
    flat = (await revid(stage).get("/v1/models/pricing")).body
    nested = [{"model": name, **row} for name, model in (await listed(stage)).items() for row in model["pricing"]]
    assert flat == {"pricing": nested, "count": len(nested)}


async def test_r_rev_018_the_flat_list_is_filtered_by_model_and_server(stage: House) -> None:
    client = revid(stage)
    every = (await client.get("/v1/models/pricing"))["pricing"]
    for model in ("kling-2.6", "veo3.1-low"):
        for server in ("fast", "vip1"):
            found = (await client.get("/v1/models/pricing", model=model, server_id=server)).body
            wanted = [row for row in every if row["model"] == model and row["server"] == server]
            assert found == {"pricing": wanted, "count": len(wanted)}
    only = (await client.get("/v1/models/pricing", server_id="default")).body
    assert {row["model"] for row in only["pricing"]} == {"grok-i2v"}


@pytest.mark.parametrize("query", [{"model": "kling-9"}, {"server_id": "vip9"}, {"model": "KLING-2.6"}])
async def test_an_unknown_filter_finds_nothing(stage: House, query: dict[str, str]) -> None:
    answer = await revid(stage).call("GET", "/v1/models/pricing", query=query)
    assert (answer.status, answer.body) == (200, {"pricing": [], "count": 0})


@pytest.mark.parametrize("query", [{"model": ""}, {"server_id": "x" * 201}])
async def test_a_filter_that_cannot_be_one_is_refused(stage: House, query: dict[str, str]) -> None:
    answer = await revid(stage).call("GET", "/v1/models/pricing", query=query)
    refused(answer, 400, next(iter(query)))


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/pricing"])
async def test_r_rev_002_the_lists_need_a_key_as_well(stage: House, path: str) -> None:
    assert refused(await nobody(stage).get(path), 401) == "Missing Authorization header"


def test_r_rev_154_rows_use_only_what_their_model_lists() -> None:
    fields = {"resolution": "resolutions", "duration": "durations", "speed": "speeds", "quality": "qualities"}
    for name, model in MODELS.items():
        assert {row["server"] for row in model["rows"]} == set(model["servers"])
        assert set(model["servers"]) <= set(CATALOGUE["servers"])
        for field, plural in fields.items():
            assert {row[field] for row in model["rows"] if field in row} <= set(model.get(plural, ())), name
        keys = [(row["server"], row["key"]) for row in model["rows"]]
        assert len(keys) == len(set(keys))
