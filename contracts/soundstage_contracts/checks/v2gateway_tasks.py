"""What the /v2 gateway says of a task: a bare object, documented fields, times, progress, outputs and ids that fit."""

from __future__ import annotations

from itertools import pairwise

from soundstage_contracts.checks.creation_cases import before_spending
from soundstage_contracts.oracles import v2gateway as oracle
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.target import Started
from soundstage_contracts.verdict import expect
from soundstage_contracts.walking import creations, open_words, reach, task_in, walk, words

FIELDS = {"task_id", "status", "fail_reason", "submit_time", "start_time", "finish_time", "progress", "data"}


def model_of(task: Started) -> str:
    """Return the model a task was asked of."""
    return str(task.request.value()["model"])


@promise("LIFE-301", {"v2gateway": "R-V2-001 R-V2-030 R-V2-032"}, each=creations)
def submit_tells_the_id(stage: Stage, creation: str) -> None:
    """A submit is answered with the task's id, and with nothing else."""
    task = stage.start(stage.account(), creation)
    body = task.reply.object()
    expect(isinstance(body.get("task_id"), str) and bool(body["task_id"]), f"task_id is {body.get('task_id')!r}")
    if stage.assumptions:
        expect(set(body) == {"task_id"}, f"a submit's reply has task_id alone, and this one {sorted(body)}")


@promise(
    "LIFE-302",
    {"v2gateway": "R-V2-031"},
    assumed={"v2gateway": "the pattern is read out of two examples (R-V2-031)"},
    each=creations,
)
def ids_have_their_form(stage: Stage, creation: str) -> None:
    """An id is a UUID, or for Veo the model, the second of the submit and ten letters or digits."""
    task = stage.start(stage.account(), creation)
    submitted = stage.poll_reply(task).field("submit_time")
    expect((":" in task.id) == (creation == "veo"), f"the id of a {model_of(task)} task is {task.id}")
    oracle.check_id(task.id, model_of(task), submitted)


@promise("LIFE-303", {"v2gateway": "R-V2-040 R-V2-041 R-V2-042 R-V2-043 R-V2-044 R-V2-045 R-V2-048"}, each=creations)
def polls_are_bare(stage: Stage, creation: str) -> None:
    """A poll's body is the task itself, in no envelope, with every documented field, and Veo's own for Veo alone.

    The document shows a task that succeeded; that the fields are there in every other state too is assumed.
    """
    task = stage.start(stage.account(), creation)
    wanted = FIELDS | (oracle.VEO.keys() if creation == "veo" else set())
    replies = [look.reply for look in walk(stage, task)] if stage.target.adapter else [stage.poll_reply(task)]
    for reply in replies:
        body = reply.object()
        if stage.assumptions or body.get("status") == stage.driver.life.success:
            oracle.check_whole(body, FIELDS)
        expect(not body.keys() & {"code", "message"}, "a poll is wrapped in an envelope")
        if stage.assumptions:
            expect(body.keys() == wanted, f"a poll has {sorted(body)}, and should have {sorted(wanted)}")
            expect(body["data"].keys() == {"output", "outputs"}, f"data has {sorted(body['data'])}")


@promise(
    "LIFE-304",
    {"v2gateway": "R-V2-043 R-V2-047 R-V2-056"},
    assumed={"v2gateway": "that times are 0 until reached (R-V2-043), and their order (R-V2-047)"},
    each=words,
)
def times_are_zero_until_reached(stage: Stage, state: str) -> None:
    """Times are Unix seconds in their order, and 0 until the task has come that far."""
    life = stage.driver.life
    task = task_in(stage, state)
    body = stage.poll_reply(task).object()
    oracle.check_times(body, state in life.terminal)
    # A task that fails before it begins never started.
    begun = state in {life.running, life.success}
    expect(bool(body["start_time"]) == begun, f"start_time is {body['start_time']} while the task is {state!r}")


@promise(
    "LIFE-305",
    {"v2gateway": "R-V2-044 R-V2-054 R-V2-055"},
    assumed={"v2gateway": "only the 100% of success is documented (R-V2-044)"},
    each=words,
)
def progress_fits_the_state(stage: Stage, state: str) -> None:
    """Progress is 0% before the start, 30% to 99% on the way, and 100% at both ends."""
    life = stage.driver.life
    task = task_in(stage, state)
    now = oracle.percent(stage.poll_reply(task).field("progress"))
    least, most = {life.initial: (0, 0), life.running: (30, 99)}.get(state, (100, 100))
    expect(least <= now <= most, f"progress is {now:g} while the task is {state!r}")
    if state == life.running and stage.target.adapter is not None:
        last = [look.view for look in walk(stage, task, stride=1.0) if look.view.state == state][-1]
        expect((last.progress or 0) >= 90, f"progress is {last.progress} a second before the end, far from 99")


