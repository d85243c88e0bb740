"""Sending writes to one organisation: what is there is checked, then written once, then read back.

Belongs here: the requests. What the answers mean is `answers.py`, what is sent `writing.py`; when to send, when to
probe and when to send again is the push stage's to know.

Xero checks no version on a write: the last writer wins, silently. So the record is read immediately before the write
and must be what was merged; only the fields that change are sent; and it is read back, so that a value of ours that
somebody replaced meanwhile is a conflict. What remains: what somebody changes between our reading and our writing, the
time of one call, in the very field that we write is overwritten, and no reading shows it. Lines, addresses and phones
are such a field each, for they go out whole: a line that is added in that moment is gone.

The key of a call is the organisation, the push's key and a hash of the body: the same request meets its own first
answer, and another one never meets a stored 400.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from resources.connector import Answer, Deferred, InDoubt, Refused, Stale, WireRecord, Write, Written
from resources.erps.xero import profile
from resources.erps.xero.answers import (
    answer_to_element,
    answer_to_failure,
    doubt_of,
    oddity_of,
    refused_of,
    stale_of,
    unkept_of,
)
from resources.erps.xero.bank_accounts import BankAccounts
from resources.erps.xero.errors import messages_of
from resources.erps.xero.profile import CONTACT_ROLES, ELEMENTS_PER_WRITE_MAX, PAYERS, WIRE_ENTITIES
from resources.erps.xero.reading import Found, allocations_of, contact_named, records_with_ids
from resources.erps.xero.records import PREFIXES, has_role
from resources.erps.xero.sending_money import SEPARATELY, MoneySender, is_alone
from resources.erps.xero.wire import Answer as WireAnswer
from resources.erps.xero.wire import Wire
from resources.erps.xero.writing_money import is_in_two_steps, names_unsent
from resources.errors import ErrorKind, TieoutError

DOING = "pushing"
# A longer pause is for whoever planned the writes: waiting for it here would hold leases and a process.
PAUSE_SAT_OUT_SECONDS = 2.0
_RAISED = (ErrorKind.AUTHENTICATION, ErrorKind.AUTHORIZATION)
# (create, update) by the list they write into.
_METHODS: Mapping[str, tuple[str, str]] = {
    "Contacts": ("create_contacts", "update_or_create_contacts"),
    "Items": ("create_items", "update_or_create_items"),
    "Invoices": ("create_invoices", "update_or_create_invoices"),
    "CreditNotes": ("create_credit_notes", "update_or_create_credit_notes"),
    "PurchaseOrders": ("create_purchase_orders", "update_or_create_purchase_orders"),
}
_encode = msgspec.json.Encoder(decimal_format="number", order="deterministic").encode


class Sender:
    """Writes into one organisation."""

    def __init__(self, wire: Wire, base_currency: Callable[[], str], accounts: BankAccounts) -> None:
        self._wire = wire
        self._accounts = accounts
        self._base_currency = base_currency
        self._money = MoneySender(wire, self._request, self._read)

    def send(self, writes: Sequence[Write]) -> list[Answer]:
        """See `Connector.send`."""
        keys = {write.batch_key for write in writes}
        if len(writes) > ELEMENTS_PER_WRITE_MAX or len(keys) > 1 or (len(writes) > 1 and None in keys):
            raise ValueError(f"one write, or up to {ELEMENTS_PER_WRITE_MAX} with the same batch_key, not {len(writes)}")
        answers: dict[int, Answer] = {}
        for number, write in enumerate(writes):
            if names_unsent(write.body):
                answers[number] = Refused(self._unready(write))
        paused = self._wire.paused_seconds()
        left = {n: write for n, write in enumerate(writes) if n not in answers}
        if left and paused > PAUSE_SAT_OUT_SECONDS:
            answers.update((n, Deferred(self._throttled(write, paused))) for n, write in left.items())
        else:
            answers.update(self._checked(left))
            left = {n: write for n, write in left.items() if n not in answers}
            answers.update(self._sent_in_turn(left))
            answers.update(self._moved(left, answers))
            for number, write in left.items():
                answer = answers[number]
                if write.operation == "create" and write.entity in CONTACT_ROLES and isinstance(answer, Refused):
                    answers[number] = self._met(write, answer)
        return [answers[number] for number in range(len(writes))]

    def _met(self, write: Write, refused: Refused) -> Answer:
        """A new contact that was refused: is there one of its name, which no other may have?

        One that is not in our role yet (a customer's, and we make a vendor) is in none of our pulls: it is given to be
        pulled and met. One that is in our role comes with the next sync, or is another row's: said clearly.
        """
        try:
            found = contact_named(self._wire, write.entity, str(write.body.get("Name", "")))
        except TieoutError:
            return refused
        if found is None:
            return refused
        contact_id, role = str(found.get("ContactID")), write.entity
        error = TieoutError(
            ErrorKind.DUPLICATE,
            connection=self._wire.connection,
            entity=role,
            doing=f"{DOING} {role}",
            found=f"the active contact {contact_id} in Xero, which has this name",
            expected="a name that no other active contact has",
            next_step=f"sync: if it is the same {role[:-1]} it is met then; if not, rename one of the two",
        )
        return Refused(error) if has_role(role, found) else Stale(error, contact_id)

    def _moved(self, writes: Mapping[int, Write], answers: Mapping[int, Answer]) -> dict[int, Answer]:
        """Refusals of records that somebody changed just before our write: to be merged first, and then judged anew."""
        refused = {
            n: write for n, write in writes.items() if type(answers[n]) is Refused and write.version_token is not None
        }
        try:
            found = self._checked(refused)
        except TieoutError:
            # What was sent is answered; that it cannot be read now changes nothing of it.
            return {}
        return {n: answer for n, answer in found.items() if isinstance(answer, Written | Stale)}

    def _checked(self, writes: Mapping[int, Write]) -> dict[int, Answer]:
        """Answers for the writes that must not go out: their record is not what was merged, or cannot be read."""
        answers: dict[int, Answer] = {}
        known = {n: write for n, write in writes.items() if write.external_id is not None}
        for entity in {write.entity for write in known.values()}:
            these = {n: write for n, write in known.items() if write.entity == entity}
            try:
                there = self._read(entity, [str(write.external_id) for write in these.values()])
            except TieoutError as error:
                if error.kind in _RAISED:
                    raise
                answers.update((n, Deferred(error)) for n in these)
                continue
            for number, write in these.items():
                try:
                    found = there.get(str(write.external_id))
                except TieoutError as error:
                    answers[number] = Refused(error)
                    continue
                if write.operation == "delete" and (found is None or found.is_deleted):
                    answers[number] = Written(found or _gone(write))
                elif found is None or found.is_deleted:
                    answers[number] = stale_of(self._wire.connection, write, "a record that is gone")
                elif write.version_token is not None and found.version_token != write.version_token:
                    answers[number] = stale_of(self._wire.connection, write, "a record that was changed since")
        return answers

    def _sent_in_turn(self, writes: Mapping[int, Write]) -> dict[int, Answer]:
        """Answers for the writes of all calls. What is raised says that nothing has happened, so it is raised by the
        first call alone: of a later one it is the answer, and of all that would have followed.
        """
        answers: dict[int, Answer] = {}
        for some in _calls(writes):
            try:
                answers.update(self._sent(some))
            except TieoutError as error:
                if not answers:
                    raise
                return {**dict.fromkeys(writes, Deferred(error)), **answers}
        return answers

    def _sent(self, writes: Mapping[int, Write]) -> dict[int, Answer]:
        """Answers for the writes of one call. Raises for authentication and authorization, if none has happened."""
        first = next(iter(writes.values()))
        if first.entity in PAYERS and is_in_two_steps(first.body):
            return {n: self._money.applied(write) for n, write in writes.items()}
        known: frozenset[str] = frozenset()
        if first.entity in PAYERS and "CreditNoteID" in first.body and first.operation == "create":
            try:
                known = self._uses_of(first)
            except TieoutError as error:
                if error.kind in _RAISED:
                    raise
                return dict.fromkeys(writes, Deferred(error))
        try:
            elements = self._call(list(writes.values()))
        except TieoutError as error:
            if error.kind in _RAISED:
                raise
            gone_out = self._wire.has_gone_out
            return {n: answer_to_failure(error, write, has_gone_out=gone_out) for n, write in writes.items()}
        if not isinstance(elements, list):
            return dict.fromkeys(writes, elements)
        if first.entity in PAYERS and "Allocations" in first.body:
            return {n: self._allocated(write, elements, known) for n, write in writes.items()}
        if len(elements) != len(writes):
            return {
                n: InDoubt(self._doubt(write, f"{len(elements)} elements in the answer")) for n, write in writes.items()
            }
        answers: dict[int, Answer] = {}
        ids: dict[int, str] = {}
        for (number, write), element in zip(writes.items(), elements, strict=True):
            answer = answer_to_element(element, write, self._doubt(write))
            if isinstance(answer, str):
                is_overpaid = write.entity in PAYERS and "OverpaymentID" in element
                ids[number] = f"{PREFIXES[profile.OVERPAYMENTS]}{answer}" if is_overpaid else answer
                ids[number] = write.external_id or ids[number]
            else:
                answers[number] = answer
        return {**answers, **self._read_back(writes, ids)}

    def _read_back(self, writes: Mapping[int, Write], ids: Mapping[int, str]) -> dict[int, Answer]:
        """What was written, as it is there now."""
        if not ids:
            return {}
        entity = next(iter(writes.values())).entity
        try:
            there = self._read(entity, list(ids.values()))
        except TieoutError as error:
            # It has happened; the probe will find it.
            return {number: InDoubt(error) for number in ids}
        answers: dict[int, Answer] = {}
        for number, external_id in ids.items():
            write = writes[number]
            try:
                record = there.get(external_id)
            except TieoutError as error:
                answers[number] = InDoubt(error)
                continue
            if record is None:
                is_gone = write.operation == "delete"
                answers[number] = (
                    Written(_gone(write)) if is_gone else InDoubt(self._doubt(write, "nothing with its id"))
                )
                continue
            odd = oddity_of(write, record)
            if odd is None:
                answers[number] = Written(record)
            elif write.operation == "create" or (
                # Nobody has changed it since it was read to be ended: it does not show that yet. Of a change it is not
                # sure that it ever will, and its row may say something else by then.
                write.operation != "update" and record.version_token == write.version_token
            ):
                answers[number] = InDoubt(self._doubt(write, odd))
            elif unkept := unkept_of(self._doubt(write), write, record):
                answers[number] = unkept
            else:
                answers[number] = stale_of(self._wire.connection, write, odd)
        return answers

    def _uses_of(self, write: Write) -> frozenset[str]:
        """What the note was used for before."""
        found = allocations_of(self._wire, write.entity, write.body["CreditNoteID"])
        return frozenset(one.external_id for one in found)

    def _allocated(self, write: Write, elements: Sequence[Any], known: frozenset[str]) -> Answer:
        """An allocation has no mark: it is one with the same document and amount that was not there before, for the
        order in which Xero lists them is not confirmed.
        """
        said = [message for each in elements if isinstance(each, Mapping) for message in messages_of(each)]
        if said:
            return refused_of(self._doubt(write), write, said)
        try:
            if write.external_id is not None:
                record = self._read(write.entity, [write.external_id]).get(write.external_id)
            else:
                found = allocations_of(self._wire, write.entity, write.body["CreditNoteID"])
                record = allocation_in(found, write, known)
        except TieoutError as error:
            return InDoubt(error)
        return Written(record) if record is not None else InDoubt(self._doubt(write, "no such allocation"))

    def _call(self, writes: Sequence[Write]) -> list[Any] | Answer:
        first = writes[0]
        if first.entity in PAYERS:
            return self._money.sent(writes)
        resource = WIRE_ENTITIES[first.entity].sources[0].resource
        if first.entity == "items" and first.operation == "delete":
            self._request(first, "delete_item", first.body["ItemID"], body=None, name="")
            return [{"Code": first.external_id}]
        create, update = _METHODS[resource.name]
        method = create if first.operation == "create" else update
        more = {"unitdp": profile.UNIT_PRICE_DECIMALS} if resource.has_prices else {}
        sent = {resource.name: [write.body for write in writes]}
        return self._request(first, method, body=sent, name=resource.name, summarize_errors=SEPARATELY, **more)

    def _request(
        self, first: Write, method: str, *arguments: Any, body: Mapping[str, Any] | None, name: str, **more: Any
    ) -> list[Any]:
        """One request under the key of a write, or of the batch it stands in; the elements of its answer."""
        count = len(body.get(name, ())) if body is not None else 1
        if body is not None:
            more["idempotency_key"] = self._key(first, [method, *map(str, arguments), body])
        return self._wire.write(
            method,
            lambda answer: self._elements(answer, name),
            *arguments,
            body=body,
            doing=f"{DOING} {first.entity}" if count <= 1 else f"{DOING} {count} {first.entity} at once",
            entity=first.entity,
            **more,
        )

    def _elements(self, answer: WireAnswer, name: str) -> list[Any]:
        if not name:
            return []
        found = answer.root.get(name) if isinstance(answer.root, dict) else None
        if not isinstance(found, list) or answer.is_suspect:
            raise self._wire.damaged(f"no readable {name} in the answer", "one element for each that was sent")
        return found

    def _key(self, write: Write, request: Sequence[Any]) -> str:
        digest = hashlib.sha256(_encode(request)).hexdigest()[:16]
        return f"{self._wire.tenant_id}.{write.batch_key or write.key}.{digest}"

    def _read(self, entity: str, ids: Sequence[str]) -> Found:
        base = self._base_currency() if entity in CONTACT_ROLES else ""
        return records_with_ids(self._wire, entity, ids, self._accounts, base_currency=base)

    def _doubt(self, write: Write, found: str = "no answer for it") -> TieoutError:
        return doubt_of(self._wire.connection, write, found)

    def _throttled(self, write: Write, paused: float) -> TieoutError:
        return TieoutError(
            ErrorKind.RATE_LIMIT,
            connection=self._wire.connection,
            entity=write.entity,
            external_id=write.external_id,
            doing=f"{DOING} {write.entity}",
            found=f"that Xero wants no calls for another {paused:.0f} s",
            expected="an organisation that takes calls",
            retry_after_seconds=paused,
        )

    def _unready(self, write: Write) -> TieoutError:
        return TieoutError(
            ErrorKind.MAPPING,
            connection=self._wire.connection,
            entity=write.entity,
            external_id=write.external_id,
            doing=f"{DOING} {write.entity}",
            found="a reference to a record that is not in Xero yet",
            expected="ids of Xero only",
            next_step="push the record it refers to first",
        )


def allocation_in(found: Sequence[WireRecord], write: Write, others: Collection[str]) -> WireRecord | None:
    """An allocation with the document and the amount of the one that was sent, and none of these others."""
    (sent,) = write.body["Allocations"]
    same = (
        record
        for record in found
        if record.external_id not in others
        and record.payload["Allocation"].get("Amount") == sent["Amount"]
        and (record.payload["Allocation"].get("Invoice") or {}).get("InvoiceID") == sent["Invoice"]["InvoiceID"]
    )
    return next(same, None)


def _calls(writes: Mapping[int, Write]) -> list[dict[int, Write]]:
    """Which writes go in one call: creates together, changes together; what is a call by its nature goes alone, and
    under its own key, as two of one batch may say the same.
    """
    groups: dict[tuple[Any, ...], dict[int, Write]] = {}
    for number, write in writes.items():
        kind: tuple[Any, ...] = (write.entity, write.operation == "create", "BankAccount" in write.body)
        stands_alone = (write.entity in PAYERS and is_alone(write)) or (
            write.entity == "items" and write.operation == "delete"
        )
        groups.setdefault((*kind, number) if stands_alone else kind, {})[number] = write
    return [
        some if len(some) > 1 else {n: replace(w, batch_key=None) for n, w in some.items()} for some in groups.values()
    ]


def _gone(write: Write) -> WireRecord:
    key = WIRE_ENTITIES[write.entity].sources[0].resource.key
    return WireRecord(str(write.external_id), None, None, {key: write.external_id}, is_deleted=True)
