"""The organisation's settings that can be written: accounts, tax rates, currencies, tracking categories.

Belongs here: their few rules. What an empty organisation has of them is `defaults.py`. Facts: reference section 11.
"""

from decimal import Decimal
from typing import Any

from sandbox.xero import contacts, currencies, wire
from sandbox.xero.wire import Refusal
from sandbox.xero.work import Work

CATEGORIES_MAX, OPTIONS_MAX, CODE_MAX, NAME_MAX = 2, 100, 10, 150
CLASSES = {
    "ASSET": "BANK CURRENT FIXED INVENTORY NONCURRENT PREPAYMENT",
    "EQUITY": "EQUITY",
    "EXPENSE": "DEPRECIATN DIRECTCOSTS EXPENSE OVERHEADS",
    "LIABILITY": "CURRLIAB LIABILITY TERMLIAB PAYG",
    "REVENUE": "OTHERINCOME REVENUE SALES",
}
_CLASS_OF = {kind: name for name, kinds in CLASSES.items() for kind in kinds.split()}
_ACCOUNT_READ_ONLY = {"AccountID", "Class", "SystemAccount", "ReportingCodeName", "HasAttachments", "UpdatedDateUTC"}
_REFERENCED = ("Invoices", "CreditNotes", "Payments", "BankTransactions", "PurchaseOrders", "Items", "BatchPayments")


# -- accounts ----------------------------------------------------------------------------------------------------------


def find_account(work: Work, given: dict[str, Any]) -> dict[str, Any] | None:
    return work.get("Accounts", given["AccountID"]) if given.get("AccountID") else None


def create_account(work: Work, given: dict[str, Any]) -> dict[str, Any]:
    value: dict[str, Any] = {
        "AccountID": work.books.ids.new(),
        "Status": "ACTIVE",
        "TaxType": "NONE",
        "EnablePaymentsToAccount": False,
        "ShowInExpenseClaims": False,
        "BankAccountType": "",
        "HasAttachments": False,
        "AddToWatchlist": False,
    }
    if not given.get("Name") or given.get("Type") not in _CLASS_OF:
        raise Refusal("An account must have a Name and a valid Type")
    if given["Type"] != "BANK" and not given.get("Code"):
        raise Refusal("Please enter a Code.")
    if given["Type"] == "BANK":
        value |= {"BankAccountType": "BANK", "CurrencyCode": given.get("CurrencyCode", work.base_currency)}
        if not given.get("BankAccountNumber"):
            raise Refusal("A bank account must have a BankAccountNumber")
    return _saved_account(work, value, given)


