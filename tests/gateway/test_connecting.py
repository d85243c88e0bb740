"""Connecting in a browser: consent, callback, choice; what is refused; disconnecting and going on where it stopped.

The browser here is an HTTP client with cookies that reads the simulator's consent page and presses its buttons.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlencode, urljoin, urlsplit

import pytest
import requests

from resources.apps import app_of, set_app
from resources.consenting import is_local_path
from resources.erps import erp_of
from resources.errors import TieoutError
from tests.books import Books, changed
from tests.conftest import NewDatabase
from tests.gateway.conftest import CALL_SECONDS_MAX, Client, key_of, serving
from tests.house import connect_simulator, open_house, prepare_database, running_simulator

NAME = "ours"
RETURN_TO = "/console/connections?tab=all"
ALLOW = {"quickbooks": "connect", "xero": "allow"}
COMPANY = {"quickbooks": "realm_id", "xero": "tenant_id"}
# A second organisation of whoever consents, in Xero's simulator.
SECOND = "99999999-1111-4111-8111-111111111111"
ONLY_XERO = pytest.mark.parametrize("house", ["xero"], indirect=True)
ONLY_QUICKBOOKS = pytest.mark.parametrize("house", ["quickbooks"], indirect=True)


@dataclass
class Browser:
    """Somebody's browser: keeps cookies, follows nothing by itself, shows a key where it calls the gateway."""

    url: str
    key: str | None
    session: requests.Session = field(default_factory=requests.Session)

    def open(self, path: str, **query: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return self.session.get(
            self.url + path, params=query, headers=headers, allow_redirects=False, timeout=CALL_SECONDS_MAX
        )

    def consent(self, page_url: str, decision: str, tenants: list[str] | None = None) -> str:
        """Press a button of the consent page; returns where it leads."""
        page = self.session.get(page_url, timeout=CALL_SECONDS_MAX)
        assert page.ok, page.text
        fields = [(n, unescape(v)) for n, v in re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', page.text)]
        ticked = re.findall(r'type="checkbox" name="tenant" value="([^"]*)"', page.text) if tenants is None else tenants
        action = urljoin(page_url, re.search(r'action="([^"]*)"', page.text)[1])
        query = [*fields, *(("tenant", one) for one in ticked), ("decision", decision)]
        answer = self.session.get(f"{action}?{urlencode(query)}", allow_redirects=False, timeout=CALL_SECONDS_MAX)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def follow(self, address: str) -> requests.Response:
        """Go where a consent page leads, without showing a key."""
        return self.session.get(address, allow_redirects=False, timeout=CALL_SECONDS_MAX)


def told(answer: requests.Response) -> dict[str, str]:
    """What the page is told to which a browser is sent back."""
    assert answer.status_code == 303, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


@pytest.fixture(scope="module", params=["quickbooks", "xero"])
def house(
    request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Books, str, str]]:
    """The books, the gateway's address, the ERP: an app is known, and no company connected."""
    erp = request.param
    home: Path = tmp_path_factory.mktemp("home")
    database = new_database(prepare_database)
    with (
        running_simulator("--no-limits", "--seed", "demo", erp=erp) as simulator,
        open_house(database, home) as opened,
        serving(opened, calls_a_minute_max=100_000) as url,
    ):
        opened.pace = 0.001
        yield Books(opened, database, simulator, home, name=NAME), url, erp


@pytest.fixture
def fresh(house: tuple[Books, str, str]) -> Iterator[tuple[Books, Browser, str]]:
    """An admin's browser, and no connection."""
    books, url, erp = house
    books.change("update sync.connections set state = 'active'")
    for table in ("consents", "connections", "cursors", "token_journal", "token_attempts"):
        books.change(f"delete from sync.{table}")
    books.change("delete from sync.secrets where connection <> ''")
    minted = books.simulator.post("tokens")
    set_app(
        books.services,
        tenant="default",
        erp=erp,
        base_url=books.simulator.base_url,
        values={"client_id": minted["client_id"], "client_secret": minted["client_secret"]},
        by="test",
    )
    requests.delete(f"{books.simulator.base_url}/_sandbox/tokens", timeout=CALL_SECONDS_MAX)
    yield books, Browser(url, key_of(books, "admin")), erp


def first_company(books: Books, erp: str) -> str:
    """The company that the simulator has from the start, in the ERP's word."""
    if erp == "xero":
        return books.objects("Organisations")[0]["OrganisationID"]
    return books.simulator.post("tokens")["realm_id"]


def one_company(books: Books, erp: str) -> list[str]:
    """What is ticked on Xero's page: the first organisation."""
    return [first_company(books, erp)] if erp == "xero" else []


@pytest.fixture
def second(fresh) -> str:
    """There is one more organisation in Xero."""
    fresh[0].load({"Organisations": [{"OrganisationID": SECOND, "Name": "The Second"}]})
    return SECOND


def begun(browser: Browser, erp: str, name: str = NAME, return_to: str = RETURN_TO) -> str:
    answer = browser.open(f"/connect/{erp}", name=name, return_to=return_to)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def connected(books: Books, browser: Browser, erp: str) -> requests.Response:
    return browser.follow(browser.consent(begun(browser, erp), ALLOW[erp], one_company(books, erp)))


def test_a_person_clicks_through_and_the_company_is_connected_and_syncs(fresh):
    books, browser, erp = fresh

    answer = connected(books, browser, erp)

    said = told(answer)
    assert answer.headers["Location"].startswith("/console/connections?tab=all&")
    assert said["outcome"] == "connected" and said["message"].startswith("ours is connected: ")
    assert answer.headers["Referrer-Policy"] == "no-referrer" and answer.headers["Cache-Control"] == "no-store"
    connection = books.services.connection(NAME)
    assert (connection.state, connection.home_currency) == ("active", "USD")
    assert connection.settings[COMPANY[erp]] == first_company(books, erp)
    assert books.value("select count(*) from sync.token_journal where connection like '~%%'") == 0
    assert books.value("select actor from sync.audit where action = 'connection.connect' order by seq desc limit 1")
    assert books.sync().outcomes["customers"].pulled > 10


def test_the_state_and_the_tokens_are_nowhere_to_be_read(fresh):
    books, browser, erp = fresh
    address = browser.consent(begun(browser, erp), ALLOW[erp], one_company(books, erp))
    (state,) = parse_qs(urlsplit(address).query)["state"]
    browser.follow(address)

    cookie = browser.session.cookies.get("tieout_consent")
    kept = str(books.rows("select * from sync.consents") + books.rows("select * from sync.connections"))
    assert state not in kept and state.partition(".")[2] not in kept and cookie not in kept
    challenge = dict(parse_qsl(urlsplit(begun(browser, erp)).query)).get("code_challenge_method")
    assert challenge == ("S256" if erp == "xero" else None)


def test_whoever_declines_is_told_so_and_nothing_is_connected(fresh):
    books, browser, erp = fresh
    said = told(browser.follow(browser.consent(begun(browser, erp), "cancel")))

    assert said["outcome"] == "refused" and "declined" in said["message"]
    assert books.services.connections() == []


def test_an_answer_is_taken_once(fresh):
    books, browser, erp = fresh
    address = browser.consent(begun(browser, erp), ALLOW[erp], one_company(books, erp))
    assert told(browser.follow(address))["outcome"] == "connected"

    again = told(browser.follow(address))

    assert again["outcome"] == "refused" and "answered before" in again["message"]
    assert books.services.connection(NAME).state == "active"


def test_an_answer_that_comes_too_late_is_refused(fresh):
    books, browser, erp = fresh
    address = browser.consent(begun(browser, erp), ALLOW[erp], one_company(books, erp))
    books.change("update sync.consents set expires_at = clock_timestamp() - interval '1 second'")

    said = told(browser.follow(address))

    assert said["outcome"] == "refused" and "too long ago" in said["message"]
    assert books.services.connections() == []


def test_another_browser_cannot_answer_nor_use_the_answer_up(fresh):
    """Somebody who was sent the link of an attacker's consent would give their company to the attacker's books."""
    books, browser, erp = fresh
    address = browser.consent(begun(browser, erp), ALLOW[erp], one_company(books, erp))

    stranger = Browser(browser.url, None).follow(address)
    of_a_stranger = Browser(browser.url, key_of(books, "admin", "elsewhere")).session.get(
        address,
        headers={"Authorization": f"Bearer {key_of(books, 'admin', 'elsewhere')}"},
        allow_redirects=False,
        timeout=CALL_SECONDS_MAX,
    )

    assert (stranger.status_code, of_a_stranger.status_code) == (400, 400)
    assert "browser in which it was not begun" in stranger.text
    assert books.services.connections() == []
    assert told(browser.follow(address))["outcome"] == "connected"


def test_who_began_may_bring_the_answer_with_the_key(fresh):
    books, browser, erp = fresh
    address = browser.consent(begun(browser, erp), ALLOW[erp], one_company(books, erp))

    answer = requests.get(
        address,
        headers={"Authorization": f"Bearer {browser.key}"},
        allow_redirects=False,
        timeout=CALL_SECONDS_MAX,
    )

    assert told(answer)["outcome"] == "connected"


@pytest.mark.parametrize("state", ["", "x", "default.", "default.AAAA", "elsewhere.AAAA", "../..", "<b>", "a" * 3000])
def test_a_state_that_nobody_began_connects_nothing_and_is_not_repeated(fresh, state: str):
    _, browser, _ = fresh
    answer = browser.open("/connect/callback", state=state, code="x", realmId="1")

    assert answer.status_code == 400 and "nobody here has begun" in answer.text
    assert "<b>" not in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_a_code_that_is_none_is_said_in_a_sentence(fresh):
    books, browser, erp = fresh
    (state,) = parse_qs(urlsplit(begun(browser, erp)).query)["state"]

    said = told(browser.open("/connect/callback", state=state, code="forged", realmId="1"))

    assert said["outcome"] == "refused" and "invalid_grant" in said["message"]
    assert books.services.connections() == []


@ONLY_QUICKBOOKS
def test_a_company_id_that_is_not_the_consents_is_not_believed(fresh):
    books, browser, erp = fresh
    address = browser.consent(begun(browser, erp), ALLOW[erp])
    parts = urlsplit(address)
    query = {**dict(parse_qsl(parts.query)), "realmId": "4711"}

    said = told(browser.follow(parts._replace(query=urlencode(query)).geturl()))

    assert said["outcome"] == "refused"
    assert books.services.connections() == []
    assert books.value("select count(*) from sync.token_journal") == 0


def test_a_company_is_connected_once_whoever_asks(fresh):
    books, browser, erp = fresh
    assert told(connected(books, browser, erp))["outcome"] == "connected"

    mine = told(browser.follow(browser.consent(begun(browser, erp, "another"), ALLOW[erp], one_company(books, erp))))
    elsewhere = Browser(browser.url, key_of(books, "admin", "elsewhere"))
    app = app_of(books.services, "default", erp_of(erp), None)
    values = {**app.settings, **app.secrets}
    set_app(books.services, tenant="elsewhere", erp=erp, base_url=app.base_url, values=values, by="test")
    theirs = told(
        elsewhere.follow(elsewhere.consent(begun(elsewhere, erp, "stolen"), ALLOW[erp], one_company(books, erp)))
    )
    taken_name = elsewhere.open(f"/connect/{erp}", name=NAME)

    assert mine["outcome"] == theirs["outcome"] == "refused"
    assert "not connected yet" in mine["message"] and "not connected yet" in theirs["message"]
    assert taken_name.status_code == 422
    assert [one.name for one in books.services.connections()] == [NAME]


@ONLY_XERO
def test_of_several_organisations_the_person_chooses_one(fresh, second: str):
    books, browser, erp = fresh
    organisations = [first_company(books, erp), second]
    page = browser.follow(browser.consent(begun(browser, erp), ALLOW[erp]))
    assert page.status_code == 200 and "several companies" in page.text
    offered = re.findall(r'name="company" value="([^"]*)"', page.text)
    (state,) = re.findall(r'name="state" value="([^"]*)"', page.text)
    assert sorted(offered) == sorted(organisations)

    def chosen(who: Browser, company: str) -> requests.Response:
        form = {"state": state, "company": company}
        return who.session.post(f"{who.url}/connect/choose", data=form, allow_redirects=False, timeout=CALL_SECONDS_MAX)

    assert chosen(Browser(browser.url, None), offered[1]).status_code == 400
    assert told(chosen(browser, "none of them"))["outcome"] == "refused"
    assert told(chosen(browser, second))["outcome"] == "connected"
    assert told(chosen(browser, organisations[0]))["outcome"] == "refused"
    assert books.services.connection(NAME).settings["tenant_id"] == second


@ONLY_XERO
def test_an_organisation_that_was_ticked_alone_is_taken_without_asking(fresh, second: str):
    books, browser, erp = fresh
    assert told(connected(books, browser, erp))["outcome"] == "connected"

    said = told(browser.follow(browser.consent(begun(browser, erp, "the_second"), ALLOW[erp], [second])))

    assert said["outcome"] == "connected" and "The Second" in said["message"]
    # Each is disconnected by itself: the other one's consent goes on.
    assert Client(browser.url, browser.key).post("/v1/connections/the_second/disconnect").json()["changed"]
    assert books.sync().outcomes["customers"].pulled >= 0
    assert books.services.connection(NAME).state == "active"


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "console",
        "/x\r\nSet-Cookie: a=b",
        "javascript:1",
        "/ x",
    ],
)
def test_nobody_is_sent_anywhere_else_afterwards(fresh, path: str):
    _, browser, erp = fresh
    assert not is_local_path(path)
    assert browser.open(f"/connect/{erp}", name=NAME, return_to=path).status_code == 422


