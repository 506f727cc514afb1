"""What a task costs: one rule for estimate and create, so that they cannot disagree.

A video costs its seconds times the rate of its resolution and input mode, images cost their number times the rate of
their resolution, music costs its started half minutes. All rates: schemas/apikeyorg/catalogue.yaml.
"""

from soundstage.providers.apikeyorg.catalogue import Model

_HALF_MINUTE = 30


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
