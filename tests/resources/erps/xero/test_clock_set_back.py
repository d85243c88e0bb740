"""An organisation whose clock is set back: what changes then bears times that were read already, and arrives all the
same.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.resources.erps.xero.books import BothBooks


@pytest.fixture
def contact(both: BothBooks) -> Iterator[str]:
    """The ContactID of a customer that both books have; the clock goes right again afterwards."""
    both.writer.customer("Lund & Sons", email="post@lund.example")
    both.books.push()
    both.books.sync()
    (external_id,) = both.books.ledger_ids("customers")
    yield external_id
    both.books.simulator.post("clock", {})


def move_clock(both: BothBooks, seconds: int) -> None:
    both.books.simulator.post("clock", {"advance_seconds": seconds})


def write(both: BothBooks, contact: str, email: str) -> None:
    both.books.edit("update", "Contacts", contact, EmailAddress=email)


def email_here(both: BothBooks, contact: str) -> str:
    return str(both.books.ledger_row("customers", contact)["email"])


def test_what_changes_under_a_clock_that_was_set_back_is_found_at_once(both: BothBooks, contact: str):
    move_clock(both, -600)
    write(both, contact, "past@lund.example")

    both.books.sync()

    assert email_here(both, contact) == "past@lund.example"


def test_what_changes_before_a_time_that_was_seen_already_is_found_too(both: BothBooks, contact: str):
    """The clock stands behind what was written meanwhile, though not behind the watermark, which is older still."""
    move_clock(both, 90_000)
    write(both, contact, "before@lund.example")
    move_clock(both, -600)
    both.books.sync()
    assert email_here(both, contact) == "before@lund.example"
    write(both, contact, "after@lund.example")

    both.books.sync()

    assert email_here(both, contact) == "after@lund.example"


def test_a_clock_that_goes_right_asks_for_no_census(both: BothBooks, contact: str):
    move_clock(both, 90_000)
    write(both, contact, "new@lund.example")

    report = both.books.sync()

    assert report.censuses == {}
    assert email_here(both, contact) == "new@lund.example"
