"""The rows of an answer are cut out only where it is proven that nothing around them is wrong."""

from __future__ import annotations

import msgspec
import pytest

from resources.wire_pages import cut


class Envelope(msgspec.Struct, forbid_unknown_fields=True):
    Name: str
    Rows: list[msgspec.Raw]


decode = msgspec.json.Decoder(Envelope).decode


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'{"Name":"n","Rows":[{"Id":1},{"Id":2}]}', id="as it would be written"),
        pytest.param(b'{\r\n "Name": "n",\r\n "Rows": [ {"Id":1} , {"Id":2}\r\n ]\r\n}', id="indented"),
        pytest.param(b'{"Name":"\\/n\\/ \\"q\\"","Rows":[{"Id":1},{"Id":2}]}', id="escapes around the rows"),
    ],
)
def test_rows_are_cut_out_as_they_were_sent(text):
    envelope = cut(text, decode)
    assert envelope is not None
    assert [bytes(row) for row in envelope.Rows] == [b'{"Id":1}', b'{"Id":2}']


def test_what_stands_in_a_row_is_not_judged_here():
    row = b'{"Id":"\\u0022","Id":"twice"}'
    envelope = cut(b'{"Name":"n", "Rows":[%b]}' % row, decode)
    assert envelope is not None
    assert bytes(envelope.Rows[0]) == row


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'{"Name":"n","Rows":[],"Rows":[]}', id="a key twice"),
        pytest.param(b'{"Name":"n", "Name":"m", "Rows":[]}', id="a key twice, and spaces"),
        pytest.param(
            b'{"Name":"n","Name":"\\u0022\\u0022\\u0022\\u0022","Rows":[]}', id="a key twice, quotes by number"
        ),
        pytest.param(b'{"Name":"n","Rows":[],"More":1}', id="a key nobody knows"),
        pytest.param(b'{"Name":"n","Rows":[{"Id":1}', id="cut short"),
        pytest.param(b'{"Name":"n"}', id="no rows"),
        pytest.param(b"[]", id="no object"),
    ],
)
def test_any_other_answer_is_left_to_the_careful_reader(text):
    assert cut(text, decode) is None
