"""A record in Xero that cannot be read is there all the same: no push takes it for gone, no probe for unmade."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from resources.connector import RejectedRecord
from resources.erps.xero import records
from resources.errors import TieoutError
from tests.resources.erps.xero.books import BothBooks


@pytest.fixture
def spoil(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """From now on the record with this id comes with what cannot be stored."""
    read_row = records._read_row

    def spoiled(which: str) -> None:
        def read(*row: Any) -> Iterator[Any]:
            for one in read_row(*row):
                is_it = which in str(one.external_id)
                yield RejectedRecord(one.external_id, "Website", "half a character", "text", "{}") if is_it else one

        monkeypatch.setattr(records, "_read_row", read)

    return spoiled


@pytest.mark.parametrize("said", [{"is_deleted": True}, {"name": "Lund & Daughters"}], ids=["a deletion", "an edit"])
def test_what_is_said_of_it_is_refused_and_the_rest_goes(both: BothBooks, spoil: Callable[[str], None], said: Any):
    spoiled, other = both.writer.customer("Lund & Sons"), both.writer.customer("Quiet Harbour")
    both.books.push()
    key = next(one["ContactID"] for one in both.there("Contacts") if one["Name"] == "Lund & Sons")
    both.writer.update("customers", spoiled, **said)
    both.writer.update("customers", other, name="Quiet Haven")

    spoil(key)
    report = both.books.push()

    assert (report.pushed, report.held) == ({"customers": 1}, {"customers": 1})
    (error,) = [one for one in both.books.open_errors() if one["stage"] == "push"]
    assert (error["external_id"], "cannot be read" in error["message"]) == (f"#{spoiled}", True)
    assert {one["ContactStatus"] for one in both.there("Contacts")} == {"ACTIVE"}
    assert not both.books.push().pushed


def test_money_in_doubt_that_cannot_be_read_is_not_made_again(
    both: BothBooks, spoil: Callable[[str], None], no_waiting: None
):
    both.pay(both.writer.customer("Lund & Sons"), "25.00")
    both.books.services.pace = 0.001
    both.books.simulator.post("faults", [{"method": "PUT", "path": "*/BankTransactions*", "nth": 1, "drop": "after"}])
    spoil("overpayment:")

    with suppress(TieoutError):
        both.books.push()
    both.books.change("update sync.outbox set due_at = now(), tried_at = tried_at - interval '2 hours'")
    both.books.simulator.post("clock", {"advance_seconds": 7200})
    try:
        with suppress(TieoutError):
            both.books.push()
    finally:
        both.books.simulator.post("clock", {})
    assert len(both.there("Overpayments")) == 1
