"""Words that a record may not say are found, wherever they stand in it."""

from __future__ import annotations

import pytest

from ledger.choices import outside_choices
from tests.builders import a_line, an_invoice


def test_a_record_of_known_words_has_nothing_to_be_found():
    assert list(outside_choices("invoices", an_invoice(a_line("1", "10.00")))) == []


@pytest.mark.parametrize("kind", ["account", "", "Item"])
def test_a_line_of_an_unknown_kind_is_found_with_its_place(kind: str):
    invoice = an_invoice(a_line("1", "10.00"), a_line("2", "5.00", kind=kind))

    ((place, found, choices),) = outside_choices("invoices", invoice)

    assert (place, found) == ("lines[2].kind", kind)
    assert "item" in choices
