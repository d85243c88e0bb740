"""QuickBooks' mappings: what is written reads back, what is damaged is named, and every captured object maps."""

from __future__ import annotations

import copy
import json
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.columns import Columns, TakenApart, take_apart
from ledger.fields import Choice, Derived, Field, MappingError, Parts, Ref, Text, put
from ledger.mapping import WireMapping
from ledger.shapes import plain
from ledger.spec import FieldSpec, PartSpec
from resources import wire_json
from resources.erps.quickbooks.mappings import MAPPINGS
from resources.wire_shapes import RowReader

CAPTURES = Path(__file__).parents[4].parent / "shared" / "reference" / "quickbooks"
WIRE_NAMES = {mapping.wire_name: mapping for mapping in MAPPINGS.values()}

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NUMBERS = st.decimals(min_value=-(10**9), max_value=10**9, places=2, allow_nan=False, allow_infinity=False)
VALUES: dict[type, st.SearchStrategy] = {
    str: TEXTS,
    bool: st.booleans(),
    Decimal: NUMBERS,
    date: st.dates(min_value=date(1000, 1, 1)),
}


def values_of(field: FieldSpec, wire: Field) -> st.SearchStrategy:
    if isinstance(wire, Choice):
        return st.sampled_from(sorted(set(wire.words.values()), key=str))
    if isinstance(wire, Ref):
        found: st.SearchStrategy = st.from_regex(r"[1-9][0-9]{0,5}", fullmatch=True)
    else:
        found = VALUES[field.kind]
    return found if not field.is_optional else st.none() | found


def parts_of(spec: PartSpec, mapping: Parts) -> st.SearchStrategy:
    fields = {f.name: f for f in spec.fields}

    def one(variant) -> st.SearchStrategy:
        made = {name: values_of(fields[name], wire) for name, wire in variant.fields.items()}
        return st.fixed_dictionaries(made).map(lambda values: {**values, **variant.implies})

    def numbered(parts: list[dict]) -> tuple:
        for position, part in enumerate(parts, 1):
            part["position"] = position
            if "document_key" in part:
                part["document"] = part["document_key"] = part["document_key"] or "1"
        return tuple(spec.record(**part) for part in parts)

    return st.lists(st.one_of([one(v) for v in mapping.variants.values() if v is not None]), max_size=4).map(numbered)


@cache
def records_of(name: str) -> st.SearchStrategy:
    """Records with any value in every field that QuickBooks stores; those it only implies are left at a default."""
    mapping = MAPPINGS[name]
    empty = {Decimal: Decimal(0), bool: False}
    made: dict[str, st.SearchStrategy] = {}
    for field in mapping.spec.fields:
        wire = mapping.fields.get(field.name)
        if isinstance(wire, Derived):
            made[field.name] = st.just(empty.get(field.kind, ""))
        elif wire is not None:
            made[field.name] = values_of(field, wire)
    for part in mapping.spec.parts:
        made[part.name] = parts_of(part, mapping.parts[part.name])
    return st.fixed_dictionaries(made).map(lambda values: mapping.spec.record(**values))


def as_answered(mapping: WireMapping, record: Any) -> dict[str, Any]:
    """The body of a create, with what QuickBooks fills in itself."""
    body = mapping.to_wire(record)
    for name, wire in mapping.fields.items():
        if wire.is_read_only and not isinstance(wire, Derived):
            put(body, wire.path, getattr(record, name))
    for name, parts in mapping.parts.items():
        for part, element in zip(getattr(record, name), body[parts.path], strict=True):
            for field, wire in parts.variant_of(element).fields.items():
                if wire.is_read_only and getattr(part, field) is not None:
                    put(element, wire.path, getattr(part, field))
    return body


def stored(mapping: WireMapping, record: Any) -> dict[str, Any]:
    """The record without what the wire only implies."""
    implied = {name for name, wire in mapping.fields.items() if isinstance(wire, Derived)}
    return {k: v for k, v in msgspec.structs.asdict(record).items() if k not in implied}


