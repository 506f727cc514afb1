"""API-Key's refusals: the documented body, which field is to blame, and what nobody is told."""

from __future__ import annotations

from typing import Any

from soundstage_contracts.adapters.base import Account
from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.oracles.apikeyorg import BY_TOKEN, CREATES, ENTRY_POINTS, ESTIMATE, MODELS
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import expect

CHAT: dict[str, Any] = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Name a use of a paper boat"}]}
EMBEDDING: dict[str, Any] = {"model": "text-embedding-3-small", "input": "a paper boat", "dimensions": 8}
DOCUMENTED = {"message": "Insufficient credits", "type": "gateway_error", "code": "insufficient_credits"}


def answer_to(stage: Stage, request: Request, kind: str, account: Account | None = None) -> Reply:
    """Send a request that must be refused as `kind`, nothing being taken for it, and return the reply."""
    stage.refused(request, kind, account)
    last = stage.evidence[-1].reply
    assert last is not None  # noqa: S101 - refused() has read it
    return last


def denied(stage: Stage, request: Request, kind: str, param: str | None, account: Account | None = None) -> Reply:
    """As `answer_to`; with assumptions the error must blame `param`, or no field where that is None."""
    reply = answer_to(stage, request, kind, account)
    if stage.assumptions:
        blamed = reply.field("error").get("param")
        expect(blamed == param, f"the refusal blames {blamed!r} and should blame {param!r}")
    return reply


def everything_paid(stage: Stage) -> dict[str, Request]:
    """Return one valid request of each paid operation, by path."""
    made = {request.path: request for request in (one.build("A paper boat") for one in stage.driver.creations()[::-1])}
    return made | {path: Request.json(path, body) for path, body in zip(BY_TOKEN, (CHAT, EMBEDDING), strict=True)}


@promise("ERR-401", {"apikeyorg": "R-KEY-070"}, each=(*CREATES, *BY_TOKEN))
def poor(stage: Stage, case: str) -> None:
    """An account without credits is refused with the documented error body, and it stays without a task."""
    account = stage.account(balance=0)
    request = everything_paid(stage)[case]
    reply = answer_to(stage, request, "credits", account)
    error = reply.field("error")
    said = {name: error.get(name) for name in ("type", "code")}
    expect(said == {name: DOCUMENTED[name] for name in said}, f"the documents say {DOCUMENTED}, not {error}")
    if stage.assumptions:
        expect(reply.object() == {"error": DOCUMENTED}, f"the documents say {DOCUMENTED} and nothing more, not {error}")
        expect(not stage.step(account), "a refused create left something that goes on")


@promise("ERR-402", {"apikeyorg": "R-KEY-025 R-KEY-027"}, assumed={"apikeyorg": "codes of 404 and A-KEY-14"})
def nothing_there(stage: Stage) -> None:
    """What is not there is told by one of three codes: a task, a model, a path."""
    for name in ("task_abc123", "task_000000000000000000000000", "x"):
        denied(stage, Request.get(f"/v1/tasks/{name}"), "no_task", None)
    for path, request in (*everything_paid(stage).items(), (ESTIMATE, Request.json(ESTIMATE, {}))):
        body = request.value() or {}
        denied(stage, Request.json(path, {**body, "model": "no-such-model-9"}), "no_model", "model")
    for path in ("/v1/videos/generations", "/v1/tasks", "/v1/video", "/v1/models/seedance-2"):
        stage.refused(Request.get(path), "no_path")


@promise("ERR-403", {}, assumed={"apikeyorg": "x-request-id is unpublished"})
def named_replies(stage: Stage) -> None:
    """Every reply, good or bad, has an x-request-id of its own."""
    task = stage.start(None, "image")
    for request in (
        stage.driver.poll(task.id, task.creation),
        stage.driver.poll("task_abc123", task.creation),
        stage.driver.quote(task.request),
        *(Request.get(path) for path in (MODELS, "/v1/nothing", *ENTRY_POINTS)),
        *(Request.json(path, {}) for path in (*CREATES, *BY_TOKEN)),
    ):
        stage.call(request)
    names = [one.reply.header("x-request-id") for one in stage.evidence if one.reply is not None]
    expect(None not in names, "a reply has no x-request-id")
    expect(len(set(names)) == len(names), "two replies have the same x-request-id")


@promise("LIMIT-401", {}, assumed={"apikeyorg": "limits are unpublished (R-KEY-071)"})
def to_the_millisecond(stage: Stage) -> None:
    """A key over its limit is told the wait in milliseconds as well, and may call again then and not before."""
    account = stage.account(limits={"requests_per_minute": 7})
    request = Request.get(MODELS)
    for _ in range(7):
        stage.answered(request, account)
    reply = answer_to(stage, request, "rate", account)
    seconds, milliseconds = (int(reply.header(name) or "-1") for name in ("retry-after", "retry-after-ms"))
    expect(seconds - 1 < milliseconds / 1000 <= seconds, f"{milliseconds} ms are not {seconds} s")
    stage.pass_seconds((milliseconds - 1) / 1000, account)
    stage.refused(request, "rate", account)
    stage.pass_seconds(0.001, account)
    stage.answered(request, account)
