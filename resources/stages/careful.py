"""Records that arrive by a pull and that somebody here may have edited, made, or entered as well, one by one.

Belongs here: which records need that care, and who is who among them. Pages of records that nobody edited are taken
set-wise by `merge.py`; what both versions make of each other is `settling.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ledger.matching import Unbound, match
from ledger.policies import Conflict, ConflictKind
from ledger.spec import spec_of
from resources.connector import WireRecord
from resources.stages.recording import Effect, Recording
from resources.stages.settling import Theirs
from resources.stores import bindings, conflicts, edits, mirror, outbox, records
from resources.stores.conflicts import EXTERNAL_ID
from resources.stores.mirror import Change
from resources.stores.outbox import Intent
from resources.stores.records import Kept


class Careful(Recording):
    """Takes what needs care; see `Settling`."""

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
        made_here = self._made_here(entity, arrived)
        care: set[str] = set()
        if edits.any_noted(self.tx, entity) or conflicts.any_open(self.tx, self.name, entity):
            care |= set(self._met(entity, arrived))
            gone = [one.external_id for one in arrived if one.record is None]
            self._forget_twins(entity, gone)
            care |= self._still_held(entity, ids, care | made_here)
            care |= bindings.ahead(self.tx, self.name, entity, gone)
            if in_doubt := outbox.creates_in_doubt(self.tx, self.name, entity):
                care |= {one.external_id for one in arrived if self._unmarked_maker(entity, one, in_doubt) is not None}
        return care | made_here

    def _made_here(self, entity: str, arrived: Sequence[Theirs] | Sequence[Change]) -> set[str]:
        """External ids of what carries a marker of ours and is bound to nothing."""
        if not outbox.any_marked(self.tx, self.name, entity):
            return set()
        marker_of = self.composer.marker_of
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

    def lock(self, entity: str, external_ids: Sequence[str]) -> None:
        """Keep people and their decisions from the rows of these records, before anything is read of them: what is
        merged must not be on a base that a decision is just moving.
        """
        bound = bindings.ledger_ids_of(self.tx, self.name, {entity: external_ids})
        records.lock(self.tx, entity, list(bound.values()))

    def receive(self, entity: str, theirs: Theirs) -> str:
        """Take one record that needs care; returns what came of it: inserted, updated, deleted, held or same."""
        with self._together():
            return self._receive(entity, theirs)

    def _receive(self, entity: str, theirs: Theirs) -> str:
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
        bound = bindings.of_rows(self.tx, self.name, entity, [intent.ledger_id]).get(intent.ledger_id)
        made = intent.external_id or (bound.external_id if bound else None)
        if made in (None, theirs.external_id):
            self.keep_in_mirror(entity, [_wire(theirs)])
            self._record(Effect(intent, _wire(theirs), "it came back with a pull"), theirs.record)
            return "updated"
        return self._hold_twin(entity, intent.ledger_id, made, theirs)

    def _make_again(self, entity: str, kept: Kept, theirs: Theirs) -> str:
        """A row that somebody took back after both sides had deleted it: a record of its own there, from now on."""
        bindings.drop(self.tx, connection=self.name, entity=entity, external_id=theirs.external_id)
        edits.note(self.tx, connection=self.name, entity=entity, ledger_id=kept.ledger_id, version=kept.version)
        return "same"

    def _hold_twin(self, entity: str, ledger_id: int, made: str | None, theirs: Theirs) -> str:
        """A second record there that carries the marker of one we made, or a third: never deleted silently, all of them
        shown to a person, the first with what it says. `made` is the one that the row is bound to.
        """
        shown = conflicts.open_of(self.tx, self.name, entity, ledger_id)
        twins = list(dict.fromkeys([*(shown.twins if shown else ()), theirs.external_id]))
        first = theirs if twins[0] == theirs.external_id else self._there(entity, twins[0])
        self._show_twins(entity, ledger_id, made, twins, first)
        return "held"

    def _forget_twins(self, entity: str, gone: Sequence[str]) -> None:
        """Twins that were deleted there are shown no more; the others are."""
        for shown in conflicts.about_twins(self.tx, self.name, entity, gone):
            if twins := [twin for twin in shown.twins if twin not in gone]:
                made = next(f["ours"] for f in shown.fields if f["name"] == EXTERNAL_ID)
                self._show_twins(entity, shown.ledger_id, made, twins, self._there(entity, twins[0]))

    def _show_twins(self, entity: str, ledger_id: int, made: str | None, twins: Sequence[str], first: Theirs) -> None:
        found = [Conflict(EXTERNAL_ID, None, made, twin) for twin in twins]
        self._open(entity, self._kept(entity, ledger_id), None, first, ConflictKind.POSSIBLE_DUPLICATE, found)

    def _there(self, entity: str, external_id: str) -> Theirs:
        (change,) = mirror.records(self.tx, self.name, entity, [external_id])
        return Theirs.of(change, self.work.erp.mappings()[entity].from_wire(change.payload))

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
        if marker:
            return outbox.of_markers(self.tx, self.name, entity, [marker]).get(marker)
        return self._unmarked_maker(entity, theirs, outbox.creates_in_doubt(self.tx, self.name, entity))

    def _unmarked_maker(self, entity: str, theirs: Theirs, in_doubt: Sequence[Intent]) -> Intent | None:
        """The create in doubt that may have made a record without a mark, as a probe would judge it."""
        if theirs.record is None or self.composer.marker_of(entity, theirs.payload):
            return None
        return next((intent for intent in in_doubt if self.is_effect_of(intent, _wire(theirs))), None)

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


def _wire(theirs: Theirs) -> WireRecord:
    return WireRecord(theirs.external_id, theirs.version_token, theirs.modified_at, theirs.payload)
