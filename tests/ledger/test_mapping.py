"""The vocabulary of mappings: missing is the default, wrong is an error with a place, what is written reads back."""

from __future__ import annotations

import copy
from datetime import date
from decimal import Decimal

import msgspec
import pytest

from ledger.entities.documents import SalesLine
from ledger.fields import Amount, Choice, Day, Flag, MappingError, Parts, Ref, Text, Variant, getter, put
from ledger.mapping import WireMapping, overlay, read_part, write_part
from ledger.spec import SpecError

ITEMS = WireMapping(
    "items",
    "Thing",
    {
        "name": Text("Label.0.text", length_max=5),
        "kind": Choice("Kind", words={"S": "service", "I": "inventory"}),
        "parent": Ref("Up.id", pseudo=frozenset({"ROOT"})),
        "sales_price": Amount("Price", is_negated=True),
        "is_active": Flag("On"),
    },
)
GOOD = {"Label": [{"text": "Lamp"}], "Kind": "S", "Up": {"id": "7"}, "Price": Decimal("1.50"), "On": False}


def test_every_field_is_read_from_its_place():
    item = ITEMS.from_wire(GOOD)
    assert (item.name, item.kind, item.parent, item.sales_price, item.is_active) == (
        "Lamp",
        "service",
        "7",
        Decimal("-1.50"),
        False,
    )
    assert ITEMS.to_wire(item) == GOOD


def test_what_is_missing_or_null_has_its_default():
    for sparse in ({}, {"Up": None, "Price": None, "On": None}):
        item = ITEMS.from_wire({"Label": [{"text": "Lamp"}], "Kind": "I", **sparse})
        assert (item.parent, item.sales_price, item.is_active) == (None, None, True)


def test_an_id_that_stands_for_no_record_is_none():
    assert ITEMS.from_wire({**GOOD, "Up": {"id": "ROOT"}}).parent is None


@pytest.mark.parametrize(
    ("wrong", "field", "path", "found", "expected"),
    [
        ({"Label": []}, "name", "Label.0.text", "None", "required"),
        ({"Label": [{"text": 5}]}, "name", "Label.0.text", "5", "text"),
        ({"Label": "Lamp"}, "name", "Label.0.text", "'Lamp'", "object"),
        ({"Kind": "X"}, "kind", "Kind", "'X'", "one of S, I"),
        ({"Kind": []}, "kind", "Kind", "[]", "one of S, I"),
        ({"Up": {"id": 7}}, "parent", "Up.id", "7", "id as text"),
        ({"Up": {"id": ""}}, "parent", "Up.id", "''", "id as text"),
        ({"Price": "much"}, "sales_price", "Price", "'much'", "decimal"),
        ({"Price": Decimal("NaN")}, "sales_price", "Price", "NaN", "finite"),
        ({"On": "yes"}, "is_active", "On", "'yes'", "true or false"),
        ({"On": 1}, "is_active", "On", "1", "true or false"),
    ],
)
def test_an_error_names_field_path_found_and_expected(wrong, field, path, found, expected):
    with pytest.raises(MappingError) as failure:
        ITEMS.from_wire({**GOOD, **wrong})
    error = failure.value
    assert (error.field, error.path, error.found) == (field, path, found)
    assert expected in error.expected
    assert all(word in str(error) for word in (error.field, error.path, error.found, error.expected))


def test_a_long_value_is_shown_in_part():
    with pytest.raises(MappingError) as failure:
        ITEMS.from_wire({**GOOD, "Price": "9" * 5000})
    assert len(failure.value.found) < 200


def test_a_text_too_long_for_the_erp_is_refused_when_written():
    item = ITEMS.from_wire({**GOOD, "Label": [{"text": "Chandelier"}]})
    with pytest.raises(MappingError, match="at most 5 characters"):
        ITEMS.to_wire(item)


def test_a_mapping_without_a_required_field_or_with_an_unknown_one_cannot_be_made():
    with pytest.raises(SpecError, match=r"missing fields \['kind'\]"):
        WireMapping("items", "Thing", {"name": Text("N")})
    with pytest.raises(SpecError, match=r"unknown fields \['colour'\]"):
        WireMapping("items", "Thing", {"name": Text("N"), "kind": Choice("K"), "colour": Text("C")})


