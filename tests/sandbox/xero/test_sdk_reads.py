"""The official SDK reads whatever the simulator holds: every captured record, and all of the demo organisation."""

import json
from collections.abc import Iterator

import pytest

from tests.sandbox.process import Server, running
from tests.sandbox.xero.sdk import Sdk
from tests.sandbox.xero.test_conformance import listed, records

METHODS = {
    "Accounts": ("get_accounts", "account_id"),
    "BankTransactions": ("get_bank_transactions", "bank_transaction_id"),
    "Contacts": ("get_contacts", "contact_id"),
    "CreditNotes": ("get_credit_notes", "credit_note_id"),
    "Currencies": ("get_currencies", "code"),
    "Invoices": ("get_invoices", "invoice_id"),
    "Items": ("get_items", "item_id"),
    "Organisations": ("get_organisations", "organisation_id"),
    "Overpayments": ("get_overpayments", "overpayment_id"),
    "Payments": ("get_payments", "payment_id"),
    "Prepayments": ("get_prepayments", "prepayment_id"),
    "PurchaseOrders": ("get_purchase_orders", "purchase_order_id"),
    "TaxRates": ("get_tax_rates", "tax_type"),
    "TrackingCategories": ("get_tracking_categories", "tracking_category_id"),
}
PAGED = {
    *("BankTransactions", "Contacts", "CreditNotes", "Invoices", "Overpayments", "Payments", "Prepayments"),
    "PurchaseOrders",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running(erp="xero") as server:
        yield server


def read(sdk: Sdk, resource: str, tenant: str = "") -> list[str]:
    """Every record of a list as the SDK reads it, by key."""
    method, key = METHODS[resource]
    more = {"page": 1, "page_size": 1000} if resource in PAGED else {}
    more |= {"include_archived": True} if resource in ("Contacts", "TrackingCategories") else {}
    found = getattr(getattr(sdk.api, method)(tenant or sdk.tenant, **more), _attribute(resource))
    return [str(getattr(each, key)) for each in found]


def _attribute(resource: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in resource).lstrip("_")


@pytest.mark.shared
@pytest.mark.parametrize("name", listed())
def test_the_sdk_reads_a_captured_record(server: Server, name: str):
    resource, rows = records(name)
    server.control("POST", "reset", {"seed": "empty"})
    server.control("POST", "load", json.loads(json.dumps({resource: rows}, default=float)))
    sdk = Sdk(server)

    tenant = str(rows[0]["OrganisationID"]) if resource == "Organisations" else ""

    key = "".join(part.title() for part in METHODS[resource][1].split("_")).replace("Id", "ID")
    found = read(sdk, resource, tenant if tenant in sdk.tokens["tenant_ids"] else "")
    assert {str(row[key]).lower() for row in rows} <= {each.lower() for each in found}


@pytest.mark.parametrize("resource", sorted(METHODS))
def test_the_sdk_reads_all_of_the_demo_organisation(server: Server, resource: str):
    server.control("POST", "reset", {"seed": "demo", "number": 1})

    found = read(Sdk(server), resource)

    state = server.control("GET", f"state?entity={resource}")
    assert len(found) == len(state[resource]) if resource in state else found
