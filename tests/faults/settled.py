"""What settles what, in both books and in the memory of both hands.

Belongs here: what invariants 1 and 3 say of payments, refunds and uses of credits. That amounts are equal per document
and per party is `invariants.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from psycopg import sql

from tests.faults.kinds import CREDITS, Kind
from tests.faults.records import AMOUNT, Record

if TYPE_CHECKING:
    from tests.faults.invariants import Found

Parts = Counter[tuple[str, Decimal]]


def is_nameless_use(found: Found, kind: Kind, row: Mapping[str, Any]) -> bool:
    """A use of a credit that is known by what it says alone, and no record of a hand's."""
    return kind.is_money and not found.erp.uses_have_names and not row[AMOUNT]


def what_settles_what(found: Found) -> Iterator[str]:
    """Everything that was settled, given back or used is so on both sides, once, and nothing else is."""
    for kind in found.erp.kinds.values():
        if kind.is_money:
            yield from _of_money(found, kind)


def _of_money(found: Found, kind: Kind) -> Iterator[str]:
    parts = _parts_here(found, kind)
    uses = {row["ledger_id"]: row for row in found.here[kind.entity] if is_nameless_use(found, kind, row)}
    rows = {row["ledger_id"]: row for row in found.here[kind.entity] if not row["is_deleted"] and not row["is_void"]}
    for record in found.ran.hands.records:
        if record.kind is kind:
            of_record = [key for key, row in rows.items() if key not in uses and row[kind.name] in record.names]
            if len(of_record) == 1 and not record.is_ended and not _is_held(found, kind, rows[of_record[0]]):
                here = Counter({part[1:]: count for part, count in parts.get(of_record[0], Counter()).items()})
                wanted = None if record.is_settled_anew else _wanted(found, record.settles)
                yield from _of_record(found, record, rows[of_record[0]]["external_id"], here, wanted)
        elif record.kind.entity == CREDITS[kind.entity] and not found.erp.uses_have_names:
            yield from _of_credit(found, record, kind, uses, parts)


def _of_credit(
    found: Found, record: Record, kind: Kind, uses: Mapping[int, Mapping[str, Any]], parts: Mapping[int, Counter[Any]]
) -> Iterator[str]:
    """A credit whose uses have no names."""
    row = next((one for one in found.here[record.kind.entity] if one[record.kind.name] in record.names), None)
    if row is None or row["is_deleted"] or row["is_void"] or _is_held(found, record.kind, row):
        return
    here: Parts = Counter()
    for key, use in uses.items():
        if any((entity, of) == (record.kind.entity, row["external_id"]) for entity, of, _ in parts[key]):
            if _is_held(found, kind, use):
                # Also one that was taken back here while its making was in doubt: somebody is asked.
                return
            if use["is_deleted"]:
                continue
            if use["external_id"] is None:
                yield f"1: a use of {record.label} is not bound, held by no error and no conflict"
            here.update((of, amount) for entity, of, amount in parts[key] if entity != record.kind.entity)
    made = [(use.document, use.amount) for use in found.ran.hands.money.uses if _is_live_use(use, record)]
    yield from _of_record(found, record, row["external_id"], here, _wanted(found, made))


def _is_live_use(use: Any, record: Record) -> bool:
    return use.credit is record and not use.is_taken_back


def _of_record(
    found: Found, record: Record, external_id: str | None, here: Parts, wanted: Parts | None
) -> Iterator[str]:
    there = found.there[record.kind.entity].get(external_id or "")
    if there is None or found.came_beyond_memory(_own_key(external_id)):
        return
    shown = Counter((of, amount) for of, amount in found.erp.settled_by(record.kind, there))
    if here != shown:
        yield f"3: {record.label} settles {_told(here)} here and {_told(shown)} there"
    elif wanted is not None and here != wanted:
        yield f"1: {record.label} settles {_told(here)} on both sides, and {_told(wanted)} was entered"


def _wanted(found: Found, settles: list[tuple[Record, Decimal]]) -> Parts | None:
    """What was entered, by the ids of the other book; None if something of it is held."""
    wanted: Parts = Counter()
    for record, amount in settles:
        rows = [row for row in found.here[record.kind.entity] if row[record.kind.name] in record.names]
        if len(rows) != 1 or rows[0]["external_id"] is None or _is_held(found, record.kind, rows[0]):
            return None
        wanted[_own_key(rows[0]["external_id"]), amount] += 1
    return wanted


def _is_held(found: Found, kind: Kind, row: Mapping[str, Any]) -> bool:
    return (kind.entity, row["ledger_id"]) in found.conflicts or found.is_held(kind.entity, dict(row))


def _own_key(external_id: str | None) -> str:
    """The other book's own id, without the name of the list that it is of."""
    return str(external_id).rpartition(":")[2]


def _parts_here(found: Found, kind: Kind) -> dict[int, Counter[tuple[str, str, Decimal]]]:
    """By ledger id of money: (kind of document, its id over there, amount). What says of money with a rest that it was
    given back repeats what the refund says.
    """
    table, parent = kind.parts or ("", "")
    asked = sql.SQL(
        "select p.{} as of, p.document_entity, coalesce(b.external_id, p.document_key) as document, p.amount from {} p "
        "left join sync.bindings b on b.entity = p.document_entity and b.ledger_id = p.document_id "
        "where p.document_entity <> 'refunds'"
    ).format(sql.Identifier(parent), sql.Identifier("ledger", table))
    found_parts: dict[int, Counter[tuple[str, str, Decimal]]] = {}
    for part in found.world.rows(asked):
        counted = found_parts.setdefault(part["of"], Counter())
        counted[part["document_entity"], part["document"], part["amount"]] += 1
    return found_parts


def _told(parts: Parts) -> str:
    return ", ".join(f"{amount} of {of}" for of, amount in sorted(parts.elements())) or "nothing"