@promise("LIFE-306", {"v2gateway": "R-V2-044 R-V2-045 R-V2-049 R-V2-060"}, each=creations)
def outputs_agree(stage: Stage, creation: str) -> None:
    """At success progress is 100%, and data has the link, as output, as outputs, or as both with output the first."""
    task = stage.start(stage.account(), creation)
    stage.follow(task)
    body = stage.poll_reply(task).object()
    oracle.check_whole(body, FIELDS)
    oracle.check_output(body)
    expect(body["progress"] == "100%", f"the task succeeded, and its progress is {body['progress']!r}")
    if stage.assumptions:
        outputs = body["data"]["outputs"]
        expect(outputs == [body["data"]["output"]], f"a task has one output, and this one {outputs}")


@promise("LIFE-307", {"v2gateway": "R-V2-046"}, each=words)
def veo_names_its_platform(stage: Stage, state: str) -> None:
    """A Veo task says google, google-videos and an empty search_item, whatever its state.

    That it must say them is an assumption: without it they may be absent, and must be these where they are there.
    """
    task = task_in(stage, state, "veo")
    body = stage.poll_reply(task).object()
    wanted = {name: value for name, value in oracle.VEO.items() if name in body or stage.assumptions}
    shown = {name: body.get(name) for name in wanted}
    expect(shown == wanted, f"a Veo task should say {wanted}, and says {shown}")


@promise("LIFE-308", {"v2gateway": "R-V2-042 R-V2-073"}, each=words)
def reason_only_at_failure(stage: Stage, state: str) -> None:
    """fail_reason is an empty text in every state but failure, where it says why.

    The document shows it empty at success; elsewhere, without assumptions, it need only be a text if it is there.
    """
    life = stage.driver.life
    task = task_in(stage, state)
    body = stage.poll_reply(task).object()
    if not stage.assumptions and state != life.success:
        given = body.get("fail_reason")
        expect(given is None or isinstance(given, str), f"fail_reason is a text, and here {given!r}")
        return
    reason = body["fail_reason"]
    expect(isinstance(reason, str), f"fail_reason is a text, and here {reason!r}")
    expect(bool(reason.strip()) == (state == life.failure), f"fail_reason is {reason!r} while the task is {state!r}")


@promise(
    "LIFE-309",
    {"v2gateway": "R-V2-051 R-V2-055"},
    assumed={"v2gateway": "who sees the two further words, and for how long, is ours"},
)
def six_states(stage: Stage) -> None:
    """A key of the six-state family sees SUBMITTED at 10% and QUEUED at 20% between NOT_START and IN_PROGRESS."""
    looks = walk(stage, stage.start(stage.account(plan="six-states")), stride=1.0)
    way = list(dict.fromkeys(look.view.state for look in looks))
    wanted = ["NOT_START", "SUBMITTED", "QUEUED", "IN_PROGRESS", "SUCCESS"]
    expect(way == wanted, f"the task went {way}, and should have gone {wanted}")
    shown = {look.view.state: look.view.progress for look in looks if look.view.state in stage.driver.life.extra}
    expect(shown == {"SUBMITTED": 10, "QUEUED": 20}, f"progress by state is {shown}")
    for look in looks:
        begun = look.view.state in {"IN_PROGRESS", "SUCCESS"}
        expect(("start_time" in look.view.times) == begun, f"start_time is wrong while {look.view.state}")


@promise(
    "LIFE-310",
    {"v2gateway": "R-V2-047"},
    assumed={"v2gateway": "that a task waits before it runs, as in the worked example, and takes as long each time"},
    each=creations,
)
def takes_its_time(stage: Stage, creation: str) -> None:
    """A task waits, then runs, and ends, each at a later second; the same request takes the same time again."""
    before_spending(stage)  # a clock that nobody holds may run at a speed of its own
    took = []
    for _ in range(2):
        task = stage.start(stage.account(), creation)
        stage.follow(task)
        body = stage.poll_reply(task).object()
        moments = [body[name] for name in oracle.TIMES]
        expect(moments == sorted(set(moments)), f"submitted, started and finished at {moments}, which is no order")
        took.append([later - earlier for earlier, later in pairwise(moments)])
    expect(took[0] == took[1], f"of two equal tasks one waited and ran {took[0]} s, and the other {took[1]} s")


@promise(
    "LIFE-311",
    {"v2gateway": "R-V2-055 R-V2-056 R-V2-073"},
    assumed={"v2gateway": "what a failed task shows besides its reason is from other material"},
    each=open_words,
)
def failure_is_whole(stage: Stage, before: str) -> None:
    """A failed task shows the reason it failed for, 100%, its end, and no output."""
    task = stage.start(stage.account())
    started = reach(stage, task, before).times.get("start_time", 0)
    reason = "people in the picture"
    stage.failed(task, reason)
    body = stage.poll_reply(task).object()
    expect(reason in body["fail_reason"], f"the task failed for {reason!r}, and says {body['fail_reason']!r}")
    expect(body["progress"] == "100%", f"the progress of a failed task is {body['progress']!r}")
    expect(body["start_time"] == started, f"start_time was {started:g} and became {body['start_time']}")
    expect(body["finish_time"] >= body["submit_time"], f"finish_time of a failed task is {body['finish_time']}")
    expect(not oracle.results(body), f"a failed task shows {body['data']}")
