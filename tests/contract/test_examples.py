"""Every promise has an exchange that keeps it and one that breaks it (`make examples` writes them)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mutants.domain import EVERYONE
from mutants.examples import FOLDER
from soundstage_contracts.promise import promises


@pytest.mark.parametrize("provider", EVERYONE)
def test_every_promise_has_its_examples(provider: str) -> None:
    known: dict[str, Any] = json.loads((FOLDER / f"{provider}.json").read_text("utf-8"))
    made = {one.number for one in promises() if one.applies(provider)}
    assert known.keys() <= made, "run: make examples"
    assert made - known.keys() == set(), "run: make examples"
    for number, one in known.items():
        assert one["kept"]["status"], number
        assert one["broken"], f"no mutant breaks {number} of {provider}"
        assert one["says"], number
