"""What may come of a promise: five verdicts that are never folded into one another, and the evidence for each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soundstage_contracts.exchange import Exchange


class Verdict(StrEnum):
    """Whether a promise was kept, and if nobody can say, why not."""

    PASS = "PASS"  # noqa: S105 - a verdict
    """Everything the promise says was seen, and held."""
    FAIL = "FAIL"
    """Something was seen that breaks the promise."""
    NOT_REACHED = "NOT_REACHED"
    """The suite had all it needed and the target never came into the state the promise is about."""
    NOT_TESTED = "NOT_TESTED"
    """The suite was not allowed or not able to try: no adapter, no credits to spend, no receiver, an assumption."""
    NOT_APPLICABLE = "NOT_APPLICABLE"
    """The provider promises nothing of the kind."""


class Outcome(Exception):  # noqa: N818 - an end of a check, not always an error
    """What ends a check early; the message is one sentence for the report."""

    verdict: Verdict


class Broken(Outcome):
    """The target broke the promise."""

    verdict = Verdict.FAIL


class NotReached(Outcome):
    """The target never came into the state the promise is about."""

    verdict = Verdict.NOT_REACHED


class NotTested(Outcome):
    """The suite could not or must not try."""

    verdict = Verdict.NOT_TESTED


class NotApplicable(Outcome):
    """The provider has nothing of the kind."""

    verdict = Verdict.NOT_APPLICABLE


class SuiteError(Exception):
    """A check is broken itself; says which one. Never the target's fault."""


class AdapterError(Exception):
    """The adapter cannot work: nobody answers it, or it gets an answer that makes no sense."""


READING_ERRORS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, StopIteration, RecursionError)
"""What reading a reply as documented may raise where the reply is not so."""


class UnreachableError(Exception):
    """Nobody answers at the target's address, or the connection broke before an answer came."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one promise for one provider.

    `id` is stable (`MID-MONEY-003`, or `MID-PRICE-001[kling-2.5-turbo 5s]` where a promise is kept case by case),
    `title` is the promise in one sentence, `says` the reason of every verdict but PASS, `sources` are requirement ids,
    `seconds` real time, `evidence` the exchanges of the check, oldest first.
    """

    id: str
    title: str
    verdict: Verdict
    says: str = ""
    sources: tuple[str, ...] = ()
    layer: str = "L2"
    seconds: float = 0.0
    evidence: tuple[Exchange, ...] = ()


def expect(held: bool, otherwise: str) -> None:
    """Raise Broken with `otherwise`, which says what was seen and what should have been, unless `held`."""
    if not held:
        raise Broken(otherwise)
