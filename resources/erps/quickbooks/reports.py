"""What QuickBooks' own reports say of receivables or payables: ageing, open documents, trial balance; and its counts.

Belongs here: which reports answer which question, and reading their rows. Balances of parties and accounts as
QuickBooks keeps them with each are `client.py` (`control_totals`).

No recording of these reports is at hand: names, parameters, columns and the shape of rows are those of Intuit's report
pages, unconfirmed. The stricter reading is taken: a report that lacks its grand total, prints another one than its rows
add up to, or shows a row nobody can place, was not read. Reports are in the home currency (`Header.Currency`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from ledger.ageing import BUCKET_DAYS, BUCKETS
from ledger.money import InvalidAmountError, parse_amount
from resources.connector import Module, ReportedDocument, ReportedParty, Reports
from resources.erps.quickbooks.profile import WIRE_ENTITIES
from resources.erps.quickbooks.wire import Answer, Wire
from resources.errors import ErrorKind, TieoutError

_NAMES: Mapping[Module, tuple[str, str, str]] = {
    "ar": ("AgedReceivables", "AgedReceivableDetail", "subt_open_bal"),
    "ap": ("AgedPayables", "AgedPayableDetail", "subt_neg_open_bal"),
}
_PARTY_COLUMN: Mapping[Module, str] = {"ar": "cust_name", "ap": "vend_name"}
# The words that a detail report has for documents that are synced; what stands between them is taken off.
_WORDS = {
    "ar": {"Invoice": "invoices", "CreditMemo": "credit_memos", "Payment": "payments"},
    "ap": {
        "Bill": "bills",
        "VendorCredit": "vendor_credits",
        "BillPayment": "bill_payments",
        "BillPaymentCheck": "bill_payments",
        "BillPaymentCreditCard": "bill_payments",
    },
}
_COUNTED: Mapping[Module, Sequence[str]] = {
    "ar": ("invoices", "credit_memos", "payments"),
    "ap": ("bills", "vendor_credits", "bill_payments"),
}
_FATAL = (ErrorKind.AUTHENTICATION, ErrorKind.AUTHORIZATION)


class _UnreadableReportError(ValueError):
    """A report that cannot be what QuickBooks meant; the message says what was found and expected."""


@dataclass(slots=True)
class _Reading:
    """What has been read of one module so far."""

    wire: Wire
    module: Module
    as_of: date
    home_currency: str
    failures: list[str] = field(default_factory=list)

    def report(self, name: str, read: Any, **parameters: str) -> Any:
        """What `read` makes of one report, or None with the reason in `failures`."""
        try:
            root = self.wire.call(
                lambda quickbooks: quickbooks.get_report(name, parameters),
                lambda answer: answer.root,
                doing=f"reading the report {name}",
            )
            return read(root)
        except TieoutError as error:
            if error.kind in _FATAL:
                raise
            self.failures.append(f"{name} could not be read: found {error.found}")
        except _UnreadableReportError as error:
            self.failures.append(f"{name} was not taken: {error}")
        return None


def read_reports(
    wire: Wire,
    modules: Sequence[Module],
    as_of: date,
    *,
    home_currency: str,
    account_ids: Mapping[Module, Sequence[str]],
) -> list[Reports]:
    """The trial balance, and for each module two reports and a count for each kind of document: 11 calls for both."""
    # A trial balance without a first day begins with the fiscal year, which for these accounts is the same.
    shared = _Reading(wire, modules[0], as_of, home_currency)
    balances = shared.report("TrialBalance", lambda root: _trial_balance(shared, root), end_date=as_of.isoformat())
    return [_of_module(wire, module, shared, balances, account_ids[module]) for module in modules]


def _of_module(
    wire: Wire,
    module: Module,
    shared: _Reading,
    balances: Mapping[str, Decimal] | None,
    account_ids: Sequence[str],
) -> Reports:
    reading = _Reading(wire, module, shared.as_of, shared.home_currency, failures=list(shared.failures))
    summary_name, detail_name, open_column = _NAMES[module]
    day = reading.as_of.isoformat()
    ageing = {"report_date": day, "aging_period": str(BUCKET_DAYS), "num_periods": str(len(BUCKETS) - 1)}
    summary = reading.report(summary_name, lambda root: _summary(reading, root), **ageing)
    columns = f"tx_date,txn_type,doc_num,{_PARTY_COLUMN[module]},due_date,{open_column}"
    detail = reading.report(detail_name, lambda root: _detail(reading, root, open_column), **ageing, columns=columns)
    parties, parties_amount = summary or (None, None)
    documents, documents_amount = detail or (None, None)
    account_amount = None
    if balances is not None:
        sign = -1 if module == "ap" else 1
        account_amount = sign * sum((balances.get(one, Decimal(0)) for one in account_ids), Decimal(0))
    return Reports(
        module=module,
        as_of=reading.as_of,
        home_currency=reading.home_currency,
        parties=parties,
        parties_amount=parties_amount,
        documents=documents,
        documents_amount=documents_amount,
        account_amount=account_amount,
        counts=_counts(reading),
        failures=tuple(reading.failures),
    )


def _counts(reading: _Reading) -> dict[str, int]:
    """How many there are by QuickBooks' own count (captured for customers); what it does not count is left out."""
    counts: dict[str, int] = {}
    for entity in _COUNTED[reading.module]:
        statement = f"select count(*) from {WIRE_ENTITIES[entity].wire_name}"
        try:
            counts[entity] = reading.wire.call(
                lambda quickbooks, asked=statement: quickbooks.query(asked),
                lambda answer: _total_count(reading.wire, answer),
                doing=f"counting {entity}",
                entity=entity,
            )
        except TieoutError as error:
            if error.kind in _FATAL:
                raise
            reading.failures.append(f"{entity} could not be counted: found {error.found}")
    return counts


