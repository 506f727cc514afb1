"""Past uses: rows of an account's history from before the simulation began, with their own movements.

They bring their own issued credits, so every sum a provider shows is still a view of one ledger.
"""

from dataclasses import dataclass

from soundstage.core.view import Tx
from soundstage.core.wallet import Movements, issue, the_wallet


@dataclass(frozen=True, slots=True)
class PastUse:
    """One use in the past: what it cost (micros), what it cost upstream (micros), and tokens or seconds used."""

    id: str
    wallet: str
    key_id: str
    model: str
    mode: str
    at: int
    charge: int
    consumed: int
    tokens: tuple[int, int, int] | None
    seconds: int | None

    @property
    def movements(self) -> Movements:
        """The use's movements: reserved and settled at once."""
        return ("reserve", self.at, self.charge, "settle", self.at, self.charge)


def record_history(tx: Tx, wallet_id: str, uses: list[PastUse]) -> None:
    """Add past uses, oldest first, and the credits that paid for them."""
    if not uses:
        return
    paid = sum(use.charge for use in uses)
    issue(tx, wallet_id, paid, note="history", at=min(use.at for use in uses))
    wallet = the_wallet(tx, wallet_id)
    tx.put("wallet", wallet_id, wallet._replace(available=wallet.available - paid, spent=wallet.spent + paid))
    for use in uses:
        tx.put("past", use.id, use)
