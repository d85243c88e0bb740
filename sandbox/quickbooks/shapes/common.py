"""What all shapes share: money, times, references, heads of objects, addresses."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

Wire = dict[str, Any]

ZERO = Decimal("0.00")
CENT = Decimal("0.01")
CURRENCY_NAMES = {"USD": "United States Dollar", "EUR": "Euro", "GBP": "British Pound Sterling"}
SUMMER = timezone(timedelta(hours=-7))
WINTER = timezone(timedelta(hours=-8))
USER_ID = "4620816365000000001"


def cents(value: Decimal) -> Decimal:
    """Round to the cent, half away from zero, as QuickBooks rounds tax."""
    return value.quantize(CENT, ROUND_HALF_UP)


def money(amount_cents: int) -> Decimal:
    """Whole cents as a Decimal with two decimals."""
    return Decimal(amount_cents).scaleb(-2)


@lru_cache(maxsize=64)
def _summer_time(year: int) -> tuple[datetime, datetime]:
    """US daylight saving of one year since 2007: second Sunday of March to first Sunday of November, 2:00 local."""
    march, november = date(year, 3, 8), date(year, 11, 1)
    start = march + timedelta(days=(6 - march.weekday()) % 7)
    end = november + timedelta(days=(6 - november.weekday()) % 7)
    return datetime(year, 3, start.day, 10, tzinfo=UTC), datetime(year, 11, end.day, 9, tzinfo=UTC)


def stamp(at: datetime) -> str:
    """An aware instant as MetaData shows it: whole seconds, with the Pacific offset of that day.

    The offset is worked out here and not looked up, so that a machine without a time zone database gives the same text.
    """
    start, end = _summer_time(at.year)
    return at.astimezone(SUMMER if start <= at < end else WINTER).isoformat(timespec="seconds")


def ref(value: str, name: str | None = None) -> Wire:
    return {"value": value} if name is None else {"value": value, "name": name}


def currency_ref(code: str) -> Wire:
    return ref(code, CURRENCY_NAMES[code])


def head(object_id: str, created: datetime, updated: datetime | None = None, *, changes: int = 0) -> Wire:
    """What every object carries; `changes`, the number of effective edits since its creation, is its SyncToken."""
    return {
        "domain": "QBO",
        "sparse": False,
        "Id": object_id,
        "SyncToken": str(changes),
        "MetaData": {"CreateTime": stamp(created), "LastUpdatedTime": stamp(updated or created)},
    }


def user_head(object_id: str, created: datetime, updated: datetime | None = None, *, changes: int = 0) -> Wire:
    """As `head`, with the user who touched it last: Invoice, Bill and PurchaseOrder show that since 2026."""
    wire = head(object_id, created, updated, changes=changes)
    wire["MetaData"]["LastModifiedByRef"] = ref(USER_ID)
    return wire


def foreign(currency: str, home: str, rate: Decimal, **amounts: Decimal) -> Wire:
    """ExchangeRate and the home amounts of a foreign document, each rounded to the cent; {} in the home currency.

    Rests on the schema alone: no recording of a multicurrency transaction is known.
    """
    if currency == home:
        return {}
    return {"ExchangeRate": rate} | {name: cents(amount * rate) for name, amount in amounts.items()}


def address(address_id: str, line: str, city: str, region: str, postal_code: str, country: str | None = None) -> Wire:
    wire = {
        "Id": address_id,
        "Line1": line,
        "City": city,
        "CountrySubDivisionCode": region,
        "PostalCode": postal_code,
        "Lat": "INVALID",
        "Long": "INVALID",
    }
    if country is not None:
        wire["Country"] = country
    return wire
