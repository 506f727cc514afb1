"""MidSync's request fields: what each takes, what each refuses, and the rules between them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from soundstage_contracts.checks.midsync_ways import CREATE, CREATES, GENERATE, QUOTE, body_of, made, play_money, points
from soundstage_contracts.exchange import Request
from soundstage_contracts.oracles.midsync import GROK, KLING, MODELS, RUNWAY, SEEDANCE
from soundstage_contracts.oracles.midsync_fields import FIELDS, IMAGE, Field
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.target import shown
from soundstage_contracts.verdict import expect

_DOCUMENTED = tuple(field.title for field in FIELDS if field.good)
_GUESSED = tuple(field.title for field in FIELDS if field.wrong)


def _field(title: str) -> Field:
    return next(field for field in FIELDS if field.title == title)


def _with(field: Field, value: Any) -> dict[str, Any]:
    return body_of(field.model) | field.beside | {field.name: value}


def _paths(stage: Stage) -> tuple[str, ...]:
    """Return where bodies can be tried for nothing: quotes everywhere, creates where the money is play money."""
    return (QUOTE,) if stage.target.adapter is None else (QUOTE, *CREATES)


def _taken(stage: Stage, body: dict[str, Any], paths: Iterable[str] | None = None) -> None:
    for path in _paths(stage) if paths is None else paths:
        reply = stage.call(Request.json(path, body))
        expect(reply.status == 200, f"{path} refuses {_short(body)} with {reply.status}: {shown(reply)}")


def _refused(stage: Stage, body: dict[str, Any], paths: Iterable[str] | None = None) -> None:
    for path in _paths(stage) if paths is None else paths:
        request = Request.json(path, body)
        reply = stage.call(request)
        expect(reply.status >= 400, f"{path} takes {_short(body)}")
        stage.error_of(request, reply, "invalid")


def _short(body: dict[str, Any]) -> str:
    return ", ".join(f"{name} {str(value)[:40]!r}" for name, value in body.items() if name != "prompt" or value != "")


def _nothing_taken(stage: Stage) -> None:
    if stage.target.adapter is not None:
        expect(stage.taken() == 0, f"refused bodies took {stage.taken()} points")


@promise(
    "FIELD-101",
    {
        "midsync": "R-MID-031 R-MID-032 R-MID-033 R-MID-034 R-MID-035 R-MID-036 R-MID-037 R-MID-038 R-MID-039 "
        "R-MID-082 R-MID-083 R-MID-084 R-MID-100 R-MID-101 R-MID-102 R-MID-103 R-MID-104 R-MID-106 R-MID-108"
    },
    each=_DOCUMENTED,
)
def documented_values(stage: Stage, case: str) -> None:
    """A field takes every documented value; what lies beyond them on either side is refused, as we read it."""
    field = _field(case)
    # A documented range is no documented refusal.
    for value in field.bad if stage.assumptions else ():
        _refused(stage, _with(field, value))
    _nothing_taken(stage)
    for value in field.good:
        _taken(stage, _with(field, value), (QUOTE,))
    for path in _paths(stage)[1:]:
        for value in field.good:
            _taken(stage, _with(field, value), (path,))


@promise(
    "FIELD-102",
    {"midsync": "R-MID-031 R-MID-032 R-MID-035"},
    assumed={"midsync": "how strictly a type or an unpublished limit is kept is not documented"},
    each=_GUESSED,
)
def other_types(stage: Stage, case: str) -> None:
    """A field refuses values of another type than its own, null among them, and keeps the limits of its siblings."""
    field = _field(case)
    for value in field.wrong:
        _refused(stage, _with(field, value))
    _nothing_taken(stage)
    for value in field.also:
        _taken(stage, _with(field, value))


@promise("FIELD-103", {"midsync": "R-MID-030 R-MID-031 R-MID-080"}, each=("model", "prompt"))
def required_fields(stage: Stage, case: str) -> None:
    """Without model or without prompt nothing is quoted and nothing is made, nor for a model that nobody knows."""
    for model in MODELS:
        _refused(stage, {name: value for name, value in body_of(model).items() if name != case})
    if case == "model" and stage.assumptions:
        for unknown in ("", "seedance-9-ultra", "Seedance-1.5-Pro"):
            _refused(stage, body_of(SEEDANCE) | {"model": unknown})
    _nothing_taken(stage)


_NO_BODIES: tuple[Any, ...] = ([], [body_of(RUNWAY)], "runway", 7, None, {})


@promise(
    "FIELD-104",
    {"midsync": "R-MID-030"},
    assumed={"midsync": "no document says what a body that is no object, or null where a text belongs, is answered"},
)
def bodies_of_another_kind(stage: Stage) -> None:
    """A body that is no object, and a model that is no text, are refused."""
    for path in _paths(stage):
        for body in _NO_BODIES:
            stage.refused(Request.json(path, body), "invalid")
        for model in (None, 7, [SEEDANCE], {"id": SEEDANCE}):
            stage.refused(Request.json(path, body_of(SEEDANCE) | {"model": model}), "invalid")


@promise("FIELD-105", {"midsync": "R-MID-104"})
def runway_shape(stage: Stage) -> None:
    """Runway needs an aspect ratio for text to video, and none beside an image."""
    bare = {name: value for name, value in body_of(RUNWAY, duration=5, quality="720p").items() if name != "aspectRatio"}
    _refused(stage, bare)
    if stage.assumptions:
        _refused(stage, bare | {"images": []})
    _nothing_taken(stage)
    _taken(stage, bare | {"images": [IMAGE]})


@promise("FIELD-106", {"midsync": "R-MID-108"})
def grok_images(stage: Stage) -> None:
    """Grok needs no prompt beside an image, one without any, and never takes images and a reference task together."""
    bare = {"model": GROK, "duration": 6, "resolution": "480p"}
    _refused(stage, bare)
    _refused(stage, bare | {"images": [IMAGE], "referenceTaskId": "gen_of_another_task"})
    if stage.assumptions:
        _refused(stage, bare | {"images": []})
    _nothing_taken(stage)
    _taken(stage, bare | {"images": [IMAGE]})


@promise(
    "FIELD-107",
    {"midsync": "R-MID-065 R-MID-108"},
    assumed={"midsync": "that the reference must be a task of one's own is our reading"},
)
def grok_reference(stage: Stage) -> None:
    """Grok's reference is a task of one's own: it stands for a prompt, in both forms; another's is refused."""
    play_money(stage)
    mine, theirs = stage.start(), stage.start(stage.account(beside=stage.someone))
    bare = {"model": GROK, "duration": 6, "resolution": "480p"}
    before = stage.books()
    for path in (QUOTE, *CREATES):
        for name in (theirs.id, "gen_000000000000000000000000", "", 7, None):
            _refused(stage, bare | {"referenceTaskId": name}, (path,))
    landing = {"model": "Grok Video", "prompt": "The boat sails on", "duration_seconds": 6}
    _refused(stage, landing | {"reference_task_id": theirs.id}, (CREATE,))
    _refused(stage, landing | {"reference_task_id": mine.id, "image_url": IMAGE}, (CREATE,))
    _refused(
        stage, landing | {"model": "Kling 2.5 Turbo", "duration_seconds": 5, "reference_task_id": mine.id}, (CREATE,)
    )
    expect(stage.books() == before, "a refused reference changed the balance")
    _taken(stage, bare | {"referenceTaskId": mine.id})
    _taken(stage, bare | {"referenceTaskId": mine.id, "referenceIndex": 5})
    _taken(stage, landing | {"reference_task_id": mine.id}, (CREATE,))
    whole = landing | {"reference_task_id": mine.id}
    reply = stage.answered(Request.json(CREATE, whole))
    expect("task_id" in reply.object(), "a body with reference_task_id is a landing request")


