"""A customer whom two companies know, one row of the ledger: who tells whom, who is asked, and what never crosses over.

Each test has both orders of the two ERPs: the one whose customers the ledger had first, and the one that came later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ledger.policies import Side
from resources.erps import erp_names
from resources.stages import sync as stages
from resources.stages.deciding import Decision
from resources.stages.meeting import Meeting
from resources.stages.resolve import resolve
from resources.stores import due_work
from tests.books import changed, opened_books
from tests.conformance.conftest import Company
from tests.conformance.words import QUICKBOOKS, XERO
from tests.conftest import NewDatabase
from tests.house import Simulator, connect_simulator, running_simulator

SHARED = "Lund & Sons"
LATER = "later_test"
# Somebody enters an item of the same name.
ITEMS: Mapping[str, Mapping[str, Any]] = {
    "quickbooks": {
        "operation": "create",
        "entity": "Item",
        "body": {"Name": "Widget", "Type": "Service", "IncomeAccountRef": {"value": QUICKBOOKS.income}},
    },
    "xero": {
        "operation": "create",
        "entity": "Items",
        "body": {"Code": "W-1", "Name": "Widget", "SalesDetails": {"AccountCode": XERO.income}},
    },
}


@dataclass
class Two:
    """One ledger: the company it had first, and the one that came later."""

    first: Company
    later: Company

    def due(self) -> list[str]:
        """Whom the sensor would wake for a push."""
        with self.first.books.services.fleet() as tx:
            names = due_work.partitions_to_push(tx, 10)
        return ["first" if name == self.first.books.name else "later" for name in names]

    def customers(self) -> dict[str, list[str]]:
        """Each customer's name and the connections it is bound in."""
        rows = self.first.books.rows(
            "select l.name, coalesce(array_agg(b.connection) filter (where b.connection is not null), '{}') as bound "
            "from ledger.customers l left join sync.bindings b on b.entity = 'customers' and b.ledger_id = l.ledger_id "
            "where not l.is_deleted group by l.ledger_id, l.name"
        )
        names = {self.first.books.name: "first", self.later.books.name: "later"}
        return {row["name"]: sorted(names[bound] for bound in row["bound"]) for row in rows}

    def names_there(self, company: Company) -> set[str]:
        words = company.words
        return {row[words.name_key] for row in company.books.objects(words.customer_word)}

    @property
    def shared(self) -> int:
        """The ledger id of the customer that both know."""
        return self.first.books.value(
            "select ledger_id from sync.bindings where entity = 'customers' group by 1 having count(*) = 2"
        )


def take_on(company: Company, name: str) -> None:
    """Somebody enters a customer in the ERP."""
    _edit(company, {"operation": "create", "body": {company.words.name_key: name}})


def rename(company: Company, ledger_id: int, name: str) -> None:
    """Somebody renames a customer in the ERP."""
    external_id = company.books.value(
        "select external_id from sync.bindings where entity = 'customers' and connection = %s and ledger_id = %s",
        company.books.name,
        ledger_id,
    )
    _edit(company, {"operation": "update", "id": external_id, "body": {company.words.name_key: name}})


def _edit(company: Company, edit: Mapping[str, Any]) -> None:
    company.books.simulator.post("edit", {"entity": company.words.customer_word, **edit})


def sell(company: Company, customer: int) -> None:
    """Somebody enters an invoice into the ledger for this company, and the item it sells."""
    connection, income = company.books.name, company.words.income
    item = company.writer.insert(
        "items", name="Widget", sku="W-1", kind="service", income_account_code=income, connection=connection
    )
    company.writer.invoice(customer, "50.00", item, connection=connection, document_number="S-1", due_date="2026-04-01")


def brings_no_customer(company: Company) -> bool:
    """Whether another sync changes no customer (a contact of Xero that is no customer yet is a vendor as well)."""
    return "customers" not in changed(company.books.sync())


def meet(two: Two, **said: Any) -> Meeting:
    return stages.meet(two.later.books.services, LATER, by="anna", **said)


