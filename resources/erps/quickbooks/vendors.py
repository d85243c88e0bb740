"""Vendors, on the wire `Vendor`. A deactivated one stays, its name ending in " (deleted)"."""

from ledger.fields import Flag, Text
from ledger.mapping import WireMapping
from resources.erps.quickbooks.documents import ADDRESS_FIELDS

MAPPING = WireMapping(
    "vendors",
    "Vendor",
    {
        "name": Text("DisplayName", length_max=500),
        "company_name": Text("CompanyName", length_max=100),
        "given_name": Text("GivenName", length_max=100),
        "family_name": Text("FamilyName", length_max=100),
        "account_number": Text("AcctNum", length_max=100),
        "currency": Text("CurrencyRef.value"),
        "email": Text("PrimaryEmailAddr.Address", length_max=100),
        "phone": Text("PrimaryPhone.FreeFormNumber", length_max=30),
        **ADDRESS_FIELDS,
        "terms_code": Text("TermRef.value"),
        "is_active": Flag("Active"),
    },
)
