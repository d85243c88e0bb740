"""Items, on the wire `Item`, named by their Code, as lines name them. They have no status: one is there or is gone."""

from ledger.fields import Amount, Derived, Payload, Text
from ledger.mapping import WireMapping


def _name(payload: Payload) -> str | None:
    name = payload.get("Name") or payload.get("Code")
    return name if isinstance(name, str) else None


def _kind(payload: Payload) -> str:
    """Xero knows tracked items and others."""
    return "inventory" if payload.get("IsTrackedAsInventory") is True else "non_inventory"


def _cost_account(payload: Payload) -> str | None:
    details = payload.get("PurchaseDetails")
    found = (details.get("AccountCode") or details.get("COGSAccountCode")) if isinstance(details, dict) else None
    return found if isinstance(found, str) else None


MAPPING = WireMapping(
    "items",
    "Item",
    {
        "name": Derived("Name", derive=_name),
        "sku": Text("Code", length_max=30),
        "kind": Derived("IsTrackedAsInventory", derive=_kind),
        "description": Text("Description", length_max=4000),
        "purchase_description": Text("PurchaseDescription", length_max=4000),
        "sales_price": Amount("SalesDetails.UnitPrice"),
        "purchase_cost": Amount("PurchaseDetails.UnitPrice"),
        "income_account_code": Text("SalesDetails.AccountCode"),
        "expense_account_code": Derived("PurchaseDetails.AccountCode", derive=_cost_account),
        "asset_account_code": Text("InventoryAssetAccountCode"),
    },
)
