"""RevidAPI's balance, and what else is shown of a key.

Source: R-REV-027, R-REV-203. ASSUMED: nobody belongs to an organization.
"""

from soundstage.core.call import Call, Reply
from soundstage.core.money import number
from soundstage.core.view import Tx
from soundstage.core.wallet import the_wallet

CURRENCY = "credits"
# As an older source of the provider shows it (R-REV-005).
_MOST_SHOWN = 15


def balance(call: Call, tx: Tx) -> Reply:
    """GET /balance: the user's for a shared key, the key's own for the others (A-REV-38)."""
    return Reply(
        {
            "balance": available(call, tx),
            "currency": CURRENCY,
            "key_prefix": key_prefix(call),
            "organization": None,
        }
    )


def available(call: Call, tx: Tx) -> int | float:
    """Return what the caller's key can spend, as a JSON number."""
    return number(the_wallet(tx, call.key.wallet).available)


def key_prefix(call: Call) -> str:
    """Return how the caller's key begins; of a short key never more than its half."""
    text = call.headers.get("Authorization", "").partition(" ")[2].strip()
    return f"{text[: min(_MOST_SHOWN, len(text) // 2)]}..."
