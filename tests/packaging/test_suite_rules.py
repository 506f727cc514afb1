"""What a requirement or a promise of the contract suite lacks is said in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from soundstage_contracts.command.coverage import Covered
from soundstage_contracts.promise import Promise
from support import suite_rules

ROOT = Path(__file__).resolve().parents[2]


def test_a_requirement_that_nothing_tries_is_said() -> None:
    rows = [
        Covered("R-V2-001", "one", ("LIFE-001",)),
        Covered("R-V2-002", "two", (), "why"),
        Covered("R-V2-003", "three", ()),
    ]
    (said,) = suite_rules.left_open(rows)
    assert said.startswith("R-V2-003 (three) is tried by nothing")


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (
            '@promise("A-1")\ndef one():\n    """One."""\n@promise("A-1")\ndef two():\n    """Two."""\n',
            "A-1 is the number of",
        ),
        ('@promise("A-1")\ndef one():\n    pass\n', "one (A-1) has no docstring"),
        ('@promise(NUMBER)\ndef one():\n    """One."""\n', "one has no number in plain text"),
    ],
)
def test_a_promise_that_is_numbered_badly_is_said(tmp_path: Path, written: str, sentence: str) -> None:
    checks = tmp_path / suite_rules.SUITE / "checks"
    checks.mkdir(parents=True)
    (checks / "some.py").write_text(written, "utf-8")
    (said,) = suite_rules.numbering(tmp_path)
    assert sentence in said


@pytest.mark.parametrize(
    ("sources", "sentence"),
    [
        ({"nobody": ("R-NO-001",)}, "A-1 names nobody, and there is no such provider"),
        ({"v2gateway": ("R-MID-001",)}, "A-1 names R-MID-001 for v2gateway, whose requirements are R-V2-…"),
        ({"v2gateway": ("R-V2-999",)}, "A-1 names R-V2-999, and no document in schemas/v2gateway/ has such"),
        ({"v2gateway": ()}, "A-1 names no source for v2gateway"),
    ],
)
def test_a_promise_that_rests_on_nothing_is_said(sources: dict[str, tuple[str, ...]], sentence: str) -> None:
    known = {"v2gateway": suite_rules.ids_of(ROOT / "schemas/v2gateway")}
    (said,) = suite_rules.citations([Promise("A-1", lambda stage: None, sources)], {"v2gateway": "V2"}, known)
    assert sentence in said


def test_ids_in_short_are_read() -> None:
    written = "R-V2-044, 050, 053 to 055; R-MID-101..103 R-V2-043 (zero), 049, R-KEY-060-062 and 070"
    found = " ".join(suite_rules.ids_in(written))
    assert found == (
        "R-V2-044 R-V2-050 R-V2-053 R-V2-054 R-V2-055 R-MID-101 R-MID-102 R-MID-103 R-V2-043 R-V2-049 "
        "R-KEY-060 R-KEY-061 R-KEY-062 R-KEY-070"
    )
