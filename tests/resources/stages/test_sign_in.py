"""When an ERP lets us in no more, or forbids a write: what a person must mend stops the connection, all else is tried
again by itself.
"""

from __future__ import annotations

import threading
import time

import pytest

from resources.connecting import add_connection
from resources.consent import App
from resources.errors import ErrorKind, TieoutError
from resources.oauth import TokenKeeper
from resources.stores import connections, due_work
from resources.stores.token_journal import TokenJournal
from resources.token_endpoint import TokenSet
from tests.books import Books, opened_books
from tests.house import running_simulator
from tests.ledger_writer import LedgerWriter

CUSTOM = "xero_custom"
# QuickBooks' sign-in is down; somebody in between keeps us from its token endpoint; the app's secret was changed.
OUTAGES = {
    "a 401 of every call": {"path": "*/v3/company/*", "status": 401, "body": {}},
    "a 403 of a firewall": {"path": "*/tokens/bearer*", "status": 403, "body": "<html>blocked</html>"},
    "the app refused": {"path": "*/tokens/bearer*", "status": 401, "body": {"error": "invalid_client"}},
}


def fails_to_sign_in(books: Books) -> TieoutError:
    with pytest.raises(TieoutError) as failure:
        books.sync()
    assert failure.value.kind is ErrorKind.AUTHENTICATION
    return failure.value


def state_of(books: Books) -> str:
    return books.services.connection(books.name).state


def withdraw(books: Books) -> None:
    """The person takes the app off: no token of the connection is good any more."""
    books.change("delete from sync.token_journal")
    books.services.vault(books.tenant).put(books.name, "refresh_token", "RT1-over-and-done")


def keeper_of(books: Books) -> TokenKeeper:
    one = books.services.connection(books.name)
    erp = books.services.erp(one)
    app = App(one.erp, one.base_url, one.settings, books.services.vault(books.tenant).all(one.name))
    return TokenKeeper(
        tenant=books.tenant,
        connection=one.name,
        endpoint=erp.consent(app, one.name).endpoint(),
        journal=TokenJournal(books.services.transactions_of(books.tenant), books.tenant, one.name),
        keeper=books.services.keeper,
        spool=books.services.spool,
    )


def due_pushes(books: Books) -> list[str]:
    with books.services.fleet() as tx:
        return due_work.partitions_to_push(tx, 10)


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES)
def test_what_leaves_the_tokens_good_is_tried_again_one_interval_later(books: Books, outage):
    books.simulator.post("faults", [outage])

    fails_to_sign_in(books)

    assert state_of(books) == "active"
    (error,) = books.open_errors()
    assert (error["code"], error["severity"]) == ("SYNC_002", "critical")
    assert 290 < books.value("select extract(epoch from next_pull_at - now()) from sync.connections") <= 300
    books.change("update sync.connections set next_pull_at = now()")
    with books.services.fleet() as tx:
        assert [key for key, _ in connections.due_partitions(tx, 10)] == [books.name]
    books.simulator.post("faults", [])
    books.sync()
    assert books.open_errors() == []


def test_a_call_that_is_refused_although_the_sign_in_works_sends_nobody_to_connect_again(books: Books):
    """With a new consent it would be refused as well; where the sign-in is refused, that is the way out."""
    books.simulator.post("faults", [OUTAGES["a 401 of every call"]])
    refused = fails_to_sign_in(books)

    assert "pulling" in refused.doing
    assert all(words in refused.next_step for words in ("signing in works", "scopes", "role"))
    assert "connect the company again" not in str(refused)
    books.simulator.post("faults", [])
    withdraw(books)
    assert "connect the company again" in fails_to_sign_in(books).next_step


def test_who_connects_again_while_a_sync_fails_on_the_old_grant_is_not_asked_once_more(books: Books):
    withdraw(books)
    failures: list[TieoutError] = []

    def fail() -> None:
        try:
            books.sync()
        except TieoutError as error:
            failures.append(error)

    old = threading.Thread(target=fail)
    minted = books.simulator.post("tokens")
    with books.services.db.transaction(books.tenant) as tx:
        # It has failed, and waits here to say so.
        tx.execute("select 1 from sync.connections for no key update")
        old.start()
        wait_until_somebody_waits(books)
        keeper_of(books).accept(TokenSet("", minted["refresh_token"], 0.0))
        connections.activate(tx, books.name)
    old.join()

    assert [error.kind for error in failures] == [ErrorKind.AUTHENTICATION]
    assert state_of(books) == "active"
    books.sync()
    assert books.open_errors() == []


def wait_until_somebody_waits(books: Books) -> None:
    deadline = time.monotonic() + 20
    with books.database.connect("superuser") as db:
        while not db.execute("select count(*) from pg_locks where not granted").fetchone()[0]:
            assert time.monotonic() < deadline, "nobody came to say that the sync has failed"
            time.sleep(0.02)


