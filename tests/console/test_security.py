"""The console's front door: who gets in, who may press what, what is shown of texts that somebody else wrote."""

from __future__ import annotations

import json
import re
from urllib.parse import urlencode, urlsplit

import pytest
import requests
from typer.testing import CliRunner

from gateway.console import (
    breaks,
    codes,
    conflicts,
    connecting,
    connections,
    deliveries,
    entering,
    errors,
    health,
    records,
    settings,
    subscriptions,
    switching,
)
from gateway.console.visitors import COOKIE, VISIT_COOKIE
from pipelines.commands.root import app
from resources.stores import api_keys, console_sessions
from tests.console.conftest import House, Visit
from tests.gateway.conftest import key_of
from tests.house import CONNECTION

PAGES = [
    "/console/connections",
    f"/console/connections/{CONNECTION}",
    "/console/health",
    "/console/health?period=month",
    "/console/conflicts",
    "/console/conflicts?state=over",
    "/console/errors",
    "/console/breaks",
    "/console/records?entity=invoices&id=1026",
    "/console/webhooks",
    "/console/switches",
    f"/console/connections/{CONNECTION}/codes",
]
ACTIONS = {
    "operator": [
        (f"/console/connections/{CONNECTION}/test", {}),
        (f"/console/connections/{CONNECTION}/sync", {}),
        (f"/console/connections/{CONNECTION}/resume", {}),
        ("/console/conflicts/999999", {"decision": "ours"}),
        ("/console/errors/999999/retry", {}),
        ("/console/breaks/999999", {"owner": "somebody"}),
        ("/console/webhooks/999999/deliveries/999999/again", {}),
        ("/console/switches", {"connection": "none_such", "module": "ar", "direction": "pull", "to": "on"}),
        (f"/console/connections/{CONNECTION}/codes", {"list": "terms", "code": "A", "external_id": "none"}),
        (f"/console/connections/{CONNECTION}/codes/remove", {"list": "terms", "code": "none_such"}),
    ],
    "admin": [
        (f"/console/connections/{CONNECTION}/schedule", {"minutes": "5"}),
        ("/console/connections/none_such/disconnect", {}),
        ("/console/webhooks/999999", {"url": "https://a.example", "event:sync.failed": "on"}),
        ("/console/webhooks/999999/on", {}),
        ("/console/webhooks/999999/off", {}),
        ("/console/webhooks/999999/secret", {}),
        ("/console/webhooks/999999/delete", {}),
        (f"/console/connections/{CONNECTION}/policies", {"entity": "customers", "policy:": ""}),
    ],
}
# What everybody does in their own tenant: these name nothing that could be another's.
OWN_ACTIONS = {
    "admin": [
        ("/console/webhooks", {"url": "no address", "event:sync.failed": "on"}),
        ("/console/maintenance", {"to": "off"}),
    ],
}
EVERY_ACTION = [
    (role, *action) for table in (ACTIONS, OWN_ACTIONS) for role, actions in table.items() for action in actions
]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_shown_to_every_role_and_sends_everybody_else_to_the_login(visits, house: House, path: str):
    for role in api_keys.ROLES:
        assert visits[role].get(path).status_code == 200

    nobody = Visit(house.url).get(path, allow_redirects=False)

    assert nobody.status_code == 303
    assert urlsplit(nobody.headers["Location"]).path == "/console/login"


@pytest.mark.parametrize(("role", "path", "form"), EVERY_ACTION, ids=[f"{r} {p}" for r, p, _ in EVERY_ACTION])
def test_each_button_is_for_its_role_and_those_above(visits, house: House, role: str, path: str, form):
    answers = {who: visits[who].post(path, **form).status_code for who in api_keys.ROLES}

    allowed = set(api_keys.ROLES[api_keys.ROLES.index(role) :])
    assert {who for who, status in answers.items() if status != 403} == allowed
    assert Visit(house.url).post(path, csrf="x", **form).headers["Location"].startswith("/console/login")


@pytest.mark.parametrize(("role", "path", "form"), EVERY_ACTION, ids=[f"{r} {p}" for r, p, _ in EVERY_ACTION])
def test_what_no_page_of_the_session_has_sent_does_nothing(visits, role: str, path: str, form):
    others = visits["operator"].csrf()

    assert visits["admin"].post(path, csrf="", **form).status_code == 403
    assert visits["admin"].post(path, csrf=others, **form).status_code == 403


def test_a_page_elsewhere_cannot_post_even_with_the_token(visits):
    admin = visits["admin"]
    form = {"csrf": admin.csrf(), "minutes": "5"}

    answer = admin.session.post(
        f"{admin.url}/console/connections/{CONNECTION}/schedule", data=form, headers={"Origin": "https://evil.example"}
    )

    assert answer.status_code == 403


