"""The plain big organisation: its size, its order of change, and balances that follow from its invoices."""

from collections import defaultdict
from decimal import Decimal

import pytest

from sandbox.xero import wire
from sandbox.xero.volume import CONTACTS, INVOICES_PER_CHUNK, ITEMS, build_volume
from tests.sandbox.xero.company import Company
from tests.sandbox.xero.test_books_balance import Bookkeeper, check


def test_chunks_are_small_and_hold_what_was_asked_for():
    chunks = list(build_volume(2500, 3))

    assert [len(each["Invoices"]) for each in chunks if "Invoices" in each] == [INVOICES_PER_CHUNK] * 2 + [500]
    assert (len(chunks[0]["Items"]), len(chunks[-1]["Contacts"])) == (ITEMS, CONTACTS)
    assert {len(each["LineItems"]) for each in chunks[1]["Invoices"]} == {3}


def test_it_is_loaded_in_the_order_of_change_and_its_books_balance():
    company = Company()
    owed: dict[str, Decimal] = defaultdict(Decimal)
    for chunk in build_volume(40):
        company.load(**chunk)
        for each in chunk.get("Invoices", ()):
            owed[each["Contact"]["ContactID"]] += each["AmountDue"]

    times = [wire.read_ms(each["UpdatedDateUTC"]) for each in company.rows("/Invoices?page=1")]
    assert times == sorted(times)
    assert len(owed) > 10
    check(Bookkeeper(company))


def test_the_same_seed_gives_the_same_organisation():
    first, again, other = (list(build_volume(30, 2, seed)) for seed in (1, 1, 2))

    assert first == again != other


@pytest.mark.parametrize("size", [(0, 1), (1, 0)])
def test_nothing_is_no_organisation(size: tuple[int, int]):
    with pytest.raises(ValueError, match="expected one of each"):
        next(build_volume(*size))
