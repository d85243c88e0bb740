"""Both books as they stood at an instant: mirror against ledger, from their histories; and a closed month, again.

Belongs here: what is compared and what has to be said of it. Only our own database is read: an ERP's reports tell the
present, so of an instant that is past the mirror speaks for the ERP. Nothing but the figures of a closed month is
written. Comparing with the ERP itself is `reconcile.py`; how a table is read as of an instant, `sql/instants.py`.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg

from ledger.ageing import Aged, HomeRow, home_rows
from ledger.causes import Difference, DocumentState, Facts, difference
from ledger.reconcile import DocumentBreak, Module, Result, Statement, reconcile
from resources.errors import ErrorKind, TieoutError
from resources.profile import ErpProfile
from resources.services import Services
from resources.stages.compare import DIFFERENCES_MAX, breaks_of
from resources.stages.statements import of_rates
from resources.stores import ageing, closings, documents, documents_compared, instants
from resources.stores.connections import Connection
from resources.stores.documents import Shape
from resources.stores.documents_read import Source
from resources.stores.instants import Changed, Then

THEN = Source("instant")
NOW = Source("present")
CHANGES_MAX = 1000
_BOOKS: tuple[ageing.Book, ...] = ("ledger", "mirror")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One module's books at `at`, counted to the evening of `day`. Results have the mirror in the ERP's place."""

    module: Module
    at: datetime
    day: date
    home_currency: str
    results: tuple[Result, ...] = ()
    statements: tuple[Statement, ...] = ()
    aged: Mapping[str, Sequence[Aged]] | None = None

    @property
    def home(self) -> list[HomeRow]:
        """Both books in the home currency, party by party and bucket by bucket."""
        return [] if self.aged is None else home_rows(self.aged["ledger"], self.aged["mirror"], None)

    @property
    def figures(self) -> dict[tuple[str, str, str, str], tuple[Decimal, Decimal | None]]:
        """(book, party, currency, bucket) -> (amount, home amount)."""
        return {
            (book, one.party_external_id, one.currency, one.bucket): (one.amount, one.home_amount)
            for book, found in (self.aged or {}).items()
            for one in found
        }

    @property
    def ties_out(self) -> bool:
        """Every document was compared, and both books had all of them alike."""
        if any(s.is_blocking for s in self.statements):
            return False
        return not any(r.difference or r.breaks for r in self.results)


@dataclass(frozen=True, slots=True)
class ClosedMonth:
    """A closed month recomputed, whether it gave what was kept of it, and what has changed in it since.

    `kept_at` is None if it was kept only now. `moved` is (book, currency) -> by how much the balance of its last
    evening differs from what it was when the month was closed.
    """

    snapshot: Snapshot
    month: str
    kept_at: datetime | None
    is_same: bool
    changes: tuple[Changed, ...]
    moved: Mapping[tuple[str, str], Decimal]


