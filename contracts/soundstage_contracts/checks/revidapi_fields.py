"""RevidAPI's request fields: what is on offer is accepted, what is not is refused, what is unknown is ignored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from soundstage_contracts.checks.revidapi_requests import (
    ONLY,
    PAID,
    WAYS,
    cheapest,
    cost,
    form,
    job,
    looked_up,
    made,
    roomy,
)
from soundstage_contracts.drivers.revidapi import CLIP, PICTURE
from soundstage_contracts.drivers.samples import PNG, landed, upload
from soundstage_contracts.exchange import Request
from soundstage_contracts.oracles.revidapi import MODELS, PATHS
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import NotTested, expect

_TABLES = " ".join(model.source for model in MODELS.values())
_GENERAL = (
    "R-REV-043 R-REV-045 R-REV-046 R-REV-047 R-REV-051 R-REV-054 R-REV-055 R-REV-057 R-REV-058 R-REV-082 R-REV-084"
)
_RATIOS = {"16:9", "9:16", "1:1", "4:3", "3:4", "21:9"}
SOUND = "https://media.example.com/a.mp3"


def _offers(model: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield the fields of a model with the published values."""
    known = MODELS[model]
    yield "server_id", known.servers
    yield "resolution", known.resolutions
    yield "duration", known.durations
    yield "speed", known.speeds
    yield "aspect_ratio", known.ratios
    if model == "image-gpt-2":
        yield "quality", ("low", "medium", "high")
    if known.path == PATHS["motion"]:
        yield "mode", ("std", "pro")


@promise(
    "FIELD-201",
    {ONLY: f"{_GENERAL} {_TABLES}"},
    each=PAID,
)
def published_values_are_accepted(stage: Stage, model: str) -> None:
    """Every published server, resolution, duration, speed and ratio of a model is accepted."""
    account = roomy(stage)
    for name, values in _offers(model):
        for value in values:
            made(stage, job(model, **{name: value}), account)


@promise(
    "FIELD-202",
    {ONLY: f"R-REV-066 {_TABLES}"},
    assumed={ONLY: "A-REV-02, A-REV-17, A-REV-55: that other values are refused, with 400"},
    each=PAID,
)
def other_values_are_refused(stage: Stage, model: str) -> None:
    """A server, resolution, duration, speed or ratio that the model has not is refused, and nothing is taken."""
    account = roomy(stage)
    foreign: dict[str, set[Any]] = {
        "server_id": {"vip1", "vip2", "fast", "default", "vip3", ""},
        "resolution": {"480p", "720p", "1080p", "1k", "2k", "4k", "8k"},
        "duration": {3, 4, 5, 6, 8, 10, 15, "7s"},
        "speed": {"fast", "slow", "standard", "FAST"},
        "aspect_ratio": _RATIOS | {"2:1"},
        "quality": {"ultra"},
        "mode": {"720p"},
    }
    for name, values in _offers(model):
        if values and not (model.startswith("nano") and name == "aspect_ratio"):
            for value in sorted(foreign[name] - set(values), key=str):
                stage.refused(job(model, **{name: value}), "invalid", account)


@promise("FIELD-203", {ONLY: "R-REV-007 R-REV-059 R-REV-169"}, each=WAYS)
def unknown_fields_are_ignored(stage: Stage, way: str) -> None:
    """Fields nobody knows are ignored in JSON and in forms: the job is made at the same price."""
    account, body = roomy(stage), cheapest(way)
    plain = cost(stage, Request.json(PATHS[way], body), account)
    odd = {**body, "zebra": "striped", "user_id": "u-1", "n": "4"}
    for request in (Request.json(PATHS[way], {**odd, "deep": {"a": [1, None]}}), form(PATHS[way], odd)):
        price = cost(stage, request, account)
        expect(price == plain, f"with unknown fields it costs {price} instead of {plain}")


