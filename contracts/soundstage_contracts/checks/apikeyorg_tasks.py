"""API-Key's tasks: what a create answers, what a poll repeats, and results that last."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from soundstage_contracts.checks.apikeyorg_credits import documented_only
from soundstage_contracts.exchange import Reply
from soundstage_contracts.oracles.apikeyorg import OBJECTS, sent
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.target import Started
from soundstage_contracts.verdict import expect
from soundstage_contracts.walking import creations

MEDIA: Mapping[str, tuple[str, str, bytes, int]] = {
    "video": ("video/mp4", ".mp4", b"ftyp", 4),
    "image": ("image/png", ".png", b"\x89PNG\r\n\x1a\n", 0),
    "music": ("audio/wav", ".wav", b"RIFF", 0),
}
"""Media type, ending of the link, a file's first bytes and where they are (an assumption: R-KEY-050 has no format)."""


@promise("LIFE-401", {"apikeyorg": "R-KEY-024 R-KEY-025 R-KEY-026 R-KEY-042 R-KEY-043 R-KEY-044"}, each=creations)
def create_reply(stage: Stage, case: str) -> None:
    """A create answers task_id and id (one value, task_…), the object of its kind and the status pending; no more."""
    documented_only(stage, case)
    task = stage.start(None, case)
    said, kind = task.reply.object(), task.creation.kind
    wanted = {"task_id": said["id"], "id": said["task_id"], "object": OBJECTS[kind], "status": "pending"}
    shown = {name: said[name] for name in wanted}
    expect(shown == wanted, f"a create should say {wanted}, and says {shown}")
    expect(re.fullmatch(r"task_[A-Za-z0-9_-]+", said["id"]) is not None, f"an id begins with task_, not {said['id']!r}")
    if stage.assumptions:
        expect(said == wanted, f"a create says four things, and more is in {said}")
        expect(task.reply.media_type == "application/json", "a create answers JSON")


@promise("LIFE-402", {"apikeyorg": "R-KEY-027 R-KEY-043"}, assumed={"apikeyorg": "that nothing is made only once"})
def own_ids(stage: Stage) -> None:
    """Every create makes a task of its own, the same body twice as well, and each is found by its own id."""
    account = stage.account()
    tasks = [stage.start(account, name) for name in ("image", "image", "video", "form", "music")]
    expect(len({task.id for task in tasks}) == len(tasks), "two creates answered the same id")
    for task in tasks:
        body = stage.poll_reply(task).object()
        expect(body["task_id"] == task.id, f"the poll for {task.id} shows {body['task_id']}")
        expect(body["object"] == task.reply.field("object"), "the poll shows another object than the create")


@promise(
    "LIFE-403",
    {"apikeyorg": "R-KEY-027 R-KEY-045 R-KEY-046"},
    assumed={"apikeyorg": "that a poll repeats the create's names; model, times, duration"},
    each=creations,
)
def poll_repeats(stage: Stage, case: str) -> None:
    """Polls repeat the create's ids and object and what was asked for, from pending over processing to the end."""
    task = stage.start(None, case)
    seen: list[str] = []
    created = stage.poll_reply(task).field("created_at")
    for seconds in (0, 8, 2, 0):
        stage.pass_seconds(seconds, task.account)
        body = stage.poll_reply(task).object()
        _repeats(task, body, created)
        nothing = (body["output_urls"], body["completed_at"], body["duration"], body["error"])
        expect(nothing == ([], None, None, None), f"a task under way shows an end: {nothing}")
        seen.append(body["status"])
    expect(seen[0] == "pending" and seen[-1] == "processing", f"the first polls say {seen}")
    last = stage.follow(task)[-1]
    body = stage.poll_reply(task).object()
    _repeats(task, body, created)
    expect(last.state == "completed" and body["error"] is None, f"the task ends as {last.state}: {body['error']}")
    wanted = sent(task.request)
    length = None if task.creation.kind == "image" else wanted["duration"]
    expect(body["duration"] == length, f"{length} seconds were asked for, and {body['duration']} made")
    expect(len(body["output_urls"]) == wanted.get("n", 1), f"the results are {body['output_urls']}")
    expect(body["completed_at"] >= created + 10, "the end is told to be before the last poll that showed none")


