"""Records that arrive by a pull and that somebody here may have edited, made, or entered as well, one by one.

Belongs here: which records need that care, and who is who among them. Pages of records that nobody edited are taken
set-wise by `merge.py`; what both versions make of each other is `settling.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from ledger.matching import Unbound, match
from ledger.spec import Record, spec_of
from resources.connector import WireRecord
from resources.points import point
from resources.stages.recording import Effect, Recording
from resources.stages.settling import Theirs, computed_otherwise
from resources.stages.work import Work
from resources.stores import bindings, conflicts, edits, mirror, outbox, records
from resources.stores.conflicts import Conflict
from resources.stores.mirror import Change
from resources.stores.outbox import Intent
from resources.stores.records import Kept


@dataclass(frozen=True, slots=True)
class _Alike:
    """Rows of ours that are not in the ERP yet, records there that seem to be the same, and what is doubtful of it."""

    ours: Sequence[int]
    theirs: Mapping[str, Record]
    doubt: str


class Careful(Recording):
    """Takes what needs care; see `Settling`."""

    def __init__(self, work: Work, tx: psycopg.Connection[Any]) -> None:
        super().__init__(work, tx)
        # By external id, what a batch was found to be like; matched once, so that each record sees all of its kind.
        self._alike: dict[str, _Alike] = {}
        # By external id, what came with this batch; and what of it is asked about as it is now, together with others.
        self._arrived: dict[str, Record | None] = {}
        self._shown: set[str] = set()
        # Records of rows that no twins are asked about any more: what was in conflict meanwhile is to be asked now.
        self.asked_next: list[Theirs] = []

    def is_called_for(self, entity: str, batch: Sequence[Change]) -> bool:
        """Whether any of these changes may need care: if nothing is noted or held here, or made by us, none does."""
        return (
            edits.any_noted(self.tx, entity)
            or conflicts.any_open(self.tx, self.name, entity)
            or bool(self._made_here(entity, batch))
        )

    def needing_care(self, entity: str, arrived: Sequence[Theirs]) -> list[str]:
        """External ids of what must not be taken as it is: edited or held here, made by us, or perhaps known here.

        In the order to take them: first what carries a marker of ours, so that nothing else is taken for it.
        """
        self._arrived = {one.external_id: one.record for one in arrived}
        ids = list(self._arrived)
        made_here = self._made_here(entity, arrived)
        care = set(made_here)
        if edits.any_noted(self.tx, entity) or conflicts.any_open(self.tx, self.name, entity):
            self._alike = self._matched(entity, arrived, made_here)
            care |= self._alike.keys()
            gone = [one.external_id for one in arrived if one.record is None]
            self._forget_twins(entity, gone)
            care |= self._still_held(entity, ids, care | self._twins_of(entity, made_here, gone))
            care |= self._unmarked_makers(entity, arrived).keys()
        return sorted((i for i in ids if i in care), key=lambda i: i not in made_here)

    def _made_here(self, entity: str, arrived: Sequence[Theirs] | Sequence[Change]) -> dict[str, Intent]:
        """By external id, what made the records that carry a marker of ours and are bound to nothing."""
        if not outbox.any_marked(self.tx, self.name, entity):
            return {}
        marker_of = self.composer.marker_of
        marked = {one.external_id: m for one in arrived if (m := marker_of(entity, one.payload))}
        if not marked:
            return {}
        known = outbox.of_markers(self.tx, self.name, entity, list(set(marked.values())))
        bound = bindings.ledger_ids_of(self.tx, self.name, {entity: list(marked)})
        return {i: known[marker] for i, marker in marked.items() if marker in known and (entity, i) not in bound}

    def _twins_of(self, entity: str, made_here: Mapping[str, Intent], gone: Sequence[str]) -> set[str]:
        """Records of which it is asked whether they are rows that turn out to be others: their twins from now on."""
        rows = [intent.ledger_id for intent in made_here.values()]
        questions = conflicts.asked(self.tx, self.name, entity, rows) if rows else {}
        return {x for question in questions.values() for x in question.named} - set(gone)

    def _still_held(self, entity: str, external_ids: Sequence[str], met: set[str]) -> set[str]:
        """Those of these records that are held in a conflict; one that is bound to nothing and no longer like any row
        of ours is held no more.
        """
        held = conflicts.open_records(self.tx, self.name, entity, external_ids)
        asked = conflicts.listed(self.tx, self.name, entity)
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
        """Take one record that needs care; returns what came of it: updated, deleted, held, same; or new, for one that
        nothing of ours is like any more, as a record that came with it is the row: it is left to be taken as it is.
        """
        with self._together():
            return self._receive(entity, theirs)

    def _receive(self, entity: str, theirs: Theirs) -> str:
        binding = bindings.of_records(self.tx, self.name, entity, [theirs.external_id]).get(theirs.external_id)
        if binding is not None:
            if theirs.record is None and bindings.revived(self.tx, self.name, entity, [binding.ledger_id]):
                return self._make_again(entity, self._kept(entity, binding.ledger_id), theirs)
            kept = self._kept(entity, binding.ledger_id)
            if binding.base is None and theirs.record is not None and not kept.is_deleted:
                return self._take_unread(entity, kept, theirs, theirs.record)
            otherwise = computed_otherwise(binding, theirs.record, theirs.version_token)
            return self._settle(entity, kept, binding.base, theirs, otherwise=otherwise)
        if theirs.external_id in self._shown:
            return "held"
        listed = conflicts.listed(self.tx, self.name, entity)
        if theirs.external_id in listed:
            return self._show_as_they_are(entity, theirs, listed)
        intent = self._maker(entity, theirs)
        if intent is None:
            return self._receive_alike(entity, theirs)
        bound = bindings.of_rows(self.tx, self.name, entity, [intent.ledger_id]).get(intent.ledger_id)
        made = bound.external_id if bound else intent.external_id
        is_twin = made not in (None, theirs.external_id)
        if theirs.record is None and (is_twin or not intent.is_open):
            # Deleted there and kept here, which is settled: the row is another record by now, or is to be made again.
            return "same"
        if is_twin:
            return self._hold_twin(entity, intent.ledger_id, made, theirs)
        if self.is_part(intent, _wire(theirs)):
            return self._take_part(intent, theirs)
        self.keep_in_mirror(entity, [_wire(theirs)])
        self._record(Effect(intent, _wire(theirs), "it came back with a pull"), theirs.record)
        return "updated"

    def _take_part(self, intent: Intent, theirs: Theirs) -> str:
        """A part of what a create was to make, or what is left of it once it was taken back, tells nothing of the row.

        Whoever has the intent, as long as it is open, goes on with it or asks a person. What an intent that has ended
        left behind alive is the row's, as it is there: what it lacks is said like any edit made here.
        """
        if intent.is_open or theirs.record is None:
            return "held"
        return self._settle(intent.entity, self._kept(intent.entity, intent.ledger_id), theirs.record, theirs)

    def _receive_alike(self, entity: str, theirs: Theirs) -> str:
        """Take a record that nobody knows for certain: it is the row that it is like, if there still is one."""
        alike = self._still_alike(entity, theirs.external_id)
        if not alike.ours:
            return "new"
        if len(alike.ours) > 1 or len(alike.theirs) > 1:
            return self._ask_which(entity, alike)
        (ledger_id,), doubt = alike.ours, alike.doubt
        if conflicts.is_asked_about_another(self.tx, self.name, entity, ledger_id, theirs.external_id):
            doubt = doubt or "it may be another one there as well"
        return self._settle(entity, self._kept(entity, ledger_id), None, theirs, doubt)

    def _still_alike(self, entity: str, external_id: str) -> _Alike:
        """What a record was found to be like, locked, without what has been bound since: by a record of the same batch
        that turned out to be a row's, or by a person.
        """
        alike = self._alike.get(external_id, _NOTHING)
        records.lock(self.tx, entity, alike.ours)
        ours = bindings.of_rows(self.tx, self.name, entity, alike.ours)
        theirs = bindings.of_records(self.tx, self.name, entity, alike.theirs)
        return _Alike(
            [ledger_id for ledger_id in alike.ours if ledger_id not in ours],
            {i: record for i, record in alike.theirs.items() if i not in theirs},
            alike.doubt,
        )

    def _make_again(self, entity: str, kept: Kept, theirs: Theirs) -> str:
        """A row that somebody took back after both sides had deleted it: a record of its own there, from now on."""
        bindings.drop(self.tx, connection=self.name, entity=entity, external_id=theirs.external_id)
        edits.note(self.tx, connection=self.name, entity=entity, ledger_id=kept.ledger_id, version=kept.version)
        return "same"

    def _hold_twin(self, entity: str, ledger_id: int, made: str | None, theirs: Theirs) -> str:
        """A second record there that carries the marker of one we made, or a third: never deleted silently, all of them
        shown to a person, the first with what it says. `made` is the one that the row is bound to.
        """
        kept = self._kept(entity, ledger_id)
        shown = conflicts.open_of(self.tx, self.name, entity, ledger_id)
        self._show_twins(entity, kept, made, [*(shown.twins if shown else ()), theirs.external_id])
        return "held"

    def _show_as_they_are(self, entity: str, theirs: Theirs, listed: set[str]) -> str:
        """Records that are asked about moved, this and others of its batch: a decision is about what they say now."""
        moved = {i: record for i, record in self._arrived.items() if i in listed} | {theirs.external_id: theirs.record}
        questions = conflicts.listing(self.tx, self.name, entity, list(moved))
        records.lock(self.tx, entity, [question.ledger_id for question in questions])
        conflicts.moved(self.tx, self.name, entity, questions, moved)
        if bindings.of_records(self.tx, self.name, entity, [theirs.external_id]):
            # Somebody decided while we waited for the row.
            return self._receive(entity, theirs)
        self._shown |= moved.keys()
        return "held"

    def _forget_twins(self, entity: str, gone: Sequence[str]) -> None:
        """Twins that were deleted there are shown no more; the others are."""
        # Rows before conflicts, as whoever decides locks them: what was decided while we waited is asked no more.
        records.lock(self.tx, entity, [one.ledger_id for one in self._about_twins(entity, gone)])
        for shown in self._about_twins(entity, gone):
            if twins := [twin for twin in shown.twins if twin not in gone]:
                self._show_twins(entity, self._kept(entity, shown.ledger_id), shown.made, twins)
            else:
                conflicts.settle_records(self.tx, self.name, entity, shown.twins[:1], by=self.actor)
                self.asked_next += self._as_mirrored(entity, shown.made)

    def _about_twins(self, entity: str, external_ids: Sequence[str]) -> list[Conflict]:
        return [one for one in conflicts.listing(self.tx, self.name, entity, external_ids) if one.twins]

    def _as_mirrored(self, entity: str, external_id: str) -> list[Theirs]:
        """A record as it was when it came last, if it is there and can be read."""
        found = [(one, self._read(entity, one)) for one in mirror.records(self.tx, self.name, entity, [external_id])]
        return [Theirs.of(one, record) for one, record in found if record is not None and not one.is_deleted]

    def _ask_which(self, entity: str, alike: _Alike) -> str:
        """Any of several rows of ours may be any of these records: all are held, so that none is made a second time."""
        self._read_ahead(entity, alike.ours, ())
        kept_rows = [self._kept(entity, ledger_id) for ledger_id in alike.ours]
        conflicts.keep_all(
            self.tx,
            tenant=self.tenant,
            connection=self.name,
            entity=entity,
            openings=[
                conflicts.which(kept.ledger_id, kept.version, kept.record, alike.theirs, alike.doubt)
                for kept in kept_rows
            ],
            run_id=self.work.run_id,
        )
        self._shown |= alike.theirs.keys()
        point("conflict_opened")
        return "held"

    def _maker(self, entity: str, theirs: Theirs) -> Intent | None:
        """The intent that made this record, if it carries a marker of ours."""
        marker = self.composer.marker_of(entity, theirs.payload)
        if marker:
            return outbox.of_markers(self.tx, self.name, entity, [marker]).get(marker)
        return self._unmarked_makers(entity, [theirs]).get(theirs.external_id)

    def _unmarked_makers(self, entity: str, arrived: Sequence[Theirs]) -> dict[str, Intent]:
        """By external id, the creates in doubt that may have made records without a mark, as a probe would judge it."""
        in_doubt = outbox.creates_in_doubt(self.tx, self.name, entity)
        new = self._new_there(entity, arrived) if in_doubt else []
        unmarked = {one.external_id: one.record for one in new if not self.composer.marker_of(entity, one.payload)}
        return self.makers(entity, in_doubt, unmarked) if unmarked else {}

    def _new_there(self, entity: str, arrived: Sequence[Theirs]) -> list[Theirs]:
        """What is alive there and bound to nothing."""
        bound = bindings.ledger_ids_of(self.tx, self.name, {entity: [one.external_id for one in arrived]})
        return [one for one in arrived if one.record is not None and (entity, one.external_id) not in bound]

    def _matched(self, entity: str, arrived: Sequence[Theirs], made_here: Mapping[str, Intent]) -> dict[str, _Alike]:
        """What arrived and is bound to nothing by external id, as far as it seems to be the same as rows of ours that
        are not in the ERP yet; without what says itself which row it is.
        """
        rows = set(edits.unbound(self.tx, self.name, entity)) - {intent.ledger_id for intent in made_here.values()}
        ours = [
            Unbound(str(ledger_id), kept.record)
            for ledger_id, kept in records.read(self.tx, self.name, entity, rows).items()
            if not kept.is_deleted
        ]
        new = [one for one in self._new_there(entity, arrived) if one.external_id not in made_here] if ours else []
        theirs = [Unbound(one.external_id, one.record) for one in new]
        if not theirs:
            return {}
        found = match(spec_of(entity), ours, theirs)
        groups = [((pair.ours,), (pair.theirs,), "") for pair in found.bound]
        groups += [(group.ours, group.theirs, group.reason) for group in found.ambiguous]
        alike = [
            _Alike([int(o.id) for o in ours], {t.id: t.record for t in there}, doubt) for ours, there, doubt in groups
        ]
        return {external_id: one for one in alike for external_id in one.theirs}


_NOTHING = _Alike((), {}, "")


def _wire(theirs: Theirs) -> WireRecord:
    is_deleted = theirs.record is None
    return WireRecord(theirs.external_id, theirs.version_token, theirs.modified_at, theirs.payload, is_deleted)
