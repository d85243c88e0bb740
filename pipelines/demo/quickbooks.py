"""The people of the simulated QuickBooks company. The only module of the demo that knows QuickBooks' words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.demo.company import Company


class QuickBooks(Company):
    """Amber Otter Trading."""

    erp = "quickbooks"
    connection = "qbo_demo"
    untaxed = "NON"

    def take_on(self, name: str) -> None:
        self._post("/customer", {"DisplayName": name})

    def rename(self, external_id: str, name: str) -> None:
        customer = self._object("Customer", external_id)
        self._post("/customer", {**_named(customer), "sparse": True, "DisplayName": name})

    def note_on_invoice(self, external_id: str, text: str) -> None:
        invoice = self._object("Invoice", external_id)
        self._post("/invoice", {**_named(invoice), "sparse": True, "PrivateNote": text})

    def work(self) -> Iterator[str]:
        changed, voided, deleted, paid = [
            one
            for one in self.objects("Invoice")
            if one["Balance"] == one["TotalAmt"] > 0 and one["CurrencyRef"]["value"] == "USD"
        ][:4]

        lines = [dict(line) for line in changed["Line"] if line["DetailType"] != "SubTotalLineDetail"]
        line = next(one for one in lines if one["DetailType"] == "SalesItemLineDetail")
        line["Description"] = f"{line.get('Description', '')} (corrected)".strip()
        self._post("/invoice", {**_named(changed), "sparse": True, "Line": lines})
        yield f"corrects a line of invoice {changed['DocNumber']}"

        self._post("/invoice?operation=void", _named(voided))
        yield f"voids invoice {voided['DocNumber']}"

        self._post("/invoice?operation=delete", _named(deleted))
        yield f"deletes invoice {deleted['DocNumber']}"

        applied = {"Amount": paid["TotalAmt"], "LinkedTxn": [{"TxnId": paid["Id"], "TxnType": "Invoice"}]}
        customer = {"value": paid["CustomerRef"]["value"]}
        self._post("/payment", {"CustomerRef": customer, "TotalAmt": paid["TotalAmt"], "Line": [applied]})
        yield f"takes a payment of {paid['TotalAmt']:,.2f} for invoice {paid['DocNumber']}"

    def _object(self, entity: str, external_id: str) -> dict[str, Any]:
        return next(one for one in self.objects(entity) if one["Id"] == external_id)

    def _post(self, path: str, body: Mapping[str, Any]) -> None:
        self.edit({"method": "POST", "path": path, "body": body})


def _named(one: Mapping[str, Any]) -> dict[str, Any]:
    return {"Id": one["Id"], "SyncToken": one["SyncToken"]}
