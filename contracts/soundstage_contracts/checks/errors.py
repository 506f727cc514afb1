"""Errors: each kind has its status and its shape, unknown paths and methods too, and none of them takes anything."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from soundstage_contracts.checks.auth import harmless
from soundstage_contracts.checks.creation_cases import before_spending
from soundstage_contracts.checks.error_causes import bring_about, create
from soundstage_contracts.checks.money import glance, nothing_made, takes
from soundstage_contracts.documents.contract import Contract
from soundstage_contracts.drivers.base import Driver
from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import expect

SHAPED = {"midsync": "R-MID-137", "revidapi": "R-REV-220 R-REV-221", "apikeyorg": "R-KEY-070"}
ASSUMED = {
    "midsync": "errors are unpublished (R-MID-135)",
    "revidapi": "statuses are the parent brand's, the body is an older source's, 405, 413 and 415 are ours",
    "v2gateway": "errors are unpublished (R-V2-070)",
    "apikeyorg": "statuses and all codes but one are unpublished (R-KEY-071)",
}
INSIDE = ("traceback", "site-packages", '.py"', "exception:", "line 1, in ")
"""What an error message shows only when the inside of a program has leaked into it."""


def kinds(driver: Driver) -> Iterator[str]:
    """Yield every kind of refusal a provider has."""
    yield from driver.errors


def paths(driver: Driver) -> Iterator[str]:
    """Yield every documented path."""
    yield from Contract(driver.id, assumptions=True).document["paths"]


def well_formed(stage: Stage, reply: Reply) -> None:
    """Raise Broken unless a refusal is JSON in the provider's shape that shows nothing of the program behind it."""
    expect(reply.media_type == "application/json", f"a refusal comes as {reply.media_type!r}")
    said = stage.driver.error(reply).message
    expect(bool(said.strip()), "a refusal does not say why")
    shown = [one for one in INSIDE if one in said.lower()]
    expect(not shown, f"a refusal shows the inside of a program: {said[:200]!r}")


@promise("ERR-001", SHAPED, assumed=ASSUMED, each=kinds)
def each_kind(stage: Stage, kind: str) -> None:
    """Every kind of refusal comes from its natural cause, with its status and code, in the provider's shape."""
    account = stage.account()
    before = glance(stage, account)
    request, reply = bring_about(stage, kind)
    stage.error_of(request, reply, kind)
    well_formed(stage, reply)
    if kind == "rate":
        waits = reply.header("retry-after") or ""
        expect(waits.isdecimal() and int(waits) > 0, f"a refusal for too many calls says Retry-After {waits!r}")
    if stage.target.adapter is not None:
        stage.adapter.clear_faults(account)
    takes(before, glance(stage, account), Decimal(0), f"after a refusal as {kind}")
    nothing_made(stage, account)


@promise("ERR-002", assumed=ASSUMED)
def no_such_path(stage: Stage) -> None:
    """A path that no document knows is not found, with and without a key, by every method."""
    for path in (
        "/nothing",
        "/v1/nothing",
        "/v1/nothing/at/all",
        "/v2/nothing",
        "/v9/models",
        create(stage).path + "/x/y/z",
    ):
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
            request = Request(method, path) if method == "GET" else Request.json(path, {}, method)
            reply = stage.call(request)
            expect(reply.status == 404, f"{method} {path} answers {reply.status} and should answer 404")
            well_formed(stage, reply)


@promise("ERR-003", assumed=ASSUMED, each=paths)
def wrong_method(stage: Stage, path: str) -> None:
    """A documented path refuses methods it has not, and says in Allow which it has."""
    contract = stage.target.contract
    here = [one for one in contract.operations if one.path == path]
    known = {one.method for one in here}
    where = harmless(contract, here[0]).path
    # Of two templates that fit one address, the address belongs to both.
    known |= {
        one.method
        for one in contract.operations
        if len(one.path.split("/")) == len(path.split("/")) and _fits(one.path, where)
    }
    for method in sorted({"GET", "POST", "PUT", "DELETE", "PATCH"} - known):
        request = Request(method, where) if method == "GET" else Request.json(where, {}, method)
        reply = stage.call(request)
        stage.error_of(request, reply, "method")
        well_formed(stage, reply)
        allowed = {one.strip() for one in (reply.header("allow") or "").split(",")}
        expect(known <= allowed, f"{path} has {sorted(known)}, and Allow says {sorted(allowed)}")
        expect(method not in allowed, f"{method} {path} is refused with 405 and Allow says {sorted(allowed)}")


def _fits(template: str, path: str) -> bool:
    pairs = zip(template.split("/"), path.split("/"), strict=True)
    return all(part == given or part.startswith("{") for part, given in pairs)


@promise("ERR-004", assumed=ASSUMED)
def says_when(stage: Stage) -> None:
    """A refusal for too many calls, or for an outage of known length, says in Retry-After when to come again."""
    for fault, kind in (("http/rate-limited", "rate"), ("http/status", "unavailable")):
        more = {} if kind == "rate" else {"status": 503}
        stage.adapter.fault(stage.someone, fault, retry_after=7, **more)
        request = create(stage)
        reply = stage.call(request)
        stage.error_of(request, reply, kind)
        well_formed(stage, reply)
        expect(reply.header("retry-after") == "7", f"Retry-After is {reply.header('retry-after')!r} and should be 7")
        stage.adapter.clear_faults(stage.someone)
    stage.start()


@promise("ERR-005", assumed=ASSUMED)
def after_an_outage(stage: Stage) -> None:
    """A poll that is refused during an outage harms nothing: afterwards the task is as it would have been."""
    before_spending(stage)
    task = stage.start()
    before = stage.poll(task)
    for status in (500, 503):
        stage.adapter.fault(task.account, "http/status", status=status)
        reply = stage.call(stage.driver.poll(task.id, task.creation))
        expect(reply.status == status, f"an outage with {status} is answered with {reply.status}")
        well_formed(stage, reply)
        stage.adapter.clear_faults(task.account)
    expect(stage.poll(task) == before, "refused polls have changed the task")
    last = stage.follow(task)[-1]
    expect(last.state == stage.driver.life.success, f"after an outage the task ends as {last.state}")
