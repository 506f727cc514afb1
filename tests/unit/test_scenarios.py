"""A scenario is read strictly and safely, and everything that is wrong with one is told at once, with its line."""

from __future__ import annotations

import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundstage.faults import Faults
from soundstage.faults.rule import RuleBody, rule_from
from soundstage.providers import Providers
from soundstage.scenarios import (
    MOST_BYTES,
    Scenario,
    ScenarioError,
    descriptions,
    load,
    named,
    read_scenario,
    scenario_from,
    shipped,
    text_of,
)

FAULTS, PROVIDERS = Faults(), Providers()
HEAD = "name: one\ndescription: One thing.\n"
WHOLE = """\
name: one
description: Two things.
faults:
  - fault: http/status
    with: {status: 503, message: 'no'}
    when:
      operation: create
      fields: {aspectRatio: 16:9, metadata.tier: 2, answer: no}
      first: 3
      from: 30s
      until: 2026-01-01T00:00:00Z
  - fault: task/fail
"""
SAME_IN_TOML = """\
name = "one"
description = "Two things."

[[faults]]
fault = "http/status"
with = {status = 503, message = "no"}
[faults.when]
operation = "create"
first = 3
from = "30s"
until = 2026-01-01T00:00:00Z
[faults.when.fields]
aspectRatio = "16:9"
"metadata.tier" = 2
answer = "no"

[[faults]]
fault = "task/fail"
"""


def read(text: str, written: Any = "yaml") -> Scenario:
    return read_scenario(text, FAULTS, PROVIDERS, written=written)


def told(text: str, written: Any = "yaml") -> list[str]:
    """Return what is said about a bad text, line by line."""
    with pytest.raises(ScenarioError) as caught:
        read(text, written)
    assert "\n".join(str(flaw) for flaw in caught.value.flaws) in str(caught.value)
    return str(caught.value).splitlines()


def rules(*lines: str) -> str:
    """Return a document whose first rule begins on line 4."""
    return HEAD + "faults:\n" + "\n".join(lines) + "\n"


def test_a_scenario_becomes_rules_with_names_of_their_own() -> None:
    found = read(WHOLE)
    assert (found.name, found.description) == ("one", "Two things.")
    first, second = found.rules
    assert (first.id, first.origin, second.id) == ("one/1", "scenario one", "one/2")
    assert (first.fault, first.params) == ("http/status", b'{"message":"no","status":503}')
    aim = first.aim
    assert (aim.operation, aim.first, aim.after_ms, aim.until) == ("create", 3, 30_000, 1_767_225_600_000)
    assert found.book().staged == found.rules


def test_ratios_and_norwegian_answers_stay_texts() -> None:
    (first, _) = read(WHOLE).rules
    assert first.aim.fields == (("aspectRatio", "16:9"), ("metadata.tier", 2), ("answer", "no"))


def test_toml_says_the_same_as_yaml() -> None:
    in_toml, in_yaml = read(SAME_IN_TOML, "toml"), read(WHOLE)
    assert in_toml.rules[1:] == in_yaml.rules[1:]
    assert in_toml.rules[0] == in_yaml.rules[0]


def test_a_document_from_json_makes_the_same_rules() -> None:
    found = read(WHOLE)
    assert scenario_from(found.document, FAULTS, PROVIDERS) == found


