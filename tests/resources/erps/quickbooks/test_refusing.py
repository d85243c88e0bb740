"""What is refused before it is sent: each with its field, and each refused by the simulator as well, or why not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from ledger.entities.documents import Application, PurchaseLine, SalesLine
from ledger.fields import MappingError
from ledger.spec import Record
from resources.connector import Refused, Wanted
from resources.erps.quickbooks.mappings import MAPPINGS
from resources.errors import ErrorKind
from tests.resources.erps.quickbooks.written import DAY, WrittenCompany, a_customer, a_vendor, an_item

Builder = Callable[[WrittenCompany], Record]


def line(**fields: Any) -> SalesLine:
    return SalesLine(**{"position": 1, "kind": "item", "item": "1", "amount": Decimal(10), **fields})


def invoice(*lines: SalesLine, **fields: Any) -> Builder:
    def build(company: WrittenCompany) -> Record:
        own = tuple(msgspec.structs.replace(each, item=company.item if each.item else None) for each in lines)
        return company.an_invoice(**{**({"lines": own} if own else {}), **fields})

    return build


def bill_line(**fields: Any) -> tuple[PurchaseLine, ...]:
    return (PurchaseLine(**{"position": 1, "kind": "account", "amount": Decimal(10), **fields}),)


# Case, record, the fields refused, and how many of them the simulator refuses when the record is sent all the same.
REFUSED: list[tuple[str, str, Builder, list[str], ErrorKind]] = [
    ("no lines", "invoices", lambda c: c.an_invoice(lines=()), ["lines"], ErrorKind.VALIDATION),
    ("no lines on a bill", "bills", lambda c: c.a_bill(lines=()), ["lines"], ErrorKind.VALIDATION),
    ("number over 21", "invoices", invoice(document_number="N" * 22), ["document_number"], ErrorKind.VALIDATION),
    ("note over 4000", "payments", lambda c: c.a_payment("5.00", private_note="n" * 4001), ["private_note"],
     ErrorKind.VALIDATION),
    ("amount is not quantity x price", "invoices", invoice(line(quantity=Decimal(2), unit_price=Decimal("4.99"))),
     ["lines[1].amount"], ErrorKind.VALIDATION),
    ("fractions of cents", "invoices", invoice(line(amount=Decimal("10.005")), total_amount=Decimal("10.00")),
     ["lines[1].amount", "total_amount"], ErrorKind.VALIDATION),
    ("a colon in a name", "customers", lambda c: a_customer(name="A:B"), ["name"], ErrorKind.VALIDATION),
    ("a tab in a name", "vendors", lambda c: a_vendor(name="A\tB"), ["name"], ErrorKind.VALIDATION),
    ("a line break in a name", "items", lambda c: an_item(name="A\nB"), ["name"], ErrorKind.VALIDATION),
    ("no name", "customers", lambda c: a_customer(name=""), ["name"], ErrorKind.VALIDATION),
    ("a name too long", "items", lambda c: an_item(name="x" * 101), ["name"], ErrorKind.VALIDATION),
    ("no customer", "invoices", invoice(customer=""), ["customer"], ErrorKind.VALIDATION),
    ("no account on a cost", "bills", lambda c: c.a_bill(lines=bill_line()), ["lines[1].account_code"],
     ErrorKind.MAPPING),
    ("no account to pay from", "bill_payments", lambda c: c.a_bill_payment("5.00", paid_from_account_code=""),
     ["paid_from_account_code", "applications"], ErrorKind.MAPPING),
    ("no income account", "items", lambda c: an_item(income_account_code=""), ["income_account_code"],
     ErrorKind.MAPPING),
    ("an inventory item", "items", lambda c: an_item(kind="inventory"), ["kind"], ErrorKind.VALIDATION),
    ("unknown terms", "invoices", invoice(terms_code="NET45"), ["terms_code"], ErrorKind.MAPPING),
    ("unknown method and account", "payments",
     lambda c: c.a_payment("5.00", method_code="WIRE", deposit_account_code="1000"),
     ["method_code", "deposit_account_code"], ErrorKind.MAPPING),
    ("unknown tax codes", "invoices",
     invoice(line(tax_code="GST18"), line(tax_code="IGST", position=2)), ["lines[1].tax_code", "lines[2].tax_code"],
     ErrorKind.MAPPING),
    ("a currency that is not enabled", "customers", lambda c: a_customer(currency="EUR"), ["currency"],
     ErrorKind.VALIDATION),
    ("more applied than paid", "payments",
     lambda c: c.a_payment("5.00", ("invoices", c.made("invoices", c.an_invoice()).external_id, "6.00")),
     ["applications"], ErrorKind.VALIDATION),
]  # fmt: skip


@pytest.mark.parametrize(("entity", "build", "fields", "kind"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_what_is_refused_beforehand_quickbooks_would_refuse(written, entity, build, fields, kind):
    wanted = written.wanted(entity, build(written))

    refusals = written.composer.refusals(wanted)

    assert [refusal.field for refusal in refusals] == fields
    assert refusals[0].kind is kind
    for refusal in refusals:
        assert refusal.found
        assert refusal.expected
        assert refusal.next_step
    assert would_be_refused(written, wanted)


def would_be_refused(company: WrittenCompany, wanted: Wanted) -> bool:
    """Whether it comes back as refused when it is sent all the same; a body that cannot be made never is sent."""
    try:
        return isinstance(company.send(wanted), Refused)
    except MappingError:
        return True


# Why QuickBooks would not say so itself is the third value.
REFUSED_BY_US = [
    ("a total its lines do not make", invoice(total_amount=Decimal("99.99")), "it adds the lines up, and says nothing"),
    ("tax on a purchase", lambda c: c.a_bill(tax_amount=Decimal(1)), "it drops the tax, and the total is another"),
    ("a negative total", invoice(line(amount=Decimal(-10))), "the simulator knows no rule; negative invoices are none"),
    ("a bundle", invoice(line(), line(kind="group", amount=Decimal(0))), "which lines are in it cannot be said"),
    ("a discount that adds", invoice(line(), line(kind="discount", amount=Decimal(1), item=None)), "a sign is wrong"),
    ("an amount on a text", invoice(line(), line(kind="description", amount=Decimal(1), item=None)), "no place for it"),
    ("a rate at home", invoice(exchange_rate=Decimal("1.5")), "no place for it in a company with one currency"),
    ("taxed lines over 750", invoice(*(line(tax_code="TAX", position=n) for n in range(1, 752))), "see the reference"),
    ("no item", invoice(line(), line(item=None)), "the reference requires it, the simulator does not"),
    ("a void that was never made", invoice(is_void=True), "it would be made, and count"),
    ("a payment of nothing it knows", lambda c: c.a_payment("5.00", ("journal", "9", "5.00")), "no word for it"),
    ("a bill paid by a bill", lambda c: c.a_payment("5.00", ("bills", "9", "5.00")), "the simulator books it nowhere"),
    ("a bill payment of no bill", lambda c: c.a_bill_payment("5.00"), "the reference requires one, the simulator not"),
]


@pytest.mark.parametrize(("build", "why"), [c[1:] for c in REFUSED_BY_US], ids=[c[0] for c in REFUSED_BY_US])
def test_what_would_come_out_otherwise_than_wanted_is_refused_by_us(written, build, why):
    record = build(written)
    entity = next(name for name, mapping in MAPPINGS.items() if isinstance(record, mapping.spec.record))
    wanted = written.wanted(entity, record)
    assert why
    assert written.composer.refusals(wanted) != []


def test_all_missing_mappings_of_a_document_are_named_at_once(written):
    lines = (line(tax_code="A"), line(tax_code="B", position=2))
    wanted = written.wanted("invoices", invoice(*lines, terms_code="NET45", document_number="N" * 30)(written))
    refusals = written.composer.refusals(wanted)
    assert {refusal.field for refusal in refusals if refusal.kind is ErrorKind.MAPPING} == {
        "terms_code",
        "lines[1].tax_code",
        "lines[2].tax_code",
    }
    assert "document_number" in {refusal.field for refusal in refusals}
    terms = next(refusal for refusal in refusals if refusal.field == "terms_code")
    assert "2 Net 15" in terms.expected


def test_a_code_that_was_made_inactive_is_refused_unless_it_was_there_already(written):
    held = written.made("invoices", written.an_invoice(terms_code="2"))
    written.simulator.edit("/term", {"Id": "2", "SyncToken": "0", "sparse": True, "Active": False, "Name": "Net 15"})
    written.reload()

    wanted = written.wanted("invoices", written.an_invoice(terms_code="2"))
    assert [refusal.field for refusal in written.composer.refusals(wanted)] == ["terms_code"]
    assert would_be_refused(written, wanted)
    assert written.changed("invoices", held, private_note="still fine").version_token == "1"


def test_nothing_is_dated_into_closed_books_nor_changed_or_voided_in_them(written):
    held = written.made("invoices", written.an_invoice())
    written.set_up("preferences", AccountingInfoPrefs={"BookCloseDate": DAY.isoformat()})
    attempts = [
        written.wanted("invoices", written.an_invoice()),
        written.change_of("invoices", held, issue_date=date(2026, 12, 1)),
        written.change_of("invoices", held, "void"),
        written.change_of("invoices", held, "delete"),
    ]
    for wanted in attempts:
        (refusal,) = written.composer.refusals(wanted)
        assert refusal.field == "issue_date"
        assert would_be_refused(written, wanted)
    later = written.wanted("invoices", written.an_invoice(issue_date=date(2026, 11, 3)))
    assert written.composer.refusals(later) == []
    assert not would_be_refused(written, later)


@pytest.mark.parametrize("entity", ["credit_memos", "bills", "vendor_credits", "purchase_orders", "customers", "items"])
def test_what_has_no_void_is_refused_with_what_to_do_instead(written, entity):
    held = written.made(entity, written.one_of_each()[entity])
    (refusal,) = written.composer.refusals(written.change_of(entity, held, "void"))
    assert "delete" in refusal.next_step or "inactive" in refusal.next_step


def test_a_currency_other_than_the_partys_is_refused(written):
    written.set_up("preferences", CurrencyPrefs={"MultiCurrencyEnabled": True})
    euro = written.made("customers", a_customer(name="Euro", currency="EUR")).external_id
    wanted = written.wanted("invoices", written.an_invoice(customer=euro))
    known = Wanted(wanted.entity, wanted.operation, wanted.record, marker=wanted.marker, party_currency="EUR")
    assert [refusal.field for refusal in written.composer.refusals(known)] == ["currency"]
    assert would_be_refused(written, known)


def test_what_is_fixed_in_quickbooks_is_not_changed(written):
    customer = written.made("customers", a_customer(name="Fixed"))
    item = written.made("items", an_item(name="Fixed"))
    voided = written.ended("invoices", written.made("invoices", written.an_invoice()), "void")
    for wanted, field in (
        (written.change_of("customers", customer, currency="EUR"), "currency"),
        (written.change_of("items", item, kind="non_inventory"), "kind"),
        (written.change_of("invoices", voided, is_void=False), "is_void"),
    ):
        assert [refusal.field for refusal in written.composer.refusals(wanted)] == [field]


def test_a_company_elsewhere_wants_its_own_tax_codes(written):
    written.set_up("company_info", Country="GB")
    taxed = line(tax_code="TAX", amount=Decimal(100))
    wanted = written.wanted("invoices", invoice(taxed)(written))
    assert [refusal.field for refusal in written.composer.refusals(wanted)] == ["lines[1].tax_code"]
    untaxed = written.wanted("invoices", written.an_invoice(tax_amount=Decimal(20)))
    assert [refusal.field for refusal in written.composer.refusals(untaxed)] == ["tax_amount"]


def test_lists_that_were_never_mirrored_refuse_nothing(written):
    composer = type(written.composer)({})
    record = written.an_invoice(terms_code="?", currency="EUR")
    assert composer.refusals(written.wanted("invoices", record)) == []
    application = Application(
        position=1, document_entity="invoices", document=None, document_key="9", amount=Decimal("5.00")
    )
    payment = msgspec.structs.replace(written.a_payment("5.00"), applications=(application,))
    assert composer.refusals(written.wanted("payments", payment)) == []
