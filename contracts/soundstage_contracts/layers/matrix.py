"""Layer 2: every promise of a provider, case by case, each with accounts of its own, in a fixed order."""

from __future__ import annotations

from collections.abc import Iterator

from soundstage_contracts import clock
from soundstage_contracts.drivers.base import Driver
from soundstage_contracts.promise import Promise, promises
from soundstage_contracts.stage import Stage
from soundstage_contracts.target import Target
from soundstage_contracts.verdict import (
    READING_ERRORS,
    AdapterError,
    NotApplicable,
    NotTested,
    Outcome,
    Result,
    SuiteError,
    UnreachableError,
    Verdict,
)

LAYER = "L2"


def matrix(target: Target, chosen: tuple[Promise, ...] | None = None) -> Iterator[Result]:
    """Try every promise (or the chosen ones) and yield what came of each case."""
    for promise in promises() if chosen is None else chosen:
        for case in cases_of(promise, target.driver):
            yield try_promise(promise, case, target)


def cases_of(promise: Promise, driver: Driver) -> tuple[str | None, ...]:
    """Return the cases a provider has of a promise.

    A promise it does not make counts as one case, unless it is about something only one other provider has.
    """
    if promise.applies(driver.id):
        return promise.cases(driver)
    return () if len(promise.providers) == 1 else (None,)


def result_id(driver: Driver, promise: Promise, case: str | None) -> str:
    """Return the id a case of a promise has in results."""
    return f"{driver.prefix}-{promise.number}" + ("" if case is None else f"[{case}]")


def try_promise(promise: Promise, case: str | None, target: Target) -> Result:
    """Try one case of a promise."""
    driver = target.driver
    name = result_id(driver, promise, case)
    sources = promise.sources.get(driver.id, ())
    stage = Stage(target, name)
    began = clock.monotonic()
    verdict, says = Verdict.PASS, ""
    try:
        _may_try(promise, case, target)
        promise.run(stage, case)
    except Outcome as outcome:
        verdict, says = outcome.verdict, str(outcome)
    except READING_ERRORS as error:
        verdict, says = _unread(stage, error)
    except (UnreachableError, AdapterError):
        raise
    except Exception as error:
        raise SuiteError(f"{name} is broken itself: {type(error).__name__}: {error}") from error
    took = clock.monotonic() - began
    return Result(name, promise.title, verdict, says, sources, LAYER, took, tuple(stage.evidence))


def _unread(stage: Stage, error: Exception) -> tuple[Verdict, str]:
    """Return what it means that a check could not read what came: it reads replies as documented."""
    contract = stage.target.contract
    said = f"{type(error).__name__}: {error}"
    for exchange in stage.evidence:
        if exchange.kind == "call" and exchange.reply is not None:
            for problem in contract.problems(exchange.request, exchange.reply):
                return Verdict.FAIL, f"a reply is not as documented: {problem}"
    if stage.assumptions:
        return Verdict.FAIL, f"what came cannot be read as the documents have it ({said})"
    return Verdict.NOT_TESTED, f"what came cannot be read ({said}), and no document says that it must be so"


def _may_try(promise: Promise, case: str | None, target: Target) -> None:
    provider = target.driver.id
    if not promise.applies(provider) or (promise.each is not None and case is None):
        raise NotApplicable(f"{target.driver.title} promises nothing of the kind")
    if provider in promise.assumed and not target.assumptions:
        raise NotTested(f"no document says it ({promise.assumed[provider]}); --assumptions tries it")
