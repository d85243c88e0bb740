"""Bodies: what captured clients sent is what we send, lines keep what we do not map, and money is applied as wanted."""

from __future__ import annotations

import copy
import json
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.entities.documents import SalesLine
from ledger.fields import MappingError
from resources import wire_json
from resources.connector import Wanted
from resources.erps.quickbooks.mappings import MAPPINGS
from resources.erps.quickbooks.markers import marked, marker_in, without_mark
from resources.erps.quickbooks.writing import QuickBooksComposer
from tests.resources.erps.quickbooks.written import (
    CHECKING,
    DAY,
    PAYABLE,
    WrittenCompany,
    a_customer,
    a_vendor,
    an_invoice,
    an_item,
    applications,
)

CAPTURES = Path(__file__).parents[4].parent / "shared" / "reference" / "quickbooks"
ENTITY_OF = {mapping.wire_name: name for name, mapping in MAPPINGS.items()}
SPARSE_UPDATES = {
    "update_bill_2026": "PrivateNote",
    "update_invoice_2026": "PrivateNote",
    "update_customer_2026": "DisplayName",
}
CREATES = [
    f"create_{entity}_2026"
    for entity in ("invoice", "payment", "bill", "purchase_order", "credit_memo", "customer", "item")
]
SAMPLES = ("invoices", "credit_memos", "bills", "purchase_orders", "payments", "bill_payments")
needs_captures = pytest.mark.skipif(not CAPTURES.is_dir(), reason="the captures are not beside the checkout")


