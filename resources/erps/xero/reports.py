"""What Xero's own lists and reports say of receivables or payables: open items, contacts' ageing, the trial balance.

Belongs here: which of them answer which question, and reading their rows. Contacts' balances by currency are
`totals.py`. Shape and parameters of reports are those of the published description (AgedReceivablesByContact,
AgedPayablesByContact, TrialBalance); that their amounts are in the base currency is not confirmed. A report of which
the total is missing or another one than its rows add up to was not read, nor was one for which a scope is missing:
either is a failure beside the lists, which are read all the same.

Xero has no ageing of all contacts at once, and each contact's costs a call of the minute's 60: so what is open is read
from the lists of open items, held against every contact's own balance, and for the largest contacts against the report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ledger.ageing import ageing_bucket
from ledger.money import InvalidAmountError, parse_amount
from resources.connector import Module, ReportedDocument, ReportedParty, Reports
from resources.erps.xero import profile
from resources.erps.xero.documents import exact
from resources.erps.xero.lists import Walk
from resources.erps.xero.profile import Resource
from resources.erps.xero.records import PREFIXES
from resources.erps.xero.scopes import AGED_REPORTS, TRIAL_BALANCE, lacking, lacks_scope
from resources.erps.xero.values import read_day
from resources.erps.xero.wire import Answer, Wire
from resources.errors import ErrorKind, TieoutError

REPORTED_CONTACTS_MAX = 3
# The report reaches back two years unless told otherwise, and shows what is older as one opening balance.
SINCE_EVER = date(1990, 1, 1)
_METHODS: Mapping[Module, tuple[str, str, str]] = {
    "ar": ("get_report_aged_receivables_by_contact", "AccountsReceivable", "DEBTORS"),
    "ap": ("get_report_aged_payables_by_contact", "AccountsPayable", "CREDITORS"),
}
_OPEN = 'Status=="AUTHORISED"'
_INVOICES: Mapping[Module, str] = {"ar": "invoices", "ap": "bills"}
_CREDITS: Mapping[Module, str] = {"ar": "credit_memos", "ap": "vendor_credits"}
_PAYERS: Mapping[Module, str] = {"ar": "payments", "ap": "bill_payments"}
# Which entity its rows are, what is open of them, and whether that raises or lowers the balance.
_LISTS: Mapping[Resource, tuple[Mapping[Module, str], str, int]] = {
    profile.INVOICES: (_INVOICES, "AmountDue", 1),
    profile.CREDIT_NOTES: (_CREDITS, "RemainingCredit", -1),
    profile.OVERPAYMENTS: (_PAYERS, "RemainingCredit", -1),
    profile.PREPAYMENTS: (_PAYERS, "RemainingCredit", -1),
}
_MODULES: Mapping[str, Module] = {
    **dict.fromkeys(("ACCREC", "ACCRECCREDIT"), "ar"),
    **dict.fromkeys(("RECEIVE-OVERPAYMENT", "AROVERPAYMENT", "RECEIVE-PREPAYMENT", "ARPREPAYMENT"), "ar"),
    **dict.fromkeys(("ACCPAY", "ACCPAYCREDIT"), "ap"),
    **dict.fromkeys(("SPEND-OVERPAYMENT", "APOVERPAYMENT", "SPEND-PREPAYMENT", "APPREPAYMENT"), "ap"),
}
_CENT = Decimal("0.01")
# Balances in several currencies are rounded by document or by sum: a few cents a contact are no contradiction.
_ROUNDED = Decimal("0.05")
_FATAL = (ErrorKind.AUTHENTICATION, ErrorKind.AUTHORIZATION)
_CELLS = 8
_DUE = 7


class _UnreadableReportError(ValueError):
    """A report that cannot be what Xero meant; the message says what was found and expected."""


def read_reports(wire: Wire, modules: Sequence[Module], as_of: date, *, base_currency: str) -> list[Reports]:
    """Four lists of open items, the contacts, the accounts, the trial balance, and each module's largest contacts.

    Lists tell what is open now, so `as_of` has to be today: what later payments took is not put back.
    """
    contacts = list(_contacts(wire))
    documents: dict[Module, list[ReportedDocument]] = {"ar": [], "ap": []}
    for resource in _LISTS:
        for module, one in _open_items(wire, resource, as_of):
            documents[module].append(one)
    failures: list[str] = []
    accounts = _account_amounts(wire, as_of, failures)
    found: list[Reports] = []
    for module in modules:
        names = {contact_id: name for contact_id, name, _ in contacts}
        parties = _parties_of(documents[module], names, as_of)
        own = [
            *failures,
            *_against_balances(module, contacts, parties, base_currency),
            *_against_reports(wire, module, contacts, parties, as_of, base_currency),
        ]
        found.append(
            Reports(
                module=module,
                as_of=as_of,
                home_currency=base_currency,
                parties=list(parties.values()),
                documents=documents[module],
                account_amount=accounts.get(module),
                failures=tuple(own),
            )
        )
    return found


_Contact = tuple[str, str, Mapping[Module, Decimal]]


def _against_balances(
    module: Module, contacts: Sequence[_Contact], parties: Mapping[str, ReportedParty], base_currency: str
) -> Iterator[str]:
    """Contacts whose own balance is not the sum of their open items."""
    for contact_id, name, balances in contacts:
        listed = parties[contact_id].home_amount if contact_id in parties else Decimal(0)
        if abs(listed - balances[module]) > _ROUNDED:
            yield (
                f"open items of {name} add up to {listed:,.2f} {base_currency}, its balance is {balances[module]:,.2f}"
            )


def _against_reports(
    wire: Wire,
    module: Module,
    contacts: Sequence[_Contact],
    parties: Mapping[str, ReportedParty],
    as_of: date,
    base_currency: str,
) -> Iterator[str]:
    """The largest contacts whose ageing report is not the sum of their open items, or could not be read."""
    owing = sorted((one for one in contacts if one[2][module]), key=lambda one: (-abs(one[2][module]), one[0]))
    for contact_id, name, _ in owing[:REPORTED_CONTACTS_MAX]:
        try:
            root = wire.read(
                _METHODS[module][0],
                lambda answer: answer.root,
                contact_id,
                doing=f"reading the ageing of {name}",
                date=as_of,
                from_date=SINCE_EVER,
                to_date=as_of,
            )
            reported = _closing_balance(root)
        except TieoutError as error:
            if lacks_scope(error):
                yield f"ageing by contact could not be read: {lacking(AGED_REPORTS)}"
                return
            if error.kind in _FATAL:
                raise
            yield f"ageing of {name} could not be read: found {error.found}"
            continue
        except _UnreadableReportError as error:
            yield f"ageing of {name} was not taken: {error}"
            continue
        listed = parties[contact_id].home_amount if contact_id in parties else Decimal(0)
        if abs(reported - listed) > _ROUNDED:
            yield f"ageing of {name} says {reported:,.2f} {base_currency}, its open items {listed:,.2f}"


def _contacts(wire: Wire) -> Iterator[_Contact]:
    """Every contact with what is outstanding on either side, in the base currency."""
    for batch in Walk(wire, profile.CONTACTS, entity="control totals").pages():
        for row in batch.rows:
            balances = row.get("Balances") if isinstance(row, Mapping) else None
            amounts: dict[Module, Decimal] = {}
            for module, (_, side, _) in _METHODS.items():
                found = balances.get(side) if isinstance(balances, Mapping) else None
                amounts[module] = exact(found.get("Outstanding")) if isinstance(found, Mapping) else Decimal(0)
            yield str(row.get("ContactID")), str(row.get("Name") or ""), amounts


def _open_items(wire: Wire, resource: Resource, as_of: date) -> Iterator[tuple[Module, ReportedDocument]]:
    """What a list shows as open and dated by then; a credit ages from its own date, as in the ledger."""
    entity, field, sign = _LISTS[resource]
    for batch in Walk(wire, resource, entity="control totals", where=_OPEN, is_summary=True).pages():
        for row in batch.rows:
            module = _MODULES.get(str(row.get("Type"))) if isinstance(row, Mapping) else None
            if module is None:
                raise wire.damaged(f"an open item of {resource.name} without a known Type", "one of those documented")
            day = read_day(row.get("Date"))
            amount = exact(row.get(field))
            if not amount or (day is not None and day > as_of):
                continue
            contact = row.get("Contact")
            rate = exact(row.get("CurrencyRate"))
            home = amount if rate in (0, 1) else (amount / rate).quantize(_CENT, ROUND_HALF_UP)
            yield (
                module,
                ReportedDocument(
                    entity=entity[module],
                    word=resource.name,
                    external_id=f"{PREFIXES.get(resource, '')}{row.get(resource.key)}",
                    party_external_id=str(contact.get("ContactID")) if isinstance(contact, Mapping) else "",
                    due_date=(read_day(row.get("DueDate")) if sign > 0 else None) or day,
                    home_amount=sign * home,
                ),
            )


def _parties_of(
    documents: Sequence[ReportedDocument], names: Mapping[str, str], as_of: date
) -> dict[str, ReportedParty]:
    sums: dict[str, dict[str, Decimal]] = {}
    for one in documents:
        buckets = sums.setdefault(one.party_external_id, {})
        bucket = ageing_bucket(one.due_date or as_of, as_of)
        buckets[bucket] = buckets.get(bucket, Decimal(0)) + one.home_amount
    return {
        party: ReportedParty(party, names.get(party, ""), sum(buckets.values(), Decimal(0)), buckets)
        for party, buckets in sums.items()
    }


def _account_amounts(wire: Wire, as_of: date, failures: list[str]) -> dict[Module, Decimal]:
    """What the trial balance shows on each module's system account, signed like the contacts' balances."""
    try:
        rows = wire.read("get_accounts", _accounts_of, doing="reading the accounts")
        root = wire.read("get_report_trial_balance", lambda answer: answer.root, doing="reading it", date=as_of)
        found: dict[Module, Decimal] = {}
        for module, (_, _, system_account) in _METHODS.items():
            wanted = {str(row.get("AccountID")) for row in rows if row.get("SystemAccount") == system_account}
            if not wanted:
                raise _UnreadableReportError(f"found no account with SystemAccount {system_account}, expected one")
            found[module] = (-1 if module == "ap" else 1) * _of_trial_balance(root, wanted)
        return found
    except TieoutError as error:
        if error.kind in _FATAL and not lacks_scope(error):
            raise
        why = lacking(TRIAL_BALANCE) if lacks_scope(error) else f"found {error.found}"
        failures.append(f"TrialBalance could not be read: {why}")
    except _UnreadableReportError as error:
        failures.append(f"TrialBalance was not taken: {error}")
    return {}


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


def _closing_balance(root: Any) -> Decimal:
    """What one contact's ageing ends with, once its rows have been added up."""
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
                summed += amount
    if closing is None:
        raise _UnreadableReportError("found no Closing Balance, expected one at the end: it was cut short")
    if closing != opening + summed:
        raise _UnreadableReportError(f"found {closing:,.2f} as Closing Balance and rows of {opening + summed:,.2f}")
    return closing


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
