"""What is sent to Xero, what is refused before it is sent, and what an answer means."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from ledger.entities.bills import Bill
from ledger.entities.documents import Application, PurchaseLine, SalesLine
from ledger.entities.invoices import Invoice
from ledger.entities.items import Item
from ledger.entities.payments import Payment
from ledger.entities.purchase_orders import PurchaseOrder
from ledger.spec import Record
from resources.connector import InDoubt, Refused, Stale, Wanted, WireRecord, Write, Written
from resources.erps.xero.answers import oddity_of
from resources.erps.xero.erp import ERP
from resources.erps.xero.writing import XeroComposer
from tests.resources.erps.xero.conftest import Organisation
from tests.resources.erps.xero.test_reading import contacts, guid

REFERENCE = {
    "accounts": {"200": {"Code": "200", "Status": "ACTIVE"}, "bank": {"AccountID": "bank", "Status": "ACTIVE"}},
    "tax_codes": {"OUTPUT": {"TaxType": "OUTPUT", "EffectiveRate": Decimal(15), "Status": "ACTIVE"}},
    "company_info": {"t": {"BaseCurrency": "NZD", "PeriodLockDate": "/Date(1735603200000+0000)/"}},
    "preferences": {"t": {"Currencies": [{"Code": "NZD"}, {"Code": "USD"}]}},
}


def composer(**settings: str) -> XeroComposer:
    return XeroComposer(REFERENCE, settings)


def an_invoice(*amounts: str, tax: str = "0", tax_code: str = "", **values: Any) -> Invoice:
    lines = tuple(
        SalesLine(position=n, kind="item", amount=Decimal(amount), account_code="200", tax_code=tax_code)
        for n, amount in enumerate(amounts or ("100.00",), 1)
    )
    net = sum((line.amount for line in lines), Decimal(0))
    said = {
        "customer": guid(1),
        "document_number": "INV-1",
        "issue_date": date(2026, 3, 1),
        "due_date": date(2026, 4, 1),
        "currency": "NZD",
        "net_amount": net,
        "tax_amount": Decimal(tax),
        "total_amount": net + Decimal(tax),
        "open_amount": net + Decimal(tax),
        "lines": lines,
    }
    return Invoice(**{**said, **values})


def a_bill(**values: Any) -> Bill:
    line = PurchaseLine(position=1, kind="account", account_code="200", amount=Decimal("10.00"), line_key="L1")
    said: dict[str, Any] = {
        "vendor": guid(2),
        "issue_date": date(2026, 3, 1),
        "due_date": date(2026, 4, 1),
        "currency": "NZD",
        "net_amount": Decimal("10.00"),
        "total_amount": Decimal("10.00"),
        "open_amount": Decimal("10.00"),
        "lines": (line,),
    }
    return Bill(**{**said, **values})


def an_order(**values: Any) -> PurchaseOrder:
    said = {"vendor": guid(2), "issue_date": date(2026, 3, 1), "status": "open", "currency": "NZD"}
    return PurchaseOrder(**{**said, "net_amount": Decimal(0), "total_amount": Decimal(0), **values})


def wanted(record: Record, entity: str = "invoices", operation: Any = "create", **more: Any) -> Wanted:
    return Wanted(entity, operation, record, marker="M1" if operation == "create" else "", **more)


def refused(record: Record, entity: str = "invoices", operation: Any = "create", **more: Any) -> set[str]:
    return {refusal.field for refusal in composer().refusals(wanted(record, entity, operation, **more))}


def test_tax_is_rounded_line_by_line_and_then_added_up():
    # Xero's own example: 11.44, not the 11.45 of the sum.
    amounts = ("25.06", "25.61", "25.63")

    assert refused(an_invoice(*amounts, tax="11.44", tax_code="OUTPUT")) == set()
    assert refused(an_invoice(*amounts, tax="11.45", tax_code="OUTPUT")) == {"tax_amount"}


def test_documents_are_made_approved_or_as_drafts_as_the_connection_says():
    assert composer().body(wanted(an_invoice()))["Status"] == "AUTHORISED"
    assert composer(document_status="DRAFT").body(wanted(an_invoice()))["Status"] == "DRAFT"


@pytest.mark.parametrize("status", ["DRAFT", "SUBMITTED", "AUTHORISED", "PAID"])
def test_nothing_is_applied_to_what_is_not_approved_nor_out_of_it(status: str):
    def applied(**amounts: str) -> tuple[Application, ...]:
        return tuple(
            Application(position=n, document_entity=entity, document=guid(n), document_key="", amount=Decimal(amount))
            for n, (entity, amount) in enumerate(amounts.items(), 1)
        )

    said = {"customer": guid(9), "payment_date": date(2026, 3, 1), "currency": "NZD", "deposit_account_code": "bank"}
    paid, used = (
        Payment(
            **said,
            total_amount=Decimal(amount),
            applied_amount=Decimal(amount),
            unapplied_amount=Decimal(0),
            applications=applied(**applications),
        )
        for amount, applications in ((10, {"invoices": "10"}), (0, {"credit_memos": "10", "invoices": "10"}))
    )
    draft = {("invoices", guid(1)): {"Status": status}, ("credit_memos", guid(1)): {"Status": status}}
    expected = {"applications[1].document"} if status in ("DRAFT", "SUBMITTED") else set()

    assert refused(paid, "payments", documents=draft) == expected
    assert refused(used, "payments", documents=draft) == expected


def test_a_mark_stands_where_the_customer_does_not_read_it():
    body = composer().body(wanted(an_invoice(po_number="PO 7")))

    assert (body["Reference"], body["Url"]) == ("PO 7", "https://tieout.invalid/M1")
    assert composer().body(wanted(a_bill(private_note="see mail"), "bills"))["Reference"] == "see mail [tieout:M1]"
    assert composer().marker_of("bills", {"Reference": "see mail [tieout:M1]"}) == "M1"


def test_an_update_names_what_changed_and_nothing_else():
    base = an_invoice()
    record = msgspec.structs.replace(base, due_date=date(2026, 5, 1))

    body = composer().body(
        wanted(record, operation="update", base=base, held={"Status": "AUTHORISED"}, external_id="I")
    )

    assert body == {"InvoiceID": "I", "DueDate": "2026-05-01"}


@pytest.mark.parametrize(
    ("entity", "field", "base"),
    [
        ("invoices", "due_date", an_invoice()),
        ("bills", "due_date", a_bill()),
        ("purchase_orders", "expected_date", an_order(expected_date=date(2026, 4, 1))),
        ("items", "sales_price", Item(name="Work", sku="W", kind="non_inventory", sales_price=Decimal("5.00"))),
    ],
)
def test_what_is_no_text_cannot_be_emptied(entity: str, field: str, base: Record):
    emptied = msgspec.structs.replace(base, **{field: None})

    assert refused(emptied, entity, "update", base=base, held={"Status": "AUTHORISED"}, external_id="I") == {field}


def test_unchanged_lines_go_back_as_they_are_held_with_their_tax_and_tracking():
    base = a_bill()
    added = PurchaseLine(position=2, kind="account", account_code="200", amount=Decimal("5.00"))
    record = msgspec.structs.replace(
        base, lines=(*base.lines, added), net_amount=Decimal(15), total_amount=Decimal(15), open_amount=Decimal(15)
    )
    held_line = {
        "LineItemID": "L1",
        "LineAmount": Decimal("10.00"),
        "TaxType": "NONE",
        "TaxAmount": Decimal("0.00"),
        "Tracking": [{"Name": "Region", "Option": "South", "TrackingCategoryID": "x", "Options": []}],
    }
    held = {"Status": "AUTHORISED", "LineAmountTypes": "Exclusive", "LineItems": [held_line]}

    body = composer().body(wanted(record, "bills", "update", base=base, held=held, external_id="B"))

    first, second = body["LineItems"]
    assert first == {**held_line, "LineAmount": 10, "TaxAmount": 0, "Tracking": [{"Name": "Region", "Option": "South"}]}
    assert (second["LineAmount"], second["TaxType"], "LineItemID" in second) == (5, "NONE", False)


@pytest.mark.parametrize(
    ("entity", "operation", "status", "field"),
    [
        ("bills", "delete", "AUTHORISED", "the record"),
        ("bills", "void", "DRAFT", "is_void"),
        ("bills", "void", "PAID", "is_void"),
        ("payments", "void", "AUTHORISED", "is_void"),
        ("purchase_orders", "delete", "BILLED", "status"),
    ],
)
def test_an_ending_that_xero_does_not_know_is_refused(entity: str, operation: Any, status: str, field: str):
    assert refused(a_bill(), entity, operation, base=a_bill(), held={"Status": status}, external_id="X") == {field}


def test_a_part_paid_bill_does_not_change_and_a_part_paid_invoice_only_in_part():
    held = {"Status": "AUTHORISED", "AmountPaid": Decimal("1.00")}
    moved = {"due_date": date(2026, 5, 1)}

    assert refused(a_bill(**moved), "bills", "update", base=a_bill(), held=held, external_id="B")
    assert not refused(an_invoice(**moved), operation="update", base=an_invoice(), held=held, external_id="I")
    assert refused(an_invoice("90.00"), operation="update", base=an_invoice(), held=held, external_id="I")


def test_what_xero_has_no_form_for_is_refused_with_its_field():
    assert refused(an_invoice(issue_date=date(2024, 12, 31))) == {"issue_date"}
    assert refused(an_invoice(currency="EUR")) == {"currency"}
    assert refused(an_invoice(due_date=None)) == {"due_date"}
    assert refused(an_invoice(lines=(SalesLine(position=1, kind="item", amount=Decimal("100.00")),))) == {
        "lines[1].account_code"
    }


def a_payment(*amounts: str, total: str) -> Payment:
    parts = tuple(
        Application(position=n, document_entity="invoices", document=guid(n), document_key=guid(n), amount=Decimal(a))
        for n, a in enumerate(amounts, 1)
    )
    applied = sum((part.amount for part in parts), Decimal(0))
    return Payment(
        customer=guid(9),
        payment_date=date(2026, 3, 1),
        currency="NZD",
        total_amount=Decimal(total),
        applied_amount=applied,
        unapplied_amount=Decimal(total) - applied,
        deposit_account_code="bank",
        applications=parts,
    )


def test_a_payment_is_of_one_document_and_money_with_a_rest_or_for_several_is_an_overpayment_that_is_applied():
    whole = composer().body(wanted(a_payment("5.00", total="5.00"), "payments"))
    loose = composer().body(wanted(a_payment(total="5.00"), "payments"))
    several = composer().body(wanted(a_payment("2.00", "3.00", total="6.00"), "payments"))

    assert (whole["Invoice"], whole["Account"]) == ({"InvoiceID": guid(1)}, {"AccountID": "bank"})
    assert (loose["Type"], "Allocations" in loose) == ("RECEIVE-OVERPAYMENT", False)
    assert several["LineItems"][0]["UnitAmount"] == 6
    assert [(one["Invoice"]["InvoiceID"], one["Amount"]) for one in several["Allocations"]] == [
        (guid(1), 2),
        (guid(2), 3),
    ]
    for total, amounts in (("5.00", ["2.00", "3.00"]), ("5.00", ["2.00"])):
        assert refused(a_payment(*amounts, total=total), "payments") == set()
    assert refused(a_payment("2.00", "4.00", total="5.00"), "payments") == {"applications"}


def test_money_is_given_back_out_of_one_credit():
    payment = a_payment("5.00", total="-5.00")
    (part,) = payment.applications
    refund = msgspec.structs.replace(
        payment, applications=(msgspec.structs.replace(part, document_entity="credit_memos"),)
    )

    body = composer().body(wanted(refund, "payments"))

    assert (body["CreditNote"], body["Amount"]) == ({"CreditNoteID": guid(1)}, 5)
    assert refused(refund, "payments") == set()
    assert refused(payment, "payments") == {"applications"}


@pytest.mark.parametrize(
    ("external_id", "held", "sent"),
    [
        ("P", {"Amount": Decimal(5)}, {"PaymentID": "P", "Status": "DELETED"}),
        (
            "P",
            {"Amount": Decimal(5), "BatchPayment": {"BatchPaymentID": "B", "TotalAmount": Decimal("5.00")}},
            {"BatchPaymentID": "B", "Status": "DELETED"},
        ),
        (
            "overpayment:O",
            {"Type": "RECEIVE-OVERPAYMENT", "Contact": {"ContactID": "C"}, "Allocations": []},
            {
                "OverpaymentID": "O",
                "Type": "RECEIVE-OVERPAYMENT",
                "Contact": {"ContactID": "C"},
                "Status": "DELETED",
            },
        ),
    ],
)
def test_money_is_taken_back_as_it_was_made(external_id: str, held: dict[str, Any], sent: dict[str, Any]):
    ending = wanted(a_payment(total="5.00"), "payments", "delete", held=held, external_id=external_id)

    assert composer().refusals(ending) == []
    assert composer().body(ending) == sent


@pytest.mark.parametrize(
    ("external_id", "held"),
    [
        ("P", {"Amount": Decimal(5), "BatchPayment": {"BatchPaymentID": "B", "TotalAmount": Decimal(9)}}),
        ("overpayment:O", {"Allocations": [{"AllocationID": "A"}]}),
        ("prepayment:O", {"Payments": [{"PaymentID": "P"}]}),
    ],
)
def test_money_that_cannot_be_taken_back_alone_is_refused(external_id: str, held: dict[str, Any]):
    assert refused(a_payment(total="5.00"), "payments", "delete", held=held, external_id=external_id) == {"the record"}


def test_a_value_other_than_sent_is_seen_when_it_is_read_back():
    write = Write("customers", "update", "K", {"ContactID": guid(1), "Name": "Ours"}, external_id=guid(1))

    def read_back(name: str) -> WireRecord:
        return WireRecord(guid(1), "t", None, {"ContactID": guid(1), "Name": name})

    assert oddity_of(write, read_back("Ours")) is None
    assert oddity_of(write, read_back("Theirs")) == "Name other than it was sent"


@pytest.mark.parametrize(
    ("sent", "there", "oddity"),
    [
        (
            {"Phones": [{"PhoneType": "DEFAULT", "PhoneNumber": "12"}]},
            {"Phones": [{"PhoneType": "DDI", "PhoneNumber": ""}, {"PhoneType": "DEFAULT", "PhoneNumber": "34"}]},
            "Phones[DEFAULT].PhoneNumber other than it was sent",
        ),
        (
            {"LineItems": [{"Description": "a", "Quantity": Decimal(1), "TaxAmount": Decimal(0)}]},
            {"LineItems": [{"Description": "b", "Quantity": Decimal("1.0000"), "TaxAmount": Decimal(3)}]},
            "LineItems[1].Description other than it was sent",
        ),
        ({"LineItems": [{}, {}]}, {"LineItems": [{}]}, "1 LineItems instead of 2"),
        ({"SalesDetails": {"UnitPrice": Decimal(2)}}, {"SalesDetails": {"UnitPrice": Decimal("2.00")}}, None),
        ({"Contact": {"ContactID": "a"}}, {"Contact": {"ContactID": "b"}}, "Contact.ContactID other than it was sent"),
    ],
)
def test_blocks_and_lines_are_read_back_too(sent: dict[str, Any], there: dict[str, Any], oddity: str | None):
    write = Write("invoices", "update", "K", sent, external_id="I")

    assert oddity_of(write, WireRecord("I", "t", None, there)) == oddity


def test_a_record_that_moved_since_it_was_merged_is_stale_and_stays_as_it_is(organisation: Organisation):
    organisation.simulator.post("load", {"Contacts": contacts(1)})
    (record,) = (r for page in organisation.connector.pull("customers") for r in page.records)
    edit = {"operation": "update", "entity": "Contacts", "id": guid(1), "body": {"EmailAddress": "a@b.example"}}
    organisation.simulator.post("edit", edit)

    body = {"ContactID": guid(1), "Name": "Ours"}
    write = Write("customers", "update", "K", body, external_id=guid(1), version_token=record.version_token)
    (stale,) = organisation.connector.send([write])

    assert isinstance(stale, Stale)
    assert [row["Name"] for row in organisation.simulator.objects("Contacts")] == ["Contact 1"]


@pytest.mark.parametrize(
    ("fault", "meant"),
    [
        ({"status": 400, "body": {"ErrorNumber": 10, "Type": "ValidationException", "Elements": []}}, Refused),
        ({"status": 400, "body": "<html>Bad Request</html>"}, InDoubt),
        ({"status": 404, "body": "<html>Not Found</html>"}, InDoubt),
        ({"status": 409, "body": {"ErrorNumber": 10}}, InDoubt),
    ],
    ids=["Xero's 400", "a gateway's 400", "a gateway's 404", "a status that refuses nothing"],
)
def test_only_xero_itself_refuses_a_write(organisation: Organisation, fault: dict[str, Any], meant: type):
    rule = {"method": "PUT", **fault, "headers": {"Xero-Correlation-Id": ""}}
    organisation.simulator.post("faults", [rule])

    (answer,) = organisation.connector.send([Write("customers", "create", "K", {"Name": "One"})])

    assert type(answer) is meant


def test_many_writes_go_in_one_call_and_a_bad_one_spoils_no_other(organisation: Organisation):
    writes = [
        Write("customers", "create", f"K{n}", {"Name": name}, batch_key="B")
        for n, name in enumerate(("One", "Two", "Two", "Three"))
    ]

    answers = organisation.connector.send(writes)

    assert [isinstance(answer, Written) for answer in answers].count(True) == 3
    assert len([row for row in organisation.log() if row["method"] == "PUT"]) == 1
    again = organisation.connector.send(writes)
    assert [type(answer) for answer in again] == [type(answer) for answer in answers]
    assert len(organisation.simulator.objects("Contacts")) == 3


def test_a_key_is_at_most_128_characters_and_names_the_organisation(organisation: Organisation):
    organisation.connector.send([Write("customers", "create", "K" * 36, {"Name": "One"})])

    (effect,) = organisation.simulator_effects()

    assert effect["key"].startswith(organisation.minted["tenant_id"])
    assert len(effect["key"]) <= 128


def test_the_push_stage_is_told_how_short_the_memory_of_keys_is():
    assert ERP.key_memory is not None
    assert (ERP.key_memory.sure_seconds, ERP.key_memory.over_seconds) == (300, 1200)