def test_every_action_stands_in_the_table():
    routes = {
        route.path
        for route in _console_routes()
        if "POST" in route.methods and route.path.split("/")[2] not in ("login", "enter", "logout")
    }
    known = {re.sub(r"\d+|qbo_test|none_such", "*", path) for _, path, _ in EVERY_ACTION} | {
        "/console/connections/*/pause"
    }

    assert {re.sub(r"\{\w+\}", "*", path) for path in routes} == known


def _console_routes():
    modules = (
        *(breaks, codes, conflicts, connecting, connections, deliveries, entering, errors, health, records, settings),
        *(subscriptions, switching),
    )
    return [route for module in modules for route in module.router.routes]


def test_another_tenant_sees_and_touches_nothing_of_this_one(visits, house: House):
    stranger, admin = visits["stranger"], visits["admin"]
    known = admin.get("/console/records?entity=invoices&id=1026").text
    assert "1026" in known and "ledger id" in known

    assert "No company is connected yet" in stranger.get("/console/connections").text
    assert "Nothing is known of it" in stranger.get("/console/records?entity=invoices&id=1026").text
    for path in (f"/console/connections/{CONNECTION}", "/console/conflicts/1"):
        answer = stranger.get(path)
        assert answer.status_code == 404
        assert CONNECTION not in answer.text.replace(path, "").replace(f"connection {CONNECTION}", "")
    for path, form in (action for actions in ACTIONS.values() for action in actions):
        assert stranger.post(path, **form).status_code == 404, path


def test_a_login_gives_a_new_cookie_that_no_script_can_read_and_takes_the_old_session_away(house: House):
    visit = Visit(house.url)
    visit.session.cookies.set(COOKIE, "default.chosen-by-somebody-else")
    first = visit.log_in(house.keys["admin"])
    (held,) = [c for c in visit.session.cookies if c.name == COOKIE and c.value != "default.chosen-by-somebody-else"]
    said = first.headers["Set-Cookie"]

    assert "HttpOnly" in said and "SameSite=lax" in said
    assert "Secure" not in said, "over http a browser would not keep it"
    again = Visit(house.url)
    again.session.cookies.set(COOKIE, held.value)
    assert again.get("/console/connections", allow_redirects=False).status_code == 200
    other = Visit(house.url)
    other.session.cookies.set(COOKIE, held.value)
    other.post("/console/login", csrf=_visit_csrf(other), key=house.keys["admin"])
    assert again.get("/console/connections", allow_redirects=False).status_code == 303


def _visit_csrf(visit: Visit) -> str:
    """The token of a login form; whoever is logged in is not shown one, so the cookie is left out once."""
    page = requests.get(f"{visit.url}/console/login", timeout=60)
    visit.session.cookies.set(VISIT_COOKIE, page.cookies[VISIT_COOKIE])
    return page.text.partition('name="csrf" value="')[2].partition('"')[0]


def test_behind_https_the_cookie_is_for_https_alone(house: House):
    headers = {"X-Forwarded-Proto": "https"}
    page = requests.get(f"{house.url}/console/login", headers=headers, timeout=60)

    assert "Secure" in page.headers["Set-Cookie"]


def test_a_session_ends_with_logging_out_with_its_key_and_with_its_time(house: House):
    books = house.books
    visit = Visit(house.url)
    visit.log_in(house.keys["viewer"])
    cookie = visit.session.cookies[COOKIE]
    visit.post("/console/logout")
    visit.session.cookies.set(COOKIE, cookie)
    assert visit.get("/console/connections", allow_redirects=False).status_code == 303

    key = key_of(books, "viewer")
    visit = Visit(house.url)
    visit.log_in(key)
    assert visit.get("/console/connections", allow_redirects=False).status_code == 200
    with books.services.db.transaction("default") as tx:
        api_keys.revoke(tx, tenant="default", key_id=key.split(".")[2], by="test")
    assert visit.get("/console/connections", allow_redirects=False).status_code == 303

    visit = Visit(house.url)
    visit.log_in(house.keys["viewer"])
    books.change("update sync.console_sessions set expires_at = now() - interval '1 second'")
    assert visit.get("/console/connections", allow_redirects=False).status_code == 303


def test_no_cookie_and_no_link_is_kept_as_it_is(house: House):
    books = house.books
    visit = Visit(house.url)
    visit.log_in(house.keys["viewer"])
    with books.services.db.transaction("default") as tx:
        link = console_sessions.make_link(tx, tenant="default", name="somebody", role="viewer")
    kept = str(books.rows("select * from sync.console_sessions")) + str(books.rows("select * from sync.console_links"))

    for secret in (visit.session.cookies[COOKIE], link):
        assert secret.rpartition(".")[2] not in kept


