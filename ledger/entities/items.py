"""Items: what is sold and bought."""

from typing import Annotated, Literal

from ledger.spec import Amount, LedgerId, Owner, Record, Rule, Says, code_of, entity, refers_to


@entity(
    name="items",
    side="shared",
    natural_key=("name",),
    rules=(Rule("name_is_not_empty", sql="name <> ''", says="every item has a name"),),
)
class Item(Record, kw_only=True):
    """A product or service that lines refer to. Prices are in the company's home currency."""

    name: str
    sku: str = ""
    kind: Annotated[Literal["service", "inventory", "non_inventory", "group", "category"], Owner.ERP]
    parent: Annotated[LedgerId | None, refers_to("items"), Says("the category or item it stands under")] = None
    description: str = ""
    purchase_description: str = ""
    sales_price: Annotated[Amount | None, Says("home currency, per unit")] = None
    purchase_cost: Annotated[Amount | None, Says("home currency, per unit")] = None
    income_account_code: Annotated[str, code_of("accounts"), Owner.ERP] = ""
    expense_account_code: Annotated[str, code_of("accounts"), Owner.ERP] = ""
    asset_account_code: Annotated[str, code_of("accounts"), Owner.ERP] = ""
    is_taxable: bool = False
    is_active: bool = True
