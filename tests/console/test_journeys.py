"""Whole journeys in a real browser, with each ERP: connect, sync, push, pay, decide, disconnect, and go on.

What Dagster would do between two steps is called here: a sync, a push. They share one company of each ERP and stand in
the order in which somebody would live through them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, Page, expect

from resources.apps import set_app
from resources.stores import api_keys
from tests.books import Books
from tests.conftest import NewDatabase
from tests.console.conftest import House, logged_in
from tests.console.hands import HANDS, Hands, amount_of
from tests.gateway.conftest import key_of, serving
from tests.house import open_house, prepare_database, running_simulator
from tests.ledger_writer import LedgerWriter

NAME = "shop"


@dataclass(frozen=True)
class Company:
    """An empty company of one ERP, and whoever works there."""

    house: House
    hands: Hands

    @property
    def books(self) -> Books:
        return self.house.books

    @property
    def invoice_id(self) -> str:
        """The id that the invoice of these journeys has over there."""
        return str(self.hands.invoice(self.books, "C-1")[self.hands.invoice_id])


@pytest.fixture(scope="module", params=list(HANDS))
def company(
    request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Company]:
    """An app to connect it by is known, and there is no connection."""
    erp, home = request.param, tmp_path_factory.mktemp("home")
    database = new_database(prepare_database)
    with running_simulator("--no-limits", erp=erp) as simulator, open_house(database, home) as opened:
        simulator.reset("empty")
        opened.pace = 0.05
        minted = simulator.post("tokens")
        values = {name: minted[name] for name in ("client_id", "client_secret")}
        set_app(opened, tenant="default", erp=erp, base_url=simulator.base_url, values=values, by="test")
        books = Books(opened, database, simulator, home, name=NAME)
        with serving(opened, calls_a_minute_max=100_000) as url:
            yield Company(House(books, url, {role: key_of(books, role) for role in api_keys.ROLES}), HANDS[erp])


@pytest.fixture
def page(browser: Browser, company: Company) -> Iterator[Page]:
    with logged_in(browser, company.house) as page:
        yield page


def consent(page: Page, hands: Hands) -> None:
    """Allow it on the ERP's page, and be back."""
    page.get_by_role("button", name=hands.allow).click()
    page.wait_for_url("**/console/connections?**")


def find(page: Page, entity: str, name: str) -> None:
    page.goto("/console/records")
    page.get_by_label("Kind").select_option(entity)
    page.get_by_label("Number, name").fill(name)
    page.get_by_role("button", name="Find").click()


def said_of(page: Page, field: str) -> str:
    """What the record on the page says in a field."""
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=field, exact=True)).inner_text()


def test_a_company_is_connected_synced_and_seen(page: Page, company: Company):
    books, hands = company.books, company.hands
    expect(page.get_by_text("No company is connected yet")).to_be_visible()
    page.get_by_text("Connect a company").click()
    page.get_by_label(f"{hands.title}: a name for it").fill(NAME)
    page.get_by_role("button", name=f"Go to {hands.title}").click()
    consent(page, hands)

    card = page.get_by_role("article")
    expect(page.get_by_role("status")).to_contain_text("Connected.")
    expect(card).to_contain_text(NAME)
    customer = hands.make_customer(books, "Tall Cedar Bakery")
    books.sync()
    page.reload()

    expect(card).to_contain_text("healthy")
    find(page, "customers", "Tall Cedar Bakery")
    expect(page.get_by_role("heading", name="Tall Cedar Bakery")).to_be_visible()
    assert customer in page.inner_text("main")


def test_an_invoice_written_here_is_in_the_erp_after_a_push(page: Page, company: Company):
    books, hands = company.books, company.hands
    write_invoice(books, hands)
    page.goto("/console/connections")
    expect(page.get_by_role("article")).to_contain_text("1 to push")
    books.push()

    there = hands.invoice(books, "C-1")
    page.reload()
    expect(page.get_by_role("article")).to_contain_text("nothing")
    find(page, "invoices", "C-1")
    expect(page.get_by_role("list").filter(has_text="push")).to_contain_text("create: done: written")
    assert amount_of(there[hands.total]) == 120
    assert "120.00" in said_of(page, "total amount")


def test_a_payment_there_lets_the_balance_here_fall(page: Page, company: Company):
    books, hands = company.books, company.hands
    find(page, "invoices", "C-1")
    assert "120.00" in said_of(page, "open amount")
    hands.pay(books, hands.invoice(books, "C-1"), 50)
    books.sync()

    page.reload()

    assert "70.00" in said_of(page, "open amount")
    expect(page.get_by_role("list").filter(has_text="mirror")).to_contain_text("open_amount: 120.00 -> 70.00")


