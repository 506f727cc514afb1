"""API-Key's keys: what needs none, which header counts, and what a key may be limited to."""

from __future__ import annotations

from soundstage_contracts.checks.apikeyorg_errors import denied, everything_paid
from soundstage_contracts.exchange import Request
from soundstage_contracts.oracles.apikeyorg import BY_TOKEN, CREATES, ENTRY_POINTS, ESTIMATE, MODELS
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import NotTested, expect

PAID = (*CREATES, *BY_TOKEN)
PUBLISHED = ("/v1/videos", "poll", MODELS)
"""Requests whose every value is documented; of the others a reply without assumptions may say no, but not 401."""


@promise("AUTH-401", {"apikeyorg": "R-KEY-002 R-KEY-003"}, assumed={"apikeyorg": "bad keys where none is needed"})
def judged_everywhere(stage: Stage) -> None:
    """A key that is sent where none is needed must be a good one all the same, in either header."""
    revoked = stage.account(revoked=True)
    estimate = stage.driver.quote(stage.creation().build("A paper boat"))
    for request in (*(Request.get(path) for path in (MODELS, *ENTRY_POINTS)), estimate):
        for key in ("?", "sk 1", revoked.key):
            for form in stage.driver.key_forms:
                sent = stage.driver.authorize(request, key, form)
                stage.error_of(sent, stage.bare(sent), "unauthorized")


@promise("AUTH-402", {"apikeyorg": "R-KEY-002"}, assumed={"apikeyorg": "no document says which counts (A-KEY-02)"})
def authorization_counts(stage: Stage) -> None:
    """Where both headers are sent, Authorization counts, whatever is in the other."""
    owner = stage.account()
    other = stage.account(beside=owner)
    task = stage.start(owner, "image")
    poll = stage.driver.poll(task.id, task.creation)
    mine, foreign = (poll.having("authorization", f"Bearer {one.key}") for one in (owner, other))
    for request in (mine.having("x-api-key", other.key), mine.having("x-api-key", "?")):
        reply = stage.bare(request)
        expect(reply.status == 200, f"Authorization is the owner's, and the reply is {reply.status}")
        expect(reply.field("task_id") == task.id, "the poll shows another task")
    stage.error_of(poll, stage.bare(foreign.having("x-api-key", owner.key)), "no_task")
    for value in ("Bearer ?", "Basic c2s6c2s=", ""):
        sent = poll.having("authorization", value).having("x-api-key", owner.key)
        stage.error_of(sent, stage.bare(sent), "unauthorized")


@promise("AUTH-403", {"apikeyorg": "R-KEY-004 R-KEY-072"}, each=(*PAID, ESTIMATE))
def limited_to_models(stage: Stage, case: str) -> None:
    """A key limited to some models is refused another one, and may use its own."""
    if case == ESTIMATE and not stage.assumptions:
        raise NotTested("whether an estimate knows a key's limits is in no document")
    request = everything_paid(stage).get(case) or stage.driver.quote(stage.creation().build("A paper boat"))
    model = request.value()["model"]
    elsewhere = "claude-sonnet-5" if case in BY_TOKEN else "lyria-3"
    able, unable, banned = (stage.account(models=given) for given in ((elsewhere, model), (elsewhere,), ()))
    for account in (unable, banned):
        denied(stage, request, "model_forbidden", "model", account)
    stage.answered(request, able)


@promise("AUTH-404", {"apikeyorg": "R-KEY-004 R-KEY-072"}, each=(*PAID, "poll", MODELS))
def limited_to_addresses(stage: Stage, case: str) -> None:
    """A key limited to some addresses is refused from all others, and may be used from its own."""
    if case == MODELS and not stage.assumptions:
        raise NotTested("whether the list of models knows a key's limits is in no document")
    outside = stage.account(ip_allowlist=("203.0.113.0/24", "198.51.100.7"))
    inside = stage.account(ip_allowlist=("203.0.113.7", "127.0.0.0/8", "::1/128"))
    task = stage.start(inside, "image")
    request = everything_paid(stage).get(case) or Request.get(case)
    if case == "poll":
        request = stage.driver.poll(task.id, task.creation)
    denied(stage, request, "address_forbidden", None, outside)
    stage.answered(request, inside)


@promise("AUTH-411", {"apikeyorg": "R-KEY-002"}, each=(*PAID, "poll", ESTIMATE, MODELS))
def either_header(stage: Stage, case: str) -> None:
    """A good key is let in wherever one may be sent, in Authorization as in x-api-key, and gets the same answer."""
    account = stage.account()
    request = everything_paid(stage).get(case) or Request.get(case)
    if case == "poll":
        task = stage.start(account)
        request = stage.driver.poll(task.id, task.creation)
    elif case == ESTIMATE:
        request = stage.driver.quote(stage.creation().build("A paper boat"))
    replies = {form: stage.call(request, account, form) for form in stage.driver.key_forms}
    statuses = {form: reply.status for form, reply in replies.items()}
    if stage.assumptions or case in PUBLISHED:
        expect(set(statuses.values()) == {200}, f"a valid request is answered by the key's header: {statuses}")
    expect(401 not in statuses.values(), f"a good key is refused: {statuses}")
    expect(len(set(statuses.values())) == 1, f"the answer depends on the header that the key is in: {statuses}")
