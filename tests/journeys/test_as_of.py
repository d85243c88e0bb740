"""Both books as of any instant: what was seen then is what is read of it later, whatever has been edited since."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ledger.reconcile import MODULES, Cause
from resources.errors import TieoutError
from resources.stages import as_of
from resources.stores import ageing, documents, documents_compared
from tests.books import Books
from tests.ledger_writer import LedgerWriter
from tests.small_company import a_customer, a_line, a_vendor, an_invoice, an_item, stamped

AR = [MODULES["ar"]]
STEPS = 12
START = date(2025, 10, 1)


def now(books: Books) -> datetime:
    return books.value("select clock_timestamp()")


def at(books: Books, instant: datetime, *modules: str) -> list[as_of.Snapshot]:
    return as_of.books_at(books.services, books.name, [MODULES[name] for name in modules or MODULES], instant)


def a_small_company() -> dict[str, list[dict[str, Any]]]:
    euros = {"CurrencyRef": {"value": "EUR"}}
    return {
        "Customer": [a_customer(1), a_customer(2, **euros)],
        "Vendor": [a_vendor(50)],
        "Item": [an_item(90)],
        "Invoice": [
            an_invoice(100, TxnDate="2025-10-05", DueDate="2025-11-04"),
            an_invoice(
                101, customer=2, TxnDate="2025-10-20", DueDate="2025-11-19", ExchangeRate=Decimal("1.1"), **euros
            ),
            an_invoice(102, TxnDate="2025-11-02", DueDate="2025-12-02"),
        ],
    }


@pytest.fixture
def synced(books: Books) -> Books:
    books.load(a_small_company())
    books.change("update sync.connections set home_currency = 'USD'")
    books.sync()
    return books


@dataclass(frozen=True)
class Seen:
    """What the statements for the present said of both books at a moment."""

    at: datetime
    day: date
    aged: dict[tuple[str, str], list[Any]]
    figures: dict[tuple[str, str], list[Any]]
    differing: dict[str, list[Any]]

    @classmethod
    def of(cls, books: Books, day: date) -> Seen:
        mappings = books.services.erp(books.services.connection(books.name)).mappings()
        aged, figures, differing = {}, {}, {}
        with books.services.db.transaction(books.tenant) as tx:
            for module in MODULES.values():
                for shape in documents.shapes_of(module):
                    whose = {"tenant": books.tenant, "connection": books.name}
                    while documents.keep_up(tx, **whose, shape=shape, mapping=mappings[shape.entity]):
                        pass
                    pairs = documents_compared.differing(tx, books.name, shape, limit=1000)
                    differing[shape.entity] = sorted(pairs, key=repr)
                for book in ("ledger", "mirror"):
                    found = ageing.ageing(tx, books.name, module, book, day, home_currency="USD")
                    aged[module.name, book] = sorted(found, key=repr)
                    figures[module.name, book] = sorted(
                        ageing.party_figures(tx, books.name, module, book=book), key=repr
                    )
        return cls(now(books), day, aged, figures, differing)


def seen_again(books: Books, seen: Seen) -> Seen:
    """The same of the same moment, read now."""
    connection = books.services.connection(books.name)
    mappings = books.services.erp(connection).mappings()
    aged, figures, differing = {}, {}, {}
    source = as_of.THEN
    with books.services.db.transaction(books.tenant) as tx:
        for module in MODULES.values():
            of_then = {"tenant": books.tenant, "connection": books.name, "module": module, "mappings": mappings}
            as_of.instants.read_documents(tx, source, seen.at, **of_then)
            for shape in documents.shapes_of(module):
                pairs = documents_compared.differing(tx, books.name, shape, limit=1000, source=source, at=seen.at)
                differing[shape.entity] = sorted(pairs, key=repr)
            for book in ("ledger", "mirror"):
                past = {"source": source, "at": seen.at}
                found = ageing.ageing(tx, books.name, module, book, seen.day, home_currency="USD", **past)
                aged[module.name, book] = sorted(found, key=repr)
                figures[module.name, book] = sorted(
                    ageing.party_figures(tx, books.name, module, book=book, **past), key=repr
                )
    return Seen(seen.at, seen.day, aged, figures, differing)


class People:
    """Who works on both sides by chance, over months."""

    def __init__(self, books: Books, chance: random.Random) -> None:
        self.books = books
        self.chance = chance
        self.writer = LedgerWriter(books)
        self.number = 500

    def work(self, day: date) -> None:
        deeds = [self.invoiced_there, self.paid_there, self.changed_there, self.deleted_there, self.edited_here]
        deeds += [self.invoiced_here, self.damaged_here, self.synced, self.synced, self.pushed]
        self.chance.choice(deeds)(day)

    def _open(self) -> dict[str, Any]:
        return self.chance.choice([one for one in self.books.objects("Invoice") if float(one["Balance"]) > 0])

    def invoiced_there(self, day: date) -> None:
        self.number += 1
        amount = f"{self.chance.randint(100, 90_000) / 100:.2f}"
        self.books.load({"Invoice": [an_invoice(self.number, amount=amount, **_dated(day))]})

    def paid_there(self, day: date) -> None:
        one = self._open()
        self.number += 1
        paid = Decimal(str(one["Balance"])) / self.chance.choice([1, 2, 4])
        paid = paid.quantize(Decimal("0.01"))
        back = day - timedelta(days=self.chance.choice([0, 0, 40]))
        money = {key: one[key] for key in ("CurrencyRef", "ExchangeRate", "CustomerRef") if key in one}
        line = {"Amount": paid, "LinkedTxn": [{"TxnId": one["Id"], "TxnType": "Invoice"}]}
        times = _modified(self.number)
        self.books.load(
            {
                "Payment": [
                    stamped(self.number, TxnDate=back.isoformat(), TotalAmt=paid, UnappliedAmt=0, Line=[line], **money)
                    | times
                ],
                "Invoice": [_content(one) | {"Balance": Decimal(str(one["Balance"])) - paid} | times],
            }
        )

    def changed_there(self, day: date) -> None:
        one = self._open()
        self.number += 1
        more = Decimal(self.chance.randint(1, 500)) / 100
        total = Decimal(str(one["TotalAmt"])) + more
        changed = {"TotalAmt": total, "Balance": Decimal(str(one["Balance"])) + more, "Line": [a_line(str(total))]}
        self.books.load({"Invoice": [_content(one) | changed | _modified(self.number)]})

    def deleted_there(self, day: date) -> None:
        if len(self.books.objects("Invoice")) > 4:
            self.number += 1
            one = self._open()
            gone = {"Id": one["Id"], "status": "Deleted"} | _modified(self.number)
            self.books.load({"Invoice": [gone]})

    def edited_here(self, day: date) -> None:
        rows = self.books.rows("select ledger_id from ledger.invoices where not is_deleted")
        self.writer.update("invoices", self.chance.choice(rows)["ledger_id"], due_date=day.isoformat())

    def invoiced_here(self, day: date) -> None:
        customer = self.books.ledger_row("customers", "1")["ledger_id"]
        self.writer.invoice(customer, f"{self.chance.randint(100, 9000) / 100:.2f}")

    def damaged_here(self, day: date) -> None:
        with self.books.services.db.transaction(self.books.tenant) as tx:
            tx.execute("select set_config('tieout.is_sync', 'on', true), set_config('tieout.actor', 'sync', true)")
            tx.execute(
                "update ledger.invoices set open_amount = open_amount / 2 where ledger_id = "
                "(select max(ledger_id) from ledger.invoices where open_amount > 0)"
            )

    def synced(self, day: date) -> None:
        self.books.sync(self.chance.choice(["delta", "full"]))

    def pushed(self, day: date) -> None:
        self.books.push()


def _dated(day: date) -> dict[str, str]:
    return {"TxnDate": day.isoformat(), "DueDate": (day + timedelta(days=30)).isoformat()}


def _modified(number: int) -> dict[str, Any]:
    moment = datetime(2099, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
    times = {"CreateTime": "2026-01-05T09:00:00-08:00", "LastUpdatedTime": moment.isoformat()}
    return {"SyncToken": str(number), "MetaData": times}


def _content(record: dict[str, Any]) -> dict[str, Any]:
    exact = {"TotalAmt", "Balance", "ExchangeRate"}
    return {key: Decimal(str(value)) if key in exact else value for key, value in record.items()}


@pytest.mark.parametrize("seed", range(2))
def test_books_at_each_instant_are_what_was_seen_then(synced: Books, seed: int):
    chance = random.Random(seed)
    people = People(synced, chance)
    seen = [Seen.of(synced, START)]
    for step in range(STEPS):
        day = START + timedelta(days=10 * step)
        people.work(day)
        seen.append(Seen.of(synced, day))

    for one in seen:
        assert seen_again(synced, one) == one, one.at
    assert len({repr(one.aged) for one in seen}) > STEPS / 3


def test_a_closed_month_gives_the_same_figures_after_later_edits_and_says_what_has_changed(synced: Books):
    writer = LedgerWriter(synced)
    closed_at = now(synced)
    before = closed(synced, closed_at)

    # A payment of a later day is no change of October; one that is dated back is, and so is an amount.
    paid = Payer(synced)
    paid.pays(100, "40.00", day="2025-12-03")
    assert changes_of(synced) == []
    paid.pays(101, "25.00", day="2025-10-30")
    synced.sync()
    row = synced.ledger_row("invoices", "100")["ledger_id"]
    writer.update("invoices", row, due_date="2026-01-31")
    again = closed(synced, None)

    (was,), (one,) = before, again
    assert (was.kept_at, was.is_same, was.changes) == (None, True, ())
    assert one.snapshot.at == closed_at
    assert one.is_same
    assert one.snapshot.figures == was.snapshot.figures
    assert {(r.currency, r.ledger_amount, r.erp_amount) for r in one.snapshot.results} == {
        ("EUR", Decimal(100), Decimal(100)),
        ("USD", Decimal(200), Decimal(200)),
    }
    found = {(c.book, c.entity, c.external_id): c for c in one.changes}
    assert set(found) == {
        ("ledger", "invoices", "100"),
        ("ledger", "invoices", "101"),
        ("ledger", "payments", paid.last),
        ("mirror", "invoices", "101"),
        ("mirror", "payments", paid.last),
    }
    assert found["ledger", "invoices", "100"].fields == [["due_date", "2025-11-04", "2026-01-31"]]
    assert found["ledger", "invoices", "100"].changed_by == writer.actor
    assert found["mirror", "invoices", "101"].amount == Decimal("-25.00")
    assert found["mirror", "payments", paid.last].then_amount is None
    assert one.moved == {("ledger", "EUR"): Decimal("-25.00"), ("mirror", "EUR"): Decimal("-25.00")}
    assert sum(c.amount for c in one.changes if c.book == "mirror") == one.moved["mirror", "EUR"]


def test_figures_that_do_not_come_out_as_they_were_kept_are_said(synced: Books):
    closed(synced, now(synced))
    synced.change("update reconciliation.closing_figures set amount = amount + 1 where book = 'ledger'")

    (again,) = closed(synced, None)

    assert not again.is_same
    (said,) = [s for s in again.snapshot.statements if s.is_blocking]
    assert said.code == "closed_figures_differ"
    assert "100.00 USD then" in said.says or "101.00" in said.says


def test_an_instant_before_the_first_sync_has_no_figures_and_says_so(books: Books):
    before = now(books)
    books.load(a_small_company())
    books.sync()

    (found,) = at(books, before, "ar")

    assert (found.results, found.home, found.ties_out) == ((), [], False)
    (said,) = found.statements
    assert said.code == "before_first_sync"
    assert "had not been read from QuickBooks by" in said.says
    assert "its books are known from" in said.says


def test_an_empty_ledger_matches_nothing_at_any_instant(synced: Books):
    with synced.services.db.transaction(synced.tenant) as tx:
        tx.execute("select set_config('tieout.is_sync', 'on', true)")
        tx.execute("update ledger.invoices set is_deleted = true")
    emptied = now(synced)
    synced.sync("full")

    receivables, payables = at(synced, emptied)

    assert [(s.code, s.is_blocking) for s in receivables.statements] == [("empty_ledger", True)]
    assert not receivables.ties_out
    assert len([b for r in receivables.results for b in r.breaks]) == 3
    assert [(s.code, s.is_blocking) for s in payables.statements] == [("empty_ledger", False)]


def test_a_foreign_document_without_a_rate_then_is_said(synced: Books):
    euros = {"CurrencyRef": {"value": "EUR"}}
    synced.load({"Invoice": [an_invoice(103, 2, **euros) | _modified(1)]})
    synced.sync()

    (found,) = at(synced, now(synced), "ar")

    assert [s.code for s in found.statements] == ["rate_missing"]
    assert "EUR have no rate to USD" in found.statements[0].says
    assert {row.bucket for row in found.home if row.party_external_id == "2" and row.ledger_amount is None}
    assert not any(row.ledger_amount is None for row in found.home if row.party_external_id == "1")


def test_an_edit_that_was_under_way_then_is_named_as_that(synced: Books):
    writer = LedgerWriter(synced)
    row = synced.ledger_row("invoices", "100")["ledger_id"]
    writer.update("invoices", row, due_date="2026-03-31")
    waiting = now(synced)
    synced.push()
    synced.sync()

    (found,) = at(synced, waiting, "ar")
    (later,) = at(synced, now(synced), "ar")

    assert [(b.identity, b.cause, b.amount) for r in found.results for b in r.breaks] == [
        ("invoices/100", Cause.IN_FLIGHT, Decimal(0))
    ]
    assert later.ties_out


def test_an_instant_to_come_and_a_month_that_is_not_over_are_refused(synced: Books):
    with pytest.raises(TieoutError, match="expected an instant that is past"):
        at(synced, now(synced) + timedelta(hours=1))
    with pytest.raises(TieoutError, match="expected a month such as 2026-10"):
        as_of.parse_month("October")
    with pytest.raises(TieoutError, match="expected an instant after its last day"):
        closed(synced, datetime(2025, 10, 15, tzinfo=UTC))
    with pytest.raises(TieoutError, match="such as 2026-11-01T18:00:00Z"):
        as_of.parse_instant("yesterday")


def closed(books: Books, instant: datetime | None) -> list[as_of.ClosedMonth]:
    return as_of.closed_month(books.services, books.name, AR, as_of.parse_month("2025-10"), closed_at=instant, by="ben")


def changes_of(books: Books) -> list[Any]:
    return [change for one in closed(books, None) for change in one.changes]


class Payer:
    """Payments over there, dated as one likes."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.number = 800

    @property
    def last(self) -> str:
        return str(self.number)

    def pays(self, invoice: int, amount: str, *, day: str) -> None:
        self.number += 1
        (one,) = [i for i in self.books.objects("Invoice") if i["Id"] == str(invoice)]
        paid = Decimal(amount)
        money = {key: one[key] for key in ("CurrencyRef", "CustomerRef") if key in one}
        if "ExchangeRate" in one:
            money["ExchangeRate"] = Decimal(str(one["ExchangeRate"]))
        line = {"Amount": paid, "LinkedTxn": [{"TxnId": one["Id"], "TxnType": "Invoice"}]}
        times = _modified(self.number)
        whole = {"TxnDate": day, "TotalAmt": paid, "UnappliedAmt": Decimal(0), "Line": [line]}
        payment = stamped(self.number, **whole, **money) | times
        left = Decimal(str(one["Balance"])) - paid
        self.books.load({"Payment": [payment], "Invoice": [_content(one) | {"Balance": left} | times]})
        self.books.sync()
