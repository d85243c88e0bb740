"""Lines of documents: items sold and bought, subtotals, discounts, taxes, links, applied amounts."""

from __future__ import annotations

from decimal import Decimal

from sandbox.quickbooks.shapes.common import Wire, cents, ref
from sandbox.quickbooks.shapes.lists import account_ref, item_ref

NAME_VALUE = "{http://schema.intuit.com/finance/v3}NameValue"


def sales_line(
    number: int,
    thing: Wire,
    amount: Decimal,
    *,
    quantity: int | Decimal | None = None,
    unit_price: Decimal | None = None,
    tax_code: str | None = "NON",
    description: str | None = None,
    class_ref: Wire | None = None,
) -> Wire:
    """One item line of an invoice or credit memo; without quantity and price on a voided one."""
    detail: Wire = {"ItemRef": item_ref(thing), "ItemAccountRef": thing["IncomeAccountRef"]}
    if tax_code is not None:
        detail["TaxCodeRef"] = ref(tax_code)
    if class_ref is not None:
        detail["ClassRef"] = class_ref
    if quantity is not None:
        detail |= {"UnitPrice": unit_price, "Qty": quantity}
    wire = {
        "Id": str(number),
        "LineNum": number,
        "Amount": amount,
        "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": detail,
        "CustomExtensions": [],
    }
    if description:
        wire["Description"] = description
    return wire


def subtotal_line(amount: Decimal) -> Wire:
    return {"Amount": amount, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}}


def discount_line(amount: Decimal, discount_account: Wire, percent: int | None) -> Wire:
    """A discount, after the subtotal and without an Id, its amount positive; `percent` None: a fixed amount."""
    detail: Wire = {"PercentBased": percent is not None, "DiscountAccountRef": account_ref(discount_account)}
    if percent is not None:
        detail["DiscountPercent"] = percent
    return {"Amount": amount, "DetailType": "DiscountLineDetail", "DiscountLineDetail": detail}


def tax_line(amount: Decimal, rate: Wire, taxable_amount: Decimal) -> Wire:
    return {
        "Amount": amount,
        "DetailType": "TaxLineDetail",
        "TaxLineDetail": {
            "TaxRateRef": ref(rate["Id"]),
            "PercentBased": True,
            "TaxPercent": rate["RateValue"],
            "NetAmountTaxable": taxable_amount,
        },
    }


def item_expense_line(
    number: int, thing: Wire, amount: Decimal, *, quantity: int, unit_price: Decimal, description: str | None = None
) -> Wire:
    wire = {
        "Id": str(number),
        "LineNum": number,
        "Amount": amount,
        "DetailType": "ItemBasedExpenseLineDetail",
        "ItemBasedExpenseLineDetail": {
            "BillableStatus": "NotBillable",
            "ItemRef": item_ref(thing),
            "UnitPrice": unit_price,
            "Qty": quantity,
            "TaxCodeRef": ref("NON"),
        },
        "CustomExtensions": [],
    }
    if description:
        wire["Description"] = description
    return wire


def account_expense_line(
    number: int, expense_account: Wire, amount: Decimal, *, description: str | None = None
) -> Wire:
    wire = {
        "Id": str(number),
        "LineNum": number,
        "Amount": amount,
        "DetailType": "AccountBasedExpenseLineDetail",
        "AccountBasedExpenseLineDetail": {
            "AccountRef": account_ref(expense_account),
            "BillableStatus": "NotBillable",
            "TaxCodeRef": ref("NON"),
        },
        "CustomExtensions": [],
    }
    if description:
        wire["Description"] = description
    return wire


def link(txn_id: str, txn_type: str) -> Wire:
    return {"TxnId": txn_id, "TxnType": txn_type}


def payment_line(
    amount: Decimal, txn_id: str, txn_type: str, *, document_number: str, present_balance: Decimal
) -> Wire:
    """One applied amount of a customer payment; LineEx shows the document's present balance plus this, as text."""
    extra = {
        "txnId": txn_id,
        "txnOpenBalance": str(cents(present_balance + amount)),
        "txnReferenceNumber": document_number,
    }
    return {
        "Amount": amount,
        "LinkedTxn": [link(txn_id, txn_type)],
        "LineEx": {
            "any": [
                {
                    "name": NAME_VALUE,
                    "declaredType": "com.intuit.schema.finance.v3.NameValue",
                    "scope": "javax.xml.bind.JAXBElement$GlobalScope",
                    "value": {"Name": name, "Value": value},
                    "nil": False,
                    "globalScope": True,
                    "typeSubstituted": False,
                }
                for name, value in extra.items()
            ]
        },
    }
