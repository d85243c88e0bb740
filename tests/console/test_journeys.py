"""Whole journeys in a real browser: connect, sync, push, pay, decide, disconnect, and go on.

What Dagster would do between two steps is called here: a sync, a push. They share one company and stand in the order
in which somebody would live through them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from resources.apps import set_app
from resources.stores import api_keys
from tests.books import Books
from tests.conftest import NewDatabase
from tests.console.conftest import House, logged_in
from tests.gateway.conftest import key_of, serving
from tests.house import open_house, prepare_database, running_simulator

NAME = "shop"


@pytest.fixture(scope="module")
def company(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """An empty company in the simulator, an app to connect it by, and no connection."""
    home: Path = tmp_path_factory.mktemp("home")
    database = new_database(prepare_database)
    with running_simulator("--no-limits") as simulator, open_house(database, home) as opened:
        simulator.reset("empty")
        opened.pace = 0.05
        minted = simulator.post("tokens")
        values = {name: minted[name] for name in ("client_id", "client_secret")}
        set_app(opened, tenant="default", erp="quickbooks", base_url=simulator.base_url, values=values, by="test")
        books = Books(opened, database, simulator, home, name=NAME)
        with serving(opened, calls_a_minute_max=100_000) as url:
            yield House(books, url, {role: key_of(books, role) for role in api_keys.ROLES})


@pytest.fixture
def page(browser: Browser, company: House) -> Iterator[Page]:
    with logged_in(browser, company) as page:
        yield page


def consent(page: Page) -> None:
    """Allow it on the ERP's page, and be back."""
    page.get_by_role("button", name="Connect").click()
    page.wait_for_url("**/console/connections?**")


def find(page: Page, entity: str, name: str) -> None:
    page.goto("/console/records")
    page.get_by_label("Kind").select_option(entity)
    page.get_by_label("Number, name").fill(name)
    page.get_by_role("button", name="Find").click()


def said_of(page: Page, field: str) -> str:
    """What the record on the page says in a field."""
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=field, exact=True)).inner_text()


def test_a_company_is_connected_synced_and_seen(page: Page, company: House):
    books = company.books
    expect(page.get_by_text("No company is connected yet")).to_be_visible()
    page.get_by_text("Connect a company").click()
    page.get_by_label("QuickBooks: a name for it").fill(NAME)
    page.get_by_role("button", name="Go to QuickBooks").click()
    consent(page)

    card = page.get_by_role("article")
    expect(page.get_by_role("status")).to_contain_text("Connected.")
    expect(card).to_contain_text(NAME)
    customer = books.edit("create", "Customer", DisplayName="Tall Cedar Bakery")
    books.sync()
    page.reload()

    expect(card).to_contain_text("healthy")
    find(page, "customers", "Tall Cedar Bakery")
    expect(page.get_by_role("heading", name="Tall Cedar Bakery")).to_be_visible()
    assert customer["Id"] in page.inner_text("main")


def test_an_invoice_written_here_is_in_the_erp_after_a_push(page: Page, company: House):
    books = company.books
    item = books.edit("create", "Item", Name="Bread", Type="Service", IncomeAccountRef={"value": income_account(books)})
    books.sync()
    write_invoice(books, books.ledger_row("items", item["Id"])["ledger_id"])
    page.goto("/console/connections")
    expect(page.get_by_role("article")).to_contain_text("1 to push")
    books.push()

    (there,) = [one for one in books.objects("Invoice") if one["DocNumber"] == "C-1"]
    page.reload()
    expect(page.get_by_role("article")).to_contain_text("nothing")
    find(page, "invoices", "C-1")
    expect(page.get_by_role("list").filter(has_text="push")).to_contain_text("create: done: written")
    assert str(there["TotalAmt"]) in ("120", "120.0", "120.00")
    assert "120.00" in said_of(page, "total amount")


def test_a_payment_there_lets_the_balance_here_fall(page: Page, company: House):
    books = company.books
    (there,) = [one for one in books.objects("Invoice") if one["DocNumber"] == "C-1"]
    find(page, "invoices", "C-1")
    assert "120.00" in said_of(page, "open amount")
    books.edit(
        "create",
        "Payment",
        CustomerRef=there["CustomerRef"],
        TotalAmt=50,
        Line=[{"Amount": 50, "LinkedTxn": [{"TxnId": there["Id"], "TxnType": "Invoice"}]}],
    )
    books.sync()

    page.reload()

    assert "70.00" in said_of(page, "open amount")
    expect(page.get_by_role("list").filter(has_text="mirror")).to_contain_text("open_amount: 120.00 -> 70.00")


