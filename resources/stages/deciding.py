"""One conflict being decided: the locked row, both versions, and the ways of writing what was decided.

Belongs here: what every decision needs, within one transaction. Which decisions there are, and when one is refused, is
`resolve.py`; who is who among several records is `duplicates.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import psycopg

from ledger.mapping import WireMapping
from ledger.merge import ChoiceError, Merged, merge_or_meet
from ledger.merge import resolve as decide
from ledger.policies import Conflict as FieldConflict
from ledger.policies import ConflictKind, Side
from ledger.spec import Record
from resources.services import Services
from resources.stages.settling import computed_otherwise, differing, with_others
from resources.stores import bindings, conflicts, edits, errors, mirror, policies, records
from resources.stores.bindings import NO_VERSION, Binding
from resources.stores.conflicts import EXTERNAL_ID, Conflict
from resources.stores.edits import Edit
from resources.stores.records import UNBOUND, Kept


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided: `keep` wherever nothing else is said, `choices` by field; `separate`: they are two
    records; `is_record`: which of several candidates there it is; `shown`: what was looked at, as `Conflict.shown`.
    """

    by: str
    keep: Side | None = None
    choices: Mapping[str, Side] | None = None
    separate: bool = False
    is_record: str | None = None
    shown: str | None = None

    def as_json(self) -> dict[str, Any]:
        said = {"keep": self.keep, **(self.choices or {})}
        found: dict[str, Any] = {name: side.value for name, side in said.items() if side is not None}
        if self.separate:
            found["separate"] = True
        if self.is_record is not None:
            found[EXTERNAL_ID] = self.is_record
        return found


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of it; `record` is the ledger's row now, None if it is deleted."""

    conflict: Conflict
    record: Record | None
    ledger_version: int
    is_to_be_pushed: bool


