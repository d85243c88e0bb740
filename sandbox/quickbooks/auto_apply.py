"""What a company that applies credits by itself does with a new invoice.

Belongs here: Preferences.SalesFormsPrefs.AutoApplyCredit and AutoApplyPayments. The payment that ties a credit memo to
an invoice, with its note, is as captured (payment 74 of the sample company); that only new invoices set it off, oldest
credit first, credit memos before payments, is not confirmed. Deposited payments are left alone (6540).
"""

from copy import deepcopy
from decimal import Decimal
from typing import Any

from sandbox.quickbooks.books import open_balance, party_of, tidy, unapplied
from sandbox.quickbooks.links import apply_payment, linked
from sandbox.quickbooks.work import VERSION, Work

NOTE = "Created by QB Online to link credits to charges."


def to_invoice(work: Work, preferences: dict[str, Any], invoice: dict[str, Any]) -> None:
    """Use up the customer's open credit memos and unapplied payments on a new invoice, as the company prefers."""
    wishes = preferences.get("SalesFormsPrefs") or {}
    if wishes.get("AutoApplyCredit"):
        for memo in _oldest(work, "CreditMemo", invoice):
            _link_credit(work, invoice, memo)
    if wishes.get("AutoApplyPayments"):
        for payment in _oldest(work, "Payment", invoice):
            _apply(work, invoice, payment)


def _oldest(work: Work, kind: str, invoice: dict[str, Any]) -> list[dict[str, Any]]:
    """The customer's documents of a kind in the invoice's currency, oldest first."""
    keys = work.store.tables[kind].equal("CustomerRef", party_of(invoice))
    found = [value for key in sorted(keys, key=int) if (value := work.get(kind, key)) is not None]
    same = [each for each in found if each.get("CurrencyRef") == invoice.get("CurrencyRef")]
    return sorted(same, key=lambda value: value.get("TxnDate", ""))


def _link_credit(work: Work, invoice: dict[str, Any], memo: dict[str, Any]) -> None:
    part = min(open_balance("Invoice", invoice), open_balance("CreditMemo", memo))
    if part <= 0:
        return
    targets = (("Invoice", invoice["Id"]), ("CreditMemo", memo["Id"]))
    payment = {
        "CustomerRef": dict(invoice["CustomerRef"]),
        "TotalAmt": 0,
        "UnappliedAmt": 0,
        "ProcessPayment": False,
        "domain": "QBO",
        "sparse": False,
        "Id": work.store.next_id("transaction"),
        "TxnDate": invoice["TxnDate"],
        **{name: invoice[name] for name in ("CurrencyRef", "ExchangeRate") if name in invoice},
        "PrivateNote": NOTE,
        "Line": [{"Amount": part, "LinkedTxn": [{"TxnId": key, "TxnType": kind}]} for kind, key in targets],
    }
    work.replace("Payment", payment)
    apply_payment(work, "Payment", None, payment)


def _apply(work: Work, invoice: dict[str, Any], payment: dict[str, Any]) -> None:
    part = min(open_balance("Invoice", invoice), Decimal(payment.get("UnappliedAmt", 0)))
    if part <= 0 or linked(payment, "Deposit"):
        return
    before = deepcopy(payment)
    line = {"Amount": part, "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
    payment["Line"] = [*payment.get("Line", ()), line]
    payment["UnappliedAmt"] = tidy(unapplied("Payment", payment))
    apply_payment(work, "Payment", before, payment)
    work.touch("Payment", payment["Id"], VERSION)
