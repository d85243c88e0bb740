"""Money keeps its cents and its currency."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.money import (
    CurrencyMismatchError,
    InvalidAmountError,
    Money,
    minor_digits,
    parse_amount,
    round_to_minor,
    total_of,
)

AMOUNTS = st.decimals(min_value=-(10**15), max_value=10**15, places=2, allow_nan=False, allow_infinity=False)


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


@given(AMOUNTS)
def test_an_amount_is_read_exactly_with_its_scale(amount):
    assert str(parse_amount(str(amount))) == str(amount)
    assert parse_amount(amount) is amount


@pytest.mark.parametrize("value", [0.1, 1e300, float("nan"), True, None, [], {}, b"1"])
def test_what_is_no_exact_number_is_refused(value):
    with pytest.raises(InvalidAmountError, match="exact decimal"):
        parse_amount(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("NaN", "finite"),
        ("Infinity", "finite"),
        (Decimal("sNaN"), "finite"),
        ("1E9999999", "18 digits before"),
        ("9" * 30, "18 digits before"),
        (10**18, "18 digits before"),
        (-(10**18), "18 digits before"),
        ("0.0000001", "6 digits after"),
        ("1E-9999999", "6 digits after"),
        ("twelve", "decimal number"),
        ("", "decimal number"),
        ("1,000.00", "decimal number"),
    ],
)
def test_an_absurd_amount_is_refused_with_what_was_expected(value, expected):
    with pytest.raises(InvalidAmountError, match=expected):
        parse_amount(value)


def test_zeros_behind_the_sixth_digit_cost_nothing():
    assert parse_amount("1.50000000000") == Decimal("1.5")


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [("1.005", "USD", "1.01"), ("-1.005", "USD", "-1.01"), ("1.5", "JPY", "2"), ("1.0005", "KWD", "1.001")],
)
def test_rounding_is_half_up_to_what_the_currency_has(amount, currency, rounded):
    assert str(round_to_minor(Decimal(amount), currency)) == rounded
    assert minor_digits(currency) == max(0, -Decimal(rounded).as_tuple().exponent)


@given(st.lists(AMOUNTS))
def test_a_total_is_the_exact_sum_in_any_order(amounts):
    monies = [Money(a, "EUR") for a in amounts]
    assert total_of(monies, "EUR") == total_of(reversed(monies), "EUR")
    assert total_of(monies, "EUR").amount == sum(amounts, Decimal(0))


def test_two_currencies_never_meet():
    for meet in (lambda a, b: a + b, lambda a, b: a - b, lambda a, b: total_of([a, b], "USD")):
        with pytest.raises(CurrencyMismatchError):
            meet(usd("1.00"), Money(Decimal("1.00"), "EUR"))
    assert usd("1.00") != Money(Decimal("1.00"), "EUR")


def test_money_of_a_float_cannot_be_made():
    with pytest.raises(TypeError):
        Money(0.1, "USD")


def test_money_reads_as_accountants_write_it():
    assert str(-usd("1234567.891")) == "-1,234,567.89 USD"
    assert abs(usd("-3")) == usd("3")
    assert not usd("0.00")
