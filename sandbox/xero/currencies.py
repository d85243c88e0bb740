"""Currencies: the rate of a day, and amounts in the organisation's own currency.

Belongs here: conversion. The rates are a fixed table, not the market's; the direction of CurrencyRate is inferred
(reference section 8) and can be turned by a switch.
"""

from decimal import Decimal

from sandbox.xero.wire import half_up
from sandbox.xero.work import Work

_PER_DOLLAR = {
    "USD": "1",
    "EUR": "0.92",
    "GBP": "0.79",
    "NZD": "1.66",
    "AUD": "1.52",
    "CAD": "1.37",
    "INR": "83.4",
    "SGD": "1.34",
    "JPY": "151.2",
    "CHF": "0.89",
}
NAMES = {
    "USD": "United States Dollar",
    "EUR": "Euro",
    "GBP": "British Pound",
    "NZD": "New Zealand Dollar",
    "AUD": "Australian Dollar",
    "CAD": "Canadian Dollar",
    "INR": "Indian Rupee",
    "SGD": "Singapore Dollar",
    "JPY": "Japanese Yen",
    "CHF": "Swiss Franc",
}


def day_rate(work: Work, code: str) -> Decimal:
    """The CurrencyRate a document gets when none is sent."""
    document = Decimal(_PER_DOLLAR.get(code, "1"))
    base = Decimal(_PER_DOLLAR.get(work.base_currency, "1"))
    is_per_base = work.options.currency_rate == "per_base"
    return half_up(document / base if is_per_base else base / document, 6)


def in_base(amount: Decimal, rate: Decimal, direction: str) -> Decimal:
    """`amount` in the organisation's currency, rounded half up; `direction` is the switch currency_rate."""
    if rate == 1:
        return half_up(amount)
    return half_up(amount / rate if direction == "per_base" else amount * rate)
