"""Answers of the simulator to reads and writes, against Xero's published description kept beside the checkout.

Types, required properties and enumerations are held to; formats are not, because the description types dates as text.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.sandbox.xero.company import Company, invoice, line, payment

FILE = Path(__file__).parents[3].parent / "shared" / "reference" / "xero" / "xero_accounting.acyclic.json"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FILE.is_file(), reason="the published description is not kept beside this checkout"),
]


@pytest.fixture(scope="module")
def description() -> Any:
    return json.loads(FILE.read_text())


def schema_of(description: Any, path: str, method: str = "get", status: str = "200") -> Any:
    answer = description["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"]
    return {**answer, "components": description["components"]}


def invalid(schema: Any, body: Any) -> Iterator[str]:
    """Where a body is not as described: its path without positions, and what is said about it."""
    for error in Draft7Validator(schema).iter_errors(body):
        path = "".join("[]" if isinstance(each, int) else f".{each}" for each in error.absolute_path).lstrip(".")
        yield f"{path}: {error.message[:120]}"


@pytest.fixture(scope="module")
def company() -> Company:
    company = Company()
    company.erp.reset("demo", 1)
    contact = company.rows("/Contacts")[0]["ContactID"]
    company.invoice(contact, LineItems=[line(), {"Description": "words"}])
    return company


LISTS = (
    "Accounts",
    "BankTransactions",
    "BatchPayments",
    "Contacts",
    "CreditNotes",
    "Currencies",
    "Invoices",
    "Items",
    "Organisation",
    "Overpayments",
    "Payments",
    "Prepayments",
    "PurchaseOrders",
    "TaxRates",
    "TrackingCategories",
)


@pytest.mark.parametrize("query", ["", "?page=1&pageSize=1000"])
@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_as_described(company: Company, description: Any, name: str, query: str):
    answer = company.send("GET", f"/{name}{query}")

    body = json.loads(answer.body)
    problems = sorted(set(invalid(schema_of(description, f"/{name}"), body)))
    assert problems == []


def test_a_wrong_type_or_value_would_be_found(company: Company, description: Any):
    body = json.loads(company.send("GET", "/Invoices?page=1").body)
    body["Invoices"][0] |= {"Status": "OPEN", "Total": "10"}

    problems = set(invalid(schema_of(description, "/Invoices"), body))

    assert {each.partition(":")[0] for each in problems} == {"Invoices[].Status", "Invoices[].Total"}


REPORTS = ("TrialBalance", "BalanceSheet", "AgedReceivablesByContact", "AgedPayablesByContact")


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_as_described(company: Company, description: Any, name: str):
    contact = company.rows("/Invoices?page=1")[0]["Contact"]["ContactID"]

    answer = company.send("GET", f"/Reports/{name}?contactId={contact}")

    assert sorted(set(invalid(schema_of(description, f"/Reports/{name}"), json.loads(answer.body)))) == []


def test_answers_to_writes_are_as_described(company: Company, description: Any):
    contact = company.contact("Described Ltd")["ContactID"]
    made = company.invoice(contact, InvoiceNumber="D-1")
    bank = {"Type": "SPEND", "BankAccount": {"Code": "090"}, "Contact": {"ContactID": contact}, "LineItems": [line()]}
    order = {"Contact": {"ContactID": contact}, "Date": "2026-11-10", "LineItems": [line()]}
    bodies = {
        "Contacts": [{"Name": "Also Described Ltd", "Addresses": [{"AddressType": "POBOX", "City": "Otaki"}]}],
        "Items": [{"Code": "D-1", "SalesDetails": {"UnitPrice": 5}}],
        "Invoices": [invoice(contact), invoice(contact, Type="ACCPAY")],
        "CreditNotes": [invoice(contact, Type="ACCRECCREDIT")],
        "Payments": [payment(made["InvoiceID"], "1.00", Date="2026-01-01")],
        "BankTransactions": [bank],
        "PurchaseOrders": [order],
    }
    for name, elements in bodies.items():
        answer = company.send("PUT", f"/{name}", {name: elements})

        assert answer.status == 200, answer.body
        assert sorted(set(invalid(schema_of(description, f"/{name}", "put"), json.loads(answer.body)))) == [], name


def test_a_refusal_is_as_described(company: Company, description: Any):
    bodies = {"Invoices": [{"Type": "ACCREC", "LineItems": []}], "Contacts": [{}], "Items": [{"Code": ""}]}
    for name, elements in bodies.items():
        answer = company.send("PUT", f"/{name}", {name: elements})

        assert answer.status == 400
        schema = {**description["components"]["schemas"]["Error"], "components": description["components"]}
        assert sorted(set(invalid(schema, json.loads(answer.body)))) == [], name
