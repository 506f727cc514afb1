"""RevidAPI's jobs: what their look-up says on the way, how long they take, and that nobody is ever called back."""

from __future__ import annotations

from typing import Any

from soundstage_contracts.adapters.base import Account
from soundstage_contracts.checks.revidapi_requests import (
    ONLY,
    WAYS,
    begun,
    fresh,
    job,
    made,
    roomy,
)
from soundstage_contracts.drivers.base import TaskView
from soundstage_contracts.drivers.samples import landed, upload
from soundstage_contracts.exchange import Request
from soundstage_contracts.oracles.revidapi import MODELS, PATHS
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.target import Started
from soundstage_contracts.verdict import expect
from soundstage_contracts.walking import walk


def _body(stage: Stage, task: Started) -> dict[str, Any]:
    return stage.poll_reply(task).object()


@promise("LIFE-201", {ONLY: "R-REV-015 R-REV-030 R-REV-100 R-REV-101"}, each=WAYS)
def jobs_end_with_a_link(stage: Stage, way: str) -> None:
    """A job is pending, then processing, then completed with progress 100 and its file's address as one text."""
    account = stage.account()
    task = begun(stage, account, way)
    expect(task.created.state == "pending", f"the create says {task.created.state!r}")
    stage.follow(task)
    body = _body(stage, task)
    shown = (body["status"], body["progress"])
    expect(shown == ("completed", 100), f"the job ends as {shown}")
    expect(
        isinstance(body["result"], str) and "://" in body["result"], f"result should be a URL, not {body['result']!r}"
    )
    file = stage.fetch(body["result"])
    kind = "image/" if way == "image" else "video/"
    expect(file.status == 200 and bool(file.body), f"the result answers {file.status}")
    right = file.media_type.startswith(kind) or not stage.assumptions
    expect(right, f"the result is {file.media_type!r}, and should be {kind}…")


@promise(
    "LIFE-202",
    {ONLY: "R-REV-102"},
    assumed={ONLY: "progress is a whole percentage that grows (A-REV-53)"},
    each=WAYS,
)
def progress_is_a_whole_percentage(stage: Stage, way: str) -> None:
    """Progress is a whole number: 0 while pending, growing below 100 while processing, 100 only when completed."""
    seen = [look.reply.object() for look in walk(stage, stage.start(stage.account(), way), stride=5.0)]
    steps = [(body["status"], body["progress"]) for body in seen]
    expect(all(type(number) is int for _, number in steps), f"progress should be whole numbers: {steps}")
    expect(steps == sorted(steps, key=lambda one: one[1]), f"progress goes back: {steps}")
    expect(all(number == 0 for state, number in steps if state == "pending"), f"0 while pending: {steps}")
    expect(all(number < 100 for state, number in steps if state == "processing"), f"below 100 before the end: {steps}")
    expect(steps[-1] == ("completed", 100), f"the end should be completed and 100: {steps[-1]}")
    expect(len({number for _, number in steps}) > 3, f"progress should be seen to grow: {steps}")


@promise("LIFE-203", {ONLY: "R-REV-102"}, assumed={ONLY: "every key but status, result, progress and error"}, each=WAYS)
def jobs_tell_what_they_are(stage: Stage, way: str) -> None:
    """A job shows its id, model, type, cost and time of create, the same at every look; the end has its time."""
    account = fresh(stage)
    task = stage.start(account, way)
    kinds = {"image": "image", "motion": "motion-control"}
    model = task.request.value()["model"]
    same = {"job_id": task.id, "model": model, "type": kinds.get(way, "video"), "cost": task.created.price}
    same["created_at"] = _body(stage, task)["created_at"]
    for state in ("pending", "processing", "completed"):
        if state == "processing":
            stage.until(task, "processing")
        elif state == "completed":
            stage.follow(task)
        body = _body(stage, task)
        expect(body["status"] == state, f"the job should be {state}, and is {body['status']!r}")
        told = {name: body[name] for name in same}
        expect(told == same, f"while {state} it is told as {told}, and is {same}")
        ended = state == "completed"
        expect((body["completed_at"] is not None) == ended, f"while {state}, completed_at is {body['completed_at']!r}")
        expect((body["result"] is not None) == ended, f"while {state}, result is {body['result']!r}")
        expect(body["error"] is None, f"while {state}, error is {body['error']!r}")
    stage.pass_seconds(100, account)
    later = stage.poll(stage.start(account, way)).times["created_at"]
    expect(later - stage.poll(task).times["completed_at"] == 100, f"a job made 100 s after the end is of {later}")


