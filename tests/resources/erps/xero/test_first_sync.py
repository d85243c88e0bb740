"""Reading everything for the first time: each list once, in so many calls as were said before, and what it tells."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import dagster as dg
import pytest
import requests

from assets.partitions import CONNECTION as CONNECTION_DIMENSION
from assets.partitions import partition_key
from pipelines.definitions import build_definitions
from resources.connector import CallForecast
from resources.erps.xero.wire import Wire
from tests.assets.conftest import materialized
from tests.books import changed, opened_books
from tests.conftest import NewDatabase
from tests.house import CONNECTION, Simulator, connect_simulator, open_house, prepare_database
from tests.resources.erps.xero.books import BothBooks
from tests.resources.erps.xero.test_reading import contacts


def lists_read(simulator: Simulator) -> Counter[str]:
    """How often each list was read, counting its records aside."""
    rows = requests.get(f"{simulator.base_url}/_sandbox/log", timeout=60).json()
    rows = rows["requests"] if isinstance(rows, dict) else rows
    asked = [row for row in rows if row["path"].startswith("/api.xro") and "pageSize=1&" not in f"{row['query']}&"]
    return Counter(row["path"].rpartition("/")[2] for row in asked)


def test_every_list_is_read_once_and_in_as_many_calls_as_were_forecast(
    new_database: NewDatabase, xero_simulator: Simulator, tmp_path
):
    told: list[str] = []
    with opened_books(new_database, xero_simulator, tmp_path, "empty", "xero") as books:
        some = contacts(2300)
        for number, contact in enumerate(some):
            contact["UpdatedDateUTC"] = f"/Date({1_780_000_000_000 + number * 1000}+0000)/"
        xero_simulator.post("load", {"Contacts": some})
        requests.delete(f"{xero_simulator.base_url}/_sandbox/log", timeout=60)
        books.services.on_progress = lambda name, what, count: told.append(what)

        report = books.sync()

        assert report.forecast is not None
        read = lists_read(xero_simulator)
        assert read.pop("Contacts") == 3
        # Once for what is synced, and once for the organisation's currency before anything.
        assert read.pop("Organisation") == 2
        assert set(read.values()) == {1}
        assert report.forecast.calls == sum(read.values()) + 3 + 1
        assert len(books.mirror_ids("customers")) == len(books.mirror_ids("vendors")) == 2300
        again = books.sync()
        assert changed(again) == {}
        # What docs/connect-xero.md says of a delta with nothing new.
        assert again.api_calls == 9
    assert "the day's 5000 calls" in told[0]
    assert any("% of the day's calls; pulling customers" in what for what in told)


def test_a_full_sync_and_a_window_say_before_what_they_take(
    new_database: NewDatabase, xero_simulator: Simulator, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("resources.erps.xero.profile.CALLS_PER_MINUTE_MAX", 1000)
    told: list[str] = []
    with opened_books(new_database, xero_simulator, tmp_path, "empty", "xero") as books:
        some = contacts(2300)
        for number, contact in enumerate(some):
            contact["UpdatedDateUTC"] = f"/Date({1_780_000_000_000 + number * 1000}+0000)/"
        xero_simulator.post("load", {"Contacts": some})
        books.sync()
        books.services.on_progress = lambda name, what, count: told.append(what)
        first_second = datetime.fromtimestamp(1_780_000_000, UTC)

        def forecast_and_read(**how: Any) -> tuple[int, int]:
            requests.delete(f"{xero_simulator.base_url}/_sandbox/log", timeout=60)
            report = books.sync(**how)
            assert report.forecast is not None
            return report.forecast.calls, sum(lists_read(xero_simulator).values())

        # Besides, the organisation is asked for its currency.
        said, made = forecast_and_read(kind="full")
        assert made == said + 1
        # The first 1500 of them, as customers and as vendors.
        until = first_second + timedelta(seconds=1500)
        said, made = forecast_and_read(window=(first_second, until))
        assert made == said + 1
        assert "the day's 5000 calls" in told[0]
        assert sum("of the day's 5000 calls" in what for what in told) == 2


def test_a_forecast_says_its_end_and_its_share_in_a_few_words(xero_simulator: Simulator, organisation):
    forecast = organisation.connector.forecast(["customers", "vendors"])

    assert isinstance(forecast, CallForecast)
    assert forecast.calls == 1
    assert forecast.brief.endswith("UTC, 0 % of the day's calls")


def test_the_run_says_what_the_first_sync_takes_of_the_day(new_database: NewDatabase, xero_simulator, tmp_path):
    xero_simulator.reset("empty")
    with (
        open_house(new_database(prepare_database), tmp_path) as house,
        dg.DagsterInstance.ephemeral() as instance,
    ):
        connect_simulator(house, xero_simulator, erp="xero")
        instance.add_dynamic_partitions(CONNECTION_DIMENSION, [CONNECTION])
        job = build_definitions().resolve_job_def("delta_sync")
        result = job.execute_in_process(
            instance=instance, partition_key=partition_key(CONNECTION, datetime.now(UTC).date())
        )

    said = materialized(result)["mirror/invoices"]
    assert "of the day's 5000 calls" in said["day_budget"]


def test_a_credit_that_is_taken_off_an_invoice_over_there_arrives_with_the_next_delta(both: BothBooks):
    customer = both.writer.customer("Lund & Sons")
    invoice = both.invoice(customer, "40.00", "L-1")
    value = Decimal(20)
    note = both.writer.insert(
        "credit_memos",
        [{"kind": "item", "account_code": "200", "amount": value, "description": "returned"}],
        customer_id=customer,
        document_number="C-1",
        issue_date="2026-03-03",
        currency="USD",
        net_amount=value,
        total_amount=value,
        open_amount=value,
    )
    parts = [
        {"document_entity": entity, "document_id": row, "document_key": "", "amount": value}
        for entity, row in (("invoices", invoice), ("credit_memos", note))
    ]
    both.writer.insert(
        "payments",
        parts,
        customer_id=customer,
        payment_date="2026-03-04",
        currency="USD",
        total_amount=Decimal(0),
        applied_amount=Decimal(0),
        unapplied_amount=Decimal(0),
    )
    both.books.push()
    both.books.sync()
    assert both.open_amounts() == {"L-1": Decimal(20)}
    (there,) = both.there("CreditNotes")
    (allocation,) = there["Allocations"]

    path = f"/CreditNotes/{there['CreditNoteID']}/Allocations/{allocation['AllocationID']}"
    both.books.simulator.post("edit", {"method": "DELETE", "path": path})
    report = both.books.sync()

    assert report.censuses == {}
    assert both.open_amounts() == {"L-1": Decimal(40)}
    assert both.books.ledger_ids("payments") == set()
    assert both.is_settled()


def test_a_forecast_that_cannot_be_made_stops_nothing(both: BothBooks, monkeypatch):
    def count(wire: Wire, answer: Any) -> int:
        raise wire.damaged("a page without itemCount", "the number of records")

    monkeypatch.setattr("resources.erps.xero.budget._count", count)

    assert both.books.sync("full").forecast is None

    assert both.is_settled()
