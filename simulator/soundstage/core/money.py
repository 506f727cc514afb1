"""Money as whole millionths of a credit, so that sums are exact and cost no more than integers."""

from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow

MICROS = 1_000_000
# Above this no float in a reply could show the amount exactly; no provider sells that much.
LARGEST = 8_000_000_000 * MICROS
# Raises where the usual context would round.
_EXACT = Context(prec=40, traps=[Inexact, InvalidOperation, Overflow])


def micros(amount: str | int | Decimal) -> int:
    """Return an amount of credits as micros.

    Raises ValueError for anything that is no plain decimal number with at most six places.

    >>> micros("0.21")
    210000
    """
    try:
        exact = _EXACT.multiply(Decimal(amount), MICROS)
    except DecimalException:
        raise ValueError(f"amount must be a decimal number such as 1000 or 0.21, got {amount!r}") from None
    if not exact.is_finite() or abs(exact) > LARGEST:
        raise ValueError(f"amount must lie between -8000000000 and 8000000000, got {amount!r}")
    if exact != int(exact):
        raise ValueError(f"amount may have at most six decimal places, got {amount!r}")
    return int(exact)


def decimal_text(amount: int) -> str:
    """Return micros as the shortest exact decimal string.

    >>> decimal_text(210000), decimal_text(20_000_000)
    ('0.21', '20')
    """
    whole, rest = divmod(abs(amount), MICROS)
    text = f"{whole}.{rest:06d}".rstrip("0").rstrip(".") if rest else str(whole)
    return f"-{text}" if amount < 0 else text


def number(amount: int) -> int | float:
    """Return micros as the JSON number a provider shows: whole when it is whole."""
    whole, rest = divmod(amount, MICROS)
    return whole if not rest else amount / MICROS
