"""What has to be said of a comparison besides its figures: what could not be read, does not add up, or is not there.

Pure: takes what was read and returns statements. A figure that is not known is said to be unknown; it is never a zero,
and what was not compared does not tie out. The list of codes is in docs/reconciliation.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from ledger.ageing import HomeRow
from ledger.reconcile import Module, Statement
from resources.connector import ControlTotals, Reports
from resources.stores.cursors import Cursor


def of_sync(module: Module, cursors: Mapping[str, Cursor], offered: Sequence[str]) -> list[Statement]:
    """Entities that have never been read: nothing can be said of them."""
    unread = [e for e in (module.party, *module.open_amounts) if e in offered and _is_unread(cursors.get(e))]
    if not unread:
        return []
    says = f"{', '.join(unread)} have never been read from the ERP: sync first"
    return [Statement("before_first_sync", says)]


def _is_unread(cursor: Cursor | None) -> bool:
    return cursor is None or cursor.watermark is None


def of_reports(module: Module, erp_title: str, reports: Reports, totals: ControlTotals) -> list[Statement]:
    """Reports that failed, or disagree with their own detail, with the trial balance, or with the parties' balances."""
    found = [Statement("report_failed", f"{erp_title}'s {failure}") for failure in reports.failures]
    found += [Statement("report_note", f"{erp_title}: {note}", is_blocking=False) for note in reports.notes]
    parties = reports.parties_amount
    if parties is None and reports.parties is not None:
        parties = sum((p.home_amount for p in reports.parties), Decimal(0))
    if parties is not None and reports.documents_amount is not None and parties != reports.documents_amount:
        found.append(
            Statement(
                "report_disagrees",
                f"{erp_title}'s ageing of its {module.party} says {parties:,.2f} {reports.home_currency}, its detail "
                f"{reports.documents_amount:,.2f}",
            )
        )
    is_foreign = any(p.currency != reports.home_currency for p in totals.parties if p.module == module.name)
    is_partial = bool(reports.notes or reports.failures)
    if None not in (parties, reports.account_amount) and parties != reports.account_amount and not is_partial:
        found.append(
            Statement(
                "account_disagrees",
                f"{erp_title}'s ageing of its {module.party} says {parties:,.2f} {reports.home_currency}, its trial "
                f"balance {reports.account_amount:,.2f}"
                + (": foreign balances may have been revalued since" if is_foreign else ""),
                is_blocking=not is_foreign,
            )
        )
    return found


def of_books(
    module: Module,
    erp_title: str,
    reports: Reports,
    totals: ControlTotals,
    in_ledger: Mapping[str, int],
    in_mirror: Mapping[str, int],
) -> list[Statement]:
    """An empty ledger, which matches nothing; and entities of which the ERP counts more or fewer than the mirror."""
    found: list[Statement] = []
    if not any(in_ledger.values()):
        has_balance = any(p.balance for p in totals.parties if p.module == module.name)
        is_empty_there = not (has_balance or any(in_mirror.values()) or any(reports.counts.values()) or reports.parties)
        says = (
            f"the ledger has no document of {module.title.lower()}, and {erp_title} shows none either: nothing was "
            "compared"
            if is_empty_there
            else f"the ledger has no document of {module.title.lower()} and {erp_title} has: an empty ledger matches "
            "nothing: sync first"
        )
        found.append(Statement("empty_ledger", says, is_blocking=not is_empty_there))
    for entity, count in reports.counts.items():
        if count != in_mirror.get(entity, 0):
            found.append(
                Statement(
                    "counts_differ",
                    f"{erp_title} counts {count:,} {entity}, the mirror {in_mirror.get(entity, 0):,}: "
                    "`tieout sync --full` compares every id",
                )
            )
    return found


def of_rates(without: Mapping[str, int], home_currency: str) -> list[Statement]:
    """Foreign documents without a rate: what they are worth at home is not known."""
    return [
        Statement(
            "rate_missing",
            f"{count} open documents in {currency} have no rate to {home_currency}: their parties' home totals are not "
            "known",
            is_blocking=False,
        )
        for currency, count in sorted(without.items())
    ]


def of_ageing(module: Module, erp_title: str, rows: Sequence[HomeRow], home_currency: str) -> list[Statement]:
    """Parties whose home total is the same in both books, and whose buckets are not."""
    totals: dict[str, Decimal] = {}
    moved: dict[str, str] = {}
    for row in rows:
        if row.difference is None:
            totals[row.party_external_id] = Decimal("NaN")
            continue
        totals[row.party_external_id] = totals.get(row.party_external_id, Decimal(0)) + row.difference
        if row.difference:
            moved.setdefault(row.party_external_id, row.party_name)
    names = [name for party, name in moved.items() if totals[party] == 0]
    if not names:
        return []
    return [
        Statement(
            "ageing_differs",
            f"{erp_title} ages {len(names)} {module.party} otherwise than the ledger, with the same total in "
            f"{home_currency}: {', '.join(sorted(names)[:5])}",
            is_blocking=False,
        )
    ]
