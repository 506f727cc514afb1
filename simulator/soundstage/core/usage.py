"""Uses: what was paid for at once, without a task, such as an answer by token, or a row of an account's history.

A use carries its own movements, so every sum a provider shows is a view of one ledger.
"""

from typing import Final, NamedTuple

from soundstage.core.view import Tx
from soundstage.core.wallet import Movements, fold, issue, spend, the_wallet

# Uses kept per universe; beyond it the oldest ones fold into one entry of their wallet.
MOST_USES: Final = 250_000


class Use(NamedTuple):
    """One use: what it cost (micros), what it cost upstream (micros), and the tokens or seconds used.

    `tokens` are those read, those written, and those of the written ones that were reasoning.
    """

    id: str
    wallet: str
    key_id: str
    model: str
    mode: str
    at: int
    charge: int
    consumed: int = 0
    tokens: tuple[int, int, int] | None = None
    seconds: int | None = None

    @property
    def movements(self) -> Movements:
        """The use's movements: reserved and settled at once."""
        return ("reserve", self.at, self.charge, "settle", self.at, self.charge)


def charge(tx: Tx, use: Use) -> None:
    """Take a use's price out of its wallet and remember it; the caller has checked that the wallet covers it."""
    spend(tx, use.wallet, use.charge)
    tx.put("use", use.id, use)
    if tx.count("use") >= MOST_USES:
        for key in tx.oldest("use", 1):
            gone: Use = tx.get("use", key)
            tx.delete("use", key)
            fold(tx, gone.wallet, gone.charge)


def record_history(tx: Tx, wallet_id: str, uses: list[Use]) -> None:
    """Add uses from before the simulation began, oldest first, and the credits that paid for them."""
    if not uses:
        return
    paid = sum(use.charge for use in uses)
    issue(tx, wallet_id, paid, note="history", at=min(use.at for use in uses))
    wallet = the_wallet(tx, wallet_id)
    tx.put("wallet", wallet_id, wallet._replace(available=wallet.available - paid, spent=wallet.spent + paid))
    for use in uses:
        tx.put("use", use.id, use)
