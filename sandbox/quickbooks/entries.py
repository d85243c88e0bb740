"""Double entry: what one transaction debits and credits.

Belongs here: from a document's lines and accounts to entries that sum to zero in its currency and in the home
currency. Adding entries up is `ledger.py`; moving stored balances by them is `books.py`; quantities and the cost of
goods are `inventory.py`. Facts: reference section 7; which side an account takes is plain bookkeeping, the accounts a
document does not name are those QuickBooks sets up (`chart.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from sandbox.quickbooks.booked import Detail, Document, DocumentLine, Party
from sandbox.quickbooks.chart import CENT, CONTROLS, Chart, Ref

ZERO = Decimal()
_WIDE = Context(prec=60)

SALES = {"Invoice": 1, "SalesReceipt": 1, "CreditMemo": -1, "RefundReceipt": -1}
COSTS = {"Bill": 1, "Purchase": 1, "VendorCredit": -1}
POSTING = (*SALES, *COSTS, "Payment", "BillPayment", "Deposit", "Transfer", "JournalEntry", "CreditCardPaymentTxn")


@dataclass(slots=True)
class Entry:
    """One side of a transaction: debits are positive. `party` is ("Customer" or "Vendor", Id) on A/R and A/P."""

    account: str
    amount: Decimal
    home: Decimal
    party: tuple[str, str] | None = None


def cents(amount: Decimal) -> Decimal:
    return Decimal(amount).quantize(CENT, ROUND_HALF_UP, _WIDE)


def ref(reference: Ref | None) -> str:
    return reference.value if reference is not None else ""


def party_of(kind: str, value: Document) -> tuple[str, str] | None:
    """The customer or vendor a document is with."""
    if value.CustomerRef is not None:
        return ("Customer", value.CustomerRef.value)
    if value.VendorRef is not None:
        return ("Vendor", value.VendorRef.value)
    return _person(value.EntityRef) if kind == "Purchase" else None


def _person(party: Party | None) -> tuple[str, str] | None:
    if party is None:
        return None
    kind, key = (party.Type or party.type).capitalize(), ref(party.EntityRef) or party.value
    return (kind, key) if kind in ("Customer", "Vendor") and key else None


def entries(kind: str, value: Document, chart: Chart) -> list[Entry]:
    """The entries of one transaction, summing to zero in its currency and in the home currency; none for a
    transaction that does not post. What a document's lines leave of its total goes to an uncategorised account, what
    rounding leaves in the home currency to exchange gain or loss.
    """
    rate = value.ExchangeRate if value.ExchangeRate is not None else Decimal(1)
    found: list[Entry] = []
    left = home_left = ZERO
    for account, amount, party in _sides(kind, value, chart):
        if amount:
            home = amount if rate == 1 else cents(amount * rate)
            left += amount
            home_left += home
            found.append(Entry(account, amount, home, party))
    if left:
        rest = {True: "income", False: "expense"}[kind in SALES] if kind in SALES or kind in COSTS else "opening"
        home = left if rate == 1 else cents(left * rate)
        found.append(Entry(chart.part(rest), -left, -home))
        home_left -= home
    if home_left:
        found.append(Entry(chart.part("exchange"), ZERO, -home_left))
    return found


Side = tuple[str, Decimal, tuple[str, str] | None]


def _sides(kind: str, value: Document, chart: Chart) -> Iterator[Side]:
    if kind in SALES:
        yield from _sale(kind, value, chart, SALES[kind])
    elif kind in COSTS:
        yield from _cost(kind, value, chart, -COSTS[kind] if value.Credit else COSTS[kind])
    elif kind == "Payment":
        total = value.TotalAmt or ZERO
        yield control(chart, "Accounts Receivable", value), -total, party_of(kind, value)
        yield chart.known(ref(value.DepositToAccountRef), "undeposited"), total, None
    elif kind == "BillPayment":
        total = value.TotalAmt or ZERO
        yield control(chart, "Accounts Payable", value), total, party_of(kind, value)
        paid_from = ref(value.CheckPayment.BankAccountRef) if value.CheckPayment else ""
        if value.CreditCardPayment and not paid_from:
            paid_from = ref(value.CreditCardPayment.CCAccountRef)
        yield chart.known(paid_from, "opening"), -total, None
    elif kind == "Deposit":
        yield from _deposit(value, chart)
    elif kind in ("Transfer", "CreditCardPaymentTxn"):
        source, target = (
            (value.FromAccountRef, value.ToAccountRef)
            if kind == "Transfer"
            else (value.BankAccountRef, value.CreditCardAccountRef)
        )
        yield chart.known(ref(source), "opening"), -(value.Amount or ZERO), None
        yield chart.known(ref(target), "opening"), value.Amount or ZERO, None
    elif kind == "JournalEntry":
        for line in value.Line or ():
            detail = line.JournalEntryLineDetail
            if detail is not None and line.Amount:
                amount = line.Amount if detail.PostingType == "Debit" else -line.Amount
                yield chart.known(ref(detail.AccountRef), "opening"), amount, _person(detail.Entity)


def control(chart: Chart, kind: str, value: Document) -> str:
    """The A/R or A/P account of a document: the one it names, else that of its currency."""
    named = ref(value.ARAccountRef if kind == "Accounts Receivable" else value.APAccountRef)
    if named and chart.has(named):
        return named
    found = chart.control(kind, ref(value.CurrencyRef) or chart.home)
    if not found:
        chart.is_complete = False
    return found or chart.part(kind)


def _sale(kind: str, value: Document, chart: Chart, sign: int) -> Iterator[Side]:
    total = sign * (value.TotalAmt or ZERO)
    if kind in ("Invoice", "CreditMemo"):
        yield control(chart, "Accounts Receivable", value), total, party_of(kind, value)
    else:
        yield chart.known(ref(value.DepositToAccountRef), "undeposited"), total, None
    for account, amount in _earned(value.Line or (), chart):
        yield account, -sign * amount, None
    for account, amount in _taxes(value, chart):
        yield account, -sign * amount, None


def _earned(lines: "list[DocumentLine] | tuple[()]", chart: Chart) -> Iterator[tuple[str, Decimal]]:
    for line in lines:
        amount = line.Amount
        if not amount:
            continue
        if line.DetailType == "SalesItemLineDetail" and line.SalesItemLineDetail is not None:
            detail = line.SalesItemLineDetail
            account = ref(detail.ItemAccountRef)
            if not chart.has(account):
                item = chart.item(ref(detail.ItemRef))
                account = chart.known(item.income if item is not None else "", "income")
            yield account, amount
        elif line.DetailType == "DiscountLineDetail":
            named = ref(line.DiscountLineDetail.DiscountAccountRef) if line.DiscountLineDetail else ""
            yield chart.known(named, "discount"), -amount
        elif line.DetailType == "GroupLineDetail" and line.GroupLineDetail is not None and line.GroupLineDetail.Line:
            yield from _earned(line.GroupLineDetail.Line, chart)
        elif line.DetailType not in ("SubTotalLineDetail", "TaxLineDetail"):
            yield chart.part("income"), amount


def _taxes(value: Document, chart: Chart) -> Iterator[tuple[str, Decimal]]:
    if value.TxnTaxDetail is None or not value.TxnTaxDetail.TotalTax:
        return
    left = value.TxnTaxDetail.TotalTax
    for line in value.TxnTaxDetail.TaxLine or ():
        if line.Amount and line.TaxLineDetail is not None:
            left -= line.Amount
            yield chart.tax(ref(line.TaxLineDetail.TaxRateRef)), line.Amount
    yield chart.part("tax"), left


def _cost(kind: str, value: Document, chart: Chart, sign: int) -> Iterator[Side]:
    total = -sign * (value.TotalAmt or ZERO)
    if kind == "Purchase":
        yield chart.known(ref(value.AccountRef), "opening"), total, None
    else:
        yield control(chart, "Accounts Payable", value), total, party_of(kind, value)
    for line in value.Line or ():
        amount = sign * (line.Amount or ZERO)
        if line.AccountBasedExpenseLineDetail is not None:
            account = chart.known(ref(line.AccountBasedExpenseLineDetail.AccountRef), "expense")
            party = None
            if chart.type_of(account) in CONTROLS:
                party = _billed_party(kind, value, line.AccountBasedExpenseLineDetail, chart.type_of(account))
            yield account, amount, party
        elif line.ItemBasedExpenseLineDetail is not None:
            yield _bought(line.ItemBasedExpenseLineDetail, chart), amount, None
    for account, amount in _taxes(value, chart):
        yield account, sign * amount, None


def _billed_party(kind: str, value: Document, detail: Detail, account_type: str) -> tuple[str, str] | None:
    wanted = "Customer" if account_type == "Accounts Receivable" else "Vendor"
    if wanted == "Customer" and detail.CustomerRef is not None:
        return ("Customer", detail.CustomerRef.value)
    own = party_of(kind, value)
    return own if own is not None and own[0] == wanted else None


def _bought(detail: Detail, chart: Chart) -> str:
    """Where a bought item goes: stock to its asset account, anything else to its expense account."""
    item = chart.item(ref(detail.ItemRef))
    if item is not None and item.type == "Inventory":
        return chart.known(item.asset, "inventory")
    named = ref(detail.ItemAccountRef)
    if chart.has(named):
        return named
    return chart.known(item.expense if item is not None else "", "expense")


def _deposit(value: Document, chart: Chart) -> Iterator[Side]:
    """What is banked (less cash taken back) comes out of undeposited funds, or from the account a line names."""
    yield chart.known(ref(value.DepositToAccountRef), "opening"), value.TotalAmt or ZERO, None
    if value.CashBack is not None:
        yield chart.known(ref(value.CashBack.AccountRef), "opening"), value.CashBack.Amount or ZERO, None
    for line in value.Line or ():
        amount = -(line.Amount or ZERO)
        detail = line.DepositLineDetail
        if line.LinkedTxn:
            yield chart.part("undeposited"), amount, None
        elif detail is not None:
            yield chart.known(ref(detail.AccountRef), "opening"), amount, _person(detail.Entity)
