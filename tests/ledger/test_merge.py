"""Three-way merge, by the cases an accountant would list. Laws that hold for any records are `test_merge_laws.py`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from ledger.merge import ChoiceError, Merged, meet, merge, resolve
from ledger.policies import ConflictKind, Policies, Policy, Side, Source
from tests.builders import a_customer, a_line, a_payment, an_invoice

ERP_WINS, LEDGER_WINS, NEWEST_WINS = (Policies({"": p}) for p in list(Policy)[:3])
A, B, C = a_line("1", "60"), a_line("2", "40"), a_line("3", "25")
BASE = an_invoice(A, B)


def but(record, **changes):
    return msgspec.structs.replace(record, **changes)


def invoice(*lines, **said):
    return an_invoice(*(lines or (A, B)), **said)


def new(amount, **said):
    """A line that only our book knows so far."""
    return a_line("", amount, description="new", **said)


# id: what base, ours and theirs are, and what the merged invoice is.
CLEAN = {
    "nobody changed anything": (BASE, BASE, BASE, BASE),
    "our memo, their note": (
        BASE,
        invoice(memo="thanks"),
        invoice(private_note="called"),
        invoice(memo="thanks", private_note="called"),
    ),
    "both wrote the same note": (BASE, invoice(private_note="x"), invoice(private_note="x"), invoice(private_note="x")),
    "both changed the due date: it is ours to say": (
        BASE,
        invoice(due_date=date(2026, 4, 15)),
        invoice(due_date=date(2026, 4, 30)),
        invoice(due_date=date(2026, 4, 15)),
    ),
    "both changed the number: it is theirs to say": (
        BASE,
        invoice(document_number="A"),
        invoice(document_number="B"),
        invoice(document_number="B"),
    ),
    "a payment there, a memo here": (BASE, invoice(memo="x"), invoice(paid="30"), invoice(memo="x", paid="30")),
    "a raised line here, a payment there": (
        BASE,
        invoice(but(A, amount=Decimal(80)), B),
        invoice(paid="30"),
        invoice(but(A, amount=Decimal(80)), B, paid="30"),
    ),
    "a new line here, a payment there": (
        BASE,
        invoice(A, B, new("5")),
        invoice(paid="100"),
        invoice(A, B, new("5"), paid="100"),
    ),
    "a raised line there, a payment booked here": (
        BASE,
        invoice(paid="30"),
        invoice(but(A, amount=Decimal(80)), B),
        invoice(but(A, amount=Decimal(80)), B, paid="30"),
    ),
    "a payment booked here, two paid there: the ERP says what is open": (
        BASE,
        invoice(paid="30"),
        invoice(paid="50"),
        invoice(paid="50"),
    ),
    "the same payment on both sides counts once": (BASE, invoice(paid="30"), invoice(paid="30"), invoice(paid="30")),
    "a line's text here, another line's there": (
        BASE,
        invoice(but(A, description="a"), B),
        invoice(A, but(B, description="b")),
        invoice(but(A, description="a"), but(B, description="b")),
    ),
    "two fields of one line": (
        BASE,
        invoice(but(A, description="a"), B),
        invoice(but(A, tax_code="TAX"), B),
        invoice(but(A, description="a", tax_code="TAX"), B),
    ),
    "an amount moved between lines here, a line with money added there": (
        BASE,
        invoice(but(A, amount=Decimal(50)), but(B, amount=Decimal(50))),
        invoice(A, B, C),
        invoice(but(A, amount=Decimal(50)), but(B, amount=Decimal(50)), C),
    ),
    "a line removed here, another's text changed there": (
        BASE,
        invoice(A),
        invoice(but(A, description="a"), B),
        invoice(but(A, description="a")),
    ),
    "a line removed on both sides": (BASE, invoice(A), invoice(A), invoice(A)),
    "lines moved there, a text changed here": (
        BASE,
        invoice(but(A, description="a"), B),
        invoice(B, A),
        invoice(B, but(A, description="a")),
    ),
    "a line moved here and removed there is gone": (BASE, invoice(B, A), invoice(A), invoice(A)),
    "the same line added on both sides is one line, with their key": (
        BASE,
        invoice(A, B, new("25", item="9")),
        invoice(A, B, a_line("3", "25", description="new", item="9", account_code="4000")),
        invoice(A, B, a_line("3", "25", description="new", item="9", account_code="4000")),
    ),
    "a line without key keeps its place when its text changes": (
        invoice(A, a_line("", "-10", kind="discount", description="")),
        invoice(A, a_line("", "-10", kind="discount", description="spring")),
        invoice(but(A, description="a"), a_line("", "-10", kind="discount", description="")),
        invoice(but(A, description="a"), a_line("", "-10", kind="discount", description="spring")),
    ),
    "voided there, a memo here": (
        BASE,
        invoice(memo="x"),
        invoice(but(A, amount=Decimal(0)), but(B, amount=Decimal(0)), is_void=True),
        invoice(but(A, amount=Decimal(0)), but(B, amount=Decimal(0)), is_void=True, memo="x"),
    ),
    "voided on both sides, there with the amounts gone": (
        BASE,
        invoice(is_void=True),
        invoice(but(A, amount=Decimal(0)), but(B, amount=Decimal(0)), is_void=True),
        invoice(but(A, amount=Decimal(0)), but(B, amount=Decimal(0)), is_void=True),
    ),
    "a hidden charge of theirs stays in the net": (
        invoice(net_amount=Decimal(110), total_amount=Decimal(110)),
        invoice(memo="x", net_amount=Decimal(110), total_amount=Decimal(110)),
        invoice(A, B, C, net_amount=Decimal(135), total_amount=Decimal(135)),
        invoice(A, B, C, memo="x", net_amount=Decimal(135), total_amount=Decimal(135)),
    ),
    "the exchange rate there, a new line here": (
        BASE,
        invoice(A, B, new("5")),
        invoice(exchange_rate=Decimal("1.1")),
        invoice(A, B, new("5"), exchange_rate=Decimal("1.1")),
    ),
    "an amount written with other zeros is no change": (
        BASE,
        invoice(tax_amount=Decimal("0.00"), total_amount=Decimal("100.00")),
        invoice(memo="x"),
        invoice(memo="x"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("base", "ours", "theirs", "expected"), CLEAN.values(), ids=CLEAN.keys())
def test_what_does_not_contradict_merges(base, ours, theirs, expected):
    merged = merge(base, ours, theirs)

    assert merged.kind is None, merged
    assert merged.record == expected


# id: ours, theirs, the kind of conflict, the fields in it.
CONFLICTS = {
    "two totals": (
        invoice(but(A, amount=Decimal(50)), B),
        invoice(but(A, amount=Decimal(40)), B),
        "concurrent_update",
        ["net_amount", "total_amount", "lines[1].amount"],
    ),
    "two totals by different lines": (
        invoice(but(A, amount=Decimal(80)), B),
        invoice(A, but(B, amount=Decimal(70))),
        "concurrent_update",
        ["net_amount", "total_amount"],
    ),
    "two notes": (invoice(private_note="a"), invoice(private_note="b"), "concurrent_update", ["private_note"]),
    "texts that differ in a space": (
        invoice(private_note="a"),
        invoice(private_note="a "),
        "concurrent_update",
        ["private_note"],
    ),
    "two texts of one line": (
        invoice(but(A, description="a"), B),
        invoice(but(A, description="b"), B),
        "concurrent_update",
        ["lines[1].description"],
    ),
    "a line removed there and changed here": (
        invoice(but(A, description="a"), B),
        invoice(B),
        "concurrent_update",
        ["lines[1]"],
    ),
    "a line removed here and changed there": (
        invoice(B),
        invoice(but(A, description="a"), B),
        "concurrent_update",
        ["lines[1]"],
    ),
    "another currency there, another total here": (
        invoice(A, B, C),
        invoice(currency="EUR"),
        "concurrent_update",
        ["currency", "net_amount", "total_amount"],
    ),
    "voided here, paid there": (invoice(is_void=True), invoice(paid="30"), "delete_conflict", ["is_void"]),
    "voided there, a line added here": (
        invoice(A, B, new("5")),
        invoice(but(A, amount=Decimal(0)), but(B, amount=Decimal(0)), is_void=True),
        "delete_conflict",
        ["is_void", "net_amount", "total_amount"],
    ),
    "deleted there, changed here": (invoice(memo="x"), None, "delete_conflict", ["is_deleted"]),
    "deleted here, paid there": (None, invoice(paid="30"), "delete_conflict", ["is_deleted"]),
    "due before its date, by two changes that were fine alone": (
        invoice(due_date=date(2026, 3, 2)),
        invoice(issue_date=date(2026, 3, 20)),
        "validation_conflict",
        ["due_date", "issue_date"],
    ),
    "lowered here below what is paid there": (
        invoice(A),
        invoice(paid="90"),
        "validation_conflict",
        ["net_amount", "open_amount", "total_amount", "lines"],
    ),
    "the same rise by different lines": (
        invoice(but(A, amount=Decimal(80)), B),
        invoice(A, but(B, amount=Decimal(60))),
        "validation_conflict",
        ["lines"],
    ),
}


@pytest.mark.parametrize(("ours", "theirs", "kind", "fields"), CONFLICTS.values(), ids=CONFLICTS.keys())
def test_what_contradicts_is_for_a_person(ours, theirs, kind, fields):
    merged = merge(BASE, ours, theirs)

    assert merged.kind == kind
    assert sorted(c.field for c in merged.conflicts) == sorted(fields)
    for conflict in merged.conflicts:
        if conflict.field in BASE.__struct_fields__:
            assert conflict.base == getattr(BASE, conflict.field)
            assert (conflict.ours, conflict.theirs) == (getattr(ours, conflict.field), getattr(theirs, conflict.field))


def test_two_new_totals_are_a_conflict_and_change_nothing():
    was, ours, theirs = (an_invoice(total_amount=Decimal(total), open_amount=Decimal(10)) for total in (100, 90, 80))

    merged = merge(was, ours, theirs)

    assert merged.record == was
    assert [c.field for c in merged.conflicts] == ["total_amount"]


def test_a_broken_rule_is_named():
    (says,) = merge(BASE, invoice(due_date=date(2026, 3, 2)), invoice(issue_date=date(2026, 3, 20))).invariant_failures

    assert says == "nothing is due before its date"


def test_a_rule_that_a_side_broke_alone_is_not_held_against_the_merge():
    wrong = invoice(net_amount=Decimal(90))

    assert merge(BASE, wrong, invoice(memo="x")).is_clean


@pytest.mark.parametrize(
    ("ours", "theirs", "policies", "expected"),
    [
        pytest.param("a", "b", ERP_WINS, "b", id="erp wins"),
        pytest.param("a", "b", LEDGER_WINS, "a", id="ledger wins"),
        pytest.param("a", "b", NEWEST_WINS, "a", id="newest wins"),
        pytest.param("a", "b", Policies({"private_note": Policy.ERP_WINS, "": Policy.LEDGER_WINS}), "b", id="by field"),
        pytest.param("a", "", ERP_WINS, "", id="emptied there"),
    ],
)
def test_a_policy_decides_what_nobody_owns(ours, theirs, policies, expected):
    base = invoice(private_note="was")
    merged = merge(
        base, but(base, private_note=ours), but(base, private_note=theirs), policies=policies, newest=Side.OURS
    )

    assert merged.is_clean
    assert merged.record.private_note == expected


def test_newest_wins_needs_to_know_who_is_newer():
    assert not merge(BASE, invoice(private_note="a"), invoice(private_note="b"), policies=NEWEST_WINS).is_clean


def test_an_entitys_policy_leaves_owned_fields_to_their_owner_and_a_fields_policy_does_not():
    ours, theirs = invoice(document_number="A"), invoice(document_number="B")

    assert merge(BASE, ours, theirs, policies=LEDGER_WINS).record.document_number == "B"
    by_field = Policies({"document_number": Policy.LEDGER_WINS})
    assert merge(BASE, ours, theirs, policies=by_field).record.document_number == "A"
    manual = Policies({"document_number": Policy.MANUAL})
    assert [c.field for c in merge(BASE, ours, theirs, policies=manual).conflicts] == ["document_number"]


def test_whoever_wins_the_total_brings_the_lines_that_make_it():
    ours = invoice(but(A, amount=Decimal(80), description="a"), B, new("5"))
    theirs = invoice(A, but(B, amount=Decimal(70), description="b"), C, paid="30")

    merged = merge(BASE, ours, theirs, policies=LEDGER_WINS)

    expected = invoice(but(A, amount=Decimal(80), description="a"), but(B, description="b"), new("5"), paid="30")
    assert merged.is_clean, merged
    assert merged.record == expected
    assert merge(BASE, ours, theirs, policies=ERP_WINS).record.total_amount == theirs.total_amount


@pytest.mark.parametrize(("policies", "is_deleted"), [(ERP_WINS, True), (LEDGER_WINS, False)], ids=["erp", "ledger"])
def test_a_policy_decides_a_deletion_against_a_change(policies, is_deleted):
    merged = merge(BASE, invoice(memo="x"), None, policies=policies)

    assert merged.is_clean
    assert (merged.record is None) is is_deleted


@pytest.mark.parametrize("sides", [(None, None), (BASE, None), (None, BASE)], ids=["both", "there", "here"])
def test_a_deletion_that_nobody_contradicts_is_taken(sides):
    merged = merge(BASE, *sides)

    assert merged.is_clean
    assert merged.record is None


PAYMENT = a_payment("100")


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        pytest.param({"A": "50"}, {"B": "30"}, {"B": "30", "A": "50"}, id="to two invoices"),
        pytest.param({"A": "50"}, {"A": "50"}, {"A": "50"}, id="to the same, once"),
        pytest.param({"A": "50"}, {}, {"A": "50"}, id="here only"),
    ],
)
def test_a_payment_applied_on_both_sides_settles_both(ours, theirs, expected):
    merged = merge(PAYMENT, a_payment("100", settles=ours), a_payment("100", settles=theirs, private_note="x"))

    assert merged.is_clean, merged
    settled = {a.document: str(a.amount) for a in merged.record.applications}
    assert settled == expected
    assert merged.record.applied_amount + merged.record.unapplied_amount == 100
    assert merged.record.applied_amount == sum(map(Decimal, expected.values()))


def test_more_money_here_and_an_application_there():
    merged = merge(PAYMENT, a_payment("120"), a_payment("100", settles={"A": "30"}))

    assert merged.record == a_payment("120", settles={"A": "30"})


def test_a_payment_applied_beyond_its_amount_is_a_conflict_of_the_whole():
    merged = merge(PAYMENT, a_payment("100", settles={"A": "70"}), a_payment("100", settles={"B": "50"}))

    assert merged.kind is ConflictKind.VALIDATION_CONFLICT
    assert merged.invariant_failures == ("what is not applied lies between nothing and the whole",)


def test_two_amounts_for_one_settled_invoice_are_a_conflict():
    merged = merge(PAYMENT, a_payment("100", settles={"A": "70"}), a_payment("100", settles={"A": "50"}))

    assert [c.field for c in merged.conflicts] == ["applications[theirs+1].amount"]


def test_every_merged_line_says_which_of_our_lines_it_continues():
    ours = invoice(B, new("5"), but(A, description="a"))

    merged = merge(BASE, ours, invoice(A, B, but(A, line_key="9", amount=Decimal(0))))

    assert [line.description for line in merged.record.lines] == ["Line 2", "Line 1", "new", "a"]
    assert merged.origins == {"lines": (0, None, 1, 2)}


def test_every_value_says_where_it_came_from():
    ours = invoice(but(A, description="a"), B, memo="x", private_note="n")
    theirs = invoice(A, but(B, tax_code="TAX"), paid="30", private_note="n")

    sources = merge(BASE, ours, theirs).sources

    assert {name: str(sources[name]) for name in ("memo", "private_note", "open_amount", "customer")} == {
        "memo": "ours",
        "private_note": "both",
        "open_amount": "theirs",
        "customer": "base",
    }
    assert (sources["lines[1].description"], sources["lines[2].tax_code"]) == (Source.OURS, Source.THEIRS)
    computed = merge(BASE, invoice(A, B, C), invoice(paid="30")).sources["open_amount"]
    assert computed is Source.COMPUTED


# A person's decisions.


def two_totals() -> tuple:
    return BASE, invoice(but(A, amount=Decimal(50)), B, memo="x"), invoice(but(A, amount=Decimal(40)), B, paid="30")


@pytest.mark.parametrize(("keep", "total"), [(Side.OURS, 90), (Side.THEIRS, 80)])
def test_keeping_a_side_decides_the_conflict_and_keeps_what_only_one_side_changed(keep, total):
    resolved = resolve(*two_totals(), keep=keep)

    assert resolved.is_clean
    assert (resolved.record.total_amount, resolved.record.open_amount) == (total, total - 30)
    assert resolved.record.lines[0].amount == total - 40
    assert resolved.record.memo == "x"


def test_a_choice_for_the_total_carries_what_makes_it():
    assert resolve(*two_totals(), choices={"total_amount": Side.THEIRS}) == resolve(*two_totals(), keep=Side.THEIRS)


def test_fields_are_chosen_one_by_one():
    sides = BASE, invoice(private_note="a", po_number="1"), invoice(private_note="b", po_number="2")

    resolved = resolve(*sides, choices={"private_note": Side.OURS, "po_number": Side.THEIRS}).record

    assert (resolved.private_note, resolved.po_number) == ("a", "2")


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        pytest.param({}, "no choice for po_number, private_note", id="nothing"),
        pytest.param({"private_note": Side.OURS}, "no choice for po_number", id="not everything"),
        pytest.param({"note": Side.OURS}, "a choice for note, expected fields .* such as po_number", id="no field"),
    ],
)  # fmt: skip
def test_choices_that_do_not_decide_are_refused(choices, said):
    sides = BASE, invoice(private_note="a", po_number="1"), invoice(private_note="b", po_number="2")

    with pytest.raises(ChoiceError, match=said):
        resolve(*sides, choices=choices)


def test_a_record_that_broke_a_rule_is_decided_whole_or_by_field():
    sides = BASE, invoice(due_date=date(2026, 3, 2)), invoice(issue_date=date(2026, 3, 20))

    assert resolve(*sides, keep=Side.OURS).record == sides[1]
    assert resolve(*sides, keep=Side.THEIRS).record == sides[2]
    assert resolve(*sides, choices={"due_date": Side.THEIRS}).record == sides[2]
    with pytest.raises(ChoiceError, match="nothing is due before its date"):
        resolve(*sides, choices={"due_date": Side.OURS})


@pytest.mark.parametrize("keep", Side)
def test_a_deletion_is_decided_whole(keep):
    changed = invoice(memo="x")

    assert resolve(BASE, changed, None, keep=keep).record == (changed if keep is Side.OURS else None)
    assert resolve(BASE, None, changed, keep=keep).record == (changed if keep is Side.THEIRS else None)
    assert resolve(BASE, changed, None, choices={"is_deleted": keep}) == resolve(BASE, changed, None, keep=keep)


@pytest.mark.parametrize(("keep", "is_void"), [(Side.OURS, True), (Side.THEIRS, False)])
def test_a_void_is_decided_with_its_amounts(keep, is_void):
    resolved = resolve(BASE, invoice(is_void=True), invoice(paid="30"), keep=keep).record

    assert (resolved.is_void, resolved.open_amount) == (is_void, 100 if is_void else 70)


# First meeting: no base.


def met(ours, theirs, **more) -> Merged:
    return meet(ours, theirs, **more)


def test_what_is_equal_stays_and_what_is_empty_gives_way():
    merged = met(a_customer(email="a@b.example", phone=""), a_customer(email="", phone="1", billing_city="Turin"))

    assert merged.is_clean
    assert merged.record == a_customer(email="a@b.example", phone="1", billing_city="Turin")


def test_what_differs_goes_to_its_owner_or_to_a_person():
    merged = met(a_customer(email="a@b.example", note="ours"), a_customer(email="c@d.example", note="theirs"))

    assert [(c.field, c.base, c.ours, c.theirs) for c in merged.conflicts] == [
        ("email", None, "a@b.example", "c@d.example")
    ]
    assert merged.record.note == "ours"
    assert met(a_customer(email="a@b.example"), a_customer(email="c@d.example"), policies=ERP_WINS).is_clean


def test_a_name_written_otherwise_is_written_as_there_unless_a_person_keeps_ours():
    ours, theirs = a_customer("ADA "), a_customer("Ada")

    assert met(ours, theirs).record == theirs
    assert resolve(None, ours, theirs, keep=Side.OURS).record == ours
    assert [c.field for c in met(a_customer("Ada"), a_customer("Bo")).conflicts] == ["name"]


def test_lines_without_keys_meet_theirs_by_content_or_by_place_and_amount():
    ours = invoice(a_line("", "60", description=""), a_line("", "40", description="Line 2"))
    theirs = invoice(but(A, account_code="4000", quantity=Decimal(2), unit_price=Decimal(30)), B)

    merged = met(ours, theirs)

    assert merged.is_clean
    assert merged.record == theirs
    assert merged.origins == {"lines": (0, 1)}


def test_a_document_without_lines_takes_the_other_sides():
    assert met(invoice(lines=()), BASE).record == BASE


def test_other_lines_are_a_conflict_of_the_list():
    merged = met(invoice(a_line("", "100")), BASE)

    assert [c.field for c in merged.conflicts] == ["lines"]
    assert resolve(None, invoice(a_line("", "100")), BASE, keep=Side.THEIRS).record == BASE


def test_two_totals_that_meet_are_a_conflict_and_a_payment_there_is_not():
    assert met(invoice(A), BASE).kind is ConflictKind.CONCURRENT_UPDATE
    assert met(invoice(), invoice(paid="30")).record == invoice(paid="30")