@pytest.mark.parametrize("name", MAPPINGS)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_is_written_reads_back(name, data):
    mapping = MAPPINGS[name]
    record = data.draw(records_of(name))
    read = mapping.from_wire(as_answered(mapping, record))
    assert stored(mapping, read) == stored(mapping, record)
    assert mapping._read_quickly(as_answered(mapping, record)) == read
    assert_a_shape_reads_the_same(mapping, as_answered(mapping, record))
    assert mapping.to_wire(read) == mapping.to_wire(record)


def assert_a_shape_reads_the_same(mapping: WireMapping, body: dict[str, Any]) -> None:
    """What is read through a shape learned from it, is what is read with care; or both refuse it in the same words."""
    text = encode_exactly(body)
    try:
        careful = wire_json.parse(text).root
    except wire_json.MalformedJson:
        return
    *_, row = RowReader(learned_from_rows=1).read([msgspec.Raw(text)] * 2, text)
    if not row.is_suspect:
        assert plain(row.value) == careful
        assert outcome_of(mapping.from_wire, row.value) == outcome_of(mapping._read_with_care, careful)
        assert_columns_say_the_same(mapping, row.value, careful)


def assert_columns_say_the_same(mapping: WireMapping, shaped: Any, careful: Any) -> None:
    """A page of them is read as columns, whatever kinds of object are in it; one that cannot be read spoils it."""
    read = mapping.columns_of([shaped, careful, shaped])
    try:
        record = mapping._read_with_care(careful)
    except MappingError:
        assert read is None
        return
    assert read is not None or any(line.get("GroupLineDetail") for line in careful.get("Line", ()))
    if read is not None:
        places, apart = read
        assert places == ([0, 1, 2] if type(shaped) is type(careful) else [0, 2, 1])
        assert spelled_out(apart) == spelled_out(take_apart(mapping.spec, [record] * 3))


ITEM = {"Id": "1", "Amount": Decimal("10.50"), "DetailType": "SalesItemLineDetail"}
SUBTOTAL = {"Amount": Decimal("21.00"), "DetailType": "SubTotalLineDetail"}
DISCOUNT = {"Id": "3", "Amount": Decimal("1.50"), "DetailType": "DiscountLineDetail"}


@pytest.mark.parametrize(
    ("lines", "net"),
    [
        pytest.param([ITEM, ITEM, SUBTOTAL], "21.00", id="its own subtotal"),
        pytest.param([ITEM, SUBTOTAL, SUBTOTAL | {"Amount": Decimal(9)}], "9", id="two, of which the last counts"),
        pytest.param([ITEM, ITEM, SUBTOTAL, DISCOUNT], "19.50", id="less a discount"),
        pytest.param([ITEM, SUBTOTAL | {"Id": "2"}], "10.50", id="a person's subtotal"),
        pytest.param([ITEM, {"Id": "2", "DetailType": "DescriptionOnly"}, SUBTOTAL], "21.00", id="a line of words"),
        pytest.param([ITEM, ITEM], "21.00", id="no subtotal"),
        pytest.param([ITEM, SUBTOTAL | {"Amount": Decimal("1E+2")}], "100", id="an exponent"),
        pytest.param([], "0", id="no lines"),
    ],
)
@pytest.mark.parametrize("note", ["Voided", "Voided - by mistake", "Not voided", None])
def test_the_net_amount_of_a_page_is_that_of_each(lines, net, note):
    body = {
        "Id": "1",
        "CustomerRef": {"value": "2"},
        "TxnDate": "2026-01-31",
        "CurrencyRef": {"value": "USD"},
        "TotalAmt": Decimal("0.00"),
        "Balance": Decimal("0.00"),
        "Line": lines,
        "PrivateNote": note,
    }
    mapping = MAPPINGS["invoices"]
    read = mapping.from_wire(wire_json.parse(encode_exactly(body)).root)
    assert (str(read.net_amount), read.is_void) == (net, str(note).startswith("Voided"))
    assert_a_shape_reads_the_same(mapping, body)