@promise("FIELD-204", {ONLY: "R-REV-006 R-REV-010 R-REV-011 R-REV-012 R-REV-013"}, each=WAYS)
def forms_are_as_good_as_json(stage: Stage, way: str) -> None:
    """Every path that makes a job reads multipart forms like JSON: the same fields cost the same."""
    account, body = roomy(stage), cheapest(way)
    more: dict[str, dict[str, Any]] = {
        "image": {"model": "nano-banana-pro", "resolution": "4k", "speed": "slow", "server_id": "vip1"},
        "video": {"model": "kling-2.6", "resolution": "720p", "duration": "5s", "audio": True, "server_id": "fast"},
        "seedance": {"resolution": "720p", "duration": 8, "aspect_ratio": "21:9"},
        "motion": {"mode": "pro"},
    }
    for asked in (body, {**body, **more[way]}):
        prices = [
            cost(stage, request, account) for request in (Request.json(PATHS[way], asked), form(PATHS[way], asked))
        ]
        expect(prices[0] == prices[1], f"{asked} costs {prices[0]} as JSON and {prices[1]} as a form")


@promise("FIELD-205", {ONLY: "R-REV-006 R-REV-021 R-REV-022 R-REV-023 R-REV-014"})
def the_other_paths_read_forms_too(stage: Stage) -> None:
    """Presign, confirm, upload-url, extract and KOL read multipart forms like JSON."""
    account = roomy(stage)
    given = stage.answered(form("/v1/files/upload/presign", {"filename": "a.png"}), account)
    stage.put(given.field("upload_url"), PNG, "image/png")
    done = stage.answered(form("/v1/files/upload/confirm", {"upload_id": given.field("upload_id")}), account)
    expect(done.field("status") == "ready", f"the confirmed upload is {done.field('status')!r}")
    # The document's example of a link is a video.
    link = {"url": stage.answered(upload("video"), account).field("url"), "type": "video"}
    fetched = stage.answered(form("/v1/files/upload-url", link), account).field("status")
    expect(fetched == "processing", f"upload-url should begin as processing, and is {fetched!r}")
    page = {"url": "https://tiktok.com/@ada/video/1"}
    found = [
        looked_up(stage, request, account).status
        for request in (form("/v1/download/extract", page), Request.json("/v1/download/extract", page))
    ]
    expect(found[0] == found[1], f"a page is answered with {found[0]} in a form and with {found[1]} in JSON")
    audio = landed(stage, stage.answered(upload("audio"), account).field("upload_id"), account)
    spoken = {"audio_id": audio["audio_id"], "image_url": done.field("url"), "quality": "720p"}
    prices = [
        cost(stage, request, account) for request in (form(PATHS["kol"], spoken), Request.json(PATHS["kol"], spoken))
    ]
    expect(prices[0] == prices[1], f"as a form it costs {prices[0]}, as JSON {prices[1]}")


@promise("FIELD-211", {ONLY: "R-REV-012 R-REV-070"}, assumed={ONLY: "A-REV-23, A-REV-50: refused, with 400"})
def every_model_has_one_path(stage: Stage) -> None:
    """A model is refused on every path but its own, Seedance on the video path too; so are unknown and former names."""
    account = roomy(stage)
    for way, path in PATHS.items():
        body = cheapest(way) if way != "kol" else {"audio_id": "aud_1", "image_url": PICTURE}
        for model in MODELS.values():
            if model.path != path:
                stage.refused(Request.json(path, {**body, "model": model.id}), "invalid", account)
        for name in ("kling-3.0", "kling-01-video", "veo-3.1", "imagen-4.0", "chatgpt-image", "sora", ""):
            stage.refused(Request.json(path, {**body, "model": name}), "invalid", account)


_NEEDS = {"motion": ("character_image_url", "motion_video_url"), "kol": ("audio_id", "image_url")}
_REQUIRED = tuple(f"{way} {name}" for way in PATHS for name in _NEEDS.get(way, ("prompt",)))


