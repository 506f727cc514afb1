"""MidSync's usage logs: a row per request, filters that filter, pages that leave out nothing and show nothing twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from soundstage_contracts.adapters.base import Account
from soundstage_contracts.checks.midsync_ways import (
    CREATE,
    CREATES,
    GENERATE,
    QUOTE,
    body_of,
    charged,
    customer,
    history,
    ids,
    landing_rows,
    made,
    play_money,
    points,
    rows,
    summary,
)
from soundstage_contracts.drivers.base import amount
from soundstage_contracts.exchange import Request
from soundstage_contracts.oracles.midsync import DISPLAY_NAMES, KLING, MODELS, NOT_OFFERED, RUNWAY, SEEDANCE
from soundstage_contracts.oracles.midsync_fields import IMAGE
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import PROMPT, Stage
from soundstage_contracts.verdict import NotReached, NotTested, expect


def _moment(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["createdAt"])


@promise("USAGE-102", {"midsync": "R-MID-021 R-MID-110 R-MID-111"})
def model_filter(stage: Stage) -> None:
    """With a model id only the rows of that model come, all of them, and the total counts them alone."""
    whole = history(stage)
    for model in sorted({row["model"] for row in whole}):
        found = rows(stage, model=model)
        wanted = [row for row in whole if row["model"] == model]
        expect(
            sorted(ids(found)) == sorted(ids(wanted)),
            f"of {len(wanted)} rows of {model} the filter gives {len(found)}",
        )
        expect(not stage.assumptions or found == wanted, f"the rows of {model} are others when they are filtered")
    expect(rows(stage, model="seedance-9-ultra") == [], "a model without rows has rows")


@promise("USAGE-103", {"midsync": "R-MID-110 R-MID-114"})
def time_filters(stage: Stage) -> None:
    """With from and to only the rows of that time come, all of them, and the total counts them alone."""
    whole = sorted(history(stage), key=_moment)
    first, last = whole[len(whole) // 3], whole[2 * len(whole) // 3]
    queries = ({"from": first["createdAt"]}, {"to": last["createdAt"]})
    for query in (*queries, queries[0] | queries[1], queries[0] | queries[1] | {"model": last["model"]}):
        found = rows(stage, None, **query)
        model = query.get("model")
        fitting = [row for row in whole if model in {None, row["model"]}]
        low = _moment(first) if "from" in query else _moment(whole[0]) - timedelta(days=1)
        high = _moment(last) if "to" in query else _moment(whole[-1]) + timedelta(days=1)
        must = {row["id"] for row in fitting if low < _moment(row) < high}
        may = {row["id"] for row in fitting if low <= _moment(row) <= high}
        expect(must <= set(ids(found)), f"{query} leaves out {len(must - set(ids(found)))} rows of its time")
        expect(set(ids(found)) <= may, f"{query} shows {len(set(ids(found)) - may)} rows of other times or models")
        expect(len(found) == len(set(ids(found))), f"{query} shows a row twice")
        expect(not stage.assumptions or set(ids(found)) == may, f"{query} leaves out a row on its very edge")


@promise(
    "USAGE-104",
    {"midsync": "R-MID-110"},
    assumed={"midsync": "the documents say ISO string, and no more about edges and bare dates"},
)
def edges_of_time(stage: Stage) -> None:
    """A bare date means its whole day, a time with an offset its instant, and a window that ends first is empty."""
    whole = history(stage)
    row = whole[len(whole) // 2]
    day, at = row["createdAt"][:10], _moment(row)
    of_day = [one for one in whole if one["createdAt"].startswith(day)]
    expect(rows(stage, None, **{"from": day, "to": day}) == of_day, f"{day} to {day} is not the rows of that day")
    tick = timedelta(milliseconds=1)
    stamps = {
        name: (at + shift).isoformat(timespec="milliseconds")
        for name, shift in (("-", -tick), ("=", 0 * tick), ("+", tick))
    }
    alone = [one for one in whole if _moment(one) == at]
    expect(rows(stage, None, **{"from": stamps["="], "to": stamps["="]}) == alone, "both ends of a window should count")
    expect(
        rows(stage, None, **{"from": stamps["+"], "to": stamps["-"]}) == [],
        "a window that ends first has rows",
    )
    east = (at + timedelta(hours=2)).replace(tzinfo=None).isoformat(timespec="milliseconds") + "+02:00"
    expect(rows(stage, None, **{"from": east, "to": east}) == alone, "an offset of two hours moves the window")
    below = [one for one in whole if _moment(one) < at]
    expect(rows(stage, to=stamps["-"]) == below, "a millisecond before a row, the row still counts")


@promise("USAGE-105", {"midsync": "R-MID-114"}, assumed={"midsync": "no order of the rows is published"})
def newest_first(stage: Stage) -> None:
    """The newest row comes first, in both forms, and the task made last is the first row."""
    whole = history(stage)
    times = [_moment(row) for row in whole]
    expect(times == sorted(times, reverse=True), "the rows of the usage logs are not the newest first")
    for model in (KLING, RUNWAY):
        stage.pass_seconds(61)
        made(stage, body_of(model, duration=10))
        expect(rows(stage)[0]["model"] == model, "the task made last is not the first row")
        expect(rows(stage)[1:] == whole, "an older row changed or moved when a new one came")
        whole = rows(stage)
    stamps = [row["timestamp"] for row in landing_rows(stage)]
    expect(stamps == sorted(stamps, reverse=True), "the landing form's rows are not the newest first")


@promise(
    "USAGE-106",
    {"midsync": "R-MID-111 R-MID-112 R-MID-115"},
    assumed={"midsync": "the sum is right in the one printed example; that it always is, is a reading"},
)
def tokens_add_up(stage: Stage) -> None:
    """Where a row tells of tokens, the total is input and output together, with reasoning within the output."""
    seen = 0
    for row in history(stage):
        if (usage := row["usage"]) is None:
            expect(row["model"] in MODELS, f"{row['model']} makes no videos, and its row tells of no tokens")
            continue
        seen += 1
        sides = usage["inputTokens"] + usage["outputTokens"]
        expect(usage["totalTokens"] == sides, f"{usage['totalTokens']} tokens in all, and the two sides have {sides}")
        expect(usage["reasoningTokens"] <= usage["outputTokens"], "more tokens of reasoning than of output")
        expect(row["mode"] == "responses", f"a row with tokens is of the mode {row['mode']!r}")
        expect(row["model"] not in DISPLAY_NAMES, f"a row of {row['model']} tells of tokens")
    if not seen and stage.target.adapter is None:
        raise NotTested("no row of the account tells of tokens")
    if not seen:
        raise NotReached("no row of the account's history tells of tokens")


@promise("USAGE-107", {"midsync": "R-MID-021 R-MID-111 R-MID-113 R-MID-115"}, each=CREATES)
def row_of_a_task(stage: Stage, case: str) -> None:
    """A task leaves one row: its model, what it was charged, and when; what the row says stays as it is."""
    account = stage.account() if stage.target.adapter is None else stage.account(history=5)
    before = rows(stage, account)
    models = MODELS if stage.target.adapter is not None else (RUNWAY,)
    for number, model in enumerate(models, 1):
        price = amount(made(stage, body_of(model), account, case).field("pointsCharged"))
        whole = rows(stage, account)
        new = [row for row in whole if row["id"] not in set(ids(before))]
        expect(len(whole) == len(before) + 1 and len(new) == 1, f"{number} tasks left {len(whole)} rows more or less")
        row = new[0]
        expect(row["model"] == model, f"a task of {model} left a row of {row['model']!r}")
        expect(charged(row) == price, f"a task charged at {price} left a row of {row['pointsCharged']} points")
        expect(not stage.assumptions or row["usage"] is None, f"a video's row tells of tokens: {row['usage']}")
        expect([one for one in whole if one is not row] == before, "a new task changed an older row")
        before = whole


@promise(
    "USAGE-112",
    {"midsync": "R-MID-032 R-MID-084 R-MID-103 R-MID-104 R-MID-108 R-MID-111"},
    assumed={"midsync": "that a row's mode is the way its video was made is our reading; the example's is responses"},
    each=MODELS,
)
def mode_of_a_row(stage: Stage, case: str) -> None:
    """A task without images leaves a row of the mode text-to-video, and one with any a row of image-to-video."""
    play_money(stage)
    account = stage.account()
    most = 2 if case == SEEDANCE else 1
    asked: list[tuple[str, dict[str, Any]]] = [
        (path, {"images": [IMAGE] * count}) for path in CREATES for count in range(most + 1)
    ]
    asked.append((GENERATE, {}))
    for path, fields in asked:
        made(stage, body_of(case, **fields), account, path)
        _newest_mode(stage, account, bool(fields.get("images")))
    for image in ({}, {"image_url": IMAGE}):
        body = {"model": DISPLAY_NAMES[case], "prompt": PROMPT, "duration_seconds": 8 if case == SEEDANCE else 10}
        made(stage, body | image, account, CREATE)
        _newest_mode(stage, account, bool(image))


def _newest_mode(stage: Stage, account: Account, from_images: bool) -> None:
    wanted, mode = "image-to-video" if from_images else "text-to-video", rows(stage, account)[0]["mode"]
    expect(mode == wanted, f"a task {'with' if from_images else 'without'} images left a row of the mode {mode!r}")
    stage.pass_seconds(61, account)


@promise("USAGE-108", {"midsync": "R-MID-111 R-MID-114"})
def times_of_rows(stage: Stage) -> None:
    """A row's createdAt is the instant its request came: two creates 90 seconds apart are 90 seconds apart there."""
    play_money(stage)
    account = stage.account()
    for _ in range(2):
        made(stage, body_of(RUNWAY), account)
        stage.pass_seconds(90, account)
    newer, older = sorted(rows(stage, account), key=_moment, reverse=True)
    apart = (_moment(newer) - _moment(older)).total_seconds()
    expect(apart == 90, f"two creates 90 s apart have rows {apart} s apart")
    old, new = sorted(row["timestamp"] for row in landing_rows(stage, account))
    expect((old, new) == (_whole(older), _whole(newer)), "the two forms tell different times of one row")