def spelled_out(apart: TakenApart) -> Any:
    """To the digit, whether an amount is one or its text."""

    def of(columns: Columns) -> dict[str, list[str]]:
        return {name: [str(value) for value in values] for name, values in columns.items()}

    return of(apart.columns), {name: (list(part.owners), of(part.columns)) for name, part in apart.parts.items()}


encode_exactly = msgspec.json.Encoder(decimal_format="number").encode


def outcome_of(read: Any, payload: Any) -> Any:
    try:
        return read(payload)
    except MappingError as error:
        return error.field, error.path, error.expected


@pytest.mark.parametrize("name", MAPPINGS)
def test_every_text_has_the_limit_quickbooks_has_or_none(name):
    for wire in MAPPINGS[name].fields.values():
        assert not isinstance(wire, Text) or wire.length_max is None or wire.length_max > 0


JUNK = st.sampled_from(
    ["", "x", 0, -1, True, Decimal("NaN"), Decimal("1E+40"), [], ["x"], {}, {"value": 3}, [{}], [None]]
)


@pytest.mark.parametrize("name", MAPPINGS)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_damaged_object_is_read_or_refused_with_a_place_and_never_anything_else(name, data):
    mapping = MAPPINGS[name]
    body = copy.deepcopy(as_answered(mapping, data.draw(records_of(name))))
    places = list(every_place(body))
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(JUNK)
    assert_a_shape_reads_the_same(mapping, body)
    try:
        # What is read quickly is what is read with care: nothing damaged slips through.
        assert mapping.from_wire(body) == mapping._read_with_care(body)
    except MappingError as error:
        assert error.field
        assert error.path
        assert error.found
        assert error.expected


def every_place(value: Any):
    """Every (holder, key) in nested objects and lists."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs):
        yield value, key
        yield from every_place(inner)


def captured_objects() -> list[tuple[str, str, dict]]:
    """(file, wire name, object) of every captured object that has a mapping, wherever it stands in an answer."""
    found: list[tuple[str, str, dict]] = []

    def look(file: str, value: Any) -> None:
        if isinstance(value, list):
            for inner in value:
                look(file, inner)
        elif isinstance(value, dict):
            for key, inner in value.items():
                if key in WIRE_NAMES:
                    rows = inner if isinstance(inner, list) else [inner]
                    found.extend((file, key, row) for row in rows if isinstance(row, dict) and "MetaData" in row)
                else:
                    look(file, inner)

    for path in sorted([*CAPTURES.glob("*.json"), *CAPTURES.glob("sample_company/*.json")]):
        document = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        look(path.stem, document.get("response", document))
    return found


@pytest.mark.shared
@pytest.mark.skipif(not CAPTURES.is_dir(), reason="the captures are not beside the checkout")
def test_every_captured_object_maps_and_its_amounts_add_up():
    seen: dict[str, int] = {}
    for file, wire_name, row in captured_objects():
        if row.get("status") == "Deleted":
            continue
        try:
            record = WIRE_NAMES[wire_name].from_wire(row)
        except MappingError as error:
            raise AssertionError(f"{file}: {wire_name}/{row.get('Id')}: {error}") from error
        seen[wire_name] = seen.get(wire_name, 0) + 1
        where = f"{file}: {wire_name}/{row['Id']}"
        if hasattr(record, "net_amount") and not record_is_void(record):
            assert record.net_amount + record.tax_amount == record.total_amount, where
        if hasattr(record, "applied_amount"):
            assert record.applied_amount + record.unapplied_amount == record.total_amount, where
        if hasattr(record, "open_amount"):
            assert min(record.total_amount, 0) <= record.open_amount <= max(record.total_amount, 0), where
        assert WIRE_NAMES[wire_name].to_wire(record)
    assert seen["Customer"] >= 33
    assert seen["Invoice"] >= 37
    assert set(seen) >= set(WIRE_NAMES) - {"VendorCredit"}


def record_is_void(record: Any) -> bool:
    return getattr(record, "is_void", False)
