"""What the lines of a document add up to: subtotal, discount, tax, total, in its currency and at home.

Belongs here: sales and purchase documents. Payments and entries of accounts are `settlements.py`. Facts: reference
sections 7 and 8.
"""

from decimal import Decimal
from typing import Any

from sandbox.quickbooks import books, taxes
from sandbox.quickbooks.books import cents, tidy
from sandbox.quickbooks.spec import Entity
from sandbox.quickbooks.wire import Refusal
from sandbox.quickbooks.work import Work


def home_total(value: dict[str, Any]) -> None:
    if "ExchangeRate" in value:
        value["HomeTotalAmt"] = tidy(cents(Decimal(value["TotalAmt"]) * Decimal(value["ExchangeRate"])))


class Totals:
    """Computes the totals of documents within one write."""

    def __init__(self, work: Work, *, is_us: bool) -> None:
        self.work, self.is_us = work, is_us

    def sale(self, entity: Entity, value: dict[str, Any], before: dict[str, Any] | None) -> None:
        items = [line for line in value["Line"] if line.get("DetailType") != "DiscountLineDetail"]
        discounts = [line for line in value["Line"] if line.get("DetailType") == "DiscountLineDetail"]
        is_as_before = taxes.is_as_before(value, before)
        inside = None
        if taxes.mode(value, is_us=self.is_us) == "TaxInclusive" and not is_as_before:
            inside = taxes.take_out(self.work, items, "Sales")
        subtotal = sum((line.get("Amount", 0) for line in items), 0)
        for line in discounts:
            detail = line["DiscountLineDetail"] = line.get("DiscountLineDetail") or {}
            if detail.get("PercentBased"):
                line["Amount"] = cents(Decimal(subtotal) * Decimal(detail.get("DiscountPercent", 0)) / 100)
        discount = sum((line["Amount"] for line in discounts), 0)
        value["Line"] = [
            *items,
            {"Amount": subtotal, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}},
            *discounts,
        ]
        if not is_as_before:
            untaxed = Decimal(discount) if value.get("ApplyTaxAfterDiscount") else Decimal()
            taxes.compute(self.work, value, items, Decimal(subtotal), untaxed, "Sales", is_us=self.is_us, inside=inside)
        value["TotalAmt"] = tidy(subtotal - discount + value["TxnTaxDetail"]["TotalTax"])
        home_total(value)
        self._check_stock_dates(entity, value)
        if entity.name == "Estimate" and any(link["TxnType"] == "Invoice" for link in value.get("LinkedTxn", ())):
            value["TxnStatus"] = "Closed"
        if entity.name in ("SalesReceipt", "RefundReceipt"):
            value.setdefault("Balance", 0)
            undeposited = books.find_account(self.work, "AccountSubType", "UndepositedFunds")
            if undeposited:
                value.setdefault("DepositToAccountRef", {"value": undeposited})

    def cost(self, entity: Entity, value: dict[str, Any], before: dict[str, Any] | None) -> None:
        inside = None
        is_as_before = taxes.is_as_before(value, before)
        if taxes.mode(value, is_us=self.is_us) == "TaxInclusive" and not is_as_before:
            inside = taxes.take_out(self.work, value["Line"], "Purchase")
        total = sum((line.get("Amount", 0) for line in value["Line"]), 0)
        if not self.is_us:
            if not is_as_before:
                side = "Purchase"
                taxes.compute(
                    self.work, value, value["Line"], Decimal(total), Decimal(), side, is_us=False, inside=inside
                )
            total += value["TxnTaxDetail"]["TotalTax"]
        value["TotalAmt"] = tidy(total)
        home_total(value)
        if entity.name == "Purchase":
            self._check_stock_dates(entity, value)
            return
        vendor = self.work.get("Vendor", books.party_of(value)) or {}
        if (
            "VendorAddr" in entity.properties
            and "VendorAddr" not in value
            and vendor.get("BillAddr")
            and before is None
        ):
            value["VendorAddr"] = dict(vendor["BillAddr"])
        if entity.name in ("Bill", "VendorCredit"):
            value.setdefault("APAccountRef", {"value": books.control_account(self.work, "Accounts Payable", value)})
        self._check_stock_dates(entity, value)
        if entity.name == "PurchaseOrder" and not value["TotalAmt"]:
            value["POStatus"] = "Closed"

    def _check_stock_dates(self, entity: Entity, value: dict[str, Any]) -> None:
        """Raises Refusal 6270 when stock moves before its item's InvStartDate; orders and estimates move none."""
        if entity.name in ("PurchaseOrder", "Estimate"):
            return
        for line in value["Line"]:
            key = line.get(line.get("DetailType", ""), {}).get("ItemRef", {}).get("value", "")
            item = (self.work.get("Item", key) if key else None) or {}
            if item.get("Type") == "Inventory" and value["TxnDate"] < item.get("InvStartDate", ""):
                raise Refusal(
                    "6270",
                    "Transactions with inventory (QOH) products cant be dated earlier than the Inventory Start Date "
                    "for the product",
                )
