"""Breaks that last: each difference between both books is one row, from the run that saw it first until it is gone.

Belongs here: keeping them from run to run, what persons write to them, and the tolerances by which they are loud.
Results and what each run saw are `reconciliation.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ledger.reconcile import Break, Result
from resources.errors import ErrorKind, TieoutError

State = Literal["open", "explained", "resolved"]
WARNING_AMOUNT = Decimal(100)
CRITICAL_AMOUNT = Decimal(1000)
# The row of the tolerances that counts for every currency without one of its own.
EVERY_CURRENCY = ""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """More than `warning_amount` is a warning, more than `critical_amount` critical; both in the currency itself."""

    warning_amount: Decimal = WARNING_AMOUNT
    critical_amount: Decimal = CRITICAL_AMOUNT

    def severity(self, amount: Decimal) -> str:
        if abs(amount) > self.critical_amount:
            return "critical"
        return "warning" if abs(amount) > self.warning_amount else "notice"


@dataclass(frozen=True, slots=True)
class KeptBreak:
    """One break as it is kept; `amount` is the ERP's figure less the ledger's, `fields` what differs in it."""

    break_id: int
    tenant_id: str
    connection: str
    module: str
    currency: str
    identity: str
    kind: str
    cause: str
    amount: Decimal
    severity: str
    entity: str | None
    external_id: str | None
    ledger_id: int | None
    party_external_id: str | None
    party_name: str | None
    fields: list[list[str]]
    says: str
    state: State
    owner: str | None
    note: str | None
    changed_by: str | None
    first_seen_at: datetime
    last_seen_at: datetime
    resolved_at: datetime | None
    run_id: int | None


_COLUMNS = ", ".join(KeptBreak.__dataclass_fields__)


def see(
    tx: psycopg.Connection[Any],
    *,
    tenant: str,
    connection: str,
    module: str,
    results: Sequence[Result],
    seen_at: datetime,
    is_whole: bool,
    run_id: int | None,
) -> dict[tuple[str, str], int]:
    """Keep what a run found; returns (currency, identity) -> break id.

    One that is there already keeps its id, owner and note; explained, it is open again if its amount has changed;
    resolved, it is open again from now. What was not seen is resolved, if the comparison was whole.
    """
    known = tolerances(tx)
    found = [(result.currency, one) for result in results for one in result.breaks]
    ids: dict[tuple[str, str], int] = {}
    with tx.cursor() as cursor:
        for currency, one in found:
            cursor.execute(_SEE, _row(tenant, connection, module, currency, one, known, seen_at, run_id))
            row = cursor.fetchone()
            assert row is not None
            ids[currency, one.identity] = row[0]
    if is_whole:
        tx.execute(
            "update reconciliation.breaks set state = 'resolved', resolved_at = %s "
            "where connection = %s and module = %s and state <> 'resolved' and not break_id = any(%s)",
            (seen_at, connection, module, list(ids.values())),
        )
    return ids


_SEE = """
insert into reconciliation.breaks as b
  (tenant_id, connection, module, currency, identity, kind, cause, amount, severity, entity, external_id, ledger_id,
   party_external_id, party_name, fields, says, first_seen_at, last_seen_at, run_id)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (connection, module, currency, identity) do update
   set kind = excluded.kind, cause = excluded.cause, amount = excluded.amount, severity = excluded.severity,
       ledger_id = excluded.ledger_id, external_id = excluded.external_id,
       party_external_id = excluded.party_external_id, party_name = excluded.party_name, fields = excluded.fields,
       says = excluded.says, last_seen_at = excluded.last_seen_at, run_id = excluded.run_id, resolved_at = null,
       first_seen_at = case when b.state = 'resolved' then excluded.first_seen_at else b.first_seen_at end,
       state = case when b.state = 'explained' and b.amount = excluded.amount then 'explained' else 'open' end
