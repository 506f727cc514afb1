"""What faults keep and change: paths into bodies, shares, the counts of rules, results that were collected."""

from __future__ import annotations

from typing import Any

import pytest

from soundstage.core.call import Reply, Wire
from soundstage.core.paths import ABSENT, at, changed
from soundstage.core.randomness import Draw
from soundstage.core.rules import (
    Aim,
    Book,
    Rule,
    count_match,
    counting_since,
    counts_of,
    forget_counts,
    put_book,
    rules_of,
)
from soundstage.core.task import mark_collected, was_collected
from unit.stage import opened

BODY: dict[str, Any] = {"data": {"output": "url", "items": [{"a": 1}, {"b": 2}]}, "none": None}
FIRST, SECOND = (Rule(name, "http/status", b"{}", Aim(), name) for name in ("first", "second"))


@pytest.mark.parametrize(
    ("path", "found"),
    [("data.output", "url"), ("none", None), ("data.nothing", ABSENT), ("data.output.more", ABSENT), ("", ABSENT)],
)
def test_a_path_finds_what_is_there_and_tells_nothing_from_none(path: str, found: Any) -> None:
    assert at(BODY, path, ABSENT) is found or at(BODY, path, ABSENT) == found


@pytest.mark.parametrize(
    ("path", "value", "add", "left"),
    [
        ("data.output", "", False, {**BODY, "data": {**BODY["data"], "output": ""}}),
        ("none", ABSENT, False, {"data": BODY["data"]}),
        ("new", 1, True, {**BODY, "new": 1}),
        ("data.items.a", ABSENT, False, {**BODY, "data": {**BODY["data"], "items": [{}, {"b": 2}]}}),
        ("data.items.c", 3, True, {**BODY, "data": {**BODY["data"], "items": [{"a": 1, "c": 3}, {"b": 2, "c": 3}]}}),
    ],
)
def test_a_changed_body_is_a_new_one(path: str, value: Any, add: bool, left: Any) -> None:
    before = repr(BODY)
    assert changed(BODY, path, value, add=add) == left
    assert repr(BODY) == before


@pytest.mark.parametrize(
    ("path", "value"),
    [("data.output", "url"), ("new", 1), ("new.deep", 1), ("none.deep", 1), ("new", ABSENT), ("data.items.c", 1)],
)
def test_where_nothing_changes_the_same_body_comes_back(path: str, value: Any) -> None:
    assert changed(BODY, path, value) is BODY


def test_a_share_is_between_0_and_1_and_never_either() -> None:
    shares = [Draw("share").share(str(number)) for number in range(2000)]
    assert 0 < min(shares) < 0.01
    assert 0.99 < max(shares) < 1
    assert 0.45 < sum(shares) / len(shares) < 0.55


def test_a_reply_keeps_how_it_leaves_but_for_what_is_changed() -> None:
    reply = Reply({}).leaving(delay_ms=5).leaving(fate="close", cut=3)
    assert reply.wire == Wire(delay_ms=5, fate="close", cut=3)


def test_what_a_rule_counted_goes_with_it_and_stays_while_it_stays() -> None:
    tx = opened()
    put_book(tx, Book(rules=(FIRST, SECOND)))
    for rule in (FIRST, SECOND):
        counting_since(tx, rule)
        count_match(tx, rule, acts=rule is FIRST)
    put_book(tx, Book(rules=(SECOND,)))
    assert rules_of(tx) == (SECOND,)
    assert (counts_of(tx, FIRST), counts_of(tx, SECOND)) == ((0, 0), (1, 0))


def test_a_rule_that_counts_anew_begins_another_count() -> None:
    tx = opened()
    began = counting_since(tx, FIRST)
    count_match(tx, FIRST, acts=True)
    assert counting_since(tx, FIRST) == began
    forget_counts(tx, [FIRST])
    assert counts_of(tx, FIRST) == (0, 0)
    assert counting_since(tx, FIRST) != began


def test_a_result_is_collected_once_and_not_for_a_task_that_is_gone() -> None:
    tx = opened()
    mark_collected(tx, "gone")
    assert not was_collected(tx, "gone")
    tx.put("task", "here", object())
    mark_collected(tx, "here")
    tx.now += 1
    mark_collected(tx, "here")
    assert (was_collected(tx, "here"), tx.get("collected", "here")) == (True, tx.now - 1)
