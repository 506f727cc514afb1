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
