"""Damage to any synced company, whichever ERP it is of: records are chosen in the ledger, and amounts taken from it.

Belongs here: thirty-odd kinds of damage that need no company made for them, each on a party of its own, with the breaks
it has to be found as. The company made for damage, in QuickBooks, is `damage.py`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ledger.reconcile import Cause
from tests.books import Books
from tests.journeys.damage import Expected
from tests.ledger_writer import LedgerWriter

PARTY = {
    **dict.fromkeys(("invoices", "credit_memos", "payments"), "customer_id"),
    **dict.fromkeys(("bills", "vendor_credits", "bill_payments"), "vendor_id"),
}
SIGNS = {"invoices": 1, "bills": 1, "credit_memos": -1, "vendor_credits": -1, "payments": -1, "bill_payments": -1}
CENT = Decimal("0.01")


class NothingLike(LookupError):
    """The company has no record, of a party not damaged yet, that this could be done to."""


@dataclass
class Site:
    """A synced company, and whom of it damage has been done to."""

    books: Books
    there: There
    chance: random.Random
    used: dict[str, set[int]] = field(default_factory=dict)

    def pick(self, entity: str, condition: str = "true") -> dict[str, Any]:
        """A row, with its id over there, of a party that nothing has been done to; `condition` sees it as `l`."""
        party = PARTY[entity]
        rows = self.books.rows(
            f"select l.*, b.external_id from ledger.{entity} l join sync.bindings b on b.entity = %s "
            f"and b.ledger_id = l.ledger_id and b.connection = %s where not l.is_deleted and not l.is_void "
            f"and not l.{party} = any(%s) and ({condition}) order by l.ledger_id",
            entity,
            self.books.name,
            sorted(self.used.get(party, ())),
        )
        if not rows:
            raise NothingLike(f"{entity} where {condition}")
        found = self.chance.choice(rows)
        self.used.setdefault(party, set()).add(found[party])
        return found

    def beside(self, entity: str, row: dict[str, Any], condition: str) -> dict[str, Any] | None:
        """A record of another entity of the same party and currency."""
        party = PARTY[entity]
        rows = self.books.rows(
            f"select l.*, b.external_id from ledger.{entity} l join sync.bindings b on b.entity = %s "
            f"and b.ledger_id = l.ledger_id where not l.is_deleted and not l.is_void and l.{party} = %s "
            f"and l.currency = %s and ({condition}) order by l.ledger_id limit 1",
            entity,
            row[party],
            row["currency"],
        )
        return rows[0] if rows else None

    def here(self, statement: str, *values: Any) -> None:
        """Write into the ledger as the sync does: nobody is noted to have edited anything."""
        with self.books.services.db.transaction(self.books.tenant) as tx:
            tx.execute("select set_config('tieout.is_sync', 'on', true), set_config('tieout.actor', 'sync', true)")
            assert tx.execute(statement, values).rowcount == 1

    def set(self, entity: str, row: dict[str, Any], assignments: str, *values: Any) -> None:
        self.here(f"update ledger.{entity} set {assignments} where ledger_id = %s", *values, row["ledger_id"])

    def doubled(self, entity: str, row: dict[str, Any]) -> int:
        """The same row once more, bound to nothing; its ledger id."""
        names = ", ".join(name for name in row if name not in ("ledger_id", "version", "external_id"))
        self.here(
            f"insert into ledger.{entity} ({names}) select {names} from ledger.{entity} where ledger_id = %s",
            row["ledger_id"],
        )
        return self.books.value(f"select max(ledger_id) from ledger.{entity}")


class There:
    """Somebody changes an invoice over there so that no feed tells of it; each ERP does it in its own words."""

    def changed(self, row: dict[str, Any], more: Decimal) -> None:
        raise NotImplementedError

    def due(self, row: dict[str, Any], day: str) -> None:
        raise NotImplementedError

    def void(self, row: dict[str, Any]) -> None:
        raise NotImplementedError

    def made(self, row: dict[str, Any]) -> str:
        """The same invoice once more under another number; its id."""
        raise NotImplementedError


Damage = Callable[[Site], Expected]
DAMAGES: dict[str, Damage] = {}
OPEN = "l.open_amount = l.total_amount and l.open_amount > 20"
UNAPPLIED = "l.unapplied_amount > 1"


def damage(name: str) -> Callable[[Damage], Damage]:
    def register(function: Damage) -> Damage:
        DAMAGES[name] = function
        return function

    return register


def found(entity: str, row: dict[str, Any], cause: Cause, amount: Decimal) -> Expected:
    return {(f"{entity}/{row['external_id']}", row["currency"]): (cause, amount)}


def _open(entity: str, row: dict[str, Any]) -> Decimal:
    return SIGNS[entity] * row["unapplied_amount" if entity.endswith("payments") else "open_amount"]


def _lost(entity: str) -> Damage:
    def lose(site: Site) -> Expected:
        row = site.pick(entity, UNAPPLIED if entity.endswith("payments") else "l.open_amount > 0")
        site.set(entity, row, "is_deleted = true")
        return found(entity, row, Cause.MISSING_IN_LEDGER, _open(entity, row))

    return lose


def _doubled(entity: str) -> Damage:
    def double(site: Site) -> Expected:
        row = site.pick(entity, UNAPPLIED if entity.endswith("payments") else OPEN)
        made = site.doubled(entity, row)
        # Two payments without a number may both be real.
        number = row["reference_number" if entity == "payments" else "document_number"]
        cause = Cause.DUPLICATE if number else Cause.MISSING_IN_ERP
        return {(f"{entity}/#{made}", row["currency"]): (cause, -_open(entity, row))}

    return double


def _amounts(entity: str, condition: str, assignments: str, cause: Cause, amount: str) -> Damage:
    def change(site: Site) -> Expected:
        row = site.pick(entity, condition)
        site.set(entity, row, assignments)
        return found(entity, row, cause, SIGNS[entity] * Decimal(amount))

    return change


def _settled_again(payer: str, settled: str) -> Damage:
    """A payment is lost, and what it paid is open again."""
    table, parent = f"{payer.removesuffix('s')}_applications", f"{payer.removesuffix('s')}_id"

    def lose(site: Site) -> Expected:
        row = site.pick(
            payer,
            f"l.unapplied_amount = 0 and l.total_amount > 0 and (select count(*) from ledger.{table} a "
            f"where a.{parent} = l.ledger_id) = 1 and exists (select from ledger.{table} a join ledger.{settled} d "
            f"on d.ledger_id = a.document_id where a.{parent} = l.ledger_id and a.document_entity = '{settled}')",
        )
        (paid,) = site.books.rows(
            f"select d.*, b.external_id, a.amount from ledger.{table} a join ledger.{settled} d "
            "on d.ledger_id = a.document_id join sync.bindings b on b.entity = %s and b.ledger_id = d.ledger_id "
            f"where a.{parent} = %s",
            settled,
            row["ledger_id"],
        )
        site.set(payer, row, "is_deleted = true")
        site.set(settled, paid, "open_amount = open_amount + %s", paid["amount"])
        return {
            **found(payer, row, Cause.MISSING_IN_LEDGER, Decimal(0)),
            **found(settled, paid, Cause.MISSING_IN_LEDGER, -paid["amount"]),
        }

    return lose


def _applied_here_only(entity: str, whole: str, applied: str) -> Damage:
    def apply_(site: Site) -> Expected:
        row = site.pick(
            entity,
            f"l.{whole} > 1 and exists (select from ledger.invoices i where i.customer_id = l.customer_id "
            "and i.currency = l.currency and i.open_amount > 1 and not i.is_deleted and not i.is_void)",
        )
        invoice = site.beside("invoices", row, "l.open_amount > 1")
        assert invoice is not None
        amount = min(row[whole], invoice["open_amount"])
        site.set(entity, row, f"{whole} = {whole} - %s{applied}", amount)
        site.set("invoices", invoice, "open_amount = open_amount - %s", amount)
        return {
            **found(entity, row, Cause.UNAPPLIED, -amount),
            **found("invoices", invoice, Cause.UNAPPLIED, amount),
        }

    return apply_


for _entity in SIGNS:
    if _entity != "bill_payments":
        DAMAGES[f"{_entity}_lost_here"] = _lost(_entity)
for _entity in ("invoices", "bills", "payments"):
    DAMAGES[f"{_entity}_doubled_here"] = _doubled(_entity)
_TEN = "net_amount = net_amount + 10, total_amount = total_amount + 10, open_amount = open_amount + 10"
_TEN_OF_TAX = _TEN.replace("net_amount", "tax_amount")
for _entity in ("invoices", "bills", "credit_memos"):
    DAMAGES[f"{_entity}_amount_changed_here"] = _amounts(_entity, OPEN, _TEN, Cause.AMOUNT, "-10")
    DAMAGES[f"{_entity}_tax_wrong_here"] = _amounts(_entity, OPEN, _TEN_OF_TAX, Cause.AMOUNT, "-10")
    DAMAGES[f"{_entity}_cent_of_tax_rounding"] = _amounts(
        _entity, OPEN, _TEN_OF_TAX.replace("10", "0.01"), Cause.TAX_ROUNDING, "-0.01"
    )
_FLAT = {
    "tax_and_net_exchanged_here": ("bills", "net_amount = net_amount - 1, tax_amount = tax_amount + 1", Cause.AMOUNT),
    "rate_changed_here": ("invoices", "exchange_rate = exchange_rate + 0.15", Cause.EXCHANGE_RATE),
    "date_across_month_end_here": ("invoices", "issue_date = issue_date - 40", Cause.TIMING),
    "due_date_moved_here": ("invoices", "due_date = due_date + 45", Cause.TIMING),
    "bill_due_date_moved_here": ("bills", "due_date = due_date + 45", Cause.TIMING),
    "number_changed_here": ("invoices", "document_number = 'another'", Cause.AMOUNT),
}
for _name, (_entity, _assignments, _cause) in _FLAT.items():
    DAMAGES[_name] = _amounts(_entity, OPEN, _assignments, _cause, "0")
DAMAGES["payment_lost_here"] = _settled_again("payments", "invoices")
DAMAGES["bill_payment_lost_here"] = _settled_again("bill_payments", "bills")
DAMAGES["credit_applied_here_only"] = _applied_here_only("credit_memos", "open_amount", "")
DAMAGES["payment_applied_here_only"] = _applied_here_only("payments", "unapplied_amount", "")


@damage("invoice_only_here")
def _(site: Site) -> Expected:
    row = site.pick("invoices", OPEN)
    made = site.doubled("invoices", row)
    site.here("update ledger.invoices set document_number = 'OURS' where ledger_id = %s", made)
    return {(f"invoices/#{made}", row["currency"]): (Cause.MISSING_IN_ERP, -row["open_amount"])}


@damage("currency_swapped_here")
def _(site: Site) -> Expected:
    row = site.pick("invoices", OPEN)
    other = "EUR" if row["currency"] != "EUR" else "USD"
    site.set("invoices", row, "currency = %s", other)
    identity = f"invoices/{row['external_id']}"
    return {
        (identity, row["currency"]): (Cause.AMOUNT, row["open_amount"]),
        (identity, other): (Cause.AMOUNT, -row["open_amount"]),
    }


@damage("party_exchanged_here")
def _(site: Site) -> Expected:
    row = site.pick("invoices", OPEN)
    other = site.pick("invoices", f"l.currency = '{row['currency']}'")
    site.set("invoices", row, "customer_id = %s", other["customer_id"])
    return found("invoices", row, Cause.AMOUNT, Decimal(0))


@damage("line_amount_changed_here")
def _(site: Site) -> Expected:
    row = site.pick("invoices", OPEN)
    site.here(
        "update ledger.invoice_lines set amount = amount + 1 where part_id = "
        "(select min(part_id) from ledger.invoice_lines where invoice_id = %s)",
        row["ledger_id"],
    )
    return found("invoices", row, Cause.AMOUNT, Decimal(0))


@damage("line_lost_here")
def _(site: Site) -> Expected:
    row = site.pick("invoices", OPEN)
    site.here(
        "delete from ledger.invoice_lines where part_id = "
        "(select min(part_id) from ledger.invoice_lines where invoice_id = %s)",
        row["ledger_id"],
    )
    return found("invoices", row, Cause.AMOUNT, Decimal(0))


@damage("balance_lost_here")
def _(site: Site) -> Expected:
    row = site.pick("invoices", OPEN)
    site.set("invoices", row, "open_amount = 0")
    return found("invoices", row, Cause.UNAPPLIED, row["open_amount"])


@damage("void_here_only")
def _(site: Site) -> Expected:
    row = site.pick("invoices", OPEN)
    nothing = "is_void = true, net_amount = 0, tax_amount = 0, total_amount = 0, open_amount = 0"
    site.set("invoices", row, nothing)
    return found("invoices", row, Cause.AMOUNT, row["open_amount"])


@damage("edit_not_pushed")
def _(site: Site) -> Expected:
    row = site.pick("invoices", OPEN)
    LedgerWriter(site.books).update("invoices", row["ledger_id"], due_date="2031-08-31")
    return found("invoices", row, Cause.IN_FLIGHT, Decimal(0))


@damage("invoice_not_pushed")
def _(site: Site) -> Expected:
    row = site.pick("invoices", OPEN)
    made = LedgerWriter(site.books).invoice(
        row["customer_id"], "70.00", currency=row["currency"], connection=site.books.name
    )
    return {(f"invoices/#{made}", row["currency"]): (Cause.IN_FLIGHT, Decimal("-70.00"))}


@damage("changed_behind_the_mirrors_back")
def _(site: Site) -> Expected:
    row = site.pick("invoices", OPEN)
    site.there.changed(row, Decimal("30.00"))
    return found("invoices", row, Cause.AMOUNT, Decimal("30.00"))


@damage("due_date_moved_there")
def _(site: Site) -> Expected:
    row = site.pick("invoices", OPEN)
    site.there.due(row, "2027-10-15")
    return found("invoices", row, Cause.TIMING, Decimal(0))


@damage("void_missed")
def _(site: Site) -> Expected:
    row = site.pick("invoices", OPEN)
    site.there.void(row)
    return found("invoices", row, Cause.DELETED_THERE, -row["open_amount"])


@damage("invoice_never_told")
def _(site: Site) -> Expected:
    row = site.pick("invoices", OPEN)
    made = site.there.made(row)
    return {(f"invoices/{made}", row["currency"]): (Cause.MISSING_IN_LEDGER, row["open_amount"])}


def damage_all(site: Site, names: list[str]) -> tuple[Expected, list[str]]:
    """Do these damages, each to a party of its own; what has to be found, and what the company has no record for.

    Payments and credits first: of those a company has few.
    """
    expected: Expected = {}
    left_out: list[str] = []
    for name in sorted(names, key=lambda name: "payment" not in name and "credit" not in name):
        try:
            expected.update(DAMAGES[name](site))
        except NothingLike:
            left_out.append(name)
    return expected, left_out
