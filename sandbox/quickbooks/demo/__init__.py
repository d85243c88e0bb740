"""The demo company: a generated QuickBooks Online company whose books balance to the cent.

`build_company` is the only way in. Names come from names.py, reference data from books.py, people and items from
parties.py, the documents from sales.py (rendered by receivables.py) and purchases.py. Everything follows from a seed
and an anchor date; no clock is read.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from itertools import count

from sandbox.quickbooks.demo import purchases, receivables, sales
from sandbox.quickbooks.demo.books import Company
from sandbox.quickbooks.demo.parties import build_items, build_parties
from sandbox.quickbooks.shapes import ZERO, Wire, stamp

ANCHOR = date(2026, 10, 31)
RENDERERS = {
    "Invoice": receivables.render_invoice,
    "Payment": receivables.render_payment,
    "CreditMemo": receivables.render_credit_memo,
    "Bill": purchases.render_bill,
    "BillPayment": purchases.render_bill_payment,
    "VendorCredit": purchases.render_vendor_credit,
    "PurchaseOrder": purchases.render_purchase_order,
}
STOCK_RESERVE = 25


def build_company(seed: int = 2026, anchor: date = ANCHOR) -> dict[str, list[Wire]]:
    """All objects of the company by QuickBooks' entity name, as the API would return them; amounts are Decimal.

    Covers the 18 months up to and including `anchor`. Home currency USD, one in seven parties in EUR. A name's balance
    is in its own currency, and each currency has its own A/R and A/P account, whose balance is the sum of its names
    (A/P negative).
    """
    company = Company(seed, anchor)
    build_parties(company)
    build_items(company)
    sales.draft_sales(company)
    purchases.draft_purchases(company)
    _number(company)
    receivables.post_sales(company)
    purchases.post_purchases(company)
    _post_stock(company)
    for txn in company.txns:
        company.objects[txn.kind].append(RENDERERS[txn.kind](company, txn))
    _finish_lists(company)
    return dict(company.objects)


def _number(company: Company) -> None:
    """Ids in order of creation over all kinds; document numbers by series: sales forms, orders, checks by account."""
    company.txns.sort(key=lambda txn: txn.created)
    series = defaultdict(lambda: count(1001))
    for txn_id, txn in enumerate(company.txns, start=101):
        txn.id = str(txn_id)
        if txn.kind in ("Invoice", "CreditMemo"):
            txn.number = str(next(series["sales"]))
        elif txn.kind == "PurchaseOrder":
            txn.number = str(next(series["orders"]))
        elif txn.kind == "BillPayment":
            txn.number = str(next(series[txn.details["card"] or txn.currency]))


def _post_stock(company: Company) -> None:
    """Quantity on hand: enough at the start, plus what was billed, less what was sold; valued at purchase cost."""
    moved: dict[str, Decimal] = defaultdict(Decimal)
    signs = {"Invoice": -1, "CreditMemo": 1, "Bill": 1, "VendorCredit": -1}
    for txn in company.txns:
        if txn.kind in signs and not txn.is_void:
            for line in txn.details["lines"]:
                if "thing" in line:
                    moved[line["thing"]["Id"]] += signs[txn.kind] * line["quantity"]
    value = ZERO
    for item in company.objects["Item"]:
        if item["Type"] == "Inventory":
            left = int(moved[item["Id"]])
            item["QtyOnHand"] = left + STOCK_RESERVE if left > 0 else STOCK_RESERVE
            value += item["QtyOnHand"] * item["PurchaseCost"]
    company.post(company.account("Inventory Asset"), value)


def _finish_lists(company: Company) -> None:
    """Roll sub-accounts up and show when names and accounts last changed."""
    for account in company.objects["Account"]:
        account["CurrentBalanceWithSubAccounts"] = account["CurrentBalance"]
    by_id = {account["Id"]: account for account in company.objects["Account"]}
    for account in company.objects["Account"]:
        if account["SubAccount"]:
            by_id[account["ParentRef"]["value"]]["CurrentBalanceWithSubAccounts"] += account["CurrentBalance"]
    for kind in ("Customer", "Vendor", "Account"):
        for wire in company.objects[kind]:
            if (at := company.touched.get(id(wire))) is not None:
                wire["MetaData"]["LastUpdatedTime"] = stamp(at)