BAD: dict[str, tuple[str, list[tuple[int, str]]]] = {
    "nothing": ("", [(1, "there is nothing in it")]),
    "no-mapping": ("- 1", [(1, "a scenario is a mapping of name, description, faults, got [1]")]),
    "syntax": (HEAD + "faults: [1\nx: 2\n", [(4, "this is no YAML")]),
    "control": (HEAD + "faults: []\n\x01", [(4, "control characters are not allowed")]),
    "surrogate": (HEAD + 'faults: "\\ud800"', [(3, "this is no YAML")]),
    "missing": ("faults: []", [(1, "name: is missing"), (1, "description: is missing")]),
    "name": (HEAD.replace("one", "No Spaces"), [(1, "name: must be 1 to 40 of a-z, 0-9 and -")]),
    "long-name": (HEAD.replace("one", "n" * 41), [(1, "name: must be 1 to 40")]),
    "no-sentence": ("name: one\ndescription: |\n  a\n  b\n", [(2, "description: must be one sentence of 1 to 300")]),
    "unknown-key": (HEAD + "fautls: []", [(3, "fautls: no such key; did you mean faults? allowed here: name,")]),
    "no-list": (HEAD + "faults: {}", [(3, "faults: must be a list of rules, got {}")]),
    "many": (HEAD + "faults:\n" + "- fault: task/fail\n" * 101, [(3, "at most 100 rules, got 101")]),
    "anchor": (rules("- fault: &a task/fail"), [(4, "faults[0].fault: anchors and aliases are not allowed")]),
    "alias": (
        rules("- fault: &a task/fail", "- fault: *a"),
        [(4, "faults[0].fault: anchors"), (5, "faults[1].fault: anchors and aliases")],
    ),
    "tag": (rules("- fault: !!str task/fail"), [(4, 'tags are not allowed here, got "tag:yaml.org,2002:str"')]),
    "python": (rules("- !!python/object/apply:os.system [ls]"), [(4, "faults[0]: tags are not allowed here")]),
    "merge": (rules("- fault: task/fail", "  <<: {with: {}}"), [(5, 'faults[0]["<<"]: merge keys are not allowed')]),
    "documents": (HEAD + "---\nname: two\n", [(3, "a second document begins")]),
    "directive": ("%YAML 1.1\n---\n" + HEAD, [(1, "directives are not allowed here")]),
    "twice": (rules("- fault: task/fail", "  fault: http/status"), [(5, "given twice, first on line 4; keep one")]),
    "key": (rules("- fault: task/fail", "  1: 2"), [(5, 'faults[0].1: a key must be a text; put it in quotes: "1"')]),
    "list-key": (rules("- [a]: b"), [(4, "a key must be a plain text")]),
    "alias-key": (rules("- *a : b"), [(4, "anchors and aliases are not allowed")]),
    "depth": (HEAD + "faults: " + "[" * 5000, [(3, "nested deeper than the 8 levels")]),
    "width": (HEAD + "faults: " + "{a: " * 5000, [(3, "nested deeper than the 8 levels")]),
    "digits": (
        rules("- fault: http/status", f"  with: {{status: {'9' * 5000}}}"),
        [(5, "faults[0].with.status: a num")],
    ),
    "hex": (rules("- fault: http/status", f"  with: {{status: 0x{'f' * 40}}}"), [(5, "a number of ordinary size")]),
    "nan": (rules("- fault: http/status", "  with:", "    status: .nan"), [(6, "must be a finite number, got nan")]),
    "no-rule": (rules("- 5"), [(4, "faults[0]: a rule is a mapping of fault, with, when, got 5")]),
    "no-fault": (rules("- with: {}"), [(4, "faults[0].fault: is missing")]),
    "fault": (
        rules("- fault: http/statsu"),
        [(4, "faults[0].fault: there is no fault 'http/statsu'; did you mean http/status?")],
    ),
    "rule-key": (rules("- fault: task/fail", "  wehn: {}"), [(5, "wehn: no such key; did you mean when?")]),
    "inner-name": (rules("- fault: task/fail", "  with_: {}"), [(5, "with_: no such key; did you mean with?")]),
    "null": (rules("- fault: task/fail", "  with:"), [(5, "faults[0].with: must be an object, got null")]),
    "parameter": (
        rules("- fault: http/status", "  with:", "    status: 503", "    massage: x"),
        [(7, "with.massage: http/status has no parameter 'massage' (did you mean message?); it has status, message")],
    ),
    "value": (
        rules("- fault: task/fail", "- fault: task/fail", "- fault: http/status", "  with:", "    status: 99"),
        [(8, "faults[2].with.status: http/status: status must be at least 400, got 99")],
    ),
    "word": (
        rules("- fault: task/fail", "  with: {at: noon}"),
        [(5, "with.at: task/fail: at must be one of 'start', 'mid")],
    ),
    "pair": (
        rules("- fault: transport/latency", "  with:", "    distribution: uniform", "    ms: 20", "    to_ms: 10"),
        [(8, "faults[0].with.to_ms: transport/latency: to_ms must be at least ms, which is 20")],
    ),
    "provider": (
        rules("- fault: task/fail", "  when:", "    provider: midsink"),
        [
            (
                6,
                'when.provider: must be one of apikeyorg, midsync, revidapi, v2gateway, got "midsink"; did you mean m',
            )
        ],
    ),
    "operation": (
        rules("- fault: task/fail", "  when:", "    operation: creates"),
        [(6, "when.operation: must be one of create, poll, quote, completion, cancel, upload, read, or an operation")],
    ),
    "other-operation": (
        rules("- fault: task/fail", "  when:", "    provider: midsync", "    operation: getJob"),
        [(7, "faults[0].when.operation: must be one of")],
    ),
    "counts": (
        rules("- fault: task/fail", "  when:", "    nth: 1", "    first: 2"),
        [(7, "when.first: nth and first exclude each other; keep one of them")],
    ),
    "span": (
        rules("- fault: task/fail", "  when:", "    from: soon", "    until: 10 minutes"),
        [(6, "when.from: must be a span such as 30s"), (7, 'got "10 minutes"')],
    ),
    "share": (
        rules("- fault: task/fail", "  when: {probability: 2}"),
        [(5, "when.probability: must be at most 1, got 2")],
    ),
    "zeroth": (rules("- fault: task/fail", "  when: {nth: 0}"), [(5, "when.nth: must be at least 1, got 0")]),
    "text-count": (
        rules("- fault: task/fail", "  when: {nth: '1'}"),
        [(5, 'when.nth: must be an integer, got "1"')],
    ),
    "field": (
        rules("- fault: task/fail", "  when: {fields: {a: [1]}}"),
        [(5, "when.fields.a: must be a string or an integer or")],
    ),
    "all": (
        rules(
            "- fault: http/status",
            "  with: {status: 99}",
            "  when: {nth: 0, provider: nobody}",
            "- fault: nope",
            "x: 1",
        ),
        [
            (5, "faults[0].with.status"),
            (6, "faults[0].when.nth"),
            (6, "faults[0].when.provider"),
            (7, "faults[1].fault: there is no fault"),
            (8, "x: no such key"),
        ],
    ),
}


