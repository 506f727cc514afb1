"""Takes what an answer by token costs, at once and whole, or takes nothing (R-KEY-048)."""

from soundstage.core.call import Call
from soundstage.core.universe import draw_for
from soundstage.core.usage import Use, charge
from soundstage.core.view import Tx
from soundstage.core.wallet import covers
from soundstage.providers.apikeyorg.catalogue import Model


def pay(call: Call, tx: Tx, model: Model, asked: bytes, *, read: int, written: int, prefix: str) -> str | None:
    """Charge tokens read and written at a model's rates; return the id of this use, None when credits do not suffice.

    `asked` tells the request from others; a refused one leaves no trace, not even in the count of its repeats.
    """
    read_rate, write_rate = model.per_token
    price = read * read_rate + written * write_rate
    if not covers(tx, call.key.wallet, price):
        return None
    use_id = f"{prefix}-{draw_for(tx, prefix, asked).hex('id', 24)}"
    tokens = (read, written, 0)
    charge(tx, Use(use_id, call.key.wallet, call.key.id, model.id, model.category, tx.now, price, tokens=tokens))
    return use_id
