"""The Xero connector: the contract of `resources/connector.py`, pulled through xero-python.

Belongs here: which lists answer which question, and what their answers let us claim. One call is in `wire.py`, walking
a list in `lists.py`, tokens in `auth.py`, writing in `sending.py`; totals are `totals.py`; what the fields mean is in
the entity's own module.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from resources.connector import (
    DELTA_OVERLAP,
    Answer,
    CallForecast,
    CensusPage,
    ConnectionReport,
    ControlTotals,
    Module,
    Page,
    Reports,
    Wanted,
    WireRecord,
    Write,
)
from resources.erps.xero import profile
from resources.erps.xero.bank_accounts import BankAccounts
from resources.erps.xero.budget import Reading, forecast_of
from resources.erps.xero.lists import Batch, Walk
from resources.erps.xero.probing import Prober
from resources.erps.xero.profile import CONTACT_ROLES, WIRE_ENTITIES, Resource, Source, WireEntity
from resources.erps.xero.reading import rows_with_ids
from resources.erps.xero.records import Rows, has_role, sort_out, wholes_of
from resources.erps.xero.reports import read_reports
from resources.erps.xero.scopes import check_scopes, lacking
from resources.erps.xero.sending import Sender
from resources.erps.xero.totals import read_totals
from resources.erps.xero.wire import TokenSource, Wire
from resources.errors import ErrorKind, TieoutError
from resources.http import CallGate, Sleep

ORGANISATION_TYPE = "ORGANISATION"


class XeroConnector:
    """One Xero organisation. See `Connector` for what each method promises; an instance belongs to one thread."""

    erp = profile.ERP
    writes_max = profile.ELEMENTS_PER_WRITE_MAX

    def __init__(
        self,
        wire: Wire,
        tokens: TokenSource,
        *,
        calls_per_day: int = profile.CALLS_PER_DAY_PAID,
        calls_today: Callable[[], int] = lambda: 0,
    ) -> None:
        self.connection = wire.connection
        self._calls_per_day = calls_per_day
        self._calls_today = calls_today
        self._wire = wire
        self._tokens = tokens
        self._bank_accounts = BankAccounts(wire)
        self._sender = Sender(wire, self._base_currency, self._bank_accounts)
        self._prober = Prober(wire, self._base_currency, self._bank_accounts)
        self._organisation: dict[str, Any] | None = None

    @classmethod
    def open(
        cls,
        *,
        connection: str,
        settings: Mapping[str, str],
        tokens: TokenSource,
        base_url: str | None = None,
        gate: CallGate | None = None,
        sleep: Sleep = time.sleep,
        calls_today: Callable[[], int] = lambda: 0,
    ) -> XeroConnector:
        """The connector of one connection; makes no call. `settings` are the keys of `profile.SETTING_KEYS`.

        `calls_today` says how many calls of the last day all processes know of.
        """
        wire = Wire(
            connection=connection,
            tenant_id=settings["tenant_id"],
            tokens=tokens,
            base_url=base_url,
            gate=gate,
            sleep=sleep,
        )
        per_day = profile.calls_per_day(settings)
        return cls(wire, tokens, calls_per_day=per_day, calls_today=calls_today)

    @property
    def api_calls(self) -> int:
        return self._wire.api_calls

    def pull(self, entity: str, since: datetime | None = None, until: datetime | None = None) -> Iterator[Page]:
        """Records modified in [since, until) by Xero's clock; oldest first within each list.

        Archived contacts come too, and deleted or voided documents as such. Lists that know no modification time come
        whole. An entity put together from several lists gets its watermark once all of them were read.
        """
        wire_entity = self._entity(entity)
        if entity == "preferences":
            yield self._preferences()
            return
        claims: list[datetime | None] = []
        is_single = len(wire_entity.sources) == 1
        for source in wire_entity.sources:
            walk = Walk(self._wire, source.resource, entity=entity, where=_only(source))
            for batch in walk.pages(since, until):
                rows = self._rows(entity, source, batch)
                if rows or is_single:
                    claim = batch.complete_before if is_single else None
                    yield Page(entity, rows.records, rows.rejected, watermark=claim)
            claims.append(walk.began_at)
        if not is_single:
            yield Page(entity, (), watermark=_earliest([*claims, *([until] if until else [])]))

    def pull_together(self, entities: Sequence[str]) -> Iterator[Page]:
        """Everything of several entities by one walk over each list, without the parties of documents: all come."""
        yield from self._walked(dict.fromkeys(entities), {})

    def pull_changes(self, since: Mapping[str, datetime]) -> Iterator[Page]:
        """What changed, by one walk over each list whichever entities it serves; deletions and voids as statuses.

        Asked from a minute before the oldest watermark. That a contact became a customer or vendor moves no time, so
        the parties of changed documents come along. What no list tells is for the census: README.md, blind spots.
        """
        parties: dict[str, dict[str, None]] = {name: {} for name in CONTACT_ROLES if name in since}
        yield from self._walked(since, parties)

    def _walked(self, since: Mapping[str, datetime | None], parties: dict[str, dict[str, None]]) -> Iterator[Page]:
        wanted = {name: self._entity(name) for name in since}
        claims: dict[str, list[datetime | None]] = {name: [] for name in wanted}
        for resource in _lists_of(wanted.values()):
            served = {
                name: source
                for name, wire_entity in wanted.items()
                for source in wire_entity.sources
                if source.resource is resource and name != "preferences"
            }
            if not served:
                continue
            walk = Walk(self._wire, resource, entity=next(iter(served)))
            for batch in walk.pages(_from(since[name] for name in served)):
                for name, source in served.items():
                    rows = self._rows(name, source, batch)
                    # What is read from the beginning can go on from here; a delta is worth nothing in parts.
                    is_alone = since[name] is None and len(wanted[name].sources) == 1
                    wholes = {} if since[name] is None else wholes_of(name, source, batch.rows)
                    if rows or is_alone or wholes:
                        claim = batch.complete_before if is_alone else None
                        yield Page(name, rows.records, rows.rejected, watermark=claim, wholes=wholes)
                        _note_parties(parties, name, rows.records)
            for name in served:
                claims[name].append(walk.began_at)
        for name, ids in parties.items():
            yield from self._parties(name, list(ids))
        for name in wanted:
            if name == "preferences":
                yield self._preferences()
            else:
                yield Page(name, (), watermark=_earliest(claims[name]))

    def pull_ids(self, entity: str, external_ids: Sequence[str], *, is_held: bool = True) -> Iterator[Page]:
        """The named records as they are now; archived, voided and deleted ones too, contacts that are held whatever
        their role.
        """
        self._entity(entity)
        if entity == "preferences":
            yield self._preferences(set(external_ids))
            return
        base = self._base_currency() if entity in CONTACT_ROLES and external_ids else ""
        asked = (self._wire, entity, external_ids, self._bank_accounts)
        for rows in rows_with_ids(*asked, base_currency=base, any_role=is_held):
            yield Page(entity, rows.records, rows.rejected)

    def census(self, entity: str) -> Iterator[CensusPage]:
        """Id, token and time of every record there is. Raises for a row without a usable id."""
        wire_entity = self._entity(entity)
        if entity == "preferences":
            yield CensusPage(entity, [_listed(record) for record in self._preferences().records])
            return
        for source in wire_entity.sources:
            walk = Walk(self._wire, source.resource, entity=entity, where=_only(source), is_summary=True)
            for batch in walk.pages():
                rows = self._rows(entity, source, batch, is_header_only=True)
                for row in rows.rejected:
                    if row.external_id is None:
                        raise self._uncountable(entity, row.field, row.raw)
                known = [_listed(record) for record in rows.records if not record.is_deleted]
                # A record whose content we refuse exists all the same.
                refused = [(row.external_id, None, None) for row in rows.rejected if row.external_id is not None]
                yield CensusPage(entity, known + refused)

    def control_totals(self) -> ControlTotals:
        """What contacts owe and are owed, by Xero's own balances or open items; see `totals.py`."""
        return read_totals(self._wire, self._organisation_row())

    def reports(self, modules: Sequence[Module], as_of: date) -> Sequence[Reports]:
        """Open items, contacts' ageing and the trial balance, as Xero shows them; see `reports.py`."""
        base = str(self._organisation_row()["BaseCurrency"])
        return read_reports(self._wire, modules, as_of, base_currency=base)

    def test(self) -> ConnectionReport:
        """List the connected organisations, read this one, ask for each scope, and count the records of each list."""
        connected = [one for one in self._wire.connections() if isinstance(one, dict)]
        usable = {
            str(one.get("tenantId")): str(one.get("tenantName"))
            for one in connected
            if one.get("tenantType") == ORGANISATION_TYPE
        }
        if usable and self._wire.tenant_id not in usable:
            raise TieoutError(
                ErrorKind.AUTHORIZATION,
                connection=self.connection,
                doing="testing the connection",
                found=f"tenant_id {self._wire.tenant_id}, which this login has not connected",
                expected="one of " + ", ".join(f"{key} ({name})" for key, name in usable.items()),
                next_step="use one of these as tenant_id, or connect the organisation to the app",
            )
        missing = check_scopes(self._wire)
        organisation = self._organisation_row()
        return ConnectionReport(
            connection=self.connection,
            erp=self.erp,
            company_name=str(organisation.get("Name") or organisation.get("LegalName") or ""),
            home_currency=self._base_currency(),
            country=organisation.get("CountryCode"),
            granted_until=self._tokens.granted_until(),
            forecast=self.forecast(tuple(WIRE_ENTITIES)),
            warnings=[f"reconciling has no second opinion: {lacking(scope)}" for scope in missing],
        )

    def forecast(
        self,
        entities: Sequence[str],
        *,
        is_whole: bool = True,
        is_census: bool = False,
        window: tuple[datetime, datetime] | None = None,
    ) -> CallForecast:
        """What reading these would cost, from the number of records that Xero itself says each list has."""
        wanted = [self._entity(name) for name in entities]
        sources = [source for wire_entity in wanted for source in wire_entity.sources]
        readings: list[Reading] = []
        if window is not None:
            readings += [Reading(one.resource, _only(one), *window) for one in sources]
        elif is_whole:
            # Each list once, whichever entities it serves.
            readings += [Reading(resource) for resource in _lists_of(wanted)]
        if is_census:
            readings += [Reading(one.resource, _only(one), has_banks=False) for one in sources]
        # What changed is asked of each list before a census, and is seldom more than a page.
        delta_calls = 0 if is_whole or window is not None else len(_lists_of(wanted))
        budget = (self._calls_per_day, self._calls_today())
        return forecast_of(self._wire, readings, *budget, further_calls=delta_calls)

    def fence(self, prove: Callable[[], None]) -> None:
        """See `Connector.fence`."""
        self._wire.prove = prove

    def send(self, writes: Sequence[Write]) -> Sequence[Answer]:
        """Up to 40 writes, each checked against what is there, written, and read back; see `sending.py`."""
        return self._sender.send(writes)

    def probe(self, write: Write, wanted: Wanted, sent_at: datetime) -> WireRecord | None:
        """Whether a write in doubt has happened; see `probing.py`."""
        return self._prober.probe(write, wanted, sent_at)

    def deleted_since(self, entity: str, since: datetime) -> Sequence[str]:
        """Empty: a document that was deleted is listed as such, with its mark, and an item vanishes without a sign."""
        return ()

    def _rows(self, entity: str, source: Source, batch: Batch, *, is_header_only: bool = False) -> Rows:
        base = self._base_currency() if entity in CONTACT_ROLES and batch.read else ""
        found = batch.read if is_header_only else self._bank_accounts.completed(source, batch.read)
        return sort_out(entity, source, found, base_currency=base)

    def _parties(self, entity: str, ids: Sequence[str]) -> Iterator[Page]:
        """The contacts of changed documents."""
        base = self._base_currency() if ids else ""
        for rows in rows_with_ids(self._wire, entity, ids, self._bank_accounts, base_currency=base):
            yield Page(entity, rows.records, rows.rejected)

    def _preferences(self, wanted: set[str] | None = None) -> Page:
        """What the organisation has switched on, currencies and tracking categories, as one record."""
        payload: dict[str, Any] = {}
        claims: list[datetime | None] = []
        for source in WIRE_ENTITIES["preferences"].sources:
            walk = Walk(self._wire, source.resource, entity="preferences")
            payload[source.resource.name] = [row for batch in walk.pages() for row in batch.rows]
            claims.append(walk.began_at)
        record = WireRecord(self._wire.tenant_id, None, None, payload)
        is_wanted = wanted is None or record.external_id in wanted
        return Page("preferences", [record] if is_wanted else [], watermark=None if wanted else _earliest(claims))

    def _organisation_row(self) -> dict[str, Any]:
        if self._organisation is None:
            for batch in Walk(self._wire, profile.ORGANISATION, entity="company_info").pages():
                self._organisation = next((row for row in batch.rows if isinstance(row, dict)), None)
            if self._organisation is None or not self._organisation.get("BaseCurrency"):
                raise self._wire.damaged("no organisation with a BaseCurrency in the answer", "exactly one")
        return self._organisation

    def _base_currency(self) -> str:
        return str(self._organisation_row()["BaseCurrency"])

    def _uncountable(self, entity: str, field: str, raw: str) -> TieoutError:
        return TieoutError(
            ErrorKind.VALIDATION,
            connection=self.connection,
            entity=entity,
            doing="counting every record of",
            found=f"a row without a usable {field or 'shape'}: {raw[:200]}",
            expected="an id in every row, or nothing can be said to be missing",
        )

    def _entity(self, entity: str) -> WireEntity:
        try:
            return WIRE_ENTITIES[entity]
        except KeyError:
            raise TieoutError(
                ErrorKind.VALIDATION,
                connection=self.connection,
                doing="choosing what to pull",
                found=f"the entity {entity!r}",
                expected=f"one of {', '.join(WIRE_ENTITIES)}",
            ) from None