@pytest.fixture(scope="module")
def simulators() -> Iterator[dict[str, Simulator]]:
    with ExitStack() as stack:
        yield {erp: stack.enter_context(running_simulator("--no-limits", erp=erp)) for erp in erp_names()}


@pytest.fixture(params=[("quickbooks", "xero"), ("xero", "quickbooks")], ids="-then-".join)
def strangers(
    request: pytest.FixtureRequest, simulators: dict[str, Simulator], new_database: NewDatabase, tmp_path: Path
) -> Iterator[Two]:
    """The ledger has the first company's customers; the later one is connected and has not met them."""
    first, later = request.param
    simulators[later].reset("empty")
    with opened_books(new_database, simulators[first], tmp_path, "empty", first) as books:
        two = Two(Company(first, books), Company(later, replace(books, simulator=simulators[later], name=LATER)))
        take_on(two.first, SHARED)
        take_on(two.first, "Only Of The First")
        take_on(two.later, SHARED.upper())
        take_on(two.later, "Only Of The Later")
        books.sync()
        connect_simulator(books.services, simulators[later], name=LATER, erp=later)
        yield two


@pytest.fixture
def two(strangers: Two) -> Two:
    """Both know `SHARED`, and everybody is told everything."""
    meet(strangers, is_applied=True)
    for company in (strangers.first, strangers.later, strangers.first):
        company.books.sync()
        company.books.push()
    assert strangers.due() == []
    return strangers


def test_a_later_company_meets_the_customers_that_the_ledger_has_from_another(strangers: Two):
    strangers.later.books.sync()
    strangers.later.books.push()
    assert strangers.customers() == {SHARED: ["first"], "Only Of The First": ["first"]}

    found = next(one for one in meet(strangers).entities if one.entity == "customers").found

    assert [pair.theirs.record.name for pair in found.bound] == [SHARED.upper()]
    assert [one.record.name for one in found.new_there] == ["Only Of The Later"]
    # The first company's own customer is nobody's business here.
    assert (found.ambiguous, found.new_here) == ([], [])


def test_an_item_with_the_codes_of_another_company_is_asked_about(strangers: Two):
    first, later = strangers.first, strangers.later
    first.writer.insert(
        "items",
        name="Widget",
        sku="W-1",
        kind="service",
        income_account_code=first.words.income,
        connection=first.books.name,
    )
    first.books.push()
    later.books.simulator.post("edit", ITEMS[later.erp])

    meet(strangers, is_applied=True)
    later.books.sync()

    (conflict,) = later.books.rows("select * from sync.conflicts where state = 'open'")
    assert (conflict["connection"], conflict["entity"], conflict["kind"]) == (LATER, "items", "possible_duplicate")
    assert f"{first.words.income} here and {later.words.income} there" in conflict["says"]
    resolve(first.books.services, conflict["conflict_id"], Decision("anna", separate=True))
    assert first.books.value("select count(*) from ledger.items where name = 'Widget'") == 2
    assert "items" not in {**first.books.push().pushed, **later.books.push().pushed}


def test_met_it_is_one_row_with_a_binding_in_each_and_nobody_is_made_twice(two: Two):
    assert two.customers() == {
        SHARED.upper(): ["first", "later"],
        "Only Of The First": ["first"],
        "Only Of The Later": ["later"],
    }
    assert two.names_there(two.first) == {SHARED.upper(), "Only Of The First"}
    assert two.names_there(two.later) == {SHARED.upper(), "Only Of The Later"}
    assert two.first.books.open_errors() == two.later.books.open_errors() == []


def test_an_edit_in_the_ledger_goes_to_both(two: Two):
    two.first.writer.update("customers", two.shared, name="Lund AS", email="post@lund.example")

    assert sorted(two.due()) == ["first", "later"]
    assert two.first.books.push().pushed == {"customers": 1}
    assert two.due() == ["later"]
    assert two.later.books.push().pushed == {"customers": 1}

    assert two.due() == []
    assert "Lund AS" in two.names_there(two.first) & two.names_there(two.later)
    assert brings_no_customer(two.first) and brings_no_customer(two.later)


