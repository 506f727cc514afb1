"""What comes of a run: results that are still planned, the report of those that came, and what to exit with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum

from soundstage_contracts.command.options import Settled
from soundstage_contracts.redaction import IN_SHELL, Redactor
from soundstage_contracts.verdict import Result, Verdict


class Exit(IntEnum):
    """What `verify` exits with."""

    KEPT = 0
    BROKEN = 1
    USAGE = 2
    UNREACHABLE = 3
    SUITE = 70
    """The suite itself is broken: `EX_SOFTWARE` of sysexits.h."""
    INTERRUPTED = 130


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
    stands in for it; `clean` takes them out. `spent` is in the provider's credits, None where nothing was guarded.
    `interrupted` says that the run did not come to its end, whatever ended it.
    """

    options: Settled
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
    clean: Redactor = field(default_factory=lambda: Redactor(IN_SHELL))

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
