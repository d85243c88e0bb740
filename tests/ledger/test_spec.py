"""Entities are declarations: what can be built from them is, and what cannot is refused at once."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import pytest

from ledger.entities import REFERENCE_ENTITIES
from ledger.spec import LedgerId, Owner, Part, Record, SpecError, entities, entity, refers_to, spec_of

NAMES = [spec.name for spec in entities()]


def test_the_ten_entities_come_parents_first():
    assert NAMES == [
        "customers",
        "vendors",
        "items",
        "invoices",
        "credit_memos",
        "payments",
        "purchase_orders",
        "bills",
        "vendor_credits",
        "bill_payments",
    ]
    for spec in entities():
        assert all(NAMES.index(parent) < NAMES.index(spec.name) for parent in spec.references), spec.name


@pytest.mark.parametrize("spec", entities(), ids=NAMES)
def test_every_entity_says_what_it_is_and_has_a_key_and_rules_on_its_own_columns(spec):
    assert spec.says
    assert spec.natural_key
    assert spec.rules
    assert all(rule.says and rule.sql for rule in spec.rules)
    assert set(spec.natural_key) <= {f.name for f in spec.fields}


@pytest.mark.parametrize("spec", [s for s in entities() if s.is_document], ids=lambda s: s.name)
def test_every_document_has_a_currency_and_exact_amounts(spec):
    fields = {f.name: f for f in spec.fields}
    assert fields["currency"].kind is str
    assert all(f.kind is Decimal for name, f in fields.items() if name.endswith("_amount"))
    assert spec.parts


def test_a_document_names_what_it_refers_to():
    assert spec_of("invoices").references == ("customers", "items")
    assert spec_of("customers").references == ()
    assert spec_of("invoices").part_table_names == {"lines": "invoice_lines"}


def test_a_reference_is_stored_as_the_ledger_id():
    (customer,) = [f for f in spec_of("invoices").fields if f.name == "customer"]
    assert customer.column == "customer_id"


def test_an_unknown_entity_is_answered_with_the_known_ones():
    with pytest.raises(SpecError, match="invoices, credit_memos"):
        spec_of("unicorns")
    assert not set(REFERENCE_ENTITIES) & set(NAMES)


def declare(record: type[Record], name: str = "test_things", natural_key: tuple[str, ...] = ()) -> None:
    entity(name=name, side="shared", natural_key=natural_key)(record)


def test_a_field_of_a_kind_that_no_column_holds_is_refused():
    class Thing(Record):
        price: float

    class Clock(Record):
        at: datetime

    for record in (Thing, Clock):
        with pytest.raises(SpecError, match="expected one of"):
            declare(record)


def test_a_name_that_is_taken_and_a_key_that_is_no_field_are_refused():
    class Thing(Record):
        name: str

    with pytest.raises(SpecError, match="declared twice"):
        declare(Thing, name="invoices")
    with pytest.raises(SpecError, match="colour"):
        declare(Thing, natural_key=("colour",))


class Nested(Part):
    x: str


class Holder(Part):
    inner: tuple[Nested, ...] = ()


class TooDeep(Record):
    owner: Annotated[LedgerId, refers_to("customers"), Owner.ERP]
    holders: tuple[Holder, ...] = ()


def test_parts_of_parts_are_refused():
    with pytest.raises(SpecError, match="parts of its own"):
        declare(TooDeep)
    assert [spec.name for spec in entities()] == NAMES
