"""Payments: money against an invoice, or back out of a credit note, prepayment or overpayment.

Belongs here: making and deleting a payment and what it does to its document. Batches of them are `batches.py`,
credits without money `allocations.py`. Facts: reference section 9.
"""

from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.xero import contacts, currencies, periods, wire
from sandbox.xero.resources import BY_NAME
from sandbox.xero.wire import Refusal
from sandbox.xero.work import TIME, Work, amount

EXCEEDS = "Payment amount exceeds the amount outstanding on this document"
NOT_AUTHORISED = "Payments can only be made against authorised documents"
EARLY = "The payment date is prior to the invoice date."

PAYABLE = {
    "Invoice": ("Invoices", "InvoiceNumber", "AmountDue"),
    "CreditNote": ("CreditNotes", "CreditNoteNumber", "RemainingCredit"),
    "Prepayment": ("Prepayments", "", "RemainingCredit"),
    "Overpayment": ("Overpayments", "", "RemainingCredit"),
}
# Prepayments and overpayments have no such date in the published description.
DATED_WHEN_PAID = ("Invoice", "CreditNote")
RATED = ("Invoice", "CreditNote")
_KINDS = {
    "ACCREC": "ACCRECPAYMENT",
    "ACCPAY": "ACCPAYPAYMENT",
    "ACCRECCREDIT": "ARCREDITPAYMENT",
    "ACCPAYCREDIT": "APCREDITPAYMENT",
    "RECEIVE-PREPAYMENT": "ARPREPAYMENTPAYMENT",
    "SPEND-PREPAYMENT": "APPREPAYMENTPAYMENT",
    "RECEIVE-OVERPAYMENT": "AROVERPAYMENTPAYMENT",
    "SPEND-OVERPAYMENT": "APOVERPAYMENTPAYMENT",
}
_BY_ENDING = {"PREPAYMENT": "Prepayment", "OVERPAYMENT": "Overpayment", "CREDIT": "CreditNote"}
PAID_BY = {kind: type_name for type_name, kind in _KINDS.items()}


def find(work: Work, given: dict[str, Any]) -> dict[str, Any] | None:
    key = given.get("PaymentID")
    if not key or key == wire.ZERO_GUID:
        return None
    found = work.get("Payments", key)
    if found is None:
        raise Refusal(contacts.NOT_FOUND)
    return found


def create(work: Work, given: dict[str, Any], batch: dict[str, Any] | None = None) -> dict[str, Any]:
    """Pay a document. Raises Refusal."""
    name, document = document_of(work, given)
    _, _, balance = PAYABLE[name]
    if document["Status"] != "AUTHORISED":
        raise Refusal(NOT_AUTHORISED)
    account = paid_from(work, given.get("Account"), given.get("Code", ""))
    paid = given.get("Amount")
    if paid is None or wire.half_up(paid) <= 0:
        raise Refusal("Payment amount must be greater than zero")
    paid, day = wire.half_up(paid), given.get("Date") or work.today
    if paid > amount(document, balance):
        raise Refusal(EXCEEDS)
    periods.check_open(work, day)
    if day < wire.day_of(document["Date"]):
        work.warnings.append(EARLY)
    rate = _rate(work, name, document, given)
    value: dict[str, Any] = {"PaymentID": work.books.ids.new()}
    if batch is not None:
        value |= {"BatchPaymentID": batch["BatchPaymentID"], "BatchPayment": batch}
    value |= {
        **wire.day_fields("Date", day),
        "BankAmount": _bank_amount(work, document, account, paid, rate),
        "Amount": paid,
        "Reference": given.get("Reference", ""),
        "CurrencyRate": rate,
        "PaymentType": _KINDS[document["Type"]],
        "Status": "AUTHORISED",
        "HasAccount": True,
        "IsReconciled": given.get("IsReconciled", False),
        "Account": {each: account[each] for each in ("AccountID", "Code") if each in account},
        "Invoice": stub(name, document),
        "HasValidationErrors": False,
    }
    del value["DateString"]
    work.replace("Payments", value)
    short = {each: value[each] for each in ("PaymentID", "Date", "Amount", "Reference", "CurrencyRate")}
    if batch is not None:
        short = {"BatchPaymentID": batch["BatchPaymentID"], **short}
    document.setdefault("Payments", []).append({**short, "HasAccount": False, "HasValidationErrors": False})
    settle(work, name, document, paid, day)
    return value


def delete(work: Work, present: dict[str, Any], given: dict[str, Any], *, is_in_batch: bool = False) -> dict[str, Any]:
    """Take a payment back; it stays as a record with Status DELETED. Raises Refusal for any other change."""
    if given.get("Status") != "DELETED":
        raise Refusal("Payments cannot be modified, only created and deleted.")
    if present["Status"] == "DELETED":
        raise Refusal("Payment has already been deleted")
    if present.get("BatchPaymentID") and not is_in_batch:
        raise Refusal("Payments that belong to a batch payment cannot be deleted on their own")
    day = wire.day_of(present["Date"])
    periods.check_open(work, day)
    name, document = _paid_document(work, present)
    present["Status"] = "DELETED"
    work.touch("Payments", present["PaymentID"], TIME)
    document["Payments"] = [each for each in document["Payments"] if each["PaymentID"] != present["PaymentID"]]
    settle(work, name, document, -amount(present, "Amount"), day)
    return present


