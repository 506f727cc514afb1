"""What a promise rests on: a provider's own document, or a fact found elsewhere that is named here with its reason."""

from __future__ import annotations

import pytest

from soundstage_contracts.documents import document, providers
from soundstage_contracts.drivers import driver_of
from soundstage_contracts.promise import promises

FOUND_ONLY = {
    ("midsync", "FIELD-105"): "R-MID-104 is Runway's own page: which ratio it needs, and when",
    ("midsync", "MODEL-101"): "R-MID-095 is the page of that very endpoint: its three keys and their kinds",
    ("midsync", "MODEL-106"): "R-MID-102 is Kling's own page: the scale and its two ends",
    ("midsync", "PRICE-104"): "R-MID-105 is Runway's own page: the one combination that is not allowed",
    ("midsync", "PRICE-106"): "R-MID-107 is Grok's own page: the formula and the seconds it is for",
}
"""Promises that count as documented without a document: found facts with exact figures or shapes of that provider."""

UNDOCUMENTED = {
    "found": (
        "R-MID-008 R-MID-009 R-MID-026 R-MID-040 R-MID-071 R-MID-073 R-MID-074 R-MID-091 R-MID-093 R-MID-095 R-MID-096 "
        "R-MID-101 R-MID-102 R-MID-103 R-MID-104 R-MID-105 R-MID-106 R-MID-107 "
        "R-REV-016 R-REV-102 R-REV-104 R-REV-220 R-REV-221 "
        "R-V2-007 R-V2-021 R-V2-025 R-V2-032 R-V2-049 R-V2-051 R-V2-053 R-V2-054 R-V2-055 R-V2-056 R-V2-060 R-V2-071 "
        "R-V2-073 R-V2-074 "
        "R-KEY-003 R-KEY-032 R-KEY-041"
    ),
    "inference": (
        "R-MID-137 R-REV-103 R-REV-108 R-REV-154 R-REV-170 R-V2-008 "
        "R-KEY-010 R-KEY-011 R-KEY-044 R-KEY-066 R-KEY-068 R-KEY-069"
    ),
    "gap": "R-KEY-036",
}
"""Requirements that promises cite and no document of the provider states, by their kind."""


def _undocumented() -> set[str]:
    return {name for names in UNDOCUMENTED.values() for name in names.split()}


@pytest.mark.parametrize("provider", providers())
def test_every_cited_requirement_is_the_providers_and_is_known(provider: str) -> None:
    known = document(provider, "requirements").keys() | _undocumented()
    begins = f"R-{driver_of(provider).prefix}-"
    cited = {(one.number, name) for one in promises() for name in one.sources.get(provider, ())}
    assert {(number, name) for number, name in cited if not name.startswith(begins) or name not in known} == set()


@pytest.mark.parametrize("provider", providers())
def test_what_counts_as_documented_stands_in_a_document_or_among_the_exceptions(provider: str) -> None:
    documented = document(provider, "requirements").keys()
    without = {
        (provider, one.number)
        for one in promises()
        if one.applies(provider) and provider not in one.assumed and documented.isdisjoint(one.sources[provider])
    }
    assert without == {key for key in FOUND_ONLY if key[0] == provider}


def test_the_table_of_undocumented_requirements_has_none_that_is_documented_or_that_nobody_cites() -> None:
    documented = {name for provider in providers() for name in document(provider, "requirements")}
    cited = {name for one in promises() for names in one.sources.values() for name in names}
    assert _undocumented() & documented == set()
    assert _undocumented() - cited == set()


def test_no_promise_that_rests_on_an_inference_alone_counts_as_documented() -> None:
    weak = {name for kind in ("inference", "gap") for name in UNDOCUMENTED[kind].split()}
    assert [
        (provider, one.number)
        for one in promises()
        for provider, names in one.sources.items()
        if provider not in one.assumed and weak.issuperset(names)
    ] == []