@cache
def captured(name: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Entity, request body and answered object of one capture."""
    root = wire_json.parse((CAPTURES / f"{name}.json").read_bytes()).root
    answer = root["response"]["body"]
    wire_name = next(key for key in answer if key in ENTITY_OF)
    return ENTITY_OF[wire_name], root["request"]["body"], answer[wire_name]


def plain_composer() -> QuickBooksComposer:
    home = {"Id": "1", "CurrencyPrefs": {"MultiCurrencyEnabled": False, "HomeCurrency": {"value": "USD"}}}
    return QuickBooksComposer({"preferences": {"1": home}})


def lacking(wanted: Any, found: Any, path: str = "") -> list[str]:
    """The places at which `found` does not say what `wanted` says; names of references do not count."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        keys = [key for key in wanted if not (key == "name" and "value" in wanted)]
        return [place for key in keys for place in lacking(wanted[key], found.get(key), f"{path}.{key}")]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [place for n, each in enumerate(wanted) for place in lacking(each, found[n], f"{path}[{n}]")]
    return [] if wanted == found else [path]


@pytest.mark.shared
@needs_captures
@pytest.mark.parametrize("name", CREATES)
def test_a_captured_create_is_what_we_would_send(name):
    entity, request, answered = captured(name)
    record = MAPPINGS[entity].from_wire(answered)

    body = plain_composer().body(Wanted(entity, "create", record))

    assert lacking(request, body) == []
    # What else we say is what QuickBooks made of it anyway.
    said = {key: value for key, value in body.items() if key not in ("Line", "TxnTaxDetail")}
    assert lacking(said, answered) == []
    assert not {"Id", "SyncToken", "MetaData", "CurrencyRef", "Balance"} & set(body)


@pytest.mark.shared
@needs_captures
@pytest.mark.parametrize("name", SPARSE_UPDATES)
def test_a_captured_sparse_update_is_what_we_send(name):
    entity, request, answered = captured(name)
    field = SPARSE_UPDATES[name]
    held = {**copy.deepcopy(answered), field: "as it was", "SyncToken": request["SyncToken"]}
    mapping = MAPPINGS[entity]
    wanted = Wanted(
        entity,
        "update",
        mapping.from_wire(answered),
        base=mapping.from_wire(held),
        held=held,
        external_id=answered["Id"],
        version_token=request["SyncToken"],
    )
    assert plain_composer().body(wanted) == request


@pytest.mark.shared
@needs_captures
@pytest.mark.parametrize(
    "entity", ["invoices", "credit_memos", "bills", "purchase_orders", "payments", "bill_payments"]
)
def test_captured_documents_keep_every_line_when_one_is_changed(entity):
    mapping = MAPPINGS[entity]
    part = next(iter(mapping.parts))
    rows = wire_json.parse((CAPTURES / "sample_company" / f"{entity}.json").read_bytes()).root[mapping.wire_name]
    for held in rows:
        base = mapping.from_wire(held)
        parts = getattr(base, part)
        if not parts:
            continue
        untouched = Wanted(entity, "update", base, base, held, held["Id"], held["SyncToken"])
        assert "Line" not in plain_composer().body(untouched)

        first = msgspec.structs.replace(
            parts[0], **({"description": "changed"} if part == "lines" else {"amount": parts[0].amount / 2})
        )
        record = msgspec.structs.replace(base, **{part: (first, *parts[1:])})
        lines = plain_composer().body(Wanted(entity, "update", record, base, held, held["Id"], held["SyncToken"]))[
            "Line"
        ]

        kept = [line for line in held["Line"] if line.get("DetailType") != "SubTotalLineDetail" or "Id" in line]
        assert len(lines) == len(kept)
        for line, was in zip(lines[1:], kept[1:], strict=True):
            assert lacking(without(was, "LineNum", "LineEx", "ItemAccountRef", "name"), line) == []
        assert lines[0].get("Id") == kept[0].get("Id")


def without(value: Any, *names: str) -> Any:
    if isinstance(value, list):
        return [without(each, *names) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: without(each, *names) for key, each in value.items() if key not in names}


def an_update(entity: str, held: dict[str, Any], composer: QuickBooksComposer | None = None, **changes: Any) -> dict:
    base = MAPPINGS[entity].from_wire(held)
    record = msgspec.structs.replace(base, **changes)
    return (composer or plain_composer()).body(Wanted(entity, "update", record, base, held, held["Id"], "3"))


def a_bundle() -> dict[str, Any]:
    """An invoice with an item, a person's subtotal, a bundle of two and a discount in percent."""

    def item(key: str, amount: int, **more: Any) -> dict[str, Any]:
        detail = {
            "ItemRef": {"value": "5", "name": "Lamp"},
            "ClassRef": {"value": "77"},
            "TaxCodeRef": {"value": "NON"},
        }
        return {"Id": key, "LineNum": 1, "Amount": amount, "DetailType": "SalesItemLineDetail",
                "SalesItemLineDetail": detail, "CustomExtensions": [{"Key": "k"}], **more}  # fmt: skip

    return {
        "Id": "9",
        "SyncToken": "3",
        "CustomerRef": {"value": "1"},
        "TxnDate": "2026-01-05",
        "CurrencyRef": {"value": "USD"},
        "TotalAmt": 57,
        "Balance": 57,
        "PrivateNote": "Before\n[tieout:m1]",
        "SalesTermRef": {"value": "3", "name": "Net 30"},
        "LinkedTxn": [{"TxnId": "3", "TxnType": "Estimate"}, {"TxnId": "4", "TxnType": "Payment"}],
        "Line": [
            item("1", 10, LinkedTxn=[{"TxnId": "3", "TxnType": "Estimate"}]),
            {"Id": "2", "Amount": 10, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}},
            {"Id": "3", "Amount": 50, "DetailType": "GroupLineDetail",
             "GroupLineDetail": {"GroupItemRef": {"value": "8"}, "Line": [item("4", 20), item("5", 30)]}},
            {"Amount": 60, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}},
            {"Amount": 3, "DetailType": "DiscountLineDetail",
             "DiscountLineDetail": {"PercentBased": True, "DiscountPercent": 5, "DiscountAccountRef": {"value": "86"}}},
        ],
    }  # fmt: skip


def test_bundles_subtotals_and_what_we_do_not_map_stay_when_lines_are_rewritten():
    held = a_bundle()
    lines = MAPPINGS["invoices"].from_wire(held).lines
    changed = [msgspec.structs.replace(line, description="new") if line.line_key == "4" else line for line in lines]

    sent = an_update("invoices", held, lines=tuple(changed))["Line"]

    assert [line.get("Id") for line in sent] == ["1", "2", "3", None]
    assert sent[0]["SalesItemLineDetail"]["ClassRef"] == {"value": "77"}
    assert sent[0]["CustomExtensions"] == [{"Key": "k"}]
    assert sent[0]["LinkedTxn"] == [{"TxnId": "3", "TxnType": "Estimate"}]
    inner = sent[2]["GroupLineDetail"]["Line"]
    assert [(line["Id"], line.get("Description")) for line in inner] == [("4", "new"), ("5", None)]
    assert sent[3]["DiscountLineDetail"] == {
        "PercentBased": True,
        "DiscountPercent": 5,
        "DiscountAccountRef": {"value": "86"},
    }


