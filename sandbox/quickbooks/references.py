"""References between objects: do they exist, what name do they show.

Belongs here: checking references on write (2500), filling their names, renewing the names elsewhere after a rename.
Facts: reference sections 3, 5 and 9; which references show no name is as captured.
"""

import re
from collections.abc import Iterator
from typing import Any

from sandbox.quickbooks import wire
from sandbox.quickbooks.spec import BY_NAME, ENTITIES, TYPES
from sandbox.quickbooks.store import Store
from sandbox.quickbooks.wire import MADE_INACTIVE, Refusal
from sandbox.quickbooks.work import Work

TARGETS = {
    "CustomerRef": "Customer",
    "VendorRef": "Vendor",
    "EmployeeRef": "Employee",
    "ItemRef": "Item",
    "ClassRef": "Class",
    "DepartmentRef": "Department",
    "SalesTermRef": "Term",
    "TermRef": "Term",
    "PaymentMethodRef": "PaymentMethod",
    "TaxCodeRef": "TaxCode",
    "DefaultTaxCodeRef": "TaxCode",
    "TxnTaxCodeRef": "TaxCode",
    "SalesTaxCodeRef": "TaxCode",
    "PurchaseTaxCodeRef": "TaxCode",
    "TaxRateRef": "TaxRate",
    "AgencyRef": "TaxAgency",
    "AccountRef": "Account",
    "IncomeAccountRef": "Account",
    "ExpenseAccountRef": "Account",
    "AssetAccountRef": "Account",
    "ItemAccountRef": "Account",
    "DepositToAccountRef": "Account",
    "APAccountRef": "Account",
    "ARAccountRef": "Account",
    "BankAccountRef": "Account",
    "CCAccountRef": "Account",
    "CreditCardAccountRef": "Account",
    "DiscountAccountRef": "Account",
    "FromAccountRef": "Account",
    "ToAccountRef": "Account",
    "CashBackInfo.AccountRef": "Account",
}
_NAMELESS = {"TaxCodeRef", "DefaultTaxCodeRef", "TxnTaxCodeRef", "TaxRateRef", "ParentRef", "TermRef", "AgencyRef"}
_NAMELESS_ON = {
    "Payment": {"DepositToAccountRef", "PaymentMethodRef"},
    "Bill": {"SalesTermRef"},
    "VendorCredit": {"SalesTermRef"},
    "Customer": {"SalesTermRef", "PaymentMethodRef"},
}
_PSEUDO_CODES = {"TAX", "NON"}


def references(
    value: dict[str, Any], kind: str, owner: str, path: str = ""
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every reference in an object with a known target: (dotted path, target entity, the reference itself)."""
    for name, given in value.items():
        found = TYPES[kind].get(name)
        if found is None:
            continue
        place = f"{path}.{name}" if path else name
        for each in given if isinstance(given, list) else [given]:
            if found.kind == "reference":
                target = owner if name == "ParentRef" else TARGETS.get(name)
                if name == "EntityRef":
                    target = each.get("type")
                if target in BY_NAME and each.get("value"):
                    yield place, target, each
            elif found.kind in TYPES and isinstance(each, dict):
                yield from references(each, found.kind, owner, place)


def check(work: Work, entity: str, value: dict[str, Any], before: dict[str, Any] | None) -> None:
    """Check every reference of `value` and fill its name. Raises Refusal 2500.

    A target that is inactive, or missing in a company loaded in part, is refused unless the object referred to it
    before.
    """
    was = {(place, each["value"]) for place, _, each in references(before, entity, entity)} if before else set()
    for place, target, reference in references(value, entity, entity):
        name = place.rpartition(".")[2]
        if target == "TaxCode" and reference["value"] in _PSEUDO_CODES:
            reference.pop("name", None)
            continue
        found = work.get(target, reference["value"])
        is_old = (place, reference["value"]) in was
        if found is None and is_old:
            continue
        is_usable = found is not None and (found.get("Active", True) or is_old)
        if not is_usable and entity == "Attachable":
            what = f"{target} {reference['value']}"
            raise wire.business(f"The entity {what} that you are trying to link does not exist. {what}")
        if not is_usable:
            raise Refusal("2500", f"Invalid Reference Id : {MADE_INACTIVE}", element="")
        if target == "Item" and found.get("Type") == "Category" and name == "ItemRef":
            raise Refusal("2500", "Invalid Reference Id : Categories cannot be used in transactions.", element=place)
        if name in _NAMELESS or name in _NAMELESS_ON.get(entity, ()) or not BY_NAME[target].shown_as:
            reference.pop("name", None)
        else:
            reference["name"] = str(found.get(BY_NAME[target].shown_as, ""))


def rename_everywhere(store: Store, target: str, key: str, name: str) -> None:
    """Renew the name in every reference to one object. Their tokens and times stay: the service looks names up on read.

    Linear in the objects that can refer to `target`; only a rename pays it.
    """
    wanted = re.compile(rb'"value":\s*"' + re.escape(key.encode()) + b'"')
    for entity in ENTITIES:
        table = store.tables[entity.name]
        for row_key, row in list(table.rows.items()):
            if not wanted.search(row.raw):
                continue
            value = row.decoded()
            stale = [
                reference
                for _, found, reference in references(value, entity.name, entity.name)
                if found == target and reference["value"] == key and "name" in reference and reference["name"] != name
            ]
            if stale:
                for reference in stale:
                    reference["name"] = name
                table.put(row_key, wire.encode(value), row.moment)
                if store.changed is not None:
                    store.changed(entity.name, row_key, row, table.rows[row_key].raw, None)
