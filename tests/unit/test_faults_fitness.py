"""Rules that can never act are told from those that can, by their fault and their aim alone."""

from __future__ import annotations

import pytest

from soundstage.core.fitness import why_inert
from soundstage.core.rules import Aim
from soundstage.faults import Faults
from soundstage.faults.rule import RuleBody, rule_from
from soundstage.providers import Providers
from soundstage.scenarios import named, shipped

FAULTS, PROVIDERS = Faults(), Providers()


@pytest.mark.parametrize(
    ("fault", "aim", "reason"),
    [
        ("task/fail", Aim(operation="poll"), "it acts on create calls, not on poll"),
        ("task/fail", Aim(operation="getVideoStatus"), "it acts on create calls, not on poll"),
        ("stream/cut", Aim(operation="create"), "it acts on completion calls, not on create"),
        ("money/quote-wrong", Aim(operation="create"), "it acts on quote calls, not on create"),
        ("callback/never", Aim(provider="revidapi"), "has no callbacks"),
        ("callback/twice", Aim(operation="poll"), "it acts on create calls, not on poll"),
        ("files/missing", Aim(operation="read"), "it acts on create calls, not on read"),
        ("callback/wrong-signature", Aim(provider="v2gateway"), "does not sign its callbacks"),
        ("money/overcharge", Aim(provider="v2gateway", operation="create"), "does not say what a task costs"),
        ("stream/cut", Aim(provider="revidapi"), "has no completion calls"),
        ("http/status", Aim(provider="revidapi", operation="completion"), "has no completion calls"),
        ("http/status", Aim(provider="nobody"), "there is no provider nobody"),
        ("http/status", Aim(since=2, until=2), "from must lie before until"),
        ("http/status", Aim(since=3, until=2), "from must lie before until"),
        ("http/status", Aim(after_ms=60_000, before_ms=30_000), "from must lie before until"),
        ("http/status", Aim(before_ms=0), "from must lie before until"),
    ],
)
def test_a_rule_that_can_never_act_is_told(fault: str, aim: Aim, reason: str) -> None:
    told = why_inert(FAULTS.kind(fault), aim, PROVIDERS.values())
    assert told is not None
    assert told.endswith(reason)


@pytest.mark.parametrize(
    ("fault", "aim"),
    [
        ("task/fail", Aim()),
        ("task/fail", Aim(operation="create")),
        ("task/fail", Aim(operation="generateVideo")),
        ("callback/never", Aim()),
        ("callback/never", Aim(provider="midsync", operation="generateVideo")),
        ("stream/cut", Aim(operation="completion")),
        # Any answer can be lost, once somebody says which.
        ("transport/commit-then-lose", Aim(operation="cancel")),
        ("http/status", Aim(operation="poll", nth=3)),
        ("http/status", Aim(since=2, until=3)),
        ("http/status", Aim(since=2, before_ms=3)),
        ("http/status", Aim(probability=0)),
    ],
)
def test_a_rule_that_can_act_is_not(fault: str, aim: Aim) -> None:
    assert why_inert(FAULTS.kind(fault), aim, PROVIDERS.values()) is None


@pytest.mark.parametrize("fault", list(FAULTS))
def test_every_fault_can_act_somewhere_when_nothing_is_aimed_at(fault: str) -> None:
    assert why_inert(FAULTS.kind(fault), Aim(), PROVIDERS.values()) is None


def test_no_scenario_that_is_shipped_has_a_rule_that_can_never_act() -> None:
    for name in shipped():
        for rule in named(name, FAULTS, PROVIDERS).rules:
            assert why_inert(FAULTS.kind(rule.fault), rule.aim, PROVIDERS.values()) is None, (name, rule)


def test_a_rule_that_can_never_act_cannot_be_written() -> None:
    body = RuleBody.model_validate({"fault": "task/fail", "when": {"from": "2m", "until": "1m"}})
    with pytest.raises(ValueError, match=r"task/fail can never act: .*from must lie before until"):
        rule_from(body, FAULTS, PROVIDERS, name="", origin="a test")
