"""The receivables side of the demo as QuickBooks shows it: drafted sales rendered, and carried into balances."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

from sandbox.quickbooks.demo.books import HOME, Company
from sandbox.quickbooks.demo.chart import DEFAULT_TERM, TERMS
from sandbox.quickbooks.demo.txn import Txn
from sandbox.quickbooks.shapes import (
    ZERO,
    Wire,
    credit_memo,
    discount_line,
    foreign,
    head,
    invoice,
    link,
    payment,
    payment_line,
    ref,
    sales_line,
    subtotal_line,
    user_head,
)

SHIP_FROM = {"Id": "1", "Line1": "1 Sample Lane", "Line2": "Testburg, CA  90001"}
THANKS = "Thank you for your business!"


def unapplied(txn: Txn) -> Decimal:
    """What a payment has left: credits it uses count for it, documents it pays against it."""
    used = sum((amount if doc.kind == "Invoice" else -amount for doc, amount in txn.applied), ZERO)
    return txn.total - used


def _lines_of(company: Company, txn: Txn) -> list[Wire]:
    void = txn.is_void
    lines = [
        sales_line(
            number,
            line["thing"],
            ZERO if void else line["amount"],
            quantity=None if void else line["quantity"],
            unit_price=None if void else line["unit_price"],
            tax_code=line["tax_code"],
            description=line["description"],
            class_ref=line["class_ref"],
        )
        for number, line in enumerate(txn.details["lines"], start=1)
    ]
    lines.append(subtotal_line(ZERO if void else txn.details["subtotal"]))
    percent, discount = txn.details["discount"]
    if discount and not void:
        lines.append(discount_line(discount, company.account("Discounts given"), percent))
    return lines


def render_invoice(company: Company, txn: Txn) -> Wire:
    """The invoice as read now; a voided one has zero amounts, no links and a note that begins with "Voided"."""
    term_index = txn.details["term"]
    term = company.objects["Term"][DEFAULT_TERM if term_index is None else term_index]
    notes = ["Voided"] if txn.is_void else []
    if "private_note" in txn.details:
        notes.append(txn.details["private_note"])
    total = ZERO if txn.is_void else txn.total
    rate = company.rate(txn.currency, txn.day)
    extra: Wire = {"ShipFromAddr": SHIP_FROM}
    extra |= foreign(txn.currency, HOME, rate, HomeTotalAmt=total, HomeBalance=txn.open)
    if department := txn.details["department"]:
        extra["DepartmentRef"] = ref(department["Id"], department["Name"])
    order = txn.details["purchase_order"]
    custom = [{"DefinitionId": "1", "Name": "P.O. Number", "Type": "StringType", "StringValue": order}] if order else []
    return invoice(
        user_head(txn.id, txn.created, txn.updated, changes=txn.changes),
        party=txn.party,
        number=txn.number,
        txn_date=txn.day,
        due_date=txn.day + timedelta(days=TERMS[DEFAULT_TERM if term_index is None else term_index][1]),
        lines=_lines_of(company, txn),
        total=total,
        balance=txn.open,
        tax_detail=None if txn.is_void else txn.details["tax_detail"],
        links=[link(paid.id, "Payment") for paid, _ in reversed(txn.applied)],
        term_ref=None if term_index is None else ref(term["Id"], term["Name"]),
        memo=THANKS,
        private_note=" - ".join(notes) or None,
        custom_fields=custom,
        email=txn.party.get("PrimaryEmailAddr", {}).get("Address"),
        bill_address=txn.party.get("BillAddr"),
        extra=extra,
    )


def render_credit_memo(company: Company, txn: Txn) -> Wire:
    rate = company.rate(txn.currency, txn.day)
    return credit_memo(
        head(txn.id, txn.created, txn.updated, changes=txn.changes),
        party=txn.party,
        number=txn.number,
        txn_date=txn.day,
        lines=_lines_of(company, txn),
        total=txn.total,
        balance=txn.open,
        tax_detail=txn.details["tax_detail"],
        bill_address=txn.party.get("BillAddr"),
        extra={
            "ShipFromAddr": SHIP_FROM,
            **foreign(txn.currency, HOME, rate, HomeTotalAmt=txn.total, HomeBalance=txn.open),
        },
    )


def deposit_account(company: Company, txn: Txn) -> Wire:
    return company.account("Undeposited Funds" if txn.currency == HOME else "Euro Checking")


def render_payment(company: Company, txn: Txn) -> Wire:
    method = txn.details.get("method")
    return payment(
        head(txn.id, txn.created, txn.updated, changes=txn.changes),
        party=txn.party,
        txn_date=txn.day,
        total=txn.total,
        unapplied=unapplied(txn),
        lines=[
            payment_line(amount, doc.id, doc.kind, document_number=doc.number, present_balance=doc.open)
            for doc, amount in txn.applied
        ],
        deposit_account_id=deposit_account(company, txn)["Id"] if txn.total else None,
        method_id=method and method["Id"],
        reference_number=txn.details.get("reference"),
        private_note=txn.details.get("private_note"),
        extra=foreign(txn.currency, HOME, company.rate(txn.currency, txn.day)),
    )


def post_sales(company: Company) -> None:
    """Carry the receivables side into balances: customers, A/R by currency, tax payable, bank, stock quantities."""
    own: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for txn in company.txns:
        if txn.kind not in ("Invoice", "CreditMemo", "Payment"):
            continue
        amount = {"Invoice": txn.open, "CreditMemo": -txn.open, "Payment": ZERO}[txn.kind]
        if txn.kind == "Payment":
            amount = -unapplied(txn)
            if txn.total:
                company.post(deposit_account(company, txn), txn.total, txn.created)
        elif not txn.is_void:
            _post_tax(company, txn)
        own[txn.party["Id"]] += amount
        at = txn.updated or txn.created
        if txn.party["Active"]:
            company.touch_name(txn.party, at)
        company.touch_name(company.receivables(txn.currency), at)
    for party in company.objects["Customer"]:
        party["Balance"] = party["BalanceWithJobs"] = own[party["Id"]]
        company.post(company.receivables(party["CurrencyRef"]["value"]), own[party["Id"]])
    by_id = {party["Id"]: party for party in company.objects["Customer"]}
    for party in company.objects["Customer"]:
        if party["Job"]:
            by_id[party["ParentRef"]["value"]]["BalanceWithJobs"] += party["Balance"]


def _post_tax(company: Company, txn: Txn) -> None:
    sign = -1 if txn.kind == "Invoice" else 1
    for line in txn.details["tax_detail"].get("TaxLine", []):
        agency = "State Tax Board" if line["TaxLineDetail"]["TaxRateRef"]["value"] == "3" else "City Tax Office"
        company.post(company.account(f"{agency} Payable"), sign * line["Amount"], txn.updated or txn.created)
