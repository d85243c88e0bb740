"""The connector against the QuickBooks simulator, in a process of its own: whole companies, edits, totals, tokens.

The simulator was written from the published reference by other hands than the connector, so that one wrong belief
cannot sit on both sides.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import requests

from resources.crypto import LocalMasterKey, Vaultkeeper
from resources.erps.quickbooks.auth import IntuitTokenEndpoint, first_tokens
from resources.erps.quickbooks.client import QuickBooksConnector
from resources.erps.quickbooks.profile import WIRE_ENTITIES
from resources.oauth import TokenKeeper
from resources.stores.token_journal import TokenJournal
from tests.resources.secret_tables import MASTER_KEY, TENANT, prepare, transactions

ROOT = Path(__file__).parents[4]
SAMPLE_COMPANY = ROOT.parent / "shared" / "reference" / "quickbooks" / "sample_company"
FED = [name for name, entity in WIRE_ENTITIES.items() if entity.has_change_feed]


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    """The base URL of a simulator that lives as long as this module."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--erp", "quickbooks", "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        found = re.search(r"http://[\d.]+:\d+", process.stdout.readline())
        assert found, "the simulator did not say where it listens"
        yield found[0]
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def sizes(simulator, request) -> dict[str, int]:
    """Starts the company anew, as the test's `seed`; how many objects it has. Tokens from before are void."""
    return post(simulator, "reset", {"seed": getattr(request, "param", "empty")})["objects"]


@pytest.fixture
def settings(simulator, sizes) -> dict[str, str]:
    return {key: str(value) for key, value in post(simulator, "tokens").items()}


@pytest.fixture
def keeper(simulator, settings, new_database, tmp_path) -> Iterator[TokenKeeper]:
    with transactions(new_database(prepare).url()) as transaction:
        keeper = TokenKeeper(
            tenant=TENANT,
            connection="qbo",
            endpoint=IntuitTokenEndpoint(
                connection="qbo",
                client_id=settings["client_id"],
                client_secret=settings["client_secret"],
                is_sandbox=True,
                base_url=simulator,
            ),
            journal=TokenJournal(transaction, TENANT, "qbo"),
            keeper=Vaultkeeper([LocalMasterKey(MASTER_KEY)]),
            spool=tmp_path,
        )
        keeper.accept(first_tokens({"refresh_token": settings["refresh_token"]}))
        yield keeper


@pytest.fixture
def connector(simulator, settings, keeper) -> QuickBooksConnector:
    return QuickBooksConnector.open(connection="qbo", settings=settings, tokens=keeper, base_url=simulator)


def post(simulator: str, path: str, body: object = None) -> dict:
    answer = requests.post(f"{simulator}/_sandbox/{path}", json=body, timeout=60)
    answer.raise_for_status()
    return answer.json()


def write(simulator: str, settings: dict[str, str], token: str, path: str, body: dict) -> dict:
    """A request as a client of QuickBooks makes it."""
    answer = requests.post(
        f"{simulator}/v3/company/{settings['realm_id']}/{path}",
        json=body,
        headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
        timeout=60,
    )
    answer.raise_for_status()
    return next(value for value in answer.json().values() if isinstance(value, dict))


def pulled(pages) -> dict[str, object]:
    return {record.external_id: record for page in pages for record in page.records}


@pytest.mark.parametrize("sizes", ["demo"], indirect=True)
def test_the_demo_company_comes_whole_and_its_totals_tie(connector, sizes):
    for name, entity in WIRE_ENTITIES.items():
        found = pulled(connector.pull(name))
        assert len(found) == sizes[entity.wire_name], name
        assert {row[0] for page in connector.census(name) for row in page.rows} == set(found)

    totals = connector.control_totals()
    assert len({party.currency for party in totals.parties}) == 2
    by_currency = defaultdict(Decimal)
    for party in totals.parties:
        by_currency[party.module, party.currency] += party.balance
    assert by_currency == {(account.module, account.currency): account.balance for account in totals.accounts}


@pytest.mark.parametrize("sizes", ["demo"], indirect=True)
def test_edits_and_deletions_come_in_one_call_and_nothing_else_does(simulator, connector, settings, keeper):
    watermarks, known = {}, set()
    for name in FED:
        pages = list(connector.pull(name))
        watermarks[name] = pages[-1].watermark
        known |= {version(name, record) for page in pages for record in page.records}
    invoices = pulled(connector.pull("invoices"))
    unpaid = [r for r in invoices.values() if r.payload["Balance"] == r.payload["TotalAmt"] > 0]
    renamed, gone = next(iter(pulled(connector.pull("customers")).values())), unpaid[0]

    token = keeper.access_token()
    change = {"Id": renamed.external_id, "SyncToken": renamed.version_token, "sparse": True, "DisplayName": "Renamed"}
    write(simulator, settings, token, "customer", change)
    write(
        simulator,
        settings,
        token,
        "invoice?operation=delete",
        {"Id": gone.external_id, "SyncToken": gone.version_token},
    )

    calls_before = connector.api_calls
    pages = list(connector.pull_changes(watermarks))
    changed = {
        (page.entity, record.external_id): record
        for page in pages
        for record in page.records
        if version(page.entity, record) not in known
    }

    assert connector.api_calls - calls_before == 1
    assert changed["customers", renamed.external_id].payload["DisplayName"] == "Renamed"
    assert changed["invoices", gone.external_id].is_deleted
    # The deleted invoice also moved the balance of its customer, and the stock of its items, and nothing else.
    assert {entity for entity, _ in changed} <= {"customers", "invoices", "accounts", "items"}
    assert pulled(connector.pull_ids("invoices", [gone.external_id])) == {}
    assert pulled(connector.pull_ids("invoices", ["x-1", "1 or 1", "TAX"])) == {}


def test_a_token_that_is_over_is_renewed_on_the_way(simulator, connector, keeper):
    first = keeper.access_token()
    post(simulator, "clock", {"now": (datetime.now(UTC) + timedelta(hours=2)).isoformat()})

    try:
        assert connector.test().company_name
        assert keeper.access_token() != first
        assert connector.api_calls == 3
    finally:
        post(simulator, "clock", {"now": None})


@pytest.mark.shared
@pytest.mark.skipif(not SAMPLE_COMPANY.is_dir(), reason="the sample company is not beside the checkout")
def test_the_captured_sample_company_is_read_back_as_captured(simulator, connector):
    names = {name: entity.wire_name for name, entity in WIRE_ENTITIES.items()}
    captured = {
        names[path.stem]: json.loads(path.read_text())[names[path.stem]]
        for path in SAMPLE_COMPANY.glob("*.json")
        if path.stem in names
    }
    post(simulator, "load", captured)

    for name, wire_name in names.items():
        if wire_name in captured:
            found = pulled(connector.pull(name))
            assert {row["Id"] for row in captured[wire_name]} <= set(found), name
    balances = {
        party.external_id: party.balance for party in connector.control_totals().parties if party.module == "ar"
    }
    assert balances == {row["Id"]: Decimal(str(row["Balance"])) for row in captured["Customer"]}


def version(entity, record) -> tuple:
    return entity, record.external_id, record.version_token, record.modified_at, record.is_deleted
