"""Every page: usable by everybody (axe), in both colour schemes and on a phone; bounded in rows and in statements."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from gateway.console import charts, words
from gateway.console.pages import ROWS_MAX, UI_URL
from resources.errors import ErrorKind, TieoutError
from resources.stores import code_maps, connections, due_work, errors, switches, sync_health, webhooks
from resources.stores.sync_health import PERIODS
from tests.console.conftest import NARROW, WIDE, House, Visit, logged_in
from tests.house import CONNECTION

# Path and how many statements it may take, those that open transactions left out. Two find out who asks and what waits.
PAGES = {
    "/console/connections": 5,
    f"/console/connections/{CONNECTION}": 6,
    "/console/health": 5,
    "/console/health?period=week": 5,
    "/console/health?period=month": 5,
    "/console/conflicts": 3,
    "/console/conflicts?state=over": 3,
    "/console/errors": 3,
    "/console/breaks": 3,
    "/console/breaks?state=explained": 3,
    "/console/records": 2,
    "/console/records?entity=invoices&id={number}": 16,
    "/console/records?entity=invoices&id=none-such": 5,
    "/console/webhooks": 5,
    "/console/webhooks?state=dead": 5,
    "/console/webhooks/new": 2,
    "/console/webhooks/{webhook}": 3,
    "/console/switches": 5,
    f"/console/connections/{CONNECTION}/codes": 6,
    f"/console/connections/{CONNECTION}/codes?list=terms&code=NET45": 6,
    "/console/conflicts/{conflict}": 4,
    "/console/connect/quickbooks?name=none_such": 8,
    "/console/nowhere": 2,
}


@pytest.fixture(scope="module")
def busy(house: House) -> Iterator[dict[str, object]]:
    """The house with something on every page; what stands in for `{...}` in the paths."""
    books = house.books
    rows = books.rows(
        "select l.ledger_id, l.document_number as number, b.external_id from ledger.invoices l join sync.bindings b "
        "on b.entity = 'invoices' and b.ledger_id = l.ledger_id where l.open_amount > 0 order by 1 desc limit 2"
    )
    held, broken = rows
    with books.services.db.transaction("default", **{"tieout.actor": "ann@books"}) as tx:
        tx.execute(
            "update ledger.invoices set private_note = 'Ours.', po_number = 'PO 1' where ledger_id = %s",
            (held["ledger_id"],),
        )
        tx.execute("update ledger.invoices set memo = 'Ours.' where ledger_id = %s", (broken["ledger_id"],))
    books.edit("update", "Invoice", held["external_id"], PrivateNote="Theirs.", PONumber="PO 2")
    books.sync()
    with books.services.db.transaction("default") as tx:
        for number in range(3):
            errors.report(
                tx,
                tenant="default",
                connection=CONNECTION,
                stage=f"stage {number}",
                error=TieoutError(
                    ErrorKind.TIMEOUT, connection=CONNECTION, doing="pulling", found="no answer", expected="one"
                ),
                run_id=1,
            )
        tx.execute(
            "insert into reconciliation.breaks (tenant_id, connection, module, currency, identity, kind, cause, "
            "amount, severity, fields, says, first_seen_at, last_seen_at) select 'default', %s, 'ar', 'USD', 'b' || i, "
            "'document', 'amount', i, 'critical', '[[\"total\", \"1.00\", \"2.00\"]]', 'invoices differ', now(), now() "
            "from generate_series(1, %s) i",
            (CONNECTION, ROWS_MAX + 5),
        )
        (conflict,) = tx.execute("select max(conflict_id) from sync.conflicts").fetchone()
        webhook = webhooks.make(
            tx, tenant="default", url="https://books.example/hook", events=["invoice.updated"], by="test"
        )
        tx.execute("update ledger.invoices set memo = 'Told.' where ledger_id = %s", (broken["ledger_id"],))
        (delivery,) = tx.execute("select max(delivery_id) from sync.deliveries").fetchone()
        tx.execute(
            "update sync.deliveries set state = 'dead', attempts = 10, tried_at = now(), ended_at = now(), "
            "status = 503, says = 'found 503, expected a status of success' where delivery_id = %s",
            (delivery,),
        )
        code_maps.put(
            tx, tenant="default", connection=CONNECTION, list_name="terms", codes={"CASH": _terms(tx)}, actor="test"
        )
        tx.execute("update ledger.invoices set terms_code = 'NET45' where ledger_id = %s", (broken["ledger_id"],))
        for is_on in (False, True, False):
            switches.switch(
                tx,
                tenant="default",
                connection=CONNECTION,
                module="ap",
                direction="push",
                is_on=is_on,
                actor="ann",
                reason="prices under review",
            )
        # Nobody listens there, so nothing is sent while the page is looked at.
        webhooks.change(tx, webhook.webhook_id, is_enabled=False)
    books.push()
    yield {
        "number": held["number"],
        "conflict": conflict,
        "external_id": held["external_id"],
        "webhook": webhook.webhook_id,
    }
    books.change("delete from reconciliation.breaks where identity like 'b%%'")
    books.change("delete from sync.errors where stage like 'stage%%'")


def _terms(tx: psycopg.Connection) -> str:
    (external_id,) = tx.execute("select min(external_id) from mirror.terms").fetchone()
    return external_id


# Of axe's rules the only one that a colour scheme can change the answer of.
OF_COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}


def findings(page: Page) -> list[str]:
    """What axe has against the page in light, and against its colours in dark, as sentences."""
    found = []
    for scheme, options in (("light", None), ("dark", OF_COLOURS)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for one in Axe().run(page, options=options).response["violations"]:
            for node in one["nodes"]:
                found.append(f"{scheme}, {one['id']}: {node['html'][:120]}: {node['failureSummary']}")
    return found


def test_axe_finds_nothing_on_any_page_wide_or_narrow_light_or_dark(browser: Browser, house: House, busy):
    found: dict[str, list[str]] = {}
    # Colours that are still on their way from one scheme to the other are not what anybody reads.
    with logged_in(browser, house, reduced_motion="reduce") as page:
        for path in [*PAGES, "/console/conflicts/{conflict}?keep=ours"]:
            if path.startswith("/console/connect/"):
                continue
            page.goto(path.format(**busy))
            page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
            for view in (WIDE, NARROW):
                page.set_viewport_size(view)  # type: ignore[arg-type]
                found[f"{path} {view['width']}"] = findings(page)
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} scrolls sideways"
        page.goto("/console/connections")
        page.get_by_role("button", name="Log out").locator("visible=true").click()
        found["login"] = findings(page)
        page.goto("/console/enter?link=default.x")
        found["link"] = findings(page)

    assert {where: said for where, said in found.items() if said} == {}


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements that other threads than this one run, but for those that open transactions."""
    statements: list[str] = []
    execute, me = psycopg.Cursor.execute, threading.get_ident()

    def noted(self, query, *args, **kwargs):
        text = query if isinstance(query, str) else query.as_string(self) if hasattr(query, "as_string") else str(query)
        if threading.get_ident() != me and not text.lower().startswith(("begin", "commit", "rollback")):
            statements.append(text)
        return execute(self, query, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", noted)
        yield statements


@pytest.mark.parametrize(("path", "most"), PAGES.items())
def test_a_page_takes_few_statements(visits: dict[str, Visit], busy, monkeypatch, path: str, most: int):
    asked = path.format(**busy)
    visits["admin"].get(asked)

    with counted(monkeypatch) as statements:
        visits["admin"].get(asked)

    assert 0 < len(statements) <= most, statements


def test_a_list_is_cut_into_pages_and_every_row_is_on_one_of_them(admin: Page, house: House, busy):
    admin.goto("/console/breaks")
    seen = admin.locator("article").count()
    assert seen == ROWS_MAX
    expect(admin.locator("article").first).to_contain_text("55.00")

    admin.get_by_role("link", name="More").click()

    expect(admin.locator("article").first).to_contain_text("5.00")
    assert seen + admin.locator("article").count() >= ROWS_MAX + 5
    admin.get_by_role("link", name="Back to the first").click()
    expect(admin.locator("article").first).to_contain_text("55.00")


def test_a_break_gets_an_owner_a_note_and_an_explanation(admin: Page, house: House, busy):
    admin.goto("/console/breaks")
    first = admin.locator("article").first
    first.get_by_label("Owner").fill("Ann")
    first.get_by_label("Note").fill("Freight is entered twice")
    first.get_by_role("button", name="Explained").click()

    expect(admin.get_by_role("status")).to_contain_text("Kept.")
    (kept,) = house.books.rows("select owner, note, state, changed_by from reconciliation.breaks where amount = 55")
    assert kept == {
        "owner": "Ann",
        "note": "Freight is entered twice",
        "state": "explained",
        "changed_by": "console:a admin",
    }


def test_an_error_is_tried_again_with_the_next_sync(admin: Page, house: House, busy):
    house.books.change("update sync.connections set next_pull_at = now() + interval '1 hour'")
    admin.goto("/console/errors")
    admin.get_by_role("article").filter(has_text="pulling").get_by_role("button", name="Try again").first.click()

    expect(admin.get_by_role("status")).to_contain_text("tried again")
    assert house.books.value("select next_pull_at <= now() from sync.connections")


def test_what_stops_every_push_is_tried_again_at_once(visits: dict[str, Visit], house: House, busy):
    refused = TieoutError(ErrorKind.AUTHORIZATION, connection=CONNECTION, doing="pushing", found="HTTP 403")
    with house.books.services.db.transaction("default") as tx:
        errors.report(
            tx, tenant="default", connection=CONNECTION, stage=connections.PUSHING, error=refused, run_id=None
        )
        connections.push_later(tx, CONNECTION)
    assert due_pushes(house) == []
    error_id = house.books.value("select max(error_id) from sync.errors where stage = 'pushing'")

    visits["operator"].post(f"/console/errors/{error_id}/retry")

    assert due_pushes(house) == [CONNECTION]
    house.books.change("delete from sync.errors where error_id = %s", error_id)


def due_pushes(house: House) -> list[str]:
    with house.books.services.fleet() as tx:
        return due_work.partitions_to_push(tx, 10)


def test_a_delivery_that_was_given_up_is_sent_again(admin: Page, house: House, busy):
    admin.goto("/console/webhooks?state=dead")
    expect(admin.get_by_role("row").filter(has_text="invoices/")).to_contain_text("answered 503, 10 in all")

    admin.get_by_role("button", name="Send again").click()

    expect(admin.get_by_role("status")).to_contain_text("due again")
    assert house.books.value("select state from sync.deliveries order by delivery_id desc limit 1") == "waiting"


def test_the_schedule_and_a_policy_are_kept_and_count_from_then_on(admin: Page, house: House):
    admin.goto(f"/console/connections/{CONNECTION}?entity=customers")
    admin.get_by_label("Pull what changed every").fill("15")
    admin.get_by_role("button", name="Keep", exact=True).click()
    expect(admin.get_by_role("status")).to_contain_text("schedule")
    assert house.books.value("select pull_interval_seconds from sync.connections") == 900

    admin.get_by_label("Kind of record").select_option("customers")
    expect(admin.get_by_role("heading", name="Who wins")).to_contain_text("customers")
    admin.get_by_label("Policy of email").select_option("erp_wins")
    admin.get_by_role("button", name="Keep these policies").click()
    expect(admin.get_by_role("status")).to_contain_text("policy")
    assert house.books.rows("select entity, field, policy, set_by from sync.policies") == [
        {"entity": "customers", "field": "email", "policy": "erp_wins", "set_by": "console:a admin"}
    ]
    admin.get_by_label("Policy of email").select_option("")
    admin.get_by_role("button", name="Keep these policies").click()
    expect(admin.get_by_role("status")).to_contain_text("policy")
    assert house.books.rows("select 1 from sync.policies") == []


def test_a_mapping_is_shown_on_a_real_record(admin: Page, house: House, busy):
    admin.goto(f"/console/connections/{CONNECTION}?entity=invoices&record={busy['external_id']}")

    row = admin.get_by_role("row").filter(has=admin.get_by_role("rowheader", name="document number"))
    expect(row.first).to_contain_text("DocNumber")
    expect(row.first).to_contain_text(str(busy["number"]))
    expect(admin.locator(".note.bad")).to_have_count(0)


def test_what_is_shown_of_a_period_is_what_analysts_read(house: House):
    books = house.books
    for name, period in (("day", "day"), ("month", "30 days")):
        with books.services.db.transaction("default") as tx:
            found = sync_health.read(tx, PERIODS[name])
        whole = sum(s.done + s.failed + s.running for s in found.steps)
        with books.database.connect("superuser") as db:
            db.execute("select set_config('tieout.tenant', 'default', false)")
            (runs, failed, calls) = db.execute(
                "select sum(run_count), sum(failed_count), sum(api_calls) from analytics.sync_health where period = %s",
                (period,),
            ).fetchone()
        assert (whole, sum(s.failed for s in found.steps), sum(s.api_calls for s in found.steps)) == (
            runs,
            failed,
            calls,
        )
        assert len(found.steps) == PERIODS[name].step_count


def test_a_chart_has_a_bar_for_each_step_with_something_in_it_and_says_so_when_there_is_none():
    period = PERIODS["day"]
    nothing = sync_health.Health(period, [sync_health.Step(at) for at in _instants(period)], {})
    assert charts.runs(nothing).is_empty and charts.runs(nothing).bars == []

    steps = [sync_health.Step(at, done=n % 3, failed=n % 2, api_calls=n) for n, at in enumerate(_instants(period))]
    drawn = charts.runs(sync_health.Health(period, steps, {}))

    assert len(drawn.bars) == sum((s.done > 0) + (s.failed > 0) for s in steps)
    for bar in drawn.bars:
        assert bar.x >= 0 and bar.x + bar.width <= drawn.width
        assert bar.y >= 0 and bar.y + bar.height <= drawn.bottom + 0.01


def _instants(period: sync_health.Period):
    begins = datetime(2026, 11, 1, tzinfo=UTC)
    return [begins + timedelta(seconds=period.step_seconds * n) for n in range(period.step_count)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1234.5", "1,234.50"),
        ("-0.1", "-0.10"),
        ("1.23456", "1.23456"),
        ("1E+3", "1,000.00"),
        ("0", "0.00"),
        ("no amount", "no amount"),
        ("NaN", "NaN"),
    ],
)
def test_an_amount_is_written_with_separators_and_nothing_of_it_is_lost(value: str, text: str):
    assert words.money(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "empty"),
        ("", "empty"),
        (True, "yes"),
        (Decimal("12.30"), "12.30"),
        (date(2026, 11, 22), "2026-11-22"),
        (3, "3"),
        ({"a": [1]}, '{\n "a": [\n  1\n ]\n}'),
    ],
    ids=str,
)
def test_a_value_is_written_as_people_write_it(value: object, text: str):
    assert words.told(value) == text


