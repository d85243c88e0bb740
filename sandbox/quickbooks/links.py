"""Links between transactions: payments and what they pay, bills and purchase orders, deposits and payments.

Belongs here: what a write of one transaction changes in those linked to it. Balances of parties and accounts follow
from that in `books.py`. Facts: reference section 7.
"""

from decimal import Decimal
from typing import Any

from sandbox.quickbooks import wire
from sandbox.quickbooks.books import (
    CREDITS,
    PAYERS,
    allocations,
    cents,
    open_balance,
    party_of,
    set_balance,
    tidy,
    unapplied,
)
from sandbox.quickbooks.work import LOOKS, TIME, VERSION, Key, Work

LINK_NAMES = {"Payment": "Payment", "BillPayment": "BillPaymentCheck"}


def apply_payment(work: Work, payer: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
    """Move the balances and links of what a payment pays, from its lines before to its lines after. Raises Refusal.

    Every document whose part changed gets a new SyncToken.
    """
    was, now = allocations(before), allocations(after)
    own = after or before
    assert own is not None
    for (kind, key), amount in now.items():
        if kind in PAYERS[payer] + CREDITS[payer] and amount != was.get((kind, key)):
            _check_target(work, payer, own, kind, key, amount - was.get((kind, key), Decimal()))
    for kind, key in {**was, **now}:
        change = now.get((kind, key), Decimal()) - was.get((kind, key), Decimal())
        target = work.get(kind, key) if kind in PAYERS[payer] + CREDITS[payer] else None
        if target is None or (not change and ((kind, key) in was) == ((kind, key) in now)):
            continue
        set_balance(kind, target, open_balance(kind, target) - change)
        if kind != "CreditMemo":
            _set_link(target, LINK_NAMES[payer], own["Id"], (kind, key) in now, keeps_empty=kind == "Invoice")
        work.touch(kind, key, VERSION)


def _check_target(work: Work, payer: str, own: dict[str, Any], kind: str, key: str, more: Decimal) -> None:
    target = work.get(kind, key)
    if target is None:
        raise wire.not_found()
    if party_of(target) not in _family(work, payer, party_of(own)):
        raise wire.business(f"{kind} {key} belongs to another customer or vendor than the payment")
    if target.get("CurrencyRef", {}).get("value") != own.get("CurrencyRef", {}).get("value"):
        raise wire.business(f"{kind} {key} is in another currency than the payment")
    if more > open_balance(kind, target):
        raise wire.business(
            f"The amount applied to {kind} {key} is more than its open balance {open_balance(kind, target)}"
        )


def _family(work: Work, payer: str, party: str) -> set[str]:
    """A customer's payment may pay documents of its sub-customers and of the customers above it."""
    if payer != "Payment":
        return {party}
    family, above = {party}, work.get("Customer", party)
    while above is not None and above.get("ParentRef"):
        family.add(above["ParentRef"]["value"])
        above = work.get("Customer", above["ParentRef"]["value"])
    below = [party]
    while below:
        below = [key for each in below for key in work.store.tables["Customer"].equal("ParentRef", each) - family]
        family.update(below)
    return family


def _set_link(value: dict[str, Any], kind: str, key: str, is_linked: bool, *, keeps_empty: bool) -> None:
    links = [link for link in value.get("LinkedTxn", ()) if not (link["TxnType"] == kind and str(link["TxnId"]) == key)]
    if is_linked:
        links.append({"TxnId": key, "TxnType": kind})
    if links or keeps_empty:
        value["LinkedTxn"] = links
    else:
        value.pop("LinkedTxn", None)


def linked(value: dict[str, Any], kind: str) -> list[str]:
    """The Ids of the transactions of one kind linked to a document."""
    return [str(link["TxnId"]) for link in value.get("LinkedTxn", ()) if link["TxnType"] == kind]


def release(work: Work, kind: str, key: str, keep: Decimal) -> None:
    """Take payments off a document until no more than `keep` of it is paid, newest payment first.

    What a released line had paid becomes unapplied; a credit used up by it goes back to its credit memo.
    """
    document = work.get(kind, key)
    assert document is not None
    payer = "Payment" if kind in ("Invoice", "CreditMemo") else "BillPayment"
    applied = [
        (pid, allocations(work.get(payer, pid)).get((kind, key), Decimal()))
        for pid in _payers_of(work, payer, kind, key)
    ]
    excess = sum((amount for _, amount in applied), Decimal()) - keep
    for payment_key, amount in reversed(applied):
        if excess <= 0:
            break
        cut = min(excess, amount)
        excess -= cut
        payment = work.get(payer, payment_key)
        assert payment is not None
        before = {**payment, "Line": [dict(line) for line in payment.get("Line", ())]}
        reduce_line(payment, kind, key, amount - cut)
        surplus = unapplied(payer, payment) - Decimal(payment["TotalAmt"])
        for (credit, credit_key), used in allocations(payment).items():
            if credit in CREDITS[payer] and surplus > 0:
                back = min(surplus, used)
                reduce_line(payment, credit, credit_key, used - back)
                surplus -= back
        for (debit, debit_key), paid in allocations(payment).items():
            short = -unapplied(payer, payment)
            if debit in PAYERS[payer] and short > 0:
                reduce_line(payment, debit, debit_key, paid - min(short, paid))
        if "UnappliedAmt" in payment:
            payment["UnappliedAmt"] = tidy(unapplied(payer, payment))
        apply_payment(work, payer, before, payment)
        work.touch(payer, payment_key, VERSION)


def _payers_of(work: Work, payer: str, kind: str, key: str) -> list[str]:
    """The payments with a line on one document.

    A credit memo shows no link to them, so those of its customer are looked through.
    """
    document = work.get(kind, key)
    assert document is not None
    if kind != "CreditMemo":
        return [pid for pid in linked(document, LINK_NAMES[payer]) if work.get(payer, pid) is not None]
    candidates = work.store.tables["Payment"].equal("CustomerRef", party_of(document))
    return sorted((pid for pid in candidates if (kind, key) in allocations(work.get("Payment", pid))), key=int)


def reduce_line(payment: dict[str, Any], kind: str, key: str, amount: Decimal) -> None:
    """Leave `amount` of what a payment's lines apply to one document; lines left with nothing go."""
    left, kept = amount, []
    for line in payment.get("Line", ()):
        link = (line.get("LinkedTxn") or [{}])[0]
        if (link.get("TxnType"), str(link.get("TxnId"))) == (kind, key):
            part = min(left, Decimal(line["Amount"]))
            left -= part
            if not part:
                continue
            line = {**line, "Amount": part}
        kept.append(line)
    payment["Line"] = kept


def show_open_balances(work: Work) -> None:
    """Renew LineEx of every payment in this write, and of those that pay a document in it:
    it shows the document's present balance.
    """
    payments = set()
    for (entity, key), _, value in work.changed():
        if value is None:
            continue
        if entity == "Payment":
            payments.add(key)
        elif entity == "Invoice":
            payments.update(linked(value, "Payment"))
    for key in payments:
        payment = work.get("Payment", key)
        if payment is None:
            continue
        shown = [_with_line_ex(work, line) for line in payment.get("Line", ())]
        if shown != payment.get("Line"):
            payment["Line"] = shown
            work.touch("Payment", key, LOOKS)


def _with_line_ex(work: Work, line: dict[str, Any]) -> dict[str, Any]:
    link = (line.get("LinkedTxn") or [{}])[0]
    document = (
        work.get(link["TxnType"], str(link["TxnId"])) if link.get("TxnType") in ("Invoice", "CreditMemo") else None
    )
    if document is None:
        return line
    values = {
        "txnId": document["Id"],
        "txnOpenBalance": str(cents(open_balance(link["TxnType"], document) + Decimal(line["Amount"]))),
        "txnReferenceNumber": document.get("DocNumber"),
    }
    entries = [
        {
            "name": "{http://schema.intuit.com/finance/v3}NameValue",
            "declaredType": "com.intuit.schema.finance.v3.NameValue",
            "scope": "javax.xml.bind.JAXBElement$GlobalScope",
            "value": {"Name": name, "Value": text},
            "nil": False,
            "globalScope": True,
            "typeSubstituted": False,
        }
        for name, text in values.items()
        if text is not None
    ]
    return {**{name: each for name, each in line.items() if name != "LineEx"}, "LineEx": {"any": entries}}


def apply_purchase_orders(work: Work, kind: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
    """Bill lines that name a purchase order line: what is received of it moves, the order closes when all of it is."""
    was, now = _received(before), _received(after)
    own = after or before
    assert own is not None
    for order_key in {key for key, _ in {**was, **now}}:
        order = work.get("PurchaseOrder", order_key)
        if order is None:
            raise wire.not_found()
        for line in order["Line"]:
            at = (order_key, str(line.get("Id")))
            change = now.get(at, (Decimal(), Decimal())), was.get(at, (Decimal(), Decimal()))
            quantity = line.get(line.get("DetailType", ""), {}).get("Qty")
            index = 0 if quantity is not None else 1
            moved = change[0][index] - change[1][index]
            if moved:
                line["Received"] = tidy(Decimal(line.get("Received", 0)) + moved)
        _set_link(order, kind, own["Id"], any(key == order_key for key, _ in now), keeps_empty=True)
        order["POStatus"] = "Closed" if _is_received(order) else "Open"
        work.touch("PurchaseOrder", order_key, VERSION)


def _received(value: dict[str, Any] | None) -> dict[Key, tuple[Decimal, Decimal]]:
    """Quantity and amount taken from each (purchase order, line)."""
    found: dict[Key, tuple[Decimal, Decimal]] = {}
    for line in (value or {}).get("Line", ()):
        for link in line.get("LinkedTxn", ()):
            if link.get("TxnType") == "PurchaseOrder" and link.get("TxnLineId"):
                at = (str(link["TxnId"]), str(link["TxnLineId"]))
                quantity, amount = found.get(at, (Decimal(), Decimal()))
                detail = line.get(line.get("DetailType", ""), {})
                found[at] = (quantity + Decimal(detail.get("Qty", 0)), amount + Decimal(line.get("Amount", 0)))
    return found


def _is_received(order: dict[str, Any]) -> bool:
    for line in order["Line"]:
        quantity = line.get(line.get("DetailType", ""), {}).get("Qty")
        if Decimal(line.get("Received", 0)) < Decimal(quantity if quantity is not None else line.get("Amount", 0)):
            return False
    return True


def apply_estimates(work: Work, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
    """Estimates an invoice is made from are closed by it and show it; without it they are pending again.

    An estimate's LastUpdatedTime moves and its SyncToken does not (sample company, 2026). That it is pending again is
    not confirmed. Raises Refusal for an estimate that is not there or another customer's.
    """
    own = after or before
    assert own is not None
    was, now = (set(linked(value, "Estimate")) if value is not None else set() for value in (before, after))
    for key in sorted(was ^ now):
        estimate = work.get("Estimate", key)
        if estimate is None:
            if key in now:
                raise wire.not_found()
            continue
        if key in now and party_of(estimate) != party_of(own):
            raise wire.business(f"Estimate {key} belongs to another customer than the invoice")
        _set_link(estimate, "Invoice", own["Id"], key in now, keeps_empty=False)
        estimate["TxnStatus"] = "Closed" if linked(estimate, "Invoice") else "Pending"
        work.touch("Estimate", key, TIME)


def apply_deposit(work: Work, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
    """Payments put in a deposit show it as a link; neither their SyncToken nor their time moves."""
    was = {key for kind, key in allocations(before) if kind == "Payment"}
    now = {key for kind, key in allocations(after) if kind == "Payment"}
    own = after or before
    assert own is not None
    for key in was | now:
        payment = work.get("Payment", key)
        if payment is not None and key in now - was and linked(payment, "Deposit"):
            raise wire.business(f"Payment {key} is in another deposit already")
        if payment is not None:
            _set_link(payment, "Deposit", own["Id"], key in now, keeps_empty=False)
            work.touch("Payment", key, LOOKS)
