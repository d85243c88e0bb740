"""What holds for any three records: laws of the merge, searched for counterexamples. Cases are in `test_merge.py`."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ledger.merge import Merged, merge, resolve
from ledger.policies import Policies, Policy, Side, Source
from ledger.rules import broken_rules
from ledger.spec import Record, entities, spec_of
from tests.builders import a_customer, a_line, a_payment, an_invoice

but = msgspec.structs.replace
INVOICES = spec_of("invoices")
# A policy for every name there is, so that nothing is left to owners, who do not swap sides.
ALL_NAMES = ["", "is_deleted", "lines", "lines.position", "applications", "applications.position"]
ALL_NAMES += [f.name for e in entities() for f in e.fields]
ALL_NAMES += [f"{p.name}.{f.name}" for e in entities() for p in e.parts for f in p.fields]
ERP_WINS, LEDGER_WINS = (Policies(dict.fromkeys(ALL_NAMES, p)) for p in (Policy.ERP_WINS, Policy.LEDGER_WINS))

amounts = st.integers(1, 40).map(lambda cents: Decimal(cents).scaleb(-1))
texts = st.sampled_from(["", "a", "A", "a ", "b"])
EDITS = ["text", "amount", "line text", "add", "remove", "move", "pay", "due", "tax", "void"]


@st.composite
def base_invoices(draw: st.DrawFn) -> Record:
    keys = draw(st.lists(st.sampled_from(["1", "2", "3", "4", ""]), max_size=4).filter(_has_unique_keys))
    lines = [
        a_line(key, str(draw(amounts)), description=draw(texts), kind="item" if key else "discount") for key in keys
    ]
    return an_invoice(*lines, private_note=draw(texts), paid=str(draw(st.sampled_from([0, 0, 1]))))


def _has_unique_keys(keys: list[str]) -> bool:
    return all(count == 1 for key, count in Counter(keys).items() if key)


@st.composite
def edited(draw: st.DrawFn, base: Any, new_key: str) -> Any:
    """The base after some edits of one side; totals stay right. `new_key` begins the keys this side gives new lines."""
    lines = list(base.lines)
    said = {n: getattr(base, n) for n in ("memo", "private_note", "po_number", "due_date", "tax_amount", "is_void")}
    settled = base.total_amount - base.open_amount
    for number, edit in enumerate(draw(st.lists(st.sampled_from(EDITS), max_size=4))):
        at = draw(st.integers(0, len(lines) - 1)) if lines else None
        if edit == "text":
            said[draw(st.sampled_from(["memo", "private_note", "po_number"]))] = draw(texts)
        elif edit == "due":
            said["due_date"] = draw(st.sampled_from([date(2026, 3, 1), date(2026, 5, 1), None]))
        elif edit == "tax":
            said["tax_amount"] = draw(amounts)
        elif edit == "void":
            said["is_void"] = True
        elif edit == "pay":
            settled += draw(amounts)
        elif edit == "add":
            key = new_key and f"{new_key}{number}"
            lines.insert(draw(st.integers(0, len(lines))), a_line(key, str(draw(amounts)), description=draw(texts)))
        elif at is not None and edit == "amount":
            lines[at] = but(lines[at], amount=draw(amounts))
        elif at is not None and edit == "line text":
            lines[at] = but(lines[at], description=draw(texts))
        elif at is not None and edit == "remove":
            del lines[at]
        elif at is not None and edit == "move":
            lines.insert(draw(st.integers(0, len(lines) - 1)), lines.pop(at))
    total = sum((line.amount for line in lines), said["tax_amount"])
    return an_invoice(
        *lines, **{**said, "tax_amount": said["tax_amount"], "open_amount": total - settled, "total_amount": total}
    )


@st.composite
def trios(draw: st.DrawFn) -> tuple[Any, Any, Any]:
    base = draw(base_invoices())
    return base, draw(edited(base, "")), draw(edited(base, "9"))


@given(trios())
def test_nothing_changed_is_nothing_merged(trio):
    base, ours, _ = trio

    assert merge(base, base, base).record == base
    assert merge(base, ours, ours).record == ours
    assert merge(base, ours, ours).is_clean


@given(trios())
def test_what_one_side_did_is_taken_as_it_is(trio):
    base, ours, theirs = trio

    assert keyless(merge(base, ours, base).record) == keyless(ours)
    assert merge(base, base, theirs).record == theirs
    assert merge(base, ours, base).is_clean and merge(base, base, theirs).is_clean


def keyless(record: Any) -> Any:
    """Without line keys: a line that was taken out and put back as it was is the ERP's line again."""
    return but(record, lines=tuple(but(line, line_key="") for line in record.lines))


@given(trios())
def test_sides_and_policies_may_be_swapped_together(trio):
    base, ours, theirs = trio

    one, other = merge(base, ours, theirs, policies=ERP_WINS), merge(base, theirs, ours, policies=LEDGER_WINS)

    assert one.kind == other.kind
    # What both voided is as the ERP writes it, whichever side that is; a new line's key is the ERP's.
    assume(not (ours.is_void and theirs.is_void))
    assert keyless(one.record) == keyless(other.record)


@given(trios())
@settings(max_examples=150)
def test_merging_the_result_again_changes_nothing(trio):
    base, ours, theirs = trio
    merged = merge(base, ours, theirs)
    assume(merged.is_clean)

    for again in (
        merge(base, merged.record, theirs),
        merge(theirs, merged.record, theirs),
        merge(merged.record, merged.record, merged.record),
    ):
        assert again.is_clean
        assert again.record == merged.record


