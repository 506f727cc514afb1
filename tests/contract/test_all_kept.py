"""The simulator with its adapter keeps every promise of every provider, and nothing is left untried."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from soundstage_contracts.command.listing import explained
from soundstage_contracts.command.options import Options
from soundstage_contracts.command.run import Run
from soundstage_contracts.command.simulator import Simulator
from soundstage_contracts.documents import providers
from soundstage_contracts.documents.contract import Contract
from soundstage_contracts.verdict import Result, Verdict

OF_NO_CONCERN = {Verdict.PASS, Verdict.NOT_APPLICABLE}


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    with Simulator() as running:
        yield running.url


def _results(simulator: str, provider: str, *layers: str) -> list[Result]:
    options = Options(provider, f"{simulator}/{provider}", adapter="soundstage", layers=layers)
    with Run(options) as run:
        return list(run.results())


def _smallest() -> str:
    return min(providers(), key=lambda one: len(Contract(one, assumptions=True).operations))


@pytest.mark.parametrize("provider", providers())
def test_a_right_simulator_keeps_every_promise_and_leaves_none_untried(simulator: str, provider: str) -> None:
    results = _results(simulator, provider, "L0", "L2", "L3")
    assert [(one.id, one.verdict, one.says) for one in results if one.verdict not in OF_NO_CONCERN] == []
    assert [one.id for one in results if not explained(one.id)] == []


def test_generated_requests_find_nothing_at_a_right_simulator(simulator: str) -> None:
    results = _results(simulator, _smallest(), "L1")
    fuzzed = [one for one in results if one.layer == "L1"]
    assert fuzzed
    assert [(one.id, one.verdict, one.says) for one in fuzzed if one.verdict not in OF_NO_CONCERN] == []
    assert [one.id for one in results if not explained(one.id)] == []