def parse_instant(text: str) -> datetime:
    """An instant as people write it: a day means its first moment, no offset means UTC. Raises TieoutError."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise TieoutError(
            ErrorKind.VALIDATION,
            doing="reading an instant",
            found=repr(text),
            expected="a time such as 2026-11-01T18:00:00Z, or a day such as 2026-11-01, which begins at midnight UTC",
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def parse_month(text: str) -> date:
    """The last day of a month written as 2026-10. Raises TieoutError."""
    if re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text.strip()) is None:
        raise TieoutError(
            ErrorKind.VALIDATION, doing="reading a month", found=repr(text), expected="a month such as 2026-10"
        )
    year, month = map(int, text.strip().split("-"))
    return date(year, month, calendar.monthrange(year, month)[1])


def books_at(services: Services, name: str, modules: Sequence[Module], at: datetime) -> list[Snapshot]:
    """Compare both books of a connection as they stood. Raises TieoutError for an instant that is yet to come."""
    connection = services.connection(name)
    with _looking(services, connection, at) as tx:
        return [_snapshot(tx, services.erp(connection), connection, module, at, at.date()) for module in modules]


def closed_month(
    services: Services, name: str, modules: Sequence[Module], month_end: date, *, closed_at: datetime | None, by: str
) -> list[ClosedMonth]:
    """Recompute a closed month, and say what has changed in it since.

    It was closed at `closed_at`; else when it was kept before; else at midnight (UTC) after its last day. Its figures
    are kept the first time, and have to come out the same from then on. Raises TieoutError for a month that is not
    over.
    """
    connection = services.connection(name)
    found: list[ClosedMonth] = []
    for module in modules:
        with services.db.transaction(connection.tenant) as tx:
            before = closings.newest(tx, name, module.name, month_end)
        at = closed_at or (before.closed_at if before else _midnight_after(month_end))
        with _looking(services, connection, at) as tx:
            found.append(_closed(tx, services.erp(connection), connection, module, month_end, at, by))
    return found


def _midnight_after(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)


@contextmanager
def _looking(services: Services, connection: Connection, at: datetime) -> Iterator[psycopg.Connection[Any]]:
    """A transaction that sees one state of the database, however long it looks."""
    with services.db.transaction(connection.tenant, is_frozen=True) as tx:
        (now,) = tx.execute("select now()").fetchone()  # type: ignore[misc]
        if at > now:
            raise TieoutError(
                ErrorKind.VALIDATION,
                connection=connection.name,
                doing="reading both books as of an instant",
                found=f"{at:%Y-%m-%d %H:%M:%S}Z, and it is {now.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z",
                expected="an instant that is past",
            )
        yield tx


def _snapshot(
    tx: psycopg.Connection[Any], erp: ErpProfile, connection: Connection, module: Module, at: datetime, day: date
) -> Snapshot:
    home_currency = connection.home_currency or _home_currency(tx, connection.name)
    empty = Snapshot(module, at, day, home_currency)
    unread = _unread(tx, erp, connection.name, module, at)
    if unread:
        return replace(empty, statements=(unread,))
    name = connection.name
    of_then = {"tenant": connection.tenant, "connection": name, "module": module, "mappings": erp.mappings()}
    instants.read_documents(tx, THEN, at, **of_then)
    counts = {
        shape.entity: instants.count_documents(tx, name, THEN, at, shape) for shape in documents.shapes_of(module)
    }
    found, notes = _document_breaks(tx, erp, connection, module, at)
    results = reconcile(
        module,
        erp_title=f"{erp.title} (as mirrored)",
        erp_parties=ageing.party_figures(tx, name, module, book="mirror", source=THEN, at=at),
        erp_accounts={},
        ledger_parties=ageing.party_figures(tx, name, module, source=THEN, at=at),
        documents=found,
    )
    aged = {
        book: ageing.ageing(tx, name, module, book, day, home_currency=home_currency, source=THEN, at=at)
        for book in _BOOKS
    }
    rates = ageing.without_rate(tx, name, module, home_currency, source=THEN, at=at) if home_currency else {}
    said = [*_of_books(module, erp.title, counts), *notes, *of_rates(rates, home_currency)]
    if not home_currency:
        says = f"the home currency of {name} is not known: amounts are in their own currencies only"
        said.append(Statement("home_currency_unknown", says, is_blocking=False))
    return replace(empty, results=tuple(results), statements=tuple(said), aged=aged)


def _home_currency(tx: psycopg.Connection[Any], connection: str) -> str:
    """As the last reconciliation knew it; empty if there was none."""
    row = tx.execute(
        "select home_currency from reconciliation.ageing where connection = %s order by ageing_id desc limit 1",
        (connection,),
    ).fetchone()
    return row[0] if row else ""


def _unread(
    tx: psycopg.Connection[Any], erp: ErpProfile, connection: str, module: Module, at: datetime
) -> Statement | None:
    """Entities that had not been read by then: nothing can be said of that instant, and least of all zero."""
    first = instants.first_read_at(tx, connection)
    needed = [entity for entity in (module.party, *module.open_amounts) if entity in erp.entities]
    unread = [entity for entity in needed if entity not in first or first[entity] > at]
    if not unread:
        return None
    known = [first[entity] for entity in needed if entity in first]
    since = (
        f"its books are known from {max(known):%Y-%m-%d %H:%M:%S}Z on"
        if len(known) == len(needed)
        else "it has never been read whole: sync first"
    )
    return Statement(
        "before_first_sync",
        f"{', '.join(unread)} had not been read from {erp.title} by {at:%Y-%m-%d %H:%M:%S}Z; {since}",
    )


def _of_books(module: Module, title: str, counts: Mapping[str, tuple[int, int, int]]) -> list[Statement]:
    found: list[Statement] = []
    if not any(ours for ours, _, _ in counts.values()):
        has_any = any(theirs for _, theirs, _ in counts.values())
        says = (
            f"the ledger had no document of {module.title.lower()} and {title} had: an empty ledger matches nothing"
            if has_any
            else f"neither the ledger nor {title} had a document of {module.title.lower()}: nothing was compared"
        )
        found.append(Statement("empty_ledger", says, is_blocking=has_any))
    for entity, (_, _, unreadable) in counts.items():
        if unreadable:
            says = f"{unreadable} {entity} of {title} cannot be read, and are in none of its figures"
            found.append(Statement("unreadable", says))
    return found


def _document_breaks(
    tx: psycopg.Connection[Any], erp: ErpProfile, connection: Connection, module: Module, at: datetime
) -> tuple[list[DocumentBreak], list[Statement]]:
    notes: list[Statement] = []
    found: list[DocumentBreak] = []
    names = ageing.party_names(tx, connection.name, module, source=THEN, at=at)
    for shape in documents.shapes_of(module):
        pairs = documents_compared.differing(tx, connection.name, shape, limit=DIFFERENCES_MAX + 1, source=THEN, at=at)
        if len(pairs) > DIFFERENCES_MAX:
            says = f"more than {DIFFERENCES_MAX:,} {shape.entity} differed: only their totals are compared"
            notes.append(Statement("too_different", says))
            continue
        if not pairs:
            continue
        # What is only in the mirror may be a row here that came later, or is deleted: its binding tells.
        known = instants.circumstances(
            tx, connection.name, shape.entity, at, [(pair.external_id, pair.ledger_id) for pair in pairs]
        )
        for pair, then in zip(pairs, known, strict=True):
            one = _difference(erp, shape, pair, then, at, names)
            if one is not None:
                found += breaks_of(one, names)
    return found, notes


def _difference(
    erp: ErpProfile, shape: Shape, pair: documents_compared.Pair, then: Then, at: datetime, names: Mapping[str, str]
) -> Difference | None:
    shown: DocumentState | None = pair.theirs or pair.ours
    facts = Facts(
        conflict=then.conflict or "",
        pending=then.pending if pair.ours is not None else "",
        is_bound=pair.external_id is not None,
        is_tombstone=then.is_tombstone,
        waits_here=_came_later(pair, then, at),
    )
    party = shown.party if shown else ""
    return difference(
        entity=shape.entity,
        external_id=pair.external_id,
        ledger_id=pair.ledger_id,
        sign=shape.sign,
        ours=pair.ours,
        theirs=pair.theirs,
        facts=facts,
        erp_title=erp.title,
        party_name=names.get(party) or f"party {party}",
    )


def _came_later(pair: documents_compared.Pair, then: Then, at: datetime) -> str:
    """Why the ERP's version was not in the ledger yet, if it came by itself or was about to."""
    if pair.ours is not None:
        return then.waits_here
    if then.is_bound_since is not None and then.is_bound_since > at:
        return f"it came into the ledger at {then.is_bound_since:%Y-%m-%d %H:%M:%S}Z"
    return ""