def test_a_removed_line_goes_a_new_one_has_no_id_and_a_bundle_follows_its_lines():
    held = a_bundle()
    lines = [line for line in MAPPINGS["invoices"].from_wire(held).lines if line.line_key != "5"]
    fresh = SalesLine(position=9, kind="item", item="6", amount=Decimal("1.50"), quantity=Decimal(1))

    sent = an_update("invoices", held, lines=(*lines[:-1], fresh, lines[-1]))["Line"]

    assert [line.get("Id") for line in sent] == ["1", "2", "3", None, None]
    assert sent[2]["Amount"] == 20
    assert sent[3] == {
        "DetailType": "SalesItemLineDetail",
        "Amount": Decimal("1.5"),
        "SalesItemLineDetail": {"ItemRef": {"value": "6"}, "Qty": 1},
    }
    # Five percent of what is there now are not the 3.00 that are wanted.
    assert sent[4]["DiscountLineDetail"] == {"PercentBased": False, "DiscountAccountRef": {"value": "86"}}


def test_what_is_cleared_is_left_out_of_a_full_update_that_repeats_the_rest():
    body = an_update("invoices", a_bundle(), terms_code="")
    assert "sparse" not in body
    assert "SalesTermRef" not in body
    assert body["LinkedTxn"] == [{"TxnId": "3", "TxnType": "Estimate"}]
    assert body["PrivateNote"] == "Before\n[tieout:m1]"
    assert [line.get("Id") for line in body["Line"]] == ["1", "2", "3", None]
    assert [line["Id"] for line in body["Line"][2]["GroupLineDetail"]["Line"]] == ["4", "5"]
    assert not {"TotalAmt", "Balance", "CurrencyRef"} & set(body)


def test_a_document_keeps_its_mark_whatever_becomes_of_its_note():
    assert an_update("invoices", a_bundle(), private_note="After") == {
        "Id": "9",
        "SyncToken": "3",
        "sparse": True,
        "PrivateNote": "After\n[tieout:m1]",
    }
    assert an_update("invoices", a_bundle(), private_note="")["PrivateNote"] == "[tieout:m1]"


@pytest.mark.parametrize("note", ["", "a note", "two\nlines", "ends with a dash -", "ends with a blank ", "[tieout:"])
def test_a_mark_is_read_back_and_taken_off_also_after_a_void(note):
    written = marked(note, "a1-b2")
    assert marker_in(written) == "a1-b2"
    assert without_mark(written) == note
    assert without_mark(f"Voided - {written}") == (f"Voided - {note}" if note else "Voided")
    assert marker_in(note) is None


def test_a_marker_that_could_not_be_read_back_is_not_written():
    with pytest.raises(MappingError):
        marked("", "with a blank")


def test_amounts_are_sent_without_the_zeros_of_a_table_and_without_exponents(written):
    line = SalesLine(position=1, kind="item", item=written.item, quantity=Decimal("2.000000"),
                     unit_price=Decimal("50.000000"), amount=Decimal("1E+2"))  # fmt: skip
    body = written.composer.body(written.wanted("invoices", written.an_invoice(lines=(line,))))
    assert [str(body["Line"][0]["Amount"]), str(body["Line"][0]["SalesItemLineDetail"]["UnitPrice"])] == ["100", "50"]


def test_a_currency_is_named_only_where_there_are_several(written: WrittenCompany):
    record = written.an_invoice()
    assert not {"CurrencyRef", "ExchangeRate"} & set(written.composer.body(written.wanted("invoices", record)))

    written.set_up("preferences", CurrencyPrefs={"MultiCurrencyEnabled": True})
    euro = written.made("customers", a_customer(name="Euro", currency="EUR")).external_id
    record = an_invoice(euro, record.lines, currency="EUR", exchange_rate=Decimal("1.085"))
    body = written.composer.body(written.wanted("invoices", record))
    assert (body["CurrencyRef"], body["ExchangeRate"]) == ({"value": "EUR"}, Decimal("1.085"))
    found = MAPPINGS["invoices"].from_wire(written.made("invoices", record).payload)
    assert (found.currency, found.exchange_rate) == ("EUR", Decimal("1.085"))
    unsaid = written.composer.body(
        written.wanted("invoices", msgspec.structs.replace(record, exchange_rate=Decimal(1)))
    )
    assert "ExchangeRate" not in unsaid


