"""What customers and vendors have in common: both are contacts, one contact may be both.

Every contact returns two addresses and four phones whatever was sent (captured); the postal address is where documents
go. Which contacts are customers, which vendors, is `records.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger.fields import Choice, Derived, Field, Payload, Text
from resources.erps.xero.records import BASE_CURRENCY

POSTAL, DEFAULT = "POBOX", "DEFAULT"


@dataclass(frozen=True)
class InBlock(Derived):
    """A value inside the block of a list that has a certain type; written by `contact_blocks`."""

    is_read_only: bool = False


def _block(payload: Payload, path: str, type_key: str, wanted: str) -> Mapping[str, Any]:
    blocks = payload.get(path)
    for block in blocks if isinstance(blocks, list) else ():
        if isinstance(block, Mapping) and block.get(type_key) == wanted:
            return block
    return {}


def _address(part: str) -> Field:
    def derive(payload: Payload) -> str | None:
        return _text(_block(payload, "Addresses", "AddressType", POSTAL).get(part))

    return InBlock(f"Addresses.{part}", derive=derive)


def _phone(payload: Payload) -> str | None:
    block = _block(payload, "Phones", "PhoneType", DEFAULT)
    parts = (block.get(part) for part in ("PhoneCountryCode", "PhoneAreaCode", "PhoneNumber"))
    return " ".join(part for part in parts if isinstance(part, str) and part) or None


def _currency(payload: Payload) -> str:
    """A contact without a currency of its own has the organisation's."""
    return str(payload.get("DefaultCurrency") or payload.get(BASE_CURRENCY) or "")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


ADDRESS_PARTS = {
    "billing_line1": "AddressLine1",
    "billing_line2": "AddressLine2",
    "billing_city": "City",
    "billing_region": "Region",
    "billing_postal_code": "PostalCode",
    "billing_country": "Country",
}
FIELDS: dict[str, Field] = {
    "name": Text("Name", length_max=255),
    "given_name": Text("FirstName", length_max=255),
    "family_name": Text("LastName", length_max=255),
    "currency": Derived("DefaultCurrency", derive=_currency),
    "email": Text("EmailAddress", length_max=255),
    "phone": InBlock("Phones", derive=_phone),
    **{field: _address(part) for field, part in ADDRESS_PARTS.items()},
    "is_active": Choice("ContactStatus", words={"ACTIVE": True, "ARCHIVED": False, "GDPRREQUEST": False}),  # type: ignore[dict-item]
}