@pytest.mark.parametrize(("text", "expected"), BAD.values(), ids=BAD.keys())
def test_a_bad_scenario_is_told_with_file_line_and_what_is_allowed(text: str, expected: list[tuple[int, str]]) -> None:
    said = told(text)
    assert len(said) == len(expected), said
    left = list(said)
    for line, words in expected:
        fitting = [one for one in left if one.startswith(f"text:{line}: ") and words in one]
        assert fitting, (line, words, left)
        left.remove(fitting[0])


BAD_TOML: dict[str, tuple[str, int, str]] = {
    "syntax": ("name = 'one'\ndescription = \n", 2, "this is no TOML: Invalid value"),
    "end": ("name = 'one'\ndescription = '''", 2, "this is no TOML"),
    "twice": ("name = 'one'\nname = 'two'", 2, "Cannot overwrite a value"),
    "key": ("name = 'one'\ndescription = 'x'\nfautls = []", 3, "fautls: no such key; did you mean faults?"),
    "value": (
        "name = 'one'\ndescription = 'x'\n[[faults]]\n[[faults]]\n[faults.with]\nstatus = 99\n".replace(
            "]]\n", "]]\nfault = 'http/status'\n"
        ),
        8,
        "faults[1].with.status: http/status: status must be at least 400, got 99",
    ),
    "inline": (
        "name = 'one'\ndescription = 'x'\n[[faults]]\nfault = 'http/status'\nwith = {status = 99}",
        5,
        "faults[0].with.status",
    ),
    "dotted": (
        "name = 'one'\ndescription = 'x'\n[[faults]]\nfault = 'task/fail'\nwhen.nth = 1\nwhen.times = 0",
        6,
        "faults[0].when.times",
    ),
    "depth": ("name = " + "[" * 5000, 1, "nested deeper"),
    "deep": ("name = 'one'\ndescription = 'x'\n" + ".".join("a" * 30) + " = 1", 1, "nested deeper than the 8 levels"),
    "dots": ("a" + ".a" * 30_000 + " = 1", 1, "a line may have 200 dots"),
    "digits": ("name = 'one'\ndescription = 'x'\nfaults = " + "9" * 5000, 1, "a number in it is too long"),
    "infinite": ("name = 'one'\ndescription = 'x'\nfaults = inf", 3, "must be a finite number, got inf"),
    "time": (
        "name = 'one'\ndescription = 'x'\n[[faults]]\nfault = 'task/fail'\n[faults.when]\nfrom = 10:00:00",
        6,
        "faults[0].when.from: must be a text, a number, true, false, null, a list or a mapping, got a time",
    ),
}


