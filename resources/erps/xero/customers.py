"""Customers, on the wire `Contact`: those with receivable documents, and those that have neither kind yet."""

from ledger.mapping import WireMapping
from resources.erps.xero.contacts import FIELDS

MAPPING = WireMapping("customers", "Contact", FIELDS)
