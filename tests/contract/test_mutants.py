"""The suite is tested itself: it must notice a fixed sample of mutants (`make mutants` hunts them all)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from mutants.data import copied, data_mutants, running
from mutants.domain import EVERYONE, domain_mutants
from mutants.hunt import Ground, caught_by_shape, caught_in_data, caught_in_domain, caught_on_wire, ground
from mutants.run import TABLE, equivalent

WIRE_SAMPLE = 60
KNOWN: dict[str, Any] = json.loads(TABLE.read_text())


@pytest.fixture(scope="module", params=EVERYONE)
def field(request: pytest.FixtureRequest) -> Iterator[Ground]:
    with ground(request.param) as found:
        yield found


def test_every_domain_mutant_is_caught(field: Ground) -> None:
    known: dict[str, list[str]] = KNOWN[field.provider]["domain"]
    assert {mutant.name for mutant in domain_mutants(field.provider)} == set(known)
    for mutant in domain_mutants(field.provider):
        caught = next(caught_in_domain(field, mutant, known[mutant.name]), None)
        assert caught is not None, f"no promise of {field.provider} notices: {mutant.name}"


def test_a_sample_of_wire_mutants_is_caught(field: Ground) -> None:
    mutants = sorted(field.wire_mutants(), key=lambda mutant: sha256(mutant.name.encode()).digest())[:WIRE_SAMPLE]
    survivors = {name for row in KNOWN[field.provider]["wire"].values() for name in row["survivors"]}
    for mutant in mutants:
        if not caught_by_shape(field, mutant) and not caught_on_wire(field, mutant):
            assert equivalent(field.provider, mutant) or mutant.name in survivors, f"not caught: {mutant.name}"


def test_a_changed_line_of_prices_or_lifecycle_is_caught_by_name(field: Ground, tmp_path: Path) -> None:
    known: dict[str, list[str]] = KNOWN[field.provider]["data"]
    mutants = {mutant.name: mutant for mutant in data_mutants(field.provider)}
    assert set(mutants) == set(known)
    mutant = min(mutants.values(), key=lambda one: sha256(one.name.encode()).digest())
    with copied(tmp_path), running(tmp_path, mutant) as url:
        caught = next(caught_in_data(field, url, known[mutant.name]), None)
    assert caught == known[mutant.name][0]


def test_the_kill_table_meets_the_bars() -> None:
    for provider in EVERYONE:
        rows = KNOWN[provider]["wire"].values()
        caught = sum(row["caught"] for row in rows)
        assert caught >= 0.95 * sum(row["mutants"] - row["equivalent"] for row in rows), provider
        assert all(KNOWN[provider]["domain"].values()), provider
        assert all(KNOWN[provider]["data"].values()), provider
