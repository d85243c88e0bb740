"""The contract between Tieout and one ERP company: what a connector gives, in which shapes, and what it promises.

Belongs here: the record shapes that cross the ERP boundary and the `Connector` protocol. How an ERP fulfils it is in
`resources/erps/<erp>/client.py`; how records become ledger rows is in `ledger` and in the mappings; what happens to
errors is in `resources/errors.py`. Nothing in this module does I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from ledger.shapes import plain
from ledger.spec import Record
from resources.errors import ErrorKind, TieoutError

Module = Literal["ar", "ap"]

# From so long before a watermark changes are asked for: clocks of several servers, and what was under way meanwhile.
DELTA_OVERLAP = timedelta(seconds=60)

Operation = Literal["create", "update", "void", "delete"]


class WireRecord(msgspec.Struct, frozen=True, gc=False):
    """One record exactly as the ERP sent it.

    `content` holds only JSON types, with `int` for whole numbers and `Decimal` for all others, never `float`; mappings
    read it. Its objects may be of a known shape (`ledger/shapes.py`): whoever is no mapping takes `payload`.
    `version_token` is what the ERP checks on write (SyncToken, ETag), `modified_at` its modification time by its own
    clock, as an aware UTC instant. A deletion (`is_deleted`) may carry nothing but its id: its content is the stub.
    `text` is the content as JSON in UTF-8, byte for byte as sent, where the connector has it so.
    """

    external_id: str
    version_token: str | None
    modified_at: datetime | None
    content: Mapping[str, Any]
    is_deleted: bool = False
    text: bytes | None = None

    @property
    def payload(self) -> dict[str, Any]:
        """The content in plain dicts and lists; of a known shape it is made anew each time."""
        return plain(self.content)


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
    `wholes`: beginnings of ids, and all ids there are now that begin so: what else is held under one of them is gone.
    """

    entity: str
    records: Sequence[WireRecord]
    rejected: Sequence[RejectedRecord] = ()
    watermark: datetime | None = None
    is_cut_short: bool = False
    wholes: Mapping[str, frozenset[str]] = field(default_factory=dict)


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
class ReportedDocument:
    """One document that a report of the ERP's lists as open; `home_amount` is in its home currency, credits negative.

    `word` is what the ERP calls it; `entity` is None for a kind that is not synced, or where the report does not say.
    """

    entity: str | None
    word: str
    external_id: str
    party_external_id: str
    due_date: date | None
    home_amount: Decimal


@dataclass(frozen=True, slots=True)
class ReportedParty:
    """What a report says one customer or vendor owes or is owed, in the home currency, by bucket of `ledger/ageing.py`.

    `buckets` is empty where the report tells the whole and not its age.
    """

    external_id: str
    name: str
    home_amount: Decimal
    buckets: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Reports:
    """What the ERP's own reports say of one module on the evening of `as_of`, in its home currency.

    None is what could not be read, and `failures` then says why: it is never a zero. An empty sequence was reported as
    empty. `parties_amount` and `documents_amount` are the totals that the reports themselves print. `account_amount` is
    the control account in the trial balance, signed like the parties. `notes` are what a reader has to know besides.
    """

    module: Module
    as_of: date
    home_currency: str
    parties: Sequence[ReportedParty] | None = None
    unasked: frozenset[str] = frozenset()
    """Parties that no report was asked for: what is reported of them is not known."""
    parties_amount: Decimal | None = None
    documents: Sequence[ReportedDocument] | None = None
    documents_amount: Decimal | None = None
    account_amount: Decimal | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    """How many documents of an entity the ERP counts, for those that it does count."""
    failures: Sequence[str] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What shall be true in the ERP: one record of ours, in canonical form, and what it stands on.

    In `record` and `base` references are external ids of this connection and codes are the ERP's. `base` is what both
    sides last agreed on and `held` the payload the mirror holds, which is that base as sent; both are None for a
    create. For a void or delete `record` is the base. `marker` is a text that a created document carries, so that it
    can be found again: letters, digits, '.', '_' and '-', at most 64. `party_currency` is the currency of the customer
    or vendor a document is for, empty where it is not known. `others` are external ids that a probe has found and that
    are other rows' already. `documents`: the payloads that the mirror holds of what a payment is applied to, by entity
    and external id.
    """

    entity: str
    operation: Operation
    record: Record
    base: Record | None = None
    held: Mapping[str, Any] | None = None
    external_id: str | None = None
    version_token: str | None = None
    marker: str = ""
    party_currency: str = ""
    others: frozenset[str] = frozenset()
    documents: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the ERP would refuse it, known before it is asked; `field` is a canonical field."""

    field: str
    found: str
    expected: str
    next_step: str = ""
    kind: ErrorKind = ErrorKind.VALIDATION