def _closed(
    tx: psycopg.Connection[Any],
    erp: ErpProfile,
    connection: Connection,
    module: Module,
    month_end: date,
    at: datetime,
    by: str,
) -> ClosedMonth:
    name = connection.name
    month = f"{month_end:%Y-%m}"
    if at < _midnight_after(month_end) - timedelta(hours=14):
        # Somewhere on earth the month's last evening is over 14 hours before it is in UTC.
        raise TieoutError(
            ErrorKind.VALIDATION,
            connection=name,
            doing=f"recomputing {month}",
            found=f"that it was closed at {at:%Y-%m-%d %H:%M:%S}Z",
            expected="an instant after its last day",
        )
    snapshot = _snapshot(tx, erp, connection, module, at, month_end)
    if snapshot.aged is None:
        return ClosedMonth(snapshot, month, None, True, (), {})
    kept = closings.at(tx, name, module.name, month_end, at)
    said: list[Statement] = []
    if kept is None:
        closings.keep(
            tx,
            tenant=connection.tenant,
            connection=name,
            module=module.name,
            month_end=month_end,
            closed_at=at,
            home_currency=snapshot.home_currency,
            by=by,
            figures=snapshot.figures,
        )
    else:
        said = _not_the_same(month, kept, closings.figures_of(tx, kept.closing_id), snapshot.figures)
    (now,) = tx.execute("select now()").fetchone()  # type: ignore[misc]
    of_now = {"tenant": connection.tenant, "connection": name, "module": module, "mappings": erp.mappings()}
    instants.read_documents(tx, NOW, now, **of_now)
    found: list[Changed] = []
    for book in _BOOKS:
        changed = instants.changes(
            tx,
            name,
            module,
            book,
            month_end,
            home_currency=snapshot.home_currency,
            then=(THEN, at),
            now=(NOW, now),
            limit=CHANGES_MAX + 1,
        )
        if len(changed) > CHANGES_MAX:
            says = f"more than {CHANGES_MAX:,} documents of the {book} have changed in {month}: the largest are listed"
            said.append(Statement("too_many_changes", says, is_blocking=False))
        found += changed[:CHANGES_MAX]
    moved = {
        key: amount for key, amount in _moved(tx, connection.name, module, month_end, snapshot, now).items() if amount
    }
    return ClosedMonth(
        replace(snapshot, statements=(*snapshot.statements, *said)),
        month,
        kept.kept_at if kept else None,
        not any(s.code == "closed_figures_differ" for s in said),
        tuple(found),
        moved,
    )


