"""Records of ours of which Xero may not keep the mark: they are known by what they say.

Belongs here: which these are, and what of them is certain to come back. Xero's description has no Reference for vendor
credits and for money with a rest; the Url of a bank transaction it does not take away from the latter, nor promise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resources.erps.xero.bank_accounts import BANK_ACCOUNT
from resources.erps.xero.documents import exact
from resources.erps.xero.markers import marker_in

_DROPPED = ("Reference", "Url")
_MONEY = ("RECEIVE-OVERPAYMENT", "SPEND-OVERPAYMENT")
_TYPES = (*_MONEY, "ACCPAYCREDIT")


def kept_of(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """A body that makes a record, without what Xero may drop of it; None where the mark is certain to be kept."""
    if body.get("Type") not in _TYPES:
        return None
    return {key: value for key, value in body.items() if key not in _DROPPED}


def may_be_of(body: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether a record may be what a body has made, or a part of it, whatever else somebody changed in it since: it is
    of its kind, for its party, and of its amount or number, and carries no mark.
    """
    if body.get("Type") not in _TYPES or row.get("Type") != body["Type"] or marker_in(row) is not None:
        return False
    contact = row.get("Contact")
    if not isinstance(contact, Mapping) or contact.get("ContactID") != body["Contact"]["ContactID"]:
        return False
    net = sum(exact(line.get("LineAmount", line.get("UnitAmount"))) for line in body["LineItems"])
    number = body.get("CreditNoteNumber")
    return exact(row.get("SubTotal")) == net or (bool(number) and row.get("CreditNoteNumber") == number)


def shown_of(body: Mapping[str, Any], payload: Mapping[str, Any]) -> dict[str, Any]:
    """What a body makes a record say, in the words of the record: money with a rest is no bank transaction there."""
    shown = kept_of(body) or {}
    if body.get("Type") not in _MONEY:
        return shown
    account, (line,) = shown.pop("BankAccount"), shown.pop("LineItems")
    if BANK_ACCOUNT in payload:
        shown[BANK_ACCOUNT] = account
    return {**shown, "Total": line["UnitAmount"]}