@promise(
    "FIELD-108",
    {"midsync": "R-MID-071 R-MID-084"},
    assumed={"midsync": "no document says what becomes of fields a model does not know"},
    each=MODELS,
)
def unknown_fields(stage: Stage, case: str) -> None:
    """A field the model does not list is ignored, whatever it holds: task, price and reply are as without it."""
    play_money(stage)
    plain = points(stage, body_of(case))
    foreign: dict[str, dict[str, Any]] = {
        SEEDANCE: {"quality": "8k", "mode": "calm", "cfgScale": "x", "watermark": 7, "referenceIndex": 99},
        KLING: {"generateAudio": "loud", "quality": "8k", "mode": "calm", "fixedLens": 7, "referenceTaskId": 7},
        RUNWAY: {"resolution": "8k", "generateAudio": "loud", "negativePrompt": 7, "cfgScale": "x"},
        GROK: {"quality": "8k", "generateAudio": "loud", "fixedLens": 7, "cfgScale": "x", "watermark": 7},
    }
    more = {"style": "calm", "colour": {"sky": ["blue"]}, "referenceVideoUrls": ["https://example.com/boat.mp4"]}
    body = body_of(case) | foreign[case] | more
    expect(
        points(stage, body) == plain, f"fields unknown to {case} change its price from {plain} to {points(stage, body)}"
    )
    without, beside = made(stage, body_of(case)).object(), made(stage, body, path=GENERATE).object()
    ids = ("taskId", "providerTaskId")
    expect(
        {name: value for name, value in without.items() if name not in ids}
        == {name: value for name, value in beside.items() if name not in ids},
        f"fields unknown to {case} change the reply from {without} to {beside}",
    )


@promise(
    "FIELD-109",
    {"midsync": "R-MID-031"},
    assumed={"midsync": "what a character is, and whether blanks count, is not documented"},
)
def characters(stage: Stage) -> None:
    """A prompt's length is counted in code points, blanks included, on both sides of both limits."""
    for prompt in ("   ", "海と空", "\U0001f30a" * 2500, "é" * 2500):
        _taken(stage, body_of(SEEDANCE) | {"prompt": prompt}, (QUOTE,))
    for prompt in ("海空", "\U0001f30a" * 2501, " " * 2501):
        _refused(stage, body_of(SEEDANCE) | {"prompt": prompt}, (QUOTE,))
