"""Every difference is taken apart into causes that add up to it, and currencies never meet."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ledger.reconcile import MODULES, Cause, HeldDocument, PartyFigure, Result, reconcile

AR = MODULES["ar"]
CURRENCIES = ("USD", "EUR", "JPY")
AMOUNTS = st.decimals(min_value=-1000, max_value=1000, places=2, allow_nan=False, allow_infinity=False)


def figure(party: str, currency: str, amount: Decimal) -> PartyFigure:
    return PartyFigure(party, f"Party {party}", currency, amount)


FIGURES = st.dictionaries(st.tuples(st.sampled_from("123"), st.sampled_from(CURRENCIES)), AMOUNTS, max_size=9).map(
    lambda found: [figure(party, currency, amount) for (party, currency), amount in found.items()]
)
HELD = st.lists(
    st.builds(
        HeldDocument,
        entity=st.just("invoices"),
        external_id=st.text("0123456789", min_size=1, max_size=3),
        party_external_id=st.sampled_from("123"),
        currency=st.sampled_from(CURRENCIES),
        amount=AMOUNTS,
        reason=st.just("its date is no date"),
    ),
    max_size=4,
)
ACCOUNTS = st.dictionaries(st.sampled_from(CURRENCIES), AMOUNTS)


def compare(
    theirs: list[PartyFigure],
    ours: list[PartyFigure],
    accounts: dict[str, Decimal] | None = None,
    held: list[HeldDocument] | None = None,
) -> list[Result]:
    return reconcile(
        AR,
        erp_title="QuickBooks",
        erp_parties=theirs,
        erp_accounts=accounts or {},
        ledger_parties=ours,
        held=held or [],
    )


@given(FIGURES, FIGURES, ACCOUNTS, HELD)
def test_the_breaks_add_up_to_the_difference(theirs, ours, accounts, held):
    for result in compare(theirs, ours, accounts, held):
        assert sum((b.amount for b in result.breaks), Decimal(0)) == result.difference
        assert sum(result.by_cause.values(), Decimal(0)) == result.difference
        assert all(b.amount and b.says and b.cause in set(Cause) for b in result.breaks)


@given(FIGURES, FIGURES, ACCOUNTS, HELD)
def test_a_currency_is_compared_as_if_there_were_no_other(theirs, ours, accounts, held):
    together = {result.currency: result for result in compare(theirs, ours, accounts, held)}
    assert list(together) == sorted(together)
    for currency, result in together.items():
        (alone,) = compare(
            [p for p in theirs if p.currency == currency],
            [p for p in ours if p.currency == currency],
            {c: a for c, a in accounts.items() if c == currency},
            [h for h in held if h.currency == currency],
        )
        assert alone == result


@given(FIGURES)
def test_equal_books_have_no_breaks(figures):
    for result in compare(figures, list(reversed(figures))):
        assert (result.difference, result.breaks) == (0, ())


def test_differences_that_cancel_out_are_still_named():
    theirs = [figure("1", "USD", Decimal("10.00")), figure("2", "USD", Decimal("0.00"))]
    ours = [figure("1", "USD", Decimal("0.00")), figure("2", "USD", Decimal("10.00"))]

    (result,) = compare(theirs, ours)

    assert result.difference == 0
    assert [(b.party_external_id, b.amount, b.cause) for b in result.breaks] == [
        ("1", Decimal("10.00"), Cause.MISSING_IN_LEDGER),
        ("2", Decimal("-10.00"), Cause.MISSING_IN_ERP),
    ]


def test_a_held_document_explains_its_part_and_the_rest_is_named_apart():
    held = HeldDocument("invoices", "7", "1", "USD", Decimal("60.00"), "its date is no date")

    (result,) = compare([figure("1", "USD", Decimal("100.00"))], [figure("1", "USD", Decimal("30.00"))], held=[held])

    assert [b.amount for b in result.breaks] == [Decimal("60.00"), Decimal("10.00")]
    assert "invoices/7" in result.breaks[0].says
    assert "its date is no date" in result.breaks[0].says


def test_the_control_account_counts_where_there_is_one():
    (result,) = compare(
        [figure("1", "USD", Decimal("5.00"))], [figure("1", "USD", Decimal("5.00"))], {"USD": Decimal("7.00")}
    )
    assert (result.erp_amount, result.parties_amount, result.difference) == (7, 5, 2)
    (named,) = result.breaks
    assert (named.cause, named.party_external_id) == (Cause.UNEXPLAINED, None)
    assert "7.00 USD" in named.says


def test_a_party_only_one_book_knows_is_named_by_the_name_it_has_there():
    (result,) = compare([], [figure("9", "USD", Decimal("4.00"))])
    (named,) = result.breaks
    assert (named.party_name, named.amount, named.cause) == ("Party 9", Decimal("-4.00"), Cause.MISSING_IN_ERP)