@pytest.mark.parametrize("side", ["first", "later"])
def test_an_edit_in_one_erp_comes_to_the_ledger_and_goes_to_the_other(two: Two, side: str):
    there, other = (two.first, two.later) if side == "first" else (two.later, two.first)
    rename(there, two.shared, "Lund AS")

    there.books.let_the_windows_pass()
    there.books.sync()

    assert "Lund AS" in two.customers()
    assert two.due() == ["later" if side == "first" else "first"]
    assert there.books.push().pushed == {}
    assert other.books.push().pushed == {"customers": 1}
    assert "Lund AS" in two.names_there(other)
    assert two.due() == []
    assert brings_no_customer(two.first) and brings_no_customer(two.later)


def test_a_conflict_names_the_company_and_the_other_hears_of_what_is_decided(two: Two):
    two.first.writer.update("customers", two.shared, name="Ours")
    rename(two.later, two.shared, "Theirs")

    two.later.books.sync()

    assert sorted(two.due()) == ["first", "later"]
    assert two.later.books.push().pushed == {}
    (conflict,) = two.first.books.rows("select * from sync.conflicts where state = 'open'")
    assert (conflict["connection"], [f["name"] for f in conflict["fields"]]) == (LATER, ["name"])
    # The first company is in no conflict: it is told what the ledger says.
    assert two.first.books.push().pushed == {"customers": 1}
    assert "Ours" in two.names_there(two.first)
    assert two.due() == []

    resolve(two.first.books.services, conflict["conflict_id"], Decision("anna", Side.THEIRS))

    assert "first" in two.due()
    assert two.later.books.push().pushed == {}
    assert two.first.books.push().pushed == {"customers": 1}
    assert "Theirs" in two.names_there(two.first) & two.names_there(two.later)
    assert two.due() == []


def test_two_erps_that_say_two_things_are_a_conflict_of_the_one_that_came_second(two: Two):
    rename(two.first, two.shared, "Said First")
    rename(two.later, two.shared, "Said Second")

    two.first.books.sync()
    two.later.books.sync()

    (conflict,) = two.first.books.rows("select * from sync.conflicts where state = 'open'")
    assert conflict["connection"] == LATER
    assert [(f["ours"], f["theirs"]) for f in conflict["fields"]] == [("Said First", "Said Second")]
    assert two.later.books.push().pushed == two.first.books.push().pushed == {}
    assert two.names_there(two.first) >= {"Said First"}
    assert two.names_there(two.later) >= {"Said Second"}


def test_what_one_company_cannot_be_told_the_other_is_told_all_the_same(two: Two):
    # QuickBooks takes no name of more than 500 characters, Xero none of more than 255.
    xero, other = (two.later, two.first) if two.later.erp == "xero" else (two.first, two.later)
    two.first.writer.update("customers", two.shared, name="L" * 300)

    assert xero.books.push().held == {"customers": 1}
    assert two.due() == ["first" if other is two.first else "later"]
    assert other.books.push().pushed == {"customers": 1}

    assert "L" * 300 in two.names_there(other)
    assert two.due() == []


def test_a_document_wakes_and_reaches_its_own_company_alone(two: Two):
    sell(two.later, two.shared)

    assert two.due() == ["later"]
    assert two.first.books.push().pushed == {}
    assert two.later.books.push().pushed == {"items": 1, "invoices": 1}
    two.first.writer.update("invoices", two.first.books.value("select ledger_id from ledger.invoices"), memo="thanks")

    assert two.due() == ["later"]
    assert two.first.books.push().pushed == {}
    assert two.first.books.objects(two.first.words.invoice_word) == []


def test_a_customer_of_no_company_wakes_nobody_until_a_document_needs_it(two: Two):
    customer = two.first.writer.customer("Nobody's Yet")

    assert two.due() == []
    two.first.books.push()
    two.later.books.push()
    assert two.customers()["Nobody's Yet"] == []

    sell(two.first, customer)
    assert two.due() == ["first"]
    two.first.books.push()

    assert two.customers()["Nobody's Yet"] == ["first"]
    assert two.due() == []
