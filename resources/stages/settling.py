"""One record as both sides have it: merged three ways and written, or held in a conflict for a person.

Belongs here: what two versions and their base make of each other, and writing that. What arrives by a pull is
`careful.py`, what a push was answered `recording.py`; who wins is decided in `ledger/merge.py`.

What is written many times alike (bindings, ends of edits, errors and intents, the audit) is collected while records are
settled and written by one statement each at the end, so that a batch of records costs little more than one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from ledger.codes import CodeTable
from ledger.fields import MappingError
from ledger.merge import Merged, merge_or_meet
from ledger.policies import Conflict, ConflictKind, Policies, Side
from ledger.spec import Record, spec_of
from resources.connector import Composer, WireRecord
from resources.points import point
from resources.stages.work import Work
from resources.stores import audit, bindings, code_maps, conflicts, edits, errors, history, outbox, policies, records
from resources.stores.audit import Entry
from resources.stores.bindings import NO_VERSION, Binding
from resources.stores.edits import Edit
from resources.stores.mirror import Change
from resources.stores.outbox import Done
from resources.stores.records import Kept


@dataclass(frozen=True, slots=True)
class Theirs:
    """One record as the ERP has it now; `record` is None if it was deleted there."""

    external_id: str
    version_token: str | None
    modified_at: datetime | None
    record: Record | None
    payload: Mapping[str, Any]
    change_seq: int | None = None

    @classmethod
    def of(cls, change: Change, record: Record | None) -> Theirs:
        """A change as the mirror has it, and what the mapping reads from it."""
        return cls(
            change.external_id,
            change.version_token,
            change.modified_at,
            record,
            change.payload,
            change.change_seq,
        )


@dataclass(slots=True)
class _Pending:
    """What is to be written for the records that are being settled, by entity where statements differ by it."""

    bound: dict[tuple[str, str], Binding] = field(default_factory=dict)
    planned: dict[str, list[Edit]] = field(default_factory=dict)
    resolved: dict[str, list[str]] = field(default_factory=dict)
    done: list[Done] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    def write(self, tx: psycopg.Connection[Any], *, tenant: str, connection: str) -> None:
        bindings.put(tx, tenant=tenant, connection=connection, bound=list(self.bound.values()))
        for entity, said in self.planned.items():
            edits.planned(tx, connection, entity, said)
        for entity, ids in self.resolved.items():
            errors.resolve(tx, connection, "push", entity, ids)
        outbox.done(tx, self.done)
        # Last: until the transaction ends, nobody else can append.
        audit.append_all(tx, tenant=tenant, entries=self.entries)


class Settling:
    """Works within one transaction of the sync; whoever opened it commits. Public ways in settle `together`."""

    def __init__(self, work: Work, tx: psycopg.Connection[Any]) -> None:
        self.work = work
        self.tx = tx
        self.name = work.connection.name
        self.tenant = work.connection.tenant
        self.actor = f"sync:{self.name}"
        self._codes: CodeTable | None = None
        self._policies: dict[str, Policies] = {}
        # Read ahead for many rows at once: rows, locked; which rows external ids are; which rows are in no conflict.
        self._rows: dict[tuple[str, int], Kept] = {}
        self._known: dict[tuple[str, str], int] = {}
        self._is_free: set[tuple[str, int]] = set()
        self._pending = _Pending()

    @property
    def composer(self) -> Composer:
        return self.work.composer

    @contextmanager
    def _together(self) -> Iterator[None]:
        """Settle records; what they have in common is written at the end, or not at all."""
        try:
            yield
            self._pending.write(self.tx, tenant=self.tenant, connection=self.name)
        finally:
            self._pending = _Pending()
            self._rows, self._known, self._is_free = {}, {}, set()

    def _read_ahead(self, entity: str, ledger_ids: Sequence[int], arrived: Sequence[Record]) -> None:
        """Read, for all of these rows at once, what settling asks of each; `arrived` is what the ERP says of them."""
        records.lock(self.tx, entity, ledger_ids)
        kept_rows = records.read(self.tx, self.name, entity, ledger_ids, codes=self._code_table())
        self._rows = {(entity, ledger_id): kept for ledger_id, kept in kept_rows.items()}
        held = conflicts.open_rows(self.tx, self.name, entity, ledger_ids)
        self._is_free = {(entity, ledger_id) for ledger_id in ledger_ids if ledger_id not in held}
        self._known = bindings.ledger_ids_of(self.tx, self.name, records.named_by(spec_of(entity), arrived))

    def _code_table(self) -> CodeTable:
        if self._codes is None:
            self._codes = code_maps.table(self.tx, self.name)
        return self._codes

    def _policies_of(self, entity: str) -> Policies:
        if entity not in self._policies:
            self._policies[entity] = policies.of(self.tx, entity)
        return self._policies[entity]

    def _settle(
        self,
        entity: str,
        kept: Kept,
        base: Record | None,
        theirs: Theirs,
        doubt: str = "",
        otherwise: Collection[str] = (),
    ) -> str:
        """Merge one record and write what came of it, or hold it in a conflict: where it is in `doubt` whether the two
        are the same at all, whatever they say; and where the ERP made something else of what we sent, in the fields
        `otherwise`.
        """
        ours = None if kept.is_deleted else kept.record
        is_free = (entity, kept.ledger_id) in self._is_free
        shown = None if is_free else conflicts.open_of(self.tx, self.name, entity, kept.ledger_id)
        # What is set while it is open does not decide what was left to a person.
        rules = policies.of(self.tx, entity, until=shown.opened_at) if shown else self._policies_of(entity)
        newest = self._newest(entity, kept, theirs) if rules.asks_for_newest else None
        merged = merge_or_meet(base, ours, theirs.record, rules, newest)
        # What the two sides never agreed on and still have differently.
        names = dict.fromkeys([*otherwise, *(shown.never_agreed if shown else ())])
        never_agreed = differing(names, ours, theirs.record)
        if merged.kind is not None or doubt or never_agreed:
            kind = merged.kind or ConflictKind.VALIDATION_CONFLICT
            if base is None and theirs.record is not None:
                kind = ConflictKind.POSSIBLE_DUPLICATE
            broken = [doubt] if doubt else merged.invariant_failures
            self._open(entity, kept, base, theirs, kind, with_others(merged.conflicts, never_agreed), broken)
            return "held"
        outcome = self._conclude(entity, kept, merged, theirs)
        if not is_free:
            conflicts.settle(self.tx, self.name, entity, kept.ledger_id, theirs.external_id, by=self.actor)
        return outcome

    def _newest(self, entity: str, kept: Kept, theirs: Theirs) -> Side | None:
        """Who changed it last, if that can be told. What the sync wrote for this company is no change of ours; what it
        brought from another was changed there, nobody knows when.
        """
        if theirs.modified_at is None:
            return None
        by_people, by_others = history.changed_last(self.tx, entity, kept.ledger_id, besides=self.actor)
        if by_people is not None and by_people > theirs.modified_at:
            return Side.OURS
        return None if by_others is not None and by_others > theirs.modified_at else Side.THEIRS

    def _conclude(self, entity: str, kept: Kept, merged: Merged[Any], theirs: Theirs) -> str:
        outcome, version = "same", kept.version
        if merged.record is None:
            if not kept.is_deleted:
                version = records.bury(
                    self.tx,
                    entity=entity,
                    ledger_id=kept.ledger_id,
                    changed_by=self.actor,
                    run_id=self.work.run_id,
                )
                outcome = "deleted"
        elif merged.record != kept.record or kept.is_deleted:
            version = self._write(entity, kept, merged)
            outcome = "updated"
        point("settled")
        if theirs.record is None and merged.record is not None:
            # It stays here although it is gone there: to be made again, as a record of its own.
            self._pending.bound.pop((entity, theirs.external_id), None)
            bindings.drop(self.tx, connection=self.name, entity=entity, external_id=theirs.external_id)
            is_agreed = False
        else:
            # What the ERP has no word for is ours alone, and nothing to agree on.
            said = None if merged.record is None else self._said(entity, merged.record)
            is_agreed = said == theirs.record
            base = theirs.record if theirs.record is not None else self._said(entity, kept.record)
            self._bind(
                entity,
                theirs.external_id,
                kept.ledger_id,
                base,
                theirs.version_token,
                version if is_agreed else NO_VERSION,
            )
        if is_agreed:
            self._pending.planned.setdefault(entity, []).append(Edit(kept.ledger_id, version))
            self._pending.resolved.setdefault(entity, []).append(error_id_of(kept.ledger_id))
        else:
            edits.note(self.tx, connection=self.name, entity=entity, ledger_id=kept.ledger_id, version=version)
        return outcome

    def _write(self, entity: str, kept: Kept, merged: Merged[Any]) -> int:
        """The row says what was merged, its parts continued where they are the same; gives its new version."""
        return records.write(
            self.tx,
            connection=self.name,
            entity=entity,
            ledger_id=kept.ledger_id,
            record=self.work.erp.mappings()[entity].with_unsaid_of(kept.record, merged.record, merged.origins),
            part_ids=kept.continued(merged.origins),
            changed_by=self.actor,
            run_id=self.work.run_id,
            codes=self._code_table(),
            known=self._known,
        )

    def _open(
        self,
        entity: str,
        kept: Kept,
        base: Record | None,
        theirs: Theirs,
        kind: ConflictKind,
        found: Sequence[Conflict],
        broken: Sequence[str] = (),
    ) -> None:
        conflicts.keep(
            self.tx,
            tenant=self.tenant,
            connection=self.name,
            entity=entity,
            ledger_id=kept.ledger_id,
            external_id=theirs.external_id,
            kind=kind,
            fields=found,
            broken_rules=broken,
            base=base,
            ours=None if kept.is_deleted else kept.record,
            theirs=theirs.record,
            ledger_version=kept.version,
            version_token=theirs.version_token,
            run_id=self.work.run_id,
        )
        point("conflict_opened")

    def _kept(self, entity: str, ledger_id: int) -> Kept:
        kept = self._rows.pop((entity, ledger_id), None)
        if kept is None:
            records.lock(self.tx, entity, [ledger_id])
            kept = records.read(self.tx, self.name, entity, [ledger_id], codes=self._code_table())[ledger_id]
        return kept

    def _said(self, entity: str, record: Record) -> Record:
        return self.work.erp.mappings()[entity].said(record)

    def _read(self, entity: str, record: WireRecord | Change) -> Record | None:
        try:
            return self.work.erp.mappings()[entity].from_wire(record.payload)
        except MappingError:
            return None

    def _bind(
        self, entity: str, external_id: str, ledger_id: int, base: Record, version_token: str | None, version: int
    ) -> None:
        self._pending.bound[entity, external_id] = Binding(entity, external_id, ledger_id, base, version_token, version)
        self._known[entity, external_id] = ledger_id


def differing(names: Iterable[str], ours: Record | None, theirs: Record | None) -> list[Conflict]:
    """Fields that both sides have, differently, and never agreed on; none where one of them is deleted."""
    if ours is None or theirs is None:
        return []
    trios = [(name, getattr(ours, name), getattr(theirs, name)) for name in names]
    return [Conflict(name, None, mine, other) for name, mine, other in trios if mine != other]


def unequal_money(sent: Record, theirs: Record) -> list[str]:
    """Totals that the ERP computed otherwise than the ledger, to the cent, and the currency that they are in."""
    if not hasattr(sent, "total_amount"):
        return []
    names = [name for name in ("currency", "net_amount", "tax_amount", "total_amount") if hasattr(sent, name)]
    return [name for name in names if getattr(sent, name) != getattr(theirs, name)]


def computed_otherwise(binding: Binding, theirs: Record | None, version_token: str | None) -> list[str]:
    """Totals on which both sides never agreed although the record has not moved since: the base is what was sent, and
    what came of it is still to be asked.
    """
    if binding.base is None or theirs is None or binding.version_token != version_token:
        return []
    return unequal_money(binding.base, theirs)


def with_others(found: Sequence[Conflict], others: Sequence[Conflict]) -> list[Conflict]:
    """What a merge could not decide, and besides what else a person is to be asked about. Of what is both it is kept
    that it was never agreed on, as a merge decides it alone as soon as one side is as it was.
    """
    return list(({one.field: one for one in found} | {one.field: one for one in others}).values())


def error_id_of(ledger_id: int) -> str:
    """How a row that may have no id in the ERP yet is named among errors."""
    return f"{records.UNBOUND}{ledger_id}"