def taxed(company: WrittenCompany, *amounts: str, tax: str) -> Any:
    lines = tuple(
        SalesLine(position=n, kind="item", item=company.item, amount=Decimal(amount), tax_code="TAX")
        for n, amount in enumerate(amounts, 1)
    )
    return company.an_invoice(lines=lines, tax_amount=Decimal(tax))


@pytest.mark.parametrize(
    ("tax", "code"),
    [("8.00", "2"), ("9.10", "3"), ("7.77", None), ("0", None)],
    ids=["the usual code", "the only code that fits", "no code fits", "no tax"],
)
def test_us_tax_is_the_documents_with_the_code_that_gives_it(written, tax, code):
    record = taxed(written, "100.00", tax=tax)
    body = written.composer.body(written.wanted("invoices", record))
    assert (body.get("TxnTaxDetail") or {}).get("TxnTaxCodeRef") == (code and {"value": code})
    made = MAPPINGS["invoices"].from_wire(written.made("invoices", record).payload)
    assert (made.tax_amount, made.total_amount) == (Decimal(tax), Decimal("100.00") + Decimal(tax))


def test_tax_that_is_changed_with_its_lines_comes_out_as_wanted(written):
    held = written.made("invoices", taxed(written, "100.00", tax="8.00"))
    for amount, tax in (("200.00", "16.00"), ("200.00", "15.99"), ("50.00", "0")):
        lines = taxed(written, amount, tax=tax).lines
        kept = msgspec.structs.replace(lines[0], line_key="1")
        total = Decimal(amount) + Decimal(tax)
        sums = {"net_amount": Decimal(amount), "tax_amount": Decimal(tax), "total_amount": total}
        held = written.changed("invoices", held, lines=(kept,), **sums)
        found = MAPPINGS["invoices"].from_wire(held.payload)
        assert (found.tax_amount, found.total_amount, found.lines[0].line_key) == (Decimal(tax), total, "1")


def test_elsewhere_the_lines_have_the_codes_and_quickbooks_the_sum(written):
    written.set_up("company_info", Country="GB")
    line = SalesLine(position=1, kind="item", item=written.item, amount=Decimal("100.00"), tax_code="2")
    record = written.an_invoice(lines=(line,), tax_amount=Decimal("8.00"))
    body = written.composer.body(written.wanted("invoices", record))
    assert body["GlobalTaxCalculation"] == "TaxExcluded"
    assert "TxnTaxDetail" not in body
    assert MAPPINGS["invoices"].from_wire(written.made("invoices", record).payload).total_amount == Decimal("108.00")
    untaxed = written.composer.body(written.wanted("invoices", written.an_invoice()))
    assert untaxed["GlobalTaxCalculation"] == "NotApplicable"


def open_amount(company: WrittenCompany, entity: str, external_id: str) -> Decimal:
    return MAPPINGS[entity].from_wire(company.held(entity, external_id).payload).open_amount


def test_a_payment_is_applied_partly_later_and_taken_back(written):
    first, second = (written.made("invoices", written.an_invoice("100.00")).external_id for _ in range(2))
    held = written.made("payments", written.a_payment("120.00"))
    assert MAPPINGS["payments"].from_wire(held.payload).unapplied_amount == Decimal(120)

    for settled, opened in (
        ([("invoices", first, "30.00")], ["70.00", "100.00"]),
        ([("invoices", first, "30.00"), ("invoices", second, "90.00")], ["70.00", "10.00"]),
        ([("invoices", second, "100.00")], ["100.00", "0.00"]),
        ([], ["100.00", "100.00"]),
    ):
        held = written.changed("payments", held, applications=applications(tuple(settled)))
        assert [open_amount(written, "invoices", key) for key in (first, second)] == [Decimal(each) for each in opened]
        found = MAPPINGS["payments"].from_wire(held.payload)
        assert [(a.document, a.amount) for a in found.applications] == [(s[1], Decimal(s[2])) for s in settled]


