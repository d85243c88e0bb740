"""Items: what is sold and bought.

Belongs here: writing and deleting an item. Lines take their defaults from it in `lines.py`, quantities of
tracked ones are moved by `inventory.py`. Facts: reference section 11.
"""

from typing import Any

from sandbox.xero import contacts, lines, wire
from sandbox.xero.wire import Refusal, half_up
from sandbox.xero.work import Work

CODE_MAX, NAME_MAX, TEXT_MAX = 30, 50, 4000
_READ_ONLY = {"ItemID", "UpdatedDateUTC", "IsTrackedAsInventory", "TotalCostPool", "QuantityOnHand"}
_HALVES = (("IsSold", "SalesDetails", "Description"), ("IsPurchased", "PurchaseDetails", "PurchaseDescription"))
_USED_IN = ("Invoices", "CreditNotes", "PurchaseOrders", "BankTransactions")


def find(work: Work, given: dict[str, Any]) -> dict[str, Any] | None:
    key = given.get("ItemID")
    if key and key != wire.ZERO_GUID:
        found = work.get("Items", key)
        if found is None:
            raise Refusal(contacts.NOT_FOUND)
        return found
    return next(iter(work.by("Items", "Code", given["Code"])), None) if given.get("Code") else None


def create(work: Work, given: dict[str, Any]) -> dict[str, Any]:
    value = {
        "ItemID": work.books.ids.new(),
        "Code": "",
        "PurchaseDetails": {},
        "SalesDetails": {},
        "IsTrackedAsInventory": False,
        "IsSold": True,
        "IsPurchased": True,
    }
    return _saved(work, value, given)


def update(work: Work, present: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    # A loaded item may lack what one made here has.
    for name, each in (("IsSold", True), ("IsPurchased", True), ("SalesDetails", {}), ("PurchaseDetails", {})):
        present.setdefault(name, dict(each) if isinstance(each, dict) else each)
    return _saved(work, present, given)


def delete(work: Work, present: dict[str, Any]) -> None:
    """Take an item away for good. Raises Refusal when a document uses it; linear in the documents."""
    for name in _USED_IN:
        for row in work.books.tables[name].rows.values():
            # The bytes are searched first: decoding every document would take minutes in a large company.
            if wire.encode(present["Code"]) in row.raw and any(
                line.get("ItemCode") == present["Code"] for line in wire.decode(row.raw).get("LineItems", ())
            ):
                raise Refusal("Items cannot be deleted when they have been used in a transaction")
    work.remove("Items", present["ItemID"])


def _saved(work: Work, value: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    sent = {name: each for name, each in given.items() if name not in _READ_ONLY}
    code = sent.get("Code", value["Code"])
    wrong = []
    if not 1 <= len(code) <= CODE_MAX:
        wrong.append(f"Price List Item Code must be between 1 and {CODE_MAX} characters.")
    if len(sent.get("Name", "")) > NAME_MAX:
        wrong.append(f"Price List Item Name must be no more than {NAME_MAX} characters.")
    for name in ("Description", "PurchaseDescription"):
        if len(sent.get(name, "")) > TEXT_MAX:
            wrong.append(f"{name} must be no more than {TEXT_MAX} characters.")
    if any(each["ItemID"] != value["ItemID"] for each in work.by("Items", "Code", code)):
        wrong.append(f"Price List Item with Code '{code}' already exists")
    if wrong:
        raise Refusal(*wrong)
    for half in ("SalesDetails", "PurchaseDetails"):
        if half in sent:
            sent[half] = _half(work, {**value.get(half, {}), **sent[half]})
    value.update(sent)
    for flag, half, text in _HALVES:
        if value[flag] is False:
            value[half] = {}
            value.pop(text, None)
    is_tracked = bool(value.get("InventoryAssetAccountCode") and value["PurchaseDetails"].get("COGSAccountCode"))
    value["IsTrackedAsInventory"] = is_tracked
    if is_tracked:
        value.setdefault("QuantityOnHand", wire.number("0.0000"))
        value.setdefault("TotalCostPool", wire.number("0.00"))
    work.replace("Items", value)
    return value


def _half(work: Work, details: dict[str, Any]) -> dict[str, Any]:
    if "UnitPrice" in details:
        details["UnitPrice"] = half_up(details["UnitPrice"], 4 if work.is_fine else 2)
    for name in ("AccountCode", "COGSAccountCode"):
        code = details.get(name)
        if code and not any(lines.is_postable(each) for each in work.by("Accounts", "Code", code)):
            raise Refusal(f"Account code '{code}' is not a valid code for this item.")
    if details.get("TaxType") and lines.tax_rate(work, details["TaxType"]) is None:
        raise Refusal(f"The TaxType code {details['TaxType']} does not exist or cannot be used for this item.")
    return details
