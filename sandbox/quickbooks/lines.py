"""The lines of a transaction: which there may be, their ids, amounts and details.

Belongs here: one line at a time. What they add up to is `totals.py`. Facts: reference sections 5 and 8; the defaults
are those of the captured creates of 2026.
"""

from decimal import Decimal
from typing import Any

from sandbox.quickbooks import wire
from sandbox.quickbooks.books import cents
from sandbox.quickbooks.spec import Entity
from sandbox.quickbooks.switches import Switches
from sandbox.quickbooks.wire import Refusal
from sandbox.quickbooks.work import Work

AMOUNT_MAX = Decimal("99999999999.99")
# Of an invoice; with which fault more are refused is not known.
TAXABLE_LINES_MAX = 750
_NO_LINE_NUMBERS = ("Payment", "BillPayment", "JournalEntry", "Purchase")


class Lines:
    """Completes the lines of transactions within one write."""

    def __init__(self, work: Work, options: Switches, *, is_us: bool) -> None:
        self.work, self.options, self.is_us = work, options, is_us

    def complete(self, entity: Entity, value: dict[str, Any], before: dict[str, Any] | None) -> None:
        """Fill and check `value["Line"]` in place. Raises Refusal (2010, 2020, 6000, 6070)."""
        allowed = entity.lines.split()
        known = {str(line["Id"]) for line in (before or {}).get("Line", ()) if "Id" in line}
        highest = max(
            (int(each) for each in known if each.isdigit()), default=-1 if entity.name == "JournalEntry" else 0
        )
        received = {line["Id"]: line["Received"] for line in (before or {}).get("Line", ()) if "Received" in line}
        has_ids = entity.name not in ("Payment", "BillPayment")
        lines, used = [], set()
        for given in value.get("Line", ()):
            line = dict(given)
            kind = line.get("DetailType")
            if allowed and not kind:
                raise Refusal(
                    "2020", "Required parameter Line.DetailType is missing in the request", element="Line.DetailType"
                )
            if kind == "SubTotalLineDetail":
                continue
            if allowed and kind not in allowed:
                raise Refusal("2010", f"Property Name:Line.DetailType {kind} specified is unsupported or invalid")
            self._amount(line, kind)
            if not has_ids and not line.get("Amount"):
                continue
            if entity.name == "Deposit" and line.get("LinkedTxn"):
                # What was received before shows as a bare link in every captured deposit, whatever was sent with it.
                line = {key: each for key, each in line.items() if key not in ("Id", "LineNum", "DetailType")}
            elif has_ids:
                own = str(line.get("Id", ""))
                if own not in known or own in used:
                    highest += 1
                    own = str(highest)
                used.add(own)
                line["Id"] = own
            self._detail(entity, line, kind)
            if entity.name == "PurchaseOrder" and before is not None and kind == "ItemBasedExpenseLineDetail":
                # Seen on the one order that was updated (NangoHQ/integration-templates, update-purchase-order, 2026).
                line.setdefault("Received", received.get(line["Id"], 0))
            lines.append(line)
        if entity.allows("create") and "Line" in entity.required.split() and not lines and entity.name != "BillPayment":
            raise Refusal("2020", "Required parameter Line is missing in the request", element="Line")
        if entity.name == "Invoice" and len(lines) > TAXABLE_LINES_MAX and any(map(_is_taxable, lines)):
            raise wire.business(f"A taxable invoice has no more than {TAXABLE_LINES_MAX} lines, this one {len(lines)}.")
        if entity.name not in _NO_LINE_NUMBERS:
            numbered = [each for each in lines if each.get("DetailType") not in (None, "DiscountLineDetail")]
            for number, line in enumerate(numbered, 1):
                line["LineNum"] = number
        value["Line"] = lines

    def _amount(self, line: dict[str, Any], kind: str | None) -> None:
        detail = line.get(kind or "", {})
        if "Amount" not in line and "Qty" in detail and "UnitPrice" in detail:
            line["Amount"] = cents(Decimal(detail["Qty"]) * Decimal(detail["UnitPrice"]))
        if "Amount" not in line:
            if kind in ("DescriptionOnly", "GroupLineDetail") or detail.get("PercentBased"):
                return
            raise Refusal("2020", "Required parameter Line.Amount is missing in the request", element="Line.Amount")
        self.check_money(line, "Amount")
        if not any(Decimal(detail.get(name, 0)) for name in ("Qty", "UnitPrice")) and line["Amount"]:
            # Clients that know no "unset" send 0 for both; with an amount that means neither was meant.
            detail.pop("Qty", None)
            detail.pop("UnitPrice", None)
        if "Qty" in detail and "UnitPrice" in detail:
            product = cents(Decimal(detail["Qty"]) * Decimal(detail["UnitPrice"]))
            if product != Decimal(line["Amount"]):
                raise Refusal(
                    "6070",
                    "Amount calculation incorrect in the request. Amount is not equal to UnitPrice * Qty. "
                    f"Supplied value:{line['Amount']}",
                    element="",
                )

    def check_money(self, value: dict[str, Any], name: str) -> None:
        """An amount that was sent: whole cents, and of a size a company has. Raises Refusal 6000."""
        if Decimal(value[name]) != cents(value[name]):
            if self.options.fine_amounts == "fault":
                raise wire.business(f"{name} {value[name]} has more than two decimals")
            value[name] = cents(value[name])
        if abs(Decimal(value[name])) > AMOUNT_MAX:
            raise wire.business(f"{name} {value[name]} is too large")

    def _detail(self, entity: Entity, line: dict[str, Any], kind: str | None) -> None:
        """Defaults of one line."""
        detail = line.get(kind or "")
        if kind == "SalesItemLineDetail" and detail is None:
            detail = line[kind] = {}
        if detail is None:
            if kind in (
                "AccountBasedExpenseLineDetail",
                "ItemBasedExpenseLineDetail",
                "DepositLineDetail",
                "JournalEntryLineDetail",
            ) and not line.get("LinkedTxn"):
                raise Refusal(
                    "2020", f"Required parameter Line.{kind} is missing in the request", element=f"Line.{kind}"
                )
            detail = {}
        if kind == "SalesItemLineDetail":
            item = self.work.get("Item", detail.get("ItemRef", {}).get("value", "")) or {}
            if "IncomeAccountRef" in item:
                detail["ItemAccountRef"] = dict(item["IncomeAccountRef"])
            if self.is_us:
                detail.setdefault("TaxCodeRef", {"value": "NON"})
        elif kind in ("AccountBasedExpenseLineDetail", "ItemBasedExpenseLineDetail"):
            needed = "AccountRef" if kind.startswith("Account") else "ItemRef"
            if needed not in detail:
                raise Refusal(
                    "2020",
                    f"Required parameter Line.{kind}.{needed} is missing in the request",
                    element=f"Line.{kind}.{needed}",
                )
            detail.setdefault("BillableStatus", "NotBillable")
            if self.is_us:
                detail.setdefault("TaxCodeRef", {"value": "NON"})
        if entity.name in ("Bill", "VendorCredit"):
            line.setdefault("LinkedTxn", [])
        is_bare = entity.name == "Deposit" and line.get("LinkedTxn")
        if entity.name not in ("Payment", "BillPayment") and kind != "DiscountLineDetail" and not is_bare:
            line.setdefault("CustomExtensions", [])


def _is_taxable(line: dict[str, Any]) -> bool:
    return line.get("SalesItemLineDetail", {}).get("TaxCodeRef", {}).get("value", "NON") != "NON"