def test_a_credit_memo_is_applied_by_a_payment_of_nothing(written):
    invoice = written.made("invoices", written.an_invoice("100.00")).external_id
    memo = written.made("credit_memos", written.a_credit_memo("40.00")).external_id
    settled = (("invoices", invoice, "40.00"), ("credit_memos", memo, "40.00"))

    made = written.made("payments", written.a_payment("0", *settled))

    assert made.payload["TotalAmt"] == 0
    assert open_amount(written, "invoices", invoice) == Decimal(60)
    assert open_amount(written, "credit_memos", memo) == 0


def test_a_bill_payment_changes_from_cheque_to_card_with_its_account(written):
    bill = written.made("bills", written.a_bill("50.00")).external_id
    credit = written.made("vendor_credits", written.a_vendor_credit("20.00")).external_id
    settled = (("bills", bill, "50.00"), ("vendor_credits", credit, "20.00"))
    held = written.made("bill_payments", written.a_bill_payment("30.00", *settled, applied_amount=Decimal(30)))
    assert open_amount(written, "bills", bill) == 0
    assert open_amount(written, "vendor_credits", credit) == 0

    held = written.changed("bill_payments", held, method="card", paid_from_account_code="41")

    assert held.payload["CreditCardPayment"]["CCAccountRef"]["value"] == "41"
    assert MAPPINGS["bill_payments"].from_wire(held.payload).paid_from_account_code == "41"


def test_a_bill_keeps_its_line_of_a_purchase_order(written):
    order = written.made("purchase_orders", written.a_purchase_order("25.00")).external_id
    link = [{"TxnId": order, "TxnType": "PurchaseOrder", "TxnLineId": "1"}]
    detail = {"AccountRef": {"value": "7"}}
    line = {"Amount": 25, "DetailType": "AccountBasedExpenseLineDetail", "AccountBasedExpenseLineDetail": detail}
    made = written.simulator.edit(
        "/bill", {"VendorRef": {"value": written.vendor}, "Line": [{**line, "LinkedTxn": link}]}
    )["Bill"]
    held = written.held("bills", made["Id"])
    (own,) = MAPPINGS["bills"].from_wire(held.payload).lines

    held = written.changed("bills", held, lines=(msgspec.structs.replace(own, description="for the garden"),))

    assert held.payload["Line"][0]["LinkedTxn"] == link
    assert written.held("purchase_orders", order).payload["POStatus"] == "Closed"


def test_an_inactive_name_is_made_active_under_its_old_name(written):
    held = written.ended("customers", written.made("customers", a_customer(name="Back Again")), "delete")
    assert MAPPINGS["customers"].from_wire(held.payload).name == "Back Again (deleted)"
    held = written.changed("customers", held, is_active=True)
    assert (held.payload["Active"], held.payload["DisplayName"]) == (True, "Back Again")


def test_a_sub_customer_and_a_sub_item_say_so(written):
    for entity, record, flag in (
        ("customers", a_customer(name="Branch", parent=written.customer), "Job"),
        ("items", an_item(name="Small Lamp", parent=written.item), "SubItem"),
    ):
        held = written.made(entity, record)
        assert held.payload[flag] is True
        held = written.changed(entity, held, parent=None)
        assert (held.payload.get(flag), "ParentRef" in held.payload) == (False, False)


def test_an_address_is_sent_whole_when_a_part_of_it_changes(written):
    held = written.made("customers", a_customer(name="Mover", billing_line1="1 Old Road", billing_city="Here"))
    wanted = written.change_of("customers", held, billing_line1="2 New Road")
    assert written.composer.body(wanted) == {
        "Id": held.external_id,
        "SyncToken": "0",
        "sparse": True,
        "BillAddr": {"Line1": "2 New Road", "City": "Here"},
    }


def test_an_address_that_is_gone_is_gone(written):
    address = {"billing_line1": "1 Old Road", "billing_city": "Here"}
    held = written.made("customers", a_customer(name="Homeless", **address, phone="1"))
    held = written.changed("customers", held, **dict.fromkeys(address, ""))
    assert "BillAddr" not in held.payload
    assert held.payload["PrimaryPhone"] == {"FreeFormNumber": "1"}


