"""Records as the service shows them, made without going through the API: for the demo organisation and big ones.

Belongs here: shapes only. Amounts come in finished; who makes them up is `demo/` and `volume.py`.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sandbox.xero import wire
from sandbox.xero.contacts import embedded

Wire = dict[str, Any]

_ADDRESS = {"City": "", "Region": "", "PostalCode": "", "Country": ""}
_PHONE = {"PhoneNumber": "", "PhoneAreaCode": "", "PhoneCountryCode": ""}


def contact(key: str, name: str, changed: datetime, **more: Any) -> Wire:
    """An active contact with all its empty blocks."""
    return {
        "ContactID": key,
        "ContactStatus": "ACTIVE",
        "Name": name,
        "EmailAddress": "",
        "BankAccountDetails": "",
        "Addresses": [{"AddressType": kind, **_ADDRESS} for kind in ("STREET", "POBOX")],
        "Phones": [{"PhoneType": kind, **_PHONE} for kind in ("DDI", "DEFAULT", "FAX", "MOBILE")],
        "UpdatedDateUTC": wire.stamp(wire.ms_of(changed)),
        "ContactGroups": [],
        "IsSupplier": False,
        "IsCustomer": False,
        "ContactPersons": [],
        "HasAttachments": False,
        "HasValidationErrors": False,
        **more,
    }


def item(key: str, code: str, name: str, price: Decimal, changed: datetime, **more: Any) -> Wire:
    """An item that is sold at a price, to account 200 without tax unless `more` says otherwise."""
    return {
        "ItemID": key,
        "Code": code,
        "Name": name,
        "Description": name,
        "UpdatedDateUTC": wire.stamp(wire.ms_of(changed)),
        "PurchaseDetails": {},
        "SalesDetails": {"UnitPrice": price, "AccountCode": "200", "TaxType": "NONE"},
        "IsTrackedAsInventory": False,
        "IsSold": True,
        "IsPurchased": True,
        **more,
    }


_NOTHING, _RATE = Decimal("0.00"), Decimal("1.000000")
_QUANTITIES = [Decimal(number).quantize(Decimal("0.0001")) for number in range(13)]


def sales_line(key: str, sold: Wire, quantity: int, account_id: str) -> Wire:
    """An untaxed line for so many of an item, twelve at most."""
    price = sold["SalesDetails"]["UnitPrice"]
    return {
        "ItemCode": sold["Code"],
        "Description": sold["Description"],
        "UnitAmount": price,
        "TaxType": "NONE",
        "TaxAmount": _NOTHING,
        "LineAmount": price * quantity,
        "AccountCode": "200",
        "Item": {"ItemID": sold["ItemID"], "Name": sold["Name"], "Code": sold["Code"]},
        "Tracking": [],
        "Quantity": _QUANTITIES[quantity],
        "LineItemID": key,
        "AccountID": account_id,
    }


def invoice(
    key: str, party: Wire, number: str, day: date, due: date, lines: list[Wire], total: Decimal, changed: datetime
) -> Wire:
    """An open untaxed sales invoice in US dollars."""
    ms = wire.ms_of(changed)
    return {
        "Type": "ACCREC",
        "InvoiceID": key,
        "InvoiceNumber": number,
        "Reference": "",
        "Payments": [],
        "CreditNotes": [],
        "Prepayments": [],
        "Overpayments": [],
        "AmountDue": total,
        "AmountPaid": _NOTHING,
        "AmountCredited": _NOTHING,
        "CurrencyRate": _RATE,
        "IsDiscounted": False,
        "HasAttachments": False,
        "HasErrors": False,
        "InvoiceAddresses": [],
        "Contact": embedded(party),
        **wire.day_fields("Date", day),
        **wire.day_fields("DueDate", due),
        "Status": "AUTHORISED",
        "LineAmountTypes": "NoTax",
        "LineItems": lines,
        "SubTotal": total,
        "TotalTax": _NOTHING,
        "Total": total,
        "UpdatedDateUTC": wire.stamp(ms),
        "UpdatedDateUTCString": wire.instant_text(ms),
        "CurrencyCode": "USD",
    }
