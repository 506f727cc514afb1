"""The cases of promises that are kept once for some of the ways to make a task."""

from __future__ import annotations

from collections.abc import Iterator

from soundstage_contracts.adapters.base import Adapter
from soundstage_contracts.drivers.base import Driver
from soundstage_contracts.exchange import Request
from soundstage_contracts.stage import PROMPT, Stage
from soundstage_contracts.verdict import NotApplicable


def with_quote(driver: Driver) -> Iterator[str]:
    """Yield the ways to make a task whose price the provider tells beforehand."""
    for creation in driver.creations():
        try:
            driver.quote(creation.build(PROMPT))
        except NotApplicable:
            continue
        yield creation.name


def with_callback(driver: Driver) -> Iterator[str]:
    """Yield the ways to make a task that can ask for a callback."""
    yield from (creation.name for creation in driver.creations() if creation.callback is not None)


def as_json(driver: Driver) -> Iterator[str]:
    """Yield the ways to make a task whose cheapest request is JSON."""
    yield from (creation.name for creation in driver.creations() if is_json(creation.build(PROMPT)))


def is_json(request: Request) -> bool:
    """Return whether a request's body says it is JSON."""
    return (request.header("content-type") or "").startswith("application/json")


def before_spending(stage: Stage) -> Adapter:
    """Return the adapter; raises NotTested where there is none, before the check has paid for a task it cannot use."""
    return stage.adapter
