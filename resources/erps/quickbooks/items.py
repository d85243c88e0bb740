"""Items, on the wire `Item`. Categories are items too, but cannot stand on lines (fault 2500)."""

from ledger.fields import Amount, Choice, Flag, Ref, Text
from ledger.mapping import WireMapping

MAPPING = WireMapping(
    "items",
    "Item",
    {
        "name": Text("Name", length_max=100),
        "sku": Text("Sku", length_max=100),
        "kind": Choice(
            "Type",
            words={
                "Service": "service",
                "Inventory": "inventory",
                "NonInventory": "non_inventory",
                "Group": "group",
                "Category": "category",
            },
        ),
        "parent": Ref("ParentRef.value"),
        "description": Text("Description", length_max=4000),
        "purchase_description": Text("PurchaseDesc", length_max=1000),
        "sales_price": Amount("UnitPrice"),
        "purchase_cost": Amount("PurchaseCost"),
        "income_account_code": Text("IncomeAccountRef.value"),
        "expense_account_code": Text("ExpenseAccountRef.value"),
        "asset_account_code": Text("AssetAccountRef.value"),
        "is_taxable": Flag("Taxable"),
        "is_active": Flag("Active"),
    },
)
