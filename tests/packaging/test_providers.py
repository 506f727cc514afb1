"""Every provider is complete: data, exchanges, listed assumptions, a place in the suite, nothing left to fill in."""

from __future__ import annotations

from pathlib import Path

import pytest

from soundstage.providers import Providers, provider_ids
from soundstage_contracts.command.coverage import covered
from soundstage_contracts.documents import providers
from soundstage_contracts.drivers import driver_of
from soundstage_contracts.promise import promises
from support import provider_rules, suite_rules

ROOT = Path(__file__).resolve().parents[2]


def _none(of_what: str, found: list[str]) -> None:
    if found:
        pytest.fail("\n".join([of_what, *found]), pytrace=False)


@pytest.mark.parametrize("provider_id", provider_ids())
def test_a_provider_is_complete(provider_id: str) -> None:
    provider = Providers()[provider_id]
    assert provider.id == provider_id, "the id in provider.py must be the name of its folder"
    assert provider.base_url_variable == f"{provider_id.upper()}_BASE_URL"
    found = [*provider_rules.faults(ROOT, provider), *suite_rules.faults(ROOT, provider_id)]
    _none(f"{provider_id} is not complete:", found)


def test_the_suite_knows_exactly_the_providers_there_are() -> None:
    assert providers() == provider_ids()
    found = (ROOT / suite_rules.SUITE / "drivers").glob("*.py")
    drivers = {path.stem for path in found if "\nDRIVER = " in path.read_text("utf-8")}
    assert drivers == set(provider_ids())


@pytest.mark.parametrize("provider_id", provider_ids())
def test_a_driver_is_the_one_its_file_says(provider_id: str) -> None:
    assert driver_of(provider_id).id == provider_id


@pytest.mark.parametrize("provider_id", provider_ids())
def test_every_documented_requirement_is_tried_or_nobody_can(provider_id: str) -> None:
    _none(f"{provider_id} has open requirements:", suite_rules.left_open(covered(provider_id)))


def test_every_promise_has_a_number_of_its_own_and_a_sentence() -> None:
    _none("Promises are not numbered well:", suite_rules.numbering(ROOT))


def test_a_promise_names_only_providers_and_requirements_that_exist() -> None:
    prefixes = {one: driver_of(one).prefix for one in providers()}
    known = {one: suite_rules.ids_of(ROOT / "schemas" / one) for one in providers()}
    _none("Promises name what is not there:", suite_rules.citations(promises(), prefixes, known))
