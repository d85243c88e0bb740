"""Contacts: customers and suppliers in one pool.

Belongs here: writing a contact, and finding the one a document names. Balances and the two roles are kept by
`balances.py`. Facts: reference section 10.
"""

import re
from typing import Any

from sandbox.xero.wire import Refusal
from sandbox.xero.work import LOOKS, TIME, Work, ordered

NAME_MAX, NUMBER_MAX, PERSONS_MAX = 255, 50, 5
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_READ_ONLY = {
    "ContactID",
    "IsSupplier",
    "IsCustomer",
    "UpdatedDateUTC",
    "Balances",
    "HasAttachments",
    "Website",
    "Discount",
    "MergedToContactID",
}
_ADDRESSES, _PHONES = ("STREET", "POBOX"), ("DDI", "DEFAULT", "FAX", "MOBILE")
_ORDER = (
    "ContactID MergedToContactID ContactNumber AccountNumber ContactStatus Name FirstName LastName CompanyNumber "
    "EmailAddress BankAccountDetails TaxNumber TaxNumberType AccountsReceivableTaxType AccountsPayableTaxType "
    "Addresses Phones UpdatedDateUTC ContactGroups IsSupplier IsCustomer DefaultCurrency"
)
TAKEN = (
    "The contact name {} is already assigned to another contact. "
    "The contact name must be unique across all active contacts."
)
NUMBER_TAKEN = "Another contact has this contact number. Please enter a different contact number."
UNIDENTIFIED = (
    "The Contact must contain at least 1 of the following elements to identify the contact: "
    "Name, ContactID, ContactNumber"
)
NOT_FOUND = "The document with the supplied id was not found for this endpoint."
EMBEDDED = {
    "Invoices": "Contact.ContactID",
    "CreditNotes": "Contact.ContactID",
    "PurchaseOrders": "Contact.ContactID",
    "BankTransactions": "Contact.ContactID",
    "Prepayments": "Contact.ContactID",
    "Overpayments": "Contact.ContactID",
    "Payments": "Invoice.Contact.ContactID",
}


def find(work: Work, given: dict[str, Any]) -> dict[str, Any] | None:
    """The contact a POST means: by ContactID, then ContactNumber, then Name. Raises Refusal for an unknown id."""
    if given.get("ContactID"):
        found = work.get("Contacts", given["ContactID"])
        if found is None:
            raise Refusal(NOT_FOUND)
        return found
    if given.get("ContactNumber"):
        found = next(iter(work.by("Contacts", "ContactNumber", given["ContactNumber"])), None)
        if found is not None:
            return found
    return _named(work, given["Name"]) if given.get("Name") else None


def _named(work: Work, name: str) -> dict[str, Any] | None:
    """The active contact of this name."""
    for found in work.by("Contacts", "Name", name.strip()):
        is_same = work.options.contact_name_case == "insensitive" or found["Name"] == name.strip()
        if is_same and found.get("ContactStatus", "ACTIVE") == "ACTIVE":
            return found
    return None


def create(work: Work, given: dict[str, Any]) -> dict[str, Any]:
    if not given.get("Name"):
        raise Refusal(UNIDENTIFIED)
    value: dict[str, Any] = {
        "ContactID": work.books.ids.new(),
        "ContactStatus": "ACTIVE",
        "EmailAddress": "",
        "BankAccountDetails": "",
        "Addresses": [],
        "Phones": [],
        "ContactGroups": [],
        "IsSupplier": False,
        "IsCustomer": False,
        "ContactPersons": [],
        "HasAttachments": False,
        "HasValidationErrors": False,
    }
    return _saved(work, value, given, is_new=True)


