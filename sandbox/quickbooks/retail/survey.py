"""The first reading of the file: what is in it, what is decided about each dirty case, and how often.

Keeps a header for each document and a few facts for each stock code, never the lines. The cases are named once, in
DECISIONS, and explained in docs/online-retail.md.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from sandbox.quickbooks.retail.source import COLUMNS, RetailError, RetailFile, Row, as_utc, line_amount, tidy
from sandbox.quickbooks.shapes import ZERO, cents

GOODS = re.compile(r"\d{5}|DCGS")
# The limit QuickBooks sets for taxable invoices; these have no tax.
LINES_MAX_TAXABLE = 750
DECISIONS = {
    "cancellations": "invoice numbers with C: credit memos, not linked to an invoice",
    "adjustments": "invoice numbers with A: an invoice or credit memo by the sign of the total, never paid",
    "negative_totals": "other documents with a negative total: credit memos",
    "zero_totals": "documents that total 0.00: kept as invoices (with C: credit memos) of 0.00",
    "walk_in_documents": "documents without a customer: on one walk-in customer a country",
    "negative_quantities": "lines with a negative quantity and no C: kept, with their price of 0",
    "negative_prices": "lines with a negative price: on a credit memo the price turns round, not the quantity",
    "zero_prices": "lines with a price of 0: kept",
    "repeated_lines": "lines equal to an earlier line of the document: kept, each with its own line id",
    "codes_differing_by_case": "stock codes that differ only by case or spaces: one item, named in capitals",
    "service_codes": "codes that are no stock (POST, M, BANK CHARGES ...): service items",
    "item_descriptions": "items with several descriptions: the most frequent one; each line keeps its own",
    "item_prices": "items with several prices: the last one; each line keeps its own",
    "empty_descriptions": "lines without a description: sent without one",
    "tidied_descriptions": "descriptions with stray spaces: trimmed, inner runs made one space",
    "rounded_lines": "lines whose amount is no whole penny: the amount is rounded half up, the price kept",
    "two_timestamps": "documents with two timestamps: the earlier one",
    "mixed_headers": "documents whose lines name several customers or countries: the first line's",
    "customers_in_two_countries": "customers seen in several countries: the first; each document keeps its own",
    "over_750_lines": "documents of more than 750 lines: kept whole, the limit is for taxable invoices",
    "payments_in_full": "generated: invoices paid in full, by a hash of the invoice number",
    "payments_in_part": "generated: invoices paid by half, by the same hash",
}


@dataclass(slots=True)
class Document:
    """What the survey keeps of one source document: enough for balances and payments, and no lines."""

    number: str
    party: str
    country: str
    at: datetime
    total: Decimal
    is_credit: bool

    @property
    def day(self) -> date:
        return self.at.date()

    @property
    def draw(self) -> int:
        """A number that depends on the document number alone: whatever is generated is drawn from it."""
        return int.from_bytes(hashlib.sha256(self.number.encode()).digest()[:8], "big")

    @property
    def is_walk_in(self) -> bool:
        return self.party.startswith("Walk-in")


@dataclass(slots=True)
class Thing:
    """A stock code, in capitals, with what its lines say about it."""

    code: str
    number: int
    spellings: set[str] = field(default_factory=set)
    descriptions: Counter[str] = field(default_factory=Counter)
    prices: set[Decimal] = field(default_factory=set)
    price: Decimal = ZERO

    @property
    def is_service(self) -> bool:
        return not GOODS.match(self.code)

    @property
    def description(self) -> str | None:
        """The most frequent description, the first in the alphabet among equals."""
        return min(self.descriptions, key=lambda text: (-self.descriptions[text], text), default=None)


class Survey:
    """What a file holds. Ids and numbers follow the order of the file.

    `source_sum` is the file's own sum of quantity x price, exact; `invoice_sum` - `credit_sum` is what the company
    will hold, and `rounding` the difference, which comes only from the lines counted as `rounded_lines`. `address_ids`
    has an id for each country of each party; a party's first country is its own.
    """

    def __init__(self, file: RetailFile) -> None:
        self.decisions: Counter[str] = Counter(dict.fromkeys(DECISIONS, 0))
        self.line_count = 0
        self.source_sum = Decimal(0)
        self.documents: list[Document] = []
        self.things: dict[str, Thing] = {}
        self.address_ids: dict[str, dict[str, str]] = {}
        self._address_count = 0
        for number, rows in file.documents():
            self.line_count += len(rows)
            for row in rows:
                self._survey_line(row)
            repeats = len(rows) - len({tuple(row[name] for name in COLUMNS if name != "line_seq") for row in rows})
            self.decisions["repeated_lines"] += repeats
            self._survey_document(number, rows)
        if not self.documents:
            raise RetailError(f"reading {file.path}: found no lines, expected at least one: check the file")
        self._sum_up()

    def _survey_line(self, row: Row) -> None:
        code = row["stock_code"].strip().upper()
        thing = self.things.setdefault(code, Thing(code, len(self.things) + 1))
        thing.spellings.add(row["stock_code"])
        price, quantity = row["unit_price"], row["quantity"]
        if price > 0:
            thing.prices.add(price)
            thing.price = cents(price)
        description = tidy(row["description"])
        if description is None:
            self.decisions["empty_descriptions"] += 1
        else:
            thing.descriptions[description] += 1
            self.decisions["tidied_descriptions"] += description != row["description"]
        exact = quantity * price
        self.source_sum += exact
        self.decisions["rounded_lines"] += exact != cents(exact)
        self.decisions["zero_prices"] += price == 0
        self.decisions["negative_prices"] += price < 0
        if quantity < 0 and not row["invoice_no"].startswith("C"):
            self.decisions["negative_quantities"] += 1

    def _survey_document(self, number: str, rows: list[Row]) -> None:
        stamps = {row["invoice_ts"] for row in rows}
        total = sum((line_amount(row) for row in rows), ZERO)
        country = rows[0]["country"].strip()
        known = (rows[0]["customer_id"] or "").strip()
        party = f"Customer {known}" if known else f"Walk-in ({country})"
        countries = self.address_ids.setdefault(party, {})
        if country not in countries:
            self._address_count += 1
            countries[country] = str(self._address_count)
        is_cancellation = number.startswith("C")
        document = Document(
            number, party, country, as_utc(min(stamps)), abs(total), total < 0 or (is_cancellation and total == 0)
        )
        self.documents.append(document)
        self.decisions["cancellations"] += is_cancellation
        self.decisions["adjustments"] += number.startswith("A")
        self.decisions["negative_totals"] += total < 0 and not is_cancellation and not number.startswith("A")
        self.decisions["zero_totals"] += total == 0
        self.decisions["walk_in_documents"] += not known
        self.decisions["two_timestamps"] += len(stamps) > 1
        self.decisions["mixed_headers"] += len({(row["customer_id"], row["country"]) for row in rows}) > 1
        self.decisions["over_750_lines"] += len(rows) > LINES_MAX_TAXABLE

    def _sum_up(self) -> None:
        things = self.things.values()
        self.decisions["codes_differing_by_case"] = sum(len(thing.spellings) > 1 for thing in things)
        self.decisions["service_codes"] = sum(thing.is_service for thing in things)
        self.decisions["item_descriptions"] = sum(len(thing.descriptions) > 1 for thing in things)
        self.decisions["item_prices"] = sum(len(thing.prices) > 1 for thing in things)
        self.decisions["customers_in_two_countries"] = sum(len(seen) > 1 for seen in self.address_ids.values())
        self.founded = min(document.at for document in self.documents) - timedelta(days=1)
        self.closing = max(document.at for document in self.documents)
        self.invoice_sum = sum((d.total for d in self.documents if not d.is_credit), ZERO)
        self.credit_sum = sum((d.total for d in self.documents if d.is_credit), ZERO)
        self.rounding = self.source_sum - (self.invoice_sum - self.credit_sum)
