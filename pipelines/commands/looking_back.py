"""Both books at an instant that is past, and a closed month again: read from our own database, so no run is started."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from ledger.ageing import BUCKETS
from ledger.reconcile import MODULES
from pipelines.commands.console import (
    EXIT_DONE,
    EXIT_FOUND_WRONG,
    out,
    print_json,
    print_statements,
    print_table,
    progress,
)
from pipelines.commands.syncing import chosen_connections, house_of_process
from resources.stages import as_of as instants
from resources.stores.instants import Changed


def as_of(connection: str | None, text: str, *, is_json: bool) -> int:
    at = instants.parse_instant(text)
    found: dict[str, list[instants.Snapshot]] = {}
    with house_of_process() as house, progress(f"Both books at {at:%Y-%m-%d %H:%M}Z") as says:
        for one in chosen_connections(house, connection):
            says(one.name)
            found[one.name] = instants.books_at(house, one.name, list(MODULES.values()), at)
    ties_out = all(one.ties_out for snapshots in found.values() for one in snapshots)
    if is_json:
        report = {name: [_as_json(one) for one in snapshots] for name, snapshots in found.items()}
        print_json({"as_of": at.isoformat(), "connections": report, "ties_out": ties_out})
    else:
        for name, snapshots in found.items():
            print_snapshots(f"{name}: mirror against ledger, as of {at:%Y-%m-%d %H:%M:%S}Z", snapshots)
        out.print("Both books tied out." if ties_out else "They did not tie out: see above.", style="bold")
    return EXIT_DONE if ties_out else EXIT_FOUND_WRONG


def closed_month(connection: str | None, text: str, closed_at: str | None, *, is_json: bool) -> int:
    """Exit 0 if the month's figures came out as they were kept, and nothing has changed in it since."""
    month_end = instants.parse_month(text)
    at = None if closed_at is None else instants.parse_instant(closed_at)
    found: dict[str, list[instants.ClosedMonth]] = {}
    with house_of_process() as house, progress(f"{text} again") as says:
        for one in chosen_connections(house, connection):
            says(one.name)
            found[one.name] = instants.closed_month(
                house, one.name, list(MODULES.values()), month_end, closed_at=at, by=getpass.getuser()
            )
    is_whole = all(
        not any(s.is_blocking for s in one.snapshot.statements) for closings in found.values() for one in closings
    )
    is_unchanged = all(one.is_same and not one.changes for closings in found.values() for one in closings)
    if is_json:
        print_json(
            {
                "month": text,
                "connections": {
                    name: [
                        {
                            **_as_json(one.snapshot),
                            "kept_at": one.kept_at and one.kept_at.isoformat(),
                            "is_same": one.is_same,
                            "moved": [
                                {"book": book, "currency": currency, "amount": amount}
                                for (book, currency), amount in sorted(one.moved.items())
                            ],
                            "changes": [{**asdict(change), "amount": change.amount} for change in one.changes],
                        }
                        for one in closings
                    ]
                    for name, closings in found.items()
                },
                "is_unchanged": is_whole and is_unchanged,
            }
        )
    else:
        for name, closings in found.items():
            for one in closings:
                _print_closed(name, one)
        says = "Nothing has changed in it since." if is_unchanged else "It has changed since: see above."
        out.print(says if is_whole else "It could not be recomputed whole: see above.", style="bold")
    return EXIT_DONE if is_whole and is_unchanged else EXIT_FOUND_WRONG


