"""What a push was answered: whether it has happened, and what both books say after it.

Belongs here: recording the effects of intents, a batch of them at once. When to send is `push.py`, when to ask
`doubts.py`, what two versions make of each other `settling.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import msgspec

from ledger.agreement import agreed
from ledger.matching import Unbound, match
from ledger.merge import Merged, meet, merge
from ledger.policies import Conflict, ConflictKind
from ledger.spec import Record, spec_of
from resources.connector import Wanted, WireRecord
from resources.stages.composing import composed
from resources.stages.settling import Settling, Theirs, error_id_of, unequal_money
from resources.stores import bindings, conflicts, edits, mirror, records
from resources.stores.audit import Entry
from resources.stores.bindings import NO_VERSION
from resources.stores.conflicts import EXTERNAL_ID
from resources.stores.edits import Edit
from resources.stores.intents import UnreadableIntentError, said_by
from resources.stores.outbox import Done, Intent
from resources.stores.records import Kept


@dataclass(frozen=True, slots=True)
class Effect:
    """What an intent has done: the record as the ERP holds it now, and how we came to know."""

    intent: Intent
    record: WireRecord
    says: str


class Recording(Settling):
    """Records what intents have done; see `Settling`."""

    def is_effect_of(self, intent: Intent, found: WireRecord) -> bool:
        """Whether a record that a probe found says what the intent was to make it say."""
        if intent.operation == "delete":
            return found.is_deleted or not getattr(self._read(intent.entity, found), "is_active", True)
        wanted = _wanted_by(intent)
        if found.is_deleted and wanted is None:
            # Nothing tells what has changed here since it was sent.
            return False
        marker = self.composer.marker_of(intent.entity, found.payload)
        if intent.operation == "create" and intent.marker and marker is not None:
            return marker == intent.marker and not self.is_part(intent, found)
        if found.is_deleted:
            return False
        theirs = self._read(intent.entity, found)
        if theirs is None:
            return False
        if intent.operation == "void":
            return getattr(theirs, "is_void", False)
        if intent.operation == "create":
            is_of_another = self.is_of_another(intent, found.external_id)
            return not is_of_another and bool(self.makers(intent.entity, [intent], {found.external_id: theirs}))
        if wanted is None:
            return False
        said = self._said(intent.entity, wanted)
        binding = bindings.of_rows(self.tx, self.name, intent.entity, [intent.ledger_id]).get(intent.ledger_id)
        if binding is None or binding.base is None:
            # Nothing tells what we were to change: only the whole of it is proof, anything else is merged first.
            return said == theirs
        # What we were to change is there, whatever else somebody changed.
        return merge(binding.base, said, theirs).record == theirs

    def is_part(self, intent: Intent, found: WireRecord) -> bool:
        """Whether a record is, or may be, a part only of what a create was to make: see `Composer.is_part`."""
        if intent.operation != "create" or not intent.marker:
            return False
        if self.composer.marker_of(intent.entity, found.payload) != intent.marker:
            return False
        return self.composer.is_part(self._body_sent(intent), found)

    def _body_sent(self, intent: Intent) -> dict[str, Any]:
        """What an intent sent or, if that can no longer be read, what would be sent for its row now."""
        try:
            return said_by(intent).body
        except UnreadableIntentError:
            kept = records.read(self.tx, self.name, intent.entity, [intent.ledger_id])[intent.ledger_id]
            found = composed(self.composer, Wanted(intent.entity, "create", kept.record))
            return found if isinstance(found, dict) else {}

    def may_have_lost_its_mark(self, intent: Intent, found: WireRecord) -> bool:
        """Whether a record without a mark may be what a create made with one: see `Composer.kept_of`."""
        if intent.operation != "create" or self.composer.marker_of(intent.entity, found.payload):
            return False
        return self.composer.kept_of(self._body_sent(intent)) is not None

    def may_have_come_of(self, intent: Intent, found: WireRecord) -> bool:
        """Whether a record that a sync took for a row of its own since may be what a create made, or a part of it."""
        return self.may_have_lost_its_mark(intent, found) and bindings.has_come_since(
            self.tx, self.name, intent.entity, found.external_id, intent.sent_at
        )

    def is_of_another(self, intent: Intent, external_id: str) -> bool:
        """Whether a record is a row's already, and not the intent's."""
        bound = bindings.ledger_ids_of(self.tx, self.name, {intent.entity: [external_id]})
        return bound.get((intent.entity, external_id), intent.ledger_id) != intent.ledger_id

    def of_others(self, made: Sequence[Effect]) -> set[int]:
        """Those of these creates, by intent, whose records are other rows' already: they are not what was made."""
        named: dict[str, list[str]] = {}
        for one in made:
            if one.intent.operation == "create":
                named.setdefault(one.intent.entity, []).append(one.record.external_id)
        bound = bindings.ledger_ids_of(self.tx, self.name, named)
        return {
            one.intent.intent_id
            for one in made
            if one.intent.operation == "create"
            and bound.get((one.intent.entity, one.record.external_id), one.intent.ledger_id) != one.intent.ledger_id
        }

    def makers(self, entity: str, creates: Sequence[Intent], found: Mapping[str, Record]) -> dict[str, Intent]:
        """By external id, the first of these creates that may have made a record without a mark, of those that one may
        have made: it is the same by its key and content, or we would have made it by the very same body, whatever the
        ERP says of it by itself (of a credit's use the note's number).
        """
        wanted = {intent.intent_id: self._nearest_to_sent(intent) for intent in creates}
        bodies = {intent_id: self._body_of(entity, record) for intent_id, record in wanted.items()}
        met = match(spec_of(entity), _unbound(wanted), _unbound(found))
        # What shares a key with several is looked at pair by pair, as it would be alone.
        pairs = [(pair.ours, pair.theirs) for pair in met.bound]
        pairs += [pair for group in met.ambiguous for pair in product(group.ours, group.theirs)]
        alike = {(ours.id, theirs.id) for ours, theirs in pairs if _is_same(entity, ours, theirs)}
        makers: dict[str, Intent] = {}
        for external_id, theirs in found.items():
            body = self._body_of(entity, theirs)
            for intent in creates:
                ours = bodies[intent.intent_id]
                if (str(intent.intent_id), external_id) in alike or (body and ours and self._makes(ours, body)):
                    makers[external_id] = intent
                    break
        return makers

    def _nearest_to_sent(self, intent: Intent) -> Record:
        """What a create said; if that can no longer be read, what its row says now."""
        return _wanted_by(intent) or self._kept(intent.entity, intent.ledger_id).record

    def _body_of(self, entity: str, record: Record) -> dict[str, Any] | None:
        """What would be sent to make a record, but for its mark; None if it would be refused."""
        found = composed(self.composer, Wanted(entity, "create", record))
        return found if isinstance(found, dict) else None

    def _makes(self, ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
        """Whether one body makes what the other would, even if the text that goes with its mark is not kept. Another
        text in its place is another record: nobody drops one and writes one.
        """
        kept = self.composer.kept_of(ours)
        if kept is None:
            return ours == theirs
        others = (value == ours.get(key) for key, value in theirs.items() if key not in kept and value)
        return kept == self.composer.kept_of(theirs) and all(others)

    def record_effects(self, effects: Sequence[Effect]) -> None:
        """Intents have happened: mirror, ledger, bindings, bases, outbox and audit say so together."""
        by_entity: dict[str, list[Effect]] = {}
        for effect in effects:
            by_entity.setdefault(effect.intent.entity, []).append(effect)
        with self._together():
            for entity, some in by_entity.items():
                self.keep_in_mirror(entity, [effect.record for effect in some])
                theirs = [None if effect.record.is_deleted else self._read(entity, effect.record) for effect in some]
                ledger_ids = [effect.intent.ledger_id for effect in some]
                self._read_ahead(entity, ledger_ids, [record for record in theirs if record is not None])
                for effect, record in zip(some, theirs, strict=True):
                    # It has happened, even if the ledger lacks something that the record names by now.
                    is_deletion = effect.intent.operation == "delete"
                    if record is None or is_deletion or not records.unresolved(spec_of(entity), record, self._known):
                        self._record(effect, record)
                    else:
                        self._record(effect, None)

    def keep_in_mirror(self, entity: str, found: Sequence[WireRecord]) -> None:
        """Records as the ERP has them now, to be merged like any other change."""
        mirror.store(
            self.tx,
            tenant=self.tenant,
            connection=self.name,
            entity=entity,
            records=found,
            run_id=self.work.run_id,
            is_current=True,
        )

    def _record(self, effect: Effect, theirs: Record | None) -> None:
        intent, record = effect.intent, effect.record
        twins = self._twins(intent, record.external_id)
        self._take_answer(intent, record, theirs)
        if twins:
            self._show_twins(intent.entity, self._kept(intent.entity, intent.ledger_id), record.external_id, twins)
        self._pending.done.append(Done(intent.intent_id, effect.says, record.external_id))
        resolved = self._pending.resolved.setdefault(intent.entity, [])
        resolved += [error_id_of(intent.ledger_id), record.external_id]
        self._pending.entries.append(
            Entry(
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
                    "answer": effect.says,
                },
            )
        )

    def _take_answer(self, intent: Intent, record: WireRecord, theirs: Record | None) -> None:
        entity = intent.entity
        kept = self._kept(entity, intent.ledger_id)
        wanted = _wanted_by(intent)
        if record.is_deleted and intent.operation == "create" and wanted is not None:
            # It was made, and somebody deleted it there before we knew: a deletion like any other.
            sent = self._said(entity, wanted)
            self._bind(entity, record.external_id, kept.ledger_id, sent, record.version_token, NO_VERSION)
            gone = Theirs(record.external_id, record.version_token, record.modified_at, None, record.payload)
            self._settle(entity, kept, sent, gone)
            return
        if record.is_deleted or intent.operation == "delete":
            self._agree_on_deletion(entity, kept, record, theirs)
            return
        sent = self._said(entity, kept.record if wanted is None else wanted)
        if theirs is not None and self.may_have_lost_its_mark(intent, record):
            # A text that went with the mark was never agreed on: it stays here, and is said as any edit.
            sent = _without_lost(entity, sent, theirs)
        if theirs is None:
            # What we wrote is there and bound; what the ERP made of it is held by the merge, which says why. Nothing is
            # said to that version before it is merged.
            self._bind(entity, record.external_id, kept.ledger_id, sent, intent.version_token, NO_VERSION)
            return
        answer = Theirs(record.external_id, record.version_token, record.modified_at, theirs, record.payload)
        if wanted is None:
            self._take_unread(entity, kept, answer, theirs)
            return
        otherwise = [] if intent.operation == "void" else unequal_money(sent, theirs)
        if intent.operation == "create" or otherwise:
            # It is there and ours, whatever is to be asked about it.
            self._bind(entity, record.external_id, kept.ledger_id, sent, record.version_token, NO_VERSION)
        self._settle(entity, kept, sent, answer, otherwise=otherwise)

    def _twins(self, intent: Intent, made: str) -> list[str]:
        """Records of which it is asked whether they are the row that made another one: that is answered now."""
        entity, ledger_id = intent.entity, intent.ledger_id
        if intent.operation != "create" or (entity, ledger_id) in self._is_free:
            return []
        question = conflicts.asked(self.tx, self.name, entity, [ledger_id]).get(ledger_id)
        others = [external_id for external_id in question.named if external_id != made] if question else []
        if question and not others:
            conflicts.settle(self.tx, self.name, entity, ledger_id, made, by=self.actor)
        return others

    def _show_twins(self, entity: str, kept: Kept, made: str | None, twins: Sequence[str]) -> None:
        """Other records there than the one that the row is, which is what a person is to decide about."""
        found = [Conflict(EXTERNAL_ID, None, made, twin) for twin in twins]
        (change,) = mirror.records(self.tx, self.name, entity, twins[:1])
        first = Theirs.of(change, None if change.is_deleted else self._read(entity, change))
        self._open(entity, kept, None, first, ConflictKind.POSSIBLE_DUPLICATE, found)

    def _take_unread(self, entity: str, kept: Kept, answer: Theirs, theirs: Record) -> str:
        """It is there and ours, and nothing tells what was agreed on: the row and it meet as if for the first time."""
        base = None if not kept.is_deleted else theirs
        met = None if kept.is_deleted else meet(kept.record, theirs, policies=self._policies_of(entity))
        if met is not None and not met.is_clean:
            # What only they had is taken first, or it would look as if it had been emptied here.
            base = agreed(spec_of(entity), theirs, met.conflicts)
            kept = self._filled(entity, kept, met)
        self._bind(entity, answer.external_id, kept.ledger_id, base or theirs, answer.version_token, NO_VERSION)
        if met is None or met.is_clean:
            return self._settle(entity, kept, base, answer)
        # Nothing that is in conflict is taken for a change of one side: lines of both would be added up.
        self._open(entity, kept, base, answer, met.kind, met.conflicts, met.invariant_failures)  # type: ignore[arg-type]
        return "held"

    def _filled(self, entity: str, kept: Kept, met: Merged[Any]) -> Kept:
        if met.record != kept.record:
            self._write(entity, kept, met)
        return self._kept(entity, kept.ledger_id)

    def _agree_on_deletion(self, entity: str, kept: Kept, record: WireRecord, theirs: Record | None) -> None:
        if theirs is not None:
            # Made inactive, which is all that is done to a name there; taken back meanwhile, it is made active again.
            version = kept.version if kept.is_deleted else NO_VERSION
            self._bind(entity, record.external_id, kept.ledger_id, theirs, record.version_token, version)
        if kept.is_deleted:
            bindings.agree(self.tx, connection=self.name, entity=entity, ledger_id=kept.ledger_id, version=kept.version)
            self._pending.planned.setdefault(entity, []).append(Edit(kept.ledger_id, kept.version))
            return
        if theirs is None:
            # Taken back here while it was being deleted there: it is made again.
            bindings.drop(self.tx, connection=self.name, entity=entity, external_id=record.external_id)
        edits.look_at_again(self.tx, entity, kept.ledger_id)


def _without_lost(entity: str, sent: Record, theirs: Record) -> Record:
    texts = [f.name for f in spec_of(entity).fields if f.kind is str and not f.reference]
    return msgspec.structs.replace(sent, **{name: "" for name in texts if getattr(theirs, name) == ""})


def _unbound(some: Mapping[Any, Record]) -> list[Unbound]:
    return [Unbound(str(key), record) for key, record in some.items()]


def _is_same(entity: str, ours: Unbound, theirs: Unbound) -> bool:
    """Whether two records, looked at alone, have one key and nothing to ask a person about."""
    return bool(match(spec_of(entity), [ours], [theirs]).bound) and meet(ours.record, theirs.record).is_clean


def _wanted_by(intent: Intent) -> Record | None:
    """What it was to make the ERP say; None if it can no longer be read."""
    try:
        return said_by(intent).record
    except UnreadableIntentError:
        return None
