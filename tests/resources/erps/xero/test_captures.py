"""Captured answers of the real service, read where they lie: every amount exact, every document adding up."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ledger.rules import broken_rules
from ledger.spec import spec_of
from resources import wire_json
from resources.erps.xero.mappings import MAPPINGS
from resources.erps.xero.profile import CONTACTS, INVOICES, Source
from resources.erps.xero.records import rows_of
from resources.erps.xero.values import read_day, read_instant
from tests.books import SHARED

RECORDED = SHARED / "reference" / "xero" / "recorded"
INVOICE_CAPTURES = sorted(RECORDED.glob("invoice_*_2020.json"))

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="the captures are not beside this checkout")


def captured(path: Path, name: str) -> list[dict[str, Any]]:
    return wire_json.parse(path.read_bytes()).root[name]


@pytest.mark.parametrize("path", INVOICE_CAPTURES, ids=lambda path: path.stem)
def test_a_captured_document_reads_exactly_and_adds_up(path: Path):
    (payload,) = captured(path, "Invoices")
    entity = "invoices" if payload["Type"] == "ACCREC" else "bills"

    record = MAPPINGS[entity].from_wire(payload)

    assert not broken_rules(spec_of(entity), record)
    assert all(isinstance(line.amount, Decimal) for line in record.lines)
    assert sum(line.amount for line in record.lines) == record.net_amount
    assert record.total_amount == payload["Total"]
    assert record.open_amount == (0 if payload["Status"] in ("DRAFT", "VOIDED") else payload["AmountDue"])
    assert record.is_void == (payload["Status"] == "VOIDED")


def test_captured_contacts_are_sorted_by_what_they_have_documents_of():
    contacts = captured(RECORDED / "contacts_paged_2022.json", "Contacts")

    found = {
        entity: {r.external_id for r in rows_of(entity, Source(CONTACTS), contacts, is_suspect=False).records}
        for entity in ("customers", "vendors")
    }

    for contact in contacts:
        is_customer, is_vendor = contact["IsCustomer"], contact["IsSupplier"]
        assert (contact["ContactID"] in found["customers"]) == (is_customer or not is_vendor)
        assert (contact["ContactID"] in found["vendors"]) == (is_vendor or not is_customer)


def test_captured_items_read_whole():
    for payload in captured(RECORDED / "items_2022.json", "Items"):
        record = MAPPINGS["items"].from_wire(payload)
        assert record.sku == payload["Code"]
        assert record.sales_price == payload["SalesDetails"].get("UnitPrice")


def test_the_answer_to_a_write_has_the_same_token_only_if_the_header_is_the_same():
    (bill,) = captured(RECORDED / "bill_put_response_2022.json", "Invoices")
    source = Source(INVOICES, ("ACCPAY",))

    (sent,) = rows_of("bills", source, [bill], is_suspect=False).records
    (with_lines_left_out,) = rows_of("bills", source, [{**bill, "LineItems": []}], is_suspect=False).records
    (paid,) = rows_of("bills", source, [{**bill, "AmountDue": Decimal("0.00")}], is_suspect=False).records

    assert sent.version_token == with_lines_left_out.version_token
    assert sent.version_token != paid.version_token


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("/Date(1583366400000+0000)/", date(2020, 3, 5)),
        ("/Date(1583366400000)/", date(2020, 3, 5)),
        ("/Date(-86400000+0000)/", date(1969, 12, 31)),
        ("2019-07-22T00:00:00", date(2019, 7, 22)),
        ("soon", None),
        (None, None),
    ],
)
def test_a_day_is_the_utc_date_and_is_never_shifted(text: str | None, day: date | None):
    assert read_day(text) == day


def test_an_offset_never_moves_an_instant():
    assert read_instant("/Date(1583366400000+1300)/") == read_instant("/Date(1583366400000+0000)/")
