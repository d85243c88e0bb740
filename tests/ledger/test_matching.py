"""First meeting: who is who in two books, and what is left to a person."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.matching import Matching, Unbound, match, normalised, slimmed
from ledger.spec import spec_of
from tests.builders import a_customer, a_line, a_payment, an_invoice

CUSTOMERS, INVOICES, PAYMENTS = spec_of("customers"), spec_of("invoices"), spec_of("payments")
BOUND = {"customers": {"#1": ("58",), "#2": ("60", "61")}}


def side(*records) -> list[Unbound]:
    return [Unbound(str(number), record) for number, record in enumerate(records, 1)]


def numbered(number: str, total: str = "100", customer: str = "58", **other):
    return an_invoice(a_line("", total), document_number=number, customer=customer, **other)


def shape(found: Matching) -> dict[str, object]:
    return {
        "bound": [(pair.ours.id, pair.theirs.id) for pair in found.bound],
        "ambiguous": [([o.id for o in a.ours], [t.id for t in a.theirs]) for a in found.ambiguous],
        "new_here": [one.id for one in found.new_here],
        "new_there": [one.id for one in found.new_there],
    }


def test_customers_meet_by_name_and_currency():
    found = match(
        CUSTOMERS,
        side(a_customer("Ada"), a_customer("Bo"), a_customer("Cy", currency="EUR")),
        side(a_customer("Bo"), a_customer("Cy"), a_customer("Ada")),
    )

    assert shape(found) == {
        "bound": [("1", "3"), ("2", "1")],
        "ambiguous": [],
        "new_here": ["3"],
        "new_there": ["2"],
    }


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("ACME Inc.", "Acme inc."),
        (" Acme  Ltd", "Acme Ltd"),
        ("Straße", "STRASSE"),
        ("ＡＣＭＥ", "acme"),
        ("A\u00a0B", "a b"),
    ],
    ids=["case", "spaces", "sharp s", "full width", "no-break space"],
)
def test_names_written_differently_meet_and_it_is_said(here, there):
    (pair,) = match(CUSTOMERS, side(a_customer(here)), side(a_customer(there))).bound

    assert pair.normalised == (f"name: {here!r} here, {there!r} there",)


def test_names_that_only_look_alike_do_not_meet():
    assert not match(CUSTOMERS, side(a_customer("Acme")), side(a_customer("Acme Inc"))).bound


def test_two_of_one_name_are_for_a_person_on_either_side():
    here = match(CUSTOMERS, side(a_customer("Ada"), a_customer("ada")), side(a_customer("Ada")))
    there = match(CUSTOMERS, side(a_customer("Ada")), side(a_customer("Ada"), a_customer("ADA")))

    assert shape(here)["ambiguous"] == [(["1", "2"], ["1"])]
    assert shape(there)["ambiguous"] == [(["1"], ["1", "2"])]
    assert there.ambiguous[0].reason == "1 here and 2 there have the same name, currency"


def test_invoices_meet_by_customer_number_and_money():
    ours = side(numbered("A-1", customer="#1"), numbered("A-2", customer="#1"), numbered("A-3", customer="#9"))
    theirs = side(numbered("a-1"), numbered("A-2", "90"), numbered("A-3"), numbered("A-1", customer="59"))

    found = match(INVOICES, ours, theirs, BOUND)

    assert shape(found) == {
        "bound": [("1", "1")],
        "ambiguous": [(["2"], ["2"])],
        "new_here": ["3"],
        "new_there": ["3", "4"],
    }
    assert found.ambiguous[0].reason == "the same customer, document number, but 100 USD here and 90 USD there"


def test_amounts_compare_by_value_and_currencies_exactly():
    assert match(INVOICES, side(numbered("1", "100.0")), side(numbered("1", "100.00"))).bound
    assert match(INVOICES, side(numbered("1")), side(numbered("1", currency="EUR"))).ambiguous


def test_a_document_of_a_customer_nobody_is_sure_of_waits_with_it():
    found = match(INVOICES, side(numbered("A-1", customer="#2")), side(numbered("A-1", customer="61")), BOUND)

    assert shape(found)["ambiguous"] == [(["1"], ["1"])]
    assert found.ambiguous[0].reason == "it is not known yet which customer there it belongs to"


def test_without_a_number_day_and_money_must_be_the_same():
    ours = side(a_payment("100"), a_payment("50"), a_payment("70"))
    theirs = side(a_payment("50"), a_payment("100", payment_date=date(2026, 3, 11)), a_payment("70"), a_payment("70"))

    assert shape(match(PAYMENTS, ours, theirs)) == {
        "bound": [("2", "1")],
        "ambiguous": [(["3"], ["3", "4"])],
        "new_here": ["1"],
        "new_there": ["2"],
    }


def test_what_was_matched_tells_the_next_entity_who_is_who():
    found = match(CUSTOMERS, side(a_customer("A"), a_customer("B"), a_customer("C")), side(*map(a_customer, "ABb")))

    assert found.candidates() == {"#1": ("1",), "#2": ("2", "3")}


names = st.lists(st.sampled_from(["a", "A", "b", "c", " c"]), max_size=6)


@given(names, names)
def test_every_record_ends_in_exactly_one_place(here, there):
    found = match(CUSTOMERS, side(*map(a_customer, here)), side(*map(a_customer, there)))

    ours = [p.ours.id for p in found.bound] + [o.id for a in found.ambiguous for o in a.ours]
    theirs = [p.theirs.id for p in found.bound] + [t.id for a in found.ambiguous for t in a.theirs]
    assert sorted([*ours, *(o.id for o in found.new_here)]) == sorted(str(n + 1) for n in range(len(here)))
    assert sorted([*theirs, *(t.id for t in found.new_there)]) == sorted(str(n + 1) for n in range(len(there)))


@given(names, names)
def test_matching_does_not_care_which_side_is_which(here, there):
    one = match(CUSTOMERS, side(*map(a_customer, here)), side(*map(a_customer, there)))
    other = match(CUSTOMERS, side(*map(a_customer, there)), side(*map(a_customer, here)))

    assert {(p.ours.id, p.theirs.id) for p in one.bound} == {(p.theirs.id, p.ours.id) for p in other.bound}
    assert len(one.ambiguous) == len(other.ambiguous)


CANDIDATES = {"customers": {"#1": ("a",), "#2": ("a", "b"), "#3": ("b", "c")}}


@given(st.lists(st.sampled_from(["#1", "#2", "#3", "#9"]), max_size=6), st.lists(st.sampled_from("abcd"), max_size=6))
def test_those_who_may_be_the_same_directly_or_through_others_are_one_question(here, there):
    found = match(
        INVOICES,
        side(*(numbered("1", customer=one) for one in here)),
        side(*(numbered("1", customer=one) for one in there)),
        CANDIDATES,
    )

    groups: list[set[tuple[str, str]]] = []
    for i, mine in enumerate(here, 1):
        may_be = CANDIDATES["customers"].get(mine, ())
        group = {("here", str(i)), *(("there", str(j)) for j, other in enumerate(there, 1) if other in may_be)}
        while touching := next((one for one in groups if one & group), None):
            groups.remove(touching)
            group |= touching
        groups.append(group)
    found_groups = [{("here", p.ours.id), ("there", p.theirs.id)} for p in found.bound]
    found_groups += [{*(("here", o.id) for o in a.ours), *(("there", t.id) for t in a.theirs)} for a in found.ambiguous]
    found_groups += [{("here", one.id)} for one in found.new_here]
    assert sorted(map(sorted, found_groups)) == sorted(map(sorted, groups))


def test_normalising_is_settled_after_once():
    for text in ("ﬁ  X", "İ", "ẞ"):
        assert normalised(normalised(text)) == normalised(text)


def test_bindings_do_not_depend_on_fields_outside_the_key():
    changed = msgspec.structs.replace(numbered("A"), private_note="x", open_amount=Decimal(3))

    assert match(INVOICES, side(numbered("A")), side(changed)).bound


def test_slimmed_documents_match_as_whole_ones_and_keep_what_a_report_shows():
    ours = side(numbered("1"), numbered("2", "90"), numbered("", memo="a"), numbered("4"), numbered("5"), numbered("5"))
    theirs = side(numbered("1", memo="b"), numbered("2", "80"), numbered(""), numbered("6"), numbered("5"))

    kept = [[Unbound(one.id, slimmed(INVOICES, one.record)) for one in some] for some in (ours, theirs)]

    assert shape(match(INVOICES, *kept)) == shape(match(INVOICES, ours, theirs))
    assert [one.record.total_amount for one in kept[0]] == [one.record.total_amount for one in ours]
    assert not any(one.record.lines or one.record.memo for some in kept for one in some)