def test_disconnected_both_sides_work_on_and_connected_again_everything_arrives_once(fresh):
    books, browser, erp = fresh
    connected(books, browser, erp)
    books.sync("full")
    admin = Client(browser.url, browser.key)
    refresh_tokens = books.value("select count(*) from sync.token_journal where connection = %s", NAME)
    before = books.value("select count(*) from ledger.customers")

    first, second = (admin.post(f"/v1/connections/{NAME}/disconnect") for _ in range(2))

    assert first.json() == {"name": NAME, "state": "disconnected", "changed": True}
    assert second.json() == {"name": NAME, "state": "disconnected", "changed": False}
    assert refresh_tokens and books.value("select count(*) from sync.token_journal") == 0
    assert books.value("select count(*) from sync.secrets where name in ('refresh_token', 'access_token')") == 0
    with pytest.raises(Exception, match="disconnected"):
        books.sync()
    assert books.value("select state from sync.connections") == "disconnected"
    # Meanwhile somebody works over there, and somebody here.
    made_there(books, erp)
    books.change(
        "insert into ledger.customers (tenant_id, name, currency, connection, changed_by)"
        " values ('default', 'Entered Here', 'USD', %s, 'me')",
        NAME,
    )

    begun_again = admin.post(f"/v1/connections/{NAME}/reconnect?return_to=/console/x")
    url = begun_again.json()["authorize_url"]
    browser.session.cookies.update(begun_again.cookies)
    said = told(browser.follow(browser.consent(url, ALLOW[erp], one_company(books, erp))))
    assert said["outcome"] == "connected" and "again" in said["message"]
    came, _ = changed(books.sync()), books.push()
    books.sync()

    assert came["customers"][0] == 1
    names = [row["name"] for row in books.rows("select name from ledger.customers where name like 'Entered %%'")]
    assert sorted(names) == ["Entered Here", "Entered There"]
    assert books.value("select count(*) from ledger.customers") == before + 2
    assert len(named_there(books, erp)) == 2
    assert all(outcome.is_quiet for outcome in books.sync().outcomes.values())