@pytest.mark.parametrize(("text", "line", "words"), BAD_TOML.values(), ids=BAD_TOML.keys())
def test_a_bad_toml_scenario_is_told_with_its_line(text: str, line: int, words: str) -> None:
    (said,) = told(text, "toml")
    assert said.startswith(f"text:{line}: "), said
    assert words in said


@pytest.mark.parametrize(
    "rule",
    [
        {"fault": "http/statsu"},
        {"fault": "http/status", "with": {"status": 99}},
        {"fault": "http/status", "with": {"massage": "x"}},
        {"fault": "transport/latency", "with": {"distribution": "uniform", "ms": 9, "to_ms": 8}},
        {"fault": "task/fail", "when": {"provider": "midsink"}},
        {"fault": "task/fail", "when": {"provider": "midsync", "operation": "getJob"}},
    ],
)
def test_a_rule_set_alone_is_refused_in_the_words_for_one_in_a_scenario(rule: dict[str, Any]) -> None:
    with pytest.raises(ScenarioError) as in_a_scenario:
        scenario_from({"name": "one", "description": "x", "faults": [rule]}, FAULTS, PROVIDERS)
    with pytest.raises(ValueError, match=r"must|there is no fault|has no parameter") as alone:
        rule_from(RuleBody.model_validate(rule), FAULTS, PROVIDERS, name="", origin="")
    assert str(in_a_scenario.value).endswith(str(alone.value))


def test_a_key_in_an_aim_is_never_shown() -> None:
    (said,) = told(rules("- fault: task/fail", f"  when: {{key: {'sk_secret_' * 30}}}"))
    assert "faults[0].when.key: must have at most 200 characters" in said
    assert "sk_secret" not in said


def test_at_most_twenty_flaws_are_told_and_the_others_counted() -> None:
    said = told(rules(*["- 5"] * 50))
    assert len(said) == 21
    assert said[-1] == "and 30 more"


def test_what_comes_as_json_is_told_by_place() -> None:
    document = {"name": "one", "description": "x", "faults": [{"fault": "task/fail", "with": {"at": 3}}]}
    with pytest.raises(ScenarioError, match=r"^faults\[0\]\.with\.at: task/fail: at must be one of 'start'"):
        scenario_from(document, FAULTS, PROVIDERS)


@pytest.mark.parametrize(
    "document", [None, [], "x", {1: 2}, {"name": "one", "faults": None}, {"\ud800": 1}, {"name": {1}}]
)
def test_a_document_of_any_kind_is_refused_in_words(document: Any) -> None:
    with pytest.raises(ScenarioError):
        scenario_from(document, FAULTS, PROVIDERS)


def test_a_file_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(rules("- fault: nope"))
    with pytest.raises(ScenarioError) as caught:
        load(str(file), FAULTS, PROVIDERS)
    (flaw,) = caught.value.flaws
    assert (flaw.file, flaw.line) == (str(file), 4)
    assert str(caught.value).startswith(f"{file}:4: faults[0].fault")


