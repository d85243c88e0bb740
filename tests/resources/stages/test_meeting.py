"""Two books that know nothing of each other: reported first, bound where that is certain, asked where it is not."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ledger.policies import Side
from resources.errors import TieoutError
from resources.stages import sync as stages
from resources.stages.deciding import Decision
from resources.stages.meeting import Meeting
from resources.stages.resolve import resolve
from resources.stores import conflicts
from tests.books import Books, changed, count_rows, open_services
from tests.conftest import NewDatabase, drop_database
from tests.house import Simulator, connect_simulator, prepare_database
from tests.ledger_writer import LedgerWriter
from tests.small_company import a_customer, a_line, an_invoice, an_item, stamped

ANNA = "anna"


@pytest.fixture
def strangers(new_database: NewDatabase, simulator: Simulator, tmp_path: Path) -> Iterator[Books]:
    """A ledger, and a company it is not connected to yet."""
    simulator.reset("empty")
    database = new_database(prepare_database)
    with open_services(database.url(), tmp_path) as services:
        yield Books(services, database, simulator, tmp_path)
    drop_database(database.server, database.name)


def connect(books: Books) -> None:
    connect_simulator(books.services, books.simulator)


def meet(books: Books, **said: Any) -> Meeting:
    return stages.meet(books.services, books.name, by=ANNA, **said)


def counts(found: Meeting) -> dict[str, tuple[int, int, int, int]]:
    """Entity -> bound, ambiguous, new here, new there; without those where there is nothing."""
    all_ = {
        e.entity: (len(e.found.bound), len(e.found.ambiguous), len(e.found.new_here), len(e.found.new_there))
        for e in found.entities
    }
    return {entity: four for entity, four in all_.items() if any(four)}


def both_books(books: Books) -> dict[str, int]:
    """Ada and her paid invoice on both sides, Bo here, Cy there, and an invoice of another total on each."""
    books.load(
        {
            "Customer": [a_customer(1, "Ada's Bakery"), a_customer(2, "Cy", Notes="x")],
            "Item": [an_item(90)],
            "Invoice": [
                an_invoice(500, 1, "100.00", DocNumber="A-1", Balance=Decimal("40.00"), Line=[a_line("100.00")]),
                an_invoice(501, 1, "70.00", DocNumber="A-2"),
                an_invoice(502, 2, "30.00", DocNumber="C-1"),
            ],
        }
    )
    writer = LedgerWriter(books)
    ada, bo = writer.customer("ADA'S  bakery", email="ada@bakery.example"), writer.customer("Bo")
    item = writer.insert("items", name="item 90", kind="service")
    ids = {"ada": ada, "bo": bo}
    for number, customer, amount in (("A-1", ada, "100.00"), ("A-2", ada, "80.00"), ("B-1", bo, "20.00")):
        ids[number] = writer.invoice(customer, amount, item, document_number=number, private_note=f"ours {number}")
    return ids


def test_a_company_connected_to_a_ledger_of_its_own_pulls_only(strangers):
    both_books(strangers)
    connect(strangers)

    strangers.sync()
    report = strangers.push()

    assert count_rows(strangers, "mirror.invoices") == 3
    assert count_rows(strangers, "ledger.invoices") == 3
    assert "tieout meet" in report.says[0]
    assert len(strangers.objects("Invoice")) == 3


def test_a_company_connected_to_an_empty_ledger_has_nothing_to_meet(strangers):
    connect(strangers)

    with pytest.raises(TieoutError, match="had nothing to meet"):
        meet(strangers)
    assert strangers.rows("select message from sync.errors where resolved_at is null") == []


def test_the_report_comes_before_anything_is_written(strangers):
    both_books(strangers)
    connect(strangers)
    before = strangers.rows("select ledger_id, version from ledger.invoices order by 1")

    found = meet(strangers)

    assert counts(found) == {"customers": (1, 0, 1, 1), "items": (1, 0, 0, 0), "invoices": (1, 1, 1, 1)}
    amounts = next(e for e in found.entities if e.entity == "invoices").amounts()
    assert amounts == {
        "bound": {"USD": 100},
        "ambiguous": {"USD": 80},
        "new_here": {"USD": 20},
        "new_there": {"USD": 30},
    }
    (pair,) = next(e for e in found.entities if e.entity == "customers").found.bound
    assert pair.normalised == ('name: "ADA\'S  bakery" here, "Ada\'s Bakery" there',)
    assert strangers.rows("select ledger_id, version from ledger.invoices order by 1") == before
    assert count_rows(strangers, "sync.bindings") == count_rows(strangers, "sync.conflicts") == 0
    assert counts(meet(strangers)) == counts(found)


def test_applied_it_binds_the_certain_asks_the_rest_and_both_go_on(strangers):
    ids = both_books(strangers)
    connect(strangers)

    meet(strangers, is_applied=True)
    strangers.sync()
    strangers.push()

    assert strangers.open_errors() == []
    assert strangers.ledger_row("customers", "1")["ledger_id"] == ids["ada"]
    bound = strangers.ledger_row("invoices", "500")
    assert bound["ledger_id"] == ids["A-1"]
    assert (bound["open_amount"], bound["private_note"]) == (40, "ours A-1")
    invoices = {i["DocNumber"]: i for i in strangers.objects("Invoice")}
    assert sorted(invoices) == ["A-1", "A-2", "B-1", "C-1"]
    assert invoices["A-1"]["PrivateNote"] == "ours A-1"
    assert [line["Id"] for line in invoices["A-1"]["Line"] if "Id" in line] == ["1"]
    assert {c["DisplayName"] for c in strangers.objects("Customer")} == {"Ada's Bakery", "Bo", "Cy"}
    assert {r["name"] for r in strangers.rows("select name from ledger.customers")} == {"Ada's Bakery", "Bo", "Cy"}
    (ada,) = [c for c in strangers.objects("Customer") if c["Id"] == "1"]
    assert ada["PrimaryEmailAddr"]["Address"] == "ada@bakery.example"
    with strangers.services.db.transaction(strangers.tenant) as tx:
        (asked,) = conflicts.list_open(tx, strangers.name)
    assert (asked.kind, asked.ledger_id, asked.candidates) == ("possible_duplicate", ids["A-2"], ["501"])
    assert "80.00 USD here and 70.00 USD there" in asked.says


@pytest.mark.parametrize("answer", ["it is it", "another one"])
def test_what_was_asked_is_answered_and_both_sides_are_quiet(strangers, answer):
    ids = both_books(strangers)
    connect(strangers)
    meet(strangers, is_applied=True)
    strangers.sync()
    strangers.push()
    with strangers.services.db.transaction(strangers.tenant) as tx:
        found = conflicts.list_open(tx, strangers.name)

    for conflict in found:
        said = {"keep": Side.THEIRS}
        if conflict.entity == "invoices" and answer == "another one":
            LedgerWriter(strangers).update("invoices", ids["A-2"], document_number="A-2b")
            said = {"separate": True}
            stages.check_conflicts(strangers.services)
        resolve(strangers.services, conflict.conflict_id, Decision(ANNA, **said))
    strangers.push()

    totals = {i["DocNumber"]: Decimal(str(i["TotalAmt"])) for i in strangers.objects("Invoice")}
    here = {
        r["document_number"]: r["total_amount"]
        for r in strangers.rows("select * from ledger.invoices where not is_deleted")
    }
    assert totals == here
    assert ("A-2b" in totals) is (answer == "another one")
    assert strangers.ledger_row("invoices", "501")["total_amount"] == 70
    strangers.sync()
    assert not strangers.push().pushed
    assert not changed(strangers.sync())


def test_what_moves_there_while_it_is_asked_about_is_shown_before_it_is_decided(strangers):
    both_books(strangers)
    connect(strangers)
    meet(strangers, is_applied=True)
    with strangers.services.db.transaction(strangers.tenant) as tx:
        (shown,) = conflicts.list_open(tx, strangers.name)
    line = a_line("75.00") | {"Id": "1", "Amount": 75}
    strangers.edit("update", "Invoice", "501", PrivateNote="do not pay: disputed", Line=[line])

    strangers.sync()

    with strangers.services.db.transaction(strangers.tenant) as tx:
        (now,) = conflicts.list_open(tx, strangers.name)
    assert "do not pay" in now.theirs and now.shown != shown.shown
    with pytest.raises(TieoutError, match="has changed since"):
        resolve(strangers.services, now.conflict_id, Decision(ANNA, keep=Side.OURS, shown=shown.shown))
    # Pulled and not merged yet.
    strangers.change("update mirror.invoices set change_seq = nextval('mirror.change_seq') where external_id = '501'")
    with pytest.raises(TieoutError, match="another version of 501"):
        resolve(strangers.services, now.conflict_id, Decision(ANNA, keep=Side.OURS))
    stages.check_conflicts(strangers.services)
    resolve(strangers.services, now.conflict_id, Decision(ANNA, keep=Side.THEIRS))
    assert strangers.ledger_row("invoices", "501")["total_amount"] == 75


def test_two_customers_of_one_name_wait_with_their_documents(strangers):
    strangers.load(
        {
            "Customer": [a_customer(1, "Ada"), a_customer(2, "ada")],
            "Invoice": [an_invoice(500, 2, "100.00", DocNumber="A-1")],
            "Item": [an_item(90)],
        }
    )
    writer = LedgerWriter(strangers)
    ada = writer.customer("ADA")
    invoice = writer.invoice(ada, "100.00", document_number="A-1")
    connect(strangers)

    found = meet(strangers, is_applied=True)
    strangers.sync()
    strangers.push()

    assert counts(found) == {"customers": (0, 1, 0, 0), "items": (0, 0, 0, 1), "invoices": (0, 1, 0, 0)}
    assert len(strangers.objects("Customer")) == 2
    assert len(strangers.objects("Invoice")) == 1
    with strangers.services.db.transaction(strangers.tenant) as tx:
        customer, document = conflicts.list_open(tx, strangers.name)
    with pytest.raises(TieoutError, match="one of 1, 2"):
        resolve(strangers.services, customer.conflict_id, Decision(ANNA, keep=Side.OURS))

    resolve(strangers.services, customer.conflict_id, Decision(ANNA, keep=Side.THEIRS, is_record="2"))
    resolve(strangers.services, document.conflict_id, Decision(ANNA, keep=Side.THEIRS))
    strangers.push()

    assert strangers.ledger_row("customers", "2")["ledger_id"] == ada
    assert strangers.ledger_row("customers", "1")["ledger_id"] != ada
    assert strangers.ledger_row("invoices", "500")["ledger_id"] == invoice
    assert len(strangers.objects("Customer")) == 2
    assert not strangers.open_errors()
    strangers.sync()
    assert not strangers.push().pushed
    assert not changed(strangers.sync())


def test_what_certainly_is_one_record_but_says_two_things_is_asked_and_held(strangers):
    strangers.load({"Customer": [a_customer(1, "Ada", PrimaryEmailAddr={"Address": "b@ada.example"})]})
    ada = LedgerWriter(strangers).customer("Ada", email="a@ada.example", phone="1")
    connect(strangers)

    found = meet(strangers, is_applied=True)
    strangers.sync()
    report = strangers.push()

    assert [e.differing for e in found.entities if e.entity == "customers"] == [1]
    assert not report.pushed
    strangers.edit("update", "Customer", "1", Notes="seen")
    strangers.sync()
    with strangers.services.db.transaction(strangers.tenant) as tx:
        (asked,) = conflicts.list_open(tx, strangers.name)
    assert [(f["name"], f["ours"], f["theirs"]) for f in asked.fields] == [("email", "a@ada.example", "b@ada.example")]

    resolve(strangers.services, asked.conflict_id, Decision(ANNA, keep=Side.OURS))
    strangers.push()

    (there,) = strangers.objects("Customer")
    assert there["PrimaryEmailAddr"]["Address"] == "a@ada.example"
    assert strangers.ledger_row("customers", "1")["ledger_id"] == ada


@pytest.mark.parametrize("keep", Side)
def test_a_flag_that_differs_is_asked_until_somebody_decides_whatever_else_moves(strangers, keep):
    strangers.load({"Customer": [a_customer(1, "Ada")]})
    LedgerWriter(strangers).customer("Ada", is_active=False)
    connect(strangers)

    meet(strangers, is_applied=True)
    strangers.edit("update", "Customer", "1", Notes="moved there")
    strangers.sync()
    assert not strangers.push().pushed

    with strangers.services.db.transaction(strangers.tenant) as tx:
        (asked,) = conflicts.list_open(tx, strangers.name)
    assert [(f["name"], f["ours"], f["theirs"]) for f in asked.fields] == [("is_active", False, True)]
    resolve(strangers.services, asked.conflict_id, Decision(ANNA, keep=keep))
    strangers.push()

    (there,) = strangers.objects("Customer")
    assert there["Active"] is strangers.ledger_row("customers", "1")["is_active"] is (keep is Side.THEIRS)
    assert not strangers.push().pushed and not changed(strangers.sync())


def test_starting_at_now_leaves_documents_of_the_past_alone(strangers):
    ids = both_books(strangers)
    connect(strangers)

    meet(strangers, is_applied=True, start_at_now=True)
    strangers.sync()
    strangers.push()

    assert {i["DocNumber"] for i in strangers.objects("Invoice")} == {"A-1", "A-2", "C-1"}
    assert count_rows(strangers, "ledger.invoices") == 3
    with strangers.services.db.transaction(strangers.tenant) as tx:
        (asked,) = [c for c in conflicts.list_open(tx, strangers.name) if c.entity == "invoices"]
    assert (asked.ledger_id, asked.candidates) == (ids["A-2"], ["501"])
    assert {r["name"] for r in strangers.rows("select name from ledger.customers")} >= {"Bo", "Cy"}

    strangers.edit("update", "Invoice", "500", PONumber="new")
    strangers.edit("update", "Invoice", "501", PONumber="x")
    LedgerWriter(strangers).update("invoices", ids["B-1"], memo="new")
    strangers.sync()
    strangers.push()

    assert strangers.ledger_row("invoices", "500")["po_number"] == "new"
    assert "B-1" in {i["DocNumber"] for i in strangers.objects("Invoice")}
    assert strangers.value("select count(*) from ledger.invoices where document_number = 'A-2'") == 1


def differing_past(books: Books) -> int:
    """An invoice that certainly is one, and says something else here and there; left alone."""
    lines = [a_line("60.00", 1, Description="theirs 1"), a_line("40.00", 2, Description="theirs 2")]
    theirs = an_invoice(500, 1, "100.00", DocNumber="A-1", PrivateNote="theirs", PONumber="theirs", Line=lines)
    books.load({"Customer": [a_customer(1, "Ada")], "Item": [an_item(90)], "Invoice": [theirs]})
    writer = LedgerWriter(books)
    item = writer.insert("items", name="item 90", kind="service")
    ours = {"document_number": "A-1", "private_note": "ours", "po_number": "ours"}
    ledger_id = writer.invoice(writer.customer("Ada"), "100.00", item, **ours)
    connect(books)
    meet(books, is_applied=True, start_at_now=True)
    books.sync()
    books.push()
    return ledger_id


def test_a_document_of_the_past_that_differs_is_asked_about_once_it_is_edited_here(strangers):
    ledger_id = differing_past(strangers)
    assert strangers.open_errors() == []

    LedgerWriter(strangers).update("invoices", ledger_id, po_number="theirs")
    assert not strangers.push().pushed

    assert strangers.open_errors() == []
    with strangers.services.db.transaction(strangers.tenant) as tx:
        (asked,) = conflicts.list_open(tx, strangers.name)
    assert {f["name"].partition("[")[0] for f in asked.fields} == {"lines", "private_note"}
    resolve(strangers.services, asked.conflict_id, Decision(ANNA, keep=Side.OURS))
    assert strangers.push().pushed == {"invoices": 1}
    (there,) = strangers.objects("Invoice")
    assert (there["PrivateNote"], there["PONumber"]) == ("ours", "theirs")
    strangers.sync()
    assert not strangers.push().pushed and not changed(strangers.sync())


def test_a_document_of_the_past_that_differs_is_never_written_over_because_it_was_paid_there(strangers):
    differing_past(strangers)

    paid = {"TotalAmt": 30, "Line": [{"Amount": 30, "LinkedTxn": [{"TxnId": "500", "TxnType": "Invoice"}]}]}
    strangers.edit("create", "Payment", CustomerRef={"value": "1"}, TxnDate="2026-03-05", **paid)
    strangers.sync()
    strangers.push()

    (there,) = strangers.objects("Invoice")
    assert [line.get("Description") for line in there["Line"] if "Id" in line] == ["theirs 1", "theirs 2"]
    assert (there["PrivateNote"], there["PONumber"]) == ("theirs", "theirs")
    with strangers.services.db.transaction(strangers.tenant) as tx:
        (asked,) = conflicts.list_open(tx, strangers.name)
    assert asked.kind == "concurrent_update"
    assert {"lines", "private_note"} <= {f["name"].partition("[")[0] for f in asked.fields}
    resolve(strangers.services, asked.conflict_id, Decision(ANNA, keep=Side.THEIRS))
    strangers.sync()
    assert not strangers.push().pushed and not changed(strangers.sync())


@pytest.mark.parametrize("start_at_now", [False, True], ids=["both pasts meet", "start at now"])
def test_what_cannot_be_read_there_is_made_a_second_time_on_neither_side(strangers, start_at_now):
    bad = stamped(700, CustomerRef={"value": "1"}, TxnDate="not a day", CurrencyRef={"value": "USD"}, TotalAmt=40)
    strangers.load({"Customer": [a_customer(1, "Ada")], "Payment": [bad | {"UnappliedAmt": 40, "Line": []}]})
    writer = LedgerWriter(strangers)
    writer.payment(writer.customer("Ada"), "40.00")
    connect(strangers)

    found = meet(strangers, start_at_now=start_at_now)
    assert [len(e.unreadable) for e in found.entities if e.entity == "payments"] == [1]
    with pytest.raises(TieoutError, match=r"payments/700: .*not a day"):
        meet(strangers, is_applied=True, start_at_now=start_at_now)

    assert count_rows(strangers, "sync.bindings") == 0
    strangers.push()
    assert len(strangers.objects("Payment")) == 1

    # Corrected there, it is met.
    strangers.edit("update", "Payment", "700", TxnDate="2026-03-02")
    meet(strangers, is_applied=True, start_at_now=start_at_now)
    strangers.sync()
    strangers.push()
    assert len(strangers.objects("Payment")) == count_rows(strangers, "ledger.payments") == 1


@pytest.mark.parametrize("keep", [Side.OURS, Side.THEIRS])
def test_a_document_of_the_past_that_is_deleted_there_after_starting_at_now_is_asked_about(strangers, keep):
    ids = both_books(strangers)
    connect(strangers)
    meet(strangers, is_applied=True, start_at_now=True)
    strangers.sync()
    strangers.push()

    strangers.edit("delete", "Invoice", "500")
    strangers.sync()

    with strangers.services.db.transaction(strangers.tenant) as tx:
        (asked,) = [c for c in conflicts.list_open(tx, strangers.name) if c.ledger_id == ids["A-1"]]
    assert (asked.kind, asked.ledger_id, asked.external_id) == ("delete_conflict", ids["A-1"], "500")
    resolve(strangers.services, asked.conflict_id, Decision(ANNA, keep=keep))
    strangers.push()

    there = "A-1" in {i["DocNumber"] for i in strangers.objects("Invoice")}
    here = not strangers.value("select is_deleted from ledger.invoices where ledger_id = %s", ids["A-1"])
    assert here is there is (keep is Side.OURS)
    strangers.sync()
    assert not strangers.push().pushed and not changed(strangers.sync())


def test_a_third_of_that_name_is_asked_about_too(strangers):
    strangers.load({"Customer": [a_customer(1, "Ada"), a_customer(2, "ada")]})
    LedgerWriter(strangers).customer("ADA")
    connect(strangers)
    meet(strangers, is_applied=True)

    third = strangers.edit("create", "Customer", DisplayName="ＡＤＡ")
    strangers.sync()

    with strangers.services.db.transaction(strangers.tenant) as tx:
        (asked,) = conflicts.list_open(tx, strangers.name)
    assert asked.candidates == ["1", "2", third["Id"]]
    assert count_rows(strangers, "ledger.customers") == 1