class Composer(Protocol):
    """Turns what is wanted into wire bodies for one company; pure. See `ErpProfile.composer`."""

    def refusals(self, wanted: Wanted) -> Sequence[Refusal]:
        """Everything that is known to be refused about it, all at once; empty if it may be sent."""
        ...

    def body(self, wanted: Wanted) -> dict[str, Any]:
        """The body to send. Raises MappingError for a value the wire cannot carry."""
        ...

    def marker_of(self, entity: str, payload: Mapping[str, Any]) -> str | None:
        """The marker that a record carries, if it is one of ours."""
        ...

    def is_part(self, body: Mapping[str, Any], found: WireRecord) -> bool:
        """Whether a record with the marker of a create is not, or not for certain, all that its body was to make: of a
        create that takes several calls some have not happened, or it is deleted, which we may have done ourselves.
        """
        ...

    def kept_of(self, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """Of the body of a create whose mark the ERP may not keep, what it is certain to keep; None for all others."""
        ...


@dataclass(frozen=True, slots=True)
class Write:
    """One intent, ready to send. `key` is its idempotency key: equal for every attempt, at most 36 characters.

    Writes with the same `batch_key` go in one call under that key, in the order given, and are repeated as one.
    """

    entity: str
    operation: Operation
    key: str
    body: dict[str, Any]
    batch_key: str | None = None
    external_id: str | None = None
    version_token: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """It is done: `record` is what the ERP holds now."""

    record: WireRecord


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing happened, and nothing will with this body: `error` says why."""

    error: TieoutError


@dataclass(frozen=True, slots=True)
class Stale:
    """Nothing happened: the ERP's record has another version. Pull, merge, plan again.

    `external_id` where a create met a record that is there already and may be the same: that is to be pulled and met.
    """

    error: TieoutError
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Deferred:
    """Nothing happened, and the same write may be sent later: too many calls, maintenance over there."""

    error: TieoutError


@dataclass(frozen=True, slots=True)
class InDoubt:
    """It may have happened: time-out, reset, 5xx, an unreadable answer. Probe before sending again."""

    error: TieoutError


Answer = Written | Refused | Stale | Deferred | InDoubt


@dataclass(frozen=True, slots=True)
class CallForecast:
    """What a long reading would cost, where the ERP counts a day's calls; by its own counts of records.

    `calls_left` is what the ERP said last of today, or what we know of it. `ends_at` assumes that nobody else calls.
    """

    calls: int
    calls_per_day: int
    calls_left: int
    ends_at: datetime

    @property
    def day_share(self) -> Decimal:
        """Which part of a day's calls it takes, in whole percent: 62 for 62 %; over 100 it takes several days."""
        return (Decimal(100) * self.calls / self.calls_per_day).quantize(Decimal(1))

    @property
    def brief(self) -> str:
        """The same for a line that says other things too."""
        return f"ends {self.ends_at:%H:%M} UTC, {self.day_share} % of the day's calls"

    def __str__(self) -> str:
        return (
            f"reading ends {self.ends_at:%H:%M} UTC, uses {self.day_share} % of the day's "
            f"{self.calls_per_day} calls ({self.calls_left} left)"
        )


@dataclass(frozen=True, slots=True)
class ConnectionReport:
    """That a connection works, and as whom: for `tieout connections test` and `doctor`.

    `granted_until` is when the grant ends if nobody uses it (a refresh token's end), None if the ERP does not say.
    `forecast` is given by an ERP that counts a day's calls. `warnings`: what it can do without, and does not have.
    """

    connection: str
    erp: str
    company_name: str
    home_currency: str
    country: str | None = None
    granted_until: datetime | None = None
    forecast: CallForecast | None = None
    warnings: Sequence[str] = ()


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
    writes_max: int
    """How many intents one call may carry."""

    def pull(self, entity: str, since: datetime | None = None, until: datetime | None = None) -> Iterator[Page]:
        """Every record of `entity` modified in [since, until), in order of modification; at least one page.

        `since` None means from the beginning, `until` None means up to now. Rows which change while this runs are given
        again rather than skipped. Deletions do not appear here: see `pull_changes` and `census`. The last page carries
        the watermark from which the next pull can start.
        """
        ...

    def pull_together(self, entities: Sequence[str]) -> Iterator[Page]:
        """Every record of all these entities, from the beginning up to now, a list that serves several read once.

        Pages and watermarks are those that `pull` gives of each; pages of several entities come in any order.
        """
        ...

    def forecast(
        self,
        entities: Sequence[str],
        *,
        is_whole: bool = True,
        is_census: bool = False,
        window: tuple[datetime, datetime] | None = None,
    ) -> CallForecast | None:
        """What reading these entities would cost: as a whole, each one's census, or what was modified in a window;
        None where the ERP does not count a day's calls.
        """
        ...

    def pull_changes(self, since: Mapping[str, datetime]) -> Iterator[Page]:
        """What changed in all named entities since each one's watermark, in the fewest calls; at least a page for each.

        Asked from `DELTA_OVERLAP` before the watermark, so a record may come again although it did not change; a claim
        that ends before even that says that the ERP's clock was set back, which whoever stores it answers by a census.
        Deletions come as records with `is_deleted`.
        """
        ...

    def pull_ids(self, entity: str, external_ids: Sequence[str], *, is_held: bool = True) -> Iterator[Page]:
        """The named records as they are now. An id the ERP does not have is simply absent; pages carry no watermark.

        `is_held`: we have them as this entity's already, so whatever has become of them; otherwise only what is of this
        entity, where one kind of record there may be of several.
        """
        ...

    def census(self, entity: str) -> Iterator[CensusPage]:
        """Every record that exists in the ERP. Raises if it cannot run to the end: a partial census proves nothing."""
        ...

    def control_totals(self) -> ControlTotals:
        """The balances the ERP itself reports, by party and by AR/AP account."""
        ...

    def reports(self, modules: Sequence[Module], as_of: date) -> Sequence[Reports]:
        """What the ERP's own reports say of each module on the evening of a day: ageing, open documents, trial balance.

        A report that fails, or does not add up in itself, is a failure in the answer and not an exception, so that the
        others still count. Raises only for what concerns all of them (authentication, authorization).
        """
        ...

    def test(self) -> ConnectionReport:
        """Make the cheapest call that proves the connection, and say what answered."""
        ...

    def fence(self, prove: Callable[[], None]) -> None:
        """Have this called right before each request that writes, behind all waiting for tokens and for permission to
        call. A TieoutError of it is why the request does not go out.
        """
        ...

    def send(self, writes: Sequence[Write]) -> Sequence[Answer]:
        """Write intents, answered each for itself in the order given; one attempt each, nothing is repeated here.

        At most `writes_max` at once, either one without a `batch_key` or several with the same. What the ERP or the
        network did to a write is its answer. Raises only for what concerns all of them before anything was sent
        (authentication, authorization), when it is certain that nothing happened.
        """
        ...

    def probe(self, write: Write, wanted: Wanted, sent_at: datetime) -> WireRecord | None:
        """Whether a write in doubt has happened: the record that it made or changed, or None if there is none.

        A create is looked for by marker, number and content among what was made since `sent_at` (by our clock; allow
        for a skew of ten minutes); an update, void or delete by id: the record is given if its version token has moved
        from the write's, whoever moved it. A create that somebody has deleted since is given with `is_deleted`, where
        it can still be read. Reads only; raises as `pull` does.
        """
        ...

    def deleted_since(self, entity: str, since: datetime) -> Sequence[str]:
        """Ids of the records that were deleted there since (by our clock, as for `probe`) and that no probe finds, as
        nothing is told of them but that; maybe of some that were deleted a while before. Empty where the ERP tells
        nothing of deletions, or no more of that time, and where a probe finds what was deleted.
        """
        ...
