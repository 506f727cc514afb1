"""Layer 1: requests made up from the document, right ones and wrong ones, and every answer judged by the document."""

from __future__ import annotations

import base64
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any

from soundstage_contracts import clock
from soundstage_contracts.adapters.base import Account
from soundstage_contracts.documents.contract import Operation
from soundstage_contracts.drivers.samples import FILES
from soundstage_contracts.exchange import Exchange, Reply, Request
from soundstage_contracts.layers.beginning import unsupported
from soundstage_contracts.layers.jobs import Job
from soundstage_contracts.layers.kinds import KINDS, PHASE, REACHED, Family
from soundstage_contracts.layers.pinned import pinned
from soundstage_contracts.layers.worker import work
from soundstage_contracts.stage import Stage
from soundstage_contracts.target import Target
from soundstage_contracts.verdict import READING_ERRORS, NotTested, Outcome, Result, UnreachableError, Verdict
from soundstage_contracts.wire import GUARD

LAYER = "L1"
EXAMPLES = 10
SECONDS = 120.0
WRONG_KEY = "sk_test_verify_invalid"
"""A key that nobody was given."""
FAMILIES: Mapping[str, str] = {one.number: one.title for one in (REACHED, *KINDS, PHASE)}
"""What the layer's results promise, by number."""


@dataclass
class Seen:
    """What a run has shown so far, by operation."""

    reached: set[str] = field(default_factory=set)
    asked: Counter[str] = field(default_factory=Counter)
    denied: Counter[str] = field(default_factory=Counter)
    tried: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    phases: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    unsupported: str = ""
    silent: int = 0
    ended: bool = False
    late: bool = False


def fuzz(
    target: Target, *, seed: int, max_examples: int = EXAMPLES, seconds: float = SECONDS, phases: tuple[str, ...] = ()
) -> Iterator[Result]:
    """Run the engine once and yield what came of each operation and kind of check.

    The same seed sends the same requests to a target that answers the same. Requests to an operation that may cost
    credits are made only where an adapter made the account, or where a guard stands before the target.
    """
    began = clock.monotonic()
    whole = Result(_name(target, PHASE), PHASE.title, Verdict.NOT_TESTED, layer=LAYER)
    stage = Stage(target, f"{target.driver.prefix}-FUZZ")
    try:
        job, costly = _job(stage, seed, max_examples, seconds)
    except Outcome as outcome:
        yield replace(whole, verdict=outcome.verdict, says=str(outcome), evidence=tuple(stage.evidence))
        return
    except READING_ERRORS as error:
        says = f"what fuzzing needs cannot be made, a reply is not as documented: {type(error).__name__}: {error}"
        yield replace(whole, verdict=Verdict.FAIL, says=says, evidence=tuple(stage.evidence))
        return
    if phases:
        job = replace(job, phases=phases)
    seen = Seen()
    for line in work(job):
        _take(line, seen, target)
    if seen.unsupported:
        yield replace(whole, says=seen.unsupported)
        return
    took = clock.monotonic() - began
    for operation in target.contract.operations:
        yield from _results(target, operation, seen, costly)
    yield _ending(whole, seen, took)


def _job(stage: Stage, seed: int, max_examples: int, seconds: float) -> tuple[Job, frozenset[str]]:
    target = stage.target
    if find_spec("schemathesis") is None:
        raise NotTested("it needs Schemathesis: pip install 'soundstage[contracts]'")
    if says := unsupported():
        raise NotTested(says)
    base_url = getattr(target.sender, "base_url", None)
    if base_url is None:
        raise NotTested("it needs a target that answers, not a tape")
    account = _account(target)
    costly = frozenset[str]() if target.adapter is not None or guarded(target) else _costly(target)
    document = target.contract.document
    schemes = document["components"]["securitySchemes"]
    checks = [check for family in _families(target) for check in family.checks]
    return Job(
        provider=target.driver.id,
        document=pinned(document, costly),
        base_url=base_url,
        scheme=next(name for name, one in schemes.items() if one.get("scheme") == "bearer"),
        key=account.key,
        wrong_key=WRONG_KEY,
        seed=seed,
        max_examples=max_examples,
        seconds=seconds,
        checks=checks,
        assumptions=target.assumptions,
        given=target.driver.prepare(stage, account),
        files={kind: base64.b64encode(content).decode() for kind, (_, _, content) in FILES.items()},
    ), costly


def _account(target: Target) -> Account:
    if target.adapter is not None:
        label = f"{target.driver.prefix.lower()}-fuzz"
        return target.adapter.open(target.driver.id, label, target.driver.room)
    if target.given is None:
        raise NotTested("it needs a key")
    return target.given


def guarded(target: Target) -> bool:
    """Return whether a guard stands before the target: it answers itself to what no document knows."""
    try:
        target.sender.send(Request.get("/soundstage-contracts/is-there-a-guard"))
    except NotTested:
        return True
    except UnreachableError:
        return False
    return False


def _costly(target: Target) -> frozenset[str]:
    """Return the operations that are not surely free, by the price of their documented path."""
    driver = target.driver
    known = {one.operation for one in driver.creations()}
    for operation in target.contract.operations:
        if driver.worst_price(Request(operation.method, _filled(target, operation))) != 0:
            known.add(operation.name)
    return frozenset(known)


