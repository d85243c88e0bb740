"""Both books at one instant: the ERP's own totals and reports against the ledger's, and what explains the difference.

The ERP's totals are read by another way than the documents were pulled. If they differ, what changed meanwhile is
pulled and merged once more and both sides are read again, so that a document under way is not taken for a break.
Documents are compared one by one in `compare.py`; what else has to be said is `statements.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import psycopg

from ledger.ageing import Aged, HomeRow, by_bucket, home_rows
from ledger.reconcile import HeldDocument, Module, PartyFigure, Result, Statement, reconcile
from resources.connector import ControlTotals, Reports
from resources.stages import statements
from resources.stages.compare import compare_documents, keep_up
from resources.stages.gate import refuse_on_red
from resources.stages.work import Work
from resources.stores import ageing, breaks, cursors, documents, documents_compared, errors, mirror, reconciliation
from resources.stores import reports as kept_reports


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One module of one connection, compared at `cutoff_at` (the ERP's clock) and aged on the evening of `as_of`.

    `home` are both books and the ERP's report in the home currency, party by party and bucket by bucket.
    """

    module: Module
    cutoff_at: datetime
    results: tuple[Result, ...]
    statements: tuple[Statement, ...] = ()
    as_of: date | None = None
    home_currency: str = ""
    home: tuple[HomeRow, ...] = ()

    @property
    def ties_out(self) -> bool:
        """Every figure was compared, and all are the same."""
        if any(s.is_blocking for s in self.statements):
            return False
        return not any(r.difference or r.breaks for r in self.results)


@dataclass(frozen=True, slots=True)
class _Compared:
    """A reconciliation, and what of it is kept besides."""

    found: Reconciliation
    books: Mapping[str, Sequence[Aged]]
    reports: Reports


def reconcile_modules(work: Work, modules: Sequence[Module], catch_up: Callable[[], None]) -> list[Reconciliation]:
    """Compare these modules and keep the results; `catch_up` pulls and merges what changed meanwhile.

    Raises RefusedError naming check and rows when the last verdict on the module's rows was bad.
    """
    for module in modules:
        refuse_on_red(work, module)
    compared = _compare_all(work, modules, is_thorough=False)
    if not all(c.found.ties_out for c in compared):
        catch_up()
        compared = _compare_all(work, modules, is_thorough=True)
    with work.transaction() as tx:
        for c in compared:
            _keep(tx, work, c)
    return [c.found for c in compared]


def _compare_all(work: Work, modules: Sequence[Module], *, is_thorough: bool) -> list[_Compared]:
    totals = work.connector.control_totals()
    reports = work.connector.reports([module.name for module in modules], totals.read_at.date())  # type: ignore[misc]
    return [_compare(work, module, totals, one, is_thorough) for module, one in zip(modules, reports, strict=True)]


def _keep(tx: psycopg.Connection[Any], work: Work, compared: _Compared) -> None:
    found = compared.found
    of_module = {"tenant": work.connection.tenant, "connection": work.connection.name, "module": found.module.name}
    # A break that was not seen is over only if everything was looked at.
    is_whole = not any(s.is_blocking and s.code != "counts_differ" for s in found.statements)
    break_ids = breaks.see(
        tx,
        **of_module,
        results=found.results,
        seen_at=found.cutoff_at,
        is_whole=is_whole,
        run_id=work.run_id,
    )
    reconciliation.keep(
        tx,
        **of_module,
        cutoff_at=found.cutoff_at,
        results=found.results,
        statements=found.statements,
        break_ids=break_ids,
        run_id=work.run_id,
    )
    kept_reports.keep_aged(
        tx,
        **of_module,
        as_of=compared.reports.as_of,
        home_currency=found.home_currency,
        buckets=_told_by_bucket(compared),
        run_id=work.run_id,
    )
    ageing.keep(
        tx,
        **of_module,
        as_of=compared.reports.as_of,
        home_currency=found.home_currency,
        books=compared.books,
        reported=compared.reports.parties,
        run_id=work.run_id,
    )


def _told_by_bucket(compared: _Compared) -> dict[str, HomeRow]:
    """Both books and the report by bucket; a report that was not read is not known, even of an empty book."""
    buckets = by_bucket(compared.found.home)
    if compared.reports.parties is None:
        return {bucket: replace(row, reported_amount=None) for bucket, row in buckets.items()}
    return buckets


