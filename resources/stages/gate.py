"""The gate before a comparison: a connection's rows are examined, and what fails keeps its module from being compared.

Belongs here: examining, keeping what came of it, and the refusal, which names checks and rows. What is expected is
`resources/expected.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ledger.reconcile import Module
from ledger.spec import EntitySpec
from resources import data_docs
from resources.errors import ErrorKind, TieoutError
from resources.quality import Verdict, examine
from resources.services import Services
from resources.stages.work import Work
from resources.stores import switches, verdicts
from resources.stores.connections import Connection
from resources.stores.verdicts import FailingRow, KeptVerdict

SHOWN_ROWS_MAX = 5


class RefusedError(TieoutError):
    """The ledger's rows failed a data-quality check: what is wrong would only be compared with what is right."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One connection's rows of an entity, examined; `page` is where Data Docs shows it."""

    connection: Connection
    spec: EntitySpec
    verdicts: tuple[Verdict, ...]
    page: Path


def check_rows(services: Services, connection: Connection, specs: Sequence[EntitySpec]) -> list[Checked]:
    """Examine these entities of one connection, keep verdicts and failing rows, and make the pages of them.

    How long ago an entity was read is asked only where the ERP has it and its pull is not switched off.
    """
    settings = services.settings
    names = [spec.name for spec in specs]
    with services.db.transaction(connection.tenant) as tx:
        off = switches.switched_off(tx, connection.tenant, connection.name, "pull", names)
    read = set(services.erp(connection).entities) - set(off)
    examined = [
        examine(
            services.app_url,
            connection.tenant,
            connection.name,
            spec,
            settings.limits,
            settings.data_docs_folder,
            is_read=spec.name in read,
        )
        for spec in specs
    ]
    pages = data_docs.publish(settings.data_docs_folder, [one.result for one in examined])
    found = [
        Checked(connection, spec, one.verdicts, page) for spec, one, page in zip(specs, examined, pages, strict=True)
    ]
    with services.db.transaction(connection.tenant) as tx:
        for one in found:
            verdicts.record(
                tx,
                tenant=connection.tenant,
                connection=connection.name,
                spec=one.spec,
                verdicts=one.verdicts,
                page=str(one.page),
            )
    return found


def gated_entities(module: Module) -> tuple[str, ...]:
    """The entities whose checks must be green before a module is compared."""
    return (module.party, *module.open_amounts)


def refuse_on_red(work: Work, module: Module) -> None:
    """Raise RefusedError, naming checks and rows, when the last verdict on the module's rows was bad."""
    with work.reading() as tx:
        bad = verdicts.failing(tx, work.connection.name, gated_entities(module))
        rows = [verdicts.rows_of(tx, one.connection, one.entity, one.check_name, limit=SHOWN_ROWS_MAX) for one in bad]
    if not bad:
        return
    raise RefusedError(
        ErrorKind.VALIDATION,
        connection=work.connection.name,
        entity=bad[0].entity,
        doing=f"reconciling {module.name}",
        found="; ".join(told(one, some) for one, some in zip(bad, rows, strict=True)),
        expected="every data-quality check of its rows passed",
        next_step="correct these records in the ERP or the ledger, sync, and reconcile again",
    )


def told(verdict: KeptVerdict, rows: Sequence[FailingRow]) -> str:
    """A bad verdict as a sentence, with the rows that are to be named."""
    named = [str(row) for row in rows] or [str(key) for key in verdict.sample[:SHOWN_ROWS_MAX]]
    more = ", ..." if verdict.failed_count > len(named) else ""
    return (
        f"check {verdict.entity}.{verdict.check_name} failed for {verdict.failed_count} rows, "
        f"where {verdict.says or 'it should hold'}: ledger ids {', '.join(named)}{more}"
    )
