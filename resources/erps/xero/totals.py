"""What Xero itself says customers and vendors owe: contacts' balances, or the list of what is open.

An organisation with one currency is read from the balances that Xero keeps with each contact. Those are in the base
currency whatever the documents are in (reference of the API, contacts), so where there are several currencies the open
items are added up, party by party and currency by currency, from a list that is read for the purpose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from resources.connector import ControlTotals, Module, PartyBalance
from resources.erps.xero import profile
from resources.erps.xero.documents import exact
from resources.erps.xero.lists import Walk
from resources.erps.xero.profile import Resource
from resources.erps.xero.wire import Wire

_SIDES: Mapping[str, tuple[Module, str, int]] = {
    "ACCREC": ("ar", "AmountDue", 1),
    "ACCPAY": ("ap", "AmountDue", 1),
    "ACCRECCREDIT": ("ar", "RemainingCredit", -1),
    "ACCPAYCREDIT": ("ap", "RemainingCredit", -1),
    "RECEIVE-OVERPAYMENT": ("ar", "RemainingCredit", -1),
    "RECEIVE-PREPAYMENT": ("ar", "RemainingCredit", -1),
    "SPEND-OVERPAYMENT": ("ap", "RemainingCredit", -1),
    "SPEND-PREPAYMENT": ("ap", "RemainingCredit", -1),
}
_OPEN = 'Status=="AUTHORISED"'


def read_totals(wire: Wire, organisation: Mapping[str, Any]) -> ControlTotals:
    """One walk over the contacts, and where there are several currencies one over each list of open items."""
    base = str(organisation["BaseCurrency"])
    currencies = [row.get("Code") for row in _rows(wire, profile.CURRENCIES) if isinstance(row, Mapping)]
    walk = Walk(wire, profile.CONTACTS, entity="customers")
    contacts = {row["ContactID"]: row for batch in walk.pages() for row in batch.rows if isinstance(row, Mapping)}
    if walk.began_at is None:
        raise wire.damaged("an answer without its time", "DateTimeUTC in every answer")
    if set(currencies) <= {base}:
        parties = list(_kept_balances(contacts, base))
    else:
        parties = list(_open_items(wire, contacts))
    return ControlTotals(_floor(walk.began_at), parties, ())


def _kept_balances(contacts: Mapping[str, Mapping[str, Any]], base: str) -> Iterator[PartyBalance]:
    for contact_id, contact in contacts.items():
        balances = contact.get("Balances")
        for module, key in (("ar", "AccountsReceivable"), ("ap", "AccountsPayable")):
            side = balances.get(key) if isinstance(balances, Mapping) else None
            amount = exact(side.get("Outstanding")) if isinstance(side, Mapping) else Decimal(0)
            if amount:
                yield _party(module, contact_id, contact, base, amount)  # type: ignore[arg-type]


def _open_items(wire: Wire, contacts: Mapping[str, Mapping[str, Any]]) -> Iterator[PartyBalance]:
    sums: dict[tuple[Module, str, str], Decimal] = {}
    for resource in (profile.INVOICES, profile.CREDIT_NOTES, profile.OVERPAYMENTS, profile.PREPAYMENTS):
        for row in _rows(wire, resource, _OPEN):
            side = _SIDES.get(str(row.get("Type"))) if isinstance(row, Mapping) else None
            contact = row.get("Contact") if isinstance(row, Mapping) else None
            if side is None or not isinstance(contact, Mapping):
                raise wire.damaged(f"an open item of {resource.name} without a known Type or a Contact", "both")
            module, field, sign = side
            key = (module, str(contact.get("ContactID")), str(row.get("CurrencyCode")))
            sums[key] = sums.get(key, Decimal(0)) + sign * exact(row.get(field))
    for (module, contact_id, currency), amount in sums.items():
        yield _party(module, contact_id, contacts.get(contact_id, {}), currency, amount)


def _party(module: Module, contact_id: str, contact: Mapping[str, Any], currency: str, amount: Decimal) -> PartyBalance:
    is_active = contact.get("ContactStatus") == "ACTIVE"
    return PartyBalance(module, contact_id, str(contact.get("Name") or ""), currency, amount, is_active)


def _rows(wire: Wire, resource: Resource, where: str | None = None) -> Iterator[Any]:
    for batch in Walk(wire, resource, entity="control totals", where=where, is_summary=True).pages():
        yield from batch.rows


def _floor(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
