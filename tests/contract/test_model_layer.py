"""The model's layer: nothing is found on a right target, planted faults are, and no required cell goes unnoticed."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from soundstage.testing import Server
from soundstage_contracts.layers.model import model
from soundstage_contracts.layers.stories import required
from soundstage_contracts.verdict import Result, Verdict
from support.layered import Aim, Fault

FEW = 3
FAULTS: dict[str, Fault] = {
    "credits that come back twice": ("money/refund-twice", {}),
    "credits that never come back": ("money/charged-though-failed", {}),
    "a create that takes more than it shows": ("money/overcharge", {}),
    "a create that costs more than its quote": ("money/price-change", {}),
    "a quote that is wrong": ("money/quote-wrong", {}),
    "a status that no document knows": ("task/unknown-status", {}),
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with Server(seed=7) as running:
        yield running.url


def found(aim: Aim, examples: int = FEW, seed: int = 1) -> tuple[Result, list[Result]]:
    whole, *cells = model(aim.target, seed=seed, examples=examples)
    return whole, cells


@pytest.mark.parametrize("provider", ["midsync", "revidapi", "apikeyorg", "v2gateway"])
def test_a_right_target_agrees_and_every_cell_is_reached(url: str, provider: str) -> None:
    with Aim(url, provider) as aim:
        whole, cells = found(aim)
        assert (whole.verdict, whole.says) == (Verdict.PASS, "")
        assert [one.says for one in cells if one.verdict is not Verdict.PASS] == []
        assert len(cells) == len(required(aim.target.driver)) > 8


def test_the_same_seed_does_the_same_things(url: str) -> None:
    sent = []
    for seed in (3, 3, 4):
        with Aim(url, "midsync") as aim:
            found(aim, seed=seed)
            sent.append(aim.requests(lambda one: (one.request.method, one.request.path, one.request.body)))
    assert sent[0] == sent[1]
    assert sent[0] != sent[2]


def test_numbers_in_modules_that_are_loaded_change_nothing(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Hypothesis draws such numbers where they fit; a probability of its own state machines goes to 254.
    (tmp_path / "many_numbers.py").write_text(f"NUMBERS = {list(range(300))}\n")
    sent = []
    for names in ((), ("many_numbers",)):
        monkeypatch.syspath_prepend(tmp_path)
        for name in names:
            import_module(name)
        with Aim(url, "revidapi") as aim:
            found(aim, examples=20, seed=5)
            sent.append(aim.requests(lambda one: (one.request.method, one.request.path, one.request.body)))
    assert sent[0] == sent[1]


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_with_its_exchanges(url: str, name: str) -> None:
    with Aim(url, "midsync", FAULTS[name]) as aim:
        whole, _ = found(aim, examples=1)
        assert whole.verdict is Verdict.FAIL
        assert whole.says
        assert whole.evidence


def test_what_goes_wrong_only_in_some_order_is_found_and_made_short(url: str) -> None:
    class Forgetful(Aim):
        """Its rich account has a fault only for the second way to make a task, which no directed way begins with."""

    fault: Fault = ("money/overcharge", {"when": {"operation": "createVideo"}, "factor": 3})
    with Forgetful(url, "midsync", fault) as aim:
        whole, _ = found(aim, examples=10)
        assert whole.verdict is Verdict.FAIL
        assert len([one for one in whole.evidence if one.request.method == "POST"]) <= 8


def test_a_state_that_is_never_reached_is_no_pass(url: str) -> None:
    with Aim(url, "midsync", ("task/stuck-waiting", {})) as aim:
        whole, cells = found(aim, examples=1)
        verdicts: dict[str, Any] = {one.id: one.verdict for one in cells}
        assert whole.verdict is not Verdict.PASS
        assert verdicts["MID-WORLD-002[poll/ok/processing]"] is Verdict.NOT_REACHED
        assert verdicts["MID-WORLD-002[create/ok]"] is Verdict.PASS


def test_without_an_adapter_nothing_is_tried(url: str) -> None:
    with Aim(url, "midsync", adapter=False) as aim:
        (whole,) = model(aim.target, seed=1)
        assert whole.verdict is Verdict.NOT_TESTED
        assert aim.seen == []
