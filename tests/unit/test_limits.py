"""Limits of a key: its bucket of calls a minute is exact; its lists of addresses and models hold."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundstage.core.call import Problem
from soundstage.core.limits import MOST_OF_ANY, address_problem, model_problem, networks, rate_problem
from soundstage.core.universe import Key
from soundstage.core.view import Tx
from unit.stage import a_key, opened

MINUTE = 60_000
LIMITS = st.one_of(st.integers(1, 20), st.sampled_from([7, 59, 60, 61, 59_999, 60_001, MOST_OF_ANY]))
GAPS = st.lists(st.one_of(st.just(0), st.integers(0, 200), st.integers(0, 2 * MINUTE)), max_size=80)


def limited(most: int, key_id: str = "k") -> Key:
    """Return a key that may make `most` calls a minute."""
    return replace(a_key(key_id), limits=(("requests_per_minute", most),))


def ask(tx: Tx, key: Key, at: int) -> Problem | None:
    """Make one call at an instant."""
    tx.now = at
    return rate_problem(tx, key)


def instants(gaps: list[int], start: int) -> list[int]:
    """Return when calls are made that follow each other after these gaps."""
    found = [start]
    for gap in gaps:
        found.append(found[-1] + gap)
    return found


@settings(deadline=None)
@given(limit=st.integers(1, 20), gaps=GAPS)
def test_in_any_span_of_time_no_more_than_the_limit_and_its_refill_are_admitted(limit: int, gaps: list[int]) -> None:
    tx = opened()
    admitted = [at for at in instants(gaps, tx.now) if ask(tx, limited(limit), at) is None]
    for first, begin in enumerate(admitted):
        for last in range(first, len(admitted)):
            span = admitted[last] - begin
            assert last - first + 1 <= limit + span * limit // MINUTE
    assert all(sum(begin <= at < begin + MINUTE for at in admitted) <= 2 * limit for begin in admitted)


@settings(deadline=None)
@given(limit=LIMITS, gaps=GAPS)
def test_the_bucket_is_the_exact_one_of_the_textbook(limit: int, gaps: list[int]) -> None:
    tx = opened()
    level, before = Fraction(limit), tx.now
    for at in instants(gaps, tx.now):
        level = min(Fraction(limit), level + Fraction((at - before) * limit, MINUTE))
        before = at
        problem = ask(tx, limited(limit), at)
        assert (problem is None) == (level >= 1)
        if problem is None:
            level -= 1
        else:
            assert problem.retry_after_ms is not None
            assert 0 <= problem.retry_after_ms - (1 - level) * MINUTE / limit < 1


@settings(deadline=None)
@given(limit=LIMITS, gaps=GAPS, extra=st.lists(st.integers(0, 1000), min_size=1, max_size=20))
def test_calls_that_keep_their_distance_are_never_refused(limit: int, gaps: list[int], extra: list[int]) -> None:
    """Whatever happened before, a call that comes 60,000/N ms after the one before it is admitted."""
    tx, key, apart = opened(), limited(limit), -(-MINUTE // limit)
    at = tx.now
    for at in instants(gaps, tx.now):
        ask(tx, key, at)
    for more in extra:
        at += apart + more
        assert ask(tx, key, at) is None


@settings(deadline=None)
@given(limit=st.integers(1, 1000), gaps=GAPS)
def test_a_refused_call_says_to_the_millisecond_when_to_come_again(limit: int, gaps: list[int]) -> None:
    tx, key = opened(), limited(limit)
    for at in instants(gaps, tx.now):
        problem = ask(tx, key, at)
        if problem is None or problem.retry_after_ms is None:
            continue
        assert problem.code == "rate_limited"
        assert problem.retry_after_ms > 0
        assert ask(tx, key, at + problem.retry_after_ms - 1) is not None
        before = tx.get("rate", key.id)
        assert ask(tx, key, at + problem.retry_after_ms) is None
        tx.put("rate", key.id, before)


def test_a_refused_call_takes_nothing_out_of_the_bucket() -> None:
    tx, key = opened(), limited(3)
    start = tx.now
    assert [ask(tx, key, start) is None for _ in range(5)] == [True, True, True, False, False]
    row = tx.get("rate", key.id)
    assert all(ask(tx, key, start + wait) is not None for wait in range(0, MINUTE // 3, 500))
    assert tx.get("rate", key.id) == row
    assert ask(tx, key, start + MINUTE // 3) is None


def test_a_bucket_that_rested_for_years_holds_one_minute_and_no_more() -> None:
    tx, key = opened(), limited(4)
    later = tx.now + 10 * 365 * 24 * 60 * MINUTE
    assert ask(tx, key, tx.now) is None
    assert [ask(tx, key, later) is None for _ in range(6)] == [True] * 4 + [False] * 2


def test_each_key_has_a_bucket_of_its_own_and_a_key_without_a_limit_has_none() -> None:
    tx = opened()
    assert ask(tx, limited(1, "a"), tx.now) is None
    assert ask(tx, limited(1, "a"), tx.now) is not None
    assert ask(tx, limited(1, "b"), tx.now) is None
    assert all(rate_problem(tx, a_key("c")) is None for _ in range(100))
    assert all(rate_problem(tx, replace(a_key("d"), limits=())) is None for _ in range(100))
    assert tx.get("rate", "c") is tx.get("rate", "d") is None


def test_the_refusal_names_the_limit_and_whole_seconds() -> None:
    tx, key = opened(), limited(7)
    problem = [ask(tx, key, tx.now) for _ in range(8)][-1]
    assert problem is not None
    assert problem.retry_after_ms == 8572
    assert problem.message == "This API key may make 7 calls a minute; try again in 9 s."


@pytest.mark.parametrize(
    ("peer", "allowed", "inside"),
    [
        ("127.0.0.1", ["127.0.0.1"], True),
        ("127.0.0.2", ["127.0.0.1"], False),
        ("10.9.8.7", ["10.0.0.0/8"], True),
        ("11.0.0.1", ["10.0.0.0/8"], False),
        ("10.1.2.3", ["10.1.2.9/24"], True),
        ("::ffff:10.1.2.3", ["10.0.0.0/8"], True),
        ("fe80::1%eth0", ["fe80::/10"], True),
        ("2001:db8::1", ["2001:db8::/32"], True),
        ("2001:db8::1", ["10.0.0.0/8"], False),
        ("127.0.0.1", ["::/0"], False),
        ("127.0.0.1", [], False),
        (None, ["0.0.0.0/0"], False),
    ],
)
def test_r_key_072_a_key_is_used_only_from_its_addresses(peer: str | None, allowed: list[str], inside: bool) -> None:
    """R-KEY-004, R-KEY-072."""
    problem = address_problem(replace(a_key(), ip_allowlist=tuple(allowed)), peer)
    assert (problem is None) == inside
    assert problem is None or (problem.code, problem.status) == ("address_not_allowed", 403)


def test_a_key_without_a_list_of_addresses_is_used_from_anywhere() -> None:
    assert address_problem(a_key(), "203.0.113.9") is None
    assert address_problem(a_key(), None) is None


@pytest.mark.parametrize("entry", ["", "10.0.0.0/33", "300.1.1.1", "localhost", "10.0.0.1-10.0.0.9"])
def test_what_is_neither_an_address_nor_a_network_is_an_error(entry: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the standard library's own sentence
        networks((entry,))


def test_r_key_072_a_key_uses_only_its_models() -> None:
    """R-KEY-004, R-KEY-072."""
    key = replace(a_key(), models=frozenset({"b", "a"}))
    assert model_problem(key, "a") is None
    assert model_problem(a_key(), "anything") is None
    problem = model_problem(key, "c")
    assert problem is not None
    assert (problem.code, problem.field) == ("model_not_allowed", "model")
    assert "its models: a, b" in problem.message
    none = model_problem(replace(key, models=frozenset()), "a")
    assert none is not None
    assert "its models: none" in none.message