def _only(source: Source) -> str | None:
    """A condition that leaves the other half of a list over there, where one word says it."""
    if len(source.types) != 1 or source.resource.type_key is None:
        return None
    return f'{source.resource.type_key}=="{source.types[0]}"'


def _from(since: Iterable[datetime | None]) -> datetime | None:
    """From where a list is read that serves several entities; None from the beginning."""
    moments = list(since)
    known = [moment for moment in moments if moment is not None]
    return min(known) - DELTA_OVERLAP if len(known) == len(moments) else None


def _lists_of(entities: Iterable[WireEntity]) -> list[Resource]:
    return list(dict.fromkeys(source.resource for entity in entities for source in entity.sources))


def _note_parties(parties: dict[str, dict[str, None]], entity: str, records: Sequence[WireRecord]) -> None:
    role = "customers" if entity in profile.RECEIVABLE else "vendors" if entity in profile.PAYABLE else None
    if role not in parties:
        return
    for record in records:
        if entity == role:
            # It came by itself, with this role.
            if has_role(role, record.payload):
                parties[role].pop(record.external_id, None)
            continue
        for holder in (record.payload, record.payload.get("Invoice"), record.payload.get("CreditNote")):
            contact = holder.get("Contact") if isinstance(holder, dict) else None
            contact_id = contact.get("ContactID") if isinstance(contact, dict) else None
            if isinstance(contact_id, str):
                parties[role][contact_id] = None


def _listed(record: WireRecord) -> tuple[str, str | None, datetime | None]:
    return record.external_id, record.version_token, record.modified_at


def _earliest(moments: Sequence[datetime | None]) -> datetime | None:
    known = [moment for moment in moments if moment is not None]
    return min(known) if known and len(known) == len(moments) else None
