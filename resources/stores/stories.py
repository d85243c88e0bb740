"""The story of a record: everything seen, merged, pushed and held about it, in order, in sentences.

Belongs here: gathering it from `history.py`, and telling it. `tieout explain` and the console show the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg

from ledger.spec import SpecError, entities, spec_of
from resources.errors import ErrorKind, TieoutError
from resources.stores import conflicts, history


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `where` is mirror, ledger, binding, push, held or resolved."""

    at: datetime
    where: str
    says: str
    run_id: int | None = None


def stories(
    tx: psycopg.Connection[Any],
    connections: Iterable[str],
    entity: str,
    record: str,
    *,
    versions_max: int | None = None,
) -> list[dict[str, Any]]:
    """Every record that goes by this name: its id in an ERP, its ledger id, its number. Raises TieoutError for an
    entity that there is not. `connections` are those of the transaction's tenant.

    With `versions_max` at most so many versions of each kind are read, the newest; a story that is cut says so, and
    does not say who wrote what.
    """
    try:
        spec_of(entity)
    except SpecError as error:
        raise TieoutError(
            ErrorKind.VALIDATION,
            doing="explaining a record",
            found=f"entity {entity!r}",
            expected=f"one of {', '.join(spec.name for spec in entities())}",
            next_step="name one of these",
        ) from error
    bound = history.find(tx, entity, record)
    seen = [(b["connection"], b["external_id"], b) for b in bound]
    # A record that was never merged has no binding: it may be held, or only mirrored.
    known = {(c, x) for c, x, _ in seen}
    for name in connections:
        if (name, record) not in known and history.mirror_versions(tx, name, entity, record, limit=1):
            seen.append((name, record, None))
    return [_story(tx, entity, name, external_id, binding, versions_max) for name, external_id, binding in seen]


def _story(
    tx: psycopg.Connection[Any],
    entity: str,
    connection: str,
    external_id: str | None,
    binding: dict[str, Any] | None,
    limit: int | None,
) -> dict[str, Any]:
    ledger_id = binding["ledger_id"] if binding else None
    versions = history.ledger_versions(tx, entity, ledger_id, limit=limit) if ledger_id else []
    seen = history.mirror_versions(tx, connection, entity, external_id or "", limit=limit)
    is_cut = limit is not None and max(len(versions), len(seen)) >= limit
    names = [name for name in (external_id, ledger_id and f"#{ledger_id}") if name]
    return {
        "connection": connection,
        "external_id": external_id,
        "ledger_id": ledger_id,
        "binding": binding,
        "erp_versions": seen,
        "ledger_versions": versions,
        "is_cut": is_cut,
        "provenance": {} if is_cut else history.provenance(versions),
        "parts": history.parts(tx, entity, ledger_id, limit=limit) if ledger_id else {},
        "intents": history.intents(tx, entity, ledger_id, limit=limit) if ledger_id else [],
        "conflicts": _conflicts(tx, entity, ledger_id) if ledger_id else [],
        "errors": history.record_errors(tx, connection, entity, names),
    }


def _conflicts(tx: psycopg.Connection[Any], entity: str, ledger_id: int) -> list[dict[str, Any]]:
    told = ("conflict_id", "kind", "says", "state", "opened_at", "ended_at", "ended_by", "resolution")
    return [{name: getattr(one, name) for name in told} for one in conflicts.of_row(tx, entity, ledger_id)]


def events(story: dict[str, Any]) -> list[Event]:
    """What happened, in order."""
    found: list[Event] = []
    for version in story["erp_versions"]:
        what = "deleted there" if version["is_deleted"] else f"version token {version['version_token']} seen"
        says = f"{what}, modified {version['modified_at']}"
        found.append(Event(version["seen_at"], "mirror", says, version["run_id"]))
    previous: dict[str, Any] = {}
    for version in story["ledger_versions"]:
        row = version["row"]
        says = f"version {version['version']} by {version['changed_by']}: {_changes(previous, row)}"
        found.append(Event(version["changed_at"], "ledger", says, row.get("run_id")))
        previous = row
    binding = story["binding"]
    if binding and binding["bound_at"]:
        says = f"external id {story['external_id']} is ledger id {story['ledger_id']}"
        found.append(Event(binding["bound_at"], "binding", says))
    for intent in story["intents"]:
        sent = f"{intent['operation']} of version {intent['ledger_version']}, key {intent['key']}"
        found.append(Event(intent["sent_at"], "push", sent))
        says = f"{intent['operation']}: {intent['state']}: {intent['answer'] or 'not answered yet'}"
        found.append(Event(intent["ended_at"] or datetime.now(UTC), "push", says))
    for conflict in story["conflicts"]:
        name = f"conflict {conflict['conflict_id']}"
        found.append(Event(conflict["opened_at"], "held", f"{name}, {conflict['kind']}: {conflict['says']}"))
        if conflict["ended_at"]:
            says = f"{name} {conflict['state']} by {conflict['ended_by']}"
            found.append(Event(conflict["ended_at"], "resolved", says))
    for error in story["errors"]:
        found.append(Event(error["first_seen_at"], "held", error["message"]))
        if error["resolved_at"]:
            found.append(Event(error["resolved_at"], "resolved", error["message"]))
    return sorted(found, key=lambda event: event.at)


def newest(story: dict[str, Any]) -> dict[str, Any]:
    """The ledger's row as it is, by column; empty if there is none."""
    return story["ledger_versions"][-1]["row"] if story["ledger_versions"] else {}


def called(story: dict[str, Any]) -> str | None:
    """Its number or its name."""
    row = newest(story)
    return next((row[c] for c in ("document_number", "reference_number", "name") if row.get(c)), None)


def title(entity: str, story: dict[str, Any]) -> str:
    """Which of its three names was asked for is not known, so all of them stand there."""
    named = f", called {called(story)}" if called(story) else ""
    return f"{entity}/{story['external_id']} of {story['connection']}, ledger id {story['ledger_id'] or 'none'}{named}"


def shown(column: str, value: Any) -> Any:
    """Amounts with at least two decimals, as they are written on a document."""
    if not column.endswith(("amount", "price")) or value is None:
        return value
    exact = Decimal(str(value))
    return f"{exact:.2f}" if exact == round(exact, 2) else exact


def columns_of(parts: Sequence[dict[str, Any]], *, without: str) -> list[str]:
    """The columns of a record's parts that say anything."""
    ours = {"tenant_id", "changed_at", "part_id", "part_key", without}
    return [c for c in parts[0] if c not in ours and any(p[c] not in (None, "") for p in parts)] if parts else []


def _told(column: str, value: Any) -> Any:
    """Beside an arrow nothing would be overlooked, and None is a programmer's word."""
    return "empty" if value in (None, "") else shown(column, value)


def _changes(before: dict[str, Any], after: dict[str, Any]) -> str:
    ignored = history.BOOKKEEPING
    if not before:
        return ", ".join(
            f"{k}={shown(k, v)}" for k, v in after.items() if k not in ignored and v not in (None, "", False)
        )
    return (
        ", ".join(
            f"{k}: {_told(k, before.get(k))} -> {_told(k, v)}"
            for k, v in after.items()
            if k not in ignored and before.get(k) != v
        )
        or "its lines, or a decision on it"
    )
