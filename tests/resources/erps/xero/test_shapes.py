"""Pages of Xero's documents are read as columns, and say what each document says by itself."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from ledger.columns import Columns, TakenApart, take_apart
from ledger.fields import MappingError
from ledger.shapes import Shaped, plain
from resources import wire_json
from resources.erps.xero import profile
from resources.erps.xero.mappings import MAPPINGS
from resources.erps.xero.records import token_of
from resources.wire_shapes import RowReader
from tests.builders import a_line, an_invoice

encode_exactly = msgspec.json.Encoder(decimal_format="number").encode

LINE = {
    "LineItemID": "l1",
    "Description": "Lamp",
    "ItemCode": "A1",
    "Quantity": Decimal("2.0000"),
    "UnitAmount": Decimal("5.75"),
    "LineAmount": Decimal("11.50"),
    "TaxAmount": Decimal("1.50"),
    "TaxType": "OUTPUT",
    "AccountCode": "200",
    "Tracking": [],
}
DOCUMENT = {
    "InvoiceID": "8a1f4b4e-6f0e-4c06-9d0e-1f8b7f3a2b10",
    "CreditNoteID": "8a1f4b4e-6f0e-4c06-9d0e-1f8b7f3a2b10",
    "InvoiceNumber": "INV-1",
    "CreditNoteNumber": "CN-1",
    "Contact": {"ContactID": "c1", "Name": "Somebody"},
    "DateString": "2026-08-14T00:00:00",
    "Date": "/Date(1786665600000+0000)/",
    "DueDate": "/Date(1789257600000+0000)/",
    "Status": "AUTHORISED",
    "LineAmountTypes": "Exclusive",
    "LineItems": [LINE],
    "SubTotal": Decimal("11.50"),
    "TotalTax": Decimal("1.50"),
    "Total": Decimal("13.00"),
    "AmountDue": Decimal("13.00"),
    "RemainingCredit": Decimal("13.00"),
    "CurrencyRate": Decimal("1.000000"),
    "CurrencyCode": "NZD",
    "Reference": "seen by us [tieout:M1]",
    "UpdatedDateUTC": "/Date(1786665700123+0000)/",
}


def without(body: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in keys}


WORDS = {"LineItemID": "l2", "Description": "Only words", "Tracking": []}
CASES = [
    pytest.param({}, id="plain"),
    pytest.param({"LineAmountTypes": "Inclusive"}, id="tax in the lines"),
    pytest.param({"LineAmountTypes": "Inclusive", "LineItems": [LINE, WORDS]}, id="tax in the lines, and words"),
    pytest.param({"LineItems": [LINE, WORDS, LINE]}, id="a line of words"),
    pytest.param({"LineItems": [WORDS]}, id="nothing but words"),
    pytest.param({"LineItems": [without(LINE, "ItemCode"), LINE]}, id="a line without an item"),
    pytest.param({"LineItems": [LINE | {"ItemCode": ""}]}, id="an empty item code"),
    pytest.param({"LineItems": []}, id="no lines"),
    pytest.param({"Status": "VOIDED", "AmountDue": Decimal("0.00")}, id="void"),
    pytest.param({"Status": "DRAFT"}, id="a draft"),
    pytest.param({"CurrencyRate": Decimal("0.615310"), "CurrencyCode": "EUR"}, id="another currency"),
    pytest.param({"CurrencyRate": 2}, id="a whole rate"),
    pytest.param({"AmountDue": 13, "RemainingCredit": 13}, id="whole numbers"),
    pytest.param({"LineItems": [LINE | {"LineAmount": "much"}]}, id="an amount that is none"),
    pytest.param({"LineAmountTypes": "Inclusive", "LineItems": [LINE | {"LineAmount": "much"}]}, id="none, with tax"),
    pytest.param({"LineItems": [LINE | {"Quantity": Decimal("0.1234567")}]}, id="a seventh digit"),
    pytest.param({"Total": "much"}, id="a total that is none"),
    pytest.param({"Date": "14 August"}, id="a day that is none"),
    pytest.param({"LineItems": ["x"]}, id="a line that is none"),
]


@pytest.mark.parametrize("entity", ["invoices", "bills", "credit_memos", "vendor_credits"])
@pytest.mark.parametrize("change", CASES)
def test_a_page_of_documents_says_what_each_says_by_itself(entity: str, change: dict[str, Any]):
    mapping, body = MAPPINGS[entity], DOCUMENT | change
    shaped, careful = read_both_ways(body)

    assert plain(shaped) == careful
    read = mapping.columns_of([shaped, careful, shaped])
    try:
        record = mapping.from_wire(careful)
    except MappingError as error:
        assert read is None
        with pytest.raises(MappingError) as failure:
            mapping.from_wire(shaped)
        assert (failure.value.field, failure.value.path) == (error.field, error.path)
        return
    assert mapping.from_wire(shaped) == record
    assert read is not None
    assert spelled_out(read[1]) == spelled_out(take_apart(mapping.spec, [record] * 3))


@pytest.mark.parametrize("change", CASES)
def test_the_token_of_a_row_is_the_same_however_it_was_read(change: dict[str, Any]):
    shaped, careful = read_both_ways(DOCUMENT | change | {"SentToContact": True})
    for resource in (profile.INVOICES, profile.CREDIT_NOTES):
        assert token_of(resource, shaped) == token_of(resource, careful)


def test_tax_in_the_lines_is_taken_off_once_however_often_a_document_is_prepared():
    mapping, body = MAPPINGS["invoices"], DOCUMENT | {"LineAmountTypes": "Inclusive"}
    once = mapping.prepared(body)
    assert [line["LineAmount"] for line in once["LineItems"]] == [Decimal("10.00")]
    assert mapping.prepared(once) == once
    # Nor does its page fall apart for it.
    assert isinstance(mapping.prepared(read_both_ways(body)[0]), Shaped)


def test_an_amount_that_cannot_be_read_is_said_and_not_taken_for_nothing():
    for types in ("Exclusive", "Inclusive"):
        body = DOCUMENT | {"LineAmountTypes": types, "LineItems": [LINE | {"LineAmount": "much"}]}
        with pytest.raises(MappingError) as failure:
            MAPPINGS["invoices"].from_wire(body)
        assert (failure.value.field, failure.value.path) == ("lines[1].amount", "LineItems[0].LineAmount")


def read_both_ways(body: dict[str, Any]) -> tuple[Shaped, dict[str, Any]]:
    """By a shape learned from it, from how Xero writes it: indented, with escaped slashes; and with care."""
    text = msgspec.json.format(encode_exactly(body), indent=2).replace(b"\n", b"\r\n").replace(b"/", b"\\/")
    *_, row = RowReader(learned_from_rows=1).read([msgspec.Raw(text)] * 2, text)
    assert isinstance(row.value, Shaped)
    return row.value, wire_json.parse(text).root


def spelled_out(apart: TakenApart) -> Any:
    """To the digit, whether an amount is one or its text."""

    def of(columns: Columns) -> dict[str, list[str]]:
        return {name: [str(value) for value in values] for name, values in columns.items()}

    return of(apart.columns), {name: (list(part.owners), of(part.columns)) for name, part in apart.parts.items()}


def test_a_line_that_goes_on_keeps_what_xero_has_no_word_for_and_a_new_one_has_none_of_it():
    mapping, day = MAPPINGS["invoices"], date(2026, 3, 2)
    ours = an_invoice(a_line("a", "10.00", service_date=date(2026, 3, 1)), a_line("b", "20.00", service_date=day))
    theirs = mapping.said(an_invoice(a_line("c", "5.00"), a_line("b", "21.00")))

    whole = mapping.with_unsaid_of(ours, theirs, {"lines": (None, 1)})

    assert [(line.line_key, line.amount, line.service_date) for line in whole.lines] == [
        ("c", Decimal("5.00"), None),
        ("b", Decimal("21.00"), day),
    ]