def _total_count(wire: Wire, answer: Answer) -> int:
    found = answer.root.get("QueryResponse")
    count = found.get("totalCount") if isinstance(found, Mapping) else None
    if isinstance(count, bool) or not isinstance(count, int):
        raise wire.damaged(f"totalCount {count!r}", "a number")
    return count


# -- reading rows ------------------------------------------------------------------------------------------------------


def _rows_of(reading: _Reading, root: Mapping[str, Any]) -> tuple[list[Any], list[str]]:
    """The rows and the columns' keys or titles; raises unless it is a whole report of the day and currency asked for.

    A report without data says so (`NoReportData`) and has no rows; one that has none and does not say so was cut short.
    """
    header, columns, rows = root.get("Header"), root.get("Columns"), root.get("Rows")
    if not (isinstance(header, Mapping) and isinstance(columns, Mapping) and isinstance(rows, Mapping)):
        raise _UnreadableReportError("found an answer without Header, Columns and Rows, expected a report")
    currency = header.get("Currency", reading.home_currency)
    if currency != reading.home_currency:
        raise _UnreadableReportError(f"found amounts in {currency}, expected the home currency {reading.home_currency}")
    day = header.get("EndPeriod") or header.get("StartPeriod")
    if day is not None and day != reading.as_of.isoformat():
        raise _UnreadableReportError(f"found a report of {day}, expected one of {reading.as_of}")
    found = rows.get("Row", [])
    listed = columns.get("Column", [])
    if not isinstance(found, list) or not isinstance(listed, list):
        raise _UnreadableReportError("found rows or columns that are no lists, expected lists")
    options = {o.get("Name"): o.get("Value") for o in header.get("Option", []) if isinstance(o, Mapping)}
    if not found and options.get("NoReportData") != "true":
        raise _UnreadableReportError("found no rows and no word that there are none, expected rows: it was cut short")
    return found, [_column_key(one) for one in listed]


def _column_key(column: Any) -> str:
    if not isinstance(column, Mapping):
        raise _UnreadableReportError(f"found the column {column!r}, expected an object")
    keys = [m.get("Value") for m in column.get("MetaData", []) if isinstance(m, Mapping) and m.get("Name") == "ColKey"]
    return str(keys[0] if keys else column.get("ColTitle", ""))


