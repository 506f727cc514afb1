"""RevidAPI's places and queue: who runs, who waits, who is refused, and what GET /limits says of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from soundstage_contracts.adapters.base import Account
from soundstage_contracts.checks.revidapi_requests import ONLY, cheapest, fresh
from soundstage_contracts.exchange import Request
from soundstage_contracts.oracles.revidapi import PATHS
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.target import Started
from soundstage_contracts.verdict import expect

_QUEUED = "how jobs wait comes from an older source (R-REV-204, R-REV-205, A-REV-40, A-REV-41)"
_NAMES = ("total_concurrent", "image_concurrent", "video_concurrent", "queue")
_PLANS = {"free": (2, 1, 1, 3), "starter": (2, 1, 1, 5), "professional": (4, 2, 2, 15), "business": (6, 3, 3, 30)}


def _limits(stage: Stage, account: Account) -> dict[str, list[int]]:
    """Return what GET /limits says: limits, active and available, their figures in the order of the reply's names."""
    body = stage.answered(Request.get("/v1/limits"), account).object()
    active, free = body["active"], body["available"]
    return {
        "limits": [body["limits"][name] for name in _NAMES],
        "active": [active[name] for name in ("total", "image", "video", "queued")],
        "available": [free[name] for name in ("image_slots", "video_slots", "queue_slots")],
    }


def _figures(stage: Stage, account: Account, images: int, videos: int, queued: int) -> None:
    """Expect GET /limits to tell of so many jobs, with all sums right."""
    said = _limits(stage, account)
    total, image, video, queue = said["limits"]
    expect(
        said["active"] == [images + videos, images, videos, queued], f"{images}, {videos}, {queued} are there: {said}"
    )
    free = total - images - videos
    right = [min(free, image - images), min(free, video - videos), queue - queued]
    expect(said["available"] == right, f"available should be {right} of {said}")


def _start(stage: Stage, account: Account, kinds: str) -> list[Started]:
    """Start jobs, a letter each: i for an image, v for a video."""
    return [stage.start(account, {"i": "image", "v": "video"}[kind]) for kind in kinds]


def _runs(stage: Stage, tasks: Iterable[Started]) -> list[bool]:
    """Return which of the jobs are being made once everything that has a place has begun."""
    return [stage.poll(task).state == "processing" for task in tasks]


def _begin(stage: Stage, account: Account) -> None:
    # Long enough for every job with a place to begin, and too short for any to end.
    stage.pass_seconds(6, account)


@promise("LIMIT-201", {ONLY: "R-REV-024 R-REV-200"}, assumed={ONLY: "the keys of the reply (R-REV-202)"})
def the_published_limits(stage: Stage) -> None:
    """Without a plan 5 jobs run at once, 3 images and 3 videos, and 3 wait; a new account has all places free."""
    account = fresh(stage)
    said = _limits(stage, account)
    expect(said == {"limits": [5, 3, 3, 3], "active": [0, 0, 0, 0], "available": [3, 3, 3]}, f"it says {said}")


@promise("LIMIT-202", {ONLY: "R-REV-200 R-REV-204"}, assumed={ONLY: _QUEUED}, each=("iiiiii", "vvvvvv"))
def the_seventh_of_a_kind_is_refused(stage: Stage, jobs: str) -> None:
    """Three jobs of a kind run, three more wait as pending, and the next is refused with 429 and makes nothing."""
    account = fresh(stage)
    tasks = _start(stage, account, jobs)
    kind = {"i": "image", "v": "video"}[jobs[0]]
    stage.refused(Request.json(PATHS[kind], cheapest(kind)), "rate", account)
    _begin(stage, account)
    expect(_runs(stage, tasks) == [True] * 3 + [False] * 3, f"these run: {_runs(stage, tasks)}")
    expect(all(stage.poll(task).state == "pending" for task in tasks[3:]), "those that wait should be pending")
    _figures(stage, account, *((3, 0, 3) if kind == "image" else (0, 3, 3)))
    listed = stage.answered(Request.get("/v1/dashboard/jobs"), account).field("pagination", "total")
    expect(listed == 6, f"six jobs were made, and {listed} are listed")


@promise("LIMIT-203", {ONLY: "R-REV-200 R-REV-204"}, assumed={ONLY: _QUEUED}, each=("iiivvvvv", "vvviiiii"))
def the_ninth_of_a_mix_is_refused(stage: Stage, jobs: str) -> None:
    """Of a mix five run, three of them of the kind that came first; the sixth waits and the ninth is refused."""
    account = fresh(stage)
    tasks: list[Started] = []
    for number, one in enumerate(jobs):
        tasks += _start(stage, account, one)
        of = {kind: min(3, jobs[: number + 1].count(kind)) for kind in "iv"}
        second = jobs[-1]
        of[second] = min(of[second], 5 - of[jobs[0]])
        _figures(stage, account, of["i"], of["v"], number + 1 - of["i"] - of["v"])
    for kind in ("image", "video"):
        stage.refused(Request.json(PATHS[kind], cheapest(kind)), "rate", account)
    _begin(stage, account)
    expect(_runs(stage, tasks) == [True] * 5 + [False] * 3, f"these run: {_runs(stage, tasks)}")


