"""MidSync's two forms of one API: which request is in which, what each is answered with, and that they do not mix."""

from __future__ import annotations

from typing import Any

from soundstage_contracts.checks.midsync_ways import (
    CREATE,
    CREATES,
    GENERATE,
    LOGS,
    QUOTE,
    STATUS,
    SUMMARY,
    body_of,
    landing_rows,
    made,
    play_money,
)
from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.oracles.midsync import CREATE_KEYS, DISPLAY_NAMES, GROK, KLING, LANDING_FIELDS, MODELS
from soundstage_contracts.oracles.midsync_fields import IMAGE
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import PROMPT, Stage
from soundstage_contracts.verdict import expect

LANDING: dict[str, Any] = {
    "model": "Kling 2.5 Turbo",
    "prompt": "A futuristic cityscape at sunset",
    "duration_seconds": 5,
}
"""The documented example of the landing form, without its resolution (R-MID-067)."""
_VALUES = {"duration_seconds": 5, "image_url": IMAGE, "reference_task_id": "gen_of_another_task"}
_DEVELOPER_FIELDS: dict[str, Any] = {
    "duration": 5,
    "durationSeconds": 5,
    "images": [IMAGE],
    "imageUrl": IMAGE,
    "referenceTaskId": "gen_of_another_task",
    "referenceIndex": 0,
    "referenceVideoUrls": [],
    "aspectRatio": "16:9",
    "quality": "720p",
    "mode": "normal",
    "generateAudio": False,
    "fixedLens": False,
    "nsfwChecker": False,
    "negativePrompt": "blur",
    "cfgScale": 0.5,
    "watermark": "boat",
    "projectId": "boat-7",
    "callbackUrl": "https://example.com/done",
}
_OWN_KEYS = ("taskId", "providerTaskId")
_IF_AVAILABLE = {"estimatedTime", "estimatedTimeSec"}
"""What the page of generate promises only "if available" (R-MID-085)."""


def _landing_reply(reply: Reply, assumptions: bool = True) -> str:
    """Return the task's id from a reply that must be in the landing form.

    Without assumptions it may have more fields, and its status any documented word: processing is an example.
    """
    body = reply.object()
    exact = set(body) == {"task_id", "status"} or (not assumptions and set(body) > {"task_id", "status"})
    expect(exact, f"a landing create has task_id and status, not {sorted(body)}")
    states = ("processing",) if assumptions else ("processing", "completed", "failed", "submitted")
    expect(body["status"] in states, f"a landing create says {body['status']!r}, not {' or '.join(states)}")
    expect(isinstance(body["task_id"], str) and body["task_id"] != "", f"task_id is {body['task_id']!r}")
    return str(body["task_id"])


@promise("FIELD-121", {"midsync": "R-MID-065 R-MID-066 R-MID-067 R-MID-130 R-MID-136"})
def landing_example(stage: Stage) -> None:
    """The documented request of the landing form is answered with task_id and status."""
    _landing_reply(made(stage, LANDING | {"resolution": "1080p"}, path=CREATE), stage.assumptions)


@promise("FIELD-122", {"midsync": "R-MID-020 R-MID-051 R-MID-053 R-MID-059 R-MID-085"}, each=CREATES)
def create_reply(stage: Stage, case: str) -> None:
    """A create in the developer form is answered with the documented names, each telling of what was asked.

    They are nine, and on generate the two estimates may be absent where nobody says that they never are.
    """
    needed = set(CREATE_KEYS)
    if case == GENERATE and not stage.assumptions:
        needed -= _IF_AVAILABLE
    models = MODELS if stage.target.adapter is not None else MODELS[2:3]
    seen: dict[str, set[str]] = {name: set() for name in _OWN_KEYS}
    for model in models:
        body = made(stage, body_of(model), path=case).object()
        expect(needed <= set(body), f"{case} lacks {sorted(needed - set(body))}")
        more = sorted(set(body) - set(CREATE_KEYS))
        expect(not more or not stage.assumptions, f"{case} has {more} besides the nine names")
        expect(body["success"] is True, f"{case} answered with success {body['success']!r}")
        expect(body["model"] == model, f"{case} was asked for {model} and answers {body['model']!r}")
        # That the upstream's id is unique, and another than ours, is in no document.
        for name in _OWN_KEYS if stage.assumptions else _OWN_KEYS[:1]:
            expect(body[name] not in seen[name], f"{name} {body[name]!r} came twice")
            seen[name].add(body[name])
        expect(not stage.assumptions or body["taskId"] != body["providerTaskId"], "taskId and providerTaskId are one")
    if stage.assumptions and stage.target.adapter is not None:
        _estimates(stage, case)


