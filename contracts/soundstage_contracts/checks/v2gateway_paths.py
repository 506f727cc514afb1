"""The /v2 gateway's paths: three scopes, ids with a colon in them, errors of one form, and the callback address."""

from __future__ import annotations

from collections.abc import Mapping

from soundstage_contracts.drivers.v2gateway import NOBODY, status, submit
from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.oracles import v2gateway as oracle
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import PROMPT, Stage
from soundstage_contracts.verdict import expect
from soundstage_contracts.walking import creations, ends, reach, task_in, words

BODY = {"prompt": PROMPT, "model": "veo3"}
REFUSALS: Mapping[str, tuple[Request, str]] = {
    "no prompt": (Request.json(submit("videos"), {"model": "veo3"}), "invalid"),
    "unknown task": (status("videos", NOBODY), "not_found"),
    "unknown scope": (Request.json(submit("music"), BODY), "scope"),
    "unknown scope of a poll": (status("music", NOBODY), "scope"),
    "poll by PUT": (Request.json(f"{submit('videos')}/{NOBODY}", {}, "PUT"), "method"),
    "list of tasks": (Request.get(submit("videos")), "method"),
    "no JSON": (Request.raw(submit("videos"), b"{}", "text/plain"), "media_type"),
}


_STRANGE = ("music", "image", "video", "audios", "Videos")
"""Words that look like scopes and are none."""
_OTHER = tuple(f"{made} in {asked}" for made in oracle.SCOPES for asked in oracle.SCOPES if made != asked)
"""Where a task is made, and where it is looked for."""


@promise("DOC-301", {"v2gateway": "R-V2-002 R-V2-031"}, each=words)
def ids_raw_and_encoded(stage: Stage, state: str) -> None:
    """A Veo task is found under its id with the colon as it is, as %3A and as %3a."""
    task = task_in(stage, state, "veo")
    expect(":" in task.id or not stage.assumptions, f"a Veo task's id has a colon, and this one is {task.id}")
    raw = status("videos", task.id)
    encoded = status("videos", task.id, safe="")
    small = Request.get(encoded.path.replace("%3A", "%3a"))
    bodies = [stage.answered(request).object() for request in (raw, encoded, small)]
    for body in bodies:
        expect(body["task_id"] == task.id, f"task {task.id} is shown as {body['task_id']!r}")
        same = stage.target.adapter is None or body == bodies[0]  # its progress may move where time does
        expect(same, "the same task reads otherwise under its encoded id")


@promise(
    "DOC-302",
    {"v2gateway": "R-V2-003 R-V2-008"},
    assumed={"v2gateway": "that another scope is refused is an inference (R-V2-008)"},
    each=_STRANGE,
)
def three_scopes(stage: Stage, scope: str) -> None:
    """There are the scopes images, videos and audio, and no others."""
    stage.refused(Request.json(submit(scope), BODY), "scope")


@promise(
    "DOC-303",
    assumed={"v2gateway": "what another scope says of a task is unpublished (A-V2-18)"},
    each=_OTHER,
)
def found_in_its_own_scope(stage: Stage, pair: str) -> None:
    """A task is found in the scope it was submitted to, and in no other."""
    made, _, asked = pair.partition(" in ")
    task = stage.start(stage.account(), made)
    stage.refused(status(asked, task.id), "not_found")
    expect(stage.poll(task).id == task.id, "the task is lost in its own scope")


@promise(
    "DOC-304",
    {"v2gateway": "R-V2-002 R-V2-071"},
    assumed={"v2gateway": "how an unknown task is refused is in no document (A-V2-17)"},
    each=creations,
)
def only_whole_ids(stage: Stage, creation: str) -> None:
    """Only the whole id finds a task: not a part of it, not more than it, not in other letters."""
    task = stage.start(stage.account(), creation)
    scope = task.request.path.split("/")[2]
    near = (task.id[:-1], f"{task.id}0", task.id.swapcase(), task.id.rpartition(":")[2][:8])
    for one in near:
        stage.refused(status(scope, one), "not_found")


@promise(
    "ERR-301",
    {"v2gateway": "R-V2-071"},
    assumed={"v2gateway": "the family's form; the document shows no error (R-V2-070)"},
    each=tuple(REFUSALS),
)
def errors_have_one_form(stage: Stage, name: str) -> None:
    """Every error is code, message and a data that is null, nothing more, as JSON."""
    request, kind = REFUSALS[name]
    reply = stage.call(request)
    stage.error_of(request, reply, kind)
    body = reply.object()
    expect(body.keys() == {"code", "message", "data"}, f"an error has {sorted(body)}")
    expect(body["data"] is None, f"an error's data is null, and here {body['data']!r}")
    expect(reply.media_type == "application/json", f"an error came as {reply.media_type!r}")
    if kind == "method":
        allowed = "GET" if request.method == "PUT" else "POST"
        said = [word.strip() for word in (reply.header("allow") or "").split(",")]
        expect(allowed in said and request.method not in said, f"Allow names {said}")


@promise(
    "CALL-301",
    {"v2gateway": "R-V2-074"},
    assumed={"v2gateway": "notify_hook is on one model's page; that it fires at the end alone, unsigned, is ours"},
    each=ends,
)
def hook_gets_the_poll(stage: Stage, end: str) -> None:
    """notify_hook is called once, at the end, with the body of a poll and without a signature."""
    box = stage.mailbox()
    task = stage.start(stage.account(), "veo", notify_hook=box.url)
    reach(stage, task, stage.driver.life.running)
    expect(not box.all(), "the hook was called before the task had ended")
    reach(stage, task, end)
    stage.pass_seconds(1.0, task.account)
    callback = box.wait(1)[0]
    body = Reply(200, callback.headers, callback.body)
    expect(body.media_type == "application/json", f"the callback came as {body.media_type!r}")
    expect(body.json() == stage.poll_reply(task).json(), "the callback says something else than a poll")
    signed = [name for name, _ in callback.headers if "signature" in name.lower()]
    expect(not signed, f"the callback is signed: {signed}")
    stage.pass_seconds(86_400.0, task.account)
    expect(len(box.all()) == 1, f"the hook was called {len(box.all())} times for one end")
