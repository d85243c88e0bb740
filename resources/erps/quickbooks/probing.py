"""Whether a write in doubt has happened: looking in QuickBooks for what it would have made or changed.

Belongs here: which reading finds it in the fewest calls. What is filterable per entity is in the reference of the API,
queries; README.md. A record is recognised by its mark first and by its content second, and never by an id guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from resources.connector import Wanted, WireRecord, Write
from resources.erps.quickbooks import queries
from resources.erps.quickbooks.errors import FaultError
from resources.erps.quickbooks.feed import ChangeFeed
from resources.erps.quickbooks.mappings import MAPPINGS
from resources.erps.quickbooks.markers import marker_in
from resources.erps.quickbooks.profile import PAGE_ROWS_MAX, WIRE_ENTITIES
from resources.erps.quickbooks.records import read_rows
from resources.erps.quickbooks.wire import Answer, Wire
from resources.errors import ErrorKind

SKEW_MAX = timedelta(minutes=10)
# A clock over there that differs by more than this is taken into account by asking again.
SKEW_SEEN = timedelta(minutes=5)
DELETED_SUFFIX = " (deleted)"
GONE = "610"

# By whom a document can be filtered; the others by their time alone.
_PARTY = {
    "invoices": ("customer", "CustomerRef"),
    "credit_memos": ("customer", "CustomerRef"),
    "payments": ("customer", "CustomerRef"),
    "bills": ("vendor", "VendorRef"),
    "bill_payments": ("vendor", "VendorRef"),
}
_NAMES = {"customers": "DisplayName", "vendors": "DisplayName", "items": "Name"}
# What two records of one write have in common, as far as an entity has it.
_CONTENT = ("customer", "vendor", "document_number", "reference_number", "issue_date", "payment_date", "total_amount")


class Prober:
    """Looks for the effect of writes in one company."""

    def __init__(self, wire: Wire, *, realm_id: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._wire = wire
        self._realm_id = realm_id
        self._feed = ChangeFeed(wire)
        self._now = now

    def probe(self, write: Write, wanted: Wanted, sent_at: datetime) -> WireRecord | None:
        """See `Connector.probe`: one call, and another for every further 1000 rows or a clock that is off."""
        if write.operation != "create":
            return self._changed(write)
        began_at, found = self._made(write, wanted, sent_at)
        skew = began_at - self._now() if began_at else timedelta(0)
        if found is None and skew < -SKEW_SEEN:
            _, found = self._made(write, wanted, sent_at + skew)
        return found

    def deleted_since(self, entity: str, since: datetime) -> Sequence[str]:
        """See `Connector.deleted_since`: one call of the change feed, or another where the clocks differ.

        Names are never deleted, they are made inactive. What was cut off, or is too old for the feed, it does not tell.
        """
        if entity in _NAMES:
            return ()
        began_at, found = self._deleted(entity, since)
        skew = began_at - self._now() if began_at else timedelta(0)
        if skew < -SKEW_SEEN:
            _, found = self._deleted(entity, since + skew)
        return found

    def _deleted(self, entity: str, since: datetime) -> tuple[datetime | None, Sequence[str]]:
        ((_, change),) = self._feed.read({entity: since - SKEW_MAX})
        return change.complete_before, [one.external_id for one in change.rows.records if one.is_deleted]

    def _changed(self, write: Write) -> WireRecord | None:
        """The record by its id, read and not queried: a query may lag behind a write."""
        external_id = str(write.external_id)
        entity = WIRE_ENTITIES[write.entity]
        try:
            record = self._wire.call(
                lambda quickbooks: quickbooks.get_single_object(entity.wire_name, external_id),
                lambda answer: self._one(answer, entity.wire_name),
                doing=f"looking for a change of {write.entity}",
                entity=write.entity,
            )
        except FaultError as error:
            # QuickBooks says so by its fault; a 404 without it is somebody's on the way.
            if error.kind is not ErrorKind.NOT_FOUND or GONE not in {entry.code for entry in error.entries}:
                raise
            stub = {"Id": external_id, "status": "Deleted", "domain": "QBO"}
            return WireRecord(external_id, None, None, stub, is_deleted=True)
        return record if record.version_token != write.version_token else None

    def _one(self, answer: Answer, wire_name: str) -> WireRecord:
        rows = read_rows([answer.root.get(wire_name)], is_suspect=answer.is_suspect)
        if not rows.records:
            raise self._wire.damaged(f"an answer without a readable {wire_name}", "the record")
        return rows.records[0]

    def _made(self, write: Write, wanted: Wanted, sent_at: datetime) -> tuple[datetime | None, WireRecord | None]:
        conditions = [queries.created_from(sent_at - SKEW_MAX), *_narrowed(write.entity, wanted.record)]
        began: list[datetime] = []
        rows = list(self._rows(write.entity, conditions, began))
        return (began[0] if began else None), _recognised(rows, wanted)

    def _rows(self, entity_name: str, conditions: list[str], began: list[datetime]) -> Iterator[WireRecord]:
        entity = WIRE_ENTITIES[entity_name]
        start = 1
        while True:
            statement = queries.select(entity, *conditions, order="Id", start=start, rows_max=PAGE_ROWS_MAX)

            def query(quickbooks: Any, statement: str = statement) -> Any:
                return quickbooks.query(statement)

            answer = self._wire.call(
                query, self._whole, doing=f"looking for what was made of {entity_name}", entity=entity_name
            )
            if answer.began_at:
                began.append(answer.began_at)
            rows = answer.root["QueryResponse"].get(entity.wire_name, [])
            yield from read_rows(rows, is_suspect=answer.is_suspect).records
            if len(rows) < PAGE_ROWS_MAX:
                return
            start += len(rows)

    def _whole(self, answer: Answer) -> Answer:
        found = answer.root.get("QueryResponse")
        rows = [value for value in found.values() if isinstance(value, list)] if isinstance(found, dict) else None
        if rows is None or (rows and len(rows[0]) < int(found.get("maxResults", 0))):
            raise self._wire.damaged("a query's answer that is not whole", "every row")
        return answer


def _narrowed(entity: str, record: Any) -> list[str]:
    """What else a query can ask for; the name also as QuickBooks spells it once it was made inactive."""
    if entity in _NAMES:
        spellings = (record.name, record.name + DELETED_SUFFIX)
        return [f"{_NAMES[entity]} in ({', '.join(queries.quoted(each) for each in spellings)})"]
    if entity in _PARTY:
        field, wire_name = _PARTY[entity]
        return [f"{wire_name} = {queries.quoted(getattr(record, field))}"]
    return []


def _recognised(rows: Iterable[WireRecord], wanted: Wanted) -> WireRecord | None:
    """The record with our mark; without any, the oldest unmarked one of the same content."""
    candidates = sorted(rows, key=lambda record: int(record.external_id) if record.external_id.isdecimal() else 0)
    if wanted.entity in _NAMES:
        return candidates[0] if candidates else None
    alike: list[WireRecord] = []
    for candidate in candidates:
        marker = marker_in(candidate.payload.get("PrivateNote"))
        if marker and marker == wanted.marker:
            return candidate
        if marker is None and candidate.external_id not in wanted.others and _is_alike(candidate, wanted):
            alike.append(candidate)
    return alike[0] if alike else None


def _is_alike(candidate: WireRecord, wanted: Wanted) -> bool:
    fields = MAPPINGS[wanted.entity].fields
    for name in _CONTENT:
        value = getattr(wanted.record, name, None)
        # A number that we left to QuickBooks is no sign of either.
        if name in fields and value not in (None, "") and fields[name].reader()(candidate.payload) != value:
            return False
    return True
