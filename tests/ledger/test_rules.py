"""One rule, two readers: what Postgres says of a row and what Python says of the record are the same."""

from __future__ import annotations

import itertools
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from ledger.rules import broken_rules, predicate
from ledger.spec import Record, SpecError, entities, spec_of
from tests.builders import an_invoice
from tests.conftest import ScratchDatabase

AMOUNTS = [Decimal(value) for value in ("-5", "0", "5", "5.00", "10")]
DAYS = [date(2026, 3, 1), date(2026, 3, 2), None]
RULES = sorted({rule.sql for spec in entities() for rule in spec.rules})


class Row(Record):
    """Every column that a rule names."""

    total_amount: Decimal | None
    open_amount: Decimal | None
    net_amount: Decimal
    tax_amount: Decimal
    is_void: bool | None
    due_date: date | None
    issue_date: date | None
    currency: str
    name: str

    @property
    def applied_amount(self) -> Decimal:
        return self.net_amount

    @property
    def unapplied_amount(self) -> Decimal | None:
        return self.open_amount


def rows() -> list[Row]:
    money = itertools.product([*AMOUNTS, None], [*AMOUNTS, None], AMOUNTS[2:], AMOUNTS[:2], [True, False, None])
    text = itertools.cycle([("USD", "x"), ("usd", ""), ("USDX", " "), ("USD\n", "'")])
    days = itertools.cycle(itertools.product(DAYS, DAYS))
    return [Row(*m, *d, *t) for m, d, t in zip(money, days, text, strict=False)]


COLUMNS = [*Row.__struct_fields__, "applied_amount", "unapplied_amount"]
TYPES = {"is_void": "boolean", "due_date": "date", "issue_date": "date", "currency": "text", "name": "text"}


@pytest.fixture(scope="module")
def table(module_database: ScratchDatabase) -> Any:
    with module_database.connect() as connection:
        columns = ", ".join(f"{column} {TYPES.get(column, 'numeric')}" for column in COLUMNS)
        connection.execute(f"create table rows (n int, {columns})")
        with connection.cursor() as cursor, cursor.copy("copy rows from stdin") as copy:
            for n, row in enumerate(rows()):
                copy.write_row([n, *(getattr(row, column) for column in COLUMNS)])
        yield connection


MORE = [
    "not is_void and (total_amount = 5 or open_amount <> 0)",
    "due_date is not null",
    "abs(total_amount) - open_amount - 5 <= least(net_amount, tax_amount, 0)",
    "name = '''' or name is null",
    "is_void = false or null",
]


@pytest.mark.parametrize("rule", [*RULES, *MORE])
def test_postgres_and_python_agree_on_every_rule(table, rule):
    answers = [answer for (answer,) in table.execute(f"select {rule} from rows order by n")]

    assert [predicate(rule)(row) for row in rows()] == answers
    assert {True, False} <= {bool(answer) for answer in answers}


def test_a_record_says_which_rules_it_breaks():
    invoice = msgspec.structs.replace(an_invoice(), open_amount=Decimal(1), currency="dollars")

    broken = broken_rules(spec_of("invoices"), invoice)

    assert [rule.name for rule in broken] == ["open_within_total", "currency_is_known"]
    assert not broken_rules(spec_of("invoices"), an_invoice())


@pytest.mark.parametrize(
    "rule", ["a = (select 1)", "lower(name) = 'x'", "name = 'x' limit 1", "a between 1", "a ; b", "a is 1", "(a = 1"]
)
def test_a_rule_beyond_the_language_is_refused(rule):
    with pytest.raises(SpecError, match=r"expected what ledger/rules\.py can read"):
        predicate(rule)