def test_a_connection_that_was_entered_by_hand_is_disconnected_and_connected_by_consent(fresh):
    books, browser, erp = fresh
    connect_simulator(books.services, books.simulator, NAME, erp=erp)
    admin = Client(browser.url, browser.key)

    assert admin.post(f"/v1/connections/{NAME}/disconnect").json()["changed"]
    assert told(connected(books, browser, erp))["outcome"] == "connected"
    assert books.sync().outcomes["customers"].pulled > 10


def test_without_an_app_of_its_own_a_tenant_connects_by_that_of_a_connection_and_without_any_is_told(fresh):
    """As in the demo: its companies were entered with tokens, and a browser connects them again."""
    books, browser, erp = fresh
    books.change("delete from sync.apps")
    none = browser.open(f"/connect/{erp}", name=NAME)
    connect_simulator(books.services, books.simulator, NAME, erp=erp)

    assert none.status_code == 422 and f"tieout apps set {erp}" in none.json()["next_step"]
    assert "connected again" in told(connected(books, browser, erp))["message"]
    assert books.services.connection(NAME).state == "active"


def test_an_erp_that_is_away_is_asked_again_to_take_the_app_off(fresh):
    books, browser, erp = fresh
    connected(books, browser, erp)
    admin = Client(browser.url, browser.key)
    books.simulator.post("faults", [{"path": "*revo*", "status": 503}])

    away = admin.post(f"/v1/connections/{NAME}/disconnect")
    books.simulator.post("faults", [])
    kept = books.value("select count(*) from sync.token_journal where connection = %s", NAME)
    done = admin.post(f"/v1/connections/{NAME}/disconnect")

    assert away.status_code in (502, 503) and away.headers["content-type"] == "application/problem+json"
    assert kept and books.services.connection(NAME).state == "disconnected"
    assert done.json()["changed"] and books.value("select count(*) from sync.token_journal") == 0
    log = requests.get(f"{books.simulator.base_url}/_sandbox/log", timeout=CALL_SECONDS_MAX).json()
    assert [one["status"] for one in log if "revo" in one["path"]][-2:] == [503, 200]


