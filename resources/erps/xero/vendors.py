"""Vendors, on the wire `Contact`: those with payable documents, and those that have neither kind yet."""

from ledger.fields import Text
from ledger.mapping import WireMapping
from resources.erps.xero.contacts import FIELDS

MAPPING = WireMapping("vendors", "Contact", {**FIELDS, "account_number": Text("AccountNumber", length_max=50)})