def document_of(work: Work, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What a payment names: the kind of document and the document. Raises Refusal."""
    given = dict(given)
    for short, kind in (("InvoiceNumber", "Invoice"), ("CreditNoteNumber", "CreditNote")):
        if given.get(short) and kind not in given:
            given[kind] = {short: given[short]}
    named = [name for name in PAYABLE if name in given]
    if len(named) != 1:
        raise Refusal("A payment must name exactly one Invoice, CreditNote, Prepayment or Overpayment")
    return named[0], _document(work, named[0], given[named[0]])


def _document(work: Work, name: str, given: dict[str, Any]) -> dict[str, Any]:
    resource, number, _ = PAYABLE[name]
    key = given.get(BY_NAME[resource].key)
    if key:
        found = work.get(resource, key)
        if found is not None:
            return found
    elif number and given.get(number):
        found = [
            each for each in work.by(resource, number, given[number]) if each["Status"] not in ("VOIDED", "DELETED")
        ]
        if len(found) == 1:
            return found[0]
    raise Refusal(contacts.NOT_FOUND)


def _paid_document(work: Work, payment: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    type_name = PAID_BY[payment["PaymentType"]]
    name = next((name for ending, name in _BY_ENDING.items() if type_name.endswith(ending)), "Invoice")
    found = work.get(PAYABLE[name][0], payment["Invoice"]["InvoiceID"])
    if found is None:
        raise Refusal(contacts.NOT_FOUND)
    return name, found


def paid_from(work: Work, given: dict[str, Any] | None, code: str = "") -> dict[str, Any]:
    """The account money comes from or goes to. Raises Refusal."""
    given, found = given or {"Code": code}, None
    if given.get("AccountID"):
        found = work.get("Accounts", given["AccountID"])
    elif given.get("Code"):
        found = next(iter(work.by("Accounts", "Code", given["Code"])), None)
    if found is None or found.get("Status", "ACTIVE") != "ACTIVE":
        raise Refusal("Account could not be found")
    if found["Type"] != "BANK" and not found.get("EnablePaymentsToAccount"):
        raise Refusal("Account must be of type BANK or have payments enabled")
    return found


def stub(name: str, document: dict[str, Any]) -> dict[str, Any]:
    """A document as a payment shows it: every kind under the names of an invoice."""
    resource, number, _ = PAYABLE[name]
    empty = {"Payments": [], "CreditNotes": [], "Prepayments": [], "Overpayments": []}
    return {
        "Type": document["Type"],
        "InvoiceID": document[BY_NAME[resource].key],
        "InvoiceNumber": document.get(number, "") if number else "",
        **empty,
        "HasErrors": False,
        "IsDiscounted": False,
        "Contact": document["Contact"],
        "LineItems": [],
        **({"CurrencyCode": document["CurrencyCode"]} if "CurrencyCode" in document else {}),
    }


def settle(
    work: Work, name: str, document: dict[str, Any], figure: Decimal, day: date, *, is_credit: bool = False
) -> None:
    """Lower what is left of a document by `figure` (raise it by a negative one), and its status with it."""
    resource, _, balance = PAYABLE[name]
    document[balance] = amount(document, balance) - figure
    if name == "Invoice":
        field = "AmountCredited" if is_credit else "AmountPaid"
        document[field] = amount(document, field) + figure
    if document[balance] == 0:
        known = document.get("FullyPaidOnDate")
        latest = max(day, wire.day_of(known)) if known else max([day, *_days(document)])
        document["Status"] = "PAID"
        if name in DATED_WHEN_PAID:
            document["FullyPaidOnDate"] = wire.day_stamp(latest)
    else:
        document["Status"] = "AUTHORISED"
        document.pop("FullyPaidOnDate", None)
    work.touch(resource, document[BY_NAME[resource].key], TIME)


def _days(document: dict[str, Any]) -> list[date]:
    parts = (*document.get("Payments", ()), *document.get("CreditNotes", ()), *document.get("Allocations", ()))
    return [wire.day_of(each["Date"]) for each in parts if each.get("Date")]


def _rate(work: Work, name: str, document: dict[str, Any], given: dict[str, Any]) -> Decimal:
    """The payment's own rate, which is said to be used for invoices and credit notes only, else the document's."""
    is_foreign = document.get("CurrencyCode", work.base_currency) != work.base_currency
    if not is_foreign or name not in RATED or not given.get("CurrencyRate"):
        return amount(document, "CurrencyRate") or Decimal("1.000000")
    return wire.half_up(given["CurrencyRate"], 6)


def _bank_amount(
    work: Work, document: dict[str, Any], account: dict[str, Any], paid: Decimal, rate: Decimal
) -> Decimal:
    """The amount in the bank account's currency, which is the document's or the organisation's."""
    currency = account.get("CurrencyCode", work.base_currency)
    if currency == document.get("CurrencyCode", work.base_currency):
        return paid
    if currency != work.base_currency:
        raise Refusal("The payment account must be in the currency of the document or of the organisation")
    return currencies.in_base(paid, rate, work.options.currency_rate)
