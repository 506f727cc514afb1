"""What a guarded run says of prices once it is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from soundstage_contracts.drivers.base import Driver
from soundstage_contracts.verdict import Result, Verdict

LAYER = "every layer"
KEPT = "GUARD-001"
FAMILIES: Mapping[str, str] = {KEPT: "Nothing costs more than its documented price"}
"""What the guard's results promise, by number."""
MOST_TOLD = 5


def surprises(driver: Driver, seen: Sequence[str], spent: Decimal) -> Result:
    """Return whether a target kept to the prices by which requests were let pass; `spent` in its credits, at most."""
    verdict, says = Verdict.PASS, ""
    if seen:
        verdict, says = Verdict.FAIL, "; ".join(seen[:MOST_TOLD])
    elif not spent:
        verdict, says = Verdict.NOT_TESTED, "nothing that costs anything was let through"
    return Result(f"{driver.prefix}-{KEPT}", FAMILIES[KEPT], verdict, says, layer=LAYER)
