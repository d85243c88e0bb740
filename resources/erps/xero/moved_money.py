"""Money that moved, whichever way Xero keeps it, as one kind of payment.

A `Payment` settles one document. A payment of a credit note, an overpayment or a prepayment gives money back: its total
is negative. An `Overpayment` or `Prepayment` is money with a rest (`RemainingCredit`) that is applied by allocations.
An allocation of a credit note is a payment of nothing that joins the note with an invoice. Sources: reference of the
API, money movements; README.md says how these follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from ledger.fields import Amount, Derived, Field, Parts, Payload, Ref, Text, Variant
from ledger.mapping import WireMapping
from resources.erps.xero.bank_accounts import BANK_ACCOUNT
from resources.erps.xero.documents import exact, exchange_rate, is_void, remaining_credit
from resources.erps.xero.markers import without_mark
from resources.erps.xero.values import read_day

APPLICATIONS_KEY = "tieout:Applications"
# What a Payment may hold as the thing it is a payment of, and its id; by side, the ledger's name for it.
_PAID = {
    "Invoice": ("InvoiceID", "invoices", "bills"),
    "CreditNote": ("CreditNoteID", "credit_memos", "vendor_credits"),
    "Overpayment": ("OverpaymentID", "overpayments", "overpayments"),
    "Prepayment": ("PrepaymentID", "prepayments", "prepayments"),
}
_OF_TYPE = {"CREDITPAYMENT": "CreditNote", "OVERPAYMENTPAYMENT": "Overpayment", "PREPAYMENTPAYMENT": "Prepayment"}

APPLICATIONS = Parts(
    path=APPLICATIONS_KEY,
    variant_path=None,
    variants={
        "": Variant(
            implies={},
            fields={
                "amount": Amount("Amount"),
                "document_entity": Text("Entity"),
                "document": Ref("Document"),
                "document_key": Text("Key"),
            },
        )
    },
)


class MoneyMapping(WireMapping):
    """A payment, read with its applications, which stand elsewhere in each kind of record."""

    def prepared(self, payload: Payload) -> Payload:
        found = list(applications_of(payload, is_payable=self.spec.name == "bill_payments"))
        return {**payload, APPLICATIONS_KEY: found}


def fields(party: str, number: str, account: str) -> dict[str, Field]:
    return {
        party: Derived("Contact.ContactID", derive=party_of),
        "payment_date": Derived("Date", derive=_day),
        number: Derived("Reference", derive=_reference),
        "currency": Derived("CurrencyCode", derive=_currency),
        "exchange_rate": Derived("CurrencyRate", derive=_rate),
        "total_amount": Derived("Amount", derive=total_of),
        "applied_amount": Derived("Amount", derive=_applied),
        "unapplied_amount": Derived("RemainingCredit", derive=_unapplied),
        account: Derived("Account.Code", derive=_account),
        "is_void": Derived("Status", derive=is_void),
    }


def applications_of(payload: Payload, *, is_payable: bool) -> Iterable[dict[str, Any]]:
    """What a payment settles (documents), and what it uses up (credits)."""
    place = 2 if is_payable else 1
    if "Allocation" in payload:
        amount = exact(payload["Allocation"].get("Amount"))
        yield _application("Invoice", payload["Allocation"].get("Invoice"), amount, place)
        yield _application("CreditNote", payload.get("CreditNote"), amount, place)
        return
    if "PaymentID" in payload:
        word = _paid_word(payload)
        # A refund shows what it is of under the names of an invoice.
        yield _application(word, payload.get(word) or payload.get("Invoice"), exact(payload.get("Amount")), place)
        return
    for allocation in _list(payload.get("Allocations")):
        if allocation.get("IsDeleted") is not True:
            yield _application("Invoice", allocation.get("Invoice"), exact(allocation.get("Amount")), place)
    for refund in _list(payload.get("Payments")):
        key = str(refund.get("PaymentID") or "")
        yield {"Amount": exact(refund.get("Amount")), "Entity": "refunds", "Key": key}


def party_of(payload: Payload) -> str | None:
    for holder in (payload, *(payload.get(word) for word in _PAID)):
        contact = holder.get("Contact") if isinstance(holder, Mapping) else None
        found = contact.get("ContactID") if isinstance(contact, Mapping) else None
        if isinstance(found, str) and found:
            return found
    return None


def total_of(payload: Payload) -> Decimal:
    """What came in or went out; money given back counts negative, an allocation moves none."""
    if "Allocation" in payload:
        return Decimal(0)
    if "PaymentID" in payload:
        amount = exact(payload.get("Amount"))
        return amount if _paid_word(payload) == "Invoice" else -amount
    return exact(payload.get("Total"))


def _applied(payload: Payload) -> Decimal:
    if "Allocation" in payload:
        return Decimal(0)
    return total_of(payload) - _unapplied(payload)


def _unapplied(payload: Payload) -> Decimal:
    has_rest = "Allocation" not in payload and "PaymentID" not in payload
    return remaining_credit(payload) if has_rest else Decimal(0)


def _paid_word(payload: Payload) -> str:
    kind = str(payload.get("PaymentType") or "")
    return next((word for end, word in _OF_TYPE.items() if kind.endswith(end)), "Invoice")


def _application(word: str, document: Any, amount: Decimal, place: int) -> dict[str, Any]:
    key, *entities = _PAID[word]
    if isinstance(document, list):
        # A deleted allocation answers with a list of one.
        document = document[0] if document else None
    named = document if isinstance(document, Mapping) else {}
    found = str(named.get(key) or named.get("InvoiceID") or "")
    entity = entities[place - 1]
    is_ours = word in ("Invoice", "CreditNote") and found
    return {"Amount": amount, "Entity": entity, "Key": found, **({"Document": found} if is_ours else {})}


def _day(payload: Payload) -> Any:
    return read_day(_own(payload).get("Date"))


def _reference(payload: Payload) -> str:
    if "CreditNote" in payload and "Allocation" in payload:
        return str(payload["CreditNote"].get("CreditNoteNumber") or "")
    return without_mark(str(payload.get("Reference") or ""))


def _currency(payload: Payload) -> str | None:
    for holder in (payload, *(payload.get(word) for word in _PAID)):
        found = holder.get("CurrencyCode") if isinstance(holder, Mapping) else None
        if isinstance(found, str) and found:
            return found
    return None


def _rate(payload: Payload) -> Decimal:
    return exchange_rate(payload.get("CreditNote", {}) if "Allocation" in payload else payload)


def _account(payload: Payload) -> str | None:
    account = payload.get("Account") or payload.get(BANK_ACCOUNT)
    found = (account.get("Code") or account.get("AccountID")) if isinstance(account, Mapping) else None
    return found if isinstance(found, str) else None


def _own(payload: Payload) -> Mapping[str, Any]:
    found = payload.get("Allocation", payload)
    return found if isinstance(found, Mapping) else {}


def _list(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
