"""What the service fills in and checks on the lists: customers, vendors, items, accounts and the like.

Belongs here: defaults, unique names, full names, making inactive. Facts: reference sections 6 and 8, defaults as
captured in 2026.
"""

from decimal import Decimal
from typing import Any

from sandbox.quickbooks import bodies, defaults, wire
from sandbox.quickbooks.documents import Documents
from sandbox.quickbooks.spec import Entity
from sandbox.quickbooks.switches import Switches
from sandbox.quickbooks.wire import Refusal
from sandbox.quickbooks.work import LOOKS, Work

DELETED = " (deleted)"
# Of accounts: vendors with numbers of up to 21 characters are captured (sample company).
ACCOUNT_NUMBER_LENGTH_MAX = 7
ACCOUNT_NUMBER_LENGTH_MAX_ELSEWHERE = 20

_DEFAULTS: dict[str, dict[str, Any]] = {
    "Customer": {
        "Taxable": True,
        "Job": False,
        "BillWithParent": False,
        "Balance": 0,
        "BalanceWithJobs": 0,
        "PreferredDeliveryMethod": "Print",
        "IsProject": False,
    },
    "Vendor": {"Balance": 0, "BillRate": 0, "Vendor1099": False, "CostRate": 0},
    "Employee": {},
    "Item": {"Taxable": False, "UnitPrice": 0, "PurchaseCost": 0, "TrackQtyOnHand": False, "DeferredRevenue": False},
    "Account": {"SubAccount": False, "CurrentBalance": 0, "CurrentBalanceWithSubAccounts": 0},
    "Class": {"SubClass": False},
    "Department": {"SubDepartment": False},
    "Term": {"DiscountDays": 0},
    "PaymentMethod": {"Type": "NON_CREDIT_CARD"},
}
_NAME_PARTS = ("Title", "GivenName", "MiddleName", "FamilyName", "Suffix")
_PEOPLE = ("Customer", "Vendor", "Employee")
_ITEM_TYPES = ("Service", "Inventory", "NonInventory", "Group", "Category", "Bundle")


def defaults_of(entity: Entity) -> dict[str, Any]:
    """What a list object of this kind has in properties nobody set."""
    return _DEFAULTS.get(entity.name, {})


def complete(
    work: Work,
    documents: Documents,
    options: Switches,
    entity: Entity,
    value: dict[str, Any],
    before: dict[str, Any] | None,
) -> None:
    """Fill and check one list object in place. Raises Refusal (2020, 6000, 6240)."""
    if entity.name in _PEOPLE:
        parts = " ".join(str(value[part]) for part in _NAME_PARTS if value.get(part))
        if not value.get("DisplayName"):
            if not parts:
                raise Refusal("2020", "Required parameter DisplayName is missing in the request", element="DisplayName")
            value["DisplayName"] = parts
        if entity.name != "Employee":
            value.setdefault("CurrencyRef", documents.currency(documents.home))
            _keep_currency(documents, value, before)
        given_family = " ".join(str(value[part]) for part in ("GivenName", "FamilyName") if value.get(part))
        value.setdefault("PrintOnCheckName", value.get("CompanyName") or given_family or value["DisplayName"])
    if entity.name == "Vendor" and before is None:
        # Captured: 38 hexadecimal digits, the first six the same everywhere; a new customer's answer shows none.
        value["V4IDPseudonym"] = f"002098{int(value['Id']):032x}"
    for name, default in defaults_of(entity).items():
        value.setdefault(name, default)
    if "Active" in entity.properties:
        value.setdefault("Active", True)
    if entity.name == "Attachable":
        _attachable(value, before)
    if entity.name == "Customer":
        _customer(documents, value)
    elif entity.name == "Item":
        _item(value, before)
    elif entity.name == "Account":
        _account(documents, value)
    elif entity.name == "Term":
        value.setdefault("Type", "DATE_DRIVEN" if "DayOfMonthDue" in value else "STANDARD")
        if value["Type"] == "STANDARD" and "DueDays" not in value:
            raise Refusal("2020", "Required parameter DueDays is missing in the request", element="DueDays")
    _activity(options, entity, value, before)
    _unique(work, options, entity, value, before)
    _full_name(work, entity, value)


def _keep_currency(documents: Documents, value: dict[str, Any], before: dict[str, Any] | None) -> None:
    code = value["CurrencyRef"]["value"]
    is_multi = (documents.preferences.get("CurrencyPrefs") or {}).get("MultiCurrencyEnabled", False)
    if code != documents.home and not is_multi:
        raise wire.business(f"Multicurrency is not enabled, the name is in {code}.")
    if before is not None and before.get("CurrencyRef", {}).get("value", code) != code:
        raise wire.business("The currency of a customer or vendor cannot be changed.")
    value["CurrencyRef"] = documents.currency(code)


def _customer(documents: Documents, value: dict[str, Any]) -> None:
    group = (documents.preferences.get("TaxPrefs") or {}).get("TaxGroupCodeRef")
    if group and value["Taxable"]:
        value.setdefault("DefaultTaxCodeRef", {"value": group["value"]})
    if value.get("ParentRef") and not value["Job"]:
        raise wire.business("A customer with a ParentRef must be a Job.")


def _attachable(value: dict[str, Any], before: dict[str, Any] | None) -> None:
    """Where its file is found and whether it goes out with its document, as minimul/qbo_api captured an upload
    (spec/vcr/attachment/create_for_invoice.yml, 2020-09-29).
    """
    for reference in value.get("AttachableRef", ()):
        reference.setdefault("IncludeOnSend", False)
    for name in ("FileAccessUri", "TempDownloadUri"):
        if before is None and name in value:
            value[name] += value["Id"]


