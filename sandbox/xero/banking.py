"""Bank transactions, and the prepayments and overpayments some of them make.

Belongs here: what a bank transaction has beyond other documents. Using a prepayment or overpayment is
`allocations.py`. Facts: reference section 9.
"""

from typing import Any

from sandbox.xero import documents, periods, wire
from sandbox.xero.kinds import BANK_TRANSACTION
from sandbox.xero.wire import Refusal
from sandbox.xero.work import TIME, Work, ordered

_CREDITS = {"OVERPAYMENT": ("Overpayments", "OverpaymentID"), "PREPAYMENT": ("Prepayments", "PrepaymentID")}
_CREDIT_ORDER = (
    "Type Reference InvoiceNumber RemainingCredit Allocations Payments HasAttachments Contact DateString Date Status "
    "LineAmountTypes LineItems SubTotal TotalTax Total UpdatedDateUTC CurrencyRate CurrencyCode"
)


def create(work: Work, given: dict[str, Any]) -> dict[str, Any]:
    bank = _bank(work, given)
    credit = _CREDITS.get(str(given.get("Type")).rpartition("-")[2])
    currency = bank.get("CurrencyCode", work.base_currency)
    if given.get("CurrencyCode", currency) != currency:
        raise Refusal(f"The currency must be that of the bank account, {currency}")
    if credit is not None and credit[0] == "Overpayments":
        given = {**given, "LineAmountTypes": "NoTax", "LineItems": _control_lines(work, given)}
    value = documents.create(work, BANK_TRANSACTION, {**given, "CurrencyCode": currency})
    value["BankAccount"] = {name: bank[name] for name in ("AccountID", "Code", "Name") if name in bank}
    value["IsReconciled"] = given.get("IsReconciled", False)
    if value["Total"] <= 0:
        raise Refusal("The total of a bank transaction must be greater than zero")
    if credit is not None:
        value[credit[1]] = _open_credit(work, value, *credit)
    value = ordered(value, BANK_TRANSACTION.order)
    work.replace("BankTransactions", value)
    return value


def update(work: Work, present: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    credit = _CREDITS.get(str(present.get("Type")).rpartition("-")[2])
    if present.get("IsReconciled"):
        raise Refusal("This Bank Transaction cannot be edited as it has been reconciled with a Bank Statement.")
    is_deletion = given.get("Status") == "DELETED"
    if credit is not None:
        record = work.get(credit[0], present[credit[1]]) if present.get(credit[1]) else None
        if record is not None and (record.get("Allocations") or record.get("Payments") or not is_deletion):
            raise Refusal("Bank transaction not of valid status for modification")
        if record is not None:
            record["Status"], record["RemainingCredit"] = "VOIDED", wire.number("0.00")
            work.touch(credit[0], record[credit[1]], TIME)
    if given.get("BankAccount"):
        bank = _bank(work, given)
        present["BankAccount"] = {name: bank[name] for name in ("AccountID", "Code", "Name") if name in bank}
    if "IsReconciled" in given and not is_deletion:
        present["IsReconciled"] = given["IsReconciled"]
    return documents.update(work, BANK_TRANSACTION, present, given)


def _bank(work: Work, given: dict[str, Any]) -> dict[str, Any]:
    named = given.get("BankAccount") or {}
    found = work.get("Accounts", named["AccountID"]) if named.get("AccountID") else None
    if found is None and named.get("Code"):
        found = next(iter(work.by("Accounts", "Code", named["Code"])), None)
    if found is None or found["Type"] != "BANK" or found.get("Status") != "ACTIVE":
        raise Refusal("A valid bank account must be specified")
    return found


def _control_lines(work: Work, given: dict[str, Any]) -> list[dict[str, Any]]:
    """An overpayment stands on receivables or payables: its lines have an amount and that account."""
    system = "DEBTORS" if str(given["Type"]).startswith("RECEIVE") else "CREDITORS"
    control = next(iter(work.by("Accounts", "SystemAccount", system)), {})
    names = ("Description", "Quantity", "UnitAmount", "LineAmount")
    return [
        {**{name: line[name] for name in names if name in line}, "AccountCode": control.get("Code", "")}
        for line in given.get("LineItems", ())
    ]


def _open_credit(work: Work, transaction: dict[str, Any], resource: str, key_name: str) -> str:
    """The prepayment or overpayment a bank transaction makes; returns its id."""
    key = work.books.ids.new()
    source = {
        **transaction,
        "RemainingCredit": transaction["Total"],
        "Allocations": [],
        "Payments": [],
        "HasAttachments": False,
    }
    record = {key_name: key, "ID": key, **{name: source[name] for name in _CREDIT_ORDER.split() if name in source}}
    periods.check_document(work, record)
    work.replace(resource, record)
    return key