def _as_json(one: instants.Snapshot) -> dict[str, Any]:
    return {
        "module": one.module.name,
        "as_of": one.at.isoformat(),
        "day": one.day.isoformat(),
        "ties_out": one.ties_out,
        "totals": [
            {
                "currency": r.currency,
                "ledger_total": r.ledger_amount,
                "mirror_total": r.erp_amount,
                "difference": r.difference,
                "breaks": r.by_cause,
                "listed": [{"cause": b.cause.value, "amount": b.amount, "says": b.says} for b in r.breaks],
            }
            for r in one.results
        ],
        "ageing": [
            {
                "book": book,
                "party": a.party_external_id,
                "name": a.party_name,
                "currency": a.currency,
                "bucket": a.bucket,
                "amount": a.amount,
                "home_amount": a.home_amount,
            }
            for book, found in (one.aged or {}).items()
            for a in found
        ],
        "statements": [asdict(s) for s in one.statements],
    }


def print_snapshots(title: str, snapshots: Sequence[instants.Snapshot]) -> None:
    """Both books at an instant; what is not known of it is said and has no figure."""
    print_table(
        title,
        ["module", "currency", "ledger", "mirror", "difference", "breaks by cause"],
        [
            (
                one.module.name,
                r.currency,
                f"{r.ledger_amount:,.2f}",
                f"{r.erp_amount:,.2f}",
                f"{r.difference:,.2f}",
                ", ".join(f"{cause} {amount:,.2f}" for cause, amount in r.by_cause.items()) or "none",
            )
            for one in snapshots
            for r in one.results
        ],
        right=["ledger", "mirror", "difference"],
    )
    for one in snapshots:
        for b in (b for r in one.results for b in r.breaks):
            out.print(f"  {one.module.name} {b.cause} {b.amount:,.2f}: {b.says}", highlight=False, markup=False)
        print_statements([{"module": one.module.name, **asdict(s)} for s in one.statements])


def _print_closed(name: str, one: instants.ClosedMonth) -> None:
    """The last evening of a month as it was when it was closed, by bucket, and what has changed since."""
    snapshot = one.snapshot
    sums: dict[tuple[str, str], dict[str, Decimal]] = {}
    for (book, _, currency, bucket), (amount, _) in snapshot.figures.items():
        of_bucket = sums.setdefault((currency, bucket), {})
        of_bucket[book] = of_bucket.get(book, Decimal(0)) + amount
    print_table(
        f"{name}: {snapshot.module.name} on the evening of {snapshot.day}, as closed at {snapshot.at:%Y-%m-%d %H:%M}Z",
        ["currency", "past due", "ledger", "mirror"],
        [
            (currency, bucket, f"{found.get('ledger', 0):,.2f}", f"{found.get('mirror', 0):,.2f}")
            for (currency, bucket), found in sorted(sums.items(), key=lambda one: (one[0][0], BUCKETS.index(one[0][1])))
        ],
        right=["ledger", "mirror"],
    )
    if snapshot.aged is not None:
        same = "the same figures as kept" if one.is_same else "NOT the figures that were kept"
        out.print(
            f"  {same} at {one.kept_at:%Y-%m-%d %H:%M}Z" if one.kept_at else "  kept from now on", highlight=False
        )
    print_statements([{"module": snapshot.module.name, **asdict(s)} for s in snapshot.statements])
    for (book, currency), amount in sorted(one.moved.items()):
        out.print(f"  {snapshot.module.name} {book}: {amount:+,.2f} {currency} since", highlight=False)
    for change in one.changes:
        out.print(f"  {_told(snapshot.module.name, change)}", highlight=False, markup=False)


def _told(module: str, change: Changed) -> str:
    named = f"{change.entity}/{change.external_id}" + (f" ({change.number})" if change.number else "")
    what = (
        f"new, {change.now_amount:,.2f} {change.currency} open"
        if change.then_amount is None
        else f"gone, {change.then_amount:,.2f} {change.currency} was open"
        if change.now_amount is None
        else ", ".join(f"{name} {was} is now {now}" for name, was, now in change.fields)
    )
    when = f"{change.changed_at:%Y-%m-%d %H:%M:%S}Z" if change.changed_at else "a time that is not known"
    return (
        f"{module} {change.book}: {named}: {what}; {change.amount:+,.2f}; last changed by {change.changed_by} at {when}"
    )