def update(work: Work, present: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    was = work.before[("Contacts", present["ContactID"])] or {}
    # A loaded contact may lack what one made here has.
    for name, each in (("ContactStatus", "ACTIVE"), ("IsSupplier", False), ("IsCustomer", False)):
        present.setdefault(name, each)
    value = _saved(work, present, given, is_new=False)
    stub_was, stub = embedded(was), embedded(value)
    if stub_was != stub:
        _rename(work, stub)
    return value


def _saved(work: Work, value: dict[str, Any], given: dict[str, Any], *, is_new: bool) -> dict[str, Any]:
    sent = {name: each for name, each in given.items() if name not in _READ_ONLY}
    if "Name" in sent:
        sent["Name"] = sent["Name"].strip()
    _check(work, value, sent)
    is_replacing = work.options.addresses_on_update == "replace"
    for name, kind, kinds in (("Addresses", "AddressType", _ADDRESSES), ("Phones", "PhoneType", _PHONES)):
        if name in sent or is_new:
            present = [] if is_replacing and name in sent else value.get(name, [])
            sent[name] = _blocks(kind, kinds, present, sent.get(name, []))
    value.update(sent)
    _check_unique(work, value)
    value = ordered(value, _ORDER)
    work.replace("Contacts", value)
    return value


def _check(work: Work, value: dict[str, Any], sent: dict[str, Any]) -> None:
    wrong = []
    if "Name" in sent and not 1 <= len(sent["Name"]) <= NAME_MAX:
        wrong.append(f"The Contact Name must be between 1 and {NAME_MAX} characters.")
    for name in ("ContactNumber", "AccountNumber"):
        if len(sent.get(name, "")) > NUMBER_MAX:
            wrong.append(f"The {name} must be no more than {NUMBER_MAX} characters.")
    if sent.get("EmailAddress") and not _EMAIL.fullmatch(sent["EmailAddress"]):
        wrong.append("Email address must be valid.")
    if len(sent.get("ContactPersons", ())) > PERSONS_MAX:
        wrong.append(f"A contact can have at most {PERSONS_MAX} contact persons.")
    if sent.get("ContactStatus", "ACTIVE") not in ("ACTIVE", "ARCHIVED"):
        wrong.append("ContactStatus must be ACTIVE or ARCHIVED.")
    if wrong:
        raise Refusal(*wrong)


def _check_unique(work: Work, value: dict[str, Any]) -> None:
    if value["ContactStatus"] == "ACTIVE":
        other = _other_named(work, value)
        if other is not None:
            raise Refusal(TAKEN.format(value["Name"]))
    if value.get("ContactNumber"):
        others = work.by("Contacts", "ContactNumber", value["ContactNumber"])
        if any(each["ContactID"] != value["ContactID"] for each in others):
            raise Refusal(NUMBER_TAKEN)


def _other_named(work: Work, value: dict[str, Any]) -> dict[str, Any] | None:
    for found in work.by("Contacts", "Name", value["Name"]):
        is_same = work.options.contact_name_case == "insensitive" or found["Name"] == value["Name"]
        is_other = found["ContactID"] != value["ContactID"] and found.get("ContactStatus", "ACTIVE") == "ACTIVE"
        if is_same and is_other:
            return found
    return None


def _blocks(
    kind: str, kinds: tuple[str, ...], present: list[dict[str, Any]], sent: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """All blocks of addresses or phones, empty ones too, the sent ones merged by their type."""
    empty: tuple[str, ...] = ("City", "Region", "PostalCode", "Country")
    if kind == "PhoneType":
        empty = ("PhoneNumber", "PhoneAreaCode", "PhoneCountryCode")
    blocks = {each: {kind: each, **dict.fromkeys(empty, "")} for each in kinds}
    for each in (*present, *sent):
        name = each.get(kind, kinds[0])
        if name not in blocks:
            raise Refusal(f"{kind} must be one of {', '.join(kinds)}.")
        blocks[name].update(each)
    return list(blocks.values())


# -- contacts inside documents -----------------------------------------------------------------------------------------


def embedded(contact: dict[str, Any]) -> dict[str, Any]:
    """A contact as documents show it."""
    shown = {name: contact[name] for name in ("ContactID", "ContactNumber", "Name") if contact.get(name)}
    empty = {"Addresses": [], "Phones": [], "ContactGroups": [], "ContactPersons": [], "HasValidationErrors": False}
    return {**shown, **empty}


def named_in(work: Work, given: dict[str, Any] | None, *, may_create: bool) -> dict[str, Any]:
    """The contact a document names; an unknown Name makes a new contact where `may_create`. Raises Refusal."""
    if given is None:
        raise Refusal("A Contact must be specified for this type of transaction")
    if not any(given.get(name) for name in ("ContactID", "ContactNumber", "Name")):
        raise Refusal(UNIDENTIFIED)
    found = find(work, given) if may_create else find(work, {**given, "Name": ""})
    if found is None and may_create and given.get("Name"):
        return create(work, given)
    if found is None:
        raise Refusal(NOT_FOUND if may_create else UNIDENTIFIED.replace("Name, ", ""))
    if found.get("ContactStatus", "ACTIVE") != "ACTIVE":
        raise Refusal(f"The contact {found['Name']} is archived and cannot be used for this type of transaction")
    return found


def _rename(work: Work, stub: dict[str, Any]) -> None:
    """Show a contact's new name in its documents; linear in the documents of that contact."""
    mark = TIME if work.options.renamed_contact == "new_time" else LOOKS
    for name, path in EMBEDDED.items():
        for document in work.by(name, path, stub["ContactID"]):
            if name == "Payments":
                document["Invoice"]["Contact"] = stub
            else:
                document["Contact"] = stub
            work.touch(name, document[work.books.tables[name].resource.key], mark)


def write_answer(contact: dict[str, Any], *, is_embedded: bool = False) -> dict[str, Any]:
    """A contact in the answer to a write: its own shape. Invoices show it whole, other documents (`is_embedded`)
    without roles and tracking, as captured.
    """
    full = {"SalesTrackingCategories": [], "PurchasesTrackingCategories": [], **contact}
    gone = ["HasAttachments", "Balances"]
    if is_embedded:
        gone += ["IsSupplier", "IsCustomer", "SalesTrackingCategories", "PurchasesTrackingCategories"]
    shown = {name: each for name, each in full.items() if name not in gone}
    if "Phones" in shown:
        shown["Phones"] = sorted(shown["Phones"], key=lambda each: each.get("PhoneType") != "DEFAULT")
    return shown
