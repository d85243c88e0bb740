"""From the ledger into the ERP: every edited row has its effect there exactly once, whatever crashes when.

The protocol (docs/reliability.md): keep the intent, with its key, before anything is sent; send; record answer,
binding, base, mirror and audit in one transaction. An intent that is found open is in doubt: the ERP is asked whether
it happened, and only then is it sent again, under the same key. What the ERP made of it is merged like any change of
the ERP's, on the base of what was sent, so that an edit made meanwhile stays and is pushed next.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import msgspec
import psycopg

from resources.connector import (
    Answer,
    InDoubt,
    Refusal,
    Refused,
    Stale,
    Wanted,
    WireRecord,
    Write,
    Written,
)
from resources.errors import ErrorKind, TieoutError
from resources.points import point
from resources.stages.deleted_meanwhile import refusal_of as refusal_of_deleted
from resources.stages.deleted_meanwhile import unknown_deletions
from resources.stages.merge import merge
from resources.stages.plan import (
    ROWS_PER_PLAN_MAX,
    Held,
    Plan,
    Planned,
    in_order,
    plan_rows,
)
from resources.stages.pull import pull_records
from resources.stages.recording import Effect, Recording
from resources.stages.settling import error_id_of
from resources.stages.unreadable import LOOKED_AT_AGAIN_SECONDS, asked_by_row, refusal_of
from resources.stages.work import Work
from resources.stores import bindings, edits, errors, mirror, outbox, switches
from resources.stores.intents import UnreadableIntentError, said_by
from resources.stores.outbox import Intent

STAGE = "push"

_encode = msgspec.json.Encoder(decimal_format="number").encode
# Rounds of pull, merge and plan again within one push; what still moves then is left for the next.
ROUNDS_MAX = 3
ATTEMPTS_MAX = 5
DELAY_SECONDS_MIN = 1.0
DELAY_SECONDS_MAX = 30.0


@dataclass(slots=True)
class PushReport:
    """What a push did: by entity how many records it wrote; what it could not is an open error or conflict."""

    pushed: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    in_doubt: int = 0
    says: list[str] = field(default_factory=list)


def push(
    work: Work,
    *,
    chosen: Sequence[str] | None = None,
    approved: frozenset[str] | None = None,
    retry_refused: bool = False,
) -> PushReport:
    """Say to the ERP what the ledger has to say. `chosen` limits it to some entities, `approved` to some keys: those of
    a plan that somebody has seen, which are no longer ours if either side moved since.

    Raises TieoutError for what stops the whole connection (authentication, our own database), with everything done so
    far recorded.
    """
    return _Push(work, chosen or in_order(), approved, retry_refused).run()


class _Push:
    def __init__(self, work: Work, chosen: Sequence[str], approved: frozenset[str] | None, retry_refused: bool) -> None:
        self.work = work
        self.name = work.connection.name
        self.tenant = work.connection.tenant
        self.report = PushReport()
        self._retry_refused = retry_refused
        self._chosen = chosen
        self._approved = approved
        self._may: dict[str, bool] = {}
        # Intent -> how often this run has looked into it.
        self._tries: dict[int, int] = {}
        self._noted: set[str] | None = None
        self._parents_tried: set[tuple[str, int]] = set()

    def run(self) -> PushReport:
        if self._retry_refused:
            self._look_at_held_now()
        for entity, external_ids in self._settle().items():
            self._catch_up(entity, external_ids)
        for entity in in_order():
            if entity not in self._chosen:
                continue
            if not self._may[entity]:
                self.report.says.append(f"{self.name}: pushing {entity} is switched off")
                continue
            outcome = self.work.outcome(entity)
            if not self._is_noted(entity):
                continue
            started = time.monotonic()
            calls = self.work.connector.api_calls
            self._push_entity(entity)
            self._settle_and_push_again()
            self._noted = None
            outcome.seconds += time.monotonic() - started
            outcome.api_calls += self.work.connector.api_calls - calls
        with self.work.reading() as tx:
            self.report.in_doubt = len(outbox.open_intents(tx, self.name, only_due=False))
        for entity, count in self.report.pushed.items():
            self.work.outcome(entity).pushed += count
        return self.report

    def _is_noted(self, entity: str) -> bool:
        """Whether anybody has edited rows of it: asked once for all, and again after something was done."""
        if self._noted is None:
            with self.work.reading() as tx:
                self._noted = edits.entities_noted(tx)
        return entity in self._noted

    # What is open from before

    def _settle(self) -> dict[str, list[str]]:
        """Finish what is open, before anything new is said about the same rows; waits only where the wait is short.

        Returns the entities of what turned out to have moved over there, with the external ids of what is not merged
        yet: to be planned anew.
        """
        moved: dict[str, list[str]] = {}
        while True:
            with self.work.reading() as tx:
                # Waiting may take a minute, in which somebody switches it off. Before it is sent, what is new is asked
                # for once more.
                off = switches.switched_off(tx, self.tenant, self.name, "push", in_order())
                self._may = {entity: entity not in off for entity in in_order()}
                found = [i for i in outbox.open_intents(tx, self.name) if self._may[i.entity]]
                tried_enough = [intent_id for intent_id, count in self._tries.items() if count >= ATTEMPTS_MAX]
                wait_seconds = outbox.seconds_to_next(
                    tx, self.name, [e for e, may in self._may.items() if may], besides=tried_enough
                )
            found = [intent for intent in found if intent.intent_id not in tried_enough]
            if found:
                found = self._readable(found, moved)
                for intent in found:
                    self._tries[intent.intent_id] = self._tries.get(intent.intent_id, 0) + 1
                for _, group in groupby(found, key=lambda intent: intent.batch_key or intent.key):
                    self._settle_together(list(group), moved)
            elif wait_seconds is None or wait_seconds > DELAY_SECONDS_MAX:
                return moved
            else:
                self._pause(wait_seconds)

    def _look_at_held_now(self) -> None:
        with self.work.transaction() as tx:
            for intent in outbox.open_intents(tx, self.name, only_due=False):
                if _why_unreadable(intent) is not None or self._is_held(tx, intent):
                    outbox.postpone(tx, intent.intent_id, state=intent.state, seconds=0, answer="to be planned anew")

    def _is_held(self, tx: psycopg.Connection[Any], intent: Intent) -> bool:
        """Whether a person sees that it is."""
        return error_id_of(intent.ledger_id) in errors.held_ids(tx, self.name, intent.entity, STAGE)

    def _readable(self, found: Sequence[Intent], moved: dict[str, list[str]]) -> list[Intent]:
        """Those of these intents that can be read. The others are held, each by itself, or dropped if that is asked
        for; their rows are then planned anew.
        """
        readable: list[Intent] = []
        for intent in found:
            if (error := _why_unreadable(intent)) is None:
                readable.append(intent)
            elif self._retry_refused:
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
            self._hold(tx, intent.entity, Held(intent.ledger_id, intent.external_id, [refusal]))

    def _drop_unreadable(self, intent: Intent, error: UnreadableIntentError, moved: dict[str, list[str]]) -> None:
        """What is there may be its effect, and is merged before anything new is said. A create is looked for, and only
        if it is not there and too old to arrive is the row sent under a key that does not stand for the same thing.
        """
        if intent.operation == "create" and intent.state == "sent":
            write, wanted = asked_by_row(self.work, intent)
            found = self.work.connector.probe(write, wanted, intent.sent_at)
            if found is not None:
                if not self._found(intent, found):
                    moved.setdefault(intent.entity, [])
                return
            if (rest := self._may_arrive_seconds(intent)) > 0:
                self._hold_unreadable(intent, error, rest)
                return
        self._drop(intent, f"planned anew, as it could not be read: {error}", moved)

    def _drop(self, intent: Intent, answer: str, moved: dict[str, list[str]]) -> None:
        """Its row is planned anew, under a key that does not stand for the same thing."""
        with self.work.transaction() as tx:
            outbox.end(tx, intent.intent_id, state="stale", answer=answer)
            edits.look_at_again(tx, intent.entity, intent.ledger_id)
        moved.setdefault(intent.entity, []).extend([intent.external_id] if intent.external_id else [])

    def _may_arrive_seconds(self, intent: Intent) -> float:
        """How long a request of then can still take effect; not positive if it cannot any more."""
        memory = self.work.erp.key_memory
        over_seconds = memory.over_seconds if memory else self.work.erp.request_seconds_max
        with self.work.reading() as tx:
            return over_seconds * self.work.pace - outbox.age_seconds(tx, intent.intent_id)

    def _without_deleted(self, absent: Sequence[Intent], moved: dict[str, list[str]]) -> list[Intent]:
        """Those of these that nobody can have deleted there unseen. The others are held, or dropped if a person who has
        been told of it asks for that.
        """
        doubtful = [intent for intent in absent if intent.operation == "create" and intent.state == "sent"]
        since = min((intent.sent_at for intent in doubtful), default=None)
        gone = unknown_deletions(self.work, doubtful[0].entity, since) if since else []
        if not gone:
            return list(absent)
        for intent in doubtful:
            with self.work.reading() as tx:
                is_told = self._retry_refused and self._is_held(tx, intent)
            rest = max(0.0, self._may_arrive_seconds(intent)) if is_told else 0.0
            refusal = refusal_of_deleted(self.work, gone, rest)
            if is_told and not rest:
                self._drop(intent, f"planned anew, as it was asked for: found {refusal.found}", moved)
            else:
                self._hold_open(intent, refusal, f"found {refusal.found}")
        return [intent for intent in absent if intent not in doubtful]

    def _settle_and_push_again(self) -> None:
        """Finish what was sent; what had moved over there meanwhile is merged and pushed at once, a few times."""
        for _ in range(ROUNDS_MAX):
            moved = self._settle()
            for entity, external_ids in moved.items():
                self._catch_up(entity, external_ids)
                if entity in self._chosen and self._may[entity]:
                    self._push_entity(entity)
            if not moved:
                return

    def _settle_together(self, group: Sequence[Intent], moved: dict[str, list[str]]) -> None:
        """One intent, or all of one batch that are still open; notes in `moved` what had moved over there.

        A batch of which nothing happened goes again whole, so that its key stands for the same thing. One of which
        only a part happened may still be at work: once the ERP must have given it up, the rest goes one by one.
        """
        absent: list[Intent] = []
        over = self._over(group)
        for intent in group:
            if intent.intent_id in over:
                continue
            if intent.state == "waiting":
                absent.append(intent)
                continue
            found = self.work.connector.probe(_write_of(intent), self._wanted_of(intent), intent.sent_at)
            point("probed")
            if found is None:
                absent.append(intent)
            else:
                if not self._found(intent, found):
                    moved.setdefault(intent.entity, [])
                over = self._over(group)
        absent = [intent for intent in absent if intent.intent_id not in over and not self._must_rest(intent)]
        absent = self._without_deleted(absent, moved)
        if not absent:
            return
        is_whole = self._is_whole(absent)
        with self.work.transaction() as tx:
            patience = self.work.erp.request_seconds_max * self.work.pace
            if not is_whole and outbox.age_seconds(tx, absent[0].intent_id) < patience:
                for intent in absent:
                    outbox.postpone(
                        tx,
                        intent.intent_id,
                        state="sent",
                        seconds=patience,
                        answer="a part of its batch has happened: to be asked for once more",
                    )
                return
            again = outbox.sending_again(tx, [intent.intent_id for intent in absent], alone=not is_whole)
        point("resend_counted")
        for some in [again] if is_whole else [[intent] for intent in again]:
            if stale := self._send(some):
                moved.setdefault(some[0].entity, []).extend(stale)

    def _over(self, group: Sequence[Intent]) -> set[int]:
        """Those of these that have ended since they were read: what was found is merged, with all else that the mirror
        has of its kind, and that may be theirs.
        """
        with self.work.reading() as tx:
            return outbox.ended(tx, [intent.intent_id for intent in group])

    def _must_rest(self, intent: Intent) -> bool:
        """Whether a write in doubt that was not found is too old to meet its own key there, and too young to be over.

        It is put off until it is; the probe after that is the second that did not find it.
        """
        memory = self.work.erp.key_memory
        if memory is None or intent.state != "sent":
            return False
        with self.work.transaction() as tx:
            age = outbox.age_seconds(tx, intent.intent_id)
            if not memory.sure_seconds * self.work.pace <= age < memory.over_seconds * self.work.pace:
                return False
            outbox.postpone(
                tx,
                intent.intent_id,
                state="sent",
                seconds=memory.over_seconds * self.work.pace - age,
                answer=f"not found there; asked for again {memory.over_seconds:.0f} s after it was sent",
            )
        return True

    def _is_whole(self, absent: Sequence[Intent]) -> bool:
        if absent[0].batch_key is None:
            return True
        with self.work.reading() as tx:
            return outbox.batch_size(tx, self.name, absent[0].batch_key) == len(absent)

    def _found(self, intent: Intent, found: WireRecord) -> bool:
        """The probe found a record that our write may have made; says whether it has."""
        with self.work.transaction() as tx:
            recording = Recording(self.work, tx)
            is_ours = recording.is_effect_of(intent, found)
            if is_ours:
                self._record(tx, [Effect(intent, found, "found there when asked whether it had happened")])
            else:
                recording.keep_in_mirror(intent.entity, [found])
                outbox.end(tx, intent.intent_id, state="stale", answer="the ERP's record had moved: to be merged first")
            point("found_written")
        point("found_committed")
        merge(self.work, [intent.entity])
        return is_ours

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

    # What is new

    def _push_entity(self, entity: str) -> None:
        # As many as fill whole calls: no plan ends with one that is half empty, but the last.
        call_rows = self.work.connector.writes_max
        plan_rows_max = max(1, ROWS_PER_PLAN_MAX // call_rows) * call_rows
        for _ in range(ROUNDS_MAX):
            behind: list[str] = []
            after = 0
            while True:
                with self.work.reading() as tx:
                    batch = edits.noted(
                        tx,
                        connection=self.name,
                        entity=entity,
                        after=after,
                        limit=plan_rows_max,
                    )
                if not batch:
                    break
                after = batch[-1].ledger_id
                behind += self._push_rows(entity, [edit.ledger_id for edit in batch])
            if not behind:
                return
            self._catch_up(entity, behind)

    def _push_rows(self, entity: str, ledger_ids: Sequence[int]) -> list[str]:
        """Push these rows, what they refer to before them; returns external ids that moved over there meanwhile."""
        behind: list[str] = []
        while ledger_ids:
            point("push_claimed")
            with self.work.transaction() as tx:
                plan = plan_rows(
                    self.work.connection, tx, self.work.composer, entity, ledger_ids, retry_refused=self._retry_refused
                )
                self._note(tx, entity, plan)
            point("planned")
            behind += plan.behind
            if self._approved is not None:
                plan.ready = [p for p in plan.ready if p.key in self._approved]
            for some in self._chunks(plan.ready):
                behind += self._send_new(entity, some)
            unmet = [parent for parent in plan.parents if parent not in self._parents_tried]
            self._parents_tried.update(unmet)
            for parent_entity, group in groupby(sorted(unmet), key=lambda parent: parent[0]):
                if self._may[parent_entity]:
                    self._push_rows(parent_entity, [row for _, row in group])
            waiting = list(plan.waiting)
            if not unmet and not plan.ready:
                self._hold_waiting(entity, plan)
                return behind
            ledger_ids = waiting
        return behind

    def _chunks(self, ready: Sequence[Planned]) -> Iterator[list[Planned]]:
        size = self.work.connector.writes_max
        for first in range(0, len(ready), size):
            yield list(ready[first : first + size])

    def _send_new(self, entity: str, some: Sequence[Planned]) -> list[str]:
        batch_key = outbox.key_of("batch", *(p.key for p in some)) if len(some) > 1 else None
        with self.work.transaction() as tx:
            # Switched off since it was planned: nothing is sent any more.
            if not switches.may_push(tx, self.tenant, self.name, entity):
                return []
            intents = outbox.commit(
                tx,
                tenant=self.tenant,
                connection=self.name,
                run_id=self.work.run_id,
                intents=[_row_of(p, batch_key) for p in some],
            )
            point("intent_written")
        point("intent_committed")
        return self._send(intents)

    def _send(self, intents: Sequence[Intent]) -> list[str]:
        """Send intents that are kept as sent, and record what the ERP said; returns the external ids that moved."""
        point("before_send")
        try:
            answers = self.work.connector.send([_write_of(intent) for intent in intents])
        except TieoutError as error:
            # It is certain that nothing happened, and it would be the same for every other write.
            with self.work.transaction() as tx:
                for intent in intents:
                    outbox.postpone(tx, intent.intent_id, state="waiting", seconds=0, answer=str(error))
            raise
        point("after_send")
        stale: list[str] = []
        with self.work.transaction() as tx:
            point("before_record")
            effects: list[Effect] = []
            for intent, answer in zip(intents, answers, strict=True):
                if isinstance(answer, Written):
                    effects.append(Effect(intent, answer.record, "written"))
                else:
                    self._take_answer(tx, intent, answer, stale)
            self._record(tx, effects)
            point("record_written")
        point("record_committed")
        return stale

    def _take_answer(self, tx: psycopg.Connection[Any], intent: Intent, answer: Answer, stale: list[str]) -> None:
        """An answer that says of one intent that it has not happened, or may not have."""
        if isinstance(answer, Stale) and answer.external_id and self._is_bound(tx, intent.entity, answer.external_id):
            # What it met there is another row's already, so that no merge can make them one.
            self._refuse(tx, intent, answer.error)
        elif isinstance(answer, Stale):
            outbox.end(tx, intent.intent_id, state="stale", answer=str(answer.error))
            edits.look_at_again(tx, intent.entity, intent.ledger_id)
            if moved := intent.external_id or answer.external_id:
                stale.append(moved)
        elif isinstance(answer, Refused):
            self._refuse(tx, intent, answer.error)
        elif not isinstance(answer, Written):
            delay = min(DELAY_SECONDS_MAX, DELAY_SECONDS_MIN * 2 ** min(intent.attempts - 1, 10))
            outbox.postpone(
                tx,
                intent.intent_id,
                state="sent" if isinstance(answer, InDoubt) else "waiting",
                seconds=max(delay, answer.error.retry_after_seconds or 0.0) * self.work.pace,
                answer=str(answer.error),
            )

    def _record(self, tx: psycopg.Connection[Any], effects: Sequence[Effect]) -> None:
        """Answers, bindings, bases, mirror, ledger and audit, in the one transaction that the caller opened."""
        Recording(self.work, tx).record_effects(effects)
        for effect in effects:
            entity = effect.intent.entity
            self.report.pushed[entity] = self.report.pushed.get(entity, 0) + 1

    def _is_bound(self, tx: psycopg.Connection[Any], entity: str, external_id: str) -> bool:
        return bool(bindings.ledger_ids_of(tx, self.name, {entity: [external_id]}))

    def _refuse(self, tx: psycopg.Connection[Any], intent: Intent, error: TieoutError) -> None:
        outbox.end(tx, intent.intent_id, state="refused", answer=str(error))
        refusal = Refusal("the record", error.found, error.expected, error.next_step, error.kind)
        self._hold(tx, intent.entity, Held(intent.ledger_id, intent.external_id, [refusal]))

    def _note(self, tx: psycopg.Connection[Any], entity: str, plan: Plan) -> None:
        """What planning alone has settled: rows with nothing to say, and rows that cannot be said."""
        for external_id in plan.over:
            bindings.drop(tx, connection=self.name, entity=entity, external_id=external_id)
        if plan.said:
            for edit in plan.said:
                bindings.agree(tx, connection=self.name, entity=entity, ledger_id=edit.ledger_id, version=edit.version)
            edits.planned(tx, self.name, entity, plan.said)
            errors.resolve(tx, self.name, STAGE, entity, [error_id_of(edit.ledger_id) for edit in plan.said])
        for held in plan.held:
            self._hold(tx, entity, held)
        if plan.skipped:
            edits.looked_at(tx, entity, plan.skipped)

    def _hold(self, tx: psycopg.Connection[Any], entity: str, held: Held) -> None:
        self.report.held[entity] = self.report.held.get(entity, 0) + 1
        first = held.refusals[0]
        errors.hold(
            tx,
            tenant=self.tenant,
            connection=self.name,
            stage=STAGE,
            doing="pushing",
            held=[
                errors.Held(
                    entity,
                    error_id_of(held.ledger_id),
                    ", ".join(dict.fromkeys(r.field for r in held.refusals)),
                    "; ".join(r.found for r in held.refusals),
                    "; ".join(dict.fromkeys(r.expected for r in held.refusals)),
                    first.kind,
                    next_step="; ".join(dict.fromkeys(r.next_step for r in held.refusals if r.next_step)) or None,
                )
            ],
            run_id=self.work.run_id,
        )
        edits.looked_at(tx, entity, [held.ledger_id])

    def _hold_waiting(self, entity: str, plan: Plan) -> None:
        """Rows whose parents could not be pushed either."""
        with self.work.transaction() as tx:
            for ledger_id, unbound in plan.waiting.items():
                refusals = [
                    Refusal(
                        label,
                        f"{parent}/{error_id_of(parent_id)}, which {self.work.erp.title} does not have yet",
                        f"{parent} that {self.work.erp.title} has",
                        "`tieout errors` or `tieout conflicts list` says what holds it; this record follows by itself"
                        if self._may[parent]
                        else f"pushing {parent} is switched off: see `tieout switch`",
                        ErrorKind.MAPPING,
                    )
                    for label, parent, parent_id in unbound
                ]
                self._hold(tx, entity, Held(ledger_id, None, refusals))

    def _catch_up(self, entity: str, external_ids: Sequence[str]) -> None:
        """A stale token is no error: pull what moved, merge it, plan again."""
        if not external_ids:
            return
        found = pull_records(self.work, entity, external_ids)
        gone = [external_id for external_id in external_ids if external_id not in found]
        if gone:
            with self.work.transaction() as tx:
                mirror.bury(tx, self.name, entity, gone, self.work.run_id)
        merge(self.work, [entity])
        point("caught_up")

    def _pause(self, seconds: float) -> None:
        self.work.keep_lease()
        time.sleep(max(0.0, seconds) * self.work.pace)


def _row_of(planned: Planned, batch_key: str | None) -> dict[str, Any]:
    wanted = planned.wanted
    return {
        "entity": wanted.entity,
        "ledger_id": planned.ledger_id,
        "ledger_version": planned.kept.version,
        "operation": wanted.operation,
        "key": planned.key,
        "marker": wanted.marker or None,
        "batch_key": batch_key,
        "external_id": wanted.external_id,
        "version_token": wanted.version_token,
        "body": _encode(planned.body).decode(),
        # A void or a deletion says nothing else of the row: whatever else was edited is still to be said.
        "record": bindings.encode(wanted.record or planned.kept.record),
    }


def _why_unreadable(intent: Intent) -> UnreadableIntentError | None:
    try:
        said_by(intent)
    except UnreadableIntentError as error:
        return error
    return None


def _write_of(intent: Intent) -> Write:
    return Write(
        intent.entity,
        intent.operation,
        intent.key,
        said_by(intent).body,
        batch_key=intent.batch_key,
        external_id=intent.external_id,
        version_token=intent.version_token,
    )
