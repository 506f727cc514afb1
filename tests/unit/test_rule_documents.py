"""Whatever is written as a rule becomes a rule that can act and be shown, or a sentence that gives nothing away."""

from __future__ import annotations

import json
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from soundstage.cli import main
from soundstage.core.rules import Rule
from soundstage.faults import Faults
from soundstage.faults.rule import RuleBody, moment, problems_of, rule_from
from soundstage.faults.shown import rule_view
from soundstage.providers import Providers
from soundstage.scenarios import ScenarioError, scenario_from
from soundstage.validation import shown

FAULTS, PROVIDERS = Faults(), Providers()
SECRET = "whsec_" + "QUJD" * 6
KEY = "sk_live_" + "aB3d" * 60


def made(**rule: Any) -> Rule:
    """Return a rule as the admin API makes one."""
    return rule_from(RuleBody.model_validate(rule), FAULTS, PROVIDERS, name="rule_1", origin="a test")


def told(rule: Any) -> list[str]:
    """Return what is said about a rule of a scenario."""
    with pytest.raises(ScenarioError) as caught:
        scenario_from({"name": "one", "description": "x", "faults": [rule]}, FAULTS, PROVIDERS)
    return str(caught.value).splitlines()


OUT_OF_TIME = [
    1e308,
    float("inf"),
    float("nan"),
    10**400,
    -1,
    -0.5,
    100 * 366 * 86_400,
    "99999999d",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00",
    "9000-01-02",
    "1969-12-31T23:59:59Z",
]


@pytest.mark.parametrize("given", OUT_OF_TIME, ids=[str(one)[:30] for one in OUT_OF_TIME])
@pytest.mark.parametrize("word", ["from", "until"])
def test_a_time_that_no_clock_here_can_show_is_refused(word: str, given: Any) -> None:
    with pytest.raises(ValueError, match=r"of at most 100 years, or an instant such as .* from 1970 to 9000"):
        made(fault="http/status", when={word: given})
    (where, _), *_ = problems_of({"fault": "http/status", "when": {word: given}}, FAULTS, PROVIDERS)
    assert where == ("when", word)


@pytest.mark.parametrize("given", [0.001, 1.5, 1_234_567.891, 36_524 * 86_400, "8999-12-31T23:59:59Z", "1ms", "30d"])
def test_a_time_is_shown_so_that_it_can_be_set_again(given: Any) -> None:
    seen = rule_view(made(fault="http/status", when={"until": given}))["when"]["until"]
    assert moment(seen) == moment(given)


MANY = 70_000
LONG: dict[str, dict[str, Any]] = {
    "keys": {"fault": "http/status", "when": {"key": ["sk_test_a"] * MANY}},
    "wrong keys": {"fault": "http/status", "when": {"key": [5] * MANY}},
    "fields": {"fault": "http/status", "when": {"fields": {str(n): [n] for n in range(MANY)}}},
    "words": {"fault": "http/status", "when": {f"word{n}": n for n in range(MANY)}},
    "parameters": {"fault": "http/status", "with": {f"word{n}": n for n in range(MANY)}},
    "parts": {"fault": "http/status", **{f"word{n}": n for n in range(MANY)}},
}


@pytest.mark.parametrize("rule", LONG.values(), ids=LONG.keys())
def test_what_has_too_many_parts_is_refused_before_they_are_looked_at(rule: dict[str, Any]) -> None:
    began = process_time()
    (said,) = [said for _, said in problems_of(rule, FAULTS, PROVIDERS)]
    with pytest.raises(ValidationError) as caught:
        RuleBody.model_validate(rule)
    assert process_time() - began < 1
    assert said == f"must have at most 20 items, got {len(rule) if len(rule) > 20 else MANY}"
    assert caught.value.error_count() == 1


def test_twenty_keys_are_not_too_many() -> None:
    assert len(made(fault="http/status", when={"key": [f"key_{n:016x}" for n in range(20)]}).aim.keys or ()) == 20