@given(trios())
@settings(max_examples=150)
def test_what_is_merged_breaks_no_rule_that_was_kept(trio):
    merged = merge(*trio)
    assume(merged.is_clean)
    record = merged.record

    known = {rule.name for side in trio[1:] for rule in broken_rules(INVOICES, side)}
    assert {rule.name for rule in broken_rules(INVOICES, record)} <= known
    assert record.net_amount == sum(line.amount for line in record.lines) or record in trio


@given(trios())
def test_no_value_comes_from_nowhere(trio):
    base, ours, theirs = trio
    merged = merge(base, ours, theirs)

    for f in INVOICES.fields:
        value, source = getattr(merged.record, f.name), merged.sources[f.name]
        if source is Source.COMPUTED:
            assert f.rest_of
        else:
            given_by = {"base": base, "ours": ours, "theirs": theirs, "both": ours}[source.value]
            assert value == getattr(given_by, f.name)


@given(trios())
@settings(max_examples=150)
def test_no_line_is_lost_or_doubled(trio):
    base, ours, theirs = trio
    # The lines of what both voided are as the ERP has them.
    assume(not (ours.is_void and theirs.is_void))
    merged = merge(base, ours, theirs)
    assume(merged.is_clean)
    keys = {side: {line.line_key for line in lines if line.line_key} for side, lines in lines_of(trio).items()}
    result = Counter(line.line_key for line in merged.record.lines if line.line_key)

    assert all(count == 1 for count in result.values())
    assert (keys["theirs"] - keys["base"]) <= set(result), "added there"
    assert (keys["ours"] & keys["theirs"]) <= set(result), "kept by both"
    gone = keys["base"] - keys["ours"] - {line.line_key for line in merged.record.lines}
    assert set(result) <= keys["ours"] | keys["theirs"]
    assert all(key not in result for key in gone)
    # Each of our rows goes on as at most one line.
    continued = [origin for origin in merged.origins["lines"] if origin is not None]
    assert len(continued) == len(set(continued))
    assert len(merged.origins["lines"]) == len(merged.record.lines)
    new_here = [n for n, line in enumerate(ours.lines) if not line.line_key and line.kind == "item"]
    assert set(new_here) <= set(continued), "added here"


def lines_of(trio: tuple[Any, Any, Any]) -> dict[str, Any]:
    return dict(zip(("base", "ours", "theirs"), (record.lines for record in trio), strict=True))


@given(trios())
def test_lines_stand_in_the_order_of_their_positions(trio):
    record = merge(*trio).record

    assert [line.position for line in record.lines] == list(range(1, len(record.lines) + 1))


@given(trios())
def test_every_double_change_is_merged_equal_or_shown_with_both_values(trio):
    base, ours, theirs = trio
    merged = merge(base, ours, theirs)
    shown = {c.field: c for c in merged.conflicts}
    # The amounts of what both voided are as the ERP has them.
    amounts = {"net_amount", "tax_amount", "total_amount", "open_amount"} if ours.is_void and theirs.is_void else set()

    for f in INVOICES.fields:
        was, mine, other = (getattr(side, f.name) for side in trio)
        if f.name in amounts:
            assert getattr(merged.record, f.name) == other
        elif f.owner.value == "nobody" and mine != was and other != was and mine != other:
            assert (shown[f.name].ours, shown[f.name].theirs) == (mine, other)


@given(trios(), st.sampled_from(Side))
def test_keeping_one_side_always_decides(trio, keep):
    assert resolve(*trio, keep=keep).is_clean


@given(trios(), st.sampled_from([ERP_WINS, LEDGER_WINS]))
def test_a_policy_that_decides_everything_leaves_conflicts_of_the_whole_only(trio, policies):
    merged: Merged[Any] = merge(*trio, policies=policies)

    assert bool(merged.conflicts) == bool(merged.invariant_failures)


settlements = st.dictionaries(st.sampled_from(["A", "B", "C", "D"]), st.sampled_from(["10", "20"]), max_size=3)


@given(settlements, settlements, settlements, st.sampled_from(["100", "120"]), st.sampled_from(["100", "90"]))
@settings(max_examples=150)
def test_payments_stay_whole(settled, ours, theirs, our_total, their_total):
    base = a_payment("100", settles=settled)
    merged = merge(base, a_payment(our_total, settles=ours), a_payment(their_total, settles=theirs))
    assume(merged.is_clean)
    record = merged.record

    assert record.applied_amount == sum(a.amount for a in record.applications)
    assert record.applied_amount + record.unapplied_amount == record.total_amount
    documents = [a.document for a in record.applications]
    assert len(documents) == len(set(documents))
    assert (set(ours) - set(settled)) | (set(theirs) - set(settled)) <= set(documents)


@given(st.lists(st.fixed_dictionaries({"email": texts, "phone": texts, "note": texts}), min_size=3, max_size=3))
def test_master_data_keeps_every_lone_change(said):
    base, ours, theirs = (a_customer(**one) for one in said)
    merged = merge(base, ours, theirs)

    for name in said[0]:
        was, mine, other = (getattr(side, name) for side in (base, ours, theirs))
        if mine == was or other == was:
            assert getattr(merged.record, name) == (other if mine == was else mine)
