"""A task's life: every created task can be looked up, goes its legal way and ends with a result."""

from __future__ import annotations

from itertools import pairwise

from soundstage_contracts.oracles.lifecycle import check_ended, check_order, check_progress, check_times, check_words
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import NotTested, expect
from soundstage_contracts.walking import creations, open_words, views, walk

MEDIA = {"image": "image/", "video": "video/", "audio": "audio/", "music": "audio/"}


@promise(
    "LIFE-001",
    {
        "midsync": "R-MID-025 R-MID-051 R-MID-085 R-MID-090 R-MID-091",
        "revidapi": "R-REV-030 R-REV-031",
        "v2gateway": "R-V2-002 R-V2-030 R-V2-040",
        "apikeyorg": "R-KEY-027 R-KEY-042",
    },
    each=creations,
)
def created_is_there(stage: Stage, creation: str) -> None:
    """A task that was just created can be looked up at once, under the id of the create reply, and has not ended."""
    task = stage.start(stage.account(), creation)
    life = stage.driver.life
    view = stage.poll(task)
    expect(view.id == task.id or not (view.id or stage.assumptions), f"task {task.id} is shown as {view.id!r}")
    said = task.created.state
    if stage.assumptions:
        still = stage.target.adapter is None or view.state == life.initial
        expect(still, f"a new task is {life.initial!r}, and this one {view.state!r}")
        expect(said is None or said in open_words(stage.driver), f"the create reply says {said!r}")
        check_ended(life, view)
    expect(said not in life.terminal, f"the create reply says {said!r}, which is an end")


@promise(
    "LIFE-002",
    {
        "midsync": "R-MID-066 R-MID-091 R-MID-130",
        "revidapi": "R-REV-100 R-REV-101 R-REV-102",
        "v2gateway": "R-V2-045 R-V2-049 R-V2-050",
        "apikeyorg": "R-KEY-045 R-KEY-050",
    },
    assumed={"midsync": "the output is there only if available (R-MID-091)"},
    each=creations,
)
def ends_well(stage: Stage, creation: str) -> None:
    """A task left alone ends in success with a link to its result, and shows none before."""
    task = stage.start(stage.account(), creation)
    life = stage.driver.life
    seen = views(stage, task)
    expect(seen[-1].state == life.success, f"a task left alone ended as {seen[-1].state!r}, reason {seen[-1].reason!r}")
    for view in seen:
        expect(view.id == task.id or not (view.id or stage.assumptions), f"task {task.id} is shown as {view.id!r}")
        check_ended(life, view)


@promise(
    "LIFE-003",
    {"midsync": "R-MID-130", "revidapi": "R-REV-100", "v2gateway": "R-V2-041 R-V2-050 R-V2-051"},
    assumed={"apikeyorg": "processing and failed are read out of the documented words (R-KEY-046)"},
)
def words_are_documented(stage: Stage) -> None:
    """Every status a task shows on its way is a documented word."""
    check_words(stage.driver.life, views(stage, stage.start(stage.account())))


@promise(
    "LIFE-004",
    {
        "midsync": "R-MID-056 R-MID-130",
        "revidapi": "R-REV-030 R-REV-100",
        "v2gateway": "R-V2-050",
        "apikeyorg": "R-KEY-046",
    },
    assumed={
        "midsync": "the order is a reading of the four words (A-MID-04)",
        "v2gateway": "the order is a reading of the words (R-V2-050)",
        "apikeyorg": "the order is a reading of the words (R-KEY-046)",
    },
)
def legal_moves_only(stage: Stage) -> None:
    """A task goes from its first state over running to success, and never any other way."""
    life = stage.driver.life
    seen = views(stage, stage.start(stage.account()))
    check_order(life, seen)
    if stage.assumptions and stage.target.adapter is not None:
        way = list(dict.fromkeys(view.state for view in seen))
        wanted = [life.initial, life.running, life.success]
        expect(way == wanted, f"the task went {way}, and should have gone {wanted}")


@promise(
    "LIFE-005",
    {
        "midsync": "R-MID-091",
        "revidapi": "R-REV-101",
        "v2gateway": "R-V2-045 R-V2-049",
        "apikeyorg": "R-KEY-045 R-KEY-050",
    },
    assumed={"midsync": "the output is there only if available (R-MID-091)"},
    each=creations,
)
def result_is_a_file(stage: Stage, creation: str) -> None:
    """Every result is a link to a file; without a key, of the kind asked for, and always the same, as we read it."""
    task = stage.start(stage.account(), creation)
    links = stage.follow(task)[-1].results
    expect(bool(links), "the task ended without a result")
    for link in links:
        expect(link.startswith(("https://", "http://")), f"{link!r} is no web address")
        came = stage.fetch(link)
        if came.status in {401, 403} and not stage.assumptions:
            raise NotTested(f"the result wants a key ({came.status}), and no document says that it needs none")
        expect(came.status == 200, f"the result answers {came.status}")
        expect(bool(came.body), "the result is empty")
        if stage.assumptions:
            wanted = MEDIA[task.creation.kind]
            expect(came.media_type.startswith(wanted), f"the result came as {came.media_type!r}, not as {wanted}…")
            expect(stage.fetch(link).body == came.body, "the same link gave two different files")
        length = came.header("content-length")
        expect(length in {None, str(len(came.body))}, f"{len(came.body)} bytes came where {length} were announced")


@promise(
    "LIFE-006",
    {"revidapi": "R-REV-101 R-REV-102", "v2gateway": "R-V2-044 R-V2-054 R-V2-055"},
)
def progress_only_grows(stage: Stage) -> None:
    """Progress is a percent that never goes back and is 100 when the task has succeeded."""
    life = stage.driver.life
    seen = views(stage, stage.start(stage.account()))
    # Where a document shows no progress beside a state, a poll may leave it out.
    shown = seen if stage.assumptions else [view for view in seen if view.progress is not None]
    check_progress(life, shown)
    if stage.assumptions and stage.target.adapter is not None:
        moving = {view.progress for view in shown if view.state == life.running}
        expect(len(moving) > 2, f"progress does not move while the task runs: {moving}")
        expect(100 not in moving, "a task that still runs is at 100 percent")
        expect(shown[0].progress == 0, f"a new task is at {shown[0].progress:g} percent")


@promise(
    "LIFE-007",
    {"v2gateway": "R-V2-043 R-V2-047"},
    assumed={"revidapi": "a job's times are in no document", "apikeyorg": "a task's times are in no document"},
)
def times_are_true(stage: Stage) -> None:
    """A time of a task is set when its moment has come, tells that moment, and never changes."""
    task = stage.start(stage.account())
    if not stage.assumptions or stage.target.adapter is None:
        return check_times(views(stage, task))
    # Half seconds: a time in whole seconds that is one too high is then still to come when it is seen.
    looks = walk(stage, task, stride=0.5)
    check_times(look.view for look in looks)
    began = min(looks[0].view.times.values())
    for before, look in pairwise(looks):
        for name in look.view.times.keys() - before.view.times.keys():
            moment = look.view.times[name] - began
            in_time = int(before.after) <= moment <= look.after
            expect(
                in_time,
                f"{name} tells {moment:g} s after the create, and was set {before.after} to {look.after} s after",
            )
    expect(looks[-1].view.times.keys() > looks[0].view.times.keys(), "the end brought no time with it")
    return None
