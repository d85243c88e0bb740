"""The books: what a transaction does to the balances of customers, vendors and accounts.

Belongs here: amounts, and balances moved by differences (after minus before of what was touched), never by adding the
company up again, so given balances of a loaded company stay what they are but for the change. What a write changes in
linked transactions is `links.py`. Facts: reference section 7.

Stored balances are those of balance sheet accounts only, as the service shows 0 on all others; the whole double entry
is `entries.py`, its sums are `ledger.py`, stock is `stock.py`.
"""

from collections import defaultdict
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from sandbox.quickbooks import defaults, stock, wire
from sandbox.quickbooks.booked import document
from sandbox.quickbooks.chart import CONTROLS, Chart
from sandbox.quickbooks.entries import POSTING, Entry, entries
from sandbox.quickbooks.ledger import Ledger, open_items
from sandbox.quickbooks.work import TIME, Key, Work

Amounts = dict[Any, Decimal]

PAYERS = {"Payment": ("Invoice",), "BillPayment": ("Bill",)}
"""What each kind of payment pays; the credits it may use up are CREDITS."""
CREDITS = {"Payment": ("CreditMemo",), "BillPayment": ("VendorCredit",)}

CENT = Decimal("0.01")
_WIDE = Context(prec=60)


def cents(amount: Any) -> Decimal:
    return Decimal(amount).quantize(CENT, ROUND_HALF_UP, _WIDE)


def tidy(amount: Decimal) -> Decimal | int:
    """An amount as the service shows computed ones: 0 and not 0.00."""
    return amount if amount else 0


def allocations(value: dict[str, Any] | None) -> dict[Key, Decimal]:
    """What the lines of a payment are applied to: amount by (type, Id)."""
    found: dict[Key, Decimal] = defaultdict(Decimal)
    for line in (value or {}).get("Line", ()):
        for link in line.get("LinkedTxn", ())[:1]:
            found[(link.get("TxnType", ""), str(link.get("TxnId", "")))] += Decimal(line.get("Amount", 0))
    return dict(found)


def unapplied(payer: str, value: dict[str, Any]) -> Decimal:
    """The part of a payment that pays nothing yet: total minus what is paid plus the credits used."""
    left = Decimal(value.get("TotalAmt", 0))
    for (kind, _), amount in allocations(value).items():
        left += amount if kind in CREDITS[payer] else -amount
    return left


def set_balance(kind: str, value: dict[str, Any], balance: Decimal) -> None:
    value["Balance"] = tidy(balance)
    if kind == "CreditMemo":
        value["RemainingCredit"] = tidy(balance)
    if "HomeBalance" in value:
        value["HomeBalance"] = tidy(cents(balance * Decimal(value.get("ExchangeRate", 1))))


def open_balance(kind: str, value: dict[str, Any]) -> Decimal:
    return Decimal(
        value.get("RemainingCredit" if kind == "CreditMemo" and "RemainingCredit" in value else "Balance", 0)
    )


def party_of(value: dict[str, Any]) -> str:
    return (value.get("CustomerRef") or value.get("VendorRef") or {}).get("value", "")


def settle(work: Work, ledger: Ledger) -> None:
    """Move the balances of parties and accounts, and stock, by what the touched transactions differ from before.

    Raises Refusal when an entry on A/R or A/P names nobody.
    """
    touched = [(at, before, after) for at, before, after in work.changed() if at[0] in POSTING]
    for (entity, _), _, after in touched:
        if after is not None and entity in _CONTROLLED:
            control_account(work, _CONTROLLED[entity], after)
    chart = _chart(work, ledger)
    documents = [
        (at, *(document(wire.encode(value)) if value is not None else None for value in (before, after)))
        for at, before, after in touched
    ]
    parties: Amounts = defaultdict(Decimal)
    accounts: Amounts = defaultdict(Decimal)
    for (entity, _), before, after in documents:
        for sign, value in ((-1, before), (1, after)):
            if value is None:
                continue
            for item in open_items(entity, value, chart):
                if item.party:
                    parties[(item.side, item.party)] += sign * item.open
            found = entries(entity, value, chart)
            if sign > 0:
                _check_parties(entity, found, chart)
            for entry in found:
                is_home = chart.currency_of(entry.account) == chart.home
                accounts[entry.account] += sign * (entry.home if is_home else entry.amount)
    for account, change in stock.move(work, ledger, chart, documents):
        accounts[account] += change
    for (kind, key), change in parties.items():
        if change:
            _move_party(work, kind, key, change)
    for account, change in accounts.items():
        if change:
            _move_account(work, account, change)


