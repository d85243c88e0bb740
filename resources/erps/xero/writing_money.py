"""Payments as Xero takes them: a payment of one document, the use of a credit, money without a document.

Belongs here: bodies, told apart by their keys: `Invoice` makes a Payment; `Allocation` uses a credit note, overpayment
or prepayment; `BankAccount` makes an overpayment. What has no such form is refused (`refusing_money.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.fields import MappingError
from resources.connector import Wanted
from resources.erps.xero.company import Company
from resources.erps.xero.markers import marked
from resources.erps.xero.records import ALLOCATION, PREFIXES

DOCUMENTS_PAID = ("invoices", "bills")
CREDITS_USED = ("credit_memos", "vendor_credits")
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


def moved_money(wanted: Wanted, company: Company) -> dict[str, Any]:
    record: Any = wanted.record
    if wanted.operation == "update":
        return _more_applied(wanted)
    if is_allocation(record):
        credit = next(part for part in record.applications if part.document_entity in CREDITS_USED)
        paid = next(part for part in record.applications if part.document_entity in DOCUMENTS_PAID)
        return {"CreditNoteID": _key(credit), **_allocations(record, [paid])}
    reference = marked(reference_of(record), wanted.marker)
    common = {"Date": record.payment_date.isoformat(), "Reference": reference}
    account = company.account_of(account_code(record))
    if not record.applications:
        party = getattr(record, "customer", None) or getattr(record, "vendor", None)
        line = {"Description": "Overpayment", "Quantity": 1, "UnitAmount": record.total_amount}
        return {
            "Type": _OVERPAYMENT[wanted.entity],
            "Contact": {"ContactID": party},
            "BankAccount": account,
            "LineAmountTypes": "NoTax",
            "LineItems": [line],
            **common,
        }
    (paid,) = record.applications
    return {"Invoice": {"InvoiceID": _key(paid)}, "Account": account, "Amount": paid.amount, **common}


def _more_applied(wanted: Wanted) -> dict[str, Any]:
    """The rest of an overpayment or prepayment, applied to further documents."""
    record: Any = wanted.record
    key, _, external_id = str(wanted.external_id).partition(":")
    if f"{key}:" not in (OVERPAYMENT, PREPAYMENT):
        raise MappingError("id", "PaymentID", wanted.external_id, "an overpayment or prepayment: payments never change")
    name = {"overpayment": "OverpaymentID", "prepayment": "PrepaymentID"}[key]
    return {name: external_id, **_allocations(record, new_applications(wanted))}


def new_applications(wanted: Wanted) -> list[Any]:
    before = {
        (part.document_entity, part.document_key or part.document, part.amount) for part in wanted.base.applications
    }  # type: ignore[union-attr, attr-defined]
    return [
        part
        for part in wanted.record.applications  # type: ignore[attr-defined]
        if (part.document_entity, part.document_key or part.document, part.amount) not in before
    ]


def ended_payment(wanted: Wanted) -> dict[str, Any]:
    external_id = str(wanted.external_id)
    if external_id.startswith(ALLOCATION):
        note_id, _, allocation_id = external_id.removeprefix(ALLOCATION).partition("/")
        return {"CreditNoteID": note_id, "AllocationID": allocation_id}
    return {"PaymentID": external_id, "Status": "DELETED"}


def _allocations(record: Any, parts: list[Any]) -> dict[str, Any]:
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
