"""Believable past rows for a MidSync account, so that a billing dashboard has something to show.

Token rows (models only seen in usage, A-MID-27) and video rows are mixed; all is drawn from the seed.
"""

from faker import Faker

from soundstage.core.money import MICROS
from soundstage.core.randomness import Draw
from soundstage.core.universe import Key, the_universe
from soundstage.core.usage import Use, record_history
from soundstage.core.view import Tx
from soundstage.providers.midsync.catalogue import catalogue

_DAYS = 60
_DAY_MS = 86_400_000
_CENT = MICROS // 100


def fill(tx: Tx, key: Key, rows: int) -> None:
    """Add `rows` past uses over the last sixty days, most of them in working hours."""
    universe = the_universe(tx)
    draw = Draw("history", str(universe.seed), universe.name, key.id)
    fake = Faker("en_US")
    fake.seed_instance(draw.bits("faker"))
    instants = sorted(_instant(fake, tx.now) for _ in range(rows))
    uses = [_use(key, draw, number, at) for number, at in enumerate(instants)]
    record_history(tx, key.wallet, uses)


def _instant(fake: Faker, now: int) -> int:
    days_ago = fake.random_int(1, _DAYS)
    hour = min(23, max(0, round(fake.random.gauss(14, 3.5))))
    midnight = now - now % _DAY_MS
    instant: int = midnight - days_ago * _DAY_MS + hour * 3_600_000 + fake.random_int(0, 3_599_999)
    return instant


def _use(key: Key, draw: Draw, number: int, at: int) -> Use:
    log_id = f"log_{draw.hex(f'{number}/id', 16)}"
    if draw.between(f"{number}/kind", 1, 100) <= 60:
        return _token_use(key, draw, number, at, log_id)
    model = draw.pick(f"{number}/model", list(catalogue().models.values()))
    row = draw.pick(f"{number}/row", sorted(model.rows, key=str))
    charge = model.rows[row]
    consumed = charge * draw.between(f"{number}/consumed", 110, 220) // 100
    mode = draw.pick(f"{number}/mode", ("text-to-video", "text-to-video", "image-to-video"))
    seconds = dict(zip(model.by, row, strict=True))["duration"]
    whole_cents = consumed - consumed % _CENT
    return Use(log_id, key.wallet, key.id, model.id, mode, at, charge, whole_cents, None, seconds)


def _token_use(key: Key, draw: Draw, number: int, at: int, log_id: str) -> Use:
    model = draw.pick(f"{number}/llm", catalogue().usage_models)
    read = draw.between(f"{number}/read", 80, 6000)
    written = draw.between(f"{number}/written", 10, 1500)
    thought = draw.pick(f"{number}/thought", (0, 0, written // 2))
    # ASSUMED: invented prices, dearer for what is written; shown to a cent as in the documents' example.
    charge = max(1, (read * 6 + written * 30) // 1000) * _CENT
    consumed = max(1, (read * 11 + written * 60) // 1000) * _CENT
    tokens = (read, written, thought)
    return Use(log_id, key.wallet, key.id, model["id"], model["mode"], at, charge, consumed, tokens, None)
