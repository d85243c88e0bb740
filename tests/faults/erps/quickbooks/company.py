"""The company every schedule begins with: names, and two of each kind of document, so that there is what to edit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.small_company import EARLY, a_customer, a_line, a_payment, a_vendor, an_invoice, an_item, stamped

ITEM = "90"
EXPENSES = "70"
BANK = "35"
PAYABLES = "33"


def the_company() -> dict[str, list[dict[str, Any]]]:
    accounts = [
        ("84", "Accounts Receivable (A/R)", "Accounts Receivable", "400.00"),
        (PAYABLES, "Accounts Payable (A/P)", "Accounts Payable", "-140.00"),
        (EXPENSES, "Office expenses", "Expense", "0"),
        ("79", "Sales of Product Income", "Income", "0"),
    ]
    return {
        "Customer": [a_customer(1, Balance=Decimal("300.00")), a_customer(2, Balance=Decimal("100.00"))],
        "Vendor": [a_vendor(50, Balance=Decimal("140.00"))],
        "Item": [an_item(ITEM, IncomeAccountRef={"value": "79"}, ExpenseAccountRef={"value": EXPENSES})],
        "Account": [
            stamped(
                key, Name=name, AccountType=kind, CurrentBalance=Decimal(b), Active=True, CurrencyRef={"value": "USD"}
            )
            for key, name, kind, b in accounts
        ],
        "Invoice": [
            an_invoice(100, 1),
            an_invoice(101, 1, "300.00", Balance=Decimal("300.00")),
            an_invoice(102, 2),
        ],
        "CreditMemo": [_sale(110, "CM-110", "60.00", RemainingCredit=Decimal("60.00"), Balance=Decimal("60.00"))],
        "Payment": [a_payment(120, 100, amount="40.00", PaymentRefNum="PAY-120", Line=[], UnappliedAmt=Decimal("40"))],
        "Bill": [_bill(130, "BILL-130", "100.00"), _bill(131, "BILL-131", "100.00")],
        "VendorCredit": [_bill(140, "VC-140", "60.00")],
        "PurchaseOrder": [_order(150)],
    }


def _sale(key: int, number: str, amount: str, **fields: Any) -> dict[str, Any]:
    return stamped(
        key,
        DocNumber=number,
        CustomerRef={"value": "1"},
        TxnDate="2026-01-05",
        CurrencyRef={"value": "USD"},
        Line=[a_line(amount)],
        TotalAmt=Decimal(amount),
        **fields,
    )


def _bill(key: int, number: str, amount: str) -> dict[str, Any]:
    """A bill, or a vendor credit, which is written alike."""
    line = {
        "Id": "1",
        "LineNum": 1,
        "Amount": Decimal(amount),
        "DetailType": "AccountBasedExpenseLineDetail",
        "AccountBasedExpenseLineDetail": {"AccountRef": {"value": EXPENSES}, "TaxCodeRef": {"value": "NON"}},
    }
    return stamped(
        key,
        at=EARLY,
        DocNumber=number,
        VendorRef={"value": "50"},
        APAccountRef={"value": PAYABLES},
        TxnDate="2026-01-05",
        DueDate="2026-02-04",
        CurrencyRef={"value": "USD"},
        Line=[line],
        TotalAmt=Decimal(amount),
        Balance=Decimal(amount),
    )


def _order(key: int) -> dict[str, Any]:
    line = {
        "Id": "1",
        "LineNum": 1,
        "Amount": Decimal("50.00"),
        "DetailType": "ItemBasedExpenseLineDetail",
        "ItemBasedExpenseLineDetail": {"ItemRef": {"value": ITEM}, "TaxCodeRef": {"value": "NON"}},
    }
    return stamped(
        key,
        DocNumber=f"PO-{key}",
        VendorRef={"value": "50"},
        APAccountRef={"value": PAYABLES},
        TxnDate="2026-01-05",
        CurrencyRef={"value": "USD"},
        POStatus="Open",
        Line=[line],
        TotalAmt=Decimal("50.00"),
    )