@promise("FIELD-212", {ONLY: "R-REV-040 R-REV-041 R-REV-050 R-REV-080 R-REV-081 R-REV-090 R-REV-091"}, each=_REQUIRED)
def required_fields_are_required(stage: Stage, case: str) -> None:
    """A request without a field that the document calls required is refused, and nothing is taken."""
    if case == "seedance prompt" and not stage.assumptions:
        raise NotTested("no document says that Seedance needs a prompt")
    way, name = case.split()
    account = stage.account()
    body = cheapest(way)
    if way == "kol":
        audio = landed(stage, stage.answered(upload("audio"), account).field("upload_id"), account)
        body = {"audio_id": audio["audio_id"], "image_url": PICTURE, "quality": "720p"}
    less = {field: value for field, value in body.items() if field != name}
    requests = [Request.json(PATHS[way], less), form(PATHS[way], less)]
    if stage.assumptions:
        wrong: tuple[Any, ...] = (None, "", 7, [])
        requests += [Request.json(PATHS[way], {**less, name: value}) for value in wrong]
    for request in requests:
        stage.refused(request, "invalid", account)


@promise(
    "FIELD-216",
    assumed={ONLY: "that a model must be named is found (R-REV-041), where it need not be is ours"},
    each=WAYS,
)
def the_model_must_be_named(stage: Stage, way: str) -> None:
    """Images and videos need their model named; motion control takes motion-control-3.0 when none is."""
    account = roomy(stage)
    body = {name: value for name, value in cheapest(way).items() if name != "model"}
    for request in (Request.json(PATHS[way], body), form(PATHS[way], body)):
        if way == "motion":
            task_id = made(stage, request, account).id
            model = stage.answered(Request.get(f"/v1/jobs/{task_id}"), account).field("model")
            expect(model == "motion-control-3.0", f"without a model it is {model}")
        else:
            stage.refused(request, "invalid", account)


_ODD: dict[str, tuple[Any, ...]] = {
    "duration": ("5x", "s", "", -5, 0, 5.5, "5 s", "5.0", [5], True, 10**6),
    "audio": ("yes", 1, "", []),
    "img_url": ("ftp://media.example.com/a.png", "a.png", "", 7, {}, "https://media.example.com/" + "a" * 2100),
}


@promise("FIELD-213", assumed={ONLY: "lengths, types and spellings that are refused are unpublished"})
def odd_values_are_refused(stage: Stage) -> None:
    """Durations, flags, addresses and prompts of another form are refused; a prompt may have 10000 characters."""
    account = roomy(stage)
    for name, values in _ODD.items():
        for value in values:
            stage.refused(job("kling-2.6", **{name: value}), "invalid", account)
    made(stage, job("image-4.0", prompt="a" * 10_000), account)
    stage.refused(job("image-4.0", prompt="a" * 10_001), "invalid", account)
    stage.refused(job("motion-control-3.0", mode="pro", resolution="720p"), "invalid", account)
    for audio_id in ("aud_nothing", "up_nothing", ""):
        stage.refused(Request.json(PATHS["kol"], {"audio_id": audio_id, "image_url": PICTURE}), "invalid", account)


@promise("FIELD-214", assumed={ONLY: "A-REV-22, A-REV-34, A-REV-35, A-REV-36: fields that have no effect"})
def fields_without_effect_change_nothing(stage: Stage) -> None:
    """Fields of other models and of former days are ignored like unknown ones."""
    account = roomy(stage)
    for model, more in (
        ("kling-2.5-turbo", {"aspect_ratio": "2:1"}),
        ("veo3.1-low", {"video_url": CLIP, "resolution": "8k", "speed": "slow"}),
        ("image-4.0", {"duration": 99, "quality": "high", "resolution": "1k"}),
        ("motion-control-3.0", {"video_cover_url": "?", "count": 3, "background_source": "input_image"}),
    ):
        plain, price = (cost(stage, job(model, **extra), account) for extra in ({}, more))
        expect(price == plain, f"{model} with {more} costs {price}, and {plain} without")