def test_a_consent_that_was_withdrawn_over_there_is_as_good_as_revoked(fresh):
    books, browser, erp = fresh
    connected(books, browser, erp)
    requests.delete(f"{books.simulator.base_url}/_sandbox/tokens", timeout=CALL_SECONDS_MAX)

    gone = Client(browser.url, browser.key).post(f"/v1/connections/{NAME}/disconnect")

    assert gone.json() == {"name": NAME, "state": "disconnected", "changed": True}
    assert books.value("select count(*) from sync.token_journal") == 0


def test_a_sync_under_way_does_not_bring_a_disconnected_company_back(fresh):
    """It fails for want of a token, and what somebody did meanwhile stays."""
    books, browser, erp = fresh
    connected(books, browser, erp)
    admin = Client(browser.url, browser.key)
    books.services.on_progress = lambda *_: admin.post(f"/v1/connections/{NAME}/disconnect") and None

    try:
        with suppress(TieoutError):
            books.sync()
    finally:
        books.services.on_progress = lambda *_: None

    assert books.services.connection(NAME).state == "disconnected"


def test_a_consent_to_another_company_leaves_the_connection_as_it_is(fresh):
    books, browser, erp = fresh
    connected(books, browser, erp)
    books.change(
        "update sync.connections set settings = settings || jsonb_build_object(%s::text, '4711')", COMPANY[erp]
    )
    before = books.rows("select attempt_id from sync.token_journal where connection = %s", NAME)

    said = told(browser.follow(browser.consent(begun(browser, erp), ALLOW[erp], one_company(books, erp))))

    assert said["outcome"] == "refused" and "which ours is" in said["message"]
    assert books.rows("select attempt_id from sync.token_journal where connection = %s", NAME) == before


def made_there(books: Books, erp: str) -> None:
    if erp == "quickbooks":
        books.edit("create", "Customer", DisplayName="Entered There")
    else:
        body = {"Name": "Entered There"}
        contact = books.simulator.post("edit", {"operation": "create", "entity": "Contacts", "body": body})
        contact = contact["Contacts"][0]["ContactID"]
        line = {"Description": "x", "Quantity": 1, "UnitAmount": 10, "AccountCode": "200", "TaxType": "NONE"}
        body = {"Type": "ACCREC", "Contact": {"ContactID": contact}, "LineItems": [line], "Status": "AUTHORISED"}
        body |= {"Date": "2026-11-01", "DueDate": "2026-11-30"}
        books.simulator.post("edit", {"operation": "create", "entity": "Invoices", "body": body})


def named_there(books: Books, erp: str) -> list[str]:
    name, key = ("Customer", "DisplayName") if erp == "quickbooks" else ("Contacts", "Name")
    return [one[key] for one in books.objects(name) if one[key].startswith("Entered ")]
