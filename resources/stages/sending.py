"""One call to the ERP with intents that are kept, and what it answers to each.

Belongs here: sending, and recording what came of it in one transaction. What is to be said is planned in `push.py`;
whether something was said already, where no answer came, is asked in `doubts.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import psycopg

from resources.connector import Answer, InDoubt, Refusal, Refused, Stale, Write, Written
from resources.errors import ErrorKind, TieoutError
from resources.points import point
from resources.stages.plan import Held
from resources.stages.recording import Effect, Recording
from resources.stages.settling import error_id_of
from resources.stages.work import Work
from resources.stores import bindings, edits, errors, outbox
from resources.stores.intents import said_by
from resources.stores.outbox import Intent

STAGE = "push"

DELAY_SECONDS_MIN = 1.0
DELAY_SECONDS_MAX = 30.0
# How often it is looked into what is in doubt before somebody is told, and how rarely at last.
ATTEMPTS_UNSEEN_MAX = 5
LASTING_SECONDS_MAX = 3600.0


@dataclass(slots=True)
class PushReport:
    """What a push did: by entity how many records it wrote; what it could not is an open error or conflict."""

    pushed: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    in_doubt: int = 0
    says: list[str] = field(default_factory=list)


class Sending:
    """Sends for one connection; `report` counts what it did."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.name = work.connection.name
        self.tenant = work.connection.tenant
        self.report = PushReport()
        # Whoever slept since the intent was kept, or waited for long, may have been taken over.
        work.connector.fence(work.keep_lease)

    def send(self, intents: Sequence[Intent], doubtful: Mapping[int, float] = MappingProxyType({})) -> list[str]:
        """Send intents that are kept as sent, and record what the ERP said; returns the external ids that moved.

        `doubtful` are those that were in doubt before, and for how many seconds the attempt before may still arrive:
        that this one has certainly not happened says nothing of it. Of them a change of what has moved stays in doubt,
        as it may be what moved it.
        """
        point("before_send")
        try:
            answers = self.work.connector.send([write_of(intent) for intent in intents])
        except TieoutError as error:
            # It is certain that nothing happened, and it would be the same for every other write.
            with self.work.transaction() as tx:
                for intent in intents:
                    state = "sent" if intent.intent_id in doubtful else "waiting"
                    outbox.postpone(tx, intent.intent_id, state=state, seconds=0, answer=str(error))
            raise
        point("after_send")
        stale: list[str] = []
        with self.work.transaction() as tx:
            point("before_record")
            effects: list[Effect] = []
            for intent, answer in zip(intents, answers, strict=True):
                if isinstance(answer, Written):
                    effects.append(Effect(intent, answer.record, "written"))
                elif isinstance(answer, Refused) and self._may_come_unseen(intent, doubtful):
                    # In doubt until nothing of either attempt can arrive any more; then asked for, and sent once more.
                    rest = self.work.erp.arrival_seconds_max * self.work.pace
                    outbox.postpone(tx, intent.intent_id, state="sent", seconds=rest, answer=str(answer.error))
                else:
                    self.take_answer(tx, intent, answer, stale, was_doubtful=intent.intent_id in doubtful)
            of_others = Recording(self.work, tx).of_others(effects)
            for effect in effects:
                if effect.intent.intent_id in of_others:
                    self.take_answer(tx, effect.intent, self._of_another(effect), stale, was_doubtful=True)
            self.record(tx, [effect for effect in effects if effect.intent.intent_id not in of_others])
            point("record_written")
        point("record_committed")
        return stale

    def take_answer(
        self, tx: psycopg.Connection[Any], intent: Intent, answer: Answer, stale: list[str], *, was_doubtful: bool
    ) -> None:
        """An answer that says of one intent that it has not happened, or may not have."""
        if isinstance(answer, Stale) and answer.external_id and self._is_bound(tx, intent.entity, answer.external_id):
            # What it met there is another row's already, so that no merge can make them one.
            self.refuse(tx, intent, answer.error)
        elif isinstance(answer, Stale):
            if moved := intent.external_id or answer.external_id:
                stale.append(moved)
            if not (was_doubtful and intent.external_id):
                self.drop(tx, intent, str(answer.error))
        elif isinstance(answer, Refused):
            self.refuse(tx, intent, answer.error)
        elif not isinstance(answer, Written):
            self.put_off(tx, intent, answer.error, is_doubtful=was_doubtful or isinstance(answer, InDoubt))

    def put_off(self, tx: psycopg.Connection[Any], intent: Intent, error: TieoutError, *, is_doubtful: bool) -> None:
        """It stays open, to be looked at again a little later each time. What stays in doubt is shown to a person, and
        looked at ever more rarely, as each look costs calls.
        """
        is_lasting = is_doubtful and intent.attempts > ATTEMPTS_UNSEEN_MAX
        delay = min(
            LASTING_SECONDS_MAX if is_lasting else DELAY_SECONDS_MAX,
            DELAY_SECONDS_MIN * 2 ** min(intent.attempts - 1, 20),
        )
        if error.kind in (ErrorKind.AUTHENTICATION, ErrorKind.AUTHORIZATION):
            # Somebody has to let us in, or to allow it, first.
            delay = self.work.connection.pull_interval_seconds
        outbox.postpone(
            tx,
            intent.intent_id,
            state="sent" if is_doubtful else "waiting",
            seconds=max(delay, error.retry_after_seconds or 0.0) * self.work.pace,
            answer=str(error),
            attempts=intent.attempts,
        )
        if is_lasting:
            found = f"no certain answer after {intent.attempts} attempts, the last of which met {error.found}"
            refusal = Refusal(
                f"what came of its {intent.operation}", found, error.expected, error.next_step, error.kind
            )
            self.hold(tx, intent.entity, Held(intent.edit, intent.external_id, [refusal]))

    def _may_come_unseen(self, intent: Intent, doubtful: Mapping[int, float]) -> bool:
        """Whether the attempt before may still make what no mark would tell from somebody's own."""
        if intent.operation != "create" or doubtful.get(intent.intent_id, 0.0) <= 0:
            return False
        composer, body = self.work.composer, said_by(intent).body
        return composer.marker_of(intent.entity, body) is None or composer.kept_of(body) is not None

    def _of_another(self, effect: Effect) -> InDoubt:
        """An answer with a record that was made for another row is no answer to this one."""
        error = TieoutError(
            ErrorKind.SYSTEM,
            connection=self.name,
            entity=effect.intent.entity,
            doing=f"pushing {effect.intent.entity}",
            found=f"{effect.record.external_id} in the answer to a create, which is another row's",
            expected="the record that was made",
        )
        return InDoubt(error)

    def record(self, tx: psycopg.Connection[Any], effects: Sequence[Effect]) -> None:
        """Answers, bindings, bases, mirror, ledger and audit, in the one transaction that the caller opened."""
        Recording(self.work, tx).record_effects(effects)
        for effect in effects:
            entity = effect.intent.entity
            self.report.pushed[entity] = self.report.pushed.get(entity, 0) + 1

    def _is_bound(self, tx: psycopg.Connection[Any], entity: str, external_id: str) -> bool:
        return bool(bindings.ledger_ids_of(tx, self.name, {entity: [external_id]}))

    def drop(self, tx: psycopg.Connection[Any], intent: Intent, answer: str) -> None:
        """It ends without being done, and its row is planned anew."""
        outbox.end(tx, intent.intent_id, state="stale", answer=answer)
        edits.look_at_again(tx, intent.entity, intent.ledger_id)

    def refuse(self, tx: psycopg.Connection[Any], intent: Intent, error: TieoutError) -> None:
        """It ends, and is an open error of its row."""
        outbox.end(tx, intent.intent_id, state="refused", answer=str(error))
        refusal = Refusal("the record", error.found, error.expected, error.next_step, error.kind)
        self.hold(tx, intent.entity, Held(intent.edit, intent.external_id, [refusal]))

    def hold(self, tx: psycopg.Connection[Any], entity: str, held: Held) -> None:
        """An open error says why a row is not pushed, and what to do."""
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
        edits.looked_at(tx, entity, [held.edit])

    def is_held(self, tx: psycopg.Connection[Any], intent: Intent, field: str | None = None) -> bool:
        """Whether a person sees that it is; and for the reason that names `field`."""
        return errors.is_held(tx, self.name, intent.entity, error_id_of(intent.ledger_id), STAGE, field)


def write_of(intent: Intent) -> Write:
    """What is sent for an intent. Raises UnreadableIntentError."""
    return Write(
        intent.entity,
        intent.operation,
        intent.key,
        said_by(intent).body,
        batch_key=intent.batch_key,
        external_id=intent.external_id,
        version_token=intent.version_token,
    )
