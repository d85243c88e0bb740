"""Rows read by a learned shape are the rows that were sent; whatever a shape cannot prove is judged with care."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from ledger.shapes import Shaped, plain
from resources import wire_json
from resources.wire_shapes import Row, RowReader

ORDINARY = b'{"Id":"1","Total":10.50,"Ref":{"value":"7"},"Line":[{"Id":"1","Qty":2},{"Id":"2"}],"Tags":[],"Note":null}'


def read(*texts: bytes) -> list[Row]:
    """Read rows by a shape that was learned from one ordinary row."""
    whole = b"[" + b",".join([ORDINARY, *texts]) + b"]"
    raws = [msgspec.Raw(text) for text in (ORDINARY, *texts)]
    return RowReader(learned_from_rows=1).read(raws, whole)[1:]


def test_a_row_of_the_shape_is_what_was_sent_whatever_it_leaves_out():
    texts = [ORDINARY, b'{"Id":"2"}', b'{"Id":"3","Ref":{},"Line":[{}],"Note":null}', b'{"Total":-0.00,"Id":"4"}']
    for row, text in zip(read(*texts), texts, strict=True):
        assert isinstance(row.value, Shaped)
        assert plain(row.value) == wire_json.parse(text).root
        assert row.text == text
    assert str(read(b'{"Total":-0.00,"Id":"4"}')[0].value["Total"]) == "-0.00"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'{"Id":"2", "Total":1.00}', id="a space"),
        pytest.param(b'{\r\n  "Id" : "2",\r\n  "Line" : [ { "Qty" : 3 } ],\r\n  "Total" : 1.00\r\n}', id="indented"),
        pytest.param(b'{"Id":"\\/Date(1588633397422+0000)\\/"}', id="escaped slashes"),
        pytest.param(b'{"Id":"a \\"quoted\\" word","Total":1.00 }', id="escaped quotes"),
    ],
)
def test_a_row_of_the_shape_may_be_written_with_spaces_and_escapes(text):
    (row,) = read(text)
    assert isinstance(row.value, Shaped)
    assert plain(row.value) == wire_json.parse(text).root


def test_a_shaped_object_answers_as_a_dict_does():
    value = read(b'{"Id":"2","Ref":{"value":"7"},"Note":null}')[0].value
    as_dict = {"Id": "2", "Ref": {"value": "7"}, "Note": None}
    assert (set(value), len(value)) == (set(as_dict), 3)
    for key in ("Id", "Note", "Line", "Total", "keys", "absent", "nowhere"):
        assert value.get(key, "?") == as_dict.get(key, "?")
        assert (key in value) == (key in as_dict)
    with pytest.raises(KeyError):
        value["Line"]
    assert (value["Ref"]["value"], value["Ref"].get("name")) == ("7", None)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'{"Id":"2","Novelty":1}', id="a key never seen"),
        pytest.param(b'{"Id":2}', id="a number for a text"),
        pytest.param(b'{"Id":"2","Total":"10.50"}', id="a text for a number"),
        pytest.param(b'{"Id":"2","Ref":null}', id="nothing for an object"),
        pytest.param(b'{"Id":"2","Tags":["x"]}', id="something in a list that was empty"),
        pytest.param(b'{"Id":"2","Total":1.0e2}', id="an exponent"),
        pytest.param(b'["Id"]', id="no object"),
    ],
)
def test_what_does_not_fit_is_read_with_care_and_not_lost(text):
    (row,) = read(text)
    assert not isinstance(row.value, Shaped)
    assert (row.value, row.is_suspect) == (wire_json.parse(text).root, False)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'{"Id":"2","Id":"3"}', id="a key twice"),
        pytest.param(b'{"Id":"2", "Id":"3"}', id="a key twice, and a space"),
        pytest.param(b'{"Id":"2","Id":"\\u0022\\u0022\\u0022"}', id="a key twice, and as many quotes by number"),
        pytest.param(b'{"Id":"2","Line":[{"Id":"1","Id":"1"}]}', id="a key twice in a line"),
        pytest.param(b'{"Id":"2","Total":1E+400}', id="an absurd exponent"),
        pytest.param(b'{"Id":"2","Total":1234567890123456789012.00}', id="an absurd number"),
        pytest.param(b'{"Id":"2","Line":[{"Qty":1234567890123456789}]}', id="an absurd whole number"),
        pytest.param(b'{"Id":"a\\u0000b"}', id="a NUL"),
        pytest.param(b'{"Id":"\\ud800"}', id="half of a surrogate pair"),
    ],
)
def test_what_cannot_be_stored_is_found_in_its_row_and_spoils_no_other(text):
    before, row, after = read(ORDINARY, text, ORDINARY)
    assert row.is_suspect
    assert wire_json.find_unstorable(row.value) is not None
    assert not before.is_suspect
    assert not after.is_suspect


def test_a_row_cut_short_condemns_the_answer():
    with pytest.raises(wire_json.MalformedJson):
        read(b'{"Id":"2"')


def test_a_reader_learns_on_until_it_knows_the_shape():
    reader = RowReader(learned_from_rows=2)
    texts = [b'{"Id":"1"}', b'{"Id":"2"}', b'{"Id":"3","New":1}', b'{"Id":"4","New":1.5}', b'{"Id":"5","New":2}']
    values = [reader.read([msgspec.Raw(text)], text)[0].value for text in texts]
    assert [isinstance(value, Shaped) for value in values] == [False, False, False, False, True]
    assert values[-1]["New"] == Decimal(2)


def test_what_has_no_one_shape_is_read_all_the_same():
    reader = RowReader(learned_from_rows=1)
    texts = [b'{"A":{"x":1}}', b'{"A":"x"}', b'{"@a":1}', b'{"A":[1,"x",{}]}'] * 3
    values = [reader.read([msgspec.Raw(text)], text)[0].value for text in texts]
    assert [plain(value) for value in values] == [wire_json.parse(text).root for text in texts]
