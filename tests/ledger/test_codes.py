"""Codes of a record, said in the ERP's ids and back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from ledger.codes import CodeTable, MissingCode, translated
from ledger.entities.customers import Customer
from ledger.entities.documents import SalesLine
from ledger.entities.invoices import Invoice
from ledger.spec import CODE_LISTS, entities, spec_of

TABLE = CodeTable(
    to_erp={"terms": {"NET30": "3"}, "tax_codes": {"STD": "5", "NONE": "NON"}, "accounts": {"4000": "79"}},
    to_ours={"terms": {"3": "NET30"}, "tax_codes": {"5": "STD", "NON": "NONE"}, "accounts": {"79": "4000"}},
)


def a_line(position: int, **codes: str) -> SalesLine:
    return SalesLine(position=position, kind="item", amount=Decimal(1), **codes)


def an_invoice(*lines: SalesLine, **codes: str) -> Invoice:
    amounts = dict.fromkeys(("net_amount", "total_amount", "open_amount"), Decimal(1))
    return Invoice(customer="1", issue_date=date(2026, 1, 5), currency="USD", lines=lines, **amounts, **codes)


def test_codes_of_the_record_and_of_its_lines_are_translated_and_come_back():
    ours = an_invoice(a_line(1, tax_code="STD", account_code="4000"), a_line(2, tax_code="NONE"), terms_code="NET30")

    theirs, missing = translated(spec_of("invoices"), ours, TABLE, "to_erp")

    assert missing == []
    assert theirs.terms_code == "3"
    assert [(line.tax_code, line.account_code) for line in theirs.lines] == [("5", "79"), ("NON", "")]
    assert translated(spec_of("invoices"), theirs, TABLE, "to_ours") == (ours, [])


def test_a_code_that_no_map_names_stays_and_is_told_with_its_places():
    ours = an_invoice(
        a_line(1, tax_code="STD"), a_line(2, tax_code="ODD"), a_line(3, tax_code="ODD"), terms_code="NET90"
    )

    theirs, missing = translated(spec_of("invoices"), ours, TABLE, "to_erp")

    assert (theirs.terms_code, [line.tax_code for line in theirs.lines]) == ("NET90", ["5", "ODD", "ODD"])
    assert missing == [
        MissingCode("terms_code", "terms", "NET90"),
        MissingCode("lines[2].tax_code", "tax_codes", "ODD"),
        MissingCode("lines[3].tax_code", "tax_codes", "ODD"),
    ]


def test_a_record_without_codes_is_given_back_itself():
    plain = an_invoice(a_line(1))
    assert translated(spec_of("invoices"), plain, TABLE, "to_erp")[0] is plain
    customer = Customer(name="Ann", currency="USD")
    assert translated(spec_of("customers"), customer, CodeTable(), "to_ours") == (customer, [])


def test_every_code_field_says_which_list_it_is_of():
    without = {
        f"{spec.name}.{field.name}"
        for spec in entities()
        for field in spec.all_fields()
        if field.name.endswith("_code") and field.code_list not in CODE_LISTS
    }
    assert without == {"customers.billing_postal_code", "vendors.billing_postal_code"}
