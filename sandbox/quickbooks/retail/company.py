"""The company that follows from a survey: balances and payments first, then the objects in loadable chunks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox.quickbooks.defaults import build_empty
from sandbox.quickbooks.retail.generated import TERMS, draw_payment, term_of
from sandbox.quickbooks.retail.source import RetailError, RetailFile, Row, line_amount, tidy
from sandbox.quickbooks.retail.survey import Document, Survey
from sandbox.quickbooks.settings import company_info, preferences
from sandbox.quickbooks.shapes import (
    ZERO,
    Wire,
    cents,
    credit_memo,
    currency_ref,
    customer,
    head,
    invoice,
    item,
    link,
    payment,
    payment_line,
    payment_method,
    ref,
    sales_line,
    stamp,
    subtotal_line,
    term,
    user_head,
)

HOME = "GBP"
DOCUMENTS_PER_CHUNK = 400
FIRST_DOCUMENT_ID = 100_001
# The chart of accounts of a new company, of which these are used.
SERVICE_INCOME_ID, UNDEPOSITED_ID, GOODS_INCOME_ID, RECEIVABLES_ID = "1", "4", "79", "84"
TRANSFER_ID = "6"


class RetailCompany:
    """One file as a company. `survey` says what was found, `summary()` adds what follows, `chunks()` yields objects.

    Raises RetailError if the file cannot be read. Ids follow the order of the file: the same file gives the same
    company.
    """

    def __init__(self, path: Path, limit_documents: int | None = None) -> None:
        self.file = RetailFile(path, limit_documents)
        self.survey = Survey(self.file)
        self._draw_payments()
        self.accounts = self._accounts()

    def _draw_payments(self) -> None:
        self.payments: dict[str, tuple[str, Decimal, datetime]] = {}
        self.balances: dict[str, Decimal] = dict.fromkeys(self.survey.address_ids, ZERO)
        self.touched: dict[str, datetime] = {}
        self.payment_sum = ZERO
        next_id = FIRST_DOCUMENT_ID + len(self.survey.documents)
        for document in self.survey.documents:
            paid, at = draw_payment(document, self.survey.closing)
            if paid:
                self.payments[document.number] = (str(next_id), paid, at)
                self.payment_sum += paid
                self.survey.decisions["payments_in_full" if paid == document.total else "payments_in_part"] += 1
                next_id += 1
            owed = document.total - paid
            self.balances[document.party] += -owed if document.is_credit else owed
            self.touched[document.party] = max(self.touched.get(document.party, at), at)

    def chunks(self) -> Iterator[dict[str, list[Wire]]]:
        """The company in loadable chunks, at most DOCUMENTS_PER_CHUNK source documents each; reference data first."""
        yield self._reference_data()
        parties = {wire["DisplayName"]: wire for wire in self._customers()}
        yield {"Customer": list(parties.values())}
        items = self._items()
        yield {"Item": list(items.values())}
        chunk: dict[str, list[Wire]] = {}
        for index, (number, rows) in enumerate(self.file.documents()):
            document = self.survey.documents[index]
            if document.number != number:
                raise RetailError(
                    f"reading {self.file.path}: it changed while being read, expected it to stand still: try again"
                )
            for entity, wire in self._build(index, document, rows, parties[document.party], items):
                chunk.setdefault(entity, []).append(wire)
            if index % DOCUMENTS_PER_CHUNK == DOCUMENTS_PER_CHUNK - 1:
                yield chunk
                chunk = {}
        if chunk:
            yield chunk

    def _accounts(self) -> dict[str, Wire]:
        """By id: the chart of a new company in the home currency, with the balances that follow from the documents."""
        accounts = {each["Id"]: each for each in build_empty(stamp(self.survey.founded))["Account"]}
        for each in accounts.values():
            each["CurrencyRef"] = currency_ref(HOME)
        receivable = sum(self.balances.values(), ZERO)
        for account_id, balance in ((RECEIVABLES_ID, receivable), (UNDEPOSITED_ID, self.payment_sum)):
            wire = accounts[account_id]
            wire["CurrentBalance"] = wire["CurrentBalanceWithSubAccounts"] = balance
            wire["MetaData"]["LastUpdatedTime"] = stamp(self.survey.closing)
        return accounts

    def _reference_data(self) -> dict[str, list[Wire]]:
        founded = self.survey.founded
        base = head("1", founded)
        return {
            "CompanyInfo": [company_info("Online Retail (public data set)", "GB", "GBR", base, founded.date())],
            "Preferences": [
                preferences(
                    base, home_currency=HOME, is_multicurrency=False, default_term_id="3", uses_own_numbers=True
                )
            ],
            "Account": list(self.accounts.values()),
            "Term": [term(head(number, founded), name, days) for number, name, days in TERMS],
            "PaymentMethod": [payment_method(head(TRANSFER_ID, founded), "Bank transfer")],
        }

    def _customers(self) -> Iterator[Wire]:
        for number, (party, countries) in enumerate(self.survey.address_ids.items(), start=1):
            country = next(iter(countries))
            yield customer(
                head(str(number), self.survey.founded, self.touched[party]),
                party,
                currency=HOME,
                bill_address={"Id": countries[country], "Country": country},
                taxable=False,
                balance=self.balances[party],
            )

    def _items(self) -> dict[str, Wire]:
        return {
            code: item(
                head(str(thing.number), self.survey.founded),
                code,
                kind="Service" if thing.is_service else "NonInventory",
                income_account=self.accounts[SERVICE_INCOME_ID if thing.is_service else GOODS_INCOME_ID],
                description=thing.description,
                unit_price=thing.price,
                sku=None if thing.is_service else code,
            )
            for code, thing in self.survey.things.items()
        }

    def _build(
        self, index: int, document: Document, rows: list[Row], party: Wire, items: dict[str, Wire]
    ) -> Iterator[tuple[str, Wire]]:
        """One source document as an invoice or credit memo, and its payment if one was drawn, by entity name."""
        document_id = str(FIRST_DOCUMENT_ID + index)
        address_id = self.survey.address_ids[document.party][document.country]
        shared = {
            "party": party,
            "number": document.number,
            "txn_date": document.day,
            "lines": [*_lines(document, rows, items), subtotal_line(document.total)],
            "total": document.total,
            "private_note": "Bad debt adjustment" if document.number.startswith("A") else None,
            "bill_address": {"Id": address_id, "Country": document.country},
            "extra": {"GlobalTaxCalculation": "NotApplicable"},
        }
        if document.is_credit:
            yield "CreditMemo", credit_memo(head(document_id, document.at), **shared, balance=document.total)
            return
        payment_id, paid, paid_at = self.payments.get(document.number, ("", ZERO, document.at))
        balance = document.total - paid
        term_id, term_name, term_days = term_of(document)
        made = invoice(
            user_head(document_id, document.at, paid_at, changes=int(bool(paid))),
            **shared,
            balance=balance,
            due_date=document.day + timedelta(days=term_days),
            term_ref=ref(term_id, term_name),
            links=[link(payment_id, "Payment")] if paid else [],
        )
        yield "Invoice", made
        if paid:
            applied = payment_line(
                paid, document_id, "Invoice", document_number=document.number, present_balance=balance
            )
            yield (
                "Payment",
                payment(
                    head(payment_id, paid_at),
                    party=party,
                    txn_date=paid_at.date(),
                    total=paid,
                    unapplied=ZERO,
                    lines=[applied],
                    deposit_account_id=UNDEPOSITED_ID,
                    method_id=TRANSFER_ID,
                ),
            )

    def summary(self) -> dict[str, Any]:
        """What was found and decided, as plain values; money as text, so that no reader makes a float of it."""
        return {
            "lines": self.survey.line_count,
            "documents": len(self.survey.documents),
            "invoices": sum(not document.is_credit for document in self.survey.documents),
            "credit_memos": sum(document.is_credit for document in self.survey.documents),
            "payments": len(self.payments),
            "customers": len(self.survey.address_ids),
            "items": len(self.survey.things),
            "source_sum": str(self.survey.source_sum),
            "invoice_sum": str(self.survey.invoice_sum),
            "credit_memo_sum": str(self.survey.credit_sum),
            "invoices_less_credit_memos": str(self.survey.invoice_sum - self.survey.credit_sum),
            "rounding_difference": str(self.survey.rounding),
            "payment_sum": str(self.payment_sum),
            "receivable_balance": str(sum(self.balances.values(), ZERO)),
            "decisions": dict(self.survey.decisions),
        }


def _lines(document: Document, rows: list[Row], items: dict[str, Wire]) -> Iterator[Wire]:
    """The source lines as item lines; on a credit memo with the opposite sign, because it counts what is given back."""
    for number, row in enumerate(rows, start=1):
        quantity, price, amount = row["quantity"], row["unit_price"], line_amount(row)
        if document.is_credit:
            quantity, price = (quantity, -price) if price < 0 else (-quantity, price)
            amount = -amount
        pennies = cents(price)
        yield sales_line(
            number,
            items[row["stock_code"].strip().upper()],
            amount,
            quantity=quantity,
            unit_price=pennies if pennies == price else price,
            tax_code=None,
            description=tidy(row["description"]),
        )