def test_the_whole_console_can_be_walked_with_the_keyboard(admin: Page, busy):
    admin.goto("/console/connections")
    admin.keyboard.press("Tab")
    expect(admin.get_by_role("link", name="Skip to the content")).to_be_focused()
    admin.keyboard.press("Enter")
    expect(admin.locator("main")).to_be_focused()
    admin.keyboard.press("Tab")
    expect(admin.get_by_text("Connect a company")).to_be_focused()
    admin.keyboard.press("Enter")
    expect(admin.get_by_label("QuickBooks: a name for it")).to_be_visible()


def test_without_any_script_a_conflict_is_looked_at_and_decided(browser: Browser, house: House, busy):
    with logged_in(browser, house, java_script_enabled=False) as page:
        page.goto(f"/console/conflicts/{busy['conflict']}")
        page.get_by_role("link", name="Choose all of theirs").click()
        expect(page.locator("#preview")).to_contain_text("has it like this already")
        page.get_by_role("link", name="Choose all of ours").click()
        expect(page.locator("#preview ins").first).to_be_visible()
        page.get_by_role("radio", name="Theirs.").check()
        page.get_by_role("button", name="Show what would be sent").click()
        expect(page.locator("#preview ins")).to_have_text("PO 1")
        page.get_by_role("button", name="Decide").click()
        expect(page.get_by_role("status")).to_contain_text("Decided.")
    house.books.push()
    (there,) = [one for one in house.books.objects("Invoice") if one["Id"] == busy["external_id"]]
    assert (there["PrivateNote"], there["PONumber"]) == ("Theirs.", "PO 1")