@promise("LIMIT-204", assumed={ONLY: "R-REV-205 is from an older source"}, each=("iiiiiv", "vvvvvi"))
def a_full_kind_does_not_block_the_other(stage: Stage, jobs: str) -> None:
    """With a kind full and its jobs waiting, one of the other kind begins at once."""
    account = fresh(stage)
    tasks = _start(stage, account, jobs)
    _begin(stage, account)
    expect(_runs(stage, tasks) == [True] * 3 + [False] * 2 + [True], f"these run: {_runs(stage, tasks)}")


@promise("LIMIT-205", assumed={ONLY: "R-REV-205 is from an older source"}, each=("image", "video"))
def jobs_begin_in_their_order(stage: Stage, kind: str) -> None:
    """Jobs of a kind begin and end in the order they came, a new one as soon as a place is free."""
    account = stage.account(limits={f"{kind}_concurrent": 1})
    tasks = [stage.start(account, kind) for _ in range(4)]
    for done in range(1, 5):
        stage.step(account)
        states = [stage.poll(task).state for task in tasks]
        expect(states[:done] == ["completed"] * done, f"after {done} ends the jobs are {states}")
        expect(states[done:] == ["pending"] * (4 - done), f"after {done} ends the jobs are {states}")
        waiting = max(0, 3 - done)
        busy = int(done < 4)
        _figures(stage, account, *((busy, 0) if kind == "image" else (0, busy)), waiting)
    ends = [stage.poll(task).times["completed_at"] for task in tasks]
    expect(ends == sorted(set(ends)), f"they ended at {ends}")


@promise(
    "LIMIT-206",
    assumed={ONLY: "everything but an image counts as a video (A-REV-42)"},
    each=tuple(PATHS)[2:4],
)
def all_but_images_are_videos(stage: Stage, way: str) -> None:
    """Seedance and motion jobs take places of the videos."""
    account = stage.account(limits={"video_concurrent": 1})
    stage.start(account, way)
    _figures(stage, account, 0, 1, 0)
    waiting = stage.start(account, "video")
    _figures(stage, account, 0, 1, 1)
    _begin(stage, account)
    expect(stage.poll(waiting).state == "pending", "a second video should wait")


_ENDINGS = ("completed", "failed", "cancelled", "cancelled while it waits")


@promise("LIMIT-207", assumed={ONLY: _QUEUED}, each=_ENDINGS)
def an_end_makes_room(stage: Stage, ending: str) -> None:
    """When a job ends in any way its place is taken by the first that waits, and the queue has a place more."""
    account = fresh(stage)
    tasks = _start(stage, account, "iiiii")
    _figures(stage, account, 3, 0, 2)
    if ending == "completed":
        stage.step(account)
    elif ending == "failed":
        stage.failed(tasks[0])
    else:
        stage.answered(stage.driver.cancel(tasks[3 if "waits" in ending else 0].id), account)
    _figures(stage, account, 3, 0, 1)
    stage.adapter.finish(account)
    _figures(stage, account, 0, 0, 0)


@promise(
    "LIMIT-208", {ONLY: "R-REV-201"}, assumed={ONLY: "the plans are the older ones (R-REV-206)"}, each=tuple(_PLANS)
)
def limits_follow_the_plan(stage: Stage, plan: str) -> None:
    """Each plan has its own limits, which GET /limits shows and creates obey."""
    account = stage.account(plan=plan)
    body = stage.answered(Request.get("/v1/limits"), account).object()
    expect(body["plan"] == plan, f"the plan is {body['plan']!r}")
    right = list(_PLANS[plan])
    expect(_limits(stage, account)["limits"] == right, f"the limits of {plan} should be {right}, not {body['limits']}")
    images, queue = right[1], right[3]
    tasks = [stage.start(account, "image") for _ in range(images + queue)]
    stage.refused(Request.json(PATHS["image"], cheapest("image")), "rate", account)
    _begin(stage, account)
    expect(sum(_runs(stage, tasks)) == images, f"{sum(_runs(stage, tasks))} images run; the plan allows {images}")
    _figures(stage, account, images, 0, queue)


@promise("LIMIT-209", assumed={ONLY: "whose places are whose is unpublished"})
def places_belong_to_the_user(stage: Stage) -> None:
    """All keys of a user share its places; another user has its own."""
    account = fresh(stage)
    second = stage.account(beside=account, same_user=True)
    stranger = stage.account(beside=account)
    _start(stage, account, "ii")
    _start(stage, second, "iiii")
    for who in (account, second):
        _figures(stage, who, 3, 0, 3)
        stage.refused(Request.json(PATHS["image"], cheapest("image")), "rate", who)
    _figures(stage, stranger, 0, 0, 0)
    stage.start(stranger, "image")


@promise("LIMIT-210", assumed={ONLY: _QUEUED})
def the_refusal_names_the_queue(stage: Stage) -> None:
    """A full queue says how full it is, and frees at the next end: after one step the same request is accepted."""
    account = fresh(stage)
    _start(stage, account, "iiiiii")
    request = Request.json(PATHS["image"], cheapest("image"))
    error: Any = stage.refused(request, "rate", account)
    expect("3/3" in error.message, f"the refusal should say 3/3, and says {error.message!r}")
    stage.step(account)
    stage.answered(request, account)
    stage.refused(request, "rate", account)
