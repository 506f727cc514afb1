"""Every promise has an exchange that keeps it and one that breaks it (`make examples` writes them)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mutants.domain import EVERYONE
from mutants.examples import FOLDER
from soundstage_contracts.promise import promises

# Promises no mutant of ours breaks: what each says is true of anything that speaks HTTP, so only a broken server could.
WHOLE = {"FIELD-006": "query parameters nobody documented are harmless"}


@pytest.mark.parametrize("provider", EVERYONE)
def test_every_promise_has_its_examples(provider: str) -> None:
    known: dict[str, Any] = json.loads((FOLDER / f"{provider}.json").read_text("utf-8"))
    made = {one.number for one in promises() if one.applies(provider)}
    assert known.keys() <= made, "run: make examples"
    assert made - known.keys() == set(), "run: make examples"
    unbroken = {number for number, one in known.items() if one["broken"] is None}
    assert unbroken <= WHOLE.keys()
    for number, one in known.items():
        if number not in unbroken:
            assert one["says"], number
            assert one["mutant"], number
