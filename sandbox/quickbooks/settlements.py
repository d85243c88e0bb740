"""Payments, deposits and journal entries: what their lines may apply or post, and what is left.

Belongs here: the transaction itself. What it does to the documents it pays is `links.py`. Facts: reference section 7.
"""

from decimal import Decimal
from typing import Any

from sandbox.quickbooks import books, wire
from sandbox.quickbooks.books import tidy
from sandbox.quickbooks.spec import Entity
from sandbox.quickbooks.totals import home_total
from sandbox.quickbooks.wire import Refusal
from sandbox.quickbooks.work import Work


class Settlements:
    """Completes payments and entries of accounts within one write."""

    def __init__(self, work: Work) -> None:
        self.work = work

    def payment(self, value: dict[str, Any]) -> None:
        if Decimal(value["TotalAmt"]) < 0:
            raise wire.business("Amount must be zero or more")
        for line in value["Line"]:
            if not line.get("LinkedTxn"):
                raise Refusal(
                    "2020", "Required parameter Line.LinkedTxn is missing in the request", element="Line.LinkedTxn"
                )
        left = books.unapplied("Payment", value)
        if left < 0 or left > Decimal(value["TotalAmt"]):
            raise wire.business(
                f"The lines apply more than the payment has: {left} would be left of {value['TotalAmt']}"
            )
        value["UnappliedAmt"] = tidy(left)
        home_total(value)
        undeposited = books.find_account(self.work, "AccountSubType", "UndepositedFunds")
        if undeposited and Decimal(value["TotalAmt"]):
            value.setdefault("DepositToAccountRef", {"value": undeposited})

    def bill_payment(self, value: dict[str, Any], before: dict[str, Any] | None) -> None:
        """A line on a bill that is already paid goes; when none is left the payment is voided at once."""
        detail = {"Check": ("CheckPayment", "BankAccountRef"), "CreditCard": ("CreditCardPayment", "CCAccountRef")}.get(
            value["PayType"]
        )
        if detail is None:
            raise Refusal("2010", f"Property Name:PayType {value['PayType']} specified is unsupported or invalid")
        if detail[1] not in value.get(detail[0], {}):
            raise Refusal(
                "2020",
                f"Required parameter {detail[0]}.{detail[1]} is missing in the request",
                element=f"{detail[0]}.{detail[1]}",
            )
        if value["PayType"] == "Check":
            value["CheckPayment"].setdefault("PrintStatus", "NotSet")
        was = books.allocations(before)
        kept = []
        for line in value["Line"]:
            if not line.get("LinkedTxn"):
                raise Refusal(
                    "2020", "Required parameter Line.LinkedTxn is missing in the request", element="Line.LinkedTxn"
                )
            link = line["LinkedTxn"][0]
            bill = self.work.get("Bill", str(link.get("TxnId"))) if link.get("TxnType") == "Bill" else None
            is_paid = bill is not None and not Decimal(bill.get("Balance", 0)) and ("Bill", bill["Id"]) not in was
            if not is_paid:
                kept.append(line)
        if value["Line"] and not kept and before is None:
            value["TotalAmt"], value["PrivateNote"] = 0, voided_note(value)
        value["Line"] = kept
        left = books.unapplied("BillPayment", value)
        if left < 0 or left > Decimal(value["TotalAmt"]):
            raise wire.business(
                f"The lines apply more than the payment has: {left} would be left of {value['TotalAmt']}"
            )
        home_total(value)

    def ledger_lines(self, entity: Entity, value: dict[str, Any]) -> None:
        if entity.name == "Deposit":
            cash_back = Decimal((value.get("CashBack") or {}).get("Amount", 0))
            value["TotalAmt"] = tidy(sum((line["Amount"] for line in value["Line"]), 0) - cash_back)
            value.setdefault("TxnTaxDetail", {})
            return
        debits = Decimal()
        for line in value["Line"]:
            detail = line.get("JournalEntryLineDetail") or {}
            if detail.get("PostingType") not in ("Debit", "Credit") or "AccountRef" not in detail:
                raise Refusal(
                    "2020",
                    "Required parameter Line.JournalEntryLineDetail is missing in the request",
                    element="Line.JournalEntryLineDetail",
                )
            debits += Decimal(line["Amount"]) if detail["PostingType"] == "Debit" else -Decimal(line["Amount"])
        if debits:
            raise wire.business("You must fill out at least two detail lines and debits must equal credits.")
        value["TotalAmt"] = 0
        value.setdefault("TxnTaxDetail", {})


def voided_note(value: dict[str, Any]) -> str:
    note = value.get("PrivateNote", "")
    return f"Voided - {note}" if note and not note.startswith("Voided") else note or "Voided"
