"""A promise of a provider as a function that tries it, with a stable name and its sources."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from pkgutil import walk_packages
from typing import TYPE_CHECKING

import soundstage_contracts.checks
from soundstage_contracts.documents import document, providers

if TYPE_CHECKING:
    from soundstage_contracts.drivers.base import Driver
    from soundstage_contracts.stage import Stage

Check = Callable[..., None]
Cases = Callable[["Driver"], Iterable[str]] | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise; `number` (`MONEY-003`) with the provider's prefix before it is the id everyone sees.

    `sources` are requirement ids by provider. `assumed` says by provider what of it no document says: such a promise is
    only tried on a target that claims to share our assumptions. A provider named in neither promises nothing of the
    kind. With `each`, the promise is kept case by case and the check is called with each case's name; it is a function
    of the driver, or the names themselves where they are the same for everyone.
    """

    number: str
    check: Check
    sources: Mapping[str, tuple[str, ...]]
    assumed: Mapping[str, str] = field(default_factory=dict)
    each: Cases | None = None

    @property
    def title(self) -> str:
        """The promise in one sentence: the first line of the check's docstring."""
        return inspect.getdoc(self.check).partition("\n")[0]  # type: ignore[union-attr]

    @property
    def says(self) -> str:
        """The whole docstring, the promise's entry in the catalogue."""
        return inspect.getdoc(self.check) or ""

    @property
    def providers(self) -> frozenset[str]:
        """The providers that promise this."""
        return frozenset({*self.sources, *self.assumed})

    def applies(self, provider: str) -> bool:
        """Return whether the provider promises this."""
        return provider in self.providers

    def cases(self, driver: Driver) -> tuple[str | None, ...]:
        """Return the names of the promise's cases; one None where it is no matter of cases, or has none here."""
        if self.each is None:
            return (None,)
        return (tuple(self.each(driver)) if callable(self.each) else self.each) or (None,)

    def run(self, stage: Stage, case: str | None) -> None:
        """Try the promise; raises an Outcome unless it holds."""
        if case is None:
            self.check(stage)
        else:
            self.check(stage, case)


_KNOWN: dict[str, Promise] = {}


def promise(
    number: str,
    sources: Mapping[str, str] | None = None,
    *,
    assumed: Mapping[str, str] | None = None,
    each: Cases | None = None,
) -> Callable[[Check], Check]:
    """Make a check a promise.

    `sources` gives the requirement ids by provider, separated by spaces: `{"midsync": "R-MID-074 R-MID-085"}`.
    Example: `@promise("MONEY-003", {"midsync": "R-MID-074"})`.
    """

    def keep(check: Check) -> Check:
        taken = _KNOWN.get(number)
        if taken is not None and (taken.check.__module__, taken.check.__qualname__) != (
            check.__module__,
            check.__qualname__,
        ):
            raise ValueError(f"{number} is taken by {taken.check.__module__}.{taken.check.__qualname__}")
        if not inspect.getdoc(check):
            raise ValueError(f"{number} needs a docstring: its first line is the promise")
        given = {provider: tuple(ids.split()) for provider, ids in (sources or {}).items()}
        _KNOWN[number] = Promise(number, check, given, dict(assumed or {}), each)
        return check

    return keep


@cache
def promises() -> tuple[Promise, ...]:
    """Return every promise of the package `checks`, found by importing its modules, in the order of their numbers.

    What all other providers promise, one that was just begun is assumed to promise too, until its author says more.
    """
    for module in walk_packages(soundstage_contracts.checks.__path__, "soundstage_contracts.checks."):
        import_module(module.name)
    begun = _just_begun()
    settled = set(providers()) - begun.keys()
    known = (_KNOWN[number] for number in sorted(_KNOWN))
    return tuple(_also_of(one, begun) if begun and settled <= one.providers else one for one in known)


def _just_begun() -> Mapping[str, str]:
    """Return the providers whose OpenAPI document calls itself as a whole an assumption, and what it says of that."""
    says = {provider: document(provider, "openapi").get("info", {}) for provider in providers()}
    return {provider: info["x-assumption"] for provider, info in says.items() if "x-assumption" in info}


def _also_of(known: Promise, begun: Mapping[str, str]) -> Promise:
    more = {provider: why for provider, why in begun.items() if provider not in known.providers}
    return replace(known, assumed={**known.assumed, **more})
