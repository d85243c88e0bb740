"""What must hold once the world is left in peace, for the records of one schedule and for the books as a whole.

The numbers are those of the list in docs/reliability.md. Nothing here asks the product what it thinks of itself, apart
from what it shows to people: open conflicts and errors. What really happened is the simulator's journal of effects.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from psycopg import sql

from resources.stores import audit
from tests.faults.journal import effects_without_intent
from tests.faults.kinds import Kind
from tests.faults.records import ACTIVE, AMOUNT, LIVE, STATE, Record, Value
from tests.faults.schedule import Ran
from tests.faults.settled import is_nameless_use, what_settles_what
from tests.faults.world import World

# Requests that a schedule may cost: so many for each change and fault, and so many for each time the product ran.
CALLS_PER_CHANGE = 10
CALLS_PER_RUN = 24


class Found:
    """Both books after a schedule, read once."""

    def __init__(self, world: World, ran: Ran) -> None:
        self.world, self.ran, self.erp = world, ran, world.erp
        self.there = world.there()
        self.here: dict[str, list[dict[str, Any]]] = {
            entity: world.rows(
                sql.SQL(
                    "select l.*, b.external_id from {} l left join sync.bindings b on b.entity = %s "
                    "and b.ledger_id = l.ledger_id"
                ).format(sql.Identifier("ledger", entity)),
                entity,
            )
            for entity in world.erp.kinds
        }
        self.effects: list[dict[str, Any]] = world.ask("effects")
        self.key_seconds = world.ask("switches").get("idempotency_seconds")
        # When writes began that were cut off.
        self.cut_off = [one["time"] for one in world.ask("log") if one["status"] == 0 and one["method"] != "GET"]
        held = world.rows("select * from sync.conflicts where state = 'open'")
        self.conflicts = {(c["entity"], c["ledger_id"]): c for c in held}
        self.twins = {(c["entity"], c["external_id"]) for c in held if c["kind"] == "possible_duplicate"}
        self.errors = {(e["entity"], e["external_id"]) for e in world.books.open_errors()}

    def changes_of(self, kind: Kind, external_id: str | None) -> list[dict[str, Any]]:
        """What requests of ours changed in a record that is there."""
        return [
            line
            for line in self.effects
            if (line["entity"], line["id"]) == (kind.effect, external_id) and line["key"] and not line["replay"]
        ]

    def came_beyond_memory(self, key: str) -> bool:
        """Whether a late request changed this once more after its key was forgotten."""
        return any(line["id"] == key and _is_beyond_memory(self, line) for line in self.effects)

    def is_held(self, entity: str, row: dict[str, Any]) -> bool:
        """Held by an open error, which a person sees."""
        return bool({(entity, f"#{row['ledger_id']}"), (entity, row["external_id"])} & self.errors)


def violations(world: World, ran: Ran) -> list[str]:
    """Everything that does not hold, as sentences; empty if all is well."""
    found = Found(world, ran)
    return [
        *ran.found,
        *nothing_is_lost_or_overwritten(found),
        *one_effect_per_record(found),
        *nothing_is_stuck(found),
        *both_sides_are_equal_to_the_cent(found),
        *what_settles_what(found),
        *the_audit_is_whole(found),
        *calls_are_few(found),
    ]


# 1, 4, 5


def nothing_is_lost_or_overwritten(found: Found) -> Iterator[str]:
    """Every edit of either hand is on both sides, or in a conflict that shows both, or held by an error."""
    for record in found.ran.hands.records:
        rows = [row for row in found.here[record.kind.entity] if row[record.kind.name] in record.names]
        if not rows and _never_seen(record):
            continue
        if len(rows) != 1:
            yield f"1: {record.label} is {len(rows)} times in the ledger"
            continue
        yield from _of_record(found, record, rows[0])
    for entity, rows in found.here.items():
        known = {name for record in found.ran.hands.records if record.kind.entity == entity for name in record.names}
        for row in rows:
            kind = found.erp.kinds[entity]
            if row[kind.name] not in known and not is_nameless_use(found, kind, row):
                yield f"1: the ledger has {entity}/{row[found.erp.kinds[entity].name]}, which nobody made"


def _never_seen(record: Record) -> bool:
    """Made over there and deleted again before anybody here looked."""
    state = record.values.get(STATE)
    return record.ledger_id is None and state is not None and (state.ours, state.theirs) == (None, "delete")


def _of_record(found: Found, record: Record, row: dict[str, Any]) -> Iterator[str]:
    kind, label = record.kind, record.label
    conflict = found.conflicts.get((kind.entity, row["ledger_id"]))
    if found.is_held(kind.entity, row):
        made = [one for one in found.there[kind.entity].values() if found.erp.name_of(kind, one) in record.names]
        if row["external_id"] is None and any(map(found.erp.marker_of, made)):
            yield f"1: {label} was made there by us, and an error holds it as if it had not been"
        return
    there = found.there[kind.entity].get(row["external_id"] or "")
    if conflict is None:
        if row["external_id"] is None and not row["is_deleted"] and not row.get("is_void"):
            yield f"1: {label} is not bound, held by no error and no conflict"
            return
        if (there is None) != row["is_deleted"] and not (row.get("is_void") and row["external_id"] is None):
            yield f"1: {label} is {'gone' if there is None else 'alive'} there and not so here"
            return
    state = record.values.get(STATE)
    if state is not None:
        yield from _of_state(label, state.last, state.is_concurrent, row, there, conflict)
    if there is None:
        return
    if kind.is_renamed_there:
        yield from _of_field(record, kind.name, row[kind.name], found.erp.name_of(kind, there), conflict)
    is_void = row.get("is_void") or found.erp.is_void(there)
    changes = found.changes_of(kind, row["external_id"])
    if any(_is_beyond_memory(found, line) or _is_over_an_edit(found, line) for line in changes):
        # Whatever was written since may be gone: both sides are equal, and that is all that can be asked.
        record = replace(record, values={})
    if kind.is_archived:
        yield from _of_field(record, ACTIVE, row[ACTIVE], found.erp.is_active(there), conflict)
    for name, path in kind.texts.items():
        if is_void and name in found.erp.texts_of_void(kind):
            continue
        yield from _of_field(record, name, row[name], found.erp.text_at(there, path), conflict)
    if kind.has_amount and not row.get("is_void"):
        yield from _of_field(record, AMOUNT, row[AMOUNT], found.erp.total_of(there), conflict)


def _of_state(
    label: str, last: str, is_concurrent: bool, row: dict[str, Any], there: dict[str, Any] | None, conflict: Any
) -> Iterator[str]:
    if conflict is not None or last is None:
        return
    now = "delete" if row["is_deleted"] else "void" if row.get("is_void") else LIVE
    if is_concurrent:
        yield f"4: {label} was ended on one side and changed unseen on the other, it is {now}, and nobody was asked"
    elif now != last and not (now == "delete" and last == "void" and row["external_id"] is None):
        yield f"1: {label} is {now}, and the last that anybody did was {last}"


def _of_field(record: Record, name: str, here: Any, there: Any, conflict: dict[str, Any] | None) -> Iterator[str]:
    label = f"{record.label}.{name}"
    value = record.values.get(name)
    if conflict is not None:
        wanted = [] if value is None else _both(value, name in record.kind.ours_always)
        lost = [v for v in wanted if v is not None and v not in (here, there)]
        if lost:
            yield f"4: {label}: {lost[0]!r} is neither here ({here!r}) nor there ({there!r}), in conflict"
        # Of twins it shows the other one as theirs.
        sides = {"ours": here} if conflict["kind"] == "possible_duplicate" else {"ours": here, "theirs": there}
        for which, side in sides.items():
            shown = msgspec.json.decode(conflict[which]) if conflict[which] else None
            if shown is not None and conflict["fields"] and type(side)(shown[name]) != side:
                yield f"4: {label}: the conflict shows {shown[name]!r} where it is {side!r}"
        return
    if here != there:
        yield f"1: {label}: {here!r} here and {there!r} there"
    if value is None or value.last is None:
        return
    if value.is_concurrent and name in record.kind.ours_always:
        if here != value.ours:
            yield f"5: {label}: the ledger owns it, wrote {value.ours!r}, and it is {here!r}"
    elif value.is_concurrent:
        yield f"5: {label}: {value.ours!r} and {value.theirs!r} were written unseen, it is {here!r}, nobody was asked"
    elif here != value.last and not (value.is_over_doubt and here == value.ours):
        yield f"1: {label}: {here!r} on both sides, the last that anybody wrote is {value.last!r}"


def _both(value: Value, is_ours_always: bool) -> list[Any]:
    """What of a field must be on one side or the other while the record is in conflict, maybe about another field."""
    if not value.is_concurrent:
        return [value.last]
    return [value.ours] if is_ours_always else [value.ours, value.theirs]


# 2


def one_effect_per_record(found: Found) -> Iterator[str]:
    """Each record exists once over there; what came twice because it was late beyond all memory is shown as a twin."""
    for kind in found.erp.kinds.values():
        names = Counter(found.erp.name_of(kind, one) for one in found.there[kind.entity].values())
        for record in found.ran.hands.records:
            if record.kind is kind and sum(names[name] for name in record.names) > 1:
                yield from _of_double(found, record)
    made = Counter(
        (line["entity"], found.erp.marker_in(line["marker"]))
        for line in found.effects
        if line["operation"] == "create" and not line["replay"] and found.erp.marker_in(line["marker"])
    )
    for (wire, marker), count in made.items():
        if count > 1 and not _came_late(found, wire, marker):
            yield f"2: {wire} {marker!r} was made {count} times there"
    # One request may change one record several times, as when it uses a credit on two documents.
    sent = Counter(
        one[:3]
        for one in {
            (line["entity"], line["id"], line["key"], line["origin"], line["trace"] or line["sequence"])
            for line in found.effects
            if line["key"]
            and line["operation"] not in ("create", "replay")
            and not (line["replay"] or _is_beyond_memory(found, line))
        }
    )
    for (wire, key, request), count in sent.items():
        if count > 1:
            yield f"2: {wire}/{key} was changed {count} times by the one write {request}"


def _is_beyond_memory(found: Found, line: dict[str, Any]) -> bool:
    """Whether a change came by a late or copied request after the service had forgotten its key: nothing else tells an
    ERP without version tokens that it was made before.
    """
    earlier = [e["time"] for e in found.effects if e["key"] == line["key"] and e["sequence"] < line["sequence"]]
    return (
        found.key_seconds is not None
        and line["origin"] in ("late", "duplicate")
        and bool(earlier)
        and _instant(line["time"]) - _instant(min(earlier)) > timedelta(seconds=found.key_seconds)
    )


def _is_over_an_edit(found: Found, line: dict[str, Any]) -> bool:
    """Whether a change came late, by a request that was under way before somebody changed the record there: an ERP
    without version tokens carries it out over what they wrote.
    """
    before = [e for e in found.effects if (e["entity"], e["id"]) == (line["entity"], line["id"])]
    before = [e for e in before if e["sequence"] < line["sequence"]]
    return (
        found.key_seconds is not None
        and line["origin"] == "late"
        and bool(before)
        and before[-1]["origin"] == "edit"
        and any(_instant(cut) < _instant(before[-1]["time"]) for cut in found.cut_off)
    )


def _instant(told: str) -> datetime:
    return datetime.fromisoformat(told)


def _came_late(found: Found, wire: str, marker: str) -> bool:
    """Whether one of the twins came by a late or copied request, after the service had forgotten its id."""
    return found.ran.has_long_while and any(
        line["origin"] in ("late", "duplicate")
        and line["operation"] == "create"
        and marker == found.erp.marker_in(line["marker"])
        for line in found.effects
        if line["entity"] == wire
    )


def _of_double(found: Found, record: Record) -> Iterator[str]:
    kind, name = record.kind, record.name
    ids = [i for i, one in found.there[kind.entity].items() if found.erp.name_of(kind, one) in record.names]
    bound = {row["external_id"] for row in found.here[kind.entity]}
    unshown = [i for i in ids if i not in bound and (kind.entity, i) not in found.twins]
    marker = found.erp.marker_of(found.there[kind.entity][ids[0]])
    wire, _ = found.erp.written_to(kind, ids[0])
    if unshown or not _came_late(found, wire, marker):
        yield f"2: {kind.entity}/{name} is {len(ids)} times there ({', '.join(ids)})"


# 11


def nothing_is_stuck(found: Found) -> Iterator[str]:
    for one in found.world.rows("select * from sync.outbox where state in ('sent', 'waiting')"):
        is_asked_about = (one["entity"], f"#{one['ledger_id']}") in found.errors
        if is_asked_about and (one["operation"], one["state"]) == ("create", "sent"):
            continue
        yield f"11: an intent of {one['entity']}/#{one['ledger_id']} is stuck: {one['answer']}"
    for one in found.world.rows("select * from sync.edits where looked_at is null"):
        yield f"11: {one['entity']}/#{one['ledger_id']} was never looked at"
    for one in found.world.rows("select * from sync.edits where looked_at is not null"):
        row = next(r for r in found.here[one["entity"]] if r["ledger_id"] == one["ledger_id"])
        if (one["entity"], one["ledger_id"]) not in found.conflicts and not found.is_held(one["entity"], row):
            yield f"11: {one['entity']}/#{one['ledger_id']} waits, and neither error nor conflict says why"


# 3


def both_sides_are_equal_to_the_cent(found: Found) -> Iterator[str]:
    """Per document, and per customer and vendor by the balances that the ERP keeps itself."""
    is_clean = not found.conflicts and not found.errors
    for kind in found.erp.kinds.values():
        if not kind.wire_open:
            continue
        for row in found.here[kind.entity]:
            there = found.there[kind.entity].get(row["external_id"] or "")
            if there is None or (kind.entity, row["ledger_id"]) in found.conflicts or found.is_held(kind.entity, row):
                continue
            wanted = (found.erp.total_of(there), found.erp.open_of(kind, there))
            if (row[AMOUNT], row["open_amount"]) != wanted and is_clean:
                yield f"3: {kind.entity}/{row[kind.name]} is {row[AMOUNT]}, {row['open_amount']} open; there {wanted}"
    if not is_clean:
        return
    for side, plus, minus in (
        ("customers", ("invoices",), ("credit_memos", "payments")),
        ("vendors", ("bills",), ("vendor_credits", "bill_payments")),
    ):
        column = "customer_id" if side == "customers" else "vendor_id"
        for row in found.here[side]:
            there = found.there[side].get(row["external_id"] or "")
            balance = there and found.erp.balance_of(found.erp.kinds[side], there)
            if balance is None:
                continue
            sums = [_open_sum(found, entity, column, row["ledger_id"]) for entity in plus]
            sums += [-_open_sum(found, entity, column, row["ledger_id"]) for entity in minus]
            if sum(sums) != balance:
                yield f"3: {side}/{row['name']} owes {sum(sums)} here and {balance} there"


def _open_sum(found: Found, entity: str, column: str, party_id: int) -> Decimal:
    name = "unapplied_amount" if "payments" in entity else "open_amount"
    rows = [r for r in found.here[entity] if r[column] == party_id and not r["is_deleted"] and not r["is_void"]]
    return sum((r[name] for r in rows), Decimal(0))


# 6


def the_audit_is_whole(found: Found) -> Iterator[str]:
    world = found.world
    with world.books.services.db.transaction(world.books.tenant) as tx:
        yield from (f"6: {finding.says}" for finding in audit.verify(tx, world.books.tenant))
    written = world.rows("select detail::jsonb ->> 'key' as key from sync.audit where action like 'push.%%'")
    told = Counter(row["key"] for row in written)
    ended = world.rows("select key, state, entity, ledger_id from sync.outbox")
    for one in ended:
        expected = 1 if one["state"] == "done" else 0
        if told[one["key"]] != expected:
            yield (
                f"6: {one['entity']}/#{one['ledger_id']}: an intent that is {one['state']} has {told[one['key']]} "
                "entries in the audit"
            )
    yield from effects_without_intent(world, found.effects)


# 10


def calls_are_few(found: Found) -> Iterator[str]:
    """Requests grow with changes and faults, not with the square of anything."""
    calls = len([line for line in found.world.ask("log") if re.match(found.erp.any_request, line["path"])])
    changes = len([line for line in found.effects if not line["replay"]]) + len(found.ran.steps)
    runs = len([step for step in found.ran.steps if step.what == "work"]) + (found.ran.rounds or 1)
    if calls > CALLS_PER_CHANGE * changes + CALLS_PER_RUN * runs:
        yield f"10: {calls} calls for {changes} changes in {runs} runs"
