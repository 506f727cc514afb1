"""What a task costs: one rule for estimate and create, so that they cannot disagree.

A video costs its seconds times the rate of its resolution and input mode, images cost their number times the rate of
their resolution, music costs its started half minutes. All rates: schemas/apikeyorg/catalogue.yaml.

ASSUMED: all of it; no price is published. Without a duration the longest the model may choose is reserved (A-KEY-16).
"""

from decimal import Decimal

from soundstage.core.money import MICROS
from soundstage.providers.apikeyorg.catalogue import Model

_HALF_MINUTE = 30
# Up to here a float holds every whole number.
_EXACT = 2**53


def price(model: Model, *, seconds: int | None, resolution: str | None, input_mode: str | None, count: int) -> int:
    """Return a task's price in micros; the arguments a category has no use for may be None."""
    row = {"resolution": resolution, "input_mode": input_mode}
    rate = model.rates[tuple(row[name] or "" for name in model.by)]
    if model.category == "image":
        return rate * count
    if seconds is None:
        raise ValueError(f"{model.id} is priced by its seconds")
    return rate * (seconds if model.category == "video" else -(-seconds // _HALF_MINUTE))


def longest(model: Model, seconds: int | None) -> int | None:
    """Return the seconds to reserve credits for: those asked for, or the most the model may choose by itself."""
    return seconds if seconds is not None or model.span is None else model.span.auto_maximum


def within(cost: int, most: float) -> bool:
    """Tell whether a price in micros is within a budget in credits, by the decimal digits that were sent."""
    # Not rounded to micros: 71.9999999 does not allow 72.
    return cost <= Decimal(repr(most)) * MICROS


def as_sent(most: float) -> int | float:
    """Return a budget as the JSON number it came as: whole when it is whole."""
    return int(most) if most.is_integer() and most < _EXACT else most
