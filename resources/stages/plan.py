"""What the ledger wants to say to an ERP: edited rows against their bases, as bodies ready to be sent, or why not.

Belongs here: planning, which reads and writes nothing outside our database. Sending is `sending.py`. The version token
of a plan is that of the base that was merged, never one read for the purpose.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import psycopg

from ledger.reconcile import MODULES
from ledger.spec import Record, entities, spec_of
from resources.connector import Composer, Operation, Refusal, Wanted
from resources.erps import erp_of
from resources.errors import ErrorKind
from resources.stages import currencies
from resources.stages.composing import composed
from resources.stores import bindings, conflicts, errors, mirror, outbox, records
from resources.stores.bindings import Binding
from resources.stores.connections import Connection
from resources.stores.edits import Edit
from resources.stores.outbox import Earlier
from resources.stores.records import UNBOUND, Kept

ROWS_PER_PLAN_MAX = 300


@dataclass(frozen=True, slots=True)
class Planned:
    """One row that is ahead of the ERP, and what would be sent for it."""

    wanted: Wanted
    body: dict[str, Any]
    kept: Kept
    key: str

    @property
    def ledger_id(self) -> int:
        return self.kept.ledger_id

    @property
    def edit(self) -> Edit:
        return Edit(self.kept.ledger_id, self.kept.version)


@dataclass(frozen=True, slots=True)
class Held:
    """One row that cannot be sent as of a version, and everything that keeps it."""

    edit: Edit
    external_id: str | None
    refusals: Sequence[Refusal]

    @property
    def ledger_id(self) -> int:
        return self.edit.ledger_id


@dataclass(slots=True)
class Plan:
    """What came of looking at some edited rows.

    `said`: nothing to say (any more). `parents`: (entity, ledger id) of what an edit in `waiting` refers to and the ERP
    does not have. `behind`: what moved over there since the base, or has no base; to be pulled and merged first.
    `over`: records there that both sides had deleted, whose rows were taken back: those are made again, as records of
    their own.
    """

    ready: list[Planned] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    said: list[Edit] = field(default_factory=list)
    waiting: dict[Edit, list[tuple[str, str, int]]] = field(default_factory=dict)
    behind: list[str] = field(default_factory=list)
    skipped: list[Edit] = field(default_factory=list)
    over: list[str] = field(default_factory=list)

    @property
    def parents(self) -> list[tuple[str, int]]:
        return list(dict.fromkeys((entity, row) for found in self.waiting.values() for _, entity, row in found))


def plan_rows(
    connection: Connection,
    tx: psycopg.Connection[Any],
    composer: Composer,
    entity: str,
    ledger_ids: Sequence[int],
    *,
    even_waiting: bool = False,
    retry_refused: bool = False,
) -> Plan:
    """Look at these rows. `even_waiting` composes what waits for a parent too, for whoever only wants to see it."""
    name = connection.name
    plan = Plan()
    versions = records.versions(tx, entity, ledger_ids)
    kept_rows = records.read(tx, name, entity, ledger_ids)
    bound = bindings.of_rows(tx, name, entity, ledger_ids)
    external_ids = [b.external_id for b in bound.values()]
    held_payloads = mirror.held(tx, name, entity, external_ids)
    held_back = errors.held_among(tx, name, entity, external_ids)
    in_conflict = conflicts.open_rows(tx, name, entity, ledger_ids)
    under_way = outbox.open_rows(tx, name, entity, ledger_ids)
    earlier = outbox.earlier(tx, name, entity, ledger_ids)
    party_currencies = currencies.of_parties(tx, entity, ledger_ids)
    across = currencies.applied_across(tx, entity, ledger_ids)
    revived = bindings.revived(tx, name, entity, ledger_ids)
    elsewhere = bindings.elsewhere(tx, name, entity, ledger_ids) if spec_of(entity).is_document else {}
    foreign = _foreign_documents(tx, name, kept_rows.values())
    documents = _documents_applied_to(tx, name, kept_rows.values())
    mapping = erp_of(connection.erp).mappings()[entity]
    coded = [] if spec_of(entity).is_document else [i for i, kept in kept_rows.items() if kept.unmapped]
    shared = bindings.shared(tx, name, entity, coded) if coded else set()
    for ledger_id, kept in kept_rows.items():
        if versions.get(ledger_id) != kept.version:
            # Written this very moment: its lines may be of the version before. It stays noted.
            continue
        edit = Edit(ledger_id, kept.version)
        if ledger_id in elsewhere:
            # A document is one connection's, and noted for that one: the one that has it, even if it names this one.
            if kept.connection == name:
                plan.held.append(Held(edit, None, [_named_wrongly(entity, ledger_id, name, elsewhere[ledger_id])]))
            continue
        binding = bound.get(ledger_id)
        held = held_payloads.get(binding.external_id) if binding else None
        if binding is not None and ledger_id in revived and (held is None or held.is_deleted):
            plan.over.append(binding.external_id)
            binding = held = None
        if binding is not None:
            # What this ERP has no word for is no change to it.
            kept = replace(kept, record=mapping.said(kept.record))
        before = earlier.get((ledger_id, kept.version), Earlier())
        if ledger_id in in_conflict or ledger_id in under_way:
            plan.skipped.append(edit)
            continue
        operation = operation_of(kept, binding)
        if operation is None:
            plan.said.append(edit)
            continue
        if binding is not None and binding.external_id in held_back:
            # Pulled and merged again and again it would still be behind.
            plan.held.append(Held(edit, binding.external_id, [_HELD_BACK]))
            continue
        if binding is not None and (
            held is None
            or held.is_deleted
            or held.version_token != binding.version_token
            # Nothing tells what was changed on which side.
            or (binding.base is None and operation != "delete")
        ):
            plan.behind.append(binding.external_id)
            continue
        unbound = kept.unbound() if operation in ("create", "update") else []
        refusals = [
            _of_another(label, parent, row, foreign, name) for label, parent, row in unbound if (parent, row) in foreign
        ]
        if operation in ("create", "update"):
            refusals += across.get(ledger_id, [])
        if ledger_id in shared and operation in ("create", "update"):
            refusals += _codes_of_others(kept, binding.base if binding else None, mapping.unsaid, name)
        if refusals:
            plan.held.append(Held(edit, binding.external_id if binding else None, refusals))
            continue
        if unbound:
            plan.waiting[edit] = unbound
            if not even_waiting:
                continue
        # The version's own time too: a database that was restored counts its versions from an earlier one again.
        version = (ledger_id, kept.version, kept.changed_at.isoformat())
        key = outbox.key_of(connection.tenant, name, entity, *version, operation, epoch=before.count)
        wanted = replace(
            _wanted(entity, operation, kept, binding, held.payload if held else None, outbox.marker_of_key(key)),
            party_currency=party_currencies.get(ledger_id, ""),
            documents=documents,
        )
        if before.has_refused(wanted.record, wanted.version_token) and not retry_refused:
            plan.skipped.append(edit)
            continue
        _compose(plan, composer, wanted, kept, key)
    return plan


def operation_of(kept: Kept, binding: Binding | None) -> Operation | None:
    """What has to happen over there for the ERP to hold what the row says; None if nothing has to."""
    is_void = getattr(kept.record, "is_void", False)
    if binding is None:
        return None if kept.is_deleted or is_void else "create"
    if kept.is_deleted:
        return "delete"
    if kept.record == binding.base:
        return None
    return "void" if is_void and not getattr(binding.base, "is_void", False) else "update"


def effect_of(entity: str, base: Record | None, record: Record | None) -> tuple[str, Decimal] | None:
    """(module, change of its balance in the document's currency) once the ERP has it; None for what moves none."""
    for module in MODULES.values():
        if entity not in module.open_amounts:
            continue
        column, sign = module.open_amounts[entity]

        def amount(side: Record | None, column: str = column) -> Decimal:
            return Decimal(0) if side is None or getattr(side, "is_void", False) else getattr(side, column)

        return module.name, sign * (amount(record) - amount(base))
    return None


def in_order() -> Sequence[str]:
    """The entities, parents first."""
    return [spec.name for spec in entities()]


def _foreign_documents(
    tx: psycopg.Connection[Any], connection: str, kept_rows: Iterable[Kept]
) -> dict[tuple[str, int], str]:
    """(entity, ledger id) -> its connection, for documents of other connections to which these rows refer."""
    named: dict[str, set[int]] = {}
    for kept in kept_rows:
        for _, entity, ledger_id in kept.unbound():
            if spec_of(entity).is_document:
                named.setdefault(entity, set()).add(ledger_id)
    return {
        (entity, ledger_id): home
        for entity, ids in named.items()
        for ledger_id, home in bindings.elsewhere(tx, connection, entity, sorted(ids)).items()
    }


def _documents_applied_to(
    tx: psycopg.Connection[Any], connection: str, kept_rows: Iterable[Kept]
) -> dict[tuple[str, str], Mapping[str, Any]]:
    """(entity, external id) -> payload, of the documents that these rows are applied to and the mirror holds."""
    named: dict[str, set[str]] = {}
    for kept in kept_rows:
        for part in getattr(kept.record, "applications", ()):
            if part.document is not None:
                named.setdefault(part.document_entity, set()).add(part.document)
    return {
        (entity, external_id): one.payload
        for entity, ids in named.items()
        for external_id, one in mirror.held(tx, connection, entity, sorted(ids)).items()
    }


def _of_another(
    label: str, entity: str, ledger_id: int, foreign: Mapping[tuple[str, int], str], connection: str
) -> Refusal:
    home = foreign[entity, ledger_id]
    return Refusal(
        label,
        f"{entity}/{UNBOUND}{ledger_id}, a document of {home}",
        f"one of {connection}: a document belongs to one company",
        f"name a document of {connection}, or enter this record for {home}",
        ErrorKind.MAPPING,
    )


def _named_wrongly(entity: str, ledger_id: int, connection: str, home: str) -> Refusal:
    return Refusal(
        "connection",
        f"{connection}, though the document is in {home}",
        f"{home}: a document belongs to one company",
        f"update ledger.{entity} set connection = '{home}' where ledger_id = {ledger_id}",
        ErrorKind.MAPPING,
    )


def _codes_of_others(kept: Kept, base: Record | None, unsaid: Collection[str], connection: str) -> list[Refusal]:
    """Codes of a row that other companies know as well, where they are not what this ERP says itself: unless a map says
    what they are here, they may be another company's, whose numbers mean something else.
    """
    return [
        Refusal(
            one.field,
            f"{one.code}, which may be another company's word, as others know this record too",
            f"a code that a map of {connection} names",
            f"tieout codes map {connection} {one.list} {one.code}=ID",
            ErrorKind.MAPPING,
        )
        for one in kept.unmapped
        if one.field not in unsaid and (base is None or getattr(base, one.field) != one.code)
    ]


_HELD_BACK = Refusal(
    "the record",
    "a version of it in the ERP that could not be taken into the ledger",
    "that version to be merged first",
    "`tieout errors` says what holds it; this edit follows by itself",
    ErrorKind.MAPPING,
)


def _wanted(
    entity: str,
    operation: Operation,
    kept: Kept,
    binding: Binding | None,
    payload: Mapping[str, Any] | None,
    marker: str,
) -> Wanted:
    if binding is None:
        return Wanted(entity, operation, kept.record, marker=marker)
    return Wanted(
        entity,
        operation,
        kept.record if operation == "update" or binding.base is None else binding.base,
        base=binding.base,
        held=payload,
        external_id=binding.external_id,
        version_token=binding.version_token,
    )


def _compose(plan: Plan, composer: Composer, wanted: Wanted, kept: Kept, key: str) -> None:
    found = composed(composer, wanted)
    if isinstance(found, dict):
        plan.ready.append(Planned(wanted, found, kept, key))
    else:
        plan.held.append(Held(Edit(kept.ledger_id, kept.version), wanted.external_id, found))