def update_account(work: Work, present: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    if present.get("SystemAccount") and given.get("Status", "ACTIVE") != "ACTIVE":
        raise Refusal("System accounts cannot be archived")
    return _saved_account(work, present, given)


def _saved_account(work: Work, value: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    value.update({name: each for name, each in given.items() if name not in _ACCOUNT_READ_ONLY})
    if len(value.get("Code", "")) > CODE_MAX or len(value["Name"]) > NAME_MAX:
        raise Refusal(f"Code must be no more than {CODE_MAX} and Name no more than {NAME_MAX} characters.")
    for name in ("Code", "Name"):
        if value.get(name) and any(
            each["AccountID"] != value["AccountID"] for each in work.by("Accounts", name, value[name])
        ):
            raise Refusal(f"Please enter a unique {name}.")
    if value["Status"] not in ("ACTIVE", "ARCHIVED"):
        raise Refusal("Status must be ACTIVE or ARCHIVED.")
    if work.get("TaxRates", value["TaxType"]) is None and value["TaxType"] != "NONE":
        raise Refusal(f"The TaxType code {value['TaxType']} does not exist.")
    value["Class"] = _CLASS_OF[value["Type"]]
    work.replace("Accounts", value)
    return value


def delete_account(work: Work, present: dict[str, Any]) -> dict[str, Any]:
    """Take an unused account away; its answer shows it DELETED. Raises Refusal; linear in the documents."""
    needles = [wire.encode(present["AccountID"])]
    if present.get("Code"):
        needles.append(b'Code":' + wire.encode(present["Code"]))
    for name in _REFERENCED:
        if any(needle in row.raw for row in work.books.tables[name].rows.values() for needle in needles):
            raise Refusal("Account cannot be deleted because it is used by a transaction, contact or item.")
    if present.get("SystemAccount"):
        raise Refusal("System accounts cannot be deleted")
    work.remove("Accounts", present["AccountID"])
    return {**present, "Status": "DELETED"}


# -- tax rates and currencies ------------------------------------------------------------------------------------------


def find_tax_rate(work: Work, given: dict[str, Any]) -> dict[str, Any] | None:
    if given.get("TaxType"):
        return work.get("TaxRates", given["TaxType"])
    return next(iter(work.by("TaxRates", "Name", given["Name"])), None) if given.get("Name") else None


def create_tax_rate(work: Work, given: dict[str, Any]) -> dict[str, Any]:
    if not given.get("Name") or not given.get("TaxComponents"):
        raise Refusal("A tax rate must have a Name and TaxComponents")
    if work.by("TaxRates", "Name", given["Name"]):
        raise Refusal("Tax Rate Name must be unique.")
    number = 1
    while work.get("TaxRates", f"TAX{number:03d}") is not None:
        number += 1
    flags = {f"CanApplyTo{each}": True for each in ("Assets", "Equity", "Expenses", "Liabilities", "Revenue")}
    return update_tax_rate(work, {"TaxType": f"TAX{number:03d}", "Status": "ACTIVE", **flags}, given)


def update_tax_rate(work: Work, present: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    for name in ("Name", "Status", "ReportTaxType"):
        if name in given:
            present[name] = given[name]
    if given.get("TaxComponents"):
        if not all(each.get("Name") and 0 <= each.get("Rate", -1) <= 100 for each in given["TaxComponents"]):
            raise Refusal("Every tax component must have a Name and a Rate of 0 to 100")
        present["TaxComponents"] = [
            {"IsCompound": False, "IsNonRecoverable": False, **each} for each in given["TaxComponents"]
        ]
    rates = [wire.number(each["Rate"]) for each in present["TaxComponents"] if not each["IsCompound"]]
    compound = [wire.number(each["Rate"]) for each in present["TaxComponents"] if each["IsCompound"]]
    plain = sum(rates, Decimal(0))
    # A compound component is charged on the amount with the other taxes in it.
    effective = plain + sum((rate * (100 + plain) / 100 for rate in compound), Decimal(0))
    present["DisplayTaxRate"] = wire.half_up(plain + sum(compound, Decimal(0)), 4)
    present["EffectiveRate"] = wire.half_up(effective, 4)
    work.replace("TaxRates", present)
    return present


def find_currency(work: Work, given: dict[str, Any]) -> dict[str, Any] | None:
    return work.get("Currencies", given["Code"]) if given.get("Code") else None


def create_currency(work: Work, given: dict[str, Any]) -> dict[str, Any]:
    if len(given.get("Code", "")) != 3:
        raise Refusal("A currency must have a Code of three letters")
    code = given["Code"].upper()
    if work.get("Currencies", code) is not None:
        raise Refusal(f"Organisation is already subscribed to currency {code}")
    value = {"Code": code, "Description": currencies.NAMES.get(code, given.get("Description", code))}
    work.replace("Currencies", value)
    return value


# -- tracking ----------------------------------------------------------------------------------------------------------


def find_category(work: Work, given: dict[str, Any]) -> dict[str, Any] | None:
    return work.get("TrackingCategories", given["TrackingCategoryID"]) if given.get("TrackingCategoryID") else None


def create_category(work: Work, given: dict[str, Any]) -> dict[str, Any]:
    if not given.get("Name"):
        raise Refusal("A tracking category must have a Name")
    if len(work.by("TrackingCategories", "Status", "ACTIVE")) >= CATEGORIES_MAX:
        raise Refusal(f"There can be at most {CATEGORIES_MAX} active tracking categories")
    value = {"Name": "", "Status": "ACTIVE", "TrackingCategoryID": work.books.ids.new(), "Options": []}
    return update_category(work, value, given)


def update_category(work: Work, present: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    name = given.get("Name", present["Name"])
    same = work.by("TrackingCategories", "Name", name)
    if any(each["TrackingCategoryID"] != present["TrackingCategoryID"] for each in same):
        raise Refusal("Tracking category name must be unique")
    if given.get("Status", "ACTIVE") not in ("ACTIVE", "ARCHIVED"):
        raise Refusal("Status must be ACTIVE or ARCHIVED.")
    present |= {"Name": name, "Status": given.get("Status", present["Status"])}
    work.replace("TrackingCategories", present)
    return present


def delete_category(work: Work, present: dict[str, Any]) -> dict[str, Any]:
    work.remove("TrackingCategories", present["TrackingCategoryID"])
    return {**present, "Status": "DELETED"}


def save_option(work: Work, category: dict[str, Any], key: str | None, given: dict[str, Any]) -> dict[str, Any]:
    """Add an option to a category, or change the one with this key. Raises NotFound, Refusal."""
    options = category.setdefault("Options", [])
    name = given.get("Name", "")
    if any(each["Name"].casefold() == name.casefold() and each["TrackingOptionID"] != key for each in options):
        raise Refusal("Tracking option name must be unique")
    if key is None:
        if not name or len(options) >= OPTIONS_MAX:
            raise Refusal(f"An option must have a Name, and a category at most {OPTIONS_MAX} of them")
        options.append({"TrackingOptionID": work.books.ids.new()})
        key = options[-1]["TrackingOptionID"]
    option = _option(category, key)
    status = given.get("Status", option.get("Status", "ACTIVE"))
    option.update(
        {
            "Name": name or option["Name"],
            "Status": status,
            "HasValidationErrors": False,
            "IsDeleted": False,
            "IsArchived": status == "ARCHIVED",
            "IsActive": status == "ACTIVE",
        }
    )
    work.touch("TrackingCategories", category["TrackingCategoryID"])
    return option


def delete_option(work: Work, category: dict[str, Any], key: str) -> dict[str, Any]:
    option = _option(category, key)
    category["Options"].remove(option)
    work.touch("TrackingCategories", category["TrackingCategoryID"])
    return {**option, "Status": "DELETED", "IsDeleted": True, "IsActive": False}


def _option(category: dict[str, Any], key: str) -> dict[str, Any]:
    found = next((each for each in category["Options"] if each["TrackingOptionID"] == key), None)
    if found is None:
        raise wire.NotFound(f"{contacts.NOT_FOUND} {key}")
    return found
