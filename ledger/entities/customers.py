"""Customers: who owes us."""

from decimal import Decimal
from typing import Annotated

from ledger.spec import IN_ISO_4217, LedgerId, Owner, Record, Rule, Says, code_of, entity, refers_to


@entity(
    name="customers",
    side="receivables",
    natural_key=("name", "currency"),
    bound_share_min=Decimal("0.95"),
    rules=(Rule("name_is_not_empty", sql="name <> ''", says="every customer has a name"),),
)
class Customer(Record, kw_only=True):
    """One party we sell to, as both books know it."""

    name: Annotated[str, Says("the name the ERP sorts and shows it by; unique there")]
    company_name: Annotated[str, Owner.ERP] = ""
    given_name: str = ""
    family_name: str = ""
    parent: Annotated[LedgerId | None, refers_to("customers"), Says("the customer it is part of")] = None
    currency: Annotated[str, Owner.ERP, IN_ISO_4217, Says("the one currency it is billed in, ISO 4217")]
    email: str = ""
    phone: str = ""
    billing_line1: str = ""
    billing_line2: str = ""
    billing_city: str = ""
    billing_region: str = ""
    billing_postal_code: str = ""
    billing_country: str = ""
    terms_code: Annotated[str, code_of("terms"), Owner.ERP, Says("payment terms as the ERP identifies them")] = ""
    is_taxable: Annotated[bool | None, Owner.ERP] = None
    is_active: bool = True
    note: Annotated[str, Owner.LEDGER] = ""