def test_no_push_is_woken_until_the_sign_in_works_again(company: Books, writer: LedgerWriter):
    """A push is woken every few seconds as long as there is something to say; a pull, once an interval."""
    writer.customer("Ann")
    assert due_pushes(company) == [company.name]
    company.simulator.post("faults", [OUTAGES["a 401 of every call"]])

    for fails in (company.push, company.sync, company.push):
        with pytest.raises(TieoutError):
            fails()
        assert (state_of(company), due_pushes(company)) == ("active", [])

    company.simulator.post("faults", [])
    company.sync()
    assert due_pushes(company) == [company.name]
    assert company.push().pushed == {"customers": 1}
    assert company.open_errors() == []


def test_a_push_that_works_ends_what_failed_to_sign_in(company: Books, writer: LedgerWriter):
    writer.customer("Ann")
    company.simulator.post("faults", [OUTAGES["a 401 of every call"]])
    fails_to_sign_in(company)
    company.simulator.post("faults", [])

    company.push()

    assert company.open_errors() == []


FORBIDDEN = {"status": 403, "body": {"fault": {"error": [{"code": "3100"}], "type": "SERVICE"}}}


@pytest.mark.parametrize("path", ["*/customer*", "*/query*"], ids=["the write", "the question"])
def test_a_push_that_is_forbidden_is_tried_again_one_interval_later_and_pulls_go_on(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch, path: str
):
    """By the class of the error: the same call, unchanged, cannot succeed later, so that no tick repeats it."""
    row = writer.customer("Ann")
    company.push_and_die(monkeypatch, "before_send")
    company.simulator.post("faults", [{"path": path, **FORBIDDEN}])

    with pytest.raises(TieoutError) as failure:
        company.push()

    assert failure.value.kind is ErrorKind.AUTHORIZATION
    # Nobody knows whether the first attempt has happened: the second, that has not, says nothing of it.
    assert company.value("select state from sync.outbox") == "sent"
    writer.customer("Ben")
    assert due_pushes(company) == []
    if path == "*/customer*":
        company.sync()
        assert (state_of(company), due_pushes(company)) == ("active", [])
    (error,) = [error for error in company.open_errors() if error["entity"] == "customers"]
    assert (error["stage"], error["kind"], error["severity"]) == ("pushing", "authorization", "critical")
    assert 290 < company.value("select extract(epoch from next_push_at - now()) from sync.connections") <= 300

    company.simulator.post("faults", [])
    company.change("update sync.connections set next_push_at = now()")
    assert due_pushes(company) == [company.name]
    assert company.push().pushed == {"customers": 2}
    assert company.open_errors() == []
    assert [one["DisplayName"] for one in company.objects("Customer")].count("Ann") == 1
    assert company.ledger_row("customers", company.value(BOUND, row))["name"] == "Ann"


BOUND = "select external_id from sync.bindings where entity = 'customers' and ledger_id = %s"


def test_who_allowed_it_and_pushes_by_hand_waits_no_longer(company: Books, writer: LedgerWriter):
    writer.customer("Ann")
    company.simulator.post("faults", [{"method": "POST", "path": "*/customer*", **FORBIDDEN}])
    with pytest.raises(TieoutError):
        company.push()
    company.simulator.post("faults", [])

    assert company.push().pushed == {"customers": 1}
    writer.customer("Ben")

    assert due_pushes(company) == [company.name]


def test_what_somebody_in_between_forbids_stays_in_doubt_and_is_asked_for_one_interval_later(
    company: Books, writer: LedgerWriter
):
    writer.customer("Ann")
    company.simulator.post("faults", [{"path": "*/customer*", "status": 403, "body": "<html>blocked</html>"}])

    # The second finds nothing to do: it is not time yet.
    assert [company.push().in_doubt for _ in range(2)] == [1, 1]

    (intent,) = company.rows("select state, attempts from sync.outbox")
    assert intent == {"state": "sent", "attempts": 1}
    assert due_pushes(company) == []
    company.simulator.post("faults", [])
    company.change("update sync.outbox set due_at = now()")
    assert due_pushes(company) == [company.name]
    assert company.push().pushed == {"customers": 1}
    assert company.open_errors() == []


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ({"status": 403, "body": "<html>blocked</html>"}, "active"),
        ({"status": 401, "body": {"error": "invalid_client"}}, "reconnect"),
        ({"status": 400, "body": {"error": "unauthorized_client"}}, "reconnect"),
    ],
)
def test_a_connection_without_a_grant_stops_where_its_credentials_are_refused(new_database, tmp_path, fault, state):
    with (
        running_simulator("--no-limits", erp="xero") as simulator,
        opened_books(new_database, simulator, tmp_path, "empty", "xero") as books,
    ):
        minted = simulator.post("tokens")
        books.change("delete from sync.connections")
        values = {"tenant_id": minted["tenant_id"], **minted["custom_connection"]}
        add_connection(
            books.services, name=CUSTOM, erp="xero", tenant=books.tenant, base_url=simulator.base_url, values=values
        )
        books.name = CUSTOM
        simulator.post("faults", [{"path": "*/connect/token*", **fault}])

        fails_to_sign_in(books)

        assert state_of(books) == state
        simulator.post("faults", [])
        books.sync()
        assert (state_of(books), books.open_errors()) == ("active", [])
