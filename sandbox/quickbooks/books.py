"""The books: what a transaction does to the balances of customers, vendors and accounts.

Belongs here: amounts, and balances moved by differences (after minus before of what was touched), never by adding the
company up again, so given balances of a loaded company stay what they are but for the change. What a write changes in
linked transactions is `links.py`. Facts: reference section 7.

Postings are made to balance sheet accounts only, as the service shows 0 on all others; inventory quantities and cost
are not moved.
"""

from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from sandbox.quickbooks import defaults
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


def settle(work: Work) -> None:
    """Move the balances of parties and accounts by what the touched transactions differ from before."""
    parties: Amounts = defaultdict(Decimal)
    accounts: Amounts = defaultdict(Decimal)
    for (entity, _), before, after in work.changed():
        for sign, value in ((-1, before), (1, after)):
            if value is None:
                continue
            for party, amount in _owed(work, entity, value):
                parties[party] += sign * amount
            for account, amount in _postings(work, entity, value):
                accounts[account] += sign * amount
    for (kind, key), change in parties.items():
        if change:
            _move_party(work, kind, key, change)
    for account, change in accounts.items():
        if change:
            _move_account(work, account, change)


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


def _owed(work: Work, entity: str, value: dict[str, Any]) -> Iterator[tuple[Key, Decimal]]:
    """What one transaction adds to a customer's or vendor's Balance."""
    if entity == "Invoice":
        yield ("Customer", party_of(value)), open_balance(entity, value)
    elif entity == "CreditMemo":
        yield ("Customer", party_of(value)), -open_balance(entity, value)
    elif entity == "Payment":
        yield ("Customer", party_of(value)), -Decimal(value.get("UnappliedAmt", 0))
    elif entity == "Bill":
        yield ("Vendor", party_of(value)), open_balance(entity, value)
    elif entity == "VendorCredit":
        yield ("Vendor", party_of(value)), -open_balance(entity, value)
    elif entity == "BillPayment":
        yield ("Vendor", party_of(value)), -unapplied(entity, value)
    elif entity == "JournalEntry":
        for line, account, debit in _journal_lines(work, value):
            party = line["JournalEntryLineDetail"].get("Entity", {})
            key = party.get("EntityRef", {}).get("value", "")
            if account.get("AccountType") == "Accounts Receivable" and party.get("Type") == "Customer":
                yield ("Customer", key), debit
            elif account.get("AccountType") == "Accounts Payable" and party.get("Type") == "Vendor":
                yield ("Vendor", key), -debit


def _journal_lines(work: Work, value: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any], Decimal]]:
    for line in value.get("Line", ()):
        detail = line.get("JournalEntryLineDetail") or {}
        account = work.get("Account", detail.get("AccountRef", {}).get("value", ""))
        if account is not None:
            amount = Decimal(line.get("Amount", 0))
            yield line, account, amount if detail.get("PostingType") == "Debit" else -amount


def _postings(work: Work, entity: str, value: dict[str, Any]) -> Iterator[tuple[str, Decimal]]:
    """Debits (positive) and credits (negative) on accounts, each in its account's currency."""
    total = Decimal(value.get("TotalAmt", 0))
    rate = Decimal(value.get("ExchangeRate", 1))
    currency = value.get("CurrencyRef", {}).get("value")

    def post(account: str, amount: Decimal) -> tuple[str, Decimal]:
        found = work.get("Account", account) or {}
        is_foreign = currency is not None and found.get("CurrencyRef", {}).get("value", currency) != currency
        return account, cents(amount * rate) if is_foreign else amount

    if entity in ("Invoice", "CreditMemo"):
        sign = 1 if entity == "Invoice" else -1
        yield post(control_account(work, "Accounts Receivable", value), sign * total)
        yield from ((key, -sign * amount) for key, amount in _tax(work, value))
    elif entity in ("SalesReceipt", "RefundReceipt"):
        sign = 1 if entity == "SalesReceipt" else -1
        yield post(value.get("DepositToAccountRef", {}).get("value", ""), sign * total)
        yield from ((key, -sign * amount) for key, amount in _tax(work, value))
    elif entity == "Payment":
        yield post(control_account(work, "Accounts Receivable", value), -total)
        yield post(value.get("DepositToAccountRef", {}).get("value", ""), total)
    elif entity in ("Bill", "VendorCredit", "Purchase"):
        sign = -1 if entity == "VendorCredit" or value.get("Credit") else 1
        own = (
            value.get("AccountRef", {}).get("value", "")
            if entity == "Purchase"
            else control_account(work, "Accounts Payable", value)
        )
        yield post(own, -sign * total)
        for line in value.get("Line", ()):
            account = line.get("AccountBasedExpenseLineDetail", {}).get("AccountRef", {}).get("value", "")
            yield post(account, sign * Decimal(line.get("Amount", 0)))
    elif entity == "BillPayment":
        paid_from = (
            value.get("CheckPayment", {}).get("BankAccountRef")
            or value.get("CreditCardPayment", {}).get("CCAccountRef")
            or {}
        )
        yield post(control_account(work, "Accounts Payable", value), total)
        yield post(paid_from.get("value", ""), -total)
    elif entity == "Deposit":
        yield post(value.get("DepositToAccountRef", {}).get("value", ""), total)
        undeposited = find_account(work, "AccountSubType", "UndepositedFunds")
        for line in value.get("Line", ()):
            own = line.get("DepositLineDetail", {}).get("AccountRef", {}).get("value")
            yield post(undeposited if line.get("LinkedTxn") else own or "", -Decimal(line.get("Amount", 0)))
    elif entity == "Transfer":
        amount = Decimal(value.get("Amount", 0))
        yield post(value.get("FromAccountRef", {}).get("value", ""), -amount)
        yield post(value.get("ToAccountRef", {}).get("value", ""), amount)
    elif entity == "JournalEntry":
        for _, account, debit in _journal_lines(work, value):
            yield post(account["Id"], debit)


def _tax(work: Work, value: dict[str, Any]) -> Iterator[tuple[str, Decimal]]:
    tax = Decimal(value.get("TxnTaxDetail", {}).get("TotalTax", 0))
    if tax:
        yield (
            find_account(work, "AccountSubType", "GlobalTaxPayable"),
            cents(tax * Decimal(value.get("ExchangeRate", 1))),
        )


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