def _data_rows(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The cells of every row that is no heading and no total, sections and sub-customers opened."""
    for row in rows:
        if not isinstance(row, Mapping):
            raise _UnreadableReportError(f"found {row!r} as a row, expected an object")
        inner = row.get("Rows")
        if isinstance(inner, Mapping):
            header = row.get("Header")
            cells = header.get("ColData", []) if isinstance(header, Mapping) else []
            # A customer with sub-customers may have amounts of its own in the heading of its section.
            if len(cells) > 1 and cells[0].get("id") and any(str(c.get("value", "")).strip() for c in cells[1:]):
                yield cells
            yield from _data_rows(inner.get("Row", []))
        elif isinstance(row.get("ColData"), list):
            yield row["ColData"]


def _grand_total(rows: Sequence[Any]) -> Sequence[Any]:
    """The cells of the last total; raises where there is none, because then the end of the report is missing."""
    last = rows[-1] if rows else None
    summary = last.get("Summary") if isinstance(last, Mapping) else None
    cells = summary.get("ColData") if isinstance(summary, Mapping) else None
    if not isinstance(cells, list) or isinstance(last.get("Rows"), Mapping) or last.get("Header") is not None:
        raise _UnreadableReportError("found no grand total at the end, expected one: it was cut short")
    return cells


def _amount(cell: Any) -> Decimal:
    text = str(cell.get("value", "") if isinstance(cell, Mapping) else cell).strip()
    if not text:
        return Decimal(0)
    try:
        return parse_amount(text)
    except InvalidAmountError as error:
        raise _UnreadableReportError(f"found the amount {text[:40]!r}, expected {error}") from None


def _same(what: str, printed: Decimal, summed: Decimal) -> None:
    if printed != summed:
        raise _UnreadableReportError(f"found {printed:,.2f} as {what} and rows that add up to {summed:,.2f}")


def _summary(reading: _Reading, root: Mapping[str, Any]) -> tuple[list[ReportedParty], Decimal]:
    """The parties of an ageing report, and its total. Blank cells are nothing (published samples)."""
    rows, columns = _rows_of(reading, root)
    if not rows:
        return [], Decimal(0)
    width = len(BUCKETS) + 2
    if len(columns) != width:
        raise _UnreadableReportError(f"found {len(columns)} columns, expected a name, {len(BUCKETS)} buckets, a total")
    parties: dict[str, ReportedParty] = {}
    sums = [Decimal(0)] * (width - 1)
    for cells in _data_rows(rows):
        if len(cells) != width:
            raise _UnreadableReportError(f"found a row of {len(cells)} cells, expected {width}")
        key, name = str(cells[0].get("id", "")), str(cells[0].get("value", ""))
        amounts = [_amount(cell) for cell in cells[1:]]
        _same(f"the total of {name}", amounts[-1], sum(amounts[:-1], Decimal(0)))
        if key in parties:
            raise _UnreadableReportError(f"found {name} ({key}) twice, expected each party once")
        buckets = {title: amount for title, amount in zip(BUCKETS, amounts, strict=False) if amount}
        parties[key] = ReportedParty(key, name, amounts[-1], buckets)
        sums = [total + amount for total, amount in zip(sums, amounts, strict=True)]
    printed = [_amount(cell) for cell in _grand_total(rows)[1:]]
    for title, total, summed in zip((*BUCKETS, "the grand total"), printed, sums, strict=True):
        _same(title, total, summed)
    return list(parties.values()), printed[-1]


def _detail(reading: _Reading, root: Mapping[str, Any], open_column: str) -> tuple[list[ReportedDocument], Decimal]:
    """The open documents of a detail report, and its total. The document's id stands with its type."""
    rows, columns = _rows_of(reading, root)
    if not rows:
        return [], Decimal(0)
    try:
        places = {
            name: columns.index(key)
            for name, key in (
                ("type", "txn_type"),
                ("party", _PARTY_COLUMN[reading.module]),
                ("due", "due_date"),
                ("open", open_column),
            )
        }
    except ValueError:
        raise _UnreadableReportError(f"found the columns {', '.join(columns)}, expected those asked for") from None
    documents: list[ReportedDocument] = []
    for cells in _data_rows(rows):
        if len(cells) != len(columns):
            raise _UnreadableReportError(f"found a row of {len(cells)} cells, expected {len(columns)}")
        kind = cells[places["type"]]
        word, key = str(kind.get("value", "")), str(kind.get("id", ""))
        if not key:
            raise _UnreadableReportError(f"found a {word or 'row'} without an id, expected one")
        documents.append(
            ReportedDocument(
                entity=_WORDS[reading.module].get(re.sub(r"[^A-Za-z]", "", word)),
                word=word,
                external_id=key,
                party_external_id=str(cells[places["party"]].get("id", "")),
                due_date=_day(cells[places["due"]].get("value", "")),
                home_amount=_amount(cells[places["open"]]),
            )
        )
    total = _amount(_grand_total(rows)[places["open"]])
    _same("the grand total", total, sum((one.home_amount for one in documents), Decimal(0)))
    return documents, total


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _trial_balance(reading: _Reading, root: Mapping[str, Any]) -> dict[str, Decimal]:
    """Account id -> balance, debits positive. An account with nothing on it is left out by QuickBooks."""
    rows, columns = _rows_of(reading, root)
    if not rows:
        return {}
    if len(columns) != 3:
        raise _UnreadableReportError(f"found {len(columns)} columns, expected account, debit and credit")
    balances: dict[str, Decimal] = {}
    sums = [Decimal(0), Decimal(0)]
    for cells in _data_rows(rows):
        debit, credit = (_amount(cell) for cell in cells[1:3])
        balances[str(cells[0].get("id", ""))] = debit - credit
        sums = [sums[0] + debit, sums[1] + credit]
    for title, cell, summed in zip(("all debits", "all credits"), _grand_total(rows)[1:3], sums, strict=True):
        _same(title, _amount(cell), summed)
    if sums[0] != sums[1]:
        raise _UnreadableReportError(f"found debits of {sums[0]:,.2f} and credits of {sums[1]:,.2f}, expected equal")
    return balances