def test_a_link_logs_in_once_and_looking_at_it_does_not_use_it_up(house: House):
    books = house.books
    with books.services.db.transaction("default") as tx:
        link = console_sessions.make_link(tx, tenant="default", name="somebody", role="operator")
    path = f"/console/enter?link={link}"

    def enter() -> tuple[int, Visit]:
        visit = Visit(house.url)
        return visit.post("/console/enter", csrf=visit.csrf(path), link=link).status_code, visit

    assert Visit(house.url).get(path).status_code == 200
    status, visit = enter()
    assert status == 303
    assert "operator of default" in visit.get("/console/connections").text
    assert enter()[0] == 401
    with books.services.db.transaction("default") as tx:
        link = console_sessions.make_link(tx, tenant="default", name="somebody", role="operator")
    books.change("update sync.console_links set expires_at = now() - interval '1 second' where used_at is null")
    assert enter()[0] == 401


@pytest.mark.parametrize(
    "key", ["", "tieout.default.3f9c01d2ab77.wrong", "tieout.*.a.b", "' or 1=1 --", "x" * 5000, "tieout..a.b"]
)
def test_a_key_that_is_none_is_refused_in_a_sentence(house: House, key: str):
    answer = Visit(house.url).log_in(key)

    assert answer.status_code == 401
    assert "not known" in answer.text


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/console",
        "//evil.example",
        "/\\evil.example",
        "/console//evil.example",
        "/console/../../evil",
        "/console/x\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "/console@evil.example",
        "/consoles",
    ],
)
def test_a_login_goes_on_to_a_page_of_ours_and_nowhere_else(house: House, wanted: str):
    answer = Visit(house.url).log_in(house.keys["viewer"], next_path=wanted)

    where = answer.headers["Location"]
    assert where.startswith("/console/") and "evil.example" not in where.removeprefix("/console/x")
    assert "a=b" not in answer.headers["Set-Cookie"]


def test_a_login_goes_on_to_the_page_that_was_wanted(house: House):
    wanted = "/console/health?period=week"

    assert Visit(house.url).log_in(house.keys["viewer"], next_path=wanted).headers["Location"] == wanted


HOSTILE = "<script>document.title='owned'</script><img src=x onerror=alert(1)>' or 1=1; drop table sync.errors; --\"'>"


