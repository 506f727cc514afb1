"""Every documented requirement is tried by a promise, or somebody said why nobody outside can."""

from __future__ import annotations

import pytest

from soundstage_contracts.command.coverage import TABLE, covered, text
from soundstage_contracts.documents import providers


@pytest.mark.parametrize("provider", providers())
def test_no_documented_requirement_is_open(provider: str) -> None:
    rows = covered(provider)
    assert rows
    assert [row.id for row in rows if not row.by and not row.untestable] == []


def test_the_table_is_up_to_date() -> None:
    assert TABLE.read_text("utf-8") == text(), "run: make readme"


def test_what_only_assumed_promises_try_says_so() -> None:
    only = {row.id for provider in providers() for row in covered(provider) if row.with_assumptions_only}
    said = {line.split(" | ")[0].strip("| ") for line in text().splitlines() if "(with assumptions only)" in line}
    assert said == only
    assert "R-MID-041" in only  # that a create has no query parameters, which the landing form contradicts
    assert "R-MID-060" not in only