def _compare(work: Work, module: Module, totals: ControlTotals, reports: Reports, is_thorough: bool) -> _Compared:
    name, title = work.connection.name, work.erp.title
    as_of, home_currency = reports.as_of, reports.home_currency
    keep_up(work, module)
    held = _held_documents(work, module)
    held_keys = {(h.entity, h.external_id) for h in held}
    by_document = compare_documents(work, module, reports, held_keys, is_thorough=is_thorough)
    with work.reading() as tx:
        ours = ageing.party_figures(tx, name, module)
        books = {
            book: ageing.ageing(tx, name, module, book, as_of, home_currency=home_currency)
            for book in ("ledger", "mirror")
        }
        rates = ageing.without_rate(tx, name, module, home_currency)
        counts = {shape.entity: documents_compared.count(tx, name, shape) for shape in documents.shapes_of(module)}
        read = cursors.read_all(tx, name)
    home = tuple(home_rows(books["ledger"], books["mirror"], _by_bucket(reports), reports.unasked))
    said = [
        *statements.of_sync(module, read, list(work.erp.entities)),
        *statements.of_reports(module, title, reports, totals),
        *statements.of_books(
            module,
            title,
            reports,
            totals,
            {entity: ours for entity, (ours, _) in counts.items()},
            {entity: theirs for entity, (_, theirs) in counts.items()},
        ),
        *statements.of_rates(rates, home_currency),
        *statements.of_ageing(module, title, home, home_currency),
        *(Statement(code, says) for code, says in by_document.notes),
    ]
    accounts: dict[str, Decimal] = {}
    for account in totals.accounts:
        if account.module == module.name:
            accounts[account.currency] = accounts.get(account.currency, Decimal(0)) + account.balance
    results = reconcile(
        module,
        erp_title=title,
        erp_parties=[
            PartyFigure(p.external_id, p.name, p.currency, p.balance) for p in totals.parties if p.module == module.name
        ],
        erp_accounts=accounts,
        ledger_parties=ours,
        held=[*held, *_not_synced(title, reports, totals)],
        documents=by_document.breaks,
    )
    found = Reconciliation(
        module, totals.read_at, tuple(results), tuple(said), as_of=as_of, home_currency=home_currency, home=home
    )
    return _Compared(found, books, reports)


def _by_bucket(reports: Reports) -> dict[tuple[str, str], tuple[str, Decimal]] | None:
    if reports.parties is None:
        return None
    return {
        (party.external_id, bucket): (party.name, amount)
        for party in reports.parties
        for bucket, amount in party.buckets.items()
    }


def _not_synced(title: str, reports: Reports, totals: ControlTotals) -> list[HeldDocument]:
    """Open documents of kinds that are not synced, as the ERP's report names them.

    A report tells home amounts only, so those of a party with another currency explain nothing and are left out.
    """
    at_home = {
        p.external_id for p in totals.parties if p.module == reports.module and p.currency == reports.home_currency
    }
    return [
        HeldDocument(
            one.word,
            one.external_id,
            one.party_external_id,
            reports.home_currency,
            one.home_amount,
            f"{title} lists it as open, and documents of its kind are not synced",
        )
        for one in reports.documents or ()
        if one.entity is None and one.party_external_id in at_home
    ]


def _held_documents(work: Work, module: Module) -> list[HeldDocument]:
    found: list[HeldDocument] = []
    with work.reading() as tx:
        reasons = {
            (e["entity"], e["external_id"]): e["message"]
            for e in errors.open_errors(tx, work.connection.name)
            if e["stage"] == "merge" and e["entity"] in module.open_amounts
        }
        for entity, (amount_field, sign) in module.open_amounts.items():
            ids = [external_id for name, external_id in reasons if name == entity]
            if not ids:
                continue
            party_field = module.party.removesuffix("s")
            counted = reconciliation.open_amounts(tx, work.connection.name, entity, amount_field, ids)
            for record in mirror.records(tx, work.connection.name, entity, ids):
                payload = record.payload
                amount = _readable(work, entity, amount_field, payload)
                if isinstance(amount, Decimal):
                    # An earlier version of it may be in the ledger and counted there.
                    amount -= counted.get(record.external_id, Decimal(0))
                found.append(
                    HeldDocument(
                        entity,
                        record.external_id,
                        str(_readable(work, entity, party_field, payload) or ""),
                        str(_readable(work, entity, "currency", payload) or ""),
                        sign * amount if isinstance(amount, Decimal) else Decimal(0),
                        reasons[entity, record.external_id],
                    )
                )
    return found


def _readable(work: Work, entity: str, field_name: str, payload: Mapping[str, object]) -> object:
    """One field of a record that as a whole could not be read; None where this field is the unreadable one."""
    try:
        return work.erp.mappings()[entity].fields[field_name].reader()(payload)
    except ValueError:
        return None
