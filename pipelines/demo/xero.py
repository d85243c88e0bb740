"""The people of the simulated Xero organisation. The only module of the demo that knows Xero's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pipelines.demo.company import Company

_BANK = "090"


class Xero(Company):
    """Copperleaf Trading."""

    erp = "xero"
    connection = "xero_demo"
    untaxed = "NONE"

    def take_on(self, name: str) -> None:
        self._do("create", "Contacts", Name=name)

    def rename(self, external_id: str, name: str) -> None:
        self._do("update", "Contacts", external_id, Name=name)

    def note_on_invoice(self, external_id: str, text: str) -> None:
        self._do("update", "Invoices", external_id, Reference=text)

    def work(self) -> Iterator[str]:
        sold = [one for one in self.objects("Invoices") if one["Type"] == "ACCREC" and one["CurrencyCode"] == "USD"]
        unpaid = [one for one in sold if one["Status"] == "AUTHORISED" and one["AmountDue"] == one["Total"] > 0]
        changed, voided, paid = unpaid[:3]
        draft = next(one for one in sold if one["Status"] == "DRAFT")

        # Xero replaces the lines of a document by those an update names.
        lines = [_line(line) for line in changed["LineItems"]]
        lines[0]["Description"] = f"{lines[0].get('Description', '')} (corrected)".strip()
        self._do("update", "Invoices", changed["InvoiceID"], LineItems=lines)
        yield f"corrects a line of invoice {changed['InvoiceNumber']}"

        self._do("void", "Invoices", voided["InvoiceID"])
        yield f"voids invoice {voided['InvoiceNumber']}"

        self._do("delete", "Invoices", draft["InvoiceID"])
        yield f"deletes {draft['InvoiceNumber']}, a draft"

        self._do(
            "create",
            "Payments",
            Invoice={"InvoiceID": paid["InvoiceID"]},
            Account={"Code": _BANK},
            Date=datetime.now(UTC).date().isoformat(),
            Amount=paid["AmountDue"],
        )
        yield f"takes a payment of {paid['AmountDue']:,.2f} for invoice {paid['InvoiceNumber']}"

    def _do(self, operation: str, entity: str, external_id: str | None = None, **body: Any) -> None:
        named = {} if external_id is None else {"id": external_id}
        self.edit({"operation": operation, "entity": entity, **named, "body": body})


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line as an update names it."""
    keys = ("LineItemID", "ItemCode", "Description", "Quantity", "UnitAmount", "AccountCode", "TaxType", "DiscountRate")
    return {key: line[key] for key in keys if line.get(key) is not None}