class Deciding:
    """One conflict and the row it is about, locked. What is decided here is the ledger's at once; the binding is left
    so that the ordinary push brings over what is ours.
    """

    def __init__(
        self, services: Services, tx: psycopg.Connection[Any], conflict: Conflict, kept: Kept, decision: Decision
    ) -> None:
        self.services = services
        self.tx = tx
        self.conflict = conflict
        self.kept = kept
        self.decision = decision
        self.name, self.entity = conflict.connection, conflict.entity
        self.base, self.theirs = (
            None if text is None else bindings.decode(conflict.entity, text)
            for text in (conflict.base, conflict.theirs)
        )
        self.ours = None if kept.is_deleted else kept.record
        # What is set later does not decide what was left to a person.
        self.policies = policies.of(tx, conflict.entity, until=conflict.opened_at)

    def show(self, kind: ConflictKind, fields: Sequence[FieldConflict], **more: Any) -> None:
        """Have the conflict show what the row says now."""
        of = {"external_id": self.conflict.external_id, "version_token": self.conflict.version_token}
        conflicts.keep(
            self.tx,
            tenant=self.conflict.tenant_id,
            connection=self.name,
            entity=self.entity,
            ledger_id=self.conflict.ledger_id,
            kind=kind,
            fields=fields,
            base=self.base,
            ours=self.ours,
            theirs=self.theirs,
            ledger_version=self.kept.version,
            **of | more,
        )

    def merged(self) -> Merged[Any]:
        keep, choices = self.decision.keep, dict(self.decision.choices or {})
        if keep is not None:
            # Also where the merge itself would take one side: a total that the ERP computed otherwise.
            choices = {f["name"]: keep for f in self.conflict.fields} | choices
        return decide(
            self.base,
            self.ours,
            self.theirs,
            keep=keep,
            choices=choices,
            policies=self.policies,
        )

    def conclude(self, merged: Merged[Any], external_id: str | None = None, token: str | None = None) -> Decided:
        """Write the decided record here, and the binding so that the ordinary push brings over what is ours."""
        if external_id is None:
            external_id, token = self.conflict.external_id, self.conflict.version_token
        assert external_id is not None
        self._refuse_if_known(external_id)
        record, kept = merged.record, self.kept
        is_agreed = record == self.theirs
        if record is not None:
            # Also theirs as a whole empties nothing that they have no word for.
            record = self._mapping.with_unsaid_of(kept.record, record, merged.origins)
            merged = replace(merged, record=record)
        version = self._write(merged, is_agreed)
        if record is not None and self.theirs is None:
            # Gone there and kept here: made again there, as a record of its own.
            bindings.drop(self.tx, connection=self.name, entity=self.entity, external_id=external_id)
        else:
            base = self.theirs if self.theirs is not None else self.base or kept.record
            self._bind(external_id, kept.ledger_id, base, token, version if is_agreed else NO_VERSION)
        self.note(kept.ledger_id, version, is_agreed)
        return Decided(self.conflict, record, version, not is_agreed)

    def _refuse_if_known(self, external_id: str) -> None:
        """A row is one record there, and a record one row."""
        row = bindings.of_rows(self.tx, self.name, self.entity, [self.kept.ledger_id]).get(self.kept.ledger_id)
        if row is not None and row.external_id != external_id:
            raise ChoiceError(f"found that it is {row.external_id} already, expected --separate")
        record = bindings.of_records(self.tx, self.name, self.entity, [external_id]).get(external_id)
        if record is not None and record.ledger_id != self.kept.ledger_id:
            raise ChoiceError(
                f"found that {external_id} is row {record.ledger_id} already, expected one that is no other row's"
            )

    def _write(self, merged: Merged[Any], is_agreed: bool) -> int:
        record, kept, by = merged.record, self.kept, self.decision.by
        # What is to be pushed gets a version of its own even if it says what it said: an intent of the old one may have
        # been refused already, and the key of the new one is made from its version.
        if record is None:
            if kept.is_deleted and is_agreed:
                return kept.version
            return records.bury(self.tx, entity=self.entity, ledger_id=kept.ledger_id, changed_by=by)
        if record == self.ours and is_agreed:
            return kept.version
        if self.theirs is None:
            record = _without_line_keys(record)
        return records.write(
            self.tx,
            connection=self.name,
            entity=self.entity,
            ledger_id=kept.ledger_id,
            record=record,
            part_ids=kept.continued(merged.origins),
            changed_by=by,
        )

    def _bind(self, external_id: str, ledger_id: int, base: Record, token: str | None, version: int) -> None:
        binding = Binding(self.entity, external_id, ledger_id, base, token, version)
        bindings.put(self.tx, tenant=self.conflict.tenant_id, connection=self.name, bound=[binding])

    def note(self, ledger_id: int, version: int, is_agreed: bool) -> None:
        if is_agreed:
            edits.planned(self.tx, self.name, self.entity, [Edit(ledger_id, version)])
            errors.resolve(self.tx, self.name, "push", self.entity, [f"{UNBOUND}{ledger_id}"])
        else:
            edits.note(self.tx, connection=self.name, entity=self.entity, ledger_id=ledger_id, version=version)

    def enter(self, external_id: str, theirs: Record, token: str | None) -> int | None:
        """A record there that is none of ours: a row of its own, unless it is some row's already."""
        if bindings.of_records(self.tx, self.name, self.entity, [external_id]):
            return None
        ledger_id = records.insert(
            self.tx,
            tenant=self.conflict.tenant_id,
            connection=self.name,
            entity=self.entity,
            record=theirs,
            changed_by=self.decision.by,
        )
        self._bind(external_id, ledger_id, theirs, token, 1)
        self.note(ledger_id, 1, is_agreed=True)
        return ledger_id

    def as_it_is(self) -> Decided:
        """Our row stays as it is, to be planned if the ERP does not have it. If it has, what was in conflict with that
        record while this was asked is asked next.
        """
        bound = bindings.of_rows(self.tx, self.name, self.entity, [self.kept.ledger_id]).get(self.kept.ledger_id)
        if bound is None:
            self.note(self.kept.ledger_id, self.kept.version, is_agreed=False)
            return Decided(self.conflict, self.ours, self.kept.version, True)
        found = self.read_there(bound.external_id)
        if found is not None and bound.base is not None and found[0] != bound.base:
            return self._merge_on(bound, *found)
        edits.look_at_again(self.tx, self.entity, self.kept.ledger_id)
        return Decided(self.conflict, self.ours, self.kept.version, False)

    def _merge_on(self, bound: Binding, theirs: Record, token: str | None) -> Decided:
        """Take what came of the record that our row is, as a merge does, or open a conflict about it."""
        self.base, self.theirs = bound.base, theirs
        found = merge_or_meet(self.base, self.ours, theirs, self.policies)
        never_agreed = differing(computed_otherwise(bound, theirs, token), self.ours, theirs)
        if found.is_clean and not never_agreed:
            return self.conclude(found, bound.external_id, token)
        self.end()
        self.show(
            found.kind or ConflictKind.VALIDATION_CONFLICT,
            with_others(found.conflicts, never_agreed),
            broken_rules=found.invariant_failures,
            external_id=bound.external_id,
            version_token=token,
        )
        return Decided(self.conflict, self.ours, self.kept.version, False)

    def end(self) -> None:
        """It is decided, and another question may be asked about the same row."""
        conflicts.resolve(self.tx, self.conflict.conflict_id, by=self.decision.by, resolution=self.decision.as_json())

    def read_there(self, external_id: str) -> tuple[Record, str | None] | None:
        change = next(iter(mirror.records(self.tx, self.name, self.entity, [external_id])), None)
        if change is None or change.is_deleted:
            return None
        return self._mapping.from_wire(change.payload), change.version_token

    @property
    def _mapping(self) -> WireMapping:
        return self.services.erp(self.services.connection(self.name)).mappings()[self.entity]


def _without_line_keys(record: Record) -> Record:
    """A record to be made again: its lines have no ids there."""
    changed = {
        name: tuple(msgspec.structs.replace(part, line_key="") for part in parts)
        for name in record.__struct_fields__
        if isinstance(parts := getattr(record, name), tuple) and parts and hasattr(parts[0], "line_key")
    }
    return msgspec.structs.replace(record, **changed)
