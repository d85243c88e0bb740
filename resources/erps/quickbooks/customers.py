"""Customers, on the wire `Customer`. A deactivated one stays, its name ending in " (deleted)"."""

from ledger.fields import Flag, Ref, Text
from ledger.mapping import WireMapping
from resources.erps.quickbooks.documents import ADDRESS_FIELDS

MAPPING = WireMapping(
    "customers",
    "Customer",
    {
        "name": Text("DisplayName", length_max=500),
        "company_name": Text("CompanyName", length_max=100),
        "given_name": Text("GivenName", length_max=100),
        "family_name": Text("FamilyName", length_max=100),
        "parent": Ref("ParentRef.value"),
        "currency": Text("CurrencyRef.value"),
        "email": Text("PrimaryEmailAddr.Address", length_max=100),
        "phone": Text("PrimaryPhone.FreeFormNumber", length_max=30),
        **ADDRESS_FIELDS,
        "terms_code": Text("SalesTermRef.value"),
        "is_taxable": Flag("Taxable"),
        "is_active": Flag("Active"),
        "note": Text("Notes", length_max=2000),
    },
)
