"""Whether a write in doubt has happened: looking in Xero for what it would have made or changed.

Belongs here: which reading finds it in the fewest calls. A creation is looked for among what changed since a while
before it was sent, and recognised by its mark, or by what it says where Xero may not keep the mark (`unmarked.py`); an
item by its code; the use of a credit, which carries no mark, by its document and amount.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from resources.connector import Wanted, WireRecord, Write
from resources.erps.xero import profile
from resources.erps.xero.answers import oddity_of
from resources.erps.xero.bank_accounts import BankAccounts
from resources.erps.xero.lists import Walk
from resources.erps.xero.markers import marker_in
from resources.erps.xero.profile import CONTACT_ROLES, PAYERS, WIRE_ENTITIES, Source
from resources.erps.xero.reading import all_readable, allocations_of, records_with_ids
from resources.erps.xero.records import OBJECTS, sort_out
from resources.erps.xero.sending import allocation_in
from resources.erps.xero.unmarked import may_be_of
from resources.erps.xero.wire import Wire

SKEW_MAX = timedelta(minutes=10)
# A clock over there that is behind by more than this is taken into account by asking again.
SKEW_SEEN = timedelta(minutes=5)


class Prober:
    """Looks for the effect of writes in one organisation."""

    def __init__(
        self,
        wire: Wire,
        base_currency: Callable[[], str],
        accounts: BankAccounts,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._wire = wire
        self._accounts = accounts
        self._base_currency = base_currency
        self._now = now

    def probe(self, write: Write, wanted: Wanted, sent_at: datetime) -> WireRecord | None:
        """See `Connector.probe`: one call, or another where a thousand records changed or the clocks differ."""
        if write.operation != "create":
            return self._changed(write)
        if write.entity == "items":
            code = str(write.body.get("Code"))
            return records_with_ids(self._wire, write.entity, [code], self._accounts).get(code)
        if write.entity in PAYERS and "CreditNoteID" in write.body:
            found = allocations_of(self._wire, write.entity, write.body["CreditNoteID"])
            return allocation_in(found, write, wanted.others)
        marker = marker_in(write.body)
        if marker is None:
            return None
        began_at, found = self._made(write, wanted, marker, sent_at)
        skew = began_at - self._now() if began_at else timedelta(0)
        if found is None and skew < -SKEW_SEEN:
            _, found = self._made(write, wanted, marker, sent_at + skew)
        return found

    def _changed(self, write: Write) -> WireRecord | None:
        external_id = str(write.external_id)
        base = self._base_currency() if write.entity in CONTACT_ROLES else ""
        record = records_with_ids(self._wire, write.entity, [external_id], self._accounts, base_currency=base).get(
            external_id
        )
        if record is None:
            return WireRecord(external_id, None, None, {"ID": external_id}, is_deleted=True)
        return record if record.is_deleted or record.version_token != write.version_token else None

    def _made(
        self, write: Write, wanted: Wanted, marker: str, sent_at: datetime
    ) -> tuple[datetime | None, WireRecord | None]:
        """The record with the mark, alive if there is one; else the likeliest of those that may have lost it."""
        source = _source_of(write)
        walk = Walk(self._wire, source.resource, entity=write.entity)
        base = self._base_currency() if write.entity in CONTACT_ROLES else ""
        deleted: WireRecord | None = None
        unmarked: list[WireRecord] = []
        for record in self._candidates(walk, write, source, marker, sent_at - SKEW_MAX, base):
            if marker_in(record.payload) is None:
                unmarked.append(record)
            elif record.is_deleted:
                deleted = record
            else:
                return walk.began_at, record
        left = [record for record in unmarked if record.external_id not in wanted.others]
        likeliest = min(left, key=lambda one: (oddity_of(write, one) is not None, one.is_deleted), default=None)
        return walk.began_at, deleted or likeliest

    def _candidates(
        self, walk: Walk, write: Write, source: Source, marker: str, since: datetime, base: str
    ) -> Iterator[WireRecord]:
        for batch in walk.pages(since):
            found = [
                row
                for row in self._accounts.completed(source, batch.read)
                if isinstance(row.value, OBJECTS)
                and (marker_in(row.value) == marker or may_be_of(write.body, row.value))
            ]
            rows = sort_out(write.entity, source, found, base_currency=base, any_role=True)
            yield from all_readable(self._wire.connection, write.entity, rows)


def _source_of(write: Write) -> Source:
    """The list a creation would stand in: money without a document becomes an overpayment."""
    sources = WIRE_ENTITIES[write.entity].sources
    wanted = profile.OVERPAYMENTS if "BankAccount" in write.body else sources[0].resource
    return next(source for source in sources if source.resource is wanted)