@pytest.mark.parametrize(
    ("name", "content", "line", "words"),
    [
        ("big.yaml", b"# " + b"x" * MOST_BYTES, None, "at most 64 KiB"),
        ("latin.yaml", b"name: one\ndescription: caf\xe9\n", 2, "must be UTF-8, got byte 0xe9"),
        ("wide.yaml", "name: one".encode("utf-16"), 1, "must be UTF-8"),
        ("bad.ini", b"", None, "a scenario's file ends in .yaml, .yml, .json, .toml, got .ini"),
        ("bad.toml", b"name = one", 1, "this is no TOML"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    tmp_path: Path, name: str, content: bytes, line: int | None, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ScenarioError, match=words) as caught:
        load(tmp_path / name, FAULTS, PROVIDERS)
    assert caught.value.flaws[0].line == line


def test_a_file_may_be_yaml_json_or_toml(tmp_path: Path) -> None:
    (tmp_path / "one.yml").write_text("\ufeff" + WHOLE, "utf-8")
    (tmp_path / "one.toml").write_text(SAME_IN_TOML)
    (tmp_path / "one.json").write_text('{"name": "one", "description": "x", "faults": [{"fault": "task/fail"}]}')
    assert [len(load(tmp_path / f"one.{end}", FAULTS, PROVIDERS).rules) for end in ("yml", "toml", "json")] == [2, 2, 1]


@pytest.mark.parametrize("name", ["nowhere/x.yaml", "x.toml", "", "a\0.yaml", "."])
def test_a_file_that_is_not_there_is_told(name: str) -> None:
    with pytest.raises(ScenarioError):
        load(name, FAULTS, PROVIDERS)


def test_a_name_nobody_knows_brings_the_nearest() -> None:
    with pytest.raises(ScenarioError, match="there is no scenario 'lostcreate'; did you mean lost-create"):
        load("lostcreate", FAULTS, PROVIDERS)


def test_a_named_scenario_is_never_a_file(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(WHOLE)
    with pytest.raises(ScenarioError, match="there is no scenario"):
        named(str(tmp_path / "mine.yaml"), FAULTS, PROVIDERS)


def test_the_shipped_scenarios_are_the_documented_ones() -> None:
    assert set(shipped()) == {
        "happy",
        "slow-day",
        "flaky-network",
        "provider-outage",
        "lost-create",
        "webhook-storm",
        "hostile-webhooks",
        "billing-bugs",
        "moderation",
        "capacity-crunch",
    }
    assert tuple(descriptions()) == shipped()


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_scenario_is_read(name: str) -> None:
    found = load(name, FAULTS, PROVIDERS)
    assert (found.name, found.description) == (name, descriptions()[name])
    assert "#" not in text_of(name)
    assert bool(found.rules) is (name != "happy")


WORDS = st.sampled_from(
    [
        "name",
        "description",
        "faults",
        "fault",
        "with",
        "when",
        "nth",
        "first",
        "status",
        "http/status",
        "task/fail",
        "1",
    ]
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), WORDS, st.sampled_from(["30s", "create"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=5),
    max_leaves=20,
)
RULES = st.fixed_dictionaries(
    {},
    optional={
        "fault": st.sampled_from(["http/status", "task/fail", "transport/commit-then-lose"]) | VALUES,
        "with": st.dictionaries(st.sampled_from(["status", "message", "retry_after", "at", "reason"]), VALUES) | VALUES,
        "when": st.dictionaries(
            st.sampled_from(
                ["provider", "operation", "model", "key", "fields", "nth", "first", "every", "from", "until", "times"]
            ),
            VALUES,
        )
        | VALUES,
    },
)
DOCUMENTS = st.fixed_dictionaries(
    {}, optional={"name": SCALARS, "description": SCALARS, "faults": st.lists(RULES, max_size=4) | VALUES, "x": VALUES}
)
TEXTS = st.text(st.sampled_from(":-[]{}&*!|>'\"%@`?,#= \n\t\ud800\x00\x85\ufeff<." + string.ascii_lowercase + "019"))


def outcome(read_it: Callable[[], Scenario]) -> Scenario | ScenarioError:
    """Return what came of a document; nothing else may come of one."""
    try:
        return read_it()
    except ScenarioError as error:
        return error


@given(document=DOCUMENTS | VALUES | DOCUMENTS.map(lambda one: {**one, "name": "one", "description": "One."}))
@settings(max_examples=300, deadline=None)
def test_no_document_makes_anything_but_a_scenario_or_its_error(document: Any) -> None:
    found = outcome(lambda: scenario_from(document, FAULTS, PROVIDERS))
    if isinstance(found, ScenarioError):
        assert found.flaws
        assert len(str(found).splitlines()) == len(found.flaws) + bool(found.more)


@given(text=TEXTS | TEXTS.map(lambda text: HEAD + text) | TEXTS.map(rules))
@settings(max_examples=400, deadline=None)
@pytest.mark.parametrize("written", ["yaml", "toml"])
def test_no_text_makes_anything_but_a_scenario_or_its_error(written: Any, text: str) -> None:
    found = outcome(lambda: read(text, written))
    if isinstance(found, ScenarioError):
        assert found.flaws
        assert all(flaw.line for flaw in found.flaws)