def test_its_accounts_are_mapped_by_the_names_they_have_there(page: Page, company: Company):
    page.goto(f"/console/connections/{NAME}/codes?list=accounts")
    there = company.books.objects(company.hands.accounts)[0]
    page.get_by_label("Our code").fill("OUR OWN WORD")
    page.get_by_label("Stands for").select_option(value=str(there[company.hands.account_id]))
    page.get_by_role("button", name="Map", exact=True).click()

    expect(page.get_by_role("status")).to_contain_text("Mapped.")
    expect(page.get_by_role("row").filter(has_text="OUR OWN WORD")).to_contain_text(there["Name"])
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No code of accounts is mapped")).to_be_visible()


def test_both_sides_changed_it_and_a_person_decides_what_both_say(page: Page, company: Company):
    books, hands = company.books, company.hands
    refer_both(company, "PO 1001", "PO 2002")
    page.goto("/console/conflicts")
    page.get_by_role("link", name=f"invoices {company.invoice_id}").click()
    expect(page.get_by_role("heading", name="Invoice C-1")).to_be_visible()
    expect(page.locator("#preview")).to_contain_text("Choose a side")

    # Shown before anything is sent, as soon as a side is chosen; by keyboard as well as by pointer.
    page.get_by_role("radio", name="PO 1001").focus()
    page.keyboard.press("Space")
    expect(page.locator("#preview ins")).to_contain_text("PO 1001")
    expect(page.locator("#preview del")).to_contain_text("PO 2002")
    assert "PO 1001" not in str(books.objects(hands.invoices))
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_role("status")).to_contain_text("Decided.")
    books.push()
    books.sync()

    # Behind it the ERP may hold our mark.
    assert hands.invoice(books, "C-1")[hands.reference].startswith("PO 1001")
    assert books.ledger_row("invoices", company.invoice_id)["po_number"] == "PO 1001"
    page.goto("/console/conflicts")
    expect(page.get_by_text("No open conflict")).to_be_visible()


def test_a_decision_about_what_has_moved_is_refused_kindly(page: Page, company: Company):
    books, hands = company.books, company.hands
    refer_both(company, "PO 3", "PO 4")
    page.goto("/console/conflicts")
    page.get_by_role("link", name=f"invoices {company.invoice_id}").click()
    page.get_by_role("radio", name="PO 3").check()
    hands.refer(books, company.invoice_id, "PO 5")
    books.sync()
    page.get_by_role("button", name="Decide").click()

    expect(page.get_by_role("alert")).to_contain_text("Nothing was decided")
    expect(page.get_by_role("radio", name="PO 5")).to_be_visible()
    page.get_by_role("radio", name="PO 5").check()
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_role("status")).to_contain_text("The ERP has it like this already")
    assert books.ledger_row("invoices", company.invoice_id)["po_number"] == "PO 5"


def test_disconnected_and_connected_again_it_goes_on_where_it_stopped(page: Page, company: Company):
    books, hands = company.books, company.hands
    page.goto("/console/connections")
    page.get_by_text("Disconnect", exact=True).click()
    page.get_by_role("button", name=f"Disconnect {NAME}").click()
    expect(page.get_by_role("status")).to_contain_text("Disconnected.")
    expect(page.get_by_role("article")).to_contain_text("disconnected")
    hands.make_customer(books, "Late Comer Ltd")

    page.get_by_role("link", name="Reconnect").click()
    consent(page, hands)
    expect(page.get_by_role("status")).to_contain_text("Connected.")
    report = books.sync()

    assert report.outcomes["customers"].inserted == 1
    assert report.outcomes["invoices"].inserted == 0, "what was known is not read as new"
    find(page, "customers", "Late Comer Ltd")
    expect(page.get_by_role("heading", name="Late Comer Ltd")).to_be_visible()


def test_paused_nothing_is_pulled_and_resumed_it_is_caught_up(page: Page, company: Company):
    books, hands = company.books, company.hands
    page.goto("/console/connections")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("article")).to_contain_text("paused")
    hands.make_customer(books, "Patient Plumbing")
    assert books.sync().outcomes == {}

    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("article")).to_contain_text("healthy")
    assert books.sync().outcomes["customers"].inserted == 1


def write_invoice(books: Books, hands: Hands) -> None:
    """Somebody here writes an invoice of 120.00 to the customer there is, numbered C-1."""
    line = {"kind": "item", "description": "Bread for a month", "amount": Decimal(120), **hands.line(books)}
    today = books.value("select current_date")
    LedgerWriter(books, "ann@books").insert(
        "invoices",
        [line],
        customer_id=books.value("select min(ledger_id) from ledger.customers"),
        document_number="C-1",
        issue_date=today,
        due_date=today + timedelta(days=30),
        currency="USD",
        net_amount=Decimal(120),
        total_amount=Decimal(120),
        open_amount=Decimal(120),
    )


def refer_both(company: Company, ours: str, theirs: str) -> None:
    """Both sides write another PO number onto the invoice, and the next sync finds out."""
    books, external_id = company.books, company.invoice_id
    ledger_id = books.ledger_row("invoices", external_id)["ledger_id"]
    LedgerWriter(books, "ann@books").update("invoices", ledger_id, po_number=ours)
    company.hands.refer(books, external_id, theirs)
    books.sync()