@promise(
    "LIFE-204",
    {ONLY: "R-REV-100"},
    assumed={ONLY: "the body of a failed job is found (R-REV-102, R-REV-226)"},
    each=WAYS,
)
def failed_jobs_say_why(stage: Stage, way: str) -> None:
    """A failed job has its reason in `error`, no result, and keeps its progress below 100."""
    account = fresh(stage)
    for reason in (None, "The upstream model gave up"):
        task = stage.start(account, way)
        before = stage.until(task, "processing")
        stage.failed(task, reason)
        body = _body(stage, task)
        expect(
            (body["status"], body["result"]) == ("failed", None), f"it is {body['status']!r} with {body['result']!r}"
        )
        right = reason or body["error"]
        expect(isinstance(body["error"], str) and body["error"] == right, f"error is {body['error']!r}, not {right!r}")
        expect(body["progress"] == before.progress, f"progress went from {before.progress} to {body['progress']}")
        expect(body["completed_at"] is not None, "an end has its time")


_TEXTS = tuple(name for name, model in MODELS.items() if model.from_text and model.path == PATHS["video"])


@promise(
    "LIFE-205",
    {ONLY: "R-REV-064"},
    assumed={ONLY: "the document says about 30 to 120 seconds, and nothing of servers"},
    each=_TEXTS,
)
def videos_from_text_take_a_minute_or_two(stage: Stage, model: str) -> None:
    """A video from a text is made in about 30 to 120 seconds, on every server of its model."""
    account = roomy(stage)
    for server in MODELS[model].servers:
        took = _took(stage, account, model, server)
        expect(25 <= took <= 130, f"{model} takes {took} s on {server}; about 30 to 120 are promised")


@promise("LIFE-206", {ONLY: "R-REV-150 R-REV-151 R-REV-152"}, assumed={ONLY: "how much faster a tier is"})
def the_premium_server_is_the_fastest(stage: Stage) -> None:
    """The same job ends first on vip1, the premium tier."""
    account = roomy(stage)
    for model in ("kling-2.6", "kling-2.5-turbo"):
        took = {server: _took(stage, account, model, server) for server in MODELS[model].servers}
        expect(min(took, key=took.__getitem__) == "vip1", f"{model} takes {took}")


def _took(stage: Stage, account: Account, model: str, server: str) -> float:
    created = made(stage, job(model, server_id=server), account)
    stage.adapter.finish(account)
    view: TaskView = stage.driver.view(stage.answered(Request.get(f"/v1/jobs/{created.id}"), account))
    return view.times["completed_at"] - view.times["created_at"]


@promise("CALL-201", {ONLY: "R-REV-007 R-REV-228"}, each=WAYS)
def nobody_is_called_back(stage: Stage, way: str) -> None:
    """There are no callbacks: a field that asks for one is ignored like any other unknown, and nothing ever arrives."""
    box, account = stage.mailbox(), stage.account()
    plain = begun(stage, account, way)
    names = ("callback_url", "callbackUrl", "webhook", "webhook_url", "notify_hook", "callback")
    task = begun(stage, account, way, **dict.fromkeys(names, box.url))
    expect(task.created.price == plain.created.price, f"with a callback it costs {task.created.price}")
    stage.follow(task)
    expect(box.all() == (), f"{len(box.all())} callbacks came")


@promise("LIFE-207", {ONLY: "R-REV-066"})
def grok_answers_at_once(stage: Stage) -> None:
    """Grok's generation blocks only upstream: its create answers `pending` at once, for text and for an image."""
    account = stage.account()
    for more in ({}, {"img_url": "https://media.example.com/ada.png"}, {"speed": "standard"}):
        created = made(stage, job("grok-i2v", **more), account)
        expect(created.state == "pending", f"with {more} it answers {created.state!r}")
        took = stage.evidence[-1].reply
        expect(took is not None and took.took < 15, f"with {more} it took more than 15 s to answer")


@promise("LIFE-208", {ONLY: "R-REV-014 R-REV-031 R-REV-090 R-REV-091 R-REV-095 R-REV-101"})
def a_speaking_face_comes_out(stage: Stage) -> None:
    """A KOL job is found under its job_id, takes its cost from the balance, and ends with a video."""
    account = roomy(stage)
    audio = landed(stage, stage.answered(upload("audio"), account).field("upload_id"), account)
    before = stage.books(account).available
    asked = {"audio_id": audio["audio_id"], "image_url": "https://media.example.com/ada.png", "quality": "720p"}
    created = made(stage, Request.json(PATHS["kol"], asked), account)
    expect(created.state == "pending", f"the create says {created.state!r}")
    expect(created.balance_left == before - (created.price or 0), f"of {before} there remain {created.balance_left}")
    expect(stage.books(account).available == created.balance_left, "the ledger has another balance")
    stage.adapter.finish(account)
    body = stage.answered(Request.get(f"/v1/jobs/{created.id}"), account).object()
    expect((body["status"], body["progress"]) == ("completed", 100), f"it ends as {body}")
    expect(stage.fetch(body["result"]).media_type.startswith("video/"), f"{body['result']} is no video")
    if stage.assumptions:
        told = (body["job_id"], body["model"], body["type"])
        expect(told == (created.id, "kling-avatar", "kol-ai"), f"it is told as {told}")
