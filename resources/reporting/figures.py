"""What a report on one reconciliation says, before it has a form: read from what the run kept.

Belongs here: the figures and the sentences on what to do next. How they look is `pdf.py` and `html.py`, how machines
read them `tables.py`. Two reports on one run say the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import psycopg

from ledger.ageing import BUCKETS
from ledger.reconcile import MODULES, Cause
from resources.errors import ErrorKind, TieoutError
from resources.stores import reports
from resources.stores.reports import Aged, Point, Seen, Told, Total

# What a person does about a cause that stands in a report; `{name}` is the connection.
NEXT_STEPS: Mapping[Cause, str] = {
    Cause.CONFLICT_OPEN: "decide the open conflicts: tieout conflicts list",
    Cause.IN_FLIGHT: "look whether pushes are held or refused: tieout errors {name}",
    Cause.TIMING: "nothing where the next sync brings it; correct dates that differ in one of the books",
    Cause.MISSING_IN_ERP: "enter these in the ERP, or delete them in the ledger",
    Cause.MISSING_IN_LEDGER: "read them again: tieout sync {name} --full; what stays held says why in tieout errors",
    Cause.AMOUNT: "ask which book is right, and correct the other",
    Cause.TAX_ROUNDING: "accept the cents (tieout breaks explain), or correct the tax in one of the books",
    Cause.EXCHANGE_RATE: "correct the rate in one of the books",
    Cause.UNAPPLIED: "apply the payment or credit in the book that does not show it applied",
    Cause.DELETED_THERE: "bring the deletion here: tieout sync {name} --full",
    Cause.DUPLICATE: "keep one of the twins and void the other",
    Cause.UNEXPLAINED: "ask in the ERP what was posted to its control account by hand",
}


@dataclass(frozen=True, slots=True)
class Report:
    """One connection's reconciliation by one run. `seen` are its breaks, the loudest first."""

    connection: str
    company_name: str
    erp_title: str
    run_id: int
    cutoff_at: datetime
    as_of: date | None
    home_currency: str
    totals: Sequence[Total]
    seen: Sequence[Seen]
    told: Sequence[Told]
    aged: Mapping[str, Mapping[str, Aged]]
    trend: Mapping[tuple[str, str], Sequence[Point]]

    @property
    def blocking(self) -> list[Told]:
        return [one for one in self.told if one.is_blocking]

    @property
    def ties_out(self) -> bool:
        return not self.blocking and not self.seen and not any(t.difference_amount for t in self.totals)

    @property
    def verdict(self) -> str:
        """The one sentence that somebody reads who reads no more."""
        if self.blocking:
            one = len(self.blocking) == 1
            what = "one thing" if one else f"{len(self.blocking)} things"
            return f"Not compared as a whole: {what} stood in the way." + f" {self._breaks()}" * bool(self.seen)
        if self.ties_out:
            return "Ties out: everything was compared, and both books say the same to the cent."
        return f"Does not tie out: {self._breaks()}"

    def _breaks(self) -> str:
        critical, warning = (sum(one.severity == s for one in self.seen) for s in ("critical", "warning"))
        told = ", ".join(
            [f"{critical:,} critical"] * bool(critical) + [f"{warning:,} warning{'s' * (warning > 1)}"] * bool(warning)
        )
        plural = "break" if len(self.seen) == 1 else "breaks"
        return f"{len(self.seen):,} {plural}" + f", {told}" * bool(told) + "."

    @property
    def by_cause(self) -> list[tuple[str, str, str, int, Decimal]]:
        """(module, currency, cause, how many, amount), the largest amount of each currency first."""
        sums: dict[tuple[str, str, str], tuple[int, Decimal]] = {}
        for one in self.seen:
            key = (one.module, one.currency, one.cause)
            number, amount = sums.get(key, (0, Decimal(0)))
            sums[key] = number + 1, amount + one.amount
        rows = [(*key, number, amount) for key, (number, amount) in sums.items()]
        modules = list(MODULES)
        return sorted(rows, key=lambda row: (modules.index(row[0]), row[1], -abs(row[4]), row[2]))

    @property
    def to_do(self) -> list[str]:
        """What a person has to do next, the most pressing first; never empty."""
        found = [f"{one.says} ({one.module}, {one.code})" for one in self.blocking]
        still_open = [one for one in self.seen if one.state == "open"]
        for cause in sorted({one.cause for one in still_open}, key=lambda c: -self._weight(c)):
            of_it = [one for one in still_open if one.cause == cause]
            step = NEXT_STEPS[Cause(cause)].format(name=self.connection)
            found.append(f"{len(of_it):,} × {cause}: {step}")
        if unowned := sum(one.owner is None for one in still_open):
            found.append(f"{unowned:,} open without an owner: tieout breaks own ID NAME")
        explained = len(self.seen) - len(still_open)
        if explained:
            found.append(f"{explained:,} explained: nothing to do while their amounts stay")
        return found or ["Nothing."]

    def _weight(self, cause: str) -> int:
        """How loud a cause is: currencies are not weighed against each other, so by severity and number."""
        worth = {"critical": 10_000, "warning": 100, "notice": 1}
        return sum(worth[one.severity] for one in self.seen if one.cause == cause and one.state == "open")


def gather(tx: psycopg.Connection[Any], connection: str, erp_title: str, run_id: int | None = None) -> Report:
    """The report on one run, the newest reconciliation if none is named. Raises TieoutError (not found)."""
    run_id = run_id or reports.newest_run(tx, connection)
    totals = reports.totals(tx, connection, run_id) if run_id else []
    told = reports.told(tx, connection, run_id) if run_id else []
    if run_id is None or not (totals or told):
        raise TieoutError(
            ErrorKind.NOT_FOUND,
            connection=connection,
            doing="writing a report",
            found=f"no reconciliation by run {run_id}" if run_id else "no reconciliation yet",
            expected="one that compared something",
            next_step=f"run `tieout reconcile {connection}`",
        )
    company, home = reports.company(tx, connection)
    aged = reports.aged(tx, connection, run_id)
    cutoff_at = max(one.cutoff_at for one in [*totals, *told])
    return Report(
        connection=connection,
        company_name=company or connection,
        erp_title=erp_title,
        run_id=run_id,
        cutoff_at=cutoff_at,
        as_of=max((one.as_of for one in aged), default=None),
        home_currency=next((one.home_currency for one in aged), home or ""),
        totals=totals,
        seen=reports.seen(tx, connection, run_id),
        told=told,
        aged={
            module: {bucket: one for bucket in BUCKETS for one in aged if (one.module, one.bucket) == (module, bucket)}
            for module in dict.fromkeys(one.module for one in aged)
        },
        trend=reports.trend(tx, connection, until=cutoff_at),
    )
