"""Wallets by double entry: issued → available → held → spent, and back.

Reserve when a task is created (available → held), settle when it succeeds (held → spent), release when it fails
(held → available), refund what was spent already (spent → available). "Charged" for a task is what of it is held or
spent now. A task's entries live in its own row, all others in the `entry` table; a wallet's four sums are kept beside
them and `core.invariants` proves that both tell the same story.
"""

from dataclasses import dataclass
from typing import NamedTuple

from soundstage.core.view import Tx

# One movement: (kind, instant, micros). Kept flat, three items a movement, because every finished task keeps its own.
Movements = tuple[str | int, ...]


class Wallet(NamedTuple):
    """Sums in micros: issued = available + held + spent, always."""

    id: str
    provider: str
    owner: str
    issued: int = 0
    available: int = 0
    held: int = 0
    spent: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """A movement that belongs to no task: credits issued, history, or the sum of what was evicted."""

    wallet: str
    kind: str
    at: int
    amount: int
    note: str


class LedgerError(ValueError):
    """A movement that would make credits appear, vanish or go below zero: a bug of the caller."""


def open_wallet(tx: Tx, wallet_id: str, *, provider: str, owner: str) -> None:
    """Add an empty wallet."""
    tx.put("wallet", wallet_id, Wallet(id=wallet_id, provider=provider, owner=owner))


def the_wallet(tx: Tx, wallet_id: str) -> Wallet:
    """Return a wallet that must exist."""
    found: Wallet | None = tx.get("wallet", wallet_id)
    if found is None:
        raise LedgerError(f"no wallet {wallet_id} in universe {tx.universe_id}")
    return found


def issue(tx: Tx, wallet_id: str, amount: int, *, note: str, at: int | None = None) -> None:
    """Bring `amount` micros into the world, ready to be spent; a negative amount takes unspent ones out."""
    wallet = the_wallet(tx, wallet_id)
    if wallet.available + amount < 0:
        raise LedgerError(f"cannot take {-amount} micros from wallet {wallet_id}, it holds {wallet.available}")
    number: int = (tx.get("meta", "entries") or 0) + 1
    tx.put("meta", "entries", number)
    tx.put("entry", number, Entry(wallet_id, "issue", tx.now if at is None else at, amount, note))
    tx.put("wallet", wallet_id, wallet._replace(issued=wallet.issued + amount, available=wallet.available + amount))


def covers(tx: Tx, wallet_id: str, amount: int) -> bool:
    """Tell whether a wallet can pay `amount` micros now."""
    return the_wallet(tx, wallet_id).available >= amount


def _move(tx: Tx, wallet_id: str, *, available: int = 0, held: int = 0, spent: int = 0) -> None:
    was = the_wallet(tx, wallet_id)
    moved = Wallet(
        was.id,
        was.provider,
        was.owner,
        was.issued,
        was.available + available,
        was.held + held,
        was.spent + spent,
    )
    if moved.available < 0 or moved.held < 0 or moved.spent < 0:
        raise LedgerError(f"wallet {wallet_id} would go below zero: {moved}")
    tx.put("wallet", wallet_id, moved)


def reserve(tx: Tx, wallet_id: str, amount: int) -> Movements:
    """Hold `amount` micros for a task; the caller has checked `covers`."""
    _move(tx, wallet_id, available=-amount, held=amount)
    return ("reserve", tx.now, amount)


def settle(tx: Tx, wallet_id: str, movements: Movements, amount: int | None = None) -> Movements:
    """Spend `amount` micros of what is held (all of it by default) and release the rest."""
    holding = held(movements)
    paid = holding if amount is None else amount
    if not 0 <= paid <= holding:
        raise LedgerError(f"cannot settle {paid} micros, {holding} are held")
    _move(tx, wallet_id, held=-holding, spent=paid, available=holding - paid)
    settled = (*movements, "settle", tx.now, paid)
    return settled if paid == holding else (*settled, "release", tx.now, holding - paid)


def spend(tx: Tx, wallet_id: str, amount: int) -> None:
    """Spend `amount` micros at once, without holding them; the caller has checked `covers`."""
    _move(tx, wallet_id, available=-amount, spent=amount)


def fold(tx: Tx, wallet_id: str, amount: int) -> None:
    """Add `amount` micros to the one entry that stands for everything spent and no longer kept row by row."""
    folded: Entry | None = tx.get("entry", f"{wallet_id}:folded")
    before = 0 if folded is None else folded.amount
    note = "spent by what is no longer kept"
    tx.put("entry", f"{wallet_id}:folded", Entry(wallet_id, "folded", tx.now, before + amount, note))


def release(tx: Tx, wallet_id: str, movements: Movements) -> Movements:
    """Give back all that is held, because the task did not succeed."""
    holding = held(movements)
    _move(tx, wallet_id, held=-holding, available=holding)
    return (*movements, "release", tx.now, holding)


def refund(tx: Tx, wallet_id: str, movements: Movements) -> Movements:
    """Give back all that was spent, after settlement."""
    paid = spent(movements)
    _move(tx, wallet_id, spent=-paid, available=paid)
    return (*movements, "refund", tx.now, paid)


def total(movements: Movements, kind: str) -> int:
    """Return the sum of the movements of one kind, in micros."""
    return sum(int(movements[i + 2]) for i in range(0, len(movements), 3) if movements[i] == kind)


def reserved(movements: Movements) -> int:
    """Return what was reserved for a task when it was created, in micros: always its first movement."""
    return int(movements[2])


def held(movements: Movements) -> int:
    """Return what of a task is held now, in micros."""
    return total(movements, "reserve") - total(movements, "settle") - total(movements, "release")


def spent(movements: Movements) -> int:
    """Return what of a task is spent now, in micros."""
    return total(movements, "settle") - total(movements, "refund")


def charged(movements: Movements) -> int:
    """Return what a task has cost so far: held or spent, in micros."""
    return held(movements) + spent(movements)


def listed(movements: Movements) -> list[tuple[str, int, int]]:
    """Return movements as (kind, instant, micros), the first one first."""
    return [(str(movements[i]), int(movements[i + 1]), int(movements[i + 2])) for i in range(0, len(movements), 3)]