def test_looking_at_what_would_be_sent_changes_nothing(visits: dict[str, Visit], house: House, busy):
    books = house.books
    (held,) = books.rows("select ledger_id, document_number from ledger.invoices order by ledger_id limit 1")
    external_id = books.value(
        "select external_id from sync.bindings where entity = 'invoices' and ledger_id = %s", held["ledger_id"]
    )
    with books.services.db.transaction("default", **{"tieout.actor": "ann@books"}) as tx:
        tx.execute("update ledger.invoices set po_number = 'A' where ledger_id = %s", (held["ledger_id"],))
    books.edit("update", "Invoice", external_id, PONumber="B")
    books.sync()
    conflict = books.value("select max(conflict_id) from sync.conflicts where state = 'open'")

    def state() -> list[object]:
        asked = (
            "select * from sync.conflicts order by conflict_id",
            "select * from sync.edits order by entity, ledger_id",
            "select * from sync.outbox order by intent_id",
            "select max(seq) from sync.audit",
            "select count(*) from ledger.invoices_history",
        )
        return [books.rows(one) for one in asked]

    before = state()
    for side in ("ours", "theirs"):
        path = f"/console/conflicts/{conflict}/preview?keep={side}"
        shown = visits["operator"].get(path, headers={"HX-Request": "true"})
        assert shown.status_code == 200
        assert ("<ins>A</ins>" in shown.text) is (side == "ours")

    assert state() == before
    assert "What will be sent" in visits["viewer"].get(f"/console/conflicts/{conflict}/preview").text


def test_a_conflict_leads_to_the_dagster_run_that_met_it(house: House, busy, visits, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(UI_URL, "http://127.0.0.1:3000")
    conflict = house.books.value("select max(conflict_id) from sync.conflicts where state = 'open'")
    house.books.change(
        "update sync.runs r set dagster_run_id = 'a-run' from sync.conflicts o "
        f"where o.conflict_id = {conflict} and r.run_id = o.run_id"
    )
    for path in ("/console/conflicts", f"/console/conflicts/{conflict}"):
        assert 'href="http://127.0.0.1:3000/runs/a-run"' in visits["viewer"].get(path).text
