"""The protocol broken on purpose, one way at a time: the programme must notice each.

Each function breaks the product in the process that calls it. What is patched is the product's own, by name, so a
mutant that no longer fits the code fails loudly instead of breaking nothing. Those that break an ERP's own connector
are in that ERP's folder.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from importlib import import_module
from typing import Any


def no_intent() -> None:
    """Send first, keep the intent afterwards."""
    from resources.points import point
    from resources.stages.push import _Push, _row_of
    from resources.stages.sending import write_of
    from resources.stores import outbox
    from resources.stores.outbox import Intent

    def send_new(self: Any, entity: str, some: Any) -> list[str]:
        batch_key = outbox.key_of("batch", *(p.key for p in some)) if len(some) > 1 else None
        rows = [_row_of(p, batch_key) for p in some]
        unkept = [Intent(0, **row, state="sent", attempts=1, sent_at=None) for row in rows]  # type: ignore[arg-type]
        point("before_send")
        answers = self.work.connector.send([write_of(intent) for intent in unkept])
        point("after_send")
        stale: list[str] = []
        with self.work.transaction() as tx:
            kept = outbox.commit(tx, tenant=self.tenant, connection=self.name, run_id=self.work.run_id, intents=rows)
            for intent, answer in zip(kept, answers, strict=True):
                self.sending.take_answer(tx, intent, answer, stale, was_doubtful=False)
        return stale

    assert _Push._send_new
    _Push._send_new = send_new  # type: ignore[method-assign]


def new_key_on_retry() -> None:
    """After a 5xx or a lost answer, and although the ERP was asked, send again under a new key."""
    from resources.stages import sending

    original = sending.write_of

    def write_of(intent: Any) -> Any:
        write = original(intent)
        return write if intent.attempts <= 1 else replace(write, key=uuid.uuid4().hex[:32])

    sending.write_of = write_of


def watermark_before_page() -> None:
    """Move the watermarks of an answer in a transaction of their own before any of its pages is stored."""
    from resources.stages import pull
    from resources.stores import cursors
    from resources.stores.cursors import Read

    assert pull._store_all

    def store_all(work: Any, pages: Any, follower: Any, *, followed: str | None = None, **_: Any) -> None:
        arrived = list(pages)
        read: dict[str, Read] = {}
        for page in arrived:
            one = Read(page.entity, page.watermark, page.is_cut_short)
            read[page.entity] = one.after(read[page.entity]) if page.entity in read else one
        with work.transaction() as tx:
            tenant, connection = work.connection.tenant, work.connection.name
            cursors.advance(tx, tenant=tenant, connection=connection, read=list(read.values()))
        for page in arrived:
            work.outcome(page.entity)
            if page.records or page.rejected:
                stored = pull._store(work, page, moves_watermark=False)
                if follower is not None and followed in (None, page.entity):
                    follower.stored(page.entity, stored.changes, None)

    pull._store_all = store_all


def float_money() -> None:
    """Read an amount as a binary fraction, and cut it to cents."""
    from resources.wire_json import _Reader

    assert _Reader.read_fraction
    _Reader.read_fraction = lambda self, text: Decimal(int(float(text) * 100)) / 100  # type: ignore[method-assign]


def token_used_before_it_is_stored() -> None:
    """Work with a new access token at once, and keep what came with it when the work is done."""
    from resources.oauth import TokenKeeper
    from resources.stores import leases

    keep, release = TokenKeeper._keep, leases.release
    later: list[Callable[[], None]] = []

    def keep_later(self: Any, attempt_id: Any, tokens: Any, sealed: Any) -> None:
        self._journal.end(attempt_id, "unanswered")
        later.append(lambda: keep(self, attempt_id, tokens, sealed))

    def keep_and_release(tx: Any, lease: Any) -> None:
        while later:
            later.pop()()
        release(tx, lease)

    TokenKeeper._keep = keep_later  # type: ignore[method-assign]
    leases.release = keep_and_release


def echo_is_an_edit() -> None:
    """What comes back from a push counts as an edit that has to be pushed."""
    from resources.stages import plan
    from resources.stages.recording import Recording
    from resources.stores import bindings, edits

    original, operation_of = Recording.record_effects, plan.operation_of

    def record_effects(self: Any, effects: Any) -> None:
        original(self, effects)
        for intent in (effect.intent for effect in effects):
            named = {"connection": self.name, "entity": intent.entity, "ledger_id": intent.ledger_id}
            version = self._kept(intent.entity, intent.ledger_id).version
            bindings.agree(self.tx, **named, version=0)
            edits.note(self.tx, **named, version=version)

    def always(kept: Any, binding: Any) -> Any:
        return operation_of(kept, binding) or ("update" if binding and not kept.is_deleted else None)

    Recording.record_effects = record_effects  # type: ignore[method-assign]
    plan.operation_of = always


def retry_on_400() -> None:
    """What the ERP refused is sent again."""
    from resources.stages.sending import Sending
    from resources.stores import outbox

    def refuse(self: Any, tx: Any, intent: Any, error: Any) -> None:
        outbox.postpone(tx, intent.intent_id, state="waiting", seconds=0, answer=str(error))

    assert Sending.refuse
    Sending.refuse = refuse  # type: ignore[method-assign]


def lease_without_epoch() -> None:
    """A worker goes on although another one took its work over."""
    from resources.stores import leases

    assert leases.hold
    leases.hold = lambda tx, lease, since=None: since


def audit_outside_the_transaction() -> None:
    """The audit's entry is committed by itself, before what it tells of."""
    from resources.stages.recording import Recording
    from resources.stores import audit

    original, append_all = Recording.record_effects, audit.append_all

    def record_effects(self: Any, effects: Any) -> None:
        def append_alone(tx: Any, **entries: Any) -> None:
            with self.work.db.transaction(self.tenant) as other:
                append_all(other, **entries)

        audit.append_all = append_alone
        try:
            original(self, effects)
        finally:
            audit.append_all = append_all

    Recording.record_effects = record_effects  # type: ignore[method-assign]


def last_writer_wins() -> None:
    """Take what the ERP says without looking at what was edited here."""
    from ledger.policies import Policies, Policy
    from resources.stores import policies

    assert policies.of
    policies.of = lambda *_, **__: Policies({"": Policy.ERP_WINS})


MUTANTS: dict[str, Callable[[], None]] = {
    mutant.__name__: mutant
    for mutant in (
        no_intent,
        new_key_on_retry,
        watermark_before_page,
        float_money,
        token_used_before_it_is_stored,
        echo_is_an_edit,
        retry_on_400,
        lease_without_epoch,
        audit_outside_the_transaction,
        last_writer_wins,
    )
}


def mutants_of(erp: str) -> dict[str, Callable[[], None]]:
    """Every way of breaking the protocol that there is for an ERP, by name."""
    own = import_module(f"tests.faults.erps.{erp}.mutants")
    return {**{name: mutant for name, mutant in MUTANTS.items() if name not in own.NOT_TRIED}, **own.MUTANTS}


def apply(name: str, erp: str) -> None:
    """Break the protocol in this process; the empty name breaks nothing."""
    if name:
        mutants_of(erp)[name]()
