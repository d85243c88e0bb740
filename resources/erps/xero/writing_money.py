"""Payments as Xero takes them: a payment of one document, the use of a credit, money with a rest, money given back.

Belongs here: bodies, told apart by their keys, and what of one is missing there. `Invoice` or one of the credits makes
a Payment; `CreditNoteID` with `Allocations` uses a credit note; `BankAccount` makes an overpayment, which is then
applied by its `Allocations`: that is how money for several documents, or with a rest, stays one record. What has no
form is refused (`refusing_money.py`).

Why not a batch payment for several documents: it has no contact, comes back as one payment for each document, and is
taken back whole or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ledger.fields import MappingError
from resources.connector import Wanted
from resources.erps.xero.company import Company
from resources.erps.xero.documents import exact, said_rate
from resources.erps.xero.markers import marked, marked_url
from resources.erps.xero.records import ALLOCATION, PREFIXES

DOCUMENTS_PAID = ("invoices", "bills")
CREDITS_USED = ("credit_memos", "vendor_credits")
# What money can be given back out of, and Xero's word for it.
REFUNDED = {
    "credit_memos": "CreditNote",
    "vendor_credits": "CreditNote",
    "overpayments": "Overpayment",
    "prepayments": "Prepayment",
}
_OVERPAYMENT = {"payments": "RECEIVE-OVERPAYMENT", "bill_payments": "SPEND-OVERPAYMENT"}
OVERPAYMENT, PREPAYMENT = PREFIXES.values()


def account_code(record: Any) -> str:
    return getattr(record, "deposit_account_code", None) or getattr(record, "paid_from_account_code", "")


def reference_of(record: Any) -> str:
    return getattr(record, "reference_number", None) or getattr(record, "document_number", "")


def is_allocation(record: Any) -> bool:
    """Nothing moved: a credit is used on a document."""
    return (
        not record.total_amount and {part.document_entity for part in record.applications} & set(CREDITS_USED) != set()
    )


def is_refund(record: Any) -> bool:
    """Money given back, out of a credit."""
    return record.total_amount < 0


def is_whole(record: Any) -> bool:
    """Money for one document and for nothing else, which is what Xero calls a payment."""
    return len(record.applications) == 1 and record.applications[0].amount == record.total_amount


def moved_money(wanted: Wanted, company: Company) -> dict[str, Any]:
    record: Any = wanted.record
    if wanted.operation == "update":
        return _applied_otherwise(wanted)
    if is_allocation(record):
        credit = next(part for part in record.applications if part.document_entity in CREDITS_USED)
        paid = next(part for part in record.applications if part.document_entity in DOCUMENTS_PAID)
        return {"CreditNoteID": _key(credit), **_allocations(record, [paid])}
    common = {
        "Date": record.payment_date.isoformat(),
        "Reference": marked(reference_of(record), wanted.marker),
        **said_rate(record),
    }
    account = company.account_of(account_code(record))
    if is_refund(record):
        (credit,) = record.applications
        name = REFUNDED[credit.document_entity]
        return {name: {f"{name}ID": _key(credit)}, "Account": account, "Amount": credit.amount, **common}
    if is_whole(record):
        (paid,) = record.applications
        return {"Invoice": {"InvoiceID": _key(paid)}, "Account": account, "Amount": paid.amount, **common}
    party = getattr(record, "customer", None) or getattr(record, "vendor", None)
    line = {"Description": "Overpayment", "Quantity": 1, "UnitAmount": record.total_amount}
    return {
        "Type": _OVERPAYMENT[wanted.entity],
        "Contact": {"ContactID": party},
        "BankAccount": account,
        "LineAmountTypes": "NoTax",
        "LineItems": [line],
        "CurrencyCode": record.currency,
        **common,
        **({"Url": marked_url(wanted.marker)} if wanted.marker else {}),
        **(_allocations(record, record.applications) if record.applications else {}),
    }


def is_in_two_steps(body: Mapping[str, Any]) -> bool:
    """Whether it makes an overpayment and applies it."""
    return "BankAccount" in body and "Allocations" in body


def met_allocations(body: Mapping[str, Any], payload: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """Those allocations of an overpayment that a body asked for, what else there is being somebody else's; and those of
    the body that it does not have yet.
    """
    there = [
        one for one in payload.get("Allocations") or () if isinstance(one, Mapping) and one.get("IsDeleted") is not True
    ]
    met, left = [], []
    for wanted in body["Allocations"]:
        key, amount = wanted["Invoice"]["InvoiceID"], exact(wanted["Amount"])
        found = next((one for one in there if _is_of(one, key, amount)), None)
        if found is None:
            left.append(wanted)
        else:
            there.remove(found)
            met.append(found)
    return met, left


def _is_of(allocation: Mapping[str, Any], key: str, amount: Decimal) -> bool:
    invoice = allocation.get("Invoice")
    found = invoice.get("InvoiceID") if isinstance(invoice, Mapping) else None
    return found == key and exact(allocation.get("Amount")) == amount


def _applied_otherwise(wanted: Wanted) -> dict[str, Any]:
    """An overpayment or prepayment, taken off some documents and applied to others."""
    key, _, external_id = str(wanted.external_id).partition(":")
    if f"{key}:" not in (OVERPAYMENT, PREPAYMENT):
        raise MappingError("id", "PaymentID", wanted.external_id, "an overpayment or prepayment: payments never change")
    name = {"overpayment": "OverpaymentID", "prepayment": "PrepaymentID"}[key]
    gone = [allocation_id_of(part, wanted) for part in gone_applications(wanted)]
    return {name: external_id, "Unallocate": gone, **_allocations(wanted.record, new_applications(wanted))}


def new_applications(wanted: Wanted) -> list[Any]:
    return _without(wanted.record.applications, wanted.base.applications)  # type: ignore[union-attr, attr-defined]


def gone_applications(wanted: Wanted) -> list[Any]:
    return _without(wanted.base.applications, wanted.record.applications)  # type: ignore[union-attr, attr-defined]


def allocation_id_of(part: Any, wanted: Wanted) -> str | None:
    """Which allocation of the credit, as it is held, one of its applications was."""
    for one in (wanted.held or {}).get("Allocations") or ():
        if isinstance(one, Mapping) and _is_of(one, _key(part), part.amount) and one.get("IsDeleted") is not True:
            found = one.get("AllocationID")
            return found if isinstance(found, str) and found else None
    return None


def _without(parts: Any, others: Any) -> list[Any]:
    known = {(part.document_entity, _key(part), part.amount) for part in others}
    return [part for part in parts if (part.document_entity, _key(part), part.amount) not in known]


def ended_payment(wanted: Wanted) -> dict[str, Any]:
    """What takes money back: an allocation is undone, a payment deleted, an overpayment through its bank transaction,
    a payment that is all of its batch with the batch.
    """
    external_id, held = str(wanted.external_id), wanted.held or {}
    if external_id.startswith(ALLOCATION):
        note_id, _, allocation_id = external_id.removeprefix(ALLOCATION).partition("/")
        return {"CreditNoteID": note_id, "AllocationID": allocation_id}
    for prefix, key in ((OVERPAYMENT, "OverpaymentID"), (PREPAYMENT, "PrepaymentID")):
        if external_id.startswith(prefix):
            contact = held.get("Contact") or {}
            return {
                key: external_id.removeprefix(prefix),
                "Type": held.get("Type"),
                "Contact": {"ContactID": contact.get("ContactID")},
                "Status": "DELETED",
            }
    batch_id, is_all = batch_of(held)
    if batch_id and is_all:
        return {"BatchPaymentID": batch_id, "Status": "DELETED"}
    return {"PaymentID": external_id, "Status": "DELETED"}


def batch_of(held: Mapping[str, Any]) -> tuple[str, bool]:
    """The batch a payment belongs to, empty if none, and whether it is all of it."""
    batch = held.get("BatchPayment")
    known = batch if isinstance(batch, Mapping) else {}
    batch_id = str(held.get("BatchPaymentID") or known.get("BatchPaymentID") or "")
    return batch_id, "TotalAmount" in known and exact(known["TotalAmount"]) == exact(held.get("Amount"))


def _allocations(record: Any, parts: Sequence[Any]) -> dict[str, Any]:
    day = record.payment_date.isoformat()
    return {"Allocations": [{"Amount": one.amount, "Date": day, "Invoice": {"InvoiceID": _key(one)}} for one in parts]}


def _key(part: Any) -> str:
    return part.document or part.document_key


def names_unsent(value: Any) -> bool:
    """Whether a reference in a body is one of the ledger's own, "#12"."""
    if isinstance(value, list):
        return any(names_unsent(each) for each in value)
    if not isinstance(value, Mapping):
        return False
    return any(
        (
            key in ("ContactID", "InvoiceID", "CreditNoteID", "ItemCode")
            and isinstance(each, str)
            and each.startswith("#")
        )
        or names_unsent(each)
        for key, each in value.items()
    )