returning break_id
"""


def _row(
    tenant: str,
    connection: str,
    module: str,
    currency: str,
    one: Break,
    known: Mapping[str, Tolerance],
    seen_at: datetime,
    run_id: int | None,
) -> tuple[Any, ...]:
    tolerance = known.get(currency) or known.get(EVERY_CURRENCY) or Tolerance()
    return (
        *(tenant, connection, module, currency, one.identity, one.kind, one.cause.value, one.amount),
        *(tolerance.severity(one.amount), one.entity, one.external_id, one.ledger_id, one.party_external_id),
        *(one.party_name, Jsonb([list(f) for f in one.fields]), one.says, seen_at, seen_at, run_id),
    )


def list_of(
    tx: psycopg.Connection[Any], connection: str, *, states: Sequence[State] = ("open", "explained")
) -> list[KeptBreak]:
    """A connection's breaks in these states, the largest first; currencies are not weighed against each other."""
    with tx.cursor(row_factory=class_row(KeptBreak)) as rows:
        return rows.execute(
            f"select {_COLUMNS} from reconciliation.breaks where connection = %s and state = any(%s) "
            "order by array_position(array['critical', 'warning', 'notice'], severity), module, currency, "
            "abs(amount) desc, break_id",
            (connection, list(states)),
        ).fetchall()


def get(tx: psycopg.Connection[Any], break_id: int) -> KeptBreak:
    """One break. Raises TieoutError (not found)."""
    with tx.cursor(row_factory=class_row(KeptBreak)) as rows:
        found = rows.execute(
            f"select {_COLUMNS} from reconciliation.breaks where break_id = %s", (break_id,)
        ).fetchone()
    if found is None:
        raise TieoutError(
            ErrorKind.NOT_FOUND,
            doing="looking for a break",
            found=f"no break {break_id}",
            expected="the id of one",
            next_step="see `tieout breaks list`",
        )
    return found


def write(
    tx: psycopg.Connection[Any],
    break_id: int,
    *,
    by: str,
    owner: str | None = None,
    note: str | None = None,
    state: Literal["open", "explained"] | None = None,
) -> KeptBreak:
    """What a person says of a break; what is None stays. A resolved one is over: raises TieoutError (validation)."""
    held = get(tx, break_id)
    if held.state == "resolved":
        raise TieoutError(
            ErrorKind.VALIDATION,
            connection=held.connection,
            doing=f"writing to break {break_id}",
            found=f"that it is resolved since {held.resolved_at:%Y-%m-%d %H:%M}Z",
            expected="one that is open or explained",
            next_step="see `tieout breaks list`",
        )
    tx.execute(
        "update reconciliation.breaks set owner = coalesce(%s, owner), note = coalesce(%s, note), "
        "state = coalesce(%s, state), changed_by = %s where break_id = %s",
        (owner, note, state, by, break_id),
    )
    return get(tx, break_id)


def tolerances(tx: psycopg.Connection[Any]) -> dict[str, Tolerance]:
    """Currency -> tolerance, of the transaction's tenant; EVERY_CURRENCY is the rest."""
    return {
        currency: Tolerance(warning, critical)
        for currency, warning, critical in tx.execute(
            "select currency, warning_amount, critical_amount from reconciliation.tolerances"
        )
    }


def set_tolerance(tx: psycopg.Connection[Any], *, tenant: str, currency: str, tolerance: Tolerance, by: str) -> None:
    """Set one currency's tolerance, or that of every currency without one; breaks take it with the next run."""
    tx.execute(
        "insert into reconciliation.tolerances (tenant_id, currency, warning_amount, critical_amount, set_by) "
        "values (%s, %s, %s, %s, %s) on conflict (tenant_id, currency) do update "
        "set warning_amount = excluded.warning_amount, critical_amount = excluded.critical_amount, "
        "set_by = excluded.set_by, set_at = clock_timestamp()",
        (tenant, currency, tolerance.warning_amount, tolerance.critical_amount, by),
    )