REPEATED = {
    "credit_memos": {"CustomerRef"},
    "payments": {"CustomerRef", "TotalAmt"},
    "bills": {"VendorRef"},
    "vendor_credits": {"VendorRef"},
    "bill_payments": {"VendorRef", "TotalAmt", "PayType", "CheckPayment"},
    "purchase_orders": {"VendorRef", "APAccountRef"},
}


@pytest.mark.parametrize("entity", MAPPINGS)
def test_a_sparse_update_names_what_changed_and_what_it_must_and_nothing_else(written, entity):
    held = written.made(entity, written.one_of_each()[entity])
    base = MAPPINGS[entity].from_wire(held.payload)
    for name, wire in MAPPINGS[entity].fields.items():
        if wire.is_read_only or name in ("tax_amount", "currency", "exchange_rate", "method"):
            continue
        value = other_than(getattr(base, name), {field.name: field for field in MAPPINGS[entity].spec.fields}[name])
        body = written.composer.body(written.change_of(entity, held, **{name: value}))

        follows = {"TxnDate": {"DueDate"}, "SalesTermRef": {"DueDate"}, "ParentRef": {"Job", "SubItem"}}
        place = wire.path.partition(".")[0]
        said = set(body) - {"Id", "SyncToken", "sparse"} - REPEATED.get(entity, set())
        assert body["sparse"] is True
        assert said - follows.get(place, set()) <= {place}, name
        assert said or place in REPEATED[entity], name


def other_than(value: Any, field: Any) -> Any:
    if field.choices:
        return next(choice for choice in field.choices if choice != value)
    if field.kind is bool:
        return not value
    if field.kind is Decimal:
        return (value or 0) + Decimal(1)
    return date(2026, 12, 31) if field.kind is date else f"{value or ''}9"


def test_a_changed_date_leaves_the_due_date_that_was_agreed(written):
    held = written.made("invoices", written.an_invoice(due_date=date(2026, 12, 24), terms_code="3"))
    held = written.changed("invoices", held, issue_date=date(2026, 11, 20))
    assert held.payload["DueDate"] == "2026-12-24"
    assert DAY.isoformat() != held.payload["TxnDate"]


def test_a_body_is_json_as_it_stands(written):
    for entity, record in written.one_of_each().items():
        body = written.composer.body(written.wanted(entity, record))
        assert json.loads(msgspec.json.Encoder(decimal_format="number").encode(body))


def test_every_document_and_payment_says_its_currency_and_rate_also_when_it_changes(written: WrittenCompany):
    written.set_up("preferences", CurrencyPrefs={"MultiCurrencyEnabled": True})
    written.customer = written.made("customers", a_customer(name="Euro", currency="EUR")).external_id
    written.vendor = written.made("vendors", a_vendor(name="Euro Paper", currency="EUR")).external_id
    said = {"currency": "EUR", "exchange_rate": Decimal("1.085")}
    invoice = written.made("invoices", written.an_invoice("50.00", **said)).external_id
    bill = written.made("bills", written.a_bill("50.00", **said)).external_id
    records = {
        "invoices": written.an_invoice(**said),
        "credit_memos": written.a_credit_memo(**said),
        "payments": written.a_payment("50.00", ("invoices", invoice, "50.00"), **said, deposit_account_code=CHECKING),
        "purchase_orders": written.a_purchase_order(**said, payable_account_code=PAYABLE),
        "bills": written.a_bill(**said),
        "vendor_credits": written.a_vendor_credit(**said),
        "bill_payments": written.a_bill_payment("50.00", ("bills", bill, "50.00"), **said),
    }
    for entity, record in records.items():
        made = written.made(entity, record)
        found = MAPPINGS[entity].from_wire(made.payload)
        assert (entity, found.currency, found.exchange_rate) == (entity, "EUR", Decimal("1.085"))
        changed = written.changed(entity, made, exchange_rate=Decimal("1.2"))
        found = MAPPINGS[entity].from_wire(changed.payload)
        assert (entity, found.currency, found.exchange_rate) == (entity, "EUR", Decimal("1.2"))
