"""Uses: what is paid for at once leaves the wallet once, and forgetting old rows changes no sum."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundstage.core import usage
from soundstage.core.clock import MANUAL_START
from soundstage.core.invariants import violations
from soundstage.core.usage import MOST_USES, Use, charge, record_history
from soundstage.core.view import Tx
from soundstage.core.wallet import LedgerError, charged, covers, held, listed, open_wallet, spent, the_wallet
from unit.stage import after, opened


def sums(tx: Tx) -> tuple[int, int, int, int]:
    """Return what the wallet was issued, can spend, holds and has spent."""
    wallet = the_wallet(tx, "w")
    return wallet.issued, wallet.available, wallet.held, wallet.spent


def a_use(number: int, price: int, *, wallet: str = "w", at: int = MANUAL_START) -> Use:
    """Return one use."""
    return Use(f"use-{number}", wallet, "k", "m", "chat", at, price, tokens=(3, 4, 0))


def rows(tx: Tx) -> list[Use]:
    """Return the uses that are kept, the oldest first."""
    return [use for _, use in tx.scan("use")]


def spend_all(tx: Tx, prices: list[int]) -> Tx:
    """Charge one price after another, each in a step of its own."""
    for number, price in enumerate(prices):
        charge(tx, a_use(number, price, at=tx.now))
        tx = after(tx, tx.now + 1)
    return tx


def folded(tx: Tx) -> int:
    """Return the sum of what is no longer kept row by row."""
    entry = tx.get("entry", "w:folded")
    return 0 if entry is None else int(entry.amount)


def test_a_use_is_spent_at_once_and_remembered() -> None:
    tx = opened()
    charge(tx, a_use(1, 300))
    assert sums(tx) == (1000, 700, 0, 300)
    assert rows(tx) == [a_use(1, 300)]
    assert violations(after(tx, MANUAL_START)) == []


def test_a_use_tells_its_price_like_a_task_that_succeeded_at_once() -> None:
    movements = a_use(1, 300).movements
    assert (held(movements), spent(movements), charged(movements)) == (0, 300, 300)
    assert listed(movements) == [("reserve", MANUAL_START, 300), ("settle", MANUAL_START, 300)]


def test_a_use_may_cost_nothing_and_may_cost_all_there_is() -> None:
    tx = spend_all(opened(), [0, 1000])
    assert sums(tx) == (1000, 0, 0, 1000)
    assert violations(tx) == []


def test_a_use_the_wallet_does_not_cover_is_an_error_and_leaves_no_trace() -> None:
    tx = opened()
    with pytest.raises(LedgerError, match="below zero"):
        charge(tx, a_use(1, 1001))
    assert sums(tx) == (1000, 1000, 0, 0)
    assert rows(tx) == []


def test_beyond_the_most_the_oldest_uses_fold_and_no_sum_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "MOST_USES", 3)
    tx = spend_all(opened(), [1, 2, 4, 8, 16, 32])
    assert [use.charge for use in rows(tx)] == [8, 16, 32]
    assert folded(tx) == 1 + 2 + 4
    assert sums(tx) == (1000, 1000 - 63, 0, 63)
    assert violations(tx) == []


def test_up_to_the_most_every_use_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "MOST_USES", 3)
    tx = spend_all(opened(), [1, 2, 4])
    assert [use.charge for use in rows(tx)] == [1, 2, 4]
    assert folded(tx) == 0


def test_what_folds_goes_to_the_wallet_that_paid_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "MOST_USES", 2)
    tx = opened()
    open_wallet(tx, "other", provider="midsync", owner="o")
    charge(tx, a_use(1, 0, wallet="other"))
    tx = after(tx, MANUAL_START)
    for number, price in enumerate([5, 7, 11], 2):
        charge(tx, a_use(number, price))
        tx = after(tx, MANUAL_START)
    assert tx.get("entry", "other:folded").amount == 0
    assert folded(tx) == 5
    assert sums(tx) == (1000, 977, 0, 23)
    assert violations(tx) == []


@settings(deadline=None)
@given(st.lists(st.integers(0, 120), max_size=30), st.integers(1, 6))
def test_any_number_of_uses_balances_whatever_is_kept(prices: list[int], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(usage, "MOST_USES", most)
        tx, paid = opened(), 0
        for number, price in enumerate(prices):
            if not covers(tx, "w", price):
                continue
            paid += price
            charge(tx, a_use(number, price, at=tx.now))
            tx = after(tx, tx.now + 1)
            assert len(rows(tx)) <= most
            assert sums(tx) == (1000, 1000 - paid, 0, paid)
            assert folded(tx) + sum(use.charge for use in rows(tx)) == paid
            assert violations(tx) == []


def test_a_lost_use_is_seen_by_the_proof_of_conservation() -> None:
    tx = spend_all(opened(), [10, 20])
    tx.delete("use", "use-0")
    assert any("its entries say" in found for found in violations(tx))


def test_history_is_paid_for_with_credits_of_its_own_from_before_its_first_use() -> None:
    tx = opened()
    record_history(tx, "w", [a_use(number, 40, at=1000 * number) for number in (3, 1, 2)])
    assert sums(tx) == (1120, 1000, 0, 120)
    (entry,) = [one for _, one in tx.scan("entry") if one.note == "history"]
    assert (entry.kind, entry.amount, entry.at) == ("issue", 120, 1000)
    assert len(rows(tx)) == 3
    assert violations(after(tx, MANUAL_START)) == []


def test_no_history_writes_nothing() -> None:
    tx = opened()
    before = [one for _, one in tx.scan("entry")]
    record_history(tx, "w", [])
    assert [one for _, one in tx.scan("entry")] == before
    assert sums(tx) == (1000, 1000, 0, 0)


def test_history_and_charges_go_together_and_history_folds_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "MOST_USES", 3)
    tx = opened()
    record_history(tx, "w", [Use(f"old-{at}", "w", "k", "m", "t", at, 40, 1, None, 5) for at in (10, 20)])
    tx = spend_all(after(tx, MANUAL_START), [1, 2, 4])
    assert [use.id for use in rows(tx)] == ["use-0", "use-1", "use-2"]
    assert folded(tx) == 80
    assert sums(tx) == (1080, 993, 0, 87)
    assert violations(tx) == []


def test_what_is_kept_is_more_than_the_longest_history() -> None:
    """A key may be registered with 100,000 uses of history, none of which is forgotten at once."""
    assert MOST_USES > 100_000
