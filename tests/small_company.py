"""QuickBooks objects of a small company, as the service writes them: a builder says only what matters to a test.

Belongs here: wire objects for the simulator's `load`. Amounts are texts such as "100.00" and keep their scale.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

EARLY = "2026-01-05T09:00:00-08:00"


def stamped(external_id: int | str, at: str = EARLY, token: int = 0, **fields: Any) -> dict[str, Any]:
    """Any object: its id, version and times."""
    return {
        "Id": str(external_id),
        "SyncToken": str(token),
        "MetaData": {"CreateTime": EARLY, "LastUpdatedTime": at},
        **fields,
    }


def a_customer(external_id: int | str = 1, name: str | None = None, **fields: Any) -> dict[str, Any]:
    return stamped(
        external_id,
        **{
            "DisplayName": name or f"Customer {external_id}",
            "CurrencyRef": {"value": "USD"},
            "Active": True,
            "Balance": Decimal("0"),
            **fields,
        },
    )


def a_vendor(external_id: int | str = 50, **fields: Any) -> dict[str, Any]:
    return a_customer(external_id, **{"DisplayName": f"Vendor {external_id}", **fields})


def an_item(external_id: int | str = 90, **fields: Any) -> dict[str, Any]:
    return stamped(external_id, **{"Name": f"Item {external_id}", "Type": "Service", "Active": True, **fields})


def a_line(amount: str, key: int = 1, item: str = "90", **fields: Any) -> dict[str, Any]:
    return {
        "Id": str(key),
        "LineNum": key,
        "Amount": Decimal(amount),
        "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": {"ItemRef": {"value": item}, "TaxCodeRef": {"value": "NON"}},
        **fields,
    }


def an_invoice(
    external_id: int | str = 100, customer: int | str = 1, amount: str = "100.00", **fields: Any
) -> dict[str, Any]:
    return stamped(
        external_id,
        **{
            "CustomerRef": {"value": str(customer)},
            "DocNumber": f"INV-{external_id}",
            "TxnDate": "2026-01-05",
            "DueDate": "2026-02-04",
            "CurrencyRef": {"value": "USD"},
            "Line": [a_line(amount)],
            "TotalAmt": Decimal(amount),
            "Balance": Decimal(amount),
            **fields,
        },
    )


def a_payment(
    external_id: int | str, invoice: int | str, customer: int | str = 1, amount: str = "100.00", **fields: Any
) -> dict[str, Any]:
    return stamped(
        external_id,
        **{
            "CustomerRef": {"value": str(customer)},
            "TxnDate": "2026-01-20",
            "CurrencyRef": {"value": "USD"},
            "TotalAmt": Decimal(amount),
            "UnappliedAmt": Decimal("0"),
            "Line": [{"Amount": Decimal(amount), "LinkedTxn": [{"TxnId": str(invoice), "TxnType": "Invoice"}]}],
            **fields,
        },
    )


def a_company(invoices: int = 3) -> dict[str, list[dict[str, Any]]]:
    """One customer, one item and some unpaid invoices (ids from 100) of 100.00 each, in balance."""
    total = Decimal("100.00") * invoices
    account = {"Name": "Accounts Receivable (A/R)", "AccountType": "Accounts Receivable", "CurrentBalance": total}
    return {
        "Customer": [a_customer(1, Balance=total)],
        "Item": [an_item(90)],
        "Account": [stamped(84, **account, Active=True, CurrencyRef={"value": "USD"})],
        "Invoice": [an_invoice(100 + n) for n in range(invoices)],
    }
