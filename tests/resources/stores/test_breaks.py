"""A break is one row for as long as it lasts: who looks after it stays, what a person explained stays explained."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ledger.reconcile import Break, Cause, Result
from resources.errors import TieoutError
from resources.services import Services
from resources.stores import breaks
from resources.stores.breaks import KeptBreak, Tolerance
from tests.books import open_services
from tests.conftest import NewDatabase
from tests.house import prepare_database

AT = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def services(new_database: NewDatabase, tmp_path: Path) -> Iterator[Services]:
    with open_services(new_database(prepare_database).url(), tmp_path) as services:
        yield services


def a_break(identity: str = "invoices/7", amount: str = "10.00", cause: Cause = Cause.AMOUNT) -> Break:
    return Break(cause, Decimal(amount), f"{identity} differs", identity=identity, kind="total", entity="invoices")


def see(services: Services, at: datetime, *found: Break, currency: str = "USD", is_whole: bool = True) -> None:
    result = Result(currency, Decimal(0), Decimal(0), Decimal(0), found)
    with services.db.transaction("default") as tx:
        breaks.see(
            tx,
            tenant="default",
            connection="qbo",
            module="ar",
            results=[result],
            seen_at=at,
            is_whole=is_whole,
            run_id=None,
        )


def kept(services: Services) -> dict[str, KeptBreak]:
    with services.db.transaction("default") as tx:
        return {b.identity: b for b in breaks.list_of(tx, "qbo", states=("open", "explained", "resolved"))}


def write(services: Services, break_id: int, **what: str) -> KeptBreak:
    with services.db.transaction("default") as tx:
        return breaks.write(tx, break_id, by="ada", **what)  # type: ignore[arg-type]


def test_the_same_break_keeps_its_id_owner_and_note_from_run_to_run(services: Services):
    see(services, AT, a_break())
    first = kept(services)["invoices/7"]
    write(services, first.break_id, owner="ben", note="asked the vendor")

    see(services, AT + DAY, a_break(amount="12.00", cause=Cause.TAX_ROUNDING))

    again = kept(services)["invoices/7"]
    assert (again.break_id, again.owner, again.note) == (first.break_id, "ben", "asked the vendor")
    assert (again.amount, again.cause, again.state) == (Decimal("12.00"), "tax_rounding", "open")
    assert (again.first_seen_at, again.last_seen_at) == (AT, AT + DAY)


def test_what_was_explained_is_open_again_once_its_amount_changes(services: Services):
    see(services, AT, a_break())
    write(services, kept(services)["invoices/7"].break_id, state="explained", note="known")

    see(services, AT + DAY, a_break())
    assert kept(services)["invoices/7"].state == "explained"

    see(services, AT + 2 * DAY, a_break(amount="11.00"))
    assert kept(services)["invoices/7"].state == "open"


def test_what_is_gone_is_resolved_and_what_comes_back_is_the_same_break(services: Services):
    see(services, AT, a_break(), a_break("invoices/8"))
    first = kept(services)

    see(services, AT + DAY, a_break("invoices/8"))
    gone = kept(services)["invoices/7"]
    assert (gone.state, gone.resolved_at) == ("resolved", AT + DAY)
    assert kept(services)["invoices/8"].state == "open"

    see(services, AT + 2 * DAY, a_break(), a_break("invoices/8"))
    back = kept(services)["invoices/7"]
    assert (back.break_id, back.state, back.resolved_at) == (first["invoices/7"].break_id, "open", None)
    assert back.first_seen_at == AT + 2 * DAY


def test_nothing_is_resolved_by_a_comparison_that_was_not_whole(services: Services):
    see(services, AT, a_break())

    see(services, AT + DAY, is_whole=False)

    assert kept(services)["invoices/7"].state == "open"


def test_a_resolved_break_takes_no_more_notes(services: Services):
    see(services, AT, a_break())
    see(services, AT + DAY)

    with pytest.raises(TieoutError, match="resolved since 2026-03-02"):
        write(services, kept(services)["invoices/7"].break_id, note="too late")


@pytest.mark.parametrize(
    ("currency", "amount", "severity"),
    [
        ("USD", "100.00", "notice"),
        ("USD", "100.01", "warning"),
        ("USD", "-1000.00", "warning"),
        ("USD", "-1000.01", "critical"),
        ("JPY", "1000.01", "notice"),
        ("JPY", "150001", "critical"),
    ],
)
def test_a_break_is_as_loud_as_its_currency_says(services: Services, currency: str, amount: str, severity: str):
    with services.db.transaction("default") as tx:
        yen = Tolerance(Decimal(15_000), Decimal(150_000))
        breaks.set_tolerance(tx, tenant="default", currency="JPY", tolerance=yen, by="ada")

    see(services, AT, a_break(amount=amount), currency=currency)

    assert kept(services)["invoices/7"].severity == severity


def test_a_break_that_nobody_has_is_not_found(services: Services):
    with services.db.transaction("default") as tx, pytest.raises(TieoutError, match="no break 77"):
        breaks.get(tx, 77)
