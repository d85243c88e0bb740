"""Batch payments: one line at the bank for payments of many invoices.

Belongs here: the batch; each payment in it is made by `payments.py`. Facts: reference section 9.
"""

from decimal import Decimal
from typing import Any

from sandbox.xero import contacts, payments, wire
from sandbox.xero.wire import Refusal
from sandbox.xero.work import TIME, Work

_KINDS = {"ACCREC": "RECBATCH", "ACCPAY": "PAYBATCH"}


def find(work: Work, given: dict[str, Any]) -> dict[str, Any] | None:
    key = given.get("BatchPaymentID")
    if not key or key == wire.ZERO_GUID:
        return None
    found = work.get("BatchPayments", key)
    if found is None:
        raise Refusal(contacts.NOT_FOUND)
    return found


def create(work: Work, given: dict[str, Any]) -> dict[str, Any]:
    parts = given.get("Payments")
    if not parts:
        raise Refusal("A batch payment must have at least one payment")
    account = payments.paid_from(work, given.get("Account"))
    day = given.get("Date") or work.today
    documents = [payments.document_of(work, part) for part in parts]
    types = {document["Type"] for _, document in documents}
    if len(types) != 1 or not types <= _KINDS.keys():
        raise Refusal("All payments of a batch must be for invoices of one type")
    if len({document["InvoiceID"] for _, document in documents}) != len(documents):
        raise Refusal("An invoice can be paid only once in a batch")
    value: dict[str, Any] = {
        "Account": {name: account[name] for name in ("AccountID", "CurrencyCode") if name in account},
        "Reference": given.get("Reference", ""),
        **{name: given[name] for name in ("Particulars", "Code", "Details", "Narrative") if name in given},
        "BatchPaymentID": work.books.ids.new(),
        **wire.day_fields("Date", day),
        "Payments": [],
        "Type": _KINDS[types.pop()],
        "Status": "AUTHORISED",
        "TotalAmount": Decimal("0.00"),
        "IsReconciled": False,
    }
    shown = {name: value[name] for name in ("Account", "BatchPaymentID", "Date", "Type", "Status", "IsReconciled")}
    for part in parts:
        paid = payments.create(work, {**part, "Account": {"AccountID": account["AccountID"]}, "Date": day}, shown)
        inner = {name: paid["Invoice"][name] for name in ("InvoiceID", "CurrencyCode") if name in paid["Invoice"]}
        empty = {name: [] for name in ("Payments", "CreditNotes", "Prepayments", "Overpayments", "LineItems")}
        value["Payments"].append(
            {
                "Invoice": {**inner, **empty, "HasErrors": False, "IsDiscounted": False},
                "PaymentID": paid["PaymentID"],
                "Amount": paid["Amount"],
                "BankAmount": paid["BankAmount"],
            }
        )
        value["TotalAmount"] += paid["Amount"]
    # Payments show their batch by this total, which is known only now.
    shown["TotalAmount"] = value["TotalAmount"]
    work.replace("BatchPayments", value)
    return value


def delete(work: Work, present: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Take the whole batch back. Raises Refusal for any other change."""
    if given.get("Status") != "DELETED":
        raise Refusal("Batch payments cannot be modified, only created and deleted.")
    if present["Status"] == "DELETED":
        raise Refusal("Batch payment has already been deleted")
    for part in present["Payments"]:
        payment = work.get("Payments", part["PaymentID"])
        if payment is not None and payment["Status"] != "DELETED":
            payments.delete(work, payment, {"Status": "DELETED"}, is_in_batch=True)
            payment["BatchPayment"] = {**payment["BatchPayment"], "Status": "DELETED"}
    present["Status"] = "DELETED"
    work.touch("BatchPayments", present["BatchPaymentID"], TIME)
    return present
