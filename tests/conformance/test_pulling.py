"""Every connector x entity: what is over there is here, and what changes or goes there does so here."""

from __future__ import annotations

import pytest

from ledger.columns import Columns, take_apart
from resources.erps import erp_of
from resources.errors import TieoutError
from resources.stages.sync import LEDGER_ENTITIES
from resources.stores import mirror
from tests.books import changed
from tests.conformance.conftest import Company


@pytest.mark.parametrize("entity", LEDGER_ENTITIES)
def test_pulling_everything_brings_what_the_company_holds(demo: Company, entity: str):
    assert demo.books.mirror_ids(entity) == demo.live_ids(entity)
    assert demo.books.ledger_ids(entity) == demo.live_ids(entity)


def test_nothing_of_the_demo_company_is_held(demo: Company):
    assert demo.books.open_errors() == []


@pytest.mark.parametrize("entity", LEDGER_ENTITIES)
def test_a_page_is_read_as_each_of_its_records_is(demo: Company, entity: str):
    mapping = erp_of(demo.erp).mappings()[entity]
    with demo.books.services.db.transaction(demo.books.tenant) as tx:
        page = mirror.changes(tx, demo.books.name, entity, after_seq=0, limit=100)
    payloads = [change.payload for change in page if not change.is_deleted]

    places, apart = mapping.columns_of(payloads)

    one_by_one = take_apart(mapping.spec, [mapping.from_wire(payloads[place]) for place in places])
    assert told(apart.columns) == told(one_by_one.columns)
    for name, parts in one_by_one.parts.items():
        assert list(apart.parts[name].owners) == list(parts.owners)
        assert told(apart.parts[name].columns) == told(parts.columns)
    assert sorted(places) == list(range(len(payloads)))


def told(columns: Columns) -> dict[str, list[str]]:
    """To the digit, whether an amount is one or its text."""
    return {name: [str(value) for value in values] for name, values in columns.items()}


def test_both_books_tie_out_by_module_and_currency(demo: Company):
    results = demo.books.reconcile()

    assert {module for module, _ in results} == {"ar", "ap"}
    assert [(key, r.ledger_amount, r.erp_amount) for key, r in results.items() if r.difference or r.breaks] == []


def test_a_second_sync_changes_nothing(demo: Company):
    assert changed(demo.books.sync()) == {}


@pytest.mark.parametrize("entity", LEDGER_ENTITIES)
def test_a_census_restores_what_the_mirror_lost(demo: Company, entity: str):
    lost = min(demo.live_ids(entity))
    demo.books.change(f"delete from mirror.{entity} where connection = %s and external_id = %s", demo.books.name, lost)

    report = demo.books.sync("full", mirror_entities=[entity], ledger_entities=[entity])

    assert report.censuses[entity].repaired == 1
    assert demo.books.mirror_ids(entity) == demo.live_ids(entity)


@pytest.mark.parametrize("entity", LEDGER_ENTITIES)
def test_a_census_buries_what_is_not_there(demo: Company, entity: str):
    ghost = demo.words.ghost
    demo.books.change(
        f"insert into mirror.{entity} (connection, external_id, tenant_id, version_token, modified_at, content_hash, "
        "payload, is_deleted) select connection, %s, tenant_id, version_token, modified_at, content_hash, payload, "
        f"false from mirror.{entity} where connection = %s limit 1",
        ghost,
        demo.books.name,
    )

    report = demo.books.sync("full", mirror_entities=[entity], ledger_entities=[])

    assert report.censuses[entity].buried == 1
    assert ghost not in demo.books.mirror_ids(entity)


def test_a_new_name_over_there_arrives_with_the_next_delta(company: Company):
    company.made("invoices")
    company.books.push()
    external_id = next(iter(company.books.ledger_ids("customers")))

    words = company.words
    company.books.simulator.post(
        "edit",
        {"operation": "update", "entity": words.customer_word, "id": external_id, "body": {words.name_key: "Lund AS"}},
    )
    company.books.sync()

    assert company.books.ledger_row("customers", external_id)["name"] == "Lund AS"


def test_a_void_over_there_arrives_with_the_next_delta(company: Company):
    company.made("invoices")
    company.books.push()
    (external_id,) = company.live_ids("invoices")

    company.books.simulator.post("edit", {"operation": "void", "entity": company.words.invoice_word, "id": external_id})
    company.books.sync()

    row = company.books.ledger_row("invoices", external_id)
    assert (row["is_void"], row["open_amount"]) == (True, 0)


def test_an_unknown_entity_is_refused_by_name(company: Company):
    _, connector = company.books.services.connect(company.books.services.connection(company.books.name))

    with pytest.raises(TieoutError, match="one of customers"):
        list(connector.pull("ghosts"))
