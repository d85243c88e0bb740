"""The generated demo company against recordings of a real one: same keys, same JSON types, nothing missing.

Reads the reference material kept beside the checkout; nothing of it is copied here.
"""

import json
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.quickbooks.demo import build_company

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "quickbooks"
SAMPLE_FILES = {
    "Account": "accounts",
    "Bill": "bills",
    "BillPayment": "bill_payments",
    "CreditMemo": "credit_memos",
    "Customer": "customers",
    "Invoice": "invoices",
    "Item": "items",
    "Payment": "payments",
    "PurchaseOrder": "purchase_orders",
    "Vendor": "vendors",
}
# Beyond the recordings, each from the published schema: the recorded companies have one currency, no classes, no
# departments, no categories or SKUs, no custom field values, no discount of a fixed amount and no customer abroad, and
# their credit memos are untaxed lines of a bare amount, where ours have what the recorded invoices have.
ABROAD = {(".BillAddr", "Country"), (".ShipAddr", "Country")}
FOREIGN = {"ExchangeRate", "HomeTotalAmt", "HomeBalance"}
MORE_KEYS = {
    "Invoice": {("", key) for key in (*FOREIGN, "DepartmentRef")}
    | {(".Line[].SalesItemLineDetail", "ClassRef"), *ABROAD}
    | {(".CustomField[]", key) for key in ("DefinitionId", "Name", "Type", "StringValue")},
    "CreditMemo": {("", key) for key in FOREIGN}
    | ABROAD
    | {(".Line[].SalesItemLineDetail", key) for key in ("ClassRef", "Qty", "UnitPrice")}
    | {(".Line[]", "Description"), (".TxnTaxDetail", "TxnTaxCodeRef"), (".TxnTaxDetail", "TaxLine")},
    "Bill": {("", key) for key in FOREIGN} | {("", "DocNumber"), (".VendorAddr", "Country")},
    "Payment": {("", "ExchangeRate")},
    "BillPayment": {("", "ExchangeRate")},
    "PurchaseOrder": {("", "ExchangeRate")},
    "Item": {("", key) for key in ("Sku", "SubItem", "ParentRef", "Level")},
}
LEFT_OUT = {("Invoice", ".Line[].DiscountLineDetail", "DiscountPercent")}

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not REFERENCE.is_dir(), reason=f"no reference material at {REFERENCE}"),
]


class Shape:
    """How often each key stands in the objects found at each path, and the JSON types of each value."""

    def __init__(self, objects):
        self.objects, self.keys, self.types = Counter(), defaultdict(Counter), defaultdict(set)
        for each in objects:
            self._walk("", each)

    def _walk(self, path, value):
        if isinstance(value, dict):
            self.types[path].add("object")
            self.objects[path] += 1
            self.keys[path].update(value.keys())
            for key, inner in value.items():
                self._walk(f"{path}.{key}", inner)
        elif isinstance(value, list):
            self.types[path].add("array")
            for inner in value:
                self._walk(f"{path}[]", inner)
        elif isinstance(value, bool):
            self.types[path].add("boolean")
        elif isinstance(value, int | float | Decimal):
            self.types[path].add("number")
        else:
            self.types[path].add(type(value).__name__)


def recorded(entity):
    """All objects of one entity in the recordings of 2026; older ones have other keys."""
    found = list(json.loads((REFERENCE / "sample_company" / f"{SAMPLE_FILES[entity]}.json").read_text())[entity])
    waiting = [json.loads(path.read_text())["response"] for path in sorted(REFERENCE.glob("*_2026.json"))]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            inner = value.get(entity)
            found += [one for one in (inner if isinstance(inner, list) else [inner]) if one and "MetaData" in one]
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return found


@pytest.fixture(scope="module")
def company():
    return build_company()


@pytest.mark.parametrize("entity", SAMPLE_FILES)
def test_generated_objects_have_the_keys_and_types_of_recorded_ones(entity, company):
    ours = [one for one in company[entity] if one.get("Type") != "Category"]
    real, made = Shape(recorded(entity)), Shape(ours)
    allowed = MORE_KEYS.get(entity, set())
    beyond = {
        (path, key)
        for path, keys in made.keys.items()
        if path in real.keys or not path
        for key in keys
        if key not in real.keys[path]
    }
    missing = {
        (path, key)
        for path, keys in real.keys.items()
        for key, count in keys.items()
        if count == real.objects[path] and made.keys[path][key] != made.objects[path]
    }
    other_types = {
        path: (types, real.types[path])
        for path, types in made.types.items()
        if path in real.types and not types <= real.types[path]
    }

    assert beyond - allowed == set()
    assert {each for each in missing if (entity, *each) not in LEFT_OUT} == set()
    assert other_types == {}