def _whole(row: dict[str, Any]) -> str:
    return f"{row['createdAt'][:19]}Z"


@promise(
    "USAGE-109",
    {"midsync": "R-MID-073 R-MID-111"},
    assumed={"midsync": "that what was refused is not listed is our choice"},
)
def what_leaves_no_row(stage: Stage) -> None:
    """Quotes, polls and refused creates leave no row and change no sum."""
    account = customer(stage)
    before, sums = rows(stage, account), summary(stage, account)
    points(stage, body_of(RUNWAY), account)
    for path in (QUOTE, *CREATES) if stage.target.adapter is not None else (QUOTE,):
        stage.refused(Request.json(path, body_of(**NOT_OFFERED)), "invalid", account)
    stage.refused(Request.json(QUOTE, body_of("seedance-9-ultra")), "invalid", account)
    expect(rows(stage, account) == before, "a call that made no task changed the usage logs")
    expect(summary(stage, account) == sums, "a call that made no task changed the usage summary")


@promise(
    "USAGE-110",
    {"midsync": "R-MID-111"},
    assumed={"midsync": "whose requests an account is shown is not published"},
)
def own_rows_only(stage: Stage) -> None:
    """An account's logs and sums are of its own requests, not of another's."""
    mine = stage.account(history=5)
    theirs = stage.account(beside=mine)
    before = rows(stage, mine), summary(stage, mine), landing_rows(stage, mine)
    made(stage, body_of(KLING), theirs)
    after = rows(stage, mine), summary(stage, mine), landing_rows(stage, mine)
    expect(before == after, "another account's task changed what this one is shown")
    expect([row["model"] for row in rows(stage, theirs)] == [KLING], "the other account is not shown its one task")


