"""What a run is asked to do, and what came of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

from soundstage_contracts.verdict import Result, Verdict
from soundstage_contracts.wire import base_of

LAYERS = {
    "L0": "the documents are sound",
    "L1": "generated requests are answered as the documents say",
    "L2": "every promise, case by case",
    "L3": "a model of tasks and money agrees step by step",
}


@dataclass(frozen=True, slots=True)
class Options:
    """What to verify and how far to go; None is for what follows from the rest.

    `base_url` stands in for the provider's scheme and host. `adapter` is soundstage or none; with one, assumptions are
    tried and nothing is guarded; without, only what documents say is tried and `max_credits` is 0, which only reads.
    `only` are beginnings of promise ids. `patience` is how many seconds a task may take where nobody can move its time.
    `runner` tells apart the parts of one run that share a target at the same time.
    """

    provider: str
    base_url: str
    api_key: str | None = None
    adapter: str = "none"
    admin_url: str | None = None
    admin_token: str | None = None
    assumptions: bool | None = None
    max_credits: Decimal | None = None
    max_requests: int | None = None
    deadline: float | None = None
    layers: tuple[str, ...] | None = None
    seed: int = 0
    only: tuple[str, ...] = ()
    callback_url: str | None = None
    callback_port: int = 0
    webhook_secret: str | None = None
    patience: float = 300.0
    tape: Path | None = None
    runner: str = ""

    def settled(self) -> Options:
        """Return the options with everything filled in that follows from the rest."""
        driven = self.adapter != "none"
        guarded = self.max_credits if self.max_credits is not None or driven else Decimal(0)
        return replace(
            self,
            base_url=base_of(self.base_url),
            assumptions=driven if self.assumptions is None else self.assumptions,
            max_credits=guarded,
            layers=(tuple(LAYERS) if driven else ("L0", "L2")) if self.layers is None else self.layers,
        )


@dataclass(frozen=True, slots=True)
class Planned:
    """A result that is still to come."""

    id: str
    title: str
    sources: tuple[str, ...] = ()
    layer: str = "L2"


@dataclass(slots=True)
class Report:
    """What came of a run.

    `secrets` are the texts no report may show, `addresses` those that differ from run to run, each with the name that
    stands in for it. `spent` is in the provider's credits, None where nothing was guarded.
    """

    options: Options
    title: str
    began: float
    results: list[Result] = field(default_factory=list)
    seconds: float = 0.0
    requests: int = 0
    spent: Decimal | None = None
    interrupted: bool = False
    own_simulator: bool = False
    addresses: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def provider(self) -> str:
        """The provider's id."""
        return self.options.provider

    @property
    def counts(self) -> Counter[Verdict]:
        """How often each verdict was given; the five are never added up."""
        return Counter(result.verdict for result in self.results)

    @property
    def kept(self) -> bool:
        """Whether no promise was broken and none was out of reach."""
        return not self.counts[Verdict.FAIL] and not self.counts[Verdict.NOT_REACHED]


def chosen(name: str, only: tuple[str, ...]) -> bool:
    """Return whether an id begins with one of `only`, with or without the provider's prefix; without `only` all do."""
    names = (name.lower(), name.lower().partition("-")[2])
    return not only or any(one.startswith(wanted.lower()) for wanted in only for one in names)
