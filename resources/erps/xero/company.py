"""What one organisation's own settings and lists say about what it accepts: currencies, closed books, codes, tax.

Belongs here: reading the reference data as mirrored. What is refused because of it is in `refusing.py`, what is sent in
`writing.py`. A list that was not mirrored is unknown, and nothing is said of its codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any

from resources.erps.xero.documents import exact
from resources.erps.xero.profile import AUTHORISED, DRAFT
from resources.erps.xero.values import read_day

Rows = Mapping[str, Mapping[str, Any]]

CENT = Decimal("0.01")
NO_TAX = "NONE"


class Company:
    """One organisation's reference data, entity -> external id -> payload, and the connection's settings."""

    def __init__(self, reference: Mapping[str, Rows], settings: Mapping[str, str]) -> None:
        self._reference = reference
        self.document_status = DRAFT if settings.get("document_status") == DRAFT else AUTHORISED

    @cached_property
    def base_currency(self) -> str:
        """The base currency, empty if the organisation was not mirrored."""
        return str(self._organisation.get("BaseCurrency") or "")

    @cached_property
    def currencies(self) -> frozenset[str]:
        """The currencies it has subscribed to; empty if they were not mirrored."""
        rows = next(iter(self.known("preferences").values()), {}).get("Currencies")
        found = {str(row.get("Code")) for row in rows if isinstance(row, Mapping)} if isinstance(rows, list) else set()
        return frozenset(found | {self.base_currency}) if found else frozenset()

    @cached_property
    def closed_until(self) -> date | None:
        """The last day of closed books: the later lock date, for who may write between the two is not known."""
        days = [read_day(self._organisation.get(key)) for key in ("PeriodLockDate", "EndOfYearLockDate")]
        return max((day for day in days if day is not None), default=None)

    def known(self, entity: str) -> Rows:
        """A list by id; empty if it was not mirrored."""
        return self._reference.get(entity, {})

    def account_of(self, code: str) -> dict[str, str]:
        """An account as a payment names it: by its code, or by its id if it has none."""
        row = self.known("accounts").get(code, {})
        return {"AccountID": code} if row and not row.get("Code") else {"Code": code}

    def currency_of(self, code: str) -> str:
        """The currency of an account, by what a payment calls it; empty if it is not known."""
        row = self.known("accounts").get(code)
        return "" if row is None else str(row.get("CurrencyCode") or self.base_currency)

    def tax_of(self, code: str, net: Decimal) -> Decimal | None:
        """What a tax rate gives on a line's amount, rounded half up by itself; None if the rate is not known."""
        if code in ("", NO_TAX):
            return Decimal(0)
        row = self.known("tax_codes").get(code)
        return None if row is None else cents(net * exact(row.get("EffectiveRate")) / 100)

    @cached_property
    def _organisation(self) -> Mapping[str, Any]:
        return next(iter(self.known("company_info").values()), {})


def cents(amount: Decimal) -> Decimal:
    """Half up, away from nothing: 0.125 is 0.13 and -0.125 is -0.13."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def names_of(rows: Rows, names_max: int = 12) -> str:
    """The active entries of a list for a person to choose from: "200 Sales, 400 Advertising"."""
    listed = [f"{key} {row.get('Name') or ''}".strip() for key, row in rows.items() if is_active(row)]
    more = f" and {len(listed) - names_max} more" if len(listed) > names_max else ""
    return ", ".join(listed[:names_max]) + more


def is_active(row: Mapping[str, Any]) -> bool:
    return row.get("Status", "ACTIVE") == "ACTIVE"
