"""Money: exact decimals that never travel without their currency.

Belongs here: parsing an amount, rounding it the way a currency is written, adding amounts of one currency.
Does not: exchange rates as facts (they come with a document) and any float.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

INTEGER_DIGITS_MAX = 18
FRACTION_DIGITS_MAX = 6
_SMALLEST = Decimal(1).scaleb(-FRACTION_DIGITS_MAX)
_BEYOND = Decimal(10) ** INTEGER_DIGITS_MAX
_BEYOND_WHOLE = int(_BEYOND)
_HUNDREDTH = Decimal("0.01")

# Currencies whose smallest unit is not a hundredth (ISO 4217, table A.1).
_MINOR_DIGITS = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


class CurrencyMismatchError(ValueError):
    """Two amounts of different currencies met where only one currency makes sense."""


class InvalidAmountError(ValueError):
    """A value is not an amount the ledger can hold; `str()` says what was expected."""


def minor_digits(currency: str) -> int:
    """How many digits stand after the point when an amount of this currency is written."""
    return _MINOR_DIGITS.get(currency, 2)


def unusual_minor_digits() -> Mapping[str, int]:
    """The currencies whose amounts are not written with two digits after the point, and with how many they are."""
    return _MINOR_DIGITS


def round_to_minor(amount: Decimal, currency: str) -> Decimal:
    """Round half up to the currency's smallest unit, as invoices are rounded."""
    return amount.quantize(Decimal(1).scaleb(-minor_digits(currency)), rounding=ROUND_HALF_UP)


def parse_amount(value: Any) -> Decimal:
    """Read an exact amount of at most 18 digits before and 6 after the point.

    Takes Decimal, int and text; refuses floats (they have already lost the cent), NaN, infinities and sizes no book
    has. Raises InvalidAmountError.
    """
    if type(value) is Decimal:
        # Nearly every amount has two decimals, which this asks without taking it apart; NaN and infinities have none.
        if value.same_quantum(_HUNDREDTH) and value.adjusted() < INTEGER_DIGITS_MAX:
            return value
        amount = value
    elif type(value) is int and -_BEYOND_WHOLE < value < _BEYOND_WHOLE:
        return Decimal(value)
    elif isinstance(value, bool) or not isinstance(value, (int, str)):
        raise InvalidAmountError("an exact decimal number")
    else:
        try:
            amount = Decimal(value)
        except InvalidOperation:
            raise InvalidAmountError("a decimal number") from None
    if not amount.is_finite():
        raise InvalidAmountError("a finite number")
    if amount.adjusted() >= INTEGER_DIGITS_MAX or not -_BEYOND < amount < _BEYOND:
        raise InvalidAmountError(f"at most {INTEGER_DIGITS_MAX} digits before the point")
    if amount.as_tuple().exponent < -FRACTION_DIGITS_MAX:  # type: ignore[operator]
        # Trailing zeros cost nothing; a real seventh digit would be lost silently, so it is refused.
        shorter = amount.quantize(_SMALLEST)
        if shorter != amount:
            raise InvalidAmountError(f"at most {FRACTION_DIGITS_MAX} digits after the point")
        amount = shorter
    return amount


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount and its currency (three capital letters, ISO 4217)."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal):
            raise TypeError(f"Money takes a Decimal, found {type(self.amount).__name__}")

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatchError(f"{self} and {other} have different currencies")

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount - other.amount, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __abs__(self) -> Money:
        return Money(abs(self.amount), self.currency)

    def __bool__(self) -> bool:
        return self.amount != 0

    def rounded(self) -> Money:
        return Money(round_to_minor(self.amount, self.currency), self.currency)

    def __str__(self) -> str:
        return f"{round_to_minor(self.amount, self.currency):,} {self.currency}"


def total_of(amounts: Iterable[Money], currency: str) -> Money:
    """Add amounts of one currency; the empty sum is zero of that currency."""
    total = Money(Decimal(0), currency)
    for amount in amounts:
        total = total + amount
    return total
