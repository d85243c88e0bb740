"""Both books at one instant: the ERP's own totals against the ledger's, and what explains the difference.

The ERP's totals are read by another way than the documents were pulled. If they differ, what changed meanwhile is
pulled and merged once more and both sides are read again, so that a document under way is not taken for a break.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ledger.reconcile import HeldDocument, Module, PartyFigure, Result, reconcile
from resources.connector import ControlTotals
from resources.errors import ErrorKind, TieoutError
from resources.stages.work import Work
from resources.stores import errors, mirror, reconciliation, verdicts


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One module of one connection, compared at `cutoff_at` (the ERP's clock)."""

    module: Module
    cutoff_at: datetime
    results: tuple[Result, ...]

    @property
    def ties_out(self) -> bool:
        return not any(r.difference or r.breaks for r in self.results)


class RefusedError(TieoutError):
    """The ledger's rows failed a data-quality check: what is wrong would only be compared with what is right."""


def reconcile_modules(work: Work, modules: Sequence[Module], catch_up: Callable[[], None]) -> list[Reconciliation]:
    """Compare these modules and keep the results; `catch_up` pulls and merges what changed meanwhile.

    Raises RefusedError naming check and rows when the last verdict on the module's rows was bad.
    """
    for module in modules:
        _refuse_on_red(work, module)
    totals = work.connector.control_totals()
    compared = [_compare(work, module, totals) for module in modules]
    if any(r.breaks for c in compared for r in c.results):
        catch_up()
        totals = work.connector.control_totals()
        compared = [_compare(work, module, totals) for module in modules]
    with work.transaction() as tx:
        for c in compared:
            reconciliation.keep(
                tx,
                tenant=work.connection.tenant,
                connection=work.connection.name,
                module=c.module.name,
                cutoff_at=c.cutoff_at,
                results=c.results,
                run_id=work.run_id,
            )
    return compared


def gated_entities(module: Module) -> tuple[str, ...]:
    """The entities whose checks must be green before a module is compared."""
    return (module.party, *module.open_amounts)


def _refuse_on_red(work: Work, module: Module) -> None:
    with work.reading() as tx:
        bad = verdicts.failing(tx, work.connection.name, gated_entities(module))
    if not bad:
        return
    first = bad[0]
    raise RefusedError(
        ErrorKind.VALIDATION,
        connection=work.connection.name,
        entity=first["entity"],
        doing=f"reconciling {module.name}",
        found="; ".join(
            f"check {b['entity']}.{b['check_name']} failed for {b['failed_count']} rows (ledger ids {b['sample'][:5]})"
            for b in bad
        ),
        expected="every data-quality check of its rows passed",
        next_step="correct these records in the ERP or the ledger, sync, and reconcile again",
    )


def _compare(work: Work, module: Module, totals: ControlTotals) -> Reconciliation:
    with work.reading() as tx:
        ours = reconciliation.party_figures(tx, work.connection.name, module)
    accounts: dict[str, Decimal] = {}
    for account in totals.accounts:
        if account.module == module.name:
            accounts[account.currency] = accounts.get(account.currency, Decimal(0)) + account.balance
    results = reconcile(
        module,
        erp_title=work.erp.title,
        erp_parties=[
            PartyFigure(p.external_id, p.name, p.currency, p.balance) for p in totals.parties if p.module == module.name
        ],
        erp_accounts=accounts,
        ledger_parties=ours,
        held=_held_documents(work, module),
    )
    return Reconciliation(module, totals.read_at, tuple(results))


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
