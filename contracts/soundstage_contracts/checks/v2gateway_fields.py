"""The /v2 gateway's request bodies: little is required, much is free, and what cannot be is refused before it costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from soundstage_contracts.drivers.base import Creation
from soundstage_contracts.drivers.v2gateway import submit
from soundstage_contracts.exchange import Request
from soundstage_contracts.oracles.v2gateway import SCOPES
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import PROMPT, Stage
from soundstage_contracts.target import Started
from soundstage_contracts.verdict import NotTested, expect

PICTURE = "https://media.example.com/boat.png"
CLIP = "https://media.example.com/boat.mp4"
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
"""A picture of one pixel as base64."""

DOCUMENTED: Mapping[str, Any] = {
    "duration": 5,
    "aspect_ratio": "16:9",
    "size": "",
    "resolution": "780P",
    "images": [""],
    "videos": [""],
    "watermark": False,
}
"""Every optional field with the value that the document shows (R-V2-012 to R-V2-018)."""

FREE: Mapping[str, Mapping[str, Any]] = {
    "every documented field": DOCUMENTED,
    "watermark true": {"watermark": True},
    "size": {"size": "1280x720"},
    "aspect_ratio 9:16": {"aspect_ratio": "9:16"},
    "resolution 720P": {"resolution": "720P"},
    "resolution 780P": {"resolution": "780P"},
    "resolution free text": {"resolution": "as sharp as it gets"},
    "duration as a number": {"duration": 5},
    "image by URL": {"images": [PICTURE]},
    "image as base64": {"images": [DOT]},
    "two images": {"images": [PICTURE, DOT]},
    "video by URL": {"videos": [CLIP]},
}
SHOULD: Mapping[str, Mapping[str, Any]] = {
    "duration as a text": {"duration": "10"},
    "duration with a part": {"duration": 5.5},
    "image as a data URL": {"images": [f"data:image/png;base64,{DOT}"]},
    "images and videos": {"images": [PICTURE], "videos": [CLIP]},
    "empty texts": {"aspect_ratio": "", "size": "", "resolution": "", "duration": "", "notify_hook": ""},
    "nulls": {"aspect_ratio": None, "images": None, "videos": None, "watermark": None, "duration": None},
    "empty lists": {"images": [], "videos": []},
    "one empty text in a list": {"images": ["", PICTURE], "videos": [""]},
    "unknown text": {"style": "watercolour"},
    "unknown object": {"camera": {"moves": ["pan", "tilt"], "speed": 2}},
}
WRONG: Mapping[str, Mapping[str, Any]] = {
    "prompt empty": {"prompt": ""},
    "prompt null": {"prompt": None},
    "prompt a number": {"prompt": 5},
    "model empty": {"model": ""},
    "model null": {"model": None},
    "model a list": {"model": ["veo3"]},
    "model too long": {"model": "m" * 201},
    "duration a word": {"duration": "ten"},
    "duration a boolean": {"duration": True},
    "duration 0": {"duration": 0},
    "duration negative": {"duration": -5},
    "aspect_ratio a number": {"aspect_ratio": 5},
    "size a number": {"size": 720},
    "resolution a number": {"resolution": 720},
    "images a text": {"images": PICTURE},
    "images with a number": {"images": [5]},
    "images neither URL nor base64": {"images": ["not a picture"]},
    "video as base64": {"videos": [DOT]},
    "videos a text": {"videos": CLIP},
    "videos with a number": {"videos": [5]},
    "watermark a text": {"watermark": "yes"},
    "watermark a number": {"watermark": 1},
    "notify_hook no address": {"notify_hook": "soon"},
    "notify_hook plain http": {"notify_hook": "http://hooks.example.com/v2"},
    "notify_hook a number": {"notify_hook": 5},
}
BODIES: Mapping[str, tuple[bytes, str | None, str]] = {
    "no JSON": (b'{"prompt": ', "application/json", "invalid"),
    "a list": (b"[1]", "application/json", "invalid"),
    "a text": (b'"veo3"', "application/json", "invalid"),
    "nothing": (b"", "application/json", "invalid"),
    "a form": (b"prompt=boat&model=veo3", "application/x-www-form-urlencoded", "media_type"),
    "plain text": (b'{"prompt":"boat","model":"veo3"}', "text/plain", "media_type"),
}


def in_scopes(names: Iterable[str]) -> tuple[str, ...]:
    """Return a case for each name in each scope, such as `prompt in audio`."""
    return tuple(f"{name} in {scope}" for scope in SCOPES for name in names)


def case_of(stage: Stage, case: str) -> tuple[str, Creation]:
    """Return the name of a case and its scope's task; raises NotTested where only we say that its scope is alike."""
    name, _, scope = case.rpartition(" in ")
    creation = stage.creation("veo" if scope == "videos" else scope)
    if creation.assumed and not stage.assumptions:
        raise NotTested(f"the document shows such a body for videos only, and of {scope} not {creation.assumed}")
    return name, creation


