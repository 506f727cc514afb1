"""The catalogue of promises: what `--list` and `--explain` print."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import soundstage_contracts
from soundstage_contracts.command import surprises
from soundstage_contracts.command.choosing import chosen
from soundstage_contracts.documents import providers
from soundstage_contracts.documents.contract import Contract
from soundstage_contracts.drivers import driver_of
from soundstage_contracts.drivers.base import Driver
from soundstage_contracts.layers import fuzz, model, static
from soundstage_contracts.promise import Promise, promises
from soundstage_contracts.watch import LAYER, Watcher

_LAYERS: Mapping[str, Mapping[str, str]] = {one.LAYER: one.FAMILIES for one in (static, fuzz, model)}


class Family(NamedTuple):
    """Results of one kind that come of a whole layer: the number they share, what they promise, and the layer."""

    number: str
    title: str
    layer: str


@cache
def families() -> tuple[Family, ...]:
    """Return every family, in the order of the layers."""
    known = [Family(number, title, layer) for layer, declared in _LAYERS.items() for number, title in declared.items()]
    driver = driver_of(providers()[0])
    # What was watched without having seen anything still says what it is about.
    watched = Watcher(driver, Contract(driver.id, assumptions=True)).results()
    known += (Family(_number(one.id, driver), one.title, LAYER) for one in watched)
    known += (Family(number, title, surprises.LAYER) for number, title in surprises.FAMILIES.items())
    return tuple(dict.fromkeys(known))


def _number(name: str, driver: Driver) -> str:
    return name.partition("[")[0].removeprefix(f"{driver.prefix}-")


def listed(names: Sequence[str]) -> str:
    """Return a line for each promise of these providers: its id, what it says, its sources or its layer."""
    rows = [row for name in names for row in _rows(driver_of(name))]
    width = max((len(row[0]) for row in rows), default=0)
    return "\n".join(f"{name:<{width}}  {title}  [{sources}]" for name, title, sources in rows)


def touches(driver: Driver, layer: str, only: tuple[str, ...]) -> bool:
    """Return whether a layer has a result whose id begins with one of `only`; without `only` each layer has."""
    if not only:
        return True
    numbers = [one.number for one in families() if one.layer == layer]
    numbers += [one.number for one in promises() if layer == "L2" and one.applies(driver.id)]
    return any(_begins(driver, number, wanted) for number in numbers for wanted in only)


def unknown(names: Sequence[str], only: tuple[str, ...]) -> str | None:
    """Return the first of `only` that no promise of these providers begins with, None when all are known."""
    drivers = [driver_of(name) for name in names]
    numbers = [one.number for one in families()] + [one.number for one in promises()]
    for wanted in only:
        if not any(_begins(driver, number, wanted) for driver in drivers for number in numbers):
            return wanted
    return None


def _begins(driver: Driver, number: str, wanted: str) -> bool:
    # A case in brackets is a matter of the run; what stands before it must be a promise.
    asked = (wanted.partition("[")[0],)
    return chosen(f"{driver.prefix}-{number}", asked)


def explained(name: str) -> str:
    """Return what a promise says in full and where it comes from, or nothing when there is none of this id.

    The beginning of an id that is a subject, such as GUARD or MID-FUZZ, explains all of its promises.
    """
    number = name.partition("[")[0].upper()
    prefix, _, rest = number.partition("-")
    if prefix in {driver_of(one).prefix for one in providers()}:
        number = rest
    found = [_explained(one) for one in promises() if _is_meant(number, one.number)]
    found += [_family(one) for one in families() if _is_meant(number, one.number)]
    return "\n\n".join("\n".join(one) for one in found)


def _is_meant(asked: str, number: str) -> bool:
    return asked in {number, number.partition("-")[0]}


def _rows(driver: Driver) -> Iterator[tuple[str, str, str]]:
    for family in families():
        yield f"{driver.prefix}-{family.number}", family.title, _layer(family)
    for promise in promises():
        if promise.applies(driver.id):
            yield f"{driver.prefix}-{promise.number}", promise.title, _sources(promise, driver.id)


def _layer(family: Family) -> str:
    return family.layer if family.layer == LAYER else f"layer {family.layer}"


def _sources(promise: Promise, provider: str) -> str:
    told = list(promise.sources.get(provider, ()))
    if provider in promise.assumed:
        told.append(f"assumed: {promise.assumed[provider]}")
    return " ".join(told)


def _family(family: Family) -> Iterator[str]:
    yield from (family.number, "", family.title, "")
    names = ", ".join(f"{driver_of(one).prefix}-{family.number}" for one in providers())
    yield f"{names} [{_layer(family)}; each result names the requirements it rests on]"


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
    yield from _example(promise)


def _example(promise: Promise) -> Iterator[str]:
    """Yield an exchange that keeps a promise and one that breaks it, of the first provider that has both."""
    for provider in providers():
        found = _examples(provider).get(promise.number)
        if found and found["broken"]:
            yield from ("", f"kept, by {driver_of(provider).title}:", *_exchange(found["kept"]))
            yield from ("broken:", *_exchange(found["broken"]), f"  → {found['says']}")
            return


def _exchange(shown: Mapping[str, Any]) -> Iterator[str]:
    # A form has many lines; an example is to be seen at a glance.
    sent, got = (" ".join(shown[name].split()) for name in ("sent", "got"))
    yield f"  {shown['request']}  {sent}".rstrip()
    yield f"  {shown['status']}  {got}"


@cache
def _examples(provider: str) -> Mapping[str, Any]:
    path = Path(soundstage_contracts.__file__).parent / "examples" / f"{provider}.json"
    known: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return known