def _estimates(stage: Stage, path: str) -> None:
    known = {"runway": ("~1 min", 60), "kling-2.5-turbo": ("~1-2 min", 90), "grok-video": ("~1-2 min", 75)}
    for model, (text, seconds) in known.items():
        body = made(stage, body_of(model), path=path).object()
        said = (body["estimatedTime"], body["estimatedTimeSec"])
        expect(said == (text, seconds), f"{model} is estimated at {said}, not {(text, seconds)}")


@promise(
    "FIELD-123",
    {"midsync": "R-MID-020 R-MID-024 R-MID-060 R-MID-085"},
    assumed={"midsync": "two pages call two paths the way to make a task; that both are one is our reading"},
    each=MODELS,
)
def one_operation(stage: Stage, case: str) -> None:
    """Both create paths are one operation: the same body has the same reply on either, but for the two ids."""
    play_money(stage)
    replies = [made(stage, body_of(case), path=path).object() for path in CREATES]
    same = [{name: value for name, value in reply.items() if name not in _OWN_KEYS} for reply in replies]
    expect(same[0] == same[1], f"{GENERATE} answers {same[0]}, {CREATE} {same[1]}")
    for reply in replies:
        seen = stage.answered(Request.get(STATUS.format(reply["taskId"])))
        expect(seen.field("taskId") == reply["taskId"], f"the status of {reply['taskId']} is of {seen.field('taskId')}")


@promise(
    "FIELD-124",
    {"midsync": "R-MID-065 R-MID-066"},
    assumed={"midsync": "no document says how the two published forms are told apart"},
)
def what_is_a_landing_request(stage: Stage) -> None:
    """A landing field in the body or a landing word in the query makes a landing request; everything else is none."""
    play_money(stage)
    account = stage.account()
    text = {"prompt": PROMPT, "model": "Grok Video"}
    mine = _landing_reply(made(stage, text | {"duration_seconds": 6}, account, CREATE))
    for name, value in (_VALUES | {"duration_seconds": 6, "reference_task_id": mine}).items():
        _landing_reply(made(stage, text | {name: value}, account, CREATE))
    _landing_reply(stage.answered(Request.json(CREATE, text), account, "query"))
    for name in ("start_date", "end_date"):
        _landing_reply(stage.answered(Request.json(CREATE, text).asking(**{name: "2026-01-01"}), account))
    for model in (GROK, KLING):
        reply = made(stage, body_of(model), account, CREATE).object()
        expect("taskId" in reply, f"a request without landing words is answered in another form: {sorted(reply)}")
    _landing_reply(made(stage, LANDING | {"style": "calm"}, account, CREATE))


@promise(
    "FIELD-125",
    {"midsync": "R-MID-065"},
    assumed={"midsync": "no document says how a mixture of the two forms is answered"},
    each=LANDING_FIELDS,
)
def forms_do_not_mix(stage: Stage, case: str) -> None:
    """A developer field beside a landing field is refused, whichever two they are, and nothing is made or taken."""
    account = stage.account()
    before = stage.books(account)
    body = {"model": "Grok Video", "prompt": PROMPT, case: _VALUES[case]}
    for name, value in _DEVELOPER_FIELDS.items():
        request = Request.json(CREATE, body | {name: value})
        reply = stage.call(request, account)
        expect(reply.status != 200, f"{name} beside {case} is taken")
        stage.error_of(request, reply, "invalid")
    for path in (QUOTE, GENERATE):
        for model in (GROK, "Grok Video"):
            request = Request.json(path, body_of(GROK) | {case: _VALUES[case], "model": model})
            stage.error_of(request, stage.call(request, account), "invalid")
    request = Request.json(CREATE, body_of(KLING, duration=5))
    stage.error_of(request, stage.call(request, account, "query"), "invalid")
    expect(stage.books(account) == before, "a mixture of the two forms changed the balance")
    expect(landing_rows(stage, account) == [], "a mixture of the two forms left a usage row")


