"""MidSync's usage summary in both forms: the sums of the rows that the logs list one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from soundstage_contracts.checks.midsync_ways import (
    CREATE,
    CREATES,
    SUMMARY,
    body_of,
    charged,
    customer,
    history,
    landing_rows,
    made,
    play_money,
    rows,
    summary,
)
from soundstage_contracts.drivers.base import amount
from soundstage_contracts.exchange import Request
from soundstage_contracts.oracles.midsync import DISPLAY_NAMES, GROK, KLING, MODELS, RUNWAY, SEEDANCE
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import PROMPT, Stage
from soundstage_contracts.verdict import NotTested, expect

Row = dict[str, Any]


def _by_model(found: Iterable[Row]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in found:
        sums[row["model"]] += charged(row)
    return dict(sums)


def _same(said: Any, wanted: Decimal | int, what: str) -> None:
    expect(amount(said) == wanted, f"the summary says {said} {what}, and the rows add up to {wanted}")


def _matches(sums: Row, found: list[Row], *, whole: bool) -> None:
    """Expect a summary to be the sums of these rows; with `whole` its models add up as well."""
    tokens = [row["usage"] for row in found if row["usage"]]
    _same(sums["totalPointsCharged"], sum(map(charged, found), Decimal(0)), "points")
    _same(sums["totalRequests"], len(found), "requests")
    _same(sums["totalInputTokens"], sum(one["inputTokens"] for one in tokens), "input tokens")
    _same(sums["totalOutputTokens"], sum(one["outputTokens"] for one in tokens), "output tokens")
    requests, points = Counter(row["model"] for row in found), _by_model(found)
    names = [one["model"] for one in sums["byModel"]]
    expect(len(names) == len(set(names)), "byModel has a model twice")
    for one in sums["byModel"]:
        _same(one["requests"], requests[one["model"]], f"requests of {one['model']}")
        _same(one["pointsCharged"], points.get(one["model"], Decimal(0)), f"points of {one['model']}")
    expect(not whole or names == sorted(requests), f"byModel has {names}, and the rows are of {sorted(requests)}")


@promise("USAGE-121", {"midsync": "R-MID-022 R-MID-121 R-MID-122"})
def summary_is_the_logs(stage: Stage) -> None:
    """The summary's totals are those of the rows in the logs: points, requests, tokens, and each model's own."""
    account = customer(stage)
    _matches(summary(stage, account), rows(stage, account), whole=stage.assumptions)
    if stage.target.adapter is not None:
        for path in CREATES:
            made(stage, body_of(KLING), account, path)
            _matches(summary(stage, account), rows(stage, account), whole=stage.assumptions)


@promise(
    "USAGE-122",
    {"midsync": "R-MID-120 R-MID-121"},
    assumed={"midsync": "the summary's date range has no published name, and groupBy one hinted value"},
)
def summary_of_a_time(stage: Stage) -> None:
    """The summary of a time is the sum of that time's rows, and grouping by model changes nothing."""
    whole = sorted(history(stage), key=lambda row: str(row["createdAt"]))
    account = stage.someone
    first, last = whole[len(whole) // 3]["createdAt"], whole[2 * len(whole) // 3]["createdAt"]
    queries = ({"from": first}, {"to": last}, {"from": first, "to": last}, {"from": first[:10], "to": first[:10]})
    for query in (*queries, {"from": last, "to": first}):
        _matches(summary(stage, account, **query), rows(stage, account, **query), whole=True)
    grouped = summary(stage, account, groupBy="model")
    expect(grouped == summary(stage, account), "grouping by model changes the summary")


@promise("USAGE-123", {"midsync": "R-MID-022 R-MID-121 R-MID-133"})
def summary_is_what_tasks_cost(stage: Stage) -> None:
    """The summary grows by what each task was charged, and by what the balance lost."""
    account = stage.account()
    before = amount(summary(stage, account)["totalPointsCharged"])
    spent = Decimal(0)
    for model in MODELS if stage.target.adapter is not None else (RUNWAY,):
        for path in CREATES if stage.target.adapter is not None else (CREATE,):
            spent += amount(made(stage, body_of(model), account, path).field("pointsCharged"))
            grown = amount(summary(stage, account)["totalPointsCharged"]) - before
            expect(grown == spent, f"tasks were charged {spent}, and the summary grew by {grown}")
    if stage.target.adapter is not None:
        expect(
            stage.taken(account) == spent, f"tasks were charged {spent}, and the balance lost {stage.taken(account)}"
        )
        stage.adapter.finish(account)
        grown = amount(summary(stage, account)["totalPointsCharged"]) - before
        expect(grown == spent, f"when all tasks have ended the summary shows {grown} of {spent} points")


@promise(
    "USAGE-124",
    {"midsync": "R-MID-117 R-MID-118"},
    assumed={"midsync": "that both forms show the same rows is our reading (D1)"},
)
def landing_logs_are_the_logs(stage: Stage) -> None:
    """The landing form shows the rows of the developer form: when, which model by its name, and how many points."""
    account = customer(stage)
    if stage.target.adapter is not None:
        made(stage, body_of(GROK, duration=7), account)
    wanted = [
        (f"{row['createdAt'][:19]}Z", DISPLAY_NAMES.get(row["model"], row["model"]), charged(row))
        for row in rows(stage, account)
    ]
    found = landing_rows(stage, account)
    shown = [(row["timestamp"], row["model"], charged(row)) for row in found]
    expect(shown == wanted, f"the forms differ: {_first_difference(shown, wanted)}")
    for row in found:
        is_video = row["model"] in DISPLAY_NAMES.values()
        expect(
            (amount(row["duration_seconds"]) > 0) == is_video,
            f"a row of {row['model']} has {row['duration_seconds']} s",
        )


def _first_difference(shown: list[Any], wanted: list[Any]) -> str:
    pairs = ((one, other) for one, other in zip(shown, wanted, strict=False) if one != other)
    return next((f"{one} for {other}" for one, other in pairs), f"{len(shown)} rows for {len(wanted)}")


@promise("USAGE-125", {"midsync": "R-MID-118"})
def landing_row_of_a_task(stage: Stage) -> None:
    """A task leaves a row in the landing form's logs: its model's name, its seconds, and points."""
    account = stage.account()
    body = {"model": "Kling 2.5 Turbo", "prompt": PROMPT, "duration_seconds": 5, "resolution": "1080p"}
    before = landing_rows(stage, account)
    made(stage, body, account, CREATE)
    after = landing_rows(stage, account)
    expect(len(after) == len(before) + 1, f"one task changed {len(before)} rows to {len(after)}")
    new = next(row for row in after if after.count(row) > before.count(row))
    said = (new["model"], new["duration_seconds"])
    expect(said == ("Kling 2.5 Turbo", 5), f"a task of Kling 2.5 Turbo for 5 s left a row of {said}")
    expect(charged(new) > 0, "a task left a row without points")


@promise(
    "USAGE-126",
    {"midsync": "R-MID-065 R-MID-118 R-MID-123"},
    assumed={"midsync": "the landing form's seconds for a task of the developer form are our reading"},
)
def landing_seconds(stage: Stage) -> None:
    """Each row's seconds are those that were asked for, in either form, and the summary's total is their sum."""
    play_money(stage)
    account = stage.account()
    wanted: list[tuple[str, int]] = []
    for model, asked in ((SEEDANCE, (4, 12)), (KLING, (5, 10)), (RUNWAY, (5, 10)), (GROK, (6, 30))):
        made(stage, body_of(model, duration=asked[0]), account)
        landing = {"model": DISPLAY_NAMES[model], "prompt": PROMPT, "duration_seconds": asked[1]}
        made(stage, landing, account, CREATE)
        wanted += [(DISPLAY_NAMES[model], seconds) for seconds in asked]
    shown = [(row["model"], row["duration_seconds"]) for row in landing_rows(stage, account)]
    expect(sorted(shown) == sorted(wanted), f"asked for were {sorted(wanted)}, and the rows show {sorted(shown)}")


@promise("USAGE-127", {"midsync": "R-MID-117 R-MID-123"})
def landing_days(stage: Stage) -> None:
    """With start_date and end_date only the rows of those days come, all of them, and the summary adds up those."""
    account = customer(stage)
    whole = landing_rows(stage, account)
    days = sorted({row["timestamp"][:10] for row in whole})
    if not days:
        raise NotTested("the account has no usage to tell days by")
    first, last = days[len(days) // 3], days[2 * len(days) // 3]
    for query in ({"start_date": first}, {"end_date": last}, {"start_date": first, "end_date": last}):
        low, high = query.get("start_date", days[0]), query.get("end_date", days[-1])
        wanted = [row for row in whole if low <= row["timestamp"][:10] <= high]
        found = landing_rows(stage, account, **query)
        expect(found == wanted, f"of {len(wanted)} rows from {low} to {high} come {len(found)}, or others")
        _landing_matches(stage.answered(Request.get(SUMMARY, query), account).object(), wanted)
    one = landing_rows(stage, account, start_date=first, end_date=first)
    expect(one == [row for row in whole if row["timestamp"][:10] == first], "a window of one day is not that day")


def _landing_matches(sums: Row, found: list[Row]) -> None:
    _same(sums["total_points_consumed"], sum(map(charged, found), Decimal(0)), "points")
    seconds = sum((amount(row["duration_seconds"]) for row in found), Decimal(0))
    _same(sums["total_duration_seconds"], seconds, "seconds")
    shown = {name: amount(value) for name, value in sums["breakdown_by_model"].items()}
    expect(shown == _by_model(found), f"the breakdown is {shown}, and the rows add up to {_by_model(found)}")
    expect(sum(shown.values(), Decimal(0)) == amount(sums["total_points_consumed"]), "the breakdown is not its total")


@promise("USAGE-128", {"midsync": "R-MID-123"})
def breakdown_adds_up(stage: Stage) -> None:
    """The landing summary's models add up to its total, and that is the developer form's total."""
    account = customer(stage)
    sums = stage.answered(Request.get(SUMMARY), account, "query").object()
    total = sum((amount(value) for value in sums["breakdown_by_model"].values()), Decimal(0))
    _same(sums["total_points_consumed"], total, "points in all, by model")
    if stage.assumptions:
        _same(summary(stage, account)["totalPointsCharged"], total, "points in the developer form")
        _landing_matches(sums, landing_rows(stage, account))