def test_both_sides_changed_it_and_a_person_decides_what_both_say(page: Page, company: House):
    books = company.books
    (there,) = [one for one in books.objects("Invoice") if one["DocNumber"] == "C-1"]
    note_both(books, there["Id"], "Call before delivery.", "Deliver to the back door.")
    page.goto("/console/conflicts")
    page.get_by_role("link", name=f"invoices {there['Id']}").click()
    expect(page.get_by_role("heading", name="Invoice C-1")).to_be_visible()
    expect(page.locator("#preview")).to_contain_text("Choose a side")

    # Shown before anything is sent, as soon as a side is chosen; by keyboard as well as by pointer.
    page.get_by_role("radio", name="Call before delivery.").focus()
    page.keyboard.press("Space")
    expect(page.locator("#preview ins")).to_have_text("Call before delivery.")
    expect(page.locator("#preview del")).to_have_text("Deliver to the back door.")
    assert "Call before" not in str(books.objects("Invoice"))
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_role("status")).to_contain_text("Decided.")
    books.push()
    books.sync()

    (now,) = [one for one in books.objects("Invoice") if one["DocNumber"] == "C-1"]
    assert now["PrivateNote"].startswith("Call before delivery.")
    assert books.ledger_row("invoices", there["Id"])["private_note"] == "Call before delivery."
    page.goto("/console/conflicts")
    expect(page.get_by_text("No open conflict")).to_be_visible()


def test_a_decision_about_what_has_moved_is_refused_kindly(page: Page, company: House):
    books = company.books
    (there,) = [one for one in books.objects("Invoice") if one["DocNumber"] == "C-1"]
    note_both(books, there["Id"], "Ring twice.", "Ring once.")
    page.goto("/console/conflicts")
    page.get_by_role("link", name=f"invoices {there['Id']}").click()
    page.get_by_role("radio", name="Ring twice.").check()
    books.edit("update", "Invoice", there["Id"], PrivateNote="Ring three times.")
    books.sync()
    page.get_by_role("button", name="Decide").click()

    expect(page.get_by_role("alert")).to_contain_text("Nothing was decided")
    expect(page.get_by_role("radio", name="Ring three times.")).to_be_visible()
    page.get_by_role("radio", name="Ring three times.").check()
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_role("status")).to_contain_text("The ERP has it like this already")
    assert books.ledger_row("invoices", there["Id"])["private_note"] == "Ring three times."


def test_disconnected_and_connected_again_it_goes_on_where_it_stopped(page: Page, company: House):
    books = company.books
    page.goto("/console/connections")
    page.get_by_text("Disconnect", exact=True).click()
    page.get_by_role("button", name=f"Disconnect {NAME}").click()
    expect(page.get_by_role("status")).to_contain_text("Disconnected.")
    expect(page.get_by_role("article")).to_contain_text("disconnected")
    books.edit("create", "Customer", DisplayName="Late Comer Ltd")

    page.get_by_role("link", name="Reconnect").click()
    consent(page)
    expect(page.get_by_role("status")).to_contain_text("Connected.")
    report = books.sync()

    assert report.outcomes["customers"].inserted == 1
    assert report.outcomes["invoices"].inserted == 0, "what was known is not read as new"
    find(page, "customers", "Late Comer Ltd")
    expect(page.get_by_role("heading", name="Late Comer Ltd")).to_be_visible()


def test_paused_nothing_is_pulled_and_resumed_it_is_caught_up(page: Page, company: House):
    books = company.books
    page.goto("/console/connections")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("article")).to_contain_text("paused")
    books.edit("create", "Customer", DisplayName="Patient Plumbing")
    assert books.sync().outcomes == {}

    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("article")).to_contain_text("healthy")
    assert books.sync().outcomes["customers"].inserted == 1


def income_account(books: Books) -> str:
    return next(one["Id"] for one in books.objects("Account") if one["AccountType"] == "Income")


def write_invoice(books: Books, item: int) -> None:
    with books.services.db.transaction("default", **{"tieout.actor": "ann@books"}) as tx:
        (customer,) = tx.execute("select ledger_id from ledger.customers order by ledger_id limit 1").fetchone()
        (invoice,) = tx.execute(
            "insert into ledger.invoices (customer_id, issue_date, due_date, currency, total_amount, document_number) "
            "values (%s, current_date, current_date + 30, 'USD', 120, 'C-1') returning ledger_id",
            (customer,),
        ).fetchone()
        tx.execute(
            "insert into ledger.invoice_lines (invoice_id, position, kind, item_id, description, amount, tax_code) "
            "values (%s, 1, 'item', %s, 'Bread for a month', 120, 'NON')",
            (invoice, item),
        )


def note_both(books: Books, external_id: str, ours: str, theirs: str) -> None:
    """Both sides write a note on an invoice, and the next sync finds out."""
    ledger_id = books.ledger_row("invoices", external_id)["ledger_id"]
    with books.services.db.transaction("default", **{"tieout.actor": "ann@books"}) as tx:
        tx.execute("update ledger.invoices set private_note = %s where ledger_id = %s", (ours, ledger_id))
    books.edit("update", "Invoice", external_id, PrivateNote=theirs)
    books.sync()
