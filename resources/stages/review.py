"""Everything pending for one connection, for a person to look at, to sign, and to have pushed as it was seen.

Belongs here: the plan as data (what would be sent, what it changes over there, what it does to the totals) and its
signature. Nothing is sent and nothing is written; that a plan is applied only as it was seen is its keys' doing: a key
holds the version of the row it was made from, so whatever moved since has another.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import psycopg

from ledger.ageing import ageing_bucket
from resources.errors import ErrorKind, TieoutError
from resources.services import Services
from resources.stages.plan import ROWS_PER_PLAN_MAX, Held, Planned, effect_of, in_order, plan_rows
from resources.stages.work import composer_of
from resources.stores import edits
from resources.stores.connections import Connection
from resources.stores.records import UNBOUND

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_canonical = msgspec.json.Encoder(decimal_format="number", order="deterministic").encode


@dataclass(frozen=True, slots=True)
class Pending:
    """One intent as it would be sent. `changes` are (path on the wire, value there now, value to be)."""

    entity: str
    ledger_id: int
    external_id: str | None
    operation: str
    key: str
    ledger_version: int
    version_token: str | None
    changes: tuple[tuple[str, Any, Any], ...]
    waits_for: tuple[str, ...]
    module: str | None
    currency: str | None
    bucket: str | None
    effect_amount: Decimal


@dataclass(slots=True)
class Review:
    """What is pending and what cannot go. `behind` counts rows whose record moved over there: pull first."""

    connection: str
    pending: list[Pending] = field(default_factory=list)
    held: list[tuple[str, Held]] = field(default_factory=list)
    behind: int = 0

    def effects(self) -> dict[tuple[str, str, str], Decimal]:
        """(module, currency, ageing bucket) -> how much its balance changes once all of it is in the ERP."""
        sums: dict[tuple[str, str, str], Decimal] = {}
        for one in self.pending:
            if one.module is not None and one.effect_amount:
                place = (one.module, one.currency or "", one.bucket or "")
                sums[place] = sums.get(place, Decimal(0)) + one.effect_amount
        return sums


def review(services: Services, name: str, today: date) -> Review:
    """Plan all that is pending for a connection, what waits for a parent included; ages are as of `today`."""
    connection = services.connection(name)
    erp = services.erp(connection)
    found = Review(name)
    with services.db.transaction(connection.tenant) as tx:
        composer = composer_of(tx, erp, connection)
        for entity in in_order():
            for ids in _noted(tx, name, entity):
                plan = plan_rows(connection, tx, composer, entity, ids, even_waiting=True)
                found.behind += len(plan.behind)
                found.held += [(entity, held) for held in plan.held]
                for planned in plan.ready:
                    waits_for = tuple(f"{e}/{UNBOUND}{row}" for _, e, row in plan.waiting.get(planned.edit, ()))
                    found.pending.append(pending_of(planned, waits_for, today, erp.unshown))
    return found


def sign(found: Review, key: bytes) -> bytes:
    """The plan as a file: JSON that names what it was made from, and a signature that only this house can make."""
    plan = {
        "connection": found.connection,
        "intents": [{"key": p.key, **_as_json(p)} for p in found.pending],
    }
    return _canonical({"plan": plan, "signature": _signature(plan, key)})


def approved_keys(services: Services, connection: Connection, content: bytes, key: bytes, today: date) -> list[str]:
    """The keys of a signed plan. Raises TieoutError if it is not as it was signed, or if either side moved since."""
    doing = f"applying a plan to {connection.name}"
    try:
        file = _decode(content)
        plan, signature = file["plan"], file["signature"]
        intents = {one["key"]: one for one in plan["intents"]}
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        found = f"a file that is no plan ({error})"
        raise _refused(
            connection, doing, found, "one that `tieout push --plan --save` made", ErrorKind.VALIDATION
        ) from None
    if not hmac.compare_digest(str(signature), _signature(plan, key)):
        raise _refused(connection, doing, "a plan that was changed since it was signed", "the plan as it was saved")
    if plan["connection"] != connection.name:
        raise _refused(connection, doing, f"a plan of {plan['connection']}", f"one of {connection.name}")
    now = {p.key: p for p in review(services, connection.name, today).pending}
    moved = [
        f"{one['entity']}/{one['external_id'] or UNBOUND + str(one['ledger_id'])}"
        for key_, one in intents.items()
        if key_ not in now
        or _canonical(_as_json(now[key_])) != _canonical({k: v for k, v in one.items() if k != "key"})
    ]
    if moved:
        raise _refused(
            connection,
            doing,
            f"{len(moved)} that moved since on either side: {', '.join(moved[:5])}{', ...' if len(moved) > 5 else ''}",
            "both books as they were when it was saved",
        )
    return list(intents)


def _refused(
    connection: Connection, doing: str, found: str, expected: str, kind: ErrorKind = ErrorKind.CONFLICT
) -> TieoutError:
    return TieoutError(
        kind,
        connection=connection.name,
        doing=doing,
        found=found,
        expected=expected,
        next_step="look at `tieout push --plan` again, and save it again",
    )


def _signature(plan: Mapping[str, Any], key: bytes) -> str:
    derived = hmac.digest(key, b"tieout push plan", hashlib.sha256)
    return hmac.new(derived, _canonical(plan), hashlib.sha256).hexdigest()


def _as_json(pending: Pending) -> dict[str, Any]:
    return {
        "entity": pending.entity,
        "ledger_id": pending.ledger_id,
        "external_id": pending.external_id,
        "operation": pending.operation,
        "ledger_version": pending.ledger_version,
        "version_token": pending.version_token,
        "changes": [list(change) for change in pending.changes],
        "effect_amount": str(pending.effect_amount),
    }


def _noted(tx: psycopg.Connection[Any], name: str, entity: str) -> Iterator[list[int]]:
    after = 0
    while True:
        batch = edits.noted(
            tx,
            connection=name,
            entity=entity,
            after=after,
            limit=ROWS_PER_PLAN_MAX,
        )
        if not batch:
            return
        after = batch[-1].ledger_id
        yield [edit.ledger_id for edit in batch]


def pending_of(planned: Planned, waits_for: tuple[str, ...], today: date, unshown: frozenset[str]) -> Pending:
    """One planned row as a person is shown it."""
    wanted = planned.wanted
    body = {name: value for name, value in planned.body.items() if name not in unshown}
    record = None if wanted.operation in ("void", "delete") else wanted.record
    effect = effect_of(wanted.entity, wanted.base, record)
    due = getattr(wanted.record, "due_date", None) or getattr(wanted.record, "issue_date", None)
    return Pending(
        entity=wanted.entity,
        ledger_id=planned.ledger_id,
        external_id=wanted.external_id,
        operation=wanted.operation,
        key=planned.key,
        ledger_version=planned.kept.version,
        version_token=wanted.version_token,
        changes=tuple(_changes(body, wanted.held or {}, "")),
        waits_for=waits_for,
        module=effect[0] if effect else None,
        currency=getattr(wanted.record, "currency", None),
        bucket=ageing_bucket(due, today) if due is not None else None,
        effect_amount=effect[1] if effect else Decimal(0),
    )


def _changes(body: Any, held: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """The leaves of a body that differ from what the ERP holds, as (path, there now, to be)."""
    if isinstance(body, dict):
        for name, value in body.items():
            yield from _changes(value, held.get(name) if isinstance(held, dict) else None, f"{path}.{name}".lstrip("."))
    elif isinstance(body, list):
        for place, value in enumerate(body):
            at = held[place] if isinstance(held, list) and place < len(held) else None
            yield from _changes(value, at, f"{path}[{place}]")
        for place in range(len(body), len(held) if isinstance(held, list) else 0):
            yield f"{path}[{place}]", held[place], None
    elif body != held:
        yield path, held, body
