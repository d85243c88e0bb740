"""What is open from before: intents of which no answer came, or that were told to wait.

Belongs here: whether an intent in doubt has happened, asked of the ERP before it is sent again under the same key; and
those that a person has to look at first, because they cannot be read (`unreadable.py`) or because what they made may
have been deleted there (`deleted_meanwhile.py`). Sending is `sending.py`, what is new is planned in `push.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import groupby

from resources.connector import Refusal, Wanted, WireRecord, Write
from resources.errors import ErrorKind, TieoutError
from resources.points import point
from resources.stages.deleted_meanwhile import (
    LOST_ANSWER,
    refusal_of_taken_back,
    refusal_of_unmarked,
    unknown_deletions,
)
from resources.stages.deleted_meanwhile import refusal_of as refusal_of_deleted
from resources.stages.merge import merge
from resources.stages.plan import Held, in_order
from resources.stages.recording import Effect, Recording
from resources.stages.sending import DELAY_SECONDS_MAX, Sending, write_of
from resources.stages.unreadable import LOOKED_AT_AGAIN_SECONDS, asked_by_row, refusal_of
from resources.stages.work import Work
from resources.stores import bindings, conflicts, mirror, outbox, records, switches
from resources.stores.intents import UnreadableIntentError, said_by
from resources.stores.outbox import Intent

ATTEMPTS_MAX = 5

# Entities of what turned out to have moved there, with the external ids of what is not merged yet.
Moved = dict[str, list[str]]


# What a question about one record says of all the others.
_OF_THE_CONNECTION = frozenset(
    {ErrorKind.AUTHENTICATION, ErrorKind.AUTHORIZATION, ErrorKind.RATE_LIMIT, ErrorKind.CONNECTION}
)


class _UnansweredError(Exception):
    """The ERP said nothing of use when it was asked whether something had happened."""

    def __init__(self, error: TieoutError) -> None:
        self.error = error


@contextmanager
def _unanswered() -> Iterator[None]:
    """Tells what one question met from what all of the connection would meet."""
    try:
        yield
    except TieoutError as error:
        if error.kind in _OF_THE_CONNECTION:
            raise
        raise _UnansweredError(error) from error


class Doubts:
    """Settles what is open of one connection. `may`: whether an entity may be pushed, as of the last look."""

    def __init__(self, work: Work, sending: Sending, *, retry_refused: bool) -> None:
        self.work = work
        self.sending = sending
        self.name = work.connection.name
        self.may: Mapping[str, bool] = {}
        self._retry_refused = retry_refused
        # Intent -> how often this run has looked into it.
        self._tries: dict[int, int] = {}
        # About which intent the last question was, if it had no answer.
        self._unanswered: int | None = None

    def look_at_held_now(self) -> None:
        """Have `settle` look at what waits for a person, who asks for it now."""
        with self.work.transaction() as tx:
            for intent in outbox.open_intents(tx, self.name, only_due=False):
                if _why_unreadable(intent) is not None or self.sending.is_held(tx, intent):
                    outbox.postpone(tx, intent.intent_id, state=intent.state, seconds=0, answer="to be planned anew")

    def settle(self) -> Moved:
        """Finish what is open, before anything new is said about the same rows; waits only where the wait is short.

        Returns the entities of what turned out to have moved over there, with the external ids of what is not merged
        yet: to be planned anew.
        """
        moved: Moved = {}
        while True:
            with self.work.reading() as tx:
                # Waiting may take a minute, in which somebody switches it off. Before it is sent, what is new is asked
                # for once more.
                off = switches.switched_off(tx, self.work.connection.tenant, self.name, "push", in_order())
                self.may = {entity: entity not in off for entity in in_order()}
                found = [i for i in outbox.open_intents(tx, self.name) if self.may[i.entity]]
                tried_enough = [intent_id for intent_id, count in self._tries.items() if count >= ATTEMPTS_MAX]
                wait_seconds = outbox.seconds_to_next(
                    tx, self.name, [e for e, may in self.may.items() if may], besides=tried_enough
                )
            found = [intent for intent in found if intent.intent_id not in tried_enough]
            if found:
                found = self._readable(found, moved)
                for intent in found:
                    self._tries[intent.intent_id] = self._tries.get(intent.intent_id, 0) + 1
                for _, together in groupby(found, key=lambda intent: intent.batch_key or intent.key):
                    group = list(together)
                    with self._put_off_if_unanswered(group):
                        self._settle_together(group, moved)
            elif wait_seconds is None or wait_seconds > DELAY_SECONDS_MAX:
                return moved
            else:
                self._pause(wait_seconds)

    @contextmanager
    def _put_off_if_unanswered(self, group: Sequence[Intent]) -> Iterator[None]:
        """What the ERP cannot be asked about stays as it is, and stops nothing else. Where the next cannot be asked
        about either, it is the ERP that does not answer: raises what that met.
        """
        try:
            yield
        except _UnansweredError as unanswered:
            over = self._over(group)
            with self.work.transaction() as tx:
                for intent in group:
                    if intent.intent_id not in over:
                        tried = replace(intent, attempts=intent.attempts + 1)
                        self.sending.put_off(tx, tried, unanswered.error, is_doubtful=intent.state == "sent")
            before, self._unanswered = self._unanswered, group[0].intent_id
            if before not in (None, group[0].intent_id):
                raise unanswered.error from None
        else:
            self._unanswered = None

    def _readable(self, found: Sequence[Intent], moved: Moved) -> list[Intent]:
        """Those of these intents that can be read. The others are held, each by itself, or dropped if that is asked
        for; their rows are then planned anew.
        """
        readable: list[Intent] = []
        for intent in found:
            if (error := _why_unreadable(intent)) is None:
                readable.append(intent)
            elif self._retry_refused:
                with self._put_off_if_unanswered([intent]):
                    self._drop_unreadable(intent, error, moved)
            else:
                self._hold_unreadable(intent, error)
        return readable

    def _hold_unreadable(self, intent: Intent, error: UnreadableIntentError, may_arrive_seconds: float = 0.0) -> None:
        self._hold_open(intent, refusal_of(self.work, intent, error, may_arrive_seconds), str(error))

    def _hold_open(self, intent: Intent, refusal: Refusal, answer: str) -> None:
        """It stays open, so that nothing else is said about its row, and is shown to a person."""
        with self.work.transaction() as tx:
            outbox.postpone(tx, intent.intent_id, state=intent.state, seconds=LOOKED_AT_AGAIN_SECONDS, answer=answer)
            self.sending.hold(tx, intent.entity, Held(intent.edit, intent.external_id, [refusal]))

    def _drop_unreadable(self, intent: Intent, error: UnreadableIntentError, moved: Moved) -> None:
        """What is there may be its effect, and is merged before anything new is said. A create is looked for, and only
        if it is not there and too old to arrive is the row sent under a key that does not stand for the same thing.
        """
        if not self._without_over([intent], moved):
            return
        if intent.operation == "create" and intent.state == "sent":
            write, wanted = asked_by_row(self.work, intent)
            found = self._probed(intent, write, wanted)
            if found is None:
                if (rest := self._may_arrive_seconds(intent)) > 0:
                    self._hold_unreadable(intent, error, rest)
                    return
            elif not (found.is_deleted and self._is_part(intent, found)):
                if self._take_effect(intent, found):
                    pass
                elif self._may_have_lost_its_mark(intent, found):
                    self._ask_a_person(intent, partial(refusal_of_unmarked, self.work, found.external_id), moved)
                else:
                    self._take_moved(intent, found)
                    moved.setdefault(intent.entity, [])
                return
        self._drop(intent, f"planned anew, as it could not be read: {error}", moved)

    def _drop(self, intent: Intent, answer: str, moved: Moved) -> None:
        """Its row is planned anew, under a key that does not stand for the same thing."""
        with self.work.transaction() as tx:
            self.sending.drop(tx, intent, answer)
        moved.setdefault(intent.entity, []).extend([intent.external_id] if intent.external_id else [])

    def _may_arrive_seconds(self, intent: Intent) -> float:
        """How long a request of then can still take effect; not positive if it cannot any more."""
        with self.work.reading() as tx:
            (age,) = outbox.ages_seconds(tx, [intent.intent_id]).values()
        return self.work.erp.arrival_seconds_max * self.work.pace - age

    def _without_deleted(self, absent: Sequence[Intent], moved: Moved) -> list[Intent]:
        """Those of these that nobody can have deleted there unseen. The others are held, or dropped if a person who has
        been told of it asks for that.
        """
        doubtful = [intent for intent in absent if intent.operation == "create" and intent.state == "sent"]
        since = min((intent.sent_at for intent in doubtful), default=None)
        with _unanswered():
            gone = unknown_deletions(self.work, doubtful[0].entity, since) if since else []
        if not gone:
            return list(absent)
        for intent in doubtful:
            self._ask_a_person(intent, partial(refusal_of_deleted, self.work, gone), moved)
        return [intent for intent in absent if intent not in doubtful]

    def _ask_a_person(self, intent: Intent, refusal_of: Callable[[float], Refusal], moved: Moved) -> None:
        """Held; or dropped, if somebody who has been told of it asks for that and nothing of it can arrive any more."""
        with self.work.reading() as tx:
            is_told = self._retry_refused and self.sending.is_held(tx, intent, LOST_ANSWER)
        rest = max(0.0, self._may_arrive_seconds(intent)) if is_told else 0.0
        refusal = refusal_of(rest)
        if is_told and not rest:
            self._drop(intent, f"planned anew, as it was asked for: found {refusal.found}", moved)
        else:
            self._hold_open(intent, refusal, f"found {refusal.found}")

    def _settle_together(self, group: Sequence[Intent], moved: Moved) -> None:
        """One intent, or all of one batch that are still open; notes in `moved` what had moved over there.

        A batch of which nothing happened goes again whole, so that its key stands for the same thing: also with what
        somebody changed there meanwhile, which the ERP refuses. Under other keys it could be carried out beside the
        first request, should that still be on its way. One of which a part happened may still be at work: once nothing
        of it can arrive any more, the rest goes one by one.
        """
        group = self._without_over(group, moved)
        absent, strange, begun = self._asked(group, moved)
        absent = self._without_deleted(self._without_resting(absent), moved)
        again = [intent for intent in group if intent in absent or intent.intent_id in strange]
        # A create that met another record is refused by nothing but chance.
        is_whole = bool(absent) and all(i in absent or i.operation != "create" for i in again) and self._is_whole(again)
        if not is_whole:
            again = self._without_moved(absent, [(i, strange[i.intent_id]) for i in again if i not in absent], moved)
        if not again:
            return
        rest = 0.0 if is_whole else max(map(self._may_arrive_seconds, self._in_doubt_beside(again[0])), default=0.0)
        with self.work.transaction() as tx:
            if rest > 0:
                for intent in again:
                    outbox.postpone(
                        tx,
                        intent.intent_id,
                        state=intent.state,
                        seconds=rest,
                        answer="a part of its batch has happened: to be asked for once more",
                    )
                return
            over = self.work.erp.arrival_seconds_max * self.work.pace
            ages = outbox.ages_seconds(tx, [intent.intent_id for intent in again if intent.state == "sent"])
            # What has arrived in part is not on its way any more.
            doubtful = {intent_id: 0.0 if intent_id in begun else over - age for intent_id, age in ages.items()}
            again = outbox.sending_again(tx, [intent.intent_id for intent in again], alone=not is_whole)
        point("resend_counted")
        for some in [again] if is_whole else [[intent] for intent in again]:
            if stale := self.sending.send(some, doubtful):
                moved.setdefault(some[0].entity, []).extend(stale)
                self._ask_once_more([intent for intent in some if intent.external_id in stale], moved)

    def _ask_once_more(self, stale: Sequence[Intent], moved: Moved) -> None:
        """What moved between the question and the second attempt: by the attempt before it, or by somebody else."""
        for intent in stale:
            if self._over([intent]):
                continue
            # Apart from its batch, of which more may be in doubt by now than when it was read.
            with self._put_off_if_unanswered([intent]):
                found = self._probed(intent, write_of(intent), self._wanted_of(intent))
                if found is None or not self._take_effect(intent, found):
                    self._drop(intent, "the ERP's record had moved: to be merged first", moved)

    def _without_over(self, group: Sequence[Intent], moved: Moved) -> list[Intent]:
        """Without what certainly has not happened and is no longer what the row says, and without the creates whose
        rows have met a record there meanwhile, which somebody else made: they have nothing to make any more, and what
        may have been made before shows itself as a twin. Those of which a person is asked whether it is the same wait
        for the answer.
        """
        entity = group[0].entity
        creates = [intent.ledger_id for intent in group if intent.operation == "create"]
        with self.work.reading() as tx:
            bound = bindings.of_rows(tx, self.name, entity, creates)
            asked = conflicts.open_rows(tx, self.name, entity, creates)
            versions = records.versions(tx, entity, [intent.ledger_id for intent in group])
        left: list[Intent] = []
        for intent in group:
            if intent.state == "waiting" and versions[intent.ledger_id] != intent.ledger_version:
                with self.work.transaction() as tx:
                    self.sending.drop(tx, intent, "its row says something else by now")
                moved.setdefault(entity, [])
            elif intent.operation != "create" or intent.ledger_id not in bound.keys() | asked:
                left.append(intent)
            elif intent.ledger_id in bound:
                met = bound[intent.ledger_id].external_id
                self._drop(intent, f"its row has met {met} there meanwhile, which somebody else made", moved)
            else:
                with self.work.transaction() as tx:
                    outbox.postpone(
                        tx,
                        intent.intent_id,
                        state=intent.state,
                        seconds=LOOKED_AT_AGAIN_SECONDS,
                        answer="waits for what a person decides of its row",
                    )
        return left

    def _asked(self, group: Sequence[Intent], moved: Moved) -> tuple[list[Intent], dict[int, WireRecord], set[int]]:
        """Asks the ERP about each, and takes the effects that it finds. Gives those that have not happened, or in part
        only and are gone on with, by intent the records that somebody else changed, and which have happened in part.
        """
        absent: list[Intent] = []
        strange: dict[int, WireRecord] = {}
        begun: set[int] = set()
        over = self._over(group)
        for intent in group:
            if intent.intent_id in over:
                continue
            if intent.state == "waiting":
                absent.append(intent)
                continue
            found = self._probed(intent, write_of(intent), self._wanted_of(intent))
            point("probed")
            is_part = found is not None and self._is_part(intent, found)
            if found is not None and is_part and found.is_deleted:
                self._ask_a_person(intent, partial(refusal_of_taken_back, self.work, found.external_id), moved)
            elif found is None or is_part:
                absent.append(intent)
                if is_part:
                    begun.add(intent.intent_id)
            elif self._take_effect(intent, found):
                over = self._over(group)
            elif self._may_have_lost_its_mark(intent, found):
                self._ask_a_person(intent, partial(refusal_of_unmarked, self.work, found.external_id), moved)
            else:
                strange[intent.intent_id] = found
        strange = {intent_id: found for intent_id, found in strange.items() if intent_id not in over}
        return [intent for intent in absent if intent.intent_id not in over], strange, begun

    def _probed(self, intent: Intent, write: Write, wanted: Wanted) -> WireRecord | None:
        """What the ERP has of it. A record without a mark that is another row's is none, and the next is asked for;
        but not one that may be it and became a row of its own since.
        """
        while True:
            with _unanswered():
                found = self.work.connector.probe(write, wanted, intent.sent_at)
            if (
                found is None
                or intent.operation != "create"
                or self.work.composer.marker_of(intent.entity, found.payload)
            ):
                return found
            with self.work.reading() as tx:
                recording = Recording(self.work, tx)
                is_of_another = recording.is_of_another(intent, found.external_id) and not recording.may_have_come_of(
                    intent, found
                )
            if not is_of_another or found.external_id in wanted.others:
                return found
            wanted = replace(wanted, others=wanted.others | {found.external_id})

    def _may_have_lost_its_mark(self, intent: Intent, found: WireRecord) -> bool:
        with self.work.reading() as tx:
            return Recording(self.work, tx).may_have_lost_its_mark(intent, found)

    def _is_part(self, intent: Intent, found: WireRecord) -> bool:
        with self.work.reading() as tx:
            return Recording(self.work, tx).is_part(intent, found)

    def _without_moved(
        self, absent: Sequence[Intent], strange: Sequence[tuple[Intent, WireRecord]], moved: Moved
    ) -> list[Intent]:
        """Ends those whose records somebody else changed, to be planned anew; gives what is still open of `absent`."""
        for intent, found in strange:
            if self._over([intent]):
                continue
            self._take_moved(intent, found)
            moved.setdefault(intent.entity, [])
        over = self._over(absent)
        return [intent for intent in absent if intent.intent_id not in over]

    def _over(self, group: Sequence[Intent]) -> set[int]:
        """Those of these that have ended since they were read: what was found is merged, with all else that the mirror
        has of its kind, and that may be theirs.
        """
        with self.work.reading() as tx:
            return outbox.ended(tx, [intent.intent_id for intent in group])

    def _without_resting(self, absent: Sequence[Intent]) -> list[Intent]:
        """Without the writes in doubt that are too old to meet their own key there, and too young to be over.

        They are put off, those of a batch together, until they are; the probe after that is the second that did not
        find them.
        """
        memory = self.work.erp.key_memory
        if memory is None or not absent:
            return list(absent)
        resting: set[int] = set()
        with self.work.transaction() as tx:
            ages = outbox.ages_seconds(tx, [intent.intent_id for intent in absent if intent.state == "sent"])
            for intent_id, age in ages.items():
                if memory.sure_seconds * self.work.pace <= age < memory.over_seconds * self.work.pace:
                    resting.add(intent_id)
                    outbox.postpone(
                        tx,
                        intent_id,
                        state="sent",
                        seconds=memory.over_seconds * self.work.pace - age,
                        answer=f"not found there; asked for again {memory.over_seconds:.0f} s after it was sent",
                    )
        return [intent for intent in absent if intent.intent_id not in resting]

    def _is_whole(self, absent: Sequence[Intent]) -> bool:
        if absent[0].batch_key is None:
            return True
        with self.work.reading() as tx:
            return outbox.batch_size(tx, self.name, absent[0].batch_key) == len(absent)

    def _in_doubt_beside(self, intent: Intent) -> list[Intent]:
        """What is in doubt of its batch, also what is not to be asked about yet: the key that they share is theirs."""
        with self.work.reading() as tx:
            return outbox.in_doubt_of(tx, self.name, intent.batch_key)

    def _take_effect(self, intent: Intent, found: WireRecord) -> bool:
        """The probe found a record that our write may have made: takes it if it has, and says whether."""
        with self.work.transaction() as tx:
            recording = Recording(self.work, tx)
            if not recording.is_effect_of(intent, found):
                return False
            self.sending.record(tx, [Effect(intent, found, "found there when asked whether it had happened")])
            point("found_written")
        point("found_committed")
        merge(self.work, [intent.entity])
        return True

    def _take_moved(self, intent: Intent, found: WireRecord) -> None:
        """The record over there is somebody else's doing: to be merged before anything new is said of it."""
        with self.work.transaction() as tx:
            Recording(self.work, tx).keep_in_mirror(intent.entity, [found])
            self.sending.drop(tx, intent, "the ERP's record had moved: to be merged first")
            point("found_written")
        point("found_committed")
        merge(self.work, [intent.entity])

    def _wanted_of(self, intent: Intent) -> Wanted:
        with self.work.reading() as tx:
            held = mirror.held(tx, self.name, intent.entity, [intent.external_id] if intent.external_id else [])
            bound = bindings.of_rows(tx, self.name, intent.entity, [intent.ledger_id]).get(intent.ledger_id)
        payload = held.get(intent.external_id or "")
        return Wanted(
            intent.entity,
            intent.operation,
            said_by(intent).record,
            base=bound.base if bound else None,
            held=payload.payload if payload else None,
            external_id=intent.external_id,
            version_token=intent.version_token,
            marker=intent.marker or "",
        )

    def _pause(self, seconds: float) -> None:
        self.work.keep_lease()
        time.sleep(max(0.0, seconds) * self.work.pace)


def _why_unreadable(intent: Intent) -> UnreadableIntentError | None:
    try:
        said_by(intent)
    except UnreadableIntentError as error:
        return error
    return None
