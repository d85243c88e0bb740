"""What is managed in the console: webhooks, codes and switches, by an admin or operator; everybody else looks."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from resources import delivering
from resources.stores import audit, code_maps, switches, webhooks
from resources.stores.switches import BOTH_DIRECTIONS, EVERY_MODULE
from resources.stores.vault import NO_CONNECTION
from tests.console.conftest import House, Visit, logged_in
from tests.house import CONNECTION

CODES = f"/console/connections/{CONNECTION}/codes"
ADDRESS = "https://books.example/hook"


@pytest.fixture(autouse=True)
def nothing_managed(house: House) -> Iterator[None]:
    """The house is shared: nothing is switched, mapped or told before a test, nor stays so."""
    _clear(house)
    yield
    _clear(house)


def _clear(house: House) -> None:
    with house.books.services.db.transaction("default") as tx:
        for one in webhooks.list_all(tx):
            webhooks.remove(tx, one.webhook_id)
        switches.set_maintenance(tx, tenant="default", is_on=False, actor="test", reason="over")
        switches.switch(
            tx,
            tenant="default",
            connection=CONNECTION,
            module=EVERY_MODULE,
            direction=BOTH_DIRECTIONS,
            is_on=True,
            actor="test",
            reason="over",
        )
        for one in code_maps.read_all(tx, CONNECTION):
            code_maps.remove(
                tx, tenant="default", connection=CONNECTION, list_name=one.list, codes=[one.code], actor="test"
            )


def secret_of(page: Page) -> str:
    (found,) = re.findall(r"whsec_[\w-]+", page.content())
    return found


def kept_secret(house: House, webhook: int) -> str | None:
    return house.books.services.vault("default").get(NO_CONNECTION, delivering.sealed_as(webhook))


def done(house: House, count: int) -> list[tuple[str, str]]:
    """Who did what last, the oldest of them first."""
    with house.books.services.db.transaction("default") as tx:
        return [(one["actor"], one["action"]) for one in audit.entries(tx, "default", limit=count)][::-1]


# -- webhooks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scripts", [True, False], ids=["", "without scripts"])
def test_a_webhook_is_made_and_its_secret_is_shown_that_once(browser: Browser, house: House, scripts: bool):
    with logged_in(browser, house, java_script_enabled=scripts) as page:
        page.goto("/console/webhooks")
        page.get_by_role("link", name="Have a program told").click()
        page.get_by_label("Address").fill(ADDRESS)
        page.get_by_label("invoice.paid").check()
        page.get_by_label("sync.failed").check()
        page.get_by_role("button", name="Make it and show its secret").click()

        expect(page.get_by_role("status")).to_contain_text("Copy it now")
        secret = secret_of(page)
        page.get_by_role("link", name="I have copied it").click()
        expect(page.get_by_label("Address")).to_have_value(ADDRESS)
        assert "whsec_" not in page.content()

    (made,) = house.books.rows("select webhook_id, url, events, is_enabled, made_by from sync.webhooks")
    assert kept_secret(house, made.pop("webhook_id")) == secret
    assert made == {
        "url": ADDRESS,
        "events": ["invoice.paid", "sync.failed"],
        "is_enabled": True,
        "made_by": "console:a admin",
    }


def test_a_webhook_is_changed_switched_off_and_on_given_another_secret_and_deleted(admin: Page, house: House):
    one, first = delivering.make(
        house.books.services, tenant="default", url=ADDRESS, events=["invoice.paid"], by="test"
    )
    admin.goto("/console/webhooks")
    admin.get_by_role("link", name="Change").click()
    admin.get_by_label("Address").fill(f"{ADDRESS}/2")
    admin.get_by_label("invoice.paid").uncheck()
    admin.get_by_label("bill.approved").check()
    admin.get_by_role("button", name="Keep").click()
    expect(admin.get_by_role("status")).to_contain_text("Kept.")
    assert house.books.rows("select url, events from sync.webhooks") == [
        {"url": f"{ADDRESS}/2", "events": ["bill.approved"]}
    ]

    admin.get_by_role("button", name="Switch off").click()
    expect(admin.get_by_role("status")).to_contain_text("Switched off.")
    assert not house.books.value("select is_enabled from sync.webhooks")
    admin.get_by_role("button", name="Switch on").click()
    assert house.books.value("select is_enabled from sync.webhooks")

    admin.get_by_text("Make another secret").click()
    admin.get_by_role("button", name="Make it and show it").click()
    assert secret_of(admin) == kept_secret(house, one.webhook_id) != first

    admin.get_by_role("link", name="I have copied it").click()
    admin.get_by_text("Delete this webhook").click()
    admin.get_by_role("button", name="Delete it for good").click()
    expect(admin.get_by_role("status")).to_contain_text("Deleted.")
    expect(admin.get_by_text("Nobody is told of anything yet")).to_be_visible()
    assert kept_secret(house, one.webhook_id) is None
    actions = ["webhook.change"] * 3 + ["webhook.secret", "webhook.remove"]
    assert done(house, 5) == [("console:a admin", action) for action in actions]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"url": ADDRESS}, "no event ticked"),
        ({"url": "", "event:sync.failed": "on"}, "an address of 0 characters"),
        ({"url": "http://books.example", "event:sync.failed": "on"}, "https"),
        ({"url": "https://169.254.169.254/", "event:sync.failed": "on"}, "private or special network"),
        ({"url": "https://a.example/" + "x" * 5000, "event:sync.failed": "on"}, "characters"),
        ({"url": ADDRESS, "event:no.such": "on"}, "no event ticked"),
    ],
    ids=["no event", "no address", "no TLS", "metadata service", "long", "unknown event"],
)
def test_a_webhook_that_cannot_be_is_refused_in_a_sentence(visits: dict[str, Visit], house: House, form, said: str):
    answer = visits["admin"].post("/console/webhooks", **form)

    assert answer.status_code == 422
    assert said in answer.text and "<h1>" in answer.text
    assert house.books.rows("select 1 from sync.webhooks") == []


def test_a_webhook_of_another_tenant_is_as_good_as_none(visits: dict[str, Visit], house: House):
    one, _ = delivering.make(house.books.services, tenant="default", url=ADDRESS, events=["sync.failed"], by="test")
    path = f"/console/webhooks/{one.webhook_id}"
    form = {"url": "https://evil.example", "event:sync.failed": "on"}

    answers = [visits["stranger"].get(path)]
    answers += [visits["stranger"].post(f"{path}{what}", **form) for what in ("", "/on", "/off", "/secret", "/delete")]

    assert {answer.status_code for answer in answers} == {404}
    assert not any(ADDRESS in answer.text for answer in answers)
    assert house.books.value("select url from sync.webhooks") == ADDRESS


# -- codes -------------------------------------------------------------------------------------------------------------


def test_a_code_that_an_invoice_waits_for_is_mapped_by_keyboard_and_the_invoice_goes(admin: Page, house: House):
    books = house.books
    terms = {one["Id"]: one["Name"] for one in books.objects("Term")}
    chosen = min(terms)
    # One that no other test has an eye on.
    (row,) = books.rows("select ledger_id from ledger.invoices where open_amount > 0 order by 1 limit 1 offset 20")
    external_id = books.value(
        "select external_id from sync.bindings where entity = 'invoices' and ledger_id = %s", row["ledger_id"]
    )
    with books.services.db.transaction("default", **{"tieout.actor": "ann@books"}) as tx:
        tx.execute("update ledger.invoices set terms_code = 'NET 45' where ledger_id = %s", (row["ledger_id"],))
    books.push()
    admin.goto("/console/errors")
    admin.get_by_role("article").filter(has_text="NET 45").get_by_role("link", name="Codes").click()
    expect(admin.get_by_role("link", name=re.compile(r"Terms \d waiting"))).to_have_attribute("aria-current", "true")
    expect(admin.get_by_role("row").filter(has_text="NET 45")).to_contain_text("1 invoice:")

    admin.get_by_role("link", name="Map NET 45").focus()
    admin.keyboard.press("Enter")
    expect(admin.get_by_label("Our code")).to_have_value("NET 45")
    admin.get_by_label("Stands for").focus()
    admin.keyboard.type(terms[chosen])
    admin.keyboard.press("Tab")
    admin.keyboard.press("Enter")

    expect(admin.get_by_role("status")).to_contain_text("Mapped.")
    expect(admin.get_by_role("row").filter(has_text="NET 45")).to_contain_text(terms[chosen])
    expect(admin.get_by_role("link", name="Map NET 45")).to_have_count(0)
    books.push()
    (there,) = [one for one in books.objects("Invoice") if one["Id"] == external_id]
    assert there["SalesTermRef"]["value"] == chosen
    assert books.ledger_row("invoices", external_id)["terms_code"] == "NET 45"
    admin.get_by_role("button", name="Remove").click()
    expect(admin.get_by_text("No code of terms is mapped")).to_be_visible()
    assert done(house, 1) == [("console:a admin", "codes.unmap")]


def test_what_has_a_code_already_cannot_be_chosen_for_another(admin: Page, house: House):
    first, second = sorted(house.books.mirror_ids("terms"))[:2]
    with house.books.services.db.transaction("default") as tx:
        code_maps.put(
            tx, tenant="default", connection=CONNECTION, list_name="terms", codes={"NOW": first}, actor="test"
        )

    admin.goto(f"{CODES}?list=terms")

    expect(admin.locator(f'option[value="{first}"]')).to_be_disabled()
    expect(admin.locator(f'option[value="{second}"]')).to_be_enabled()


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"list": "terms", "code": "A", "external_id": "no-such-id"}, "no terms with the id no-such-id"),
        ({"list": "terms", "code": "A", "external_id": ""}, "nothing that A is to stand for"),
        ({"list": "terms", "code": " ", "external_id": "1"}, "a code of 0 characters"),
        ({"list": "terms", "code": "x" * 201, "external_id": "1"}, "a code of 201 characters"),
        ({"list": "colours", "code": "A", "external_id": "1"}, "expected one of accounts"),
    ],
    ids=["unknown id", "no id", "no code", "long", "list"],
)
def test_a_map_that_cannot_be_is_refused_in_a_sentence(visits: dict[str, Visit], form, said: str):
    answer = visits["operator"].post(CODES, **form)

    assert answer.status_code == 422
    assert said in answer.text and "<h1>" in answer.text


# -- switches ----------------------------------------------------------------------------------------------------------


def test_one_direction_of_one_book_is_switched_off_with_a_reason_and_on_again(admin: Page, house: House):
    admin.goto("/console/switches")
    admin.get_by_label("Books").select_option("ap")
    admin.get_by_label("Direction").select_option("push")
    admin.get_by_label("Why, for whoever wonders").last.fill("prices under review")
    admin.get_by_role("button", name="Switch off").click()

    expect(admin.get_by_role("status")).to_contain_text("Switched off.")
    row = admin.get_by_role("row").filter(has=admin.get_by_role("rowheader", name=CONNECTION))
    expect(row).to_contain_text("Payables (AP), pushing")
    expect(row).to_contain_text("console:a admin")
    assert house.books.rows("select module, direction, reason from sync.switches") == [
        {"module": "ap", "direction": "push", "reason": "prices under review"}
    ]
    admin.goto("/console/connections")
    expect(admin.get_by_role("article")).to_contain_text("AP, pushing, off")
    admin.get_by_role("link", name="Switches").last.click()

    admin.get_by_role("button", name="Switch on").click()
    expect(admin.get_by_role("status")).to_contain_text("Switched on.")
    assert house.books.rows("select 1 from sync.switches") == []
    history = admin.get_by_role("row").filter(has_text="AP push")
    expect(history.first).to_contain_text("AP push on")
    expect(history.nth(1)).to_contain_text("prices under review")


def test_maintenance_is_begun_with_a_reason_seen_by_everybody_and_ended(admin: Page, visits: dict[str, Visit]):
    admin.goto("/console/switches")
    admin.get_by_label("Why, for whoever wonders").first.fill("the server moves")
    admin.get_by_role("button", name="Begin maintenance").click()

    expect(admin.get_by_role("status")).to_contain_text("Maintenance has begun")
    for path in ("/console/switches", "/console/connections"):
        shown = visits["viewer"].get(path).text
        assert "the server moves" in shown and "console:a admin" in shown
    admin.get_by_role("button", name="End maintenance").click()
    expect(admin.get_by_role("status")).to_contain_text("Maintenance has ended")
    expect(admin.get_by_role("row").filter(has_text="maintenance begun").first).to_contain_text("the server moves")


@pytest.mark.parametrize(
    ("path", "form", "said"),
    [
        ("/console/switches", {"module": "ar", "direction": "pull", "to": "off"}, "no reason"),
        ("/console/switches", {"module": "gl", "direction": "pull", "to": "on"}, "expected one of ar, ap, all"),
        ("/console/switches", {"module": "ar", "direction": "up", "to": "on"}, "expected one of pull, push"),
        ("/console/switches", {"module": "ar", "direction": "pull", "to": "maybe"}, "expected one of on, off"),
        ("/console/maintenance", {"to": "on", "reason": " "}, "no reason"),
    ],
    ids=["no reason", "module", "direction", "neither", "maintenance without a reason"],
)
def test_a_wrong_switch_is_refused_in_a_sentence(visits: dict[str, Visit], house: House, path: str, form, said: str):
    answer = visits["admin"].post(path, connection=CONNECTION, **form)

    assert answer.status_code == 422 and said in answer.text
    assert house.books.rows("select 1 from sync.switches") == []


def test_a_list_of_switches_is_cut_into_pages(visits: dict[str, Visit], house: House):
    house.books.change(
        "insert into sync.switches (tenant_id, connection, module, direction, switched_by, reason) "
        "select 'default', 'c' || lpad(i::text, 3, '0'), 'ar', 'pull', 'x', 'y' from generate_series(1, 60) i"
    )
    try:
        first = visits["viewer"].get("/console/switches").text
        more = re.findall(r'href="(/console/switches\?after=[^"]+)"', first)[0]
        second = visits["viewer"].get(more).text
    finally:
        house.books.change("delete from sync.switches where switched_by = 'x'")

    seen = re.findall(r"<code>(c\d+)</code>", first + second)
    assert seen == [f"c{n:03}" for n in range(1, 61)]


# -- who may -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/console/switches", CODES, f"{CODES}?list=terms", "/console/webhooks/{webhook}"])
def test_a_viewer_sees_what_is_and_finds_no_button_but_that_to_log_out(
    visits: dict[str, Visit], house: House, path: str
):
    one, _ = delivering.make(house.books.services, tenant="default", url=ADDRESS, events=["sync.failed"], by="test")

    shown = visits["viewer"].get(path.format(webhook=one.webhook_id)).text

    assert re.findall(r'<form method="post" action="([^"]+)"', shown) == ["/console/logout"]


def test_whoever_may_not_make_webhooks_is_told_who_may(visits: dict[str, Visit]):
    answer = visits["operator"].get("/console/webhooks/new")

    assert answer.status_code == 403 and "takes an admin" in answer.text


HOSTILE = "<script>document.title='owned'</script>\"'>"


def test_codes_and_reasons_that_somebody_wrote_are_texts(visits: dict[str, Visit], house: House):
    books = house.books
    with books.services.db.transaction("default") as tx:
        code_maps.put(
            tx,
            tenant="default",
            connection=CONNECTION,
            list_name="terms",
            codes={HOSTILE: min(books.mirror_ids("terms"))},
            actor=HOSTILE,
        )
        switches.set_maintenance(tx, tenant="default", is_on=True, actor=HOSTILE, reason=HOSTILE)
    for path in (f"{CODES}?list=terms", "/console/switches", f"{CODES}?list=terms&code=%3Cscript%3E"):
        text = visits["admin"].get(path).text
        assert re.findall(r"<script(?! src=\"/console/static/)", text) == [], path
        assert "&lt;script&gt;" in text


def test_every_event_that_there_is_can_be_ticked(visits: dict[str, Visit]):
    shown = visits["admin"].get("/console/webhooks/new").text

    assert re.findall(r'name="event:([a-z.]+)"', shown) == list(webhooks.EVENTS)