def _repeats(task: Started, body: Mapping[str, Any], created: int) -> None:
    wanted = {name: task.reply.field(name) for name in ("task_id", "id", "object")}
    wanted |= {"model": sent(task.request)["model"], "created_at": created}
    shown = {name: body[name] for name in wanted}
    expect(shown == wanted, f"a poll should repeat {wanted}, and shows {shown}")


@promise("LIFE-404", {"apikeyorg": "R-KEY-045"}, assumed={"apikeyorg": "the fields, their unit"})
def times(stage: Stage) -> None:
    """Times are Unix seconds that run with the clock: later tasks are made later, and end when they ended."""
    account = stage.account()
    first = stage.start(account, "image")
    stage.pass_seconds(100, account)
    second = stage.start(account, "video")
    before, after = (stage.poll_reply(task).field("created_at") for task in (first, second))
    expect(after - before == 100, f"100 seconds between two creates are told as {after - before}")
    stage.pass_seconds(17, account)
    stage.failed(second)
    ended = stage.poll_reply(second).field("completed_at")
    expect(ended - after == 17, f"a task failed after 17 seconds and says after {ended - after}")


@promise(
    "LIFE-405",
    {"apikeyorg": "R-KEY-027 R-KEY-045 R-KEY-050"},
    assumed={"apikeyorg": "output_urls, media types; that links never expire (A-KEY-19)"},
    each=("video", "image", "music"),
)
def durable(stage: Stage, case: str) -> None:
    """Results are links to whole files of the right kind, one per image, that need no key and work years later."""
    more: dict[str, Any] = {"n": 3, "resolution": "2k"} if case == "image" else {}
    task = stage.start(None, case, max_credits=None, **more)
    stage.follow(task)
    links = stage.poll_reply(task).field("output_urls")
    expect(len(set(links)) == more.get("n", 1), f"the results are {links}")
    whole = [_file(stage.fetch(link), link, case) for link in links]
    stage.pass_seconds(5 * 365 * 86_400, task.account)
    expect(stage.poll_reply(task).field("output_urls") == links, "the links changed after the end")
    expect([_file(stage.fetch(link), link, case) for link in links] == whole, "a file changed")


def _file(reply: Reply, link: str, kind: str) -> bytes:
    media, ending, start, at = MEDIA[kind]
    expect(reply.status == 200, f"the result {link} answers {reply.status}")
    expect(reply.media_type == media, f"the result is {reply.media_type}, and should be {media}")
    expect(link.partition("?")[0].endswith(ending), f"the link {link} should end in {ending}")
    expect(reply.body[at : at + len(start)] == start, f"the file does not begin as {media} does: {reply.body[:16]!r}")
    told = int(reply.header("content-length") or len(reply.body))
    expect(len(reply.body) == told, f"{len(reply.body)} bytes came where {told} should have")
    return reply.body


@promise("LIFE-406", {"apikeyorg": "R-KEY-046 R-KEY-048"}, assumed={"apikeyorg": "failed, and error in a poll"})
def failure_told(stage: Stage) -> None:
    """A failed task says why in the form of every error, has no result, and the given reason is the one it shows."""
    for name in ("video", "image", "music"):
        task = stage.start(None, name)
        stage.pass_seconds(5, task.account)
        stage.failed(task, "The prompt was refused by a rule of this test.")
        body = stage.poll_reply(task).object()
        wanted = {"message": "The prompt was refused by a rule of this test."}
        wanted |= {"type": "gateway_error", "code": "task_failed"}
        expect(body["error"] == wanted, f"the error should be {wanted}, and is {body['error']}")
        shown = (body["status"], body["output_urls"], body["duration"])
        expect(shown == ("failed", [], None), f"a failed task shows {shown}")
        expect(body["completed_at"] == body["created_at"] + 5, "completed_at is not when the task failed")
