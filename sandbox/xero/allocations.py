"""Allocations: a credit note, prepayment or overpayment used on an invoice, and undone.

Belongs here: both ends of one allocation. Money that moves is `payments.py`. Facts: reference section 9.
"""

from typing import Any

from sandbox.xero import contacts, payments, periods, wire
from sandbox.xero.resources import BY_NAME
from sandbox.xero.wire import Refusal
from sandbox.xero.work import TIME, Work, amount

EXCEEDS_CREDIT = "The Allocation amount exceeds the remaining credit"
EXCEEDS_INVOICE = "The Allocation amount exceeds the amount outstanding on the invoice"
_LISTS = {"CreditNotes": "CreditNotes", "Prepayments": "Prepayments", "Overpayments": "Overpayments"}
_SIDES = {
    "ACCREC": {"ACCRECCREDIT", "RECEIVE-PREPAYMENT", "RECEIVE-OVERPAYMENT"},
    "ACCPAY": {"ACCPAYCREDIT", "SPEND-PREPAYMENT", "SPEND-OVERPAYMENT"},
}


def create(work: Work, resource: str, credit: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Use part of a credit on an invoice; returns the allocation as its answer shows it. Raises Refusal."""
    invoice = _invoice(work, given)
    figure = wire.half_up(given.get("Amount", wire.number(0)))
    _check(work, credit, invoice, figure)
    day = given.get("Date") or work.today
    periods.check_open(work, day)
    row, key_name = BY_NAME[resource], BY_NAME[resource].key
    allocation = {
        "AllocationID": work.books.ids.new(),
        "Amount": figure,
        "Date": wire.day_stamp(day),
        "Invoice": _stub(invoice),
    }
    credit.setdefault("Allocations", []).append(allocation)
    used = {"CreditNoteID": credit[key_name], "CreditNoteNumber": credit.get("CreditNoteNumber", "")}
    if resource != "CreditNotes":
        used = {key_name: credit[key_name]}
    invoice.setdefault(_LISTS[resource], []).append(
        {
            **used,
            "ID": credit[key_name],
            **({"HasErrors": False} if resource == "CreditNotes" else {}),
            "AppliedAmount": figure,
            **wire.day_fields("Date", day),
            "LineItems": [],
            "Total": credit["Total"],
        }
    )
    payments.settle(work, "Invoice", invoice, figure, day, is_credit=True)
    payments.settle(work, row.singular, credit, figure, day)
    return {**allocation, row.singular: {key_name: credit[key_name], "ID": credit[key_name], "LineItems": []}}


def delete(work: Work, resource: str, credit: dict[str, Any], key: str) -> dict[str, Any]:
    """Undo one allocation; returns its answer. Raises NotFound, Refusal."""
    found = next((each for each in credit.get("Allocations", ()) if each.get("AllocationID") == key), None)
    invoice = work.get("Invoices", found["Invoice"]["InvoiceID"]) if found is not None else None
    if found is None or invoice is None:
        raise wire.NotFound(f"{resource}/Allocations/{key}")
    figure, day = amount(found, "Amount"), wire.day_of(found["Date"])
    periods.check_open(work, day)
    credit["Allocations"].remove(found)
    used = invoice[_LISTS[resource]]
    same = [
        each for each in used if each["ID"] == credit[BY_NAME[resource].key] and amount(each, "AppliedAmount") == figure
    ]
    used.remove(same[0])
    payments.settle(work, "Invoice", invoice, -figure, day, is_credit=True)
    payments.settle(work, BY_NAME[resource].singular, credit, -figure, day)
    work.touch(resource, credit[BY_NAME[resource].key], TIME)
    if work.options.unallocated == "example":
        shown = [{"InvoiceID": invoice["InvoiceID"]}]
        return {"AllocationId": key, "Date": found["Date"], "Invoice": shown, "IsDeleted": True}
    return {**found, "IsDeleted": True}


def _invoice(work: Work, given: dict[str, Any]) -> dict[str, Any]:
    named = given.get("Invoice", {})
    found = work.get("Invoices", named["InvoiceID"]) if named.get("InvoiceID") else None
    if found is None and named.get("InvoiceNumber"):
        same = work.by("Invoices", "InvoiceNumber", named["InvoiceNumber"])
        same = [each for each in same if each["Status"] not in ("VOIDED", "DELETED")]
        found = same[0] if len(same) == 1 else None
    if found is None:
        raise Refusal(contacts.NOT_FOUND)
    return found


def _check(work: Work, credit: dict[str, Any], invoice: dict[str, Any], figure: Any) -> None:
    if credit["Status"] != "AUTHORISED" or invoice["Status"] != "AUTHORISED":
        raise Refusal("Allocations can only be made between authorised documents")
    if credit["Type"] not in _SIDES.get(invoice["Type"], ()):
        raise Refusal("A credit can only be allocated to an invoice of its own side")
    if credit["Contact"]["ContactID"] != invoice["Contact"]["ContactID"]:
        raise Refusal("A credit can only be allocated to an invoice of the same contact")
    if credit.get("CurrencyCode") != invoice.get("CurrencyCode"):
        raise Refusal("A credit can only be allocated to an invoice of the same currency")
    if figure <= 0:
        raise Refusal("The Allocation amount must be greater than zero")
    if figure > amount(credit, "RemainingCredit"):
        raise Refusal(EXCEEDS_CREDIT)
    if figure > amount(invoice, "AmountDue"):
        raise Refusal(EXCEEDS_INVOICE)


def _stub(invoice: dict[str, Any]) -> dict[str, Any]:
    empty = ("CreditNotes", "Prepayments", "Overpayments", "Payments", "InvoiceAddresses", "LineItems")
    return {
        "InvoiceID": invoice["InvoiceID"],
        "InvoiceNumber": invoice.get("InvoiceNumber", ""),
        "HasErrors": False,
        "IsDiscounted": False,
        **{name: [] for name in empty},
    }