def _item(value: dict[str, Any], before: dict[str, Any] | None) -> None:
    kind = value["Type"]
    if kind not in _ITEM_TYPES:
        raise Refusal("2010", f"Property Name:Type {kind} specified is unsupported or invalid")
    needed = {
        "Service": ("IncomeAccountRef",),
        "Inventory": (
            "IncomeAccountRef",
            "AssetAccountRef",
            "ExpenseAccountRef",
            "TrackQtyOnHand",
            "QtyOnHand",
            "InvStartDate",
        ),
    }.get(kind, ())
    for name in needed:
        if name not in value or (name == "TrackQtyOnHand" and not value[name]):
            raise Refusal("2020", f"Required parameter {name} is missing in the request", element=name)
    if before is not None and before.get("Type") == "Inventory" and kind != "Inventory":
        raise wire.business("An inventory item cannot be changed to another type.")


def _account(documents: Documents, value: dict[str, Any]) -> None:
    if "AccountType" not in value:
        kind = next(
            (kind for kind, subtype in defaults.SUBTYPES.items() if subtype == value.get("AccountSubType")), None
        )
        if kind is None:
            raise Refusal("2020", "Required parameter AccountType is missing in the request", element="AccountType")
        value["AccountType"] = kind
    if value["AccountType"] not in defaults.CLASSIFICATIONS:
        raise Refusal("2010", f"Property Name:AccountType {value['AccountType']} specified is unsupported or invalid")
    if '"' in value["Name"]:
        raise wire.business('An account name cannot have " in it.')
    longest = ACCOUNT_NUMBER_LENGTH_MAX if documents.is_us else ACCOUNT_NUMBER_LENGTH_MAX_ELSEWHERE
    if len(value.get("AcctNum", "")) > longest:
        raise bodies.too_long("AcctNum", longest, len(value["AcctNum"]))
    value.setdefault("AccountSubType", defaults.SUBTYPES[value["AccountType"]])
    value["Classification"] = defaults.CLASSIFICATIONS[value["AccountType"]]
    value["CurrencyRef"] = documents.currency(value.get("CurrencyRef", {}).get("value") or documents.home)
    if value.get("ParentRef"):
        value["SubAccount"] = True


def _activity(options: Switches, entity: Entity, value: dict[str, Any], before: dict[str, Any] | None) -> None:
    """Making inactive adds " (deleted)" to the name, making active again takes it off."""
    name = entity.named_by
    if not name or "Active" not in entity.properties or before is None:
        return
    is_active, was_active = value.get("Active", True), before.get("Active", True)
    if was_active and not is_active:
        balance = Decimal(value.get("Balance", value.get("CurrentBalance", 0)) or 0)
        if balance and options.deactivate_with_balance == "fault":
            raise wire.business(f"{entity.name} {value['Id']} has a balance of {balance} and cannot be made inactive.")
        if not value[name].endswith(DELETED):
            value[name] += DELETED
    elif is_active and value[name].endswith(DELETED):
        value[name] = value[name].removesuffix(DELETED)


def _unique(
    work: Work, options: Switches, entity: Entity, value: dict[str, Any], before: dict[str, Any] | None
) -> None:
    name = entity.named_by
    if not name:
        return
    own = str(value.get(name, "")).strip()
    if entity.name in (*_PEOPLE, "Item", "Account") and any(mark in own for mark in ":\t\n"):
        raise wire.business(f"{name} cannot have a colon, tab or new line in it.")
    if before is not None and before.get(name) == value.get(name):
        return
    spellings = [own, own + DELETED] if options.inactive_name == "taken" else [own]
    if own.endswith(DELETED):
        spellings = [own]
    parent = value.get("ParentRef", {}).get("value") if entity.name not in _PEOPLE else None
    for other in entity.unique_with.split():
        for spelling in spellings:
            for key in work.store.tables[other].equal(name, spelling):
                found = work.get(other, key)
                is_self = other == entity.name and key == value.get("Id")
                if (
                    is_self
                    or found is None
                    or (
                        (parent is not None or entity.name == "Account")
                        and found.get("ParentRef", {}).get("value") != parent
                    )
                ):
                    continue
                who = (
                    "null"
                    if other == entity.name
                    else (
                        "Another customer, vendor or employee is already using this name. Please use a different name."
                    )
                )
                raise Refusal("6240", f"The name supplied already exists. : {who}")


def _full_name(work: Work, entity: Entity, value: dict[str, Any]) -> None:
    if "FullyQualifiedName" not in entity.properties or entity.name in ("Vendor", "Employee"):
        return
    own = value[entity.named_by]
    parent = work.get(entity.name, value["ParentRef"]["value"]) if value.get("ParentRef") else None
    value["FullyQualifiedName"] = f"{parent['FullyQualifiedName']}:{own}" if parent else own
    if parent is not None and "Level" in entity.properties:
        value["Level"] = int(parent.get("Level", 0)) + 1
        if value["Level"] > 4:
            raise wire.business(f"{entity.name} can have at most 4 levels below the top.")


def rename_below(work: Work, entity: Entity, key: str) -> None:
    """Full names of what stands below a renamed or moved object; tokens and times stay."""
    if "ParentRef" not in entity.properties or "FullyQualifiedName" not in entity.properties:
        return
    for child in work.store.tables[entity.name].equal("ParentRef", key) - {key}:
        value = work.get(entity.name, child)
        if value is not None:
            was = value.get("FullyQualifiedName")
            _full_name(work, entity, value)
            if value["FullyQualifiedName"] != was:
                work.touch(entity.name, child, LOOKS)
                rename_below(work, entity, child)