@pytest.mark.parametrize("when", [{"key": KEY}, {"key": [KEY]}, {"key": ["sk_test_a", 5, KEY]}, {"key": {KEY: 1}}, KEY])
def test_no_text_of_a_key_is_shown(when: Any) -> None:
    said = "\n".join(told({"fault": "http/status", "when": when}))
    assert "faults[0].when" in said
    assert "aB3d" not in said


@pytest.mark.parametrize("given", [KEY, f"Bearer {SECRET}", {"model": KEY}, ["sec_0123456789abcdef"]])
def test_what_looks_like_a_key_is_not_shown_wherever_it_stands(given: Any) -> None:
    said = shown(given)
    assert "…" in said
    assert not any(part in said for part in ("aB3d", "QUJD", "0123"))


def test_an_old_secret_is_neither_repeated_nor_shown(tmp_path: Path) -> None:
    file = tmp_path / "old.json"
    rule = {"fault": "callback/old-secret", "with": {"secret": f"{SECRET}!"}}
    file.write_text(json.dumps({"name": "one", "description": "x", "faults": [rule]}))
    result = CliRunner().invoke(main, ["scenarios", "--check", str(file)])
    assert result.exit_code == 2
    assert "with.secret" in result.output
    assert "QUJD" not in result.output
    view = rule_view(made(fault="callback/old-secret", **{"with": {"secret": SECRET}}))
    assert view["with"] == {"secret": "…"}


INERT = [
    ("task/fail", {"operation": "poll"}, "operation", "it acts on create calls, not on poll"),
    ("stream/cut", {"operation": "create"}, "operation", "it acts on completion calls, not on create"),
    ("callback/never", {"provider": "revidapi"}, "provider", "RevidAPI has no callbacks"),
    ("http/status", {"from": "2m", "until": "1m"}, "until", "from must lie before until"),
    ("http/status", {"from": "2026-01-02", "until": "2026-01-01"}, "until", "from must lie before until"),
]


@pytest.mark.parametrize(("fault", "when", "word", "reason"), INERT)
def test_a_rule_that_can_never_act_is_refused_with_the_reason(
    fault: str, when: dict[str, Any], word: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=f"^when.{word}: {fault} can never act: .*{reason}"):
        made(fault=fault, when=when)
    (said,) = told({"fault": fault, "when": when})
    assert said.startswith(f"faults[0].when.{word}: {fault} can never act: ")


NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([1e308, -1e308, float("inf"), float("nan"), 10**400, -(10**400), 2**63, 2**64, 5e-324, -0.0]),
)
ODD_TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["999999999d", "٣s", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00+14:00", "1e9s", "\ud800", ""]),
    st.datetimes().map(str),
)
PLAIN = NUMBERS | ODD_TEXTS | st.none() | st.booleans()
ANYTHING = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
PARAMETERS = sorted({name for kind in FAULTS.values() for name in kind.model_json_schema()["properties"]} | {"x"})
ODD_RULES = st.fixed_dictionaries(
    {"fault": st.sampled_from(list(FAULTS)) | ANYTHING},
    optional={
        "with": st.dictionaries(st.sampled_from(PARAMETERS), ANYTHING, max_size=3) | ANYTHING,
        "when": st.fixed_dictionaries(
            {},
            optional={
                **dict.fromkeys(("from", "until", "nth", "first", "every", "times", "probability"), PLAIN),
                **dict.fromkeys(("provider", "model", "key", "x"), ANYTHING),
                "operation": st.sampled_from(["create", "poll"]) | ANYTHING,
                "fields": st.dictionaries(st.text(max_size=4), ANYTHING, max_size=3) | ANYTHING,
            },
        )
        | ANYTHING,
    },
)


@given(rule=ODD_RULES)
@settings(max_examples=600, deadline=None)
def test_no_rule_ends_in_anything_but_a_rule_or_a_sentence(rule: dict[str, Any]) -> None:
    said = problems_of(rule, FAULTS, PROVIDERS)
    assert all(isinstance(one, str) and one for _, one in said)
    try:
        seen = rule_view(made(**rule))
    except ValueError:
        assert said
    else:
        assert not said
        assert set(seen["when"]) == {word for word, value in rule.get("when", {}).items() if value not in (None, {})}