_CONTROLLED = {
    "Invoice": "Accounts Receivable",
    "CreditMemo": "Accounts Receivable",
    "Payment": "Accounts Receivable",
    "Bill": "Accounts Payable",
    "VendorCredit": "Accounts Payable",
    "BillPayment": "Accounts Payable",
}


def _chart(work: Work, ledger: Ledger) -> Chart:
    """The company's chart with the accounts opened in this write."""
    opened = [value for (entity, _), before, value in work.changed() if entity == "Account" and before is None]
    return ledger.chart.with_accounts([wire.encode(each) for each in opened if each]) if opened else ledger.chart


def _check_parties(entity: str, found: list[Entry], chart: Chart) -> None:
    """Nobody owes what is on A/R or A/P without a name, so the sums of names and accounts would part. That such
    lines are refused is not confirmed by a recording.
    """
    controls = [entry for entry in found if chart.type_of(entry.account) in CONTROLS]
    for entry in controls:
        kind = chart.type_of(entry.account)
        side = "Customer" if kind == CONTROLS[0] else "Vendor"
        if entry.party is None or entry.party[0] != side:
            raise wire.business(f"When you use {kind}, you must choose a {side.lower()} in the Name field.")
    if entity in ("Bill", "VendorCredit") and len(controls) > 1:
        raise wire.business(f"A line of a {entity} cannot be on {chart.type_of(controls[-1].account)}.")


def _move_party(work: Work, kind: str, key: str, change: Decimal) -> None:
    party = work.get(kind, key)
    if party is None:
        return
    party["Balance"] = tidy(Decimal(party.get("Balance", 0)) + change)
    work.touch(kind, key, TIME)
    while kind == "Customer" and party is not None:
        party["BalanceWithJobs"] = tidy(Decimal(party.get("BalanceWithJobs", party.get("Balance", 0))) + change)
        work.touch(kind, party["Id"], TIME)
        parent = party.get("ParentRef", {}).get("value")
        party = work.get(kind, parent) if parent else None


def _move_account(work: Work, key: str, change: Decimal) -> None:
    account = work.get("Account", key)
    if account is None or account.get("Classification") not in ("Asset", "Liability", "Equity"):
        return
    account["CurrentBalance"] = tidy(Decimal(account.get("CurrentBalance", 0)) + change)
    work.touch("Account", key, TIME)
    above: dict[str, Any] | None = account
    while above is not None:
        above["CurrentBalanceWithSubAccounts"] = tidy(Decimal(above.get("CurrentBalanceWithSubAccounts", 0)) + change)
        work.touch("Account", above["Id"], TIME)
        parent = above.get("ParentRef", {}).get("value")
        above = work.get("Account", parent) if parent else None


def find_account(work: Work, path: str, value: str) -> str:
    """The Id of the first account with this property, "" when there is none."""
    keys = work.store.tables["Account"].equal(path, value)
    return min(keys, key=lambda key: (len(key), key), default="")


def control_account(work: Work, kind: str, value: dict[str, Any]) -> str:
    """The A/R or A/P account of a document:
    the one it names, else the one of its currency, opened when there is none yet.
    """
    named = value.get("ARAccountRef" if kind == "Accounts Receivable" else "APAccountRef", {}).get("value")
    if named:
        return named
    currency = value.get("CurrencyRef") or {"value": "USD", "name": "United States Dollar"}
    table = work.store.tables["Account"]
    candidates = sorted(table.equal("AccountType", kind), key=lambda key: (len(key), key))
    for key in candidates:
        account = work.get("Account", key)
        if account is not None and account.get("CurrencyRef", {}).get("value", currency["value"]) == currency["value"]:
            return key
    short = "A/R" if kind == "Accounts Receivable" else "A/P"
    for (entity, key), _, present in work.changed():
        is_new = entity == "Account" and present is not None and present.get("AccountType") == kind
        if is_new and present["CurrencyRef"]["value"] == currency["value"]:
            return key
    opened = defaults.account(
        work.store.next_id("account"),
        f"{kind} ({short}) - {currency['value']}",
        kind,
        defaults.SUBTYPES[kind],
        currency,
    )
    work.replace("Account", opened)
    return opened["Id"]
