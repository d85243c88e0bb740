"""What Xero's own reports say of receivables or payables: each contact's ageing, and the trial balance.

Belongs here: which reports answer which question, and reading their rows. Contacts' balances and open items as lists
are `totals.py`. Shape and parameters are those of the published description (AgedReceivablesByContact,
AgedPayablesByContact, TrialBalance); that amounts are in the base currency and that a row's id may be a credit note's
is not confirmed. A report of which the total is missing or another one than its rows add up to was not read.

There is one ageing report a contact, so each costs a call of the day's: only contacts with something outstanding by
Xero's own balance are asked for, the largest first, up to REPORTED_CONTACTS_MAX.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from ledger.ageing import OVER_90, ageing_bucket
from ledger.money import InvalidAmountError, parse_amount
from resources.connector import Module, ReportedDocument, ReportedParty, Reports
from resources.erps.xero import profile
from resources.erps.xero.documents import exact
from resources.erps.xero.lists import Walk
from resources.erps.xero.wire import Answer, Wire
from resources.errors import ErrorKind, TieoutError

REPORTED_CONTACTS_MAX = 200
# The report reaches back two years unless told otherwise, and shows what is older as one opening balance.
SINCE_EVER = date(1990, 1, 1)
_METHODS: Mapping[Module, tuple[str, str, str]] = {
    "ar": ("get_report_aged_receivables_by_contact", "AccountsReceivable", "DEBTORS"),
    "ap": ("get_report_aged_payables_by_contact", "AccountsPayable", "CREDITORS"),
}
_FATAL = (ErrorKind.AUTHENTICATION, ErrorKind.AUTHORIZATION)
_CELLS = 8
_DUE_DATE, _DUE = 2, 7


class _UnreadableReportError(ValueError):
    """A report that cannot be what Xero meant; the message says what was found and expected."""


@dataclass(frozen=True, slots=True)
class _Aged:
    party: ReportedParty
    documents: Sequence[ReportedDocument]
    opening_amount: Decimal


def read_reports(wire: Wire, module: Module, as_of: date, *, base_currency: str) -> Reports:
    """One call a contact with something outstanding, and three for the trial balance, contacts and accounts."""
    method, side, system_account = _METHODS[module]
    failures: list[str] = []
    notes: list[str] = []
    contacts = list(_contacts(wire, side))
    asked = sorted((one for one in contacts if one[2]), key=lambda one: (-abs(one[2]), one[0]))
    unasked = {contact_id for contact_id, _, amount in contacts if not amount}
    if len(asked) > REPORTED_CONTACTS_MAX:
        left_out = asked[REPORTED_CONTACTS_MAX:]
        unasked |= {contact_id for contact_id, _, _ in left_out}
        notes.append(
            f"the ageing of {len(left_out)} contacts was not asked for, because each costs a call: "
            f"the {REPORTED_CONTACTS_MAX} largest were"
        )
    parties: list[ReportedParty] = []
    documents: list[ReportedDocument] = []
    for contact_id, name, _ in asked[:REPORTED_CONTACTS_MAX]:
        try:
            root = wire.read(
                method,
                lambda answer: answer.root,
                contact_id,
                doing=f"reading the ageing of {name}",
                date=as_of,
                from_date=SINCE_EVER,
                to_date=as_of,
            )
            aged = _aged(root, contact_id, name, as_of)
        except TieoutError as error:
            if error.kind in _FATAL:
                raise
            failures.append(f"the ageing of {name} could not be read: found {error.found}")
            unasked.add(contact_id)
            continue
        except _UnreadableReportError as error:
            failures.append(f"the ageing of {name} was not taken: {error}")
            unasked.add(contact_id)
            continue
        parties.append(aged.party)
        documents += aged.documents
        if aged.opening_amount:
            notes.append(f"{aged.opening_amount:,.2f} of {name} is in an opening balance, whose age Xero does not tell")
    return Reports(
        module=module,
        as_of=as_of,
        home_currency=base_currency,
        parties=parties,
        unasked=frozenset(unasked),
        documents=documents,
        account_amount=_account_amount(wire, as_of, system_account, failures),
        failures=tuple(failures),
        notes=tuple(notes),
    )


def _contacts(wire: Wire, side: str) -> Iterator[tuple[str, str, Decimal]]:
    """(id, name, what is outstanding in the base currency) of every contact."""
    for batch in Walk(wire, profile.CONTACTS, entity="control totals").pages():
        for row in batch.rows:
            balances = row.get("Balances") if isinstance(row, Mapping) else None
            found = balances.get(side) if isinstance(balances, Mapping) else None
            amount = exact(found.get("Outstanding")) if isinstance(found, Mapping) else Decimal(0)
            yield str(row.get("ContactID")), str(row.get("Name") or ""), amount


def _account_amount(wire: Wire, as_of: date, system_account: str, failures: list[str]) -> Decimal | None:
    """What the trial balance shows on the module's system account, signed like the contacts' balances."""
    try:
        rows = wire.read("get_accounts", _accounts_of, doing="reading the accounts")
        wanted = {str(row.get("AccountID")) for row in rows if row.get("SystemAccount") == system_account}
        if not wanted:
            raise _UnreadableReportError(f"found no account with SystemAccount {system_account}, expected one")
        root = wire.read("get_report_trial_balance", lambda answer: answer.root, doing="reading it", date=as_of)
        sign = -1 if system_account == "CREDITORS" else 1
        return sign * _of_trial_balance(root, wanted)
    except TieoutError as error:
        if error.kind in _FATAL:
            raise
        failures.append(f"TrialBalance could not be read: found {error.found}")
    except _UnreadableReportError as error:
        failures.append(f"TrialBalance was not taken: {error}")
    return None


def _accounts_of(answer: Answer) -> list[Mapping[str, Any]]:
    found = answer.root.get("Accounts") if isinstance(answer.root, Mapping) else None
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []


# -- reading rows ------------------------------------------------------------------------------------------------------


def _sections(root: Any) -> list[Mapping[str, Any]]:
    reports = root.get("Reports") if isinstance(root, Mapping) else None
    report = reports[0] if isinstance(reports, list) and len(reports) == 1 else None
    rows = report.get("Rows") if isinstance(report, Mapping) else None
    if not isinstance(rows, list) or not rows:
        raise _UnreadableReportError("found no single report with rows, expected one")
    return [row for row in rows if isinstance(row, Mapping) and row.get("RowType") == "Section"]


def _rows(section: Mapping[str, Any]) -> Iterator[tuple[str, list[str], str]]:
    """(row type, texts of its cells, the id in its attributes)."""
    for row in section.get("Rows", []):
        cells = row.get("Cells", []) if isinstance(row, Mapping) else []
        keys = [
            str(attribute.get("Value"))
            for cell in cells
            for attribute in cell.get("Attributes", [])
            if isinstance(attribute, Mapping)
        ]
        yield str(row.get("RowType")), [str(cell.get("Value", "")) for cell in cells], keys[0] if keys else ""


def _amount(text: str) -> Decimal:
    try:
        return parse_amount(text) if text else Decimal(0)
    except InvalidAmountError as error:
        raise _UnreadableReportError(f"found the amount {text[:40]!r}, expected {error}") from None


def _aged(root: Any, contact_id: str, name: str, as_of: date) -> _Aged:
    buckets: dict[str, Decimal] = {}
    documents: list[ReportedDocument] = []
    opening = summed = Decimal(0)
    closing: Decimal | None = None
    for section in _sections(root):
        for kind, cells, key in _rows(section):
            if len(cells) != _CELLS:
                raise _UnreadableReportError(f"found a row of {len(cells)} cells, expected {_CELLS}")
            amount = _amount(cells[_DUE])
            if kind == "SummaryRow" and cells[0] == "Closing Balance":
                closing = amount
            elif kind == "Row" and cells[1] == "Opening Balance" and not key:
                opening = amount
            elif kind == "Row":
                due = _day(cells[_DUE_DATE]) or _day(cells[0])
                if due is None or not key:
                    raise _UnreadableReportError(f"found the row {cells[:3]} without a day or an id, expected both")
                bucket = ageing_bucket(due, as_of)
                buckets[bucket] = buckets.get(bucket, Decimal(0)) + amount
                documents.append(ReportedDocument(None, "", key, contact_id, due, amount))
                summed += amount
    if closing is None:
        raise _UnreadableReportError("found no Closing Balance, expected one at the end: it was cut short")
    if closing != opening + summed:
        raise _UnreadableReportError(f"found {closing:,.2f} as Closing Balance and rows of {opening + summed:,.2f}")
    if opening:
        # Everything in it is older than any bucket has days.
        buckets[OVER_90] = buckets.get(OVER_90, Decimal(0)) + opening
    found = {title: amount for title, amount in buckets.items() if amount}
    return _Aged(ReportedParty(contact_id, name, closing, found), documents, opening)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _of_trial_balance(root: Any, accounts: set[str]) -> Decimal:
    """The balance of these accounts, debits positive, from the year-to-date columns; raises if it does not balance."""
    found, debits, credits = Decimal(0), Decimal(0), Decimal(0)
    total: list[Decimal] | None = None
    for section in _sections(root):
        for kind, cells, key in _rows(section):
            if len(cells) != 5:
                raise _UnreadableReportError(f"found a row of {len(cells)} cells, expected 5")
            debit, credit = _amount(cells[3]), _amount(cells[4])
            if kind == "SummaryRow":
                total = [debit, credit]
                continue
            debits, credits = debits + debit, credits + credit
            if key in accounts:
                found += debit - credit
    if total is None:
        raise _UnreadableReportError("found no Total, expected one at the end: it was cut short")
    if total != [debits, credits] or debits != credits:
        raise _UnreadableReportError(
            f"found totals of {total[0]:,.2f} and {total[1]:,.2f}, rows of {debits:,.2f} and {credits:,.2f}, "
            "expected them equal"
        )
    return found
