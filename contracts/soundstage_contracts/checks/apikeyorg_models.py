"""API-Key's list of models: who is on it, and that every limit and value it tells is the one that holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from soundstage_contracts.checks.apikeyorg_errors import denied, everything_paid
from soundstage_contracts.exchange import Request
from soundstage_contracts.oracles.apikeyorg import BY_TOKEN, CREATES, ESTIMATE, MODELS
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import Broken, expect

PUBLISHED = ("seedance-2", "seedance-2-fast")
LIMITED = (*PUBLISHED, "seedream-4", "flux-2-pro", "suno-5", "lyria-3")
MADE = {"video": "video", "image": "image", "music": "audio", "chat": "text", "embedding": "embedding"}
PATHS = {kind: path for path, kind in CREATES.items()} | dict(zip(("chat", "embedding"), BY_TOKEN, strict=True))
UNPUBLISHED = {"apikeyorg": "what an entry of the list says"}


def listed(stage: Stage) -> list[dict[str, Any]]:
    """Return the entries of the list of models."""
    return list(stage.answered(Request.get(MODELS)).field("data"))


def entry(stage: Stage, name: str) -> dict[str, Any]:
    """Return what the list says of one model; raises Broken when it is not there."""
    found = next((one for one in listed(stage) if one["id"] == name), None)
    if found is None:
        raise Broken(f"the list of models does not have {name}")
    return found


@promise("MODEL-401", {"apikeyorg": "R-KEY-020 R-KEY-047"})
def named(stage: Stage) -> None:
    """The list of models has both named video models, and says what category a model is of."""
    text = json.dumps(stage.answered(Request.get(MODELS)).object())
    for name in PUBLISHED:
        expect(json.dumps(name) in text, f"the list of models does not have {name}")
    if stage.assumptions:
        kinds = {one["id"]: one["category"] for one in listed(stage)}
        expect(set(kinds.values()) == set(MADE), f"the categories are {sorted(set(kinds.values()))}")
        expect({kinds[name] for name in PUBLISHED} == {"video"}, "a Seedance makes video")


@promise("MODEL-402", {"apikeyorg": "R-KEY-003 R-KEY-020"}, assumed=UNPUBLISHED)
def one_list(stage: Stage) -> None:
    """The list is the same for everybody at any time, and no two entries share an id or a name."""
    asked = Request.get(MODELS)
    limited, account = stage.account(models=("suno-5",)), stage.account()
    first = stage.bare(asked)
    expect(first.status == 200, f"the list answers {first.status} without a key")
    stage.pass_seconds(86_400, account)
    for reply in (stage.answered(asked, account), stage.answered(asked, limited), stage.bare(asked)):
        expect(reply.body == first.body, "the list depends on who asks or when")
    entries = first.field("data")
    for name in ("id", "name"):
        expect(len({one[name] for one in entries}) == len(entries), f"two models have the same {name}")


@promise(
    "MODEL-403",
    {"apikeyorg": "R-KEY-020"},
    assumed=UNPUBLISHED,
    each=("video", "image", "music", "chat", "embedding"),
)
def coherent(stage: Stage, case: str) -> None:
    """An entry agrees with itself: it makes its category, defaults are among its values, every case has a price."""
    own = [one for one in listed(stage) if one["category"] == case]
    expect(bool(own), f"no model makes {case}")
    for one in own:
        made = one["modalities"]["output"]
        expect(made == [MADE[case]], f"{one['id']} is of category {case} and makes {made}")
        taken = one["modalities"]["input"]
        expect("text" in taken and len(set(taken)) == len(taken), f"{one['id']} takes {taken}")
        expect(one["created"] > 10**9, f"{one['id']} was made at {one['created']}, which is no time of ours")
        known = one["parameters"]
        for name in ("resolution", "aspect_ratio"):
            values = known.get(f"{name}s")
            fits = values is None or known[f"default_{name}"] in values
            expect(fits, f"the default {name} of {one['id']} is none of its own")
        _lengths(one["id"], known.get("duration"))
        _prices(one)


def _lengths(name: str, length: Mapping[str, Any] | None) -> None:
    if length is not None:
        order = [length["minimum"], length["auto"]["minimum"], length["auto"]["maximum"], length["maximum"]]
        expect(order == sorted(order), f"the lengths of {name} should rise: {order}")


def _prices(one: Mapping[str, Any]) -> None:
    price = one["pricing"]
    if "rows" not in price:
        return
    values = {"resolution": one["parameters"]["resolutions"], "input_mode": one.get("input_modes")}
    wanted: list[dict[str, str]] = [{}]
    for name in price["by"]:
        wanted = [{**when, name: value} for when in wanted for value in values[name]]
    told = [json.dumps(row["when"], sort_keys=True) for row in price["rows"]]
    all_of = sorted(json.dumps(when, sort_keys=True) for when in wanted)
    expect(sorted(told) == all_of, f"{one['id']} should have a price for each of {all_of}, and has {told}")


@promise(
    "MODEL-404",
    {"apikeyorg": "R-KEY-020 R-KEY-022 R-KEY-023 R-KEY-024 R-KEY-025 R-KEY-026"},
    assumed={"apikeyorg": "which refusal a model of another category gets"},
)
def at_its_endpoint(stage: Stage) -> None:
    """Every listed model is served by the endpoint of its category, and refused by all others as an invalid model."""
    bodies = {path: request.value() for path, request in everything_paid(stage).items()}
    for one in listed(stage):
        for kind, path in PATHS.items():
            fields = {**bodies[path], "model": one["id"]}
            if kind == one["category"]:
                stage.answered(Request.json(path, {**fields, "max_credits": None}))
            else:
                denied(stage, Request.json(path, fields), "invalid", "model")


@promise("MODEL-405", {"apikeyorg": "R-KEY-020 R-KEY-030"}, assumed=UNPUBLISHED, each=LIMITED)
def limits_hold(stage: Stage, case: str) -> None:
    """The values and limits that an entry tells are accepted by the estimate, and those beside them are not."""
    one = entry(stage, case)
    known = one["parameters"]
    good: list[dict[str, Any]] = [{"input_mode": mode} for mode in one.get("input_modes", ())]
    bad: list[dict[str, Any]] = []
    if "resolutions" in known:
        good += [{"resolution": value} for value in known["resolutions"]]
        bad += [
            {"resolution": value} for value in {"480p", "720p", "1080p", "1k", "2k", "4k"} - {*known["resolutions"]}
        ]
    if "duration" in known:
        low, high = known["duration"]["minimum"], known["duration"]["maximum"]
        good += [{"duration": low}, {"duration": high}]
        bad += [{"duration": low - 1}, {"duration": high + 1}]
    for fields in good:
        stage.answered(Request.json(ESTIMATE, {"model": case, **fields}))
    for fields in sorted(bad, key=str):
        denied(stage, Request.json(ESTIMATE, {"model": case, **fields}), "invalid", next(iter(fields)))


RATIOS = {"16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9", "5:4", "9:21"}


@promise("MODEL-406", {"apikeyorg": "R-KEY-020"}, assumed=UNPUBLISHED, each=LIMITED[:4])
def ratios_hold(stage: Stage, case: str) -> None:
    """A task is made in every aspect ratio that the model's entry tells, at one price, and in no other."""
    one = entry(stage, case)
    path, own = PATHS[one["category"]], one["parameters"]["aspect_ratios"]
    body = everything_paid(stage)[path].value() | {"model": case}
    account = stage.account()
    prices = set()
    for ratio in own:
        before = stage.books(account).held
        stage.answered(Request.json(path, {**body, "aspect_ratio": ratio}), account)
        prices.add(stage.books(account).held - before)
    expect(len(prices) == 1, f"the aspect ratios of {case} have the prices {sorted(prices)}")
    for ratio in sorted(RATIOS - set(own)):
        denied(stage, Request.json(path, {**body, "aspect_ratio": ratio}), "invalid", "aspect_ratio", account)
