"""Records that both sides may have changed: merged three ways, one by one, or held in a conflict for a person.

Belongs here: what becomes of one record when the ERP's version of it arrives, by a pull or as the answer to a push, and
the ledger's row may have been edited. Pages of records that nobody edited are taken set-wise by `merge.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import psycopg

from ledger.fields import MappingError
from ledger.matching import Unbound, match
from ledger.merge import Merged, meet, merge, merge_or_meet
from ledger.policies import Conflict, ConflictKind, Side
from ledger.spec import Record, spec_of
from resources.connector import Composer, WireRecord
from resources.points import point
from resources.stages.work import Work
from resources.stores import audit, bindings, conflicts, edits, errors, mirror, outbox, policies, records
from resources.stores.bindings import NO_VERSION, Binding
from resources.stores.conflicts import EXTERNAL_ID
from resources.stores.edits import Edit
from resources.stores.mirror import Change
from resources.stores.outbox import Intent
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


class Careful:
    """Works within one transaction of the sync; whoever opened it commits."""

    def __init__(self, work: Work, tx: psycopg.Connection[Any]) -> None:
        self.work = work
        self.tx = tx
        self.name = work.connection.name
        self.tenant = work.connection.tenant
        self.actor = f"sync:{self.name}"

    @property
    def composer(self) -> Composer:
        return self.work.composer

    # What arrives by a pull

    def is_called_for(self, entity: str, batch: Sequence[Change]) -> bool:
        """Whether any of these changes may need care: if nothing is noted or held here, or made by us, none does."""
        return (
            edits.any_noted(self.tx, entity)
            or conflicts.any_open(self.tx, self.name, entity)
            or bool(self._made_here(entity, batch))
        )

    def needing_care(self, entity: str, arrived: Sequence[Theirs]) -> set[str]:
        """External ids of what must not be taken as it is: edited or held here, made by us, or perhaps known here."""
        ids = [one.external_id for one in arrived]
        care: set[str] = set()
        if edits.any_noted(self.tx, entity) or conflicts.any_open(self.tx, self.name, entity):
            care |= set(self._met(entity, arrived))
            care |= self._still_held(entity, ids, care)
            gone = [one.external_id for one in arrived if one.record is None]
            care |= bindings.ahead(self.tx, self.name, entity, gone)
        return care | self._made_here(entity, arrived)

    def _made_here(self, entity: str, arrived: Sequence[Theirs] | Sequence[Change]) -> set[str]:
        """External ids of what carries a marker of ours and is bound to nothing."""
        if not outbox.any_marked(self.tx, self.name, entity):
            return set()
        marker_of = self.work.composer.marker_of
        marked = {one.external_id: m for one in arrived if (m := marker_of(entity, one.payload))}
        if not marked:
            return set()
        known = outbox.of_markers(self.tx, self.name, entity, list(set(marked.values())))
        bound = bindings.ledger_ids_of(self.tx, self.name, {entity: list(marked)})
        return {i for i, marker in marked.items() if marker in known and (entity, i) not in bound}

    def _still_held(self, entity: str, external_ids: Sequence[str], met: set[str]) -> set[str]:
        """Those of these records that are held in a conflict; one that is bound to nothing and no longer like any row
        of ours is held no more.
        """
        held = conflicts.open_records(self.tx, self.name, entity, external_ids)
        asked = conflicts.candidates(self.tx, self.name, entity)
        bound = {x for _, x in bindings.ledger_ids_of(self.tx, self.name, {entity: list(held)})}
        over = held - asked - bound - met
        if over:
            conflicts.settle_records(self.tx, self.name, entity, list(over), by=self.actor)
        return held - over

    def receive(self, entity: str, theirs: Theirs) -> str:
        """Take one record that needs care; returns what came of it: inserted, updated, deleted, held or same."""
        binding = bindings.of_records(self.tx, self.name, entity, [theirs.external_id]).get(theirs.external_id)
        if binding is not None:
            if theirs.record is None and bindings.revived(self.tx, self.name, entity, [binding.ledger_id]):
                return self._make_again(entity, self._kept(entity, binding.ledger_id), theirs)
            return self._settle(entity, self._kept(entity, binding.ledger_id), binding.base, theirs)
        if theirs.external_id in conflicts.candidates(self.tx, self.name, entity):
            # Which row it is was asked when the books first met; whoever answers takes it as it is then.
            return "held"
        intent = self._maker(entity, theirs)
        if intent is None:
            (ledger_id, *others), doubt = self._met(entity, [theirs])[theirs.external_id]
            if others:
                return self._ask_which(entity, [ledger_id, *others], theirs, doubt)
            if conflicts.is_asked_about_another(self.tx, self.name, entity, ledger_id, theirs.external_id):
                doubt = doubt or "it may be another one there as well"
            return self._settle(entity, self._kept(entity, ledger_id), None, theirs, doubt)
        if intent.external_id in (None, theirs.external_id):
            self.record_effect(intent, _wire(theirs), "it came back with a pull")
            return "updated"
        return self._hold_twin(entity, intent, theirs)

    # What a push was answered

    def is_effect_of(self, intent: Intent, found: WireRecord) -> bool:
        """Whether a record that a probe found says what the intent was to make it say."""
        if intent.operation == "delete":
            return found.is_deleted or not getattr(self._read(intent.entity, found), "is_active", True)
        if found.is_deleted:
            return False
        marker = self.composer.marker_of(intent.entity, found.payload)
        if intent.operation == "create" and intent.marker and marker is not None:
            return marker == intent.marker
        theirs = self._read(intent.entity, found)
        if theirs is None:
            return False
        wanted = bindings.decode(intent.entity, intent.record)
        if intent.operation == "void":
            return getattr(theirs, "is_void", False)
        if intent.operation == "create":
            spec = spec_of(intent.entity)
            is_met = bool(match(spec, [Unbound("", wanted)], [Unbound(found.external_id, theirs)]).bound)
            return is_met and meet(wanted, theirs).is_clean
        said = self._said(intent.entity, wanted)
        binding = bindings.of_rows(self.tx, self.name, intent.entity, [intent.ledger_id]).get(intent.ledger_id)
        if binding is None or binding.base is None:
            # Nothing tells what we were to change: only the whole of it is proof, anything else is merged first.
            return said == theirs
        # What we were to change is there, whatever else somebody changed.
        return merge(binding.base, said, theirs).record == theirs

    def record_effect(self, intent: Intent, record: WireRecord, says: str) -> None:
        """An intent has happened: mirror, ledger, binding, base, outbox and audit say so together."""
        self._take_answer(intent, record)
        outbox.end(self.tx, intent.intent_id, state="done", answer=says, external_id=record.external_id)
        errors.resolve(self.tx, self.name, "push", intent.entity, [error_id_of(intent.ledger_id), record.external_id])
        audit.append(
            self.tx,
            tenant=self.tenant,
            actor=self.actor,
            action=f"push.{intent.operation}",
            connection=self.name,
            entity=intent.entity,
            ledger_id=intent.ledger_id,
            external_id=record.external_id,
            detail={
                "key": intent.key,
                "ledger_version": intent.ledger_version,
                "version_token": record.version_token,
                "answer": says,
            },
        )

    def keep_in_mirror(self, entity: str, record: WireRecord) -> None:
        """The record as the ERP has it now, to be merged like any other change."""
        mirror.store(
            self.tx,
            tenant=self.tenant,
            connection=self.name,
            entity=entity,
            records=[record],
            run_id=self.work.run_id,
            is_current=True,
        )

    def _take_answer(self, intent: Intent, record: WireRecord) -> None:
        entity = intent.entity
        self.keep_in_mirror(entity, record)
        kept = self._kept(entity, intent.ledger_id)
        sent = self._said(entity, bindings.decode(entity, intent.record))
        if record.is_deleted or intent.operation == "delete":
            self._agree_on_deletion(entity, kept, record)
            return
        theirs = self._read(entity, record)
        if theirs is None:
            # What we wrote is there and bound; what the ERP made of it is held by the merge, which says why.
            self._bind(entity, record.external_id, kept.ledger_id, sent, record.version_token, NO_VERSION)
            return
        answer = Theirs(record.external_id, record.version_token, record.modified_at, theirs, record.payload)
        if intent.operation != "void" and (unequal := _unequal_money(sent, theirs)):
            self._bind(entity, record.external_id, kept.ledger_id, theirs, record.version_token, NO_VERSION)
            self._open(entity, kept, sent, answer, ConflictKind.VALIDATION_CONFLICT, unequal)
            return
        if intent.operation == "create":
            # It is there and ours, whatever is to be asked about it.
            self._bind(entity, record.external_id, kept.ledger_id, sent, record.version_token, NO_VERSION)
        self._settle(entity, kept, sent, answer)

    def _agree_on_deletion(self, entity: str, kept: Kept, record: WireRecord) -> None:
        theirs = None if record.is_deleted else self._read(entity, record)
        if theirs is not None:
            # Made inactive, which is all that is done to a name there; taken back meanwhile, it is made active again.
            version = kept.version if kept.is_deleted else NO_VERSION
            self._bind(entity, record.external_id, kept.ledger_id, theirs, record.version_token, version)
        if kept.is_deleted:
            bindings.agree(self.tx, connection=self.name, entity=entity, ledger_id=kept.ledger_id, version=kept.version)
            edits.planned(self.tx, self.name, entity, [Edit(kept.ledger_id, kept.version)])
        elif theirs is None:
            # Taken back here while it was being deleted there: it is made again.
            bindings.drop(self.tx, connection=self.name, entity=entity, external_id=record.external_id)

    # Both sides of one record

    def _make_again(self, entity: str, kept: Kept, theirs: Theirs) -> str:
        """A row that somebody took back after both sides had deleted it: a record of its own there, from now on."""
        bindings.drop(self.tx, connection=self.name, entity=entity, external_id=theirs.external_id)
        edits.note(self.tx, connection=self.name, entity=entity, ledger_id=kept.ledger_id, version=kept.version)
        return "same"

    def _settle(self, entity: str, kept: Kept, base: Record | None, theirs: Theirs, doubt: str = "") -> str:
        """Merge one record and write what came of it, or hold it in a conflict: where it is in `doubt` whether the two
        are the same at all, whatever they say.
        """
        ours = None if kept.is_deleted else kept.record
        merged = self._merged(entity, kept, base, ours, theirs)
        if merged.is_clean and (undecided := self._undecided(entity, kept, ours, theirs.record)):
            kind, fields = undecided
            self._open(entity, kept, base, theirs, kind, fields)
            return "held"
        if merged.kind is not None or doubt:
            kind = merged.kind if base is not None else ConflictKind.POSSIBLE_DUPLICATE
            broken = [doubt] if doubt else merged.invariant_failures
            self._open(entity, kept, base, theirs, kind, merged.conflicts, broken)
            return "held"
        outcome = self._conclude(entity, kept, merged, theirs)
        conflicts.settle(self.tx, self.name, entity, kept.ledger_id, theirs.external_id, by=self.actor)
        return outcome

    def _undecided(
        self, entity: str, kept: Kept, ours: Record | None, theirs: Record | None
    ) -> tuple[ConflictKind, list[Conflict]] | None:
        """What the open conflict of a row asks that both sides never agreed on, and still is so: the base says nothing
        of it, so that a merge would take what is ours for a lone change.
        """
        shown = conflicts.open_of(self.tx, self.name, entity, kept.ledger_id)
        if shown is None or shown.base is None or ours is None or theirs is None:
            return None
        # A field that was empty when both agreed has no base either, but there the base itself is empty.
        base = bindings.decode(entity, shown.base)
        never_agreed = [
            f["name"] for f in shown.fields if f["base"] is None and getattr(base, f["name"], None) is not None
        ]
        trios = [(name, getattr(ours, name), getattr(theirs, name)) for name in never_agreed]
        fields = [Conflict(name, None, mine, other) for name, mine, other in trios if mine != other]
        return (ConflictKind(shown.kind), fields) if fields else None

    def _merged(self, entity: str, kept: Kept, base: Record | None, ours: Record | None, theirs: Theirs) -> Merged[Any]:
        newest = None
        if theirs.modified_at is not None:
            newest = Side.OURS if kept.changed_at > theirs.modified_at else Side.THEIRS
        return merge_or_meet(base, ours, theirs.record, policies.of(self.tx, entity), newest)

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
            version = records.write(
                self.tx,
                connection=self.name,
                entity=entity,
                ledger_id=kept.ledger_id,
                record=merged.record,
                part_ids=_part_ids(kept, merged),
                changed_by=self.actor,
                run_id=self.work.run_id,
            )
            outcome = "updated"
        point("settled")
        if theirs.record is None and merged.record is not None:
            # It stays here although it is gone there: to be made again, as a record of its own.
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
            edits.planned(self.tx, self.name, entity, [Edit(kept.ledger_id, version)])
            errors.resolve(self.tx, self.name, "push", entity, [error_id_of(kept.ledger_id)])
        else:
            edits.note(self.tx, connection=self.name, entity=entity, ledger_id=kept.ledger_id, version=version)
        return outcome

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

    def _hold_twin(self, entity: str, intent: Intent, theirs: Theirs) -> str:
        """A second record there that carries the marker of one we made: never deleted silently, shown to a person."""
        kept = self._kept(entity, intent.ledger_id)
        found = [Conflict("external_id", None, intent.external_id, theirs.external_id)]
        self._open(entity, kept, None, theirs, ConflictKind.POSSIBLE_DUPLICATE, found)
        return "held"

    def _ask_which(self, entity: str, ledger_ids: Sequence[int], theirs: Theirs, reason: str) -> str:
        """Any of several rows of ours may be this record: all of them are held, so that none is made there again."""
        for ledger_id in ledger_ids:
            kept = self._kept(entity, ledger_id)
            is_asked = conflicts.is_asked_about_another(self.tx, self.name, entity, ledger_id, theirs.external_id)
            asks = [] if is_asked else [Conflict(EXTERNAL_ID, None, None, [theirs.external_id])]
            unseen = replace(theirs, version_token=None)
            self._open(entity, kept, None, unseen, ConflictKind.POSSIBLE_DUPLICATE, asks, [reason])
        return "held"

    def _maker(self, entity: str, theirs: Theirs) -> Intent | None:
        """The intent that made this record, if it carries a marker of ours."""
        marker = self.composer.marker_of(entity, theirs.payload)
        return outbox.of_markers(self.tx, self.name, entity, [marker]).get(marker) if marker else None

    def _met(self, entity: str, arrived: Sequence[Theirs]) -> dict[str, tuple[Sequence[int], str]]:
        """external id -> the rows of ours that are not in the ERP yet and seem to be the same, and what is doubtful."""
        rows = edits.unbound(self.tx, self.name, entity)
        bound = (
            bindings.ledger_ids_of(self.tx, self.name, {entity: [one.external_id for one in arrived]}) if rows else {}
        )
        ours = [
            Unbound(str(ledger_id), kept.record)
            for ledger_id, kept in records.read(self.tx, self.name, entity, rows).items()
            if not kept.is_deleted
        ]
        theirs = [
            Unbound(one.external_id, one.record)
            for one in arrived
            if one.record is not None and (entity, one.external_id) not in bound
        ]
        if not ours or not theirs:
            return {}
        found = match(spec_of(entity), ours, theirs)
        met: dict[str, tuple[Sequence[int], str]] = {pair.theirs.id: ([int(pair.ours.id)], "") for pair in found.bound}
        for group in found.ambiguous:
            met |= {one.id: ([int(ours.id) for ours in group.ours], group.reason) for one in group.theirs}
        return met

    def _kept(self, entity: str, ledger_id: int) -> Kept:
        records.lock(self.tx, entity, [ledger_id])
        return records.read(self.tx, self.name, entity, [ledger_id])[ledger_id]

    def _said(self, entity: str, record: Record) -> Record:
        return self.work.erp.mappings()[entity].said(record)

    def _read(self, entity: str, record: WireRecord) -> Record | None:
        try:
            return self.work.erp.mappings()[entity].from_wire(record.payload)
        except MappingError:
            return None

    def _bind(
        self, entity: str, external_id: str, ledger_id: int, base: Record, version_token: str | None, version: int
    ) -> None:
        binding = Binding(entity, external_id, ledger_id, base, version_token, version)
        bindings.put(self.tx, tenant=self.tenant, connection=self.name, binding=binding)


def error_id_of(ledger_id: int) -> str:
    """How a row that may have no id in the ERP yet is named among errors."""
    return f"{records.UNBOUND}{ledger_id}"


def _wire(theirs: Theirs) -> WireRecord:
    return WireRecord(theirs.external_id, theirs.version_token, theirs.modified_at, theirs.payload)


def _part_ids(kept: Kept, merged: Merged[Any]) -> dict[str, list[int | None]]:
    """For each merged part the row of ours that it continues."""
    return {
        name: [None if place is None else kept.part_ids[name][place] for place in places]
        for name, places in merged.origins.items()
    }


def _unequal_money(sent: Record, theirs: Record) -> list[Conflict]:
    """Totals that the ERP computed otherwise than the ledger, to the cent."""
    return [
        Conflict(name, None, getattr(sent, name), getattr(theirs, name))
        for name in ("net_amount", "tax_amount", "total_amount")
        if hasattr(sent, name) and getattr(sent, name) != getattr(theirs, name)
    ]
