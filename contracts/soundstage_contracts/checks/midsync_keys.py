"""MidSync's keys: which scope opens what, and the key in the address."""

from __future__ import annotations

from soundstage_contracts.checks.midsync_dialects import LANDING
from soundstage_contracts.checks.midsync_ways import (
    CREATE,
    CREATES,
    GENERATE,
    LOGS,
    MODELS,
    QUOTE,
    STATUS,
    SUMMARY,
    body_of,
    landing_rows,
    points,
)
from soundstage_contracts.exchange import Request
from soundstage_contracts.oracles.midsync import RUNWAY
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import expect

_BODY = body_of(RUNWAY, duration=5, quality="720p")


@promise("AUTH-101", {"midsync": "R-MID-004 R-MID-007"})
def scope_of_generate(stage: Stage) -> None:
    """A key without api.generate makes no task, and one that has nothing else does."""
    without = stage.account(scopes=("api.read",))
    stage.refused(Request.json(GENERATE, _BODY), "forbidden", without)
    stage.answered(Request.json(GENERATE, _BODY), stage.account(scopes=("api.generate",)))


@promise(
    "AUTH-102",
    {"midsync": "R-MID-008 R-MID-009"},
    assumed={"midsync": "newer pages leave scopes to the backend; for the public create path none is named"},
)
def scopes(stage: Stage) -> None:
    """Everything about tasks needs api.generate, everything about usage api.read, and neither opens the other."""
    tasks = (
        Request.json(CREATE, _BODY),
        Request.json(CREATE, LANDING),
        Request.json(QUOTE, _BODY),
        Request.get(MODELS),
        Request.get(STATUS.format("gen_000000000000000000000000")),
    )
    usage = (Request.get(LOGS), Request.get(SUMMARY), Request.get(LOGS, {"start_date": "2026-01-01"}))
    reads, makes = stage.account(scopes=("api.read",)), stage.account(scopes=("api.generate",))
    nothing = stage.account(scopes=())
    for request in tasks:
        stage.refused(request, "forbidden", reads)
        stage.refused(request, "forbidden", nothing)
        opened = stage.call(request, makes)
        expect(opened.status in {200, 404}, f"with api.generate {request.path} answers {opened.status}")
    for request in usage:
        stage.refused(request, "forbidden", makes)
        stage.refused(request, "forbidden", nothing)
        stage.answered(request, reads)


@promise("AUTH-103", {"midsync": "R-MID-005 R-MID-065 R-MID-117 R-MID-123"})
def key_in_the_address(stage: Stage) -> None:
    """The landing form takes its key as api_key: for a create, for the logs and for the summary."""
    for path in (LOGS, SUMMARY):
        stage.answered(Request.get(path), None, "query")
    if stage.target.adapter is not None:
        stage.answered(Request.json(CREATE, LANDING | {"resolution": "1080p"}), None, "query").field("task_id")


@promise(
    "AUTH-104",
    {"midsync": "R-MID-004 R-MID-005 R-MID-041"},
    assumed={"midsync": "the documents contradict each other about the key's place and say nothing of mixtures"},
)
def where_a_key_counts(stage: Stage) -> None:
    """A wrong api_key is refused, the other paths take none, and beside a header the header's key is the caller."""
    mine = stage.account()
    other = stage.account(beside=mine)
    for request in (Request.json(CREATE, LANDING), Request.get(LOGS), Request.get(SUMMARY)):
        for wrong in ("sk_test_nobody_invalid", ""):
            refused = request.asking(api_key=wrong)
            stage.error_of(refused, stage.bare(refused), "unauthorized")
    for request in (*(Request.json(path, _BODY) for path in (QUOTE, GENERATE)), Request.get(MODELS)):
        reply = stage.call(request, mine, "query")
        stage.error_of(request, reply, "unauthorized")
    expect(stage.taken(mine) == 0, "refused calls took points")
    stage.answered(Request.json(CREATE, LANDING).asking(api_key=other.key), mine)
    rows = len(landing_rows(stage, mine)), len(landing_rows(stage, other))
    expect(rows == (1, 0), f"with two keys the caller has {rows[0]} rows and the other account {rows[1]}")


@promise("AUTH-105", {"midsync": "R-MID-004 R-MID-011 R-MID-070"})
def one_key_for_all(stage: Stage) -> None:
    """One general key in the header opens every documented endpoint."""
    for path in (MODELS, LOGS, SUMMARY):
        stage.answered(Request.get(path))
    points(stage, _BODY)
    if stage.target.adapter is not None:
        for path in CREATES:
            reply = stage.answered(Request.json(path, _BODY))
            stage.answered(Request.get(STATUS.format(reply.field("taskId"))))
