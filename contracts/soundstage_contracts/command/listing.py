"""The catalogue of promises: what `--list` and `--explain` print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from soundstage_contracts.documents import providers
from soundstage_contracts.drivers import driver_of
from soundstage_contracts.drivers.base import Driver
from soundstage_contracts.promise import Promise, promises


def listed(names: Sequence[str]) -> str:
    """Return a line for each promise of these providers: its id, what it says, its sources."""
    rows = [row for name in names for row in _rows(driver_of(name))]
    width = max((len(row[0]) for row in rows), default=0)
    return "\n".join(f"{name:<{width}}  {title}  [{sources}]" for name, title, sources in rows)


def explained(name: str) -> str:
    """Return what a promise says in full and where it comes from, or nothing when there is none of this id."""
    number = name.partition("[")[0].upper()
    prefixes = {driver_of(one).prefix: one for one in providers()}
    prefix, _, rest = number.partition("-")
    if prefix in prefixes:
        number = rest
    found = next((one for one in promises() if one.number == number), None)
    return "" if found is None else "\n".join(_explained(found))


def _rows(driver: Driver) -> Iterator[tuple[str, str, str]]:
    for promise in promises():
        if promise.applies(driver.id):
            yield f"{driver.prefix}-{promise.number}", promise.title, _sources(promise, driver.id)


def _sources(promise: Promise, provider: str) -> str:
    told = list(promise.sources.get(provider, ()))
    if provider in promise.assumed:
        told.append(f"assumed: {promise.assumed[provider]}")
    return " ".join(told)


def _explained(promise: Promise) -> Iterator[str]:
    yield from (promise.number, "", promise.says, "")
    for provider in providers():
        driver = driver_of(provider)
        if not promise.applies(provider):
            yield f"{driver.title}: promises nothing of the kind"
            continue
        cases = [case for case in promise.cases(driver) if case is not None]
        many = f", {len(cases)} cases: {'; '.join(cases[:8])}{' …' if len(cases) > 8 else ''}" if cases else ""
        yield f"{driver.title}: {driver.prefix}-{promise.number} [{_sources(promise, provider)}]{many}"
