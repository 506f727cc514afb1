"""Wallets: credits move and never appear, vanish or go below zero; the proof of it sees every lie."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstage.core.clock import MANUAL_START
from soundstage.core.invariants import violations
from soundstage.core.task import Order, create
from soundstage.core.usage import Use, record_history
from soundstage.core.view import Tx
from soundstage.core.wallet import (
    LedgerError,
    Wallet,
    charged,
    covers,
    held,
    issue,
    listed,
    refund,
    release,
    reserve,
    settle,
    spent,
    the_wallet,
    total,
)
from unit.stage import a_key, after, opened


def sums(tx: Tx) -> tuple[int, int, int, int]:
    wallet = the_wallet(tx, "w")
    return wallet.issued, wallet.available, wallet.held, wallet.spent


def test_reserve_holds_and_settle_spends() -> None:
    tx = opened()
    movements = reserve(tx, "w", 300)
    assert sums(tx) == (1000, 700, 300, 0)
    assert (held(movements), spent(movements), charged(movements)) == (300, 0, 300)
    settled = settle(tx, "w", movements)
    assert sums(tx) == (1000, 700, 0, 300)
    assert (held(settled), spent(settled), charged(settled)) == (0, 300, 300)
    assert listed(settled) == [("reserve", MANUAL_START, 300), ("settle", MANUAL_START, 300)]


def test_settling_less_than_is_held_releases_the_rest() -> None:
    tx = opened()
    settled = settle(tx, "w", reserve(tx, "w", 300), 120)
    assert sums(tx) == (1000, 880, 0, 120)
    assert (total(settled, "settle"), total(settled, "release"), charged(settled)) == (120, 180, 120)


@pytest.mark.parametrize("amount", [-1, 301])
def test_settling_more_than_is_held_or_less_than_nothing_is_refused(amount: int) -> None:
    tx = opened()
    movements = reserve(tx, "w", 300)
    with pytest.raises(LedgerError, match=f"cannot settle {amount} micros, 300 are held"):
        settle(tx, "w", movements, amount)
    assert sums(tx) == (1000, 700, 300, 0)


def test_release_gives_all_back_and_charges_nothing() -> None:
    tx = opened()
    released = release(tx, "w", reserve(tx, "w", 300))
    assert sums(tx) == (1000, 1000, 0, 0)
    assert charged(released) == 0


def test_refund_after_settlement_gives_back_what_was_spent() -> None:
    tx = opened()
    refunded = refund(tx, "w", settle(tx, "w", reserve(tx, "w", 300), 120))
    assert sums(tx) == (1000, 1000, 0, 0)
    assert charged(refunded) == 0
    assert total(refunded, "refund") == 120


def test_reserving_more_than_there_is_is_an_error_and_moves_nothing() -> None:
    tx = opened()
    assert covers(tx, "w", 1000)
    assert not covers(tx, "w", 1001)
    with pytest.raises(LedgerError, match="below zero"):
        reserve(tx, "w", 1001)
    assert sums(tx) == (1000, 1000, 0, 0)


def test_giving_back_what_another_task_holds_is_an_error() -> None:
    tx = opened()
    reserve(tx, "w", 100)
    with pytest.raises(LedgerError, match="below zero"):
        release(tx, "w", ("reserve", 0, 101))
    with pytest.raises(LedgerError, match="below zero"):
        refund(tx, "w", ("settle", 0, 1))


def test_unspent_credits_can_be_taken_out_and_no_others() -> None:
    tx = opened()
    reserve(tx, "w", 400)
    issue(tx, "w", -600, note="taken")
    assert sums(tx) == (400, 0, 400, 0)
    with pytest.raises(LedgerError, match="cannot take 1 micros from wallet w, it holds 0"):
        issue(tx, "w", -1, note="taken")


def test_a_wallet_that_is_not_there_is_an_error() -> None:
    with pytest.raises(LedgerError, match="no wallet nowhere in universe u"):
        reserve(opened(), "nowhere", 1)


def test_history_brings_its_own_credits() -> None:
    tx = opened()
    uses = [Use(f"p{at}", "w", "k", "m", "t", at, 40, 1, None, 5) for at in (10, 20)]
    record_history(tx, "w", uses)
    assert sums(tx) == (1080, 1000, 0, 80)
    assert violations(after(tx, MANUAL_START)) == []
    assert charged(uses[0].movements) == 40


@given(st.lists(st.tuples(st.integers(0, 400), st.sampled_from(["settle", "part", "release", "refund", "hold"]))))
def test_every_mix_of_movements_balances(moves: list[tuple[int, str]]) -> None:
    tx, cost = opened(), 0
    for amount, end in moves:
        if not covers(tx, "w", amount):
            continue
        movements = reserve(tx, "w", amount)
        if end == "part":
            movements = settle(tx, "w", movements, amount // 3)
        elif end in {"settle", "refund"}:
            movements = settle(tx, "w", movements)
        elif end == "release":
            movements = release(tx, "w", movements)
        if end == "refund":
            movements = refund(tx, "w", movements)
        cost += charged(movements)
    issued, available, holding, paid = sums(tx)
    assert issued == available + holding + paid == 1000
    assert available == 1000 - cost


def _wallet(tx: Tx, **changed: Any) -> None:
    tx.put("wallet", "w", the_wallet(tx, "w")._replace(**changed))


def _task(tx: Tx, *movements: str | int, **changed: Any) -> None:
    task = tx.get("task", "t")
    tx.put("task", "t", task._replace(movements=movements or task.movements, **changed))


LIES: dict[str, tuple[Callable[[Tx], None], str]] = {
    "more available than was issued": (lambda tx: _wallet(tx, available=9_999), "does not balance"),
    "another sum held": (lambda tx: _wallet(tx, held=0, available=1000), "its entries say"),
    "below zero": (lambda tx: _wallet(tx, available=-100, spent=1000), "is below zero"),
    "a task that has ended and holds": (
        lambda tx: _task(tx, due=None, run_ms=0, delay_ms=0),
        "still holds 100",
    ),
    "time going back": (lambda tx: _task(tx, "reserve", 9, 100, "settle", 8, 0), "go back in time"),
    "more settled than reserved": (
        lambda tx: _task(tx, "reserve", 1, 100, "settle", 2, 101),
        "settled and released more",
    ),
    "more refunded than paid": (lambda tx: _task(tx, "reserve", 1, 100, "refund", 2, 1), "refunded more"),
    "a task that vanished": (lambda tx: tx.delete("task", "t"), "its entries say"),
    "credits from nowhere": (lambda tx: tx.delete("entry", 1), "its entries say"),
}


@pytest.mark.parametrize("lie", LIES)
def test_the_proof_of_conservation_sees_every_lie(lie: str) -> None:
    tx = opened()
    create(tx, a_key(), Order("midsync", "o", "v", "m", b"", 100, 1_000, 1_000), "t")
    later = after(tx, MANUAL_START + 1)
    assert violations(later) == []
    tell, sentence = LIES[lie]
    tell(later)
    assert any(sentence in found for found in violations(later))


def test_a_wallet_opens_empty() -> None:
    assert Wallet("w", "p", "o") == Wallet("w", "p", "o", 0, 0, 0, 0)
