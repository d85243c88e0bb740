"""The contract between Tieout and one ERP company: what a connector gives, in which shapes, and what it promises.

Belongs here: the record shapes that cross the ERP boundary and the `Connector` protocol. How an ERP fulfils it is in
`resources/erps/<erp>/client.py`; how records become ledger rows is in `ledger` and in the mappings; what happens to
errors is in `resources/errors.py`. Nothing in this module does I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, Protocol, runtime_checkable

Module = Literal["ar", "ap"]


@dataclass(frozen=True, slots=True)
class WireRecord:
    """One record exactly as the ERP sent it.

    `payload` holds only JSON types, with `int` for whole numbers and `Decimal` for all others, never `float`.
    `version_token` is what the ERP checks on write (SyncToken, ETag), `modified_at` its modification time by its own
    clock, as an aware UTC instant. A deletion (`is_deleted`) may carry nothing but its id: its payload is the stub.
    """

    external_id: str
    version_token: str | None
    modified_at: datetime | None
    payload: dict[str, Any]
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record that cannot be stored as sent: without an id, with an absurd number, with a NUL character ...

    It goes to `sync.errors` and the rest of its page goes on; a later good version of the same record clears it.
    `field` is a path inside the record (`Line[3].Amount`), `found` and `expected` are for a person to read, `raw` is
    the record as JSON text, cut to what a person can look at, and safe to store (no NUL, no lone surrogates).
    """

    external_id: str | None
    field: str
    found: str
    expected: str
    raw: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some records of one entity, and how far the pull has read once they are stored.

    `watermark`: everything the ERP changed *before* this instant has been given once this page (and every page before
    it) is stored; None claims nothing yet. Store page and watermark in one transaction, and move it only forwards.
    `is_cut_short`: the ERP's feed dropped rows, deletions may be unknown, and only a census of this entity repairs it.
    """

    entity: str
    records: Sequence[WireRecord]
    rejected: Sequence[RejectedRecord] = ()
    watermark: datetime | None = None
    is_cut_short: bool = False


@dataclass(frozen=True, slots=True)
class CensusPage:
    """Some of the records there are now: (external id, version token, modified at), in no promised order."""

    entity: str
    rows: Sequence[tuple[str, str | None, datetime | None]]


@dataclass(frozen=True, slots=True)
class PartyBalance:
    """What the ERP says one customer or vendor owes or is owed, in that party's currency (ISO 4217).

    `module` is `ar` for customers and `ap` for vendors. A positive AR balance is owed to the company, a positive AP
    balance is owed by it. `is_active` is False for a party the ERP keeps out of its pick lists.
    """

    module: Module
    external_id: str
    name: str
    currency: str
    balance: Decimal
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """What the ERP's own AR or AP account holds, signed so that it compares with the sum of the parties' balances."""

    module: Module
    account_id: str
    name: str
    currency: str
    balance: Decimal


@dataclass(frozen=True, slots=True)
class ControlTotals:
    """The ERP's own totals, read by another way than the documents.

    `read_at` is the ERP's clock before the first of them was read: a document changed after it may or may not be in
    them. Sums across currencies mean nothing and are never formed.
    """

    read_at: datetime
    parties: Sequence[PartyBalance]
    accounts: Sequence[AccountBalance]


@dataclass(frozen=True, slots=True)
class ConnectionReport:
    """That a connection works, and as whom: for `tieout connections test` and `doctor`.

    `granted_until` is when the grant ends if nobody uses it (a refresh token's end), None if the ERP does not say.
    """

    connection: str
    erp: str
    company_name: str
    home_currency: str
    country: str | None = None
    granted_until: datetime | None = None


@runtime_checkable
class Connector(Protocol):
    """One connection to one ERP company. Entities are named as in the ledger (`invoices`), never as in the ERP.

    Every method raises `resources.errors.TieoutError`, and nothing else, for anything the ERP or the network did.
    Iterators are lazy: a page is fetched when it is asked for, so memory stays flat, and what was given before an error
    may be kept. An instance belongs to one thread.
    """

    connection: str
    erp: str
    api_calls: int
    """HTTP calls really made so far, repeats included, OAuth excluded."""

    def pull(self, entity: str, since: datetime | None = None, until: datetime | None = None) -> Iterator[Page]:
        """Every record of `entity` modified in [since, until), in order of modification; at least one page.

        `since` None means from the beginning, `until` None means up to now. Rows which change while this runs are given
        again rather than skipped. Deletions do not appear here: see `pull_changes` and `census`. The last page carries
        the watermark from which the next pull can start.
        """
        ...

    def pull_changes(self, since: Mapping[str, datetime]) -> Iterator[Page]:
        """What changed in all named entities since each one's watermark, in the fewest calls; at least a page for each.

        Deletions come as records with `is_deleted`. A record may come again although it did not change (overlap).
        """
        ...

    def pull_ids(self, entity: str, external_ids: Sequence[str]) -> Iterator[Page]:
        """The named records as they are now. An id the ERP does not have is simply absent; pages carry no watermark."""
        ...

    def census(self, entity: str) -> Iterator[CensusPage]:
        """Every record that exists in the ERP. Raises if it cannot run to the end: a partial census proves nothing."""
        ...

    def control_totals(self) -> ControlTotals:
        """The balances the ERP itself reports, by party and by AR/AP account."""
        ...

    def test(self) -> ConnectionReport:
        """Make the cheapest call that proves the connection, and say what answered."""
        ...
