"""Money: exact or refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstage.core.money import LARGEST, MICROS, decimal_text, micros, number

AMOUNTS = st.integers(-LARGEST, LARGEST)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("0.21", 210_000),
        ("1000", 1000 * MICROS),
        (5, 5 * MICROS),
        (Decimal("-0.000001"), -1),
        ("1.0000000000", MICROS),
    ],
)
def test_an_amount_is_read_exactly(given_: str | int | Decimal, expected: int) -> None:
    assert micros(given_) == expected


@given(AMOUNTS)
def test_an_amount_survives_being_written_and_read(amount: int) -> None:
    assert micros(decimal_text(amount)) == amount


@given(AMOUNTS)
def test_the_text_of_an_amount_is_the_shortest_there_is(amount: int) -> None:
    text = decimal_text(amount)
    assert "e" not in text.lower()
    assert "." not in text or text[-1] not in "0."
    assert Decimal(text) * MICROS == amount


@given(AMOUNTS)
def test_the_number_in_a_reply_reads_back_as_the_same_amount(amount: int) -> None:
    shown = number(amount)
    assert isinstance(shown, int) == (amount % MICROS == 0)
    assert round(Decimal(repr(shown)) * MICROS) == amount


@pytest.mark.parametrize(
    "given_",
    [
        "",
        "ten",
        "1,5",
        "0x10",
        "NaN",
        "sNaN",
        "Infinity",
        "-Infinity",
        "0.0000001",
        "8000000001",
        "-8000000001",
        "9e999999",
        "1e-999999",
        "1.00000000000000000000000000000000000000000001",
        "7999999999.0000000000000000000000000001",
    ],
)
def test_what_is_no_exact_amount_is_refused_with_the_reason(given_: str) -> None:
    with pytest.raises(ValueError, match="amount m"):
        micros(given_)


def test_the_largest_amount_is_allowed() -> None:
    assert micros("8000000000") == LARGEST == -micros("-8000000000")
