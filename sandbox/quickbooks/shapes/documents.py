"""Invoices, credit memos, payments, bills, vendor credits, bill payments and purchase orders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from sandbox.quickbooks.shapes.common import ZERO, Wire, ref
from sandbox.quickbooks.shapes.lists import account_ref, customer_ref, vendor_ref


def invoice(
    base: Wire,
    *,
    party: Wire,
    number: str,
    txn_date: date,
    due_date: date,
    lines: Sequence[Wire],
    total: Decimal,
    balance: Decimal,
    tax_detail: Wire | None = None,
    links: Iterable[Wire] = (),
    term_ref: Wire | None = None,
    memo: str | None = None,
    private_note: str | None = None,
    custom_fields: Sequence[Wire] = (),
    email: str | None = None,
    bill_address: Wire | None = None,
    extra: Wire | None = None,
) -> Wire:
    """An invoice; `lines` end with the subtotal line, a discount line after it."""
    wire = {
        "AllowIPNPayment": False,
        "AllowOnlinePayment": False,
        "AllowOnlineCreditCardPayment": False,
        "AllowOnlineACHPayment": False,
        **base,
        "CustomField": list(custom_fields),
        "DocNumber": number,
        "TxnDate": txn_date.isoformat(),
        "CurrencyRef": party["CurrencyRef"],
        "LinkedTxn": list(links),
        "Line": list(lines),
        "TxnTaxDetail": tax_detail or {"TotalTax": ZERO},
        "CustomerRef": customer_ref(party),
        "FreeFormAddress": True,
        "DueDate": due_date.isoformat(),
        "TotalAmt": total,
        "ApplyTaxAfterDiscount": False,
        "PrintStatus": "NeedToPrint",
        "EmailStatus": "NotSet",
        "Balance": balance,
        **(extra or {}),
    }
    return wire | _sales_options(term_ref, memo, private_note, email, bill_address)


def credit_memo(
    base: Wire,
    *,
    party: Wire,
    number: str,
    txn_date: date,
    lines: Sequence[Wire],
    total: Decimal,
    balance: Decimal,
    tax_detail: Wire | None = None,
    memo: str | None = None,
    private_note: str | None = None,
    bill_address: Wire | None = None,
    extra: Wire | None = None,
) -> Wire:
    wire = {
        "RemainingCredit": balance,
        **base,
        "CustomField": [],
        "DocNumber": number,
        "TxnDate": txn_date.isoformat(),
        "CurrencyRef": party["CurrencyRef"],
        "Line": list(lines),
        "TxnTaxDetail": tax_detail or {"TotalTax": ZERO},
        "CustomerRef": customer_ref(party),
        "FreeFormAddress": True,
        "TotalAmt": total,
        "ApplyTaxAfterDiscount": False,
        "PrintStatus": "NeedToPrint",
        "EmailStatus": "NotSet",
        "Balance": balance,
        **(extra or {}),
    }
    return wire | _sales_options(None, memo, private_note, None, bill_address)


def _sales_options(
    term_ref: Wire | None, memo: str | None, private_note: str | None, email: str | None, bill_address: Wire | None
) -> Wire:
    optional = {
        "SalesTermRef": term_ref,
        "CustomerMemo": memo and {"value": memo},
        "PrivateNote": private_note,
        "BillEmail": email and {"Address": email},
        "BillAddr": bill_address,
        "ShipAddr": bill_address,
    }
    return {key: value for key, value in optional.items() if value}


def payment(
    base: Wire,
    *,
    party: Wire,
    txn_date: date,
    total: Decimal,
    unapplied: Decimal,
    lines: Sequence[Wire],
    deposit_account_id: str | None,
    method_id: str | None = None,
    reference_number: str | None = None,
    private_note: str | None = None,
    extra: Wire | None = None,
) -> Wire:
    wire = {
        "CustomerRef": customer_ref(party),
        "TotalAmt": total,
        "UnappliedAmt": unapplied,
        "ProcessPayment": False,
        **base,
        "TxnDate": txn_date.isoformat(),
        "CurrencyRef": party["CurrencyRef"],
        "Line": list(lines),
        **(extra or {}),
    }
    optional = {
        "DepositToAccountRef": deposit_account_id and ref(deposit_account_id),
        "PaymentMethodRef": method_id and ref(method_id),
        "PaymentRefNum": reference_number,
        "PrivateNote": private_note,
    }
    return wire | {key: value for key, value in optional.items() if value}


def bill(
    base: Wire,
    *,
    party: Wire,
    txn_date: date,
    due_date: date,
    lines: Sequence[Wire],
    total: Decimal,
    balance: Decimal,
    payables_account: Wire,
    number: str | None = None,
    links: Sequence[Wire] = (),
    term_id: str | None = None,
    private_note: str | None = None,
    extra: Wire | None = None,
) -> Wire:
    """A bill: each line shows a (possibly empty) LinkedTxn, the header shows one only when it has payments."""
    wire = {
        "DueDate": due_date.isoformat(),
        "Balance": balance,
        **base,
        "TxnDate": txn_date.isoformat(),
        "CurrencyRef": party["CurrencyRef"],
        "Line": [{**line, "LinkedTxn": []} for line in lines],
        "VendorRef": vendor_ref(party),
        "APAccountRef": account_ref(payables_account),
        "TotalAmt": total,
        **(extra or {}),
    }
    optional = {
        "DocNumber": number,
        "LinkedTxn": list(links),
        "SalesTermRef": term_id and ref(term_id),
        "PrivateNote": private_note,
        "VendorAddr": party.get("BillAddr"),
    }
    return wire | {key: value for key, value in optional.items() if value}


def vendor_credit(
    base: Wire,
    *,
    party: Wire,
    txn_date: date,
    lines: Sequence[Wire],
    total: Decimal,
    balance: Decimal,
    payables_account: Wire,
    number: str | None = None,
    private_note: str | None = None,
    extra: Wire | None = None,
) -> Wire:
    """A vendor credit; no JSON recording is known: shape as a bill, Balance (what is left of it) from the schema."""
    wire = {
        "Balance": balance,
        **base,
        "TxnDate": txn_date.isoformat(),
        "CurrencyRef": party["CurrencyRef"],
        "Line": list(lines),
        "VendorRef": vendor_ref(party),
        "APAccountRef": account_ref(payables_account),
        "TotalAmt": total,
        **(extra or {}),
    }
    optional = {"DocNumber": number, "PrivateNote": private_note}
    return wire | {key: value for key, value in optional.items() if value}


def bill_payment(
    base: Wire,
    *,
    party: Wire,
    txn_date: date,
    number: str,
    total: Decimal,
    lines: Sequence[Wire],
    bank_account: Wire | None = None,
    card_account: Wire | None = None,
    extra: Wire | None = None,
) -> Wire:
    """A bill payment by check (`bank_account`) or by card (`card_account`); exactly one of the two is given."""
    if card_account is not None:
        how: Wire = {"PayType": "CreditCard", "CreditCardPayment": {"CCAccountRef": account_ref(card_account)}}
    else:
        check = {"BankAccountRef": account_ref(bank_account), "PrintStatus": "NotSet"}
        how = {"PayType": "Check", "CheckPayment": check}
    return {
        "VendorRef": vendor_ref(party),
        **how,
        "TotalAmt": total,
        **base,
        "DocNumber": number,
        "TxnDate": txn_date.isoformat(),
        "CurrencyRef": party["CurrencyRef"],
        "Line": list(lines),
        **(extra or {}),
    }


def purchase_order(
    base: Wire,
    *,
    party: Wire,
    number: str,
    txn_date: date,
    lines: Sequence[Wire],
    total: Decimal,
    payables_account: Wire,
    links: Sequence[Wire] = (),
    is_closed: bool = False,
    memo: str | None = None,
    extra: Wire | None = None,
) -> Wire:
    wire = {
        "EmailStatus": "NotSet",
        "POStatus": "Closed" if is_closed else "Open",
        **base,
        "CustomField": [],
        "DocNumber": number,
        "TxnDate": txn_date.isoformat(),
        "CurrencyRef": party["CurrencyRef"],
        "LinkedTxn": list(links),
        "Line": list(lines),
        "VendorRef": vendor_ref(party),
        "APAccountRef": account_ref(payables_account),
        "TotalAmt": total,
        **(extra or {}),
    }
    return wire | ({"Memo": memo} if memo else {})
