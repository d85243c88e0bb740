"""Webhooks out: what is told, when it is written down, in which order, signed how, and what becomes of what fails."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from resources import delivering
from resources.errors import TieoutError
from resources.stores import webhooks
from tests.books import Books, books, simulator  # noqa: F401  A company, connected.
from tests.gateway.conftest import Client, key_of, serving
from tests.gateway.listener import Listener, listening
from tests.small_company import a_company

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
ALL = list(webhooks.EVENTS)


@pytest.fixture
def house(books: Books) -> Books:  # noqa: F811
    """Books whose webhooks may go to this machine."""
    books.services.settings = replace(books.services.settings, webhook_networks=LOOPBACK)
    return books


@pytest.fixture
def receiver() -> Iterator[Listener]:
    with listening() as one:
        yield one


def subscribed(house: Books, receiver: Listener, events: list[str] = ALL) -> tuple[int, str]:
    """Webhook and secret."""
    made, secret = delivering.make(house.services, tenant="default", url=receiver.url, events=events, by="test")
    return made.webhook_id, secret


def synced(house: Books, invoices: int = 3) -> None:
    house.load(a_company(invoices))
    house.sync()


def types(receiver: Listener) -> list[str]:
    return [json.loads(body)["type"] for _, _, body in receiver.received]


def due_now(house: Books) -> None:
    house.change("update sync.deliveries set due_at = now() - interval '1 second' where state = 'waiting'")


def an_invoice(house: Books, **more: Any) -> int:
    """One that somebody enters here; returns its ledger id."""
    customer = house.rows("select ledger_id from ledger.customers order by 1 limit 1")[0]["ledger_id"]
    values = {"document_number": "T-1", "total_amount": "100.00", **more}
    return house.rows(
        "insert into ledger.invoices (tenant_id, customer_id, document_number, issue_date, currency, total_amount,"
        " changed_by) values ('default', %s, %s, '2026-11-01', 'USD', %s, 'me') returning ledger_id",
        customer,
        values["document_number"],
        values["total_amount"],
    )[0]["ledger_id"]


def test_nothing_is_written_down_while_nobody_is_told(house: Books):
    synced(house)
    an_invoice(house)

    assert house.value("select count(*) from sync.events") == 0


def test_what_a_company_brings_when_it_is_first_read_is_no_news_and_what_comes_later_is(
    house: Books, receiver: Listener
):
    subscribed(house, receiver)
    synced(house)
    assert house.value("select count(*) from sync.events") == 0

    invoice = house.objects("Invoice")[0]
    house.edit("void", "Invoice", invoice["Id"])
    house.sync()

    assert delivering.deliver(house.services) == 1
    assert types(receiver) == ["invoice.updated"]
    delivering.deliver(house.services)
    assert types(receiver) == ["invoice.updated", "invoice.voided"]
    told = json.loads(receiver.received[1][2])
    assert told["data"]["is_void"] is True and told["data"]["total_amount"] == "0"
    assert told["connection"] == house.name and "tenant_id" not in told["data"]


def test_money_that_comes_in_is_told_with_the_invoice_it_settles(house: Books, receiver: Listener):
    synced(house)
    subscribed(house, receiver, ["invoice.paid", "payment.received"])
    invoice = next(one for one in house.objects("Invoice") if one["Balance"] == one["TotalAmt"] > 0)
    applied = {"Amount": invoice["TotalAmt"], "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
    customer = {"value": invoice["CustomerRef"]["value"]}
    house.edit("create", "Payment", CustomerRef=customer, TotalAmt=invoice["TotalAmt"], Line=[applied])
    house.sync()

    delivering.deliver(house.services)

    assert sorted(types(receiver)) == ["invoice.paid", "payment.received"]
    paid = next(json.loads(b) for _, _, b in receiver.received if json.loads(b)["type"] == "invoice.paid")
    assert float(paid["data"]["open_amount"]) == 0 and isinstance(paid["data"]["total_amount"], str)


def test_an_edit_here_is_told_with_its_transaction_or_not_at_all(house: Books, receiver: Listener):
    synced(house)
    subscribed(house, receiver)
    an_invoice(house)
    with house.services.db.transaction("default") as tx:
        tx.execute("update ledger.invoices set memo = 'never'")
        raise psycopg.Rollback

    assert [row["type"] for row in house.rows("select type from sync.events")] == ["invoice.created"]


def test_a_program_that_writes_by_sql_is_told_of_too_and_reads_nothing_of_webhooks(house: Books, receiver: Listener):
    synced(house)
    subscribed(house, receiver, ["payment.received"])
    customer = house.rows("select ledger_id from ledger.customers order by 1 limit 1")[0]["ledger_id"]
    with house.database.connect("writer") as writer:
        writer.execute(
            "insert into ledger.payments (customer_id, payment_date, currency, total_amount)"
            " values (%s, '2026-11-01', 'USD', 12.5)",
            (customer,),
        )
        for table in ("webhooks", "events", "deliveries"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                writer.execute(f"select * from sync.{table}")

    assert house.value("select data ->> 'total_amount' from sync.events") == "12.5"


def test_a_bill_is_told_of_when_it_becomes_owed(house: Books, receiver: Listener):
    synced(house)
    subscribed(house, receiver, ["bill.approved"])
    vendor = house.rows(
        "insert into ledger.vendors (tenant_id, name, currency, changed_by)"
        " values ('default', 'V', 'USD', 'me') returning ledger_id"
    )[0]["ledger_id"]
    house.change(
        "insert into ledger.bills (tenant_id, vendor_id, issue_date, currency, total_amount, open_amount, changed_by)"
        " values ('default', %s, '2026-11-01', 'USD', 10, 0, 'me')",
        vendor,
    )
    assert house.value("select count(*) from sync.events") == 0

    house.change("update ledger.bills set open_amount = total_amount")

    assert house.value("select type from sync.events") == "bill.approved"


def test_conflicts_breaks_and_failed_syncs_are_told(house: Books, receiver: Listener):
    synced(house)
    subscribed(house, receiver, ["conflict.opened", "conflict.resolved", "reconciliation.break", "sync.failed"])
    house.change(
        "insert into sync.conflicts (tenant_id, connection, entity, ledger_id, kind, says, fields, ledger_version)"
        " values ('default', %s, 'invoices', 1, 'concurrent_update', 'x', '[]', 1)",
        house.name,
    )
    house.change("update sync.conflicts set state = 'resolved', ended_by = 'me'")
    house.change(
        "insert into reconciliation.breaks (tenant_id, connection, module, currency, identity, kind, cause, amount,"
        " severity, fields, says, first_seen_at, last_seen_at)"
        " values ('default', %s, 'ar', 'USD', 'i', 'k', 'amount', 1.5, 'notice', '[]', 'x', now(), now())",
        house.name,
    )
    house.simulator.post("faults", [{"path": "/v3/*", "status": 403}])
    with pytest.raises(TieoutError):
        house.sync()
    house.simulator.post("faults", [])

    while delivering.deliver(house.services):
        pass

    assert sorted(types(receiver)) == ["conflict.opened", "conflict.resolved", "reconciliation.break", "sync.failed"]
    failed = next(json.loads(b) for _, _, b in receiver.received if json.loads(b)["type"] == "sync.failed")
    assert failed["data"]["errors"][0]["code"] == "SYNC_002"


def test_a_delivery_is_signed_over_its_time_and_its_bytes(house: Books, receiver: Listener):
    synced(house)
    _, secret = subscribed(house, receiver)
    an_invoice(house)
    delivering.deliver(house.services)

    ((_, headers, body),) = receiver.received
    at, _, given = headers["Tieout-Signature"].partition(",v1=")
    wanted = hmac.new(secret.encode(), at.removeprefix("t=").encode() + b"." + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(given, wanted)
    assert abs(time.time() - int(at.removeprefix("t="))) < 600
    told = json.loads(body)
    assert (headers["Tieout-Event-Id"], headers["Tieout-Event-Type"]) == (told["id"], "invoice.created")
    assert secret not in str(house.rows("select * from sync.webhooks") + house.rows("select * from sync.secrets"))


def test_what_fails_comes_again_later_and_holds_up_only_its_own_document(house: Books, receiver: Listener):
    synced(house)
    webhook, _ = subscribed(house, receiver)
    first, other = an_invoice(house), an_invoice(house, document_number="T-2")
    house.change("update ledger.invoices set memo = 'new' where ledger_id = %s", first)
    receiver.statuses = [500] * 2

    delivering.deliver(house.services)
    assert sorted(types(receiver)) == ["invoice.created"] * 2
    assert delivering.deliver(house.services) == 0
    waiting = house.rows("select subject, attempts, status, says, due_at > now() as later from sync.deliveries")
    assert {row["subject"] for row in waiting} == {f"invoices/{first}", f"invoices/{other}"}
    assert [row["says"] for row in waiting if row["attempts"]] == ["answered 500, expected 200 to 299"] * 2
    assert all(row["later"] for row in waiting if row["attempts"])
    for _ in range(3):
        due_now(house)
        delivering.deliver(house.services)

    of_first = [json.loads(b) for _, _, b in receiver.received if json.loads(b)["subject"] == f"invoices/{first}"]
    assert [one["type"] for one in of_first] == ["invoice.created", "invoice.created", "invoice.updated"]
    assert of_first[0] == of_first[1]
    with house.services.db.transaction("default") as tx:
        assert {one.state for one in webhooks.deliveries(tx, webhook, limit=10)} == {"delivered"}


def test_what_fails_ten_times_is_given_up_and_told_again_on_demand(house: Books, receiver: Listener):
    synced(house)
    webhook, _ = subscribed(house, receiver, ["invoice.created"])
    an_invoice(house)
    receiver.statuses = [503] * webhooks.ATTEMPTS_MAX
    waits = []
    for _ in range(webhooks.ATTEMPTS_MAX):
        due_now(house)
        delivering.deliver(house.services)
        waits.append(house.value("select extract(epoch from due_at - clock_timestamp())::float8 from sync.deliveries"))
    due_now(house)

    assert delivering.deliver(house.services) == 0
    assert house.value("select state from sync.deliveries") == "dead"
    # Each about four times as long as the one before, until a day.
    assert waits == sorted(waits[:-2]) + waits[-2:] and waits[0] < 10 and waits[-1] > 80_000
    with serving(house.services) as url:
        operator = Client(url, key_of(house, "operator"))
        (dead,) = operator.get(f"/v1/webhooks/{webhook}/deliveries?state=dead").json()["items"]
        again = operator.post(f"/v1/webhooks/{webhook}/deliveries/{dead['id']}/redeliver")
        assert (again.status_code, again.json()["state"]) == (200, "waiting")
        delivering.deliver(house.services)
        (done,) = operator.get(f"/v1/webhooks/{webhook}/deliveries").json()["items"]
    assert (done["state"], done["event_id"]) == ("delivered", dead["event_id"])


def test_a_claim_that_its_sender_died_with_is_taken_over_and_nothing_else_is(house: Books, receiver: Listener):
    synced(house)
    subscribed(house, receiver)
    an_invoice(house)
    with house.services.db.transaction("default") as tx:
        (lost,) = webhooks.claim(tx, 10)

    assert delivering.deliver(house.services) == 0
    due_now(house)
    assert delivering.deliver(house.services) == 1
    # The one who was thought dead comes back, and changes nothing.
    with house.services.db.transaction("default") as tx:
        webhooks.failed(tx, lost, says="late", status=None)

    assert house.value("select state from sync.deliveries") == "delivered"
    assert json.loads(receiver.received[0][2])["id"] == str(lost.event_id)


def test_one_who_is_gone_is_told_nothing_more(house: Books, receiver: Listener):
    synced(house)
    webhook, _ = subscribed(house, receiver)
    an_invoice(house)
    receiver.statuses = [410]
    delivering.deliver(house.services)
    an_invoice(house, document_number="T-2")

    assert house.value("select is_enabled from sync.webhooks where webhook_id = %s", webhook) is False
    assert house.rows("select state from sync.deliveries") == [{"state": "dead"}]


def test_an_address_that_is_no_longer_allowed_is_given_up_and_not_called(house: Books, receiver: Listener):
    synced(house)
    subscribed(house, receiver)
    an_invoice(house)
    house.services.settings = replace(house.services.settings, webhook_networks=())

    delivering.deliver(house.services)

    assert receiver.received == []
    assert house.value("select state from sync.deliveries") == "dead"


def test_the_registry_shows_a_secret_once_and_refuses_what_leads_inside(house: Books):
    with serving(house.services) as url:
        admin, viewer = (Client(url, key_of(house, role)) for role in ("admin", "viewer"))
        made = admin.post("/v1/webhooks", {"url": "https://example.com/hook", "events": ["invoice.paid"]})
        assert made.status_code == 201 and made.json()["secret"].startswith("whsec_")
        webhook = made.json()["id"]
        assert viewer.get(f"/v1/webhooks/{webhook}").json()["secret"] is None
        assert [one["id"] for one in viewer.get("/v1/webhooks").json()] == [webhook]
        renewed = admin.call("PATCH", f"/v1/webhooks/{webhook}", {"new_secret": True, "enabled": False}).json()
        assert renewed["secret"] not in (None, made.json()["secret"]) and renewed["enabled"] is False
        for inside in ("https://10.0.0.1/", "https://[fd00::1]/", "https://169.254.169.254/latest", "http://1.1.1.1/"):
            refused = admin.post("/v1/webhooks", {"url": inside, "events": ["invoice.paid"]})
            assert (refused.status_code, refused.json()["code"]) == (422, "SYNC_004"), inside
        assert admin.post("/v1/webhooks", {"url": "https://x.example/", "events": ["nonsense"]}).status_code == 422
        assert admin.call("DELETE", f"/v1/webhooks/{webhook}").status_code == 204
        assert admin.get(f"/v1/webhooks/{webhook}").status_code == 404
    assert house.value("select count(*) from sync.secrets where name like 'webhook %%'") == 0


def test_every_event_has_its_word_in_the_description(house: Books):
    with serving(house.services) as url:
        described = Client(url).get("/openapi.json").json()["components"]["schemas"]["NewWebhook"]["properties"]

    assert described["events"]["items"]["enum"] == ALL