def a_line_mapping(nested_path: str | None = None) -> Parts:
    fields = {"line_key": Text("Id"), "amount": Amount("Amount"), "service_date": Day("Day")}
    return Parts(
        path="Rows",
        variant_path="Type",
        variants={
            "Sale": Variant({"kind": "item"}, fields),
            "Bundle": Variant({"kind": "group", "amount": Decimal(0)}, {"line_key": Text("Id")}),
            "Sum": None,
        },
        nested_path=nested_path,
    )


INVOICES = WireMapping(
    "invoices",
    "Sale",
    {
        "customer": Ref("To"),
        "issue_date": Day("Date"),
        "currency": Text("Cur"),
        "net_amount": Amount("Net"),
        "total_amount": Amount("Total"),
        "open_amount": Amount("Open"),
    },
    {"lines": a_line_mapping("Bundle.Rows")},
)
SALE = {"To": "1", "Date": "2026-01-05", "Cur": "USD", "Net": 3, "Total": 3, "Open": 3}


def test_lines_are_numbered_as_they_stand_and_computed_ones_are_left_out():
    nested = {"Type": "Sale", "Id": "b", "Amount": 2, "Day": "2026-01-04"}
    rows = [
        {"Type": "Sum", "Amount": 9},
        {"Type": "Sale", "Id": "a", "Amount": 1},
        {"Type": "Bundle", "Id": "g", "Bundle": {"Rows": [nested]}},
    ]

    lines = INVOICES.from_wire({**SALE, "Rows": rows}).lines

    assert [(line.position, line.line_key, line.kind, line.amount) for line in lines] == [
        (1, "a", "item", 1),
        (2, "g", "group", 0),
        (3, "b", "item", 2),
    ]
    assert lines[2].service_date == date(2026, 1, 4)


@pytest.mark.parametrize(
    ("rows", "field", "path"),
    [
        ([{"Type": "Sum"}, {"Type": "Sale", "Amount": "x"}], "lines[1].amount", "Rows[1].Amount"),
        ([{"Type": "Gift"}], "lines[1].Type", "Rows[0].Type"),
        ([{"Type": "Sale"}], "lines[1].amount", "Rows[0].Amount"),
        (["text"], "lines[1]", "Rows[0]"),
        ({"no": "list"}, "lines", "Rows"),
        (
            [{"Type": "Bundle", "Bundle": {"Rows": [{"Type": "Sale", "Amount": True}]}}],
            "lines[2].amount",
            "Rows[0].Bundle.Rows[0].Amount",
        ),
    ],
)
def test_an_error_in_a_line_says_which_line(rows, field, path):
    with pytest.raises(MappingError) as failure:
        INVOICES.from_wire({**SALE, "Rows": rows})
    assert (failure.value.field, failure.value.path) == (field, path)


def test_a_path_makes_the_objects_and_lists_on_its_way():
    body: dict = {}
    put(body, "a.0.b", 1)
    put(body, "a.0.c.d", 2)
    assert body == {"a": [{"b": 1, "c": {"d": 2}}]}
    assert getter("a.0.c.d")(body) == 2
    assert getter("a.5.c")(body) is None
    assert getter("x.y.z")(body) is None


def test_what_changed_is_laid_over_what_the_erp_holds_and_what_is_gone_is_taken_out():
    held = {**GOOD, "Other": {"kept": 1}}
    base = ITEMS.from_wire(held)
    wanted = msgspec.structs.replace(base, name="Desk", parent=None)

    cleared = overlay(ITEMS.fields, body := copy.deepcopy(held), wanted, base)

    assert cleared == ("parent",)
    assert ITEMS.from_wire(body) == wanted
    assert {key: value for key, value in body.items() if key not in ("Label", "Up")} == {
        key: value for key, value in held.items() if key not in ("Label", "Up")
    }
    assert "Up" not in body


def test_nothing_changed_lays_nothing_over():
    base = ITEMS.from_wire(GOOD)
    assert overlay(ITEMS.fields, body := copy.deepcopy(GOOD), base, base) == ()
    assert body == GOOD


def test_one_part_is_written_and_read_by_itself():
    lines = a_line_mapping()
    line = SalesLine(line_key="7", position=3, kind="item", amount=Decimal("1.50"))
    element = write_part(lines, line)
    assert element == {"Type": "Sale", "Id": "7", "Amount": Decimal("1.50")}
    assert read_part(lines.variant_for(line)[1], SalesLine, element, 3) == line
    with pytest.raises(MappingError, match="a kind this ERP has"):
        write_part(lines, msgspec.structs.replace(line, kind="shipping"))