def _moved(
    tx: psycopg.Connection[Any], connection: str, module: Module, month_end: date, then: Snapshot, now: datetime
) -> dict[tuple[str, str], Decimal]:
    moved: dict[tuple[str, str], Decimal] = {}
    for book in _BOOKS:
        present = ageing.ageing(
            tx, connection, module, book, month_end, home_currency=then.home_currency, source=NOW, at=now
        )
        for sign, aged in ((1, present), (-1, (then.aged or {})[book])):
            for one in aged:
                key = (book, one.currency)
                moved[key] = moved.get(key, Decimal(0)) + sign * one.amount
    return moved


def _not_the_same(
    month: str, kept: closings.Closing, before: closings.Figures, again: closings.Figures
) -> list[Statement]:
    differs = sorted(key for key in {*before, *again} if before.get(key) != again.get(key))
    if not differs:
        return []
    book, party, currency, bucket = differs[0]
    was, now = before.get(differs[0], (0,))[0], again.get(differs[0], (0,))[0]
    return [
        Statement(
            "closed_figures_differ",
            f"{month} was kept at {kept.kept_at:%Y-%m-%d %H:%M:%S}Z with other figures: {len(differs)} differ, the "
            f"first is the {book}'s {bucket} of party {party}: {was:,.2f} {currency} then, {now:,.2f} now",
        )
    ]