def accepted(stage: Stage, body: Mapping[str, Any], creation: str = "veo") -> Started:
    """Submit a body with more fields; the task must be there, waiting, with nothing wrong about it."""
    task = stage.start(stage.account(), creation, **body)
    view = stage.poll(task)
    expect(view.reason is None, f"the task was accepted and says {view.reason!r}")
    return task


@promise("FIELD-301", {"v2gateway": "R-V2-001 R-V2-003 R-V2-010 R-V2-011 R-V2-020"}, each=SCOPES)
def prompt_and_model_do(stage: Stage, scope: str) -> None:
    """A prompt and a model are a whole request in every scope."""
    accepted(stage, {}, "veo" if scope == "videos" else scope)


@promise(
    "FIELD-302",
    {"v2gateway": "R-V2-012 R-V2-013 R-V2-014 R-V2-015 R-V2-016 R-V2-017 R-V2-018"},
    each=in_scopes(FREE),
)
def documented_fields_are_taken(stage: Stage, case: str) -> None:
    """Every documented field is taken in every scope with the values the document shows, free text and all."""
    name, creation = case_of(stage, case)
    accepted(stage, FREE[name], creation.name)


@promise(
    "FIELD-303",
    {"v2gateway": "R-V2-012 R-V2-016 R-V2-019 R-V2-021 R-V2-025"},
    assumed={"v2gateway": "other public material, and readings of the dots in the document's body (R-V2-019)"},
    each=tuple(SHOULD),
)
def the_rest_is_taken_too(stage: Stage, name: str) -> None:
    """Fields of a model's own, durations as text, empty texts, empty lists and nulls are taken."""
    accepted(stage, SHOULD[name])


@promise("FIELD-304", {"v2gateway": "R-V2-010 R-V2-011"}, each=in_scopes(("prompt", "model")))
def prompt_and_model_are_needed(stage: Stage, case: str) -> None:
    """Without a prompt or without a model there is no task, whatever the scope, and nothing is taken."""
    field, creation = case_of(stage, case)
    whole = creation.build(PROMPT)
    body = {name: value for name, value in whole.value().items() if name != field}
    stage.refused(Request.json(whole.path, body), "invalid")


@promise(
    "FIELD-305",
    {"v2gateway": "R-V2-010 R-V2-011 R-V2-012 R-V2-016 R-V2-017 R-V2-018 R-V2-074"},
    assumed={"v2gateway": "which values are refused, and how, is in no document"},
    each=tuple(WRONG),
)
def wrong_values_are_refused(stage: Stage, name: str) -> None:
    """A value of a wrong type or kind is refused at once, and nothing is taken for it."""
    body = {"prompt": PROMPT, "model": "veo3", **WRONG[name]}
    stage.refused(Request.json(submit("videos"), body), "invalid")


@promise(
    "FIELD-306",
    {"v2gateway": "R-V2-005"},
    assumed={"v2gateway": "what is said of a body that is no JSON object is in no document (R-V2-070)"},
    each=tuple(BODIES),
)
def only_json_objects(stage: Stage, name: str) -> None:
    """A submit is a JSON object, sent as application/json; anything else is refused."""
    body, content_type, kind = BODIES[name]
    stage.refused(Request.raw(submit("videos"), body, content_type), kind)


@promise("FIELD-307", {"v2gateway": "R-V2-005"})
def json_with_charset(stage: Stage) -> None:
    """A content type of application/json is taken, with a charset too, and text beyond ASCII is kept whole."""
    body = '{"prompt":"Ein Papierboot auf dem Bergsee, 山の湖","model":"veo3"}'.encode()
    for kind in ("application/json", "application/json; charset=utf-8"):
        reply = stage.answered(Request.raw(submit("videos"), body, kind))
        expect(bool(stage.driver.created(reply).id), "the task has no id")


@promise(
    "FIELD-308",
    {"v2gateway": "R-V2-025"},
    assumed={"v2gateway": "the example of another page of the family (R-V2-025); the values are ours"},
)
def a_models_own_fields(stage: Stage) -> None:
    """A Sora request with all its own fields runs to its end like any other."""
    own = {
        "images": [PICTURE],
        "aspect_ratio": "9:16",
        "hd": False,
        "duration": "15",
        "watermark": False,
        "private": True,
        "character_url": CLIP,
        "character_timestamps": "1,3",
    }
    task = accepted(stage, own, "videos")
    seen = stage.follow(task)[-1]
    expect(seen.state == stage.driver.life.success, f"the task ended as {seen.state!r}: {seen.reason}")


@promise(
    "FIELD-309",
    {"v2gateway": "R-V2-007 R-V2-011"},
    assumed={"v2gateway": "that every name of a model is taken, up to 200 characters"},
)
def any_model(stage: Stage) -> None:
    """Every model's name goes through the one interface."""
    for model in ("veo3-fast", "wan3.0-video", "a model with spaces", "модель", "m" * 200):
        accepted(stage, {"model": model}, "videos")
