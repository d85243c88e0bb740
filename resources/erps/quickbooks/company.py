"""What one company's own settings and lists say about what it accepts: currencies, closed books, codes, tax.

Belongs here: reading the reference data as mirrored. What is refused because of it is in `refusing.py`, what is sent in
`writing.py`. A list that was not mirrored is unknown, and nothing is said of its codes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any

Rows = Mapping[str, Mapping[str, Any]]

CENT = Decimal("0.01")
# In the US a line only says whether it is taxed; the rate is the document's.
TAXED, UNTAXED = "TAX", "NON"
PSEUDO_TAX_CODES = frozenset({TAXED, UNTAXED})
AP_ACCOUNT_TYPE = "Accounts Payable"
_US = ("US", "USA")


class Company:
    """One company's reference data: entity -> external id -> payload."""

    def __init__(self, reference: Mapping[str, Rows]) -> None:
        self._reference = reference

    @cached_property
    def home_currency(self) -> str:
        """The home currency, empty if the preferences were not mirrored."""
        return str(_at(self._preferences, "CurrencyPrefs", "HomeCurrency", "value") or "")

    @cached_property
    def has_many_currencies(self) -> bool:
        return _at(self._preferences, "CurrencyPrefs", "MultiCurrencyEnabled") is True

    @cached_property
    def closed_until(self) -> date | None:
        """The last day of the closed books."""
        day = _at(self._preferences, "AccountingInfoPrefs", "BookCloseDate")
        try:
            return date.fromisoformat(day[:10]) if isinstance(day, str) else None
        except ValueError:
            return None

    @cached_property
    def is_american(self) -> bool:
        """Whether US sales tax applies: the document has the tax, its lines say only whether they are taxed."""
        company = next(iter(self._reference.get("company_info", {}).values()), {})
        return company.get("Country", _US[0]) in _US

    def known(self, entity: str) -> Rows:
        """A list by id; empty if it was not mirrored."""
        return self._reference.get(entity, {})

    def payable_account(self, currency: str) -> str | None:
        """The company's one accounts payable account in a currency, or None if there are several."""
        found = [
            key
            for key, account in self.known("accounts").items()
            if account.get("AccountType") == AP_ACCOUNT_TYPE
            and account.get("Active") is not False
            and (_at(account, "CurrencyRef", "value") or self.home_currency or currency) == currency
        ]
        return found[0] if len(found) == 1 else None

    def tax_code_for(self, taxed: Decimal, tax: Decimal, held_code: str | None) -> str | None:
        """The document's tax code whose sales rates on `taxed` give `tax` to the cent: held, usual, or the only one."""
        usual = _at(self._preferences, "TaxPrefs", "TaxGroupCodeRef", "value")
        for code in (held_code, usual):
            if code and self._tax_by(code, taxed) == tax:
                return str(code)
        fitting = [
            code
            for code, row in self.known("tax_codes").items()
            if code not in PSEUDO_TAX_CODES and row.get("Active") is not False and self._tax_by(code, taxed) == tax
        ]
        return fitting[0] if len(fitting) == 1 else None

    def _tax_by(self, code: str, taxed: Decimal) -> Decimal | None:
        """What a code's sales rates give, each rounded to the cent by itself; None if they are not known."""
        details = _at(self.known("tax_codes").get(code, {}), "SalesTaxRateList", "TaxRateDetail")
        if not isinstance(details, list) or not details:
            return None
        rates = [self.known("tax_rates").get(str(_at(detail, "TaxRateRef", "value")), {}) for detail in details]
        percents = [rate.get("RateValue") for rate in rates]
        if any(isinstance(percent, bool) or not isinstance(percent, int | Decimal) for percent in percents):
            return None
        return sum((cents(taxed * Decimal(percent) / 100) for percent in percents), Decimal(0))

    @cached_property
    def _preferences(self) -> Mapping[str, Any]:
        return next(iter(self._reference.get("preferences", {}).values()), {})


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def names_of(rows: Rows, names_max: int = 12) -> str:
    """The active entries of a list for a person to choose from: "2 Net 15, 3 Net 30"."""
    shown: Iterable[str] = (
        f"{key} {row.get('FullyQualifiedName') or row.get('Name') or ''}".strip()
        for key, row in rows.items()
        if row.get("Active") is not False
    )
    listed = list(shown)
    more = f" and {len(listed) - names_max} more" if len(listed) > names_max else ""
    return ", ".join(listed[:names_max]) + more


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value
