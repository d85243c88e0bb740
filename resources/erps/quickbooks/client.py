"""The QuickBooks Online connector: the contract of `resources/connector.py`, pulled through python-quickbooks.

Belongs here: which calls answer which question, and what their answers let us claim. One call is in `wire.py`, paging
in `paging.py`, the change feed in `feed.py`, tokens in `auth.py`; what the fields mean is in the entity's own module.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from resources.connector import (
    DELTA_OVERLAP,
    AccountBalance,
    CallForecast,
    CensusPage,
    ConnectionReport,
    ControlTotals,
    Module,
    Page,
    PartyBalance,
    Reports,
    Wanted,
    WireRecord,
    Write,
)
from resources.connector import Answer as WriteAnswer
from resources.erps.quickbooks import profile, queries
from resources.erps.quickbooks.feed import ChangeFeed
from resources.erps.quickbooks.paging import Batch, Pager
from resources.erps.quickbooks.probing import Prober
from resources.erps.quickbooks.profile import WIRE_ENTITIES, WireEntity
from resources.erps.quickbooks.records import Rows, read_rows
from resources.erps.quickbooks.reports import read_reports
from resources.erps.quickbooks.sending import Sender
from resources.erps.quickbooks.wire import Answer, TokenSource, Wire
from resources.errors import ErrorKind, TieoutError
from resources.http import CallGate, Sleep

AR_ACCOUNT_TYPE = "Accounts Receivable"
AP_ACCOUNT_TYPE = "Accounts Payable"


class QuickBooksConnector:
    """One QuickBooks company. See `Connector` for what each method promises; an instance belongs to one thread."""

    erp = profile.ERP

    writes_max = profile.BATCH_ITEMS_MAX

    def __init__(self, wire: Wire, tokens: TokenSource, *, realm_id: str, batch_gate: CallGate | None = None) -> None:
        self.connection = wire.connection
        self._sender = Sender(wire, realm_id=realm_id, batch_gate=batch_gate)
        self._prober = Prober(wire, realm_id=realm_id)
        self._wire = wire
        self._tokens = tokens
        self._realm_id = realm_id
        self._feed = ChangeFeed(wire)
        self._home_currency: str | None = None

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
    ) -> QuickBooksConnector:
        """The connector of one connection; makes no call. `settings` are the keys of `profile.SETTING_KEYS`."""
        wire = Wire(
            connection=connection,
            realm_id=settings["realm_id"],
            tokens=tokens,
            base_url=base_url,
            is_sandbox=settings.get("environment") == profile.SANDBOX,
            gate=gate,
            sleep=sleep,
        )
        return cls(wire, tokens, realm_id=settings["realm_id"])

    @property
    def api_calls(self) -> int:
        return self._wire.api_calls

    def pull(self, entity: str, since: datetime | None = None, until: datetime | None = None) -> Iterator[Page]:
        """Records modified in [since, until) by QuickBooks' clock, in whole seconds; oldest first.

        Name lists come with their inactive rows. Singletons, tax codes and tax rates come whole, whatever `since` says:
        they are small, and their pseudo rows have no time. The last watermark is the `time` of the first answer, which
        is when QuickBooks began to read; what it stamps with that second or later is for the next pull.
        """
        for page in self._walk(self._entity(entity), entity, since, until):
            yield Page(entity, page.rows.records, page.rows.rejected, watermark=page.complete_before)

    def pull_together(self, entities: Sequence[str]) -> Iterator[Page]:
        """One after the other: no list of QuickBooks serves two entities."""
        for entity in entities:
            yield from self.pull(entity)

    def forecast(
        self,
        entities: Sequence[str],
        *,
        is_whole: bool = True,
        is_census: bool = False,
        window: tuple[datetime, datetime] | None = None,
    ) -> CallForecast | None:
        """None: QuickBooks counts no day's calls."""
        return None

    def pull_changes(self, since: Mapping[str, datetime]) -> Iterator[Page]:
        """What changed, deletions included, by one change-data-capture call for all entities that the feed knows.

        The feed is asked from the oldest watermark less a minute. If it comes back with 1000 objects or more it may be
        cut: then one call for each entity, and an entity which alone has as many is pulled by query. That, and a
        watermark older than the feed reaches, gives pages with `is_cut_short`: deletions may be missing.
        """
        fed = {name: at for name, at in since.items() if self._entity(name).has_change_feed}
        for name, change in self._feed.read(fed):
            if not change.is_cut_short:
                yield Page(name, change.rows.records, change.rows.rejected, watermark=change.complete_before)
                continue
            # No watermark yet: the live rows that the feed dropped are still to come.
            yield Page(name, change.rows.records, change.rows.rejected, is_cut_short=True)
            for page in self.pull(name, since[name] - DELTA_OVERLAP):
                yield Page(name, page.records, page.rejected, watermark=page.watermark, is_cut_short=True)
        for name in since:
            if name not in fed:
                yield from self.pull(name)

    def pull_ids(self, entity: str, external_ids: Sequence[str], *, is_held: bool = True) -> Iterator[Page]:
        """The named records as they are now, inactive ones included. Ids that no query can hold cannot exist; each
        record here is of one entity, held or not.
        """
        wire_entity = self._entity(entity)
        queryable = queries.QUERYABLE_WORD if wire_entity.has_word_ids else queries.QUERYABLE_ID
        wanted = [external_id for external_id in dict.fromkeys(external_ids) if queryable.fullmatch(external_id)]
        if wire_entity.is_singleton:
            rows = self._read_singleton(entity, wire_entity)
            yield Page(
                entity, [record for record in rows.rows.records if record.external_id in wanted], rows.rows.rejected
            )
            return
        for page in Pager(self._wire, entity, wire_entity).with_ids(wanted):
            yield Page(entity, page.rows.records, page.rows.rejected)

    def census(self, entity: str) -> Iterator[CensusPage]:
        """Id, SyncToken and time of every record there is. Raises for a row without a usable id."""
        wire_entity = self._entity(entity)
        for page in self._walk(wire_entity, entity, columns=queries.CENSUS_COLUMNS):
            for row in page.rows.rejected:
                if row.external_id is None:
                    raise TieoutError(
                        ErrorKind.VALIDATION,
                        connection=self.connection,
                        entity=entity,
                        doing="counting every record of",
                        found=f"a row without a usable {row.field or 'shape'}: {row.raw[:200]}",
                        expected="an Id in every row, or nothing can be said to be missing",
                    )
            known = [(record.external_id, record.version_token, record.modified_at) for record in page.rows.records]
            # A record whose content we refuse exists all the same.
            refused = [(row.external_id, None, None) for row in page.rows.rejected if row.external_id is not None]
            yield CensusPage(entity, known + refused)

    def control_totals(self) -> ControlTotals:
        """Balances of all customers and vendors and of the A/R and A/P accounts, as QuickBooks reports them.

        The A/P account counts from the other side (captured: minus the sum of the vendors' balances): it is turned.
        """
        accounts = Pager(self._wire, "accounts", WIRE_ENTITIES["accounts"])
        types = f"AccountType in ({queries.quoted(AR_ACCOUNT_TYPE)}, {queries.quoted(AP_ACCOUNT_TYPE)})"
        account_rows = self._intact("accounts", accounts.by_id(types))
        read_at = accounts.began_at
        if read_at is None:
            raise self._wire.damaged("an answer without its time", "`time` in every answer")
        customers = self._intact("customers", self._walk(WIRE_ENTITIES["customers"], "customers"))
        vendors = self._intact("vendors", self._walk(WIRE_ENTITIES["vendors"], "vendors"))
        parties = [self._party("ar", record) for record in customers] + [
            self._party("ap", record) for record in vendors
        ]
        return ControlTotals(read_at, parties, [self._account(record) for record in account_rows])

    def reports(self, modules: Sequence[Module], as_of: date) -> Sequence[Reports]:
        """Ageing, open documents, trial balance and counts, as QuickBooks reports them; see `reports.py`."""
        accounts = Pager(self._wire, "accounts", WIRE_ENTITIES["accounts"])
        types = f"AccountType in ({queries.quoted(AR_ACCOUNT_TYPE)}, {queries.quoted(AP_ACCOUNT_TYPE)})"
        found: dict[Module, list[str]] = {"ar": [], "ap": []}
        for row in self._intact("accounts", accounts.by_id(types)):
            found["ap" if row.payload.get("AccountType") == AP_ACCOUNT_TYPE else "ar"].append(row.external_id)
        return read_reports(self._wire, modules, as_of, home_currency=self._currency_of_home(), account_ids=found)

    def test(self) -> ConnectionReport:
        """Read company information and preferences: two calls."""
        company = self._only_record("company_info").payload
        return ConnectionReport(
            connection=self.connection,
            erp=self.erp,
            company_name=str(company.get("CompanyName") or company.get("LegalName") or ""),
            home_currency=self._currency_of_home(),
            country=company.get("Country"),
            granted_until=self._tokens.granted_until(),
        )

    def fence(self, prove: Callable[[], None]) -> None:
        """See `Connector.fence`."""
        self._wire.prove = prove

    def send(self, writes: Sequence[Write]) -> Sequence[WriteAnswer]:
        """One write by itself, or up to 30 with one `batch_key` in a batch; see `sending.py`."""
        return self._sender.send(writes)

    def probe(self, write: Write, wanted: Wanted, sent_at: datetime) -> WireRecord | None:
        """Whether a write in doubt has happened; see `probing.py`."""
        return self._prober.probe(write, wanted, sent_at)

    def deleted_since(self, entity: str, since: datetime) -> Sequence[str]:
        """What the change feed tells of, which is an id and a time; see `probing.py`."""
        return self._prober.deleted_since(entity, since)

    def _walk(
        self,
        wire_entity: WireEntity,
        entity: str,
        since: datetime | None = None,
        until: datetime | None = None,
        columns: str = "*",
    ) -> Iterator[Batch]:
        if wire_entity.is_singleton:
            return iter([self._read_singleton(entity, wire_entity)])
        pager = Pager(self._wire, entity, wire_entity, columns=columns)
        return pager.by_modification(since, until) if wire_entity.has_change_feed else pager.by_id()

    def _read_singleton(self, entity: str, wire_entity: WireEntity) -> Batch:
        path = wire_entity.wire_name.lower()
        path = f"{path}/{self._realm_id}" if wire_entity.wire_name == "CompanyInfo" else path

        def read(answer: Answer) -> Batch:
            row = answer.root.get(wire_entity.wire_name)
            if row is None:
                raise self._wire.damaged(f"no {wire_entity.wire_name} in the answer", "exactly one")
            began_at = answer.began_at.replace(microsecond=0) if answer.began_at else None
            return Batch(read_rows([row], is_suspect=answer.is_suspect), began_at)

        return self._wire.call(
            lambda quickbooks: quickbooks.get(f"{quickbooks.api_url}/company/{self._realm_id}/{path}", {}),
            read,
            doing=f"pulling {entity}",
            entity=entity,
        )

    def _intact(self, entity: str, batches: Iterable[Batch]) -> Iterable[WireRecord]:
        """Every record once, in its last version; raises if one is unreadable, for a total without it is no total."""
        records: dict[str, WireRecord] = {}
        for batch in batches:
            for row in batch.rows.rejected:
                raise TieoutError(
                    ErrorKind.VALIDATION,
                    connection=self.connection,
                    entity=entity,
                    external_id=row.external_id,
                    doing="reading the control totals from",
                    found=f"{row.field} {row.found}",
                    expected=row.expected,
                )
            records.update((record.external_id, record) for record in batch.rows.records)
        return records.values()

    def _party(self, module: Module, record: WireRecord) -> PartyBalance:
        return PartyBalance(
            module=module,
            external_id=record.external_id,
            name=str(record.payload.get("DisplayName") or ""),
            currency=self._currency_of(record),
            balance=self._amount(record, "Balance"),
            is_active=record.payload.get("Active") is not False,
        )

    def _account(self, record: WireRecord) -> AccountBalance:
        is_payable = record.payload.get("AccountType") == AP_ACCOUNT_TYPE
        balance = self._amount(record, "CurrentBalance")
        return AccountBalance(
            module="ap" if is_payable else "ar",
            account_id=record.external_id,
            name=str(record.payload.get("Name") or ""),
            currency=self._currency_of(record),
            balance=-balance if is_payable else balance,
        )

    def _amount(self, record: WireRecord, field: str) -> Decimal:
        value = record.payload.get(field, 0)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise TieoutError(
                ErrorKind.VALIDATION,
                connection=self.connection,
                external_id=record.external_id,
                doing="reading the control totals from",
                found=f"{field} {str(value)[:100]!r}",
                expected="a number",
            )
        return Decimal(value)

    def _currency_of(self, record: WireRecord) -> str:
        reference = record.payload.get("CurrencyRef")
        return (
            str(reference["value"])
            if isinstance(reference, dict) and reference.get("value")
            else self._currency_of_home()
        )

    def _currency_of_home(self) -> str:
        """The home currency, asked for once: a company with one currency names it nowhere else."""
        if self._home_currency is None:
            preferences: Any = self._only_record("preferences").payload.get("CurrencyPrefs")
            home = preferences.get("HomeCurrency") if isinstance(preferences, dict) else None
            if not isinstance(home, dict) or not home.get("value"):
                raise self._wire.damaged("no CurrencyPrefs.HomeCurrency in the preferences", "the home currency")
            self._home_currency = str(home["value"])
        return self._home_currency

    def _only_record(self, entity: str) -> WireRecord:
        rows: Rows = self._read_singleton(entity, WIRE_ENTITIES[entity]).rows
        return next(iter(self._intact(entity, [Batch(rows, None)])))

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
