"""Sending writes to one company: one by one or up to 30 in a batch, each under its key, each attempted once.

Belongs here: the requests. What the answers mean is `answers.py`, what is sent `writing.py`; when to send, when to
probe and when to send again is the push stage's to know.

`requestid` is QuickBooks' idempotency key: a repeat with the same one gets the first answer and does nothing (Intuit
developer blog, 2015-04-06). How long it is remembered is not known, which is why a write in doubt is probed first.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from quickbooks import QuickBooks

from resources.connector import Answer, Deferred, InDoubt, Refused, Write
from resources.erps.quickbooks.answers import answer_to_failure, answer_to_object
from resources.erps.quickbooks.errors import FaultError, error_from_item
from resources.erps.quickbooks.profile import BATCH_ITEMS_MAX, PAYERS, WIRE_ENTITIES
from resources.erps.quickbooks.wire import Answer as WireAnswer
from resources.erps.quickbooks.wire import Wire
from resources.errors import ErrorKind, TieoutError
from resources.http import CallGate, OpenGate

DOING = "pushing"
# A longer pause is for whoever planned the writes: waiting for it here would hold leases and a process.
PAUSE_SAT_OUT_SECONDS = 2.0
_RAISED = (ErrorKind.AUTHENTICATION, ErrorKind.AUTHORIZATION)
_as_json = msgspec.json.Encoder(decimal_format="number").encode


class Sender:
    """Writes into one company. `batch_gate` is the limit on batches, beside the one on all calls."""

    def __init__(self, wire: Wire, *, realm_id: str, batch_gate: CallGate | None = None) -> None:
        self._wire = wire
        self._realm_id = realm_id
        self._batch_gate = batch_gate or OpenGate()

    def send(self, writes: Sequence[Write]) -> list[Answer]:
        """See `Connector.send`."""
        keys = {write.batch_key for write in writes}
        if len(writes) > BATCH_ITEMS_MAX or len(keys) > 1 or (len(writes) > 1 and None in keys):
            raise ValueError(f"one write, or up to {BATCH_ITEMS_MAX} with the same batch_key, not {len(writes)}")
        # A reference to what has no id there yet is the caller's mistake; sent, it could mean another record.
        unready = {n: self._unready(write) for n, write in enumerate(writes) if _names_unsent(write.body)}
        ready = [write for n, write in enumerate(writes) if n not in unready]
        paused = self._wire.paused_seconds()
        if not ready:
            sent: list[Answer] = []
        elif paused > PAUSE_SAT_OUT_SECONDS:
            sent = [Deferred(self._throttled(write, paused)) for write in ready]
        elif ready[0].batch_key is None:
            sent = [self._send_one(ready[0])]
        else:
            sent = self._send_batch(ready, ready[0].batch_key)
        answers = iter(sent)
        return [unready[n] if n in unready else next(answers) for n in range(len(writes))]

    def _send_one(self, write: Write) -> Answer:
        entity = WIRE_ENTITIES[write.entity]
        is_deletion = write.operation == "delete" and not entity.is_name_list

        def post(quickbooks: QuickBooks) -> Any:
            body = _as_json(write.body).decode()
            if is_deletion:
                return quickbooks.delete_object(entity.wire_name, body, request_id=write.key)
            parameters = _void_parameters(write) if write.operation == "void" else {}
            return quickbooks.update_object(entity.wire_name, body, request_id=write.key, params=parameters)

        def read(answer: WireAnswer) -> Answer:
            return answer_to_object(
                answer.root.get(entity.wire_name), write, is_suspect=answer.is_suspect, doubt=self._doubt(write)
            )

        try:
            return self._wire.call_once(post, read, doing=f"{DOING} {write.entity}", entity=write.entity)
        except TieoutError as error:
            return self._failed(error, [write])[0]

    def _send_batch(self, writes: Sequence[Write], batch_key: str) -> list[Answer]:
        items = {f"i{n}": write for n, write in enumerate(writes, 1)}
        body = _as_json({"BatchItemRequest": [_item(key, write) for key, write in items.items()]}).decode()

        def post(quickbooks: QuickBooks) -> Any:
            # The library's own batches carry no requestid and only one operation at a time.
            url = f"{quickbooks.api_url}/company/{self._realm_id}/batch"
            return quickbooks.post(url, body, request_id=batch_key)

        def read(answer: WireAnswer) -> list[Answer]:
            found = answer.root.get("BatchItemResponse")
            if not isinstance(found, list):
                raise self._wire.damaged("no BatchItemResponse in the answer", "one answer for each item")
            by_key = {item.get("bId"): item for item in found if isinstance(item, dict)}
            return [self._item_answer(by_key.get(key), write, answer) for key, write in items.items()]

        try:
            with self._batch_gate.call():
                return self._wire.call_once(post, read, doing=f"{DOING} {len(writes)} records at once")
        except TieoutError as error:
            return self._failed(error, writes)

    def _failed(self, error: TieoutError, writes: Sequence[Write]) -> list[Answer]:
        # A page of somebody in between says nothing of what had got through before.
        is_own = not isinstance(error, FaultError) or error.status == HTTPStatus.UNAUTHORIZED or error.entries
        if error.kind in _RAISED and is_own:
            raise error
        if not self._wire.has_gone_out:
            return [Deferred(error) for _ in writes]
        return [answer_to_failure(error, write) for write in writes]

    def _item_answer(self, item: dict[str, Any] | None, write: Write, answer: WireAnswer) -> Answer:
        doubt = self._doubt(write)
        if item is None:
            return InDoubt(doubt)
        if "Fault" in item:
            error = error_from_item(
                item,
                connection=self._wire.connection,
                doing=f"{DOING} {write.entity}",
                entity=write.entity,
                external_id=write.external_id,
            )
            return answer_to_failure(error, write)
        row = item.get(WIRE_ENTITIES[write.entity].wire_name)
        return answer_to_object(row, write, is_suspect=answer.is_suspect, doubt=doubt)

    def _doubt(self, write: Write) -> TieoutError:
        return TieoutError(
            ErrorKind.SYSTEM,
            connection=self._wire.connection,
            entity=write.entity,
            external_id=write.external_id,
            doing=f"{DOING} {write.entity}",
            found="no answer for it",
            expected="the record as QuickBooks holds it now",
        )

    def _throttled(self, write: Write, paused: float) -> TieoutError:
        return TieoutError(
            ErrorKind.RATE_LIMIT,
            connection=self._wire.connection,
            entity=write.entity,
            external_id=write.external_id,
            doing=f"{DOING} {write.entity}",
            found=f"that QuickBooks wants no calls for another {paused:.0f} s",
            expected="a company that takes calls",
            retry_after_seconds=paused,
        )

    def _unready(self, write: Write) -> Refused:
        return Refused(
            TieoutError(
                ErrorKind.MAPPING,
                connection=self._wire.connection,
                entity=write.entity,
                external_id=write.external_id,
                doing=f"{DOING} {write.entity}",
                found="a reference to a record that is not in QuickBooks yet",
                expected="ids of QuickBooks only",
                next_step="push the record it refers to first",
            )
        )


def _void_parameters(write: Write) -> dict[str, str]:
    """Invoices have an operation for it, payments of both kinds an update that includes it (captured, SDK)."""
    return {"operation": "update", "include": "void"} if write.entity in PAYERS else {"operation": "void"}


def _item(key: str, write: Write) -> dict[str, Any]:
    entity = WIRE_ENTITIES[write.entity]
    if write.operation == "void":
        # Sparse, so that even a QuickBooks that overlooked the option could clear nothing.
        body = {**write.body, "sparse": True}
        return {"bId": key, "operation": "update", "optionsData": "void", entity.wire_name: body}
    operation = "update" if write.operation == "delete" and entity.is_name_list else write.operation
    return {"bId": key, "operation": operation, entity.wire_name: write.body}


def _names_unsent(value: Any) -> bool:
    """Whether a reference in a body is one of the ledger's own, "#12"."""
    if isinstance(value, list):
        return any(_names_unsent(each) for each in value)
    if not isinstance(value, dict):
        return False
    return any(
        (key in ("value", "TxnId") and isinstance(each, str) and each.startswith("#")) or _names_unsent(each)
        for key, each in value.items()
    )
