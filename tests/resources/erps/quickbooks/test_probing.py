"""Probing: after an answer was lost, is what was sent there, and is it ours?"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from resources.connector import InDoubt, Wanted, Write
from resources.erps.quickbooks.mappings import MAPPINGS
from resources.errors import TieoutError
from tests.resources.erps.quickbooks.written import WrittenCompany, a_customer, now

NAMES = ("customers", "vendors", "items")


def lose(company: WrittenCompany, wanted: Wanted, drop: str = "after") -> tuple[Write, int]:
    """Send a write whose request or answer is lost; the write, and the calls made so far."""
    write = company.write_of(wanted)
    company.simulator.post("faults", [{"method": "POST", "path": "/v3/*", "nth": 1, "drop": drop}])
    (answer,) = company.connector.send([write])
    assert isinstance(answer, InDoubt)
    return write, company.connector.api_calls


@pytest.mark.parametrize("entity", MAPPINGS)
def test_what_was_made_is_found_in_one_call_and_what_was_not_is_not(written, entity):
    record = written.one_of_each()[entity]
    for drop in ("before", "after"):
        wanted = written.wanted(entity, record)
        write, calls = lose(written, wanted, drop)

        found = written.connector.probe(write, wanted, now())

        assert written.connector.api_calls == calls + 1
        assert (found is not None) is (drop == "after")
    assert entity in NAMES or written.composer.marker_of(entity, found.payload) == wanted.marker


@pytest.mark.parametrize("entity", ["invoices", "payments", "bills"])
def test_a_twin_of_the_same_content_is_not_taken_for_ours(written, entity):
    record = written.one_of_each()[entity]
    record = msgspec.structs.replace(record, **({"applications": (), "applied_amount": Decimal(0),
                                                 "unapplied_amount": record.total_amount}
                                                if entity == "payments" else {"document_number": ""}))  # fmt: skip
    written.made(entity, record)
    wanted = written.wanted(entity, record)
    write, _ = lose(written, wanted, "before")

    assert written.connector.probe(write, wanted, now()) is None


def test_ours_is_found_by_its_content_when_somebody_took_its_mark_away(written):
    wanted = written.wanted("invoices", written.an_invoice(document_number="INV-7"))
    write, _ = lose(written, wanted)
    (invoice,) = written.simulator.objects("Invoice")
    written.simulator.edit("/invoice", {"Id": invoice["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "see me"})
    other = written.wanted("invoices", written.an_invoice("99.00", document_number="INV-7"))

    assert written.connector.probe(write, wanted, now()).external_id == invoice["Id"]
    assert written.connector.probe(write, other, now()) is None


def test_a_name_that_was_there_long_before_is_not_what_we_made(written):
    wanted = written.wanted("customers", a_customer(name="Usual Customer"))
    assert written.connector.probe(written.write_of(wanted), wanted, now() + timedelta(hours=1)) is None


def test_a_name_made_and_since_made_inactive_is_found(written):
    wanted = written.wanted("customers", a_customer(name="Here It's 'Gone'"))
    write, _ = lose(written, wanted)
    made = written.connector.probe(write, wanted, now())
    written.ended("customers", made, "delete")

    assert written.connector.probe(write, wanted, now()).external_id == made.external_id


def test_a_clock_that_is_slow_over_there_hides_nothing(written):
    written.simulator.post("clock", {"now": (now() - timedelta(hours=5)).isoformat()})
    try:
        written._connect()
        wanted = written.wanted("invoices", written.an_invoice())
        write, calls = lose(written, wanted)
        assert written.connector.probe(write, wanted, now()) is not None
        assert written.connector.api_calls == calls + 2
    finally:
        written.simulator.post("clock", {})


@pytest.mark.parametrize("entity", MAPPINGS)
def test_a_change_is_seen_by_the_version_and_only_once_it_happened(written, entity):
    held = written.held(entity, written.made(entity, written.one_of_each()[entity]).external_id)
    field = "phone" if entity in ("customers", "vendors") else "description" if entity == "items" else "private_note"
    for operation, drop in (("update", "before"), ("update", "after"), ("delete", "before"), ("delete", "after")):
        if (operation, drop) == ("delete", "before"):
            held = written.held(entity, held.external_id)
        wanted = written.change_of(entity, held, operation, **({field: "123"} if operation == "update" else {}))
        write, calls = lose(written, wanted, drop)

        found = written.connector.probe(write, wanted, now())

        assert written.connector.api_calls == calls + 1
        if drop == "before":
            assert found is None
        elif operation == "update" or entity in NAMES:
            assert int(found.version_token) == int(held.version_token) + 1
        else:
            assert found.is_deleted
            assert found.external_id == held.external_id


def test_a_404_on_the_way_is_no_deletion(written):
    held = written.made("customers", a_customer(name="Shared"))
    write, _ = lose(written, written.change_of("customers", held, "delete"), "before")
    written.simulator.post("faults", [{"method": "GET", "status": 404, "body": "<html>Not Found</html>"}])

    with pytest.raises(TieoutError, match="404"):
        written.connector.probe(write, written.change_of("customers", held, "delete"), now())


def test_a_change_by_somebody_else_is_given_too(written):
    held = written.made("customers", a_customer(name="Shared"))
    wanted = written.change_of("customers", held, phone="1")
    write, _ = lose(written, wanted, "before")
    written.simulator.edit("/customer", {"Id": held.external_id, "SyncToken": "0", "sparse": True, "Notes": "theirs"})
    assert written.connector.probe(write, wanted, now()).payload["Notes"] == "theirs"


def test_a_void_is_seen(written):
    held = written.made("payments", written.a_payment("10.00"))
    wanted = written.change_of("payments", held, "void")
    write, _ = lose(written, wanted)
    assert written.connector.probe(write, wanted, now()).payload["TotalAmt"] == 0
