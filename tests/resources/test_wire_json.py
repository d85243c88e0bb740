"""The strict parser: exact numbers, no ambiguity, and a bad record that does not take its neighbours with it."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.wire_json import AbsurdNumber, AmbiguousObject, MalformedJson, as_raw_text, find_unstorable, parse

MONEY = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**15), max_value=10**15)
PLAIN_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
PLAIN_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | PLAIN_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PLAIN_TEXT, inner, max_size=4),
    max_leaves=20,
)


def unstorable_in(text: bytes):
    document = parse(text)
    assert document.is_suspect
    return find_unstorable(document.root)


@given(MONEY)
def test_a_number_keeps_every_digit_and_its_scale(amount):
    read = parse(f'{{"Amount":{amount}}}'.encode()).root["Amount"]

    assert str(Decimal(read)) == str(amount)
    assert not isinstance(read, float)


@given(PLAIN_VALUES, st.booleans())
def test_what_is_written_is_read_back(value, is_ascii):
    document = parse(json.dumps(value, ensure_ascii=is_ascii).encode())

    assert document.root == value
    assert find_unstorable(document.root) is None


@given(PLAIN_VALUES, st.text(min_size=1, max_size=5))
def test_a_repeated_key_is_found_wherever_it_is(value, key):
    name, inner = json.dumps(key), json.dumps(value)

    found = unstorable_in(f'{{"Line":[{inner},{{{name}:1,"b":2,{name}:{inner}}}]}}'.encode())

    assert found is not None


@given(st.binary(max_size=200))
def test_any_bytes_are_either_json_or_malformed(text):
    try:
        parse(text)
    except MalformedJson:
        return
    json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b'{"a":1', b"NaN", b'{"a":Infinity}', b'{"a":-Infinity}', b"[1,]", b"{'a':1}", b"[01]", b"[1.]",
        b'["\xff"]', b'\xef\xbb\xbf{"a":1}', b'["a\nb"]', b"<html></html>", b"[" * 100_000,
        b"[" * 66 + b"1" + b"]" * 66, b"[" * 66 + rb'"\ud83d"' + b"]" * 66,
    ],
)  # fmt: skip
def test_what_is_not_strict_json_is_malformed_as_a_whole(text):
    with pytest.raises(MalformedJson):
        parse(text)


def test_sixty_four_levels_are_read():
    assert parse(b"[" * 64 + b"1" + b"]" * 64).root


@pytest.mark.parametrize(
    "number",
    [
        "1E9999999",
        "1e16",
        "1e-16",
        "9" * 19,
        "-" + "9" * 19,
        "9" * 5000,
        "1." + "1" * 24,
        "9" * 19 + ".5",
        "1e" + "9" * 5000,
    ],
)
def test_an_absurd_number_marks_its_record_and_leaves_the_others(number):
    document = parse(f'[{{"Line":[{{"Amount":1.50}},{{"Amount":{number}}}]}},{{"Amount":2}}]'.encode())

    bad, good = document.root
    assert isinstance(bad["Line"][1]["Amount"], AbsurdNumber)
    assert find_unstorable(bad).path == "Line[1].Amount"
    assert find_unstorable(good) is None


@pytest.mark.parametrize(
    "number", ["123456789012345678.123456", "999999999999999999", "1e15", "1.5E-3", "0.000000000001", "-0.0"]
)
def test_a_number_at_the_edge_is_kept(number):
    document = parse(f"[{number}]".encode())

    assert not document.is_suspect
    assert Decimal(document.root[0]) == Decimal(number)


@pytest.mark.parametrize("text", [rb'{"Memo":"a\u0000b"}', rb'{"Memo":"\ud83d"}', rb'{"Memo":"\uDE00x"}'])
def test_text_that_postgres_refuses_is_found(text):
    assert unstorable_in(text).path == "Memo"


def test_a_whole_surrogate_pair_is_an_ordinary_character():
    document = parse(rb'{"Memo":"\ud83d\ude00 \\u0000"}')

    assert document.root == {"Memo": "\U0001f600 \\u0000"}
    assert find_unstorable(document.root) is None


def test_the_raw_text_of_any_record_can_be_stored():
    record = parse(rb'{"a":"\ud83d\u0000","b":1e99,"c":1.50,"d":{"x":1,"x":2},"e":[' + b'"long",' * 5000 + b"0]}").root

    text = as_raw_text(record)

    text.encode("utf-8")
    assert "\x00" not in text
    assert len(text) < 4100
    assert isinstance(record["d"], AmbiguousObject)


@pytest.mark.parametrize(
    "text",
    [
        '{"a" :1,"a":2}', r'{"a":1,"\u0061":2}', r'{"a":"\"","a":"x"}', r'{"é":1,"\u00e9":2}', '{"a":":","a":":"}',
        '{"":1,"":{}}', '[{"b":[{"c":1,"c":1}]}]', r'{"a\/":1,"a/":2}',
    ],
)  # fmt: skip
def test_a_key_repeated_in_another_spelling_is_found(text):
    assert unstorable_in(text.encode()).found == "the same key twice in one object"


@pytest.mark.parametrize("text", ['["4620816365000000001"]', '["x4620816365000000001,4620816365000000001"]'])
def test_long_digits_in_text_are_no_number(text):
    document = parse(text.encode())

    assert not document.is_suspect
    assert document.root == json.loads(text)
