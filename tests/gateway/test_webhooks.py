"""What ERPs deliver: kept once if it is signed, refused if it is not, and acted upon by the next sync."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from resources.erps import erp_of
from resources.errors import TieoutError
from resources.stages.sync import sync
from tests.books import Books
from tests.conftest import NewDatabase
from tests.gateway.conftest import CALL_SECONDS_MAX, serving
from tests.house import CONNECTION, connect_simulator, open_house, prepare_database, running_simulator

KEY = "a signing key, as text =="
ERPS = ("quickbooks", "xero")
# By ERP: setting of the key, header, and what a customer is called there.
WORDS = {
    "quickbooks": ("verifier_token", "intuit-signature", "classic"),
    "xero": ("webhook_key", "x-xero-signature", "events"),
}


@pytest.fixture(scope="module", params=ERPS)
def books(
    request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Books]:
    """One company of each ERP, synced, with a signing key."""
    erp = request.param
    home: Path = tmp_path_factory.mktemp("home")
    database = new_database(prepare_database)
    with (
        running_simulator("--no-limits", "--seed", "demo", erp=erp) as simulator,
        open_house(database, home) as house,
    ):
        connect_simulator(house, simulator, erp=erp, **{WORDS[erp][0]: KEY})
        made = Books(house, database, simulator, home)
        made.sync()
        yield made


@pytest.fixture(scope="module")
def address(books: Books) -> Iterator[str]:
    with serving(books.services) as url:
        yield f"{url}/webhooks/{CONNECTION}"


def erp_of_books(books: Books) -> str:
    return books.services.connection(CONNECTION).erp


def company_of(books: Books) -> str:
    connection = books.services.connection(CONNECTION)
    return connection.settings[erp_of(connection.erp).company_key]


def notice(books: Books, external_id: str, happened: datetime, company: str | None = None) -> bytes:
    """One delivery about a customer, as the ERP writes it."""
    company = company or company_of(books)
    if erp_of_books(books) == "xero":
        event = {
            "resourceUrl": "https://x",
            "resourceId": external_id,
            "eventDateUtc": happened.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3],
            "eventType": "UPDATE",
            "eventCategory": "CONTACT",
            "tenantId": company,
            "tenantType": "ORGANISATION",
        }
        return json.dumps({"events": [event], "firstEventSequence": 1, "lastEventSequence": 1, "entropy": "x"}).encode()
    changed = {
        "name": "Customer",
        "id": external_id,
        "operation": "Update",
        "lastUpdated": happened.strftime("%Y-%m-%dT%H:%M:%S+0000"),
    }
    return json.dumps(
        {"eventNotifications": [{"realmId": company, "dataChangeEvent": {"entities": [changed]}}]}
    ).encode()


def signature(body: bytes, key: str = KEY) -> str:
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def delivered(books: Books, address: str, body: bytes, signed: str | None = None) -> requests.Response:
    header = WORDS[erp_of_books(books)][1]
    headers = {header: signature(body) if signed is None else signed, "Content-Type": "application/json"}
    return requests.post(address, data=body, headers=headers, timeout=CALL_SECONDS_MAX)


def inbox_rows(books: Books, external_id: str) -> int:
    return books.value("select count(*) from sync.inbox where external_id = %s", external_id)


def test_a_delivery_is_kept_once_however_often_it_comes_and_has_the_company_pulled_now(books: Books, address: str):
    body = notice(books, "kept-once", datetime.now(UTC))
    books.change("update sync.connections set next_pull_at = now() + interval '1 hour'")

    answers = [delivered(books, address, body) for _ in range(3)]

    assert [(one.status_code, one.content, one.headers.get("set-cookie")) for one in answers] == [(200, b"", None)] * 3
    assert inbox_rows(books, "kept-once") == 1
    assert books.value("select next_pull_at <= now() from sync.connections")


def test_what_is_not_signed_as_it_came_is_refused_without_a_word(books: Books, address: str):
    body = notice(books, "forged", datetime.now(UTC))
    right = signature(body)
    wrong = ["", "x", right[:-3] + "AAA", signature(body, "another key"), signature(body + b" "), right + "é"]

    for signed in wrong:
        refused = delivered(books, address, body, signed.encode("latin-1").decode("latin-1"))
        assert (refused.status_code, refused.content) == (401, b"")
    # Signed well, and altered afterwards.
    assert delivered(books, address, body.replace(b"forged", b"fOrged"), right).status_code == 401
    assert delivered(books, address.replace(CONNECTION, "nobody"), body).status_code == 401
    assert inbox_rows(books, "forged") + inbox_rows(books, "fOrged") == 0


def test_what_happened_long_ago_is_a_replay_and_changes_nothing(books: Books, address: str):
    body = notice(books, "replayed", datetime.now(UTC) - timedelta(days=60))

    assert delivered(books, address, body).status_code == 200
    assert inbox_rows(books, "replayed") == 0


def test_notices_that_come_in_the_wrong_order_and_twice_are_kept_once_each_and_change_nothing_by_themselves(
    books: Books, address: str
):
    now = datetime.now(UTC)
    newer, older = (notice(books, "out-of-order", now - timedelta(seconds=back)) for back in (0, 60))

    answers = [delivered(books, address, body) for body in (newer, older, newer, older)]

    assert [one.status_code for one in answers] == [200] * 4
    assert inbox_rows(books, "out-of-order") == 2


def test_another_company_of_the_app_is_told_only_if_it_is_connected(books: Books, address: str):
    assert delivered(books, address, notice(books, "foreign", datetime.now(UTC), "4711")).status_code == 200
    assert inbox_rows(books, "foreign") == 0


def test_a_signed_delivery_in_a_form_that_nobody_knows_has_the_company_pulled(books: Books, address: str):
    books.change("update sync.connections set next_pull_at = now() + interval '1 hour'")

    for body in (b"not json", b'{"something": "new"}' if erp_of_books(books) == "quickbooks" else b"[1]"):
        assert delivered(books, address, body).status_code == 200

    assert books.value("select next_pull_at <= now() from sync.connections")


def test_the_simulator_tells_of_a_rename_and_the_sync_takes_the_notice(books: Books, address: str):
    entity = {"quickbooks": "Customer", "xero": "Contact"}[erp_of_books(books)]
    asked = {"url": address, "verifier": KEY, "format": WORDS[erp_of_books(books)][2], "automatic": False}
    books.simulator.post("webhooks", asked)
    try:
        changed = renamed(books, entity)
        (told,) = books.simulator.post("webhooks/flush", {"early": True})["log"] or [None]
    finally:
        requests.delete(f"{books.simulator.base_url}/_sandbox/webhooks", timeout=CALL_SECONDS_MAX)
    assert told["status"] == 200
    assert inbox_rows(books, changed) == 1

    books.sync()

    assert (
        books.value(
            "select name from ledger.customers c join sync.bindings b on b.entity = 'customers'"
            " and b.ledger_id = c.ledger_id where b.external_id = %s",
            changed,
        )
        == "Told Of Harbour"
    )
    assert books.value("select count(*) from sync.inbox where taken_at is null") == 0


@pytest.mark.parametrize("books", ["xero"], indirect=True)
@pytest.mark.parametrize("events", [b'"events": [],', b'"events": null,', b""], ids=["none", "null", "absent"])
def test_an_intent_to_receive_is_answered_by_its_signature_alone(books: Books, address: str, events: bytes):
    """What Xero probes an address with: no events, some rightly signed, some with one character changed."""
    body = b'{%s"firstEventSequence": 0, "lastEventSequence": 0, "entropy": "S0m3"}' % events
    right = signature(body)
    spoilt = right[:10] + ("A" if right[10] != "A" else "B") + right[11:]
    books.change("update sync.connections set next_pull_at = now() + interval '1 hour'")

    answers = [delivered(books, address, body, signed) for signed in (right, spoilt, right)]

    assert [(one.status_code, one.content) for one in answers] == [(200, b""), (401, b""), (200, b"")]
    assert all("set-cookie" not in one.headers for one in answers)
    # It tells of no change: nobody is pulled for it.
    assert books.value("select next_pull_at > now() from sync.connections")


@pytest.mark.parametrize("books", ["xero"], indirect=True)
def test_the_simulators_intent_to_receive_is_passed(books: Books, address: str):
    books.simulator.post("webhooks", {"url": address, "verifier": KEY, "automatic": False})
    try:
        books.simulator.post("webhooks/send", {"changes": []})
        books.simulator.post("webhooks/send", {"changes": [], "forged": True})
        probes = books.simulator.post("webhooks/flush", {"early": True})["log"]
    finally:
        requests.delete(f"{books.simulator.base_url}/_sandbox/webhooks", timeout=CALL_SECONDS_MAX)

    assert [probe["status"] for probe in probes] == [200, 401]


def test_a_record_that_the_delta_did_not_bring_is_read_by_id(books: Books, address: str, monkeypatch):
    """A feed that lags behind its own notices: the sync reads what is named."""
    entity = {"quickbooks": "Customer", "xero": "Contact"}[erp_of_books(books)]
    known = books.value("select external_id from mirror.customers where not is_deleted order by 1 desc limit 1")
    body = notice(books, known, datetime.now(UTC) + timedelta(minutes=1))
    assert delivered(books, address, body).status_code == 200
    read: list[str] = []
    original = erp_of(erp_of_books(books)).connect

    def listening(connection, services):
        connector = original(connection, services)
        pull_ids = connector.pull_ids
        connector.pull_ids = lambda name, ids, **more: (read.extend(ids), pull_ids(name, ids, **more))[1]
        return connector

    monkeypatch.setattr("resources.services.erp_of", lambda name: replace(erp_of(name), connect=listening))
    sync(books.services, CONNECTION)

    assert known in read, entity
    assert books.value("select count(*) from sync.inbox where taken_at is null") == 0


@pytest.mark.parametrize("erp", ERPS)
@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"7", b'"x"', b"[" * 100_000, b'[{"type": 7}]', b'{"events": [7]}', b'{"eventNotifications": [{}]}'],
)
def test_a_strange_body_is_a_clear_error_or_nothing(erp: str, body: bytes):
    reader = erp_of(erp).webhooks
    try:
        assert list(reader.read(body)) == []
    except TieoutError as error:
        assert error.found and "expected" in str(error)


@pytest.mark.parametrize(
    ("classic_word", "event_word", "operation"),
    [("Void", "void", "void"), ("Void", "voided", "void"), ("Delete", "deleted", "delete")],
)
def test_both_forms_of_quickbooks_say_the_same(classic_word: str, event_word: str, operation: str):
    reader = erp_of("quickbooks").webhooks
    changed = {"name": "Invoice", "id": "12", "operation": classic_word, "lastUpdated": "2025-10-07T12:59:07-0700"}
    classic = {"eventNotifications": [{"realmId": "310687", "dataChangeEvent": {"entities": [changed]}}]}
    event = {
        "specversion": "1.0",
        "id": "d1",
        "type": f"qbo.invoice.{event_word}.v1",
        "time": "2025-10-07T19:59:07.034359333Z",
        "intuitentityid": "12",
        "intuitaccountid": "310687",
        "data": {},
    }

    (one,), (other,) = (reader.read(json.dumps(form).encode()) for form in (classic, [event]))

    for each in (one, other):
        said = (each.company, each.entities, each.external_id, each.operation)
        assert said == ("310687", ("invoices",), "12", operation)
    assert abs(one.happened_at - other.happened_at) < timedelta(seconds=1)


def renamed(books: Books, entity: str) -> str:
    """Somebody renames a customer over there; returns its id."""
    if entity == "Customer":
        held = books.objects("Customer")[0]
        books.edit("update", "Customer", held["Id"], DisplayName="Told Of Harbour", sparse=True)
        return held["Id"]
    held = next(one for one in books.objects("Contacts") if one.get("IsCustomer"))
    body = {"Name": "Told Of Harbour"}
    books.simulator.post("edit", {"operation": "update", "entity": "Contact", "id": held["ContactID"], "body": body})
    return held["ContactID"]