def _filled(target: Target, operation: Operation) -> str:
    """Return an operation's path with a value in each placeholder: one that is listed, or any word."""
    item = target.contract.document["paths"][operation.path]
    path = operation.path
    for given in (*item.get("parameters", ()), *operation.says.get("parameters", ())):
        says = target.contract.resolved(given)
        values = target.contract.resolved(says.get("schema", {})).get("enum", ["x"])
        path = path.replace(f"{{{says['name']}}}", str(values[0]))
    return path


def _families(target: Target) -> tuple[Family, ...]:
    return tuple(one for one in KINDS if target.assumptions or not one.assumed)


def _take(line: dict[str, Any], seen: Seen, target: Target) -> None:
    kind = line["kind"]
    if kind == "exchange":
        _take_exchange(line, seen, target)
    elif kind == "checks":
        seen.tried.update({(operation, check): count for operation, check, count in line["counts"]})
    elif kind == "failure":
        seen.failures[line["operation"], line["check"]].append(line)
    elif kind == "phase":
        seen.phases[line["name"]] = line["status"]
    elif kind == "unsupported":
        seen.unsupported = line["says"]
    elif kind == "end":
        seen.ended, seen.late = True, line["late"]
        if line["harvested"]:
            seen.errors.append("Hypothesis drew values from the suite's own modules; what was sent depends on them")
    else:
        # error, stopped, died
        seen.errors.append(line["says"])


def _take_exchange(line: dict[str, Any], seen: Seen, target: Target) -> None:
    exchange = _exchange(line, target)
    operation = target.contract.operation(exchange.request.method, exchange.request.path)
    name = operation.name if operation is not None and operation.method == exchange.request.method else ""
    reply = exchange.reply
    seen.asked[name] += 1
    if reply is not None and reply.header(GUARD) is not None:
        seen.denied[name] += 1
        return
    if exchange.request.path == "/":
        # How the engine finds out what the server takes at all; no part of the contract.
        return
    if reply is not None and 200 <= reply.status < 300:
        seen.reached.add(name)
    seen.silent += reply is None
    target.observe(exchange)


def _exchange(line: Mapping[str, Any], target: Target) -> Exchange:
    sent, came = line["request"], line["reply"]
    headers = tuple((name, value) for name, value in sent["headers"])
    request = Request(sent["method"], sent["path"], headers, base64.b64decode(sent["body"]))
    check = f"{target.driver.prefix}-FUZZ"
    if came is None:
        return Exchange(request, None, "call", check, "fuzz", line.get("failure", ""))
    headers = tuple((name, value) for name, value in came["headers"])
    reply = Reply(came["status"], headers, base64.b64decode(came["body"]), came["took"])
    return Exchange(request, reply, "call", check, "fuzz")


def _results(target: Target, operation: Operation, seen: Seen, costly: frozenset[str]) -> Iterator[Result]:
    sources = tuple(operation.says.get("x-source", ()))
    for family in (REACHED, *KINDS):
        verdict, says, evidence = _verdict(target, operation.name, family, seen, costly)
        yield Result(_name(target, family, operation.name), family.title, verdict, says, sources, LAYER, 0.0, evidence)


def _verdict(
    target: Target, operation: str, family: Family, seen: Seen, costly: frozenset[str]
) -> tuple[Verdict, str, tuple[Exchange, ...]]:
    found = [one for check in family.checks for one in seen.failures.get((operation, check), ())]
    if found:
        shown = tuple(_exchange(one["exchange"], target) for one in found[:3] if one["exchange"] is not None)
        first = found[0]
        more = f" ({len(found)} times)" if len(found) > 1 else ""
        return Verdict.FAIL, f"{first['title']}{more}: {first['says']}"[:600], shown
    if operation in costly:
        return Verdict.NOT_TESTED, "it may cost credits, and no guard stands before the target", ()
    if family.assumed and not target.assumptions:
        return Verdict.NOT_TESTED, "no document says all of it; --assumptions tries it", ()
    if seen.denied[operation] and seen.denied[operation] == seen.asked[operation]:
        return Verdict.NOT_TESTED, "the guard let none of its requests pass", ()
    return _unbroken(operation, family, seen)


def _unbroken(operation: str, family: Family, seen: Seen) -> tuple[Verdict, str, tuple[Exchange, ...]]:
    if family is REACHED:
        if operation in seen.reached:
            return Verdict.PASS, "", ()
        if seen.denied:
            return Verdict.NOT_TESTED, "the guard did not let pass what makes what it asks for", ()
        return Verdict.NOT_REACHED, f"none of {seen.asked[operation]} requests was answered with success", ()
    if not any(seen.tried[operation, check] for check in family.checks):
        return Verdict.NOT_REACHED, "no request of the kind was made", ()
    return Verdict.PASS, "", ()


def _ending(whole: Result, seen: Seen, took: float) -> Result:
    broken = [f"the phase {name} ended with {status}" for name, status in seen.phases.items() if status == "error"]
    silent = [f"no answer came to {seen.silent} of {seen.asked.total()} requests"] if seen.silent else []
    problems = [*seen.errors, *broken, *silent]
    if problems or not seen.ended:
        says = "; ".join(problems)[:600] or "the engine stopped in the middle"
        return replace(whole, verdict=Verdict.FAIL, says=says, seconds=took)
    if seen.late:
        says = f"its time ran out after {seen.asked.total()} requests"
        return replace(whole, verdict=Verdict.NOT_REACHED, says=says, seconds=took)
    return replace(whole, verdict=Verdict.PASS, seconds=took)


def _name(target: Target, family: Family, operation: str = "") -> str:
    return f"{target.driver.prefix}-{family.number}" + (f"[{operation}]" if operation else "")
