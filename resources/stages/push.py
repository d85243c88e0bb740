"""From the ledger into the ERP: every edited row has its effect there exactly once, whatever crashes when.

The protocol (docs/reliability.md): keep the intent, with its key, before anything is sent; send; record answer,
binding, base, mirror and audit in one transaction. An intent that is found open is in doubt: the ERP is asked whether
it happened, and only then is it sent again, under the same key. What the ERP made of it is merged like any change of
the ERP's, on the base of what was sent, so that an edit made meanwhile stays and is pushed next.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import msgspec
import psycopg

from ledger.spec import spec_of
from resources.connector import Refusal
from resources.errors import ErrorKind
from resources.points import point
from resources.stages.absent import bury_absent
from resources.stages.doubts import Doubts
from resources.stages.merge import merge, merge_again
from resources.stages.plan import ROWS_PER_PLAN_MAX, Held, Plan, Planned, in_order, plan_rows
from resources.stages.pull import pull_records
from resources.stages.sending import STAGE, PushReport, Sending
from resources.stages.settling import error_id_of
from resources.stages.work import Work
from resources.stores import bindings, edits, errors, outbox, records, switches

_encode = msgspec.json.Encoder(decimal_format="number").encode
# Rounds of pull, merge and plan again within one push; what still moves then is left for the next.
ROUNDS_MAX = 3


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
        self.sending = Sending(work)
        self.report = self.sending.report
        self.doubts = Doubts(work, self.sending, retry_refused=retry_refused)
        self._retry_refused = retry_refused
        self._chosen = chosen
        self._approved = approved
        self._noted: set[str] | None = None
        self._parents_tried: set[tuple[str, int]] = set()

    def run(self) -> PushReport:
        if self._retry_refused:
            self.doubts.look_at_held_now()
        for entity, external_ids in self.doubts.settle().items():
            self._catch_up(entity, external_ids)
        for entity in in_order():
            if entity not in self._chosen:
                continue
            if not self.doubts.may[entity]:
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

    def _settle_and_push_again(self) -> None:
        """Finish what was sent; what had moved over there meanwhile is merged and pushed at once, a few times."""
        for _ in range(ROUNDS_MAX):
            moved = self.doubts.settle()
            for entity, external_ids in moved.items():
                self._catch_up(entity, external_ids)
                if entity in self._chosen and self.doubts.may[entity]:
                    self._push_entity(entity)
            if not moved:
                return

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
                if spec_of(entity).is_document:
                    ids = [error_id_of(ledger_id) for ledger_id in ledger_ids]
                    errors.resolve_elsewhere(tx, self.name, STAGE, entity, ids)
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
                if self.doubts.may[parent_entity]:
                    self._push_rows(parent_entity, [row for _, row in group])
            waiting = [edit.ledger_id for edit in plan.waiting]
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
        with self.work.transaction() as tx:
            # Switched off since it was planned: nothing is sent any more.
            if not switches.may_push(tx, self.tenant, self.name, entity):
                return []
            # Decided, moved or edited since, or just now: it stays noted, and is planned anew.
            standing = records.still_at(tx, entity, {p.ledger_id: p.kept.version for p in some})
            some = [p for p in some if p.ledger_id in standing]
            if not some:
                return []
            batch_key = outbox.key_of("batch", *(p.key for p in some)) if len(some) > 1 else None
            intents = outbox.commit(
                tx,
                tenant=self.tenant,
                connection=self.name,
                run_id=self.work.run_id,
                intents=[_row_of(p, batch_key) for p in some],
            )
            point("intent_written")
        point("intent_committed")
        return self.sending.send(intents)

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
            self.sending.hold(tx, entity, held)
        if plan.skipped:
            edits.looked_at(tx, entity, plan.skipped)

    def _hold_waiting(self, entity: str, plan: Plan) -> None:
        """Rows whose parents could not be pushed either."""
        with self.work.transaction() as tx:
            for edit, unbound in plan.waiting.items():
                refusals = [
                    Refusal(
                        label,
                        f"{parent}/{error_id_of(parent_id)}, which {self.work.erp.title} does not have yet",
                        f"{parent} that {self.work.erp.title} has",
                        "`tieout errors` or `tieout conflicts list` says what holds it; this record follows by itself"
                        if self.doubts.may[parent]
                        else f"pushing {parent} is switched off: see `tieout switch`",
                        ErrorKind.MAPPING,
                    )
                    for label, parent, parent_id in unbound
                ]
                self.sending.hold(tx, entity, Held(edit, None, refusals))

    def _catch_up(self, entity: str, external_ids: Sequence[str]) -> None:
        """A stale token is no error: pull what moved, merge it, plan again. Nor is a base that is lost, or that two
        pasts never had which were left alone: the row and the record meet as if for the first time.
        """
        if not external_ids:
            return
        found = pull_records(self.work, entity, external_ids)
        gone = bury_absent(self.work, entity, [i for i in external_ids if i not in found])
        merge(self.work, [entity])
        with self.work.reading() as tx:
            bound = bindings.of_records(tx, self.name, entity, external_ids)
        again = [*gone, *(i for i, binding in bound.items() if binding.base is None)]
        if again:
            merge_again(self.work, entity, again, gone=gone)
        point("caught_up")


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
