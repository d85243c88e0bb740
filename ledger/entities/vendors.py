"""Vendors: whom we owe."""

from decimal import Decimal
from typing import Annotated

from ledger.spec import IN_ISO_4217, Owner, Record, Rule, Says, code_of, entity


@entity(
    name="vendors",
    side="payables",
    natural_key=("name", "currency"),
    bound_share_min=Decimal("0.95"),
    rules=(Rule("name_is_not_empty", sql="name <> ''", says="every vendor has a name"),),
)
class Vendor(Record, kw_only=True):
    """One party we buy from, as both books know it."""

    name: Annotated[str, Says("the name the ERP sorts and shows it by; unique there")]
    company_name: Annotated[str, Owner.ERP] = ""
    given_name: str = ""
    family_name: str = ""
    account_number: Annotated[str, Says("our number in the vendor's books")] = ""
    currency: Annotated[str, Owner.ERP, IN_ISO_4217, Says("the one currency it bills in, ISO 4217")]
    email: str = ""
    phone: str = ""
    billing_line1: str = ""
    billing_line2: str = ""
    billing_city: str = ""
    billing_region: str = ""
    billing_postal_code: str = ""
    billing_country: str = ""
    terms_code: Annotated[str, code_of("terms"), Owner.ERP, Says("payment terms as the ERP identifies them")] = ""
    is_active: bool = True