@promise(
    "USAGE-111",
    {"midsync": "R-MID-115"},
    assumed={"midsync": "refunds are unpublished (R-MID-134, decision D5)"},
)
def failed_task(stage: Stage) -> None:
    """A failed task's row stays and shows 0 points in both forms, and no sum counts its points any more."""
    play_money(stage)
    account = stage.account()
    made(stage, body_of(KLING, duration=5), account)
    task = stage.start(account)
    held = summary(stage, account)["totalPointsCharged"]
    expect(held == 45, f"two running tasks of 35 and 10 points count as {held}")
    stage.failed(task)
    found = {row["model"]: charged(row) for row in rows(stage, account)}
    expect(found == {KLING: 35, RUNWAY: 0}, f"after Runway failed the rows show {found}")
    shown = {row["model"]: charged(row) for row in landing_rows(stage, account)}
    expect(shown == {"Kling 2.5 Turbo": 35, "Runway": 0}, f"after Runway failed the landing rows show {shown}")
    sums = summary(stage, account)
    expect(sums["totalPointsCharged"] == 35, f"after the failure {sums['totalPointsCharged']} points count as charged")
    expect(sums["totalRequests"] == 2, f"two requests were made, and {sums['totalRequests']} are counted")
    of_model = {one["model"]: (one["requests"], one["pointsCharged"]) for one in sums["byModel"]}
    expect(of_model == {KLING: (1, 35), RUNWAY: (1, 0)}, f"after Runway failed the summary shows {of_model}")