@promise(
    "FIELD-126",
    {"midsync": "R-MID-065"},
    assumed={"midsync": "that each form keeps to its own names of models is our choice; ids are taken in both"},
    each=MODELS,
)
def names_of_models(stage: Stage, case: str) -> None:
    """A landing request takes a model by its display name or its id, a developer request by its id only."""
    play_money(stage)
    name = DISPLAY_NAMES[case]
    for path in (QUOTE, *CREATES):
        stage.refused(Request.json(path, body_of(case) | {"model": name}), "invalid")
    account = stage.account()
    for given in (name, case):
        seconds = 8 if case.startswith("seed") else 10
        body = {"model": given, "prompt": PROMPT, "duration_seconds": seconds}
        _landing_reply(made(stage, body, account, CREATE))
        row = landing_rows(stage, account)[0]
        shown = (row["model"], row["duration_seconds"])
        expect(shown == (name, seconds), f"the row of {given} for {seconds} s is of {shown}")
    for unknown in (name.upper(), f"{name} 2", ""):
        request = Request.json(CREATE, {"model": unknown, "prompt": PROMPT, "duration_seconds": 10})
        stage.refused(request, "invalid", account)


_REFUSED: dict[str, tuple[Any, ...]] = {
    "model": (None, 7),
    "prompt": (None, 7, "", "se", "s" * 2501),
    "duration_seconds": (None, "5", 5.5, 0, 4, 6, 11),
    "resolution": (None, 1080, "480p", "4k"),
    "image_url": (None, 7, "boat.png", "data:image/png;base64,iVBORw0KGgo=", [IMAGE]),
}


@promise(
    "FIELD-127",
    {"midsync": "R-MID-065"},
    assumed={"midsync": "the landing page gives types, and no limits"},
    each=tuple(_REFUSED),
)
def landing_fields(stage: Stage, case: str) -> None:
    """A landing field keeps the limits of the developer field it stands for."""
    play_money(stage)
    for value in _REFUSED[case]:
        stage.refused(Request.json(CREATE, LANDING | {case: value}), "invalid")
    if case in {"model", "prompt"}:
        lacking = {name: value for name, value in LANDING.items() if name != case}
        stage.refused(Request.json(CREATE, lacking), "invalid")
        stage.refused(Request.json(CREATE, {"model": LANDING["model"]}), "invalid", None, "query")
    expect(stage.taken() == 0, "a refused landing request took points")


@promise(
    "FIELD-128",
    {"midsync": "R-MID-117 R-MID-123"},
    assumed={"midsync": "no document says how the two published forms are told apart"},
)
def form_of_usage(stage: Stage) -> None:
    """A usage request is answered in the landing form when its query has api_key, start_date or end_date."""
    if stage.target.adapter is not None:
        made(stage, body_of(KLING))
    wanted = {
        LOGS: ({"logs", "pagination"}, {"logs"}),
        SUMMARY: (
            {"totalPointsCharged", "totalRequests", "totalInputTokens", "totalOutputTokens", "byModel"},
            {"total_points_consumed", "total_duration_seconds", "breakdown_by_model"},
        ),
    }
    for path, (developer, landing) in wanted.items():
        for query in ({}, {"from": "2000-01-01"}, {"to": "2099-12-31"}):
            names = set(stage.answered(Request.get(path, query)).object())
            expect(names == developer, f"{path} with {query} has {sorted(names)}")
        for days in ({"start_date": "2000-01-01"}, {"end_date": "2099-12-31"}):
            names = set(stage.answered(Request.get(path, days)).object())
            expect(names == landing, f"{path} with {days} has {sorted(names)}")
        names = set(stage.answered(Request.get(path), None, "query").object())
        expect(names == landing, f"{path} with api_key has {sorted(names)}")