def test_what_others_wrote_is_shown_as_they_wrote_it_and_is_never_a_page_of_theirs(visits, house: House):
    books, admin = house.books, visits["admin"]
    (invoice,) = books.rows("select ledger_id, document_number from ledger.invoices order by ledger_id desc limit 1")
    (customer,) = books.rows("select ledger_id from ledger.customers order by ledger_id desc limit 1")
    with books.services.db.transaction("default", **{"tieout.actor": HOSTILE[:80]}) as tx:
        tx.execute("update ledger.invoices set memo = %s where ledger_id = %s", (HOSTILE, invoice["ledger_id"]))
        tx.execute("update ledger.customers set name = %s where ledger_id = %s", (HOSTILE, customer["ledger_id"]))
        tx.execute(
            "insert into sync.errors (tenant_id, connection, entity, external_id, stage, kind, code, severity, "
            "is_retryable, message, next_step) values ('default', %s, 'invoices', %s, 'pull', 'mapping', 'SYNC_004', "
            "'error', false, %s, %s)",
            (CONNECTION, HOSTILE, HOSTILE, HOSTILE),
        )
        tx.execute(
            "insert into reconciliation.breaks (tenant_id, connection, module, currency, identity, kind, cause, "
            "amount, severity, party_name, fields, says, owner, note, first_seen_at, last_seen_at) values ('default', "
            "%s, 'ar', 'USD', 'hostile', 'document', 'amount', 12.30, 'notice', %s, '[]', %s, %s, %s, now(), now())",
            (CONNECTION, HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        )
        tx.execute(
            "insert into sync.conflicts (tenant_id, connection, entity, ledger_id, external_id, kind, says, fields, "
            "base, ours, theirs, ledger_version, version_token) values ('default', %s, 'customers', %s, %s, "
            "'concurrent_update', %s, %s, '{}', %s, %s, 1, '0')",
            (
                CONNECTION,
                customer["ledger_id"],
                HOSTILE,
                HOSTILE,
                '[{"name": "memo", "base": null, "ours": "<script>1</script>", "theirs": "<b>2</b>"}]',
                '{"memo": "<script>1</script>"}',
                '{"memo": "<b>2</b>"}',
            ),
        )
        (conflict,) = tx.execute("select max(conflict_id) from sync.conflicts").fetchone()
    shown = [
        f"/console/records?entity=invoices&id={invoice['document_number']}",
        f"/console/records?entity=customers&id={customer['ledger_id']}",
        "/console/errors",
        "/console/breaks",
        "/console/conflicts",
        f"/console/conflicts/{conflict}",
        "/console/records?entity=invoices&id=" + requests.utils.quote(HOSTILE),
        "/console/connections?done=" + requests.utils.quote(HOSTILE),
        "/console/health?connection=" + requests.utils.quote(HOSTILE),
        "/console/conflicts?connection=" + requests.utils.quote(HOSTILE),
        "/console/errors?connection=" + requests.utils.quote(HOSTILE),
    ]
    try:
        for path in shown:
            text = admin.get(path).text
            assert re.findall(r"<script(?! src=\"/console/static/)", text) == [], path
            assert "<img" not in text and "<b>2" not in text, path
        assert "&lt;script&gt;" in admin.get(shown[2]).text
    finally:
        books.change("delete from sync.conflicts where conflict_id = %s", conflict)
        books.change("delete from sync.errors where external_id = %s", HOSTILE)
        books.change("delete from reconciliation.breaks where identity = 'hostile'")


def test_no_page_runs_or_loads_anything_but_our_own_files(visits, house: House):
    for path in [*PAGES, "/console/nowhere"]:
        answer = visits["admin"].get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy and "form-action 'self'" in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert re.findall(r'\son\w+="|style="|javascript:', answer.text) == []
        assert re.findall(r'(?:src|href)="https?://', answer.text) == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/console/conflicts/999999", 404),
        ("/console/conflicts/0", 422),
        ("/console/conflicts/99999999999999999999", 422),
        ("/console/conflicts?before=x", 422),
        ("/console/connections/none_such", 404),
        ("/console/connections/..%2f..%2fetc", 404),
        (f"/console/connections/{CONNECTION}?entity=secrets", 422),
        ("/console/health?period=century", 422),
        ("/console/breaks?amount=x&before=1", 422),
        ("/console/records?entity=secrets&id=1", 422),
        ("/console/nowhere", 404),
        ("/console/static/../pages.py", 404),
    ],
)
def test_what_is_not_there_or_not_understood_is_said_in_a_sentence(visits, path: str, status: int):
    answer = visits["admin"].get(path)

    assert answer.status_code == status
    assert "<h1>" in answer.text and "Traceback" not in answer.text


def test_logging_in_is_in_the_audit(house: House):
    Visit(house.url).log_in(house.keys["operator"])

    actions = house.books.rows("select actor, action from sync.audit order by seq desc limit 1")

    assert actions == [{"actor": "console:a operator", "action": "console.login"}]


def test_the_cookie_opens_the_console_and_nothing_else(visits):
    admin = visits["admin"]

    assert admin.get("/v1/connections").status_code == 401
    maintenance = {"enabled": True, "reason": "x"}
    assert admin.session.post(f"{admin.url}/v1/admin/maintenance", json=maintenance).status_code == 401
    assert admin.session.post(f"{admin.url}/v1/connections/{CONNECTION}/disconnect").status_code == 401
    # On the way to a consent it does count, and the role with it.
    assert visits["viewer"].get("/connect/quickbooks?name=new_one", allow_redirects=False).status_code == 403


def test_what_a_consent_came_to_is_shown_as_a_text(visits):
    path = "/console/connections?outcome=refused&message=" + requests.utils.quote(HOSTILE)

    shown = visits["admin"].get(path).text

    assert "Not connected." in shown and "<img" not in shown
    assert "evil" not in visits["admin"].get("/console/connections?outcome=evil&message=evil").text


@pytest.mark.parametrize("where", ["https://evil.example/", "//evil.example/x", "/\\evil.example"])
def test_a_consent_leads_back_to_a_page_of_ours_and_nowhere_else(visits, where: str):
    path = "/connect/quickbooks?" + urlencode({"name": "new_one", "return_to": where})

    assert visits["admin"].get(path, allow_redirects=False).status_code == 422


def test_the_command_prints_a_link_that_logs_in_with_its_role(house: House):
    said = CliRunner().invoke(app, ["keys", "link", "--role", "viewer", "--address", house.url, "--json"])
    link = json.loads(said.stdout)["link"]
    visit = Visit(house.url)

    page = visit.session.get(link, timeout=60)
    token = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    visit.post("/console/enter", csrf=token, link=link.partition("link=")[2])

    assert "viewer of default" in visit.get("/console/connections").text
    assert CliRunner().invoke(app, ["keys", "link", "--role", "king"]).exit_code == 2
