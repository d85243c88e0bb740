"""What contacts owe and are owed, and the two roles they get by their documents.

Belongs here: the difference one write makes to its contacts. Neither moves a contact's UpdatedDateUTC (reference
section 4), so no delta shows it. Overdue is as of the last write that touched the contact's documents.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.xero import wire
from sandbox.xero.currencies import in_base
from sandbox.xero.work import LOOKS, Work, amount

Share = tuple[str, Decimal, date | None]
"""Side ("AccountsReceivable" or "AccountsPayable"), amount in base currency, and the day it falls due."""

_SIDES = {"ACCREC": ("AccountsReceivable", 1), "ACCPAY": ("AccountsPayable", 1)}
_CREDITS = {
    "ACCRECCREDIT": ("AccountsReceivable", -1),
    "ACCPAYCREDIT": ("AccountsPayable", -1),
    "RECEIVE-OVERPAYMENT": ("AccountsReceivable", -1),
    "RECEIVE-PREPAYMENT": ("AccountsReceivable", -1),
    "SPEND-OVERPAYMENT": ("AccountsPayable", -1),
    "SPEND-PREPAYMENT": ("AccountsPayable", -1),
}
_OPEN_ITEMS = ("Invoices", "CreditNotes", "Prepayments", "Overpayments")


def share(value: dict[str, Any] | None, direction: str) -> Share | None:
    """What one document adds to its contact's balance, None when nothing; `direction` is the switch currency_rate."""
    if value is None or value.get("Status") != "AUTHORISED":
        return None
    rate = amount(value, "CurrencyRate") or Decimal(1)
    if value.get("Type") in _SIDES:
        side, sign = _SIDES[value["Type"]]
        due = wire.day_of(value["DueDate"]) if value.get("DueDate") else None
        return side, sign * in_base(amount(value, "AmountDue"), rate, direction), due
    if value.get("Type") in _CREDITS:
        side, sign = _CREDITS[value["Type"]]
        return side, sign * in_base(amount(value, "RemainingCredit"), rate, direction), None
    return None


def keep(work: Work) -> None:
    """Move the balances and roles of the contacts whose documents this write changed."""
    for contact_id, role, shares in list(_moves(work)):
        contact = work.get("Contacts", contact_id)
        if contact is None:
            continue
        if role and not contact.get(role):
            contact[role] = True
            work.touch("Contacts", contact_id, LOOKS)
        for side, outstanding, overdue in shares:
            if outstanding or overdue:
                zero = {"Outstanding": Decimal("0.00"), "Overdue": Decimal("0.00")}
                both = contact.setdefault("Balances", {"AccountsReceivable": dict(zero), "AccountsPayable": dict(zero)})
                both[side] = {
                    "Outstanding": amount(both[side], "Outstanding") + outstanding,
                    "Overdue": amount(both[side], "Overdue") + overdue,
                }
                work.touch("Contacts", contact_id, LOOKS)


def _moves(work: Work) -> Iterator[tuple[str, str, list[tuple[str, Decimal, Decimal]]]]:
    for (name, _), before, after in work.changed():
        if name not in _OPEN_ITEMS:
            continue
        for value, sign in ((before, -1), (after, 1)):
            if value is None:
                continue
            found = share(value, work.options.currency_rate)
            moved = []
            if found is not None:
                side, figure, due = found
                overdue = figure if due is not None and due < work.today else Decimal(0)
                moved = [(side, sign * figure, sign * overdue)]
            yield value["Contact"]["ContactID"], _role(value) if sign > 0 else "", moved


def _role(value: dict[str, Any]) -> str:
    return {
        "ACCREC": "IsCustomer",
        "ACCRECCREDIT": "IsCustomer",
        "ACCPAY": "IsSupplier",
        "ACCPAYCREDIT": "IsSupplier",
    }.get(value.get("Type", ""), "")
