"""Money and credits, of both hands: what settles what, who is given back what, and what of it is taken back.

Belongs here: deeds with money, and the memory of uses that have no name of their own. Making and ending a record is
`hands.py`; what must have become of what settles what is `settled.py`. Nobody uses more than there is of anything, as
each hand knows of both.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any

from psycopg import sql

from tests.faults.kinds import CREDITS, DAY, SETTLES, Kind
from tests.faults.records import AMOUNT, LIVE, STATE, Record

if TYPE_CHECKING:
    from tests.faults.hands import Hands

CENT = Decimal("0.01")
Row = Mapping[str, Any]


@dataclass
class Use:
    """A credit used on a document, where that is no record with a name of its own; `ledger_id` if it was made here."""

    kind: Kind
    credit: Record
    document: Record
    amount: Decimal
    ledger_id: int | None = None
    is_taken_back: bool = False

    @property
    def says(self) -> tuple[str, str, Decimal]:
        return self.credit.label, self.document.label, self.amount


@dataclass
class Entry:
    """New money as the ledger writes it; `use`: that it is one without a name."""

    values: dict[str, Any]
    lines: list[dict[str, Any]] = field(default_factory=list)
    settles: list[tuple[Record, Decimal]] = field(default_factory=list)
    use: Use | None = None


class Money:
    """What both hands do with money in one world."""

    def __init__(self, hands: Hands) -> None:
        self.hands, self.world, self.erp = hands, hands.world, hands.world.erp
        self.uses: list[Use] = []

    # Here

    def entered_here(self, chance: random.Random, kind: Kind, amount: Decimal) -> Entry:
        """Money for a document or for none, the use of a credit, or money given back."""
        drawn, entry = chance.random(), None
        if drawn < 0.3:
            entry = self._use_here(chance, kind)
        elif drawn < 0.45:
            entry = self._refund_here(chance, kind, amount)
        entry = entry or self._payment_here(chance, kind, amount)
        for record, part in entry.settles:
            record.paid += part
        entry.values = {"payment_date": DAY, "currency": "USD"} | entry.values
        entry.values["applied_amount"] = entry.values[AMOUNT] - entry.values["unapplied_amount"]
        if kind.entity == "bill_payments":
            entry.values |= {"method": "check", "paid_from_account_code": self.erp.bank_code}
        return entry

    def _payment_here(self, chance: random.Random, kind: Kind, amount: Decimal) -> Entry:
        """Money that settles all or a part of a document, or nothing yet."""
        document, row, left = self._owed_here(chance, SETTLES[kind.entity])
        settled = min(left, amount)
        is_whole = settled > 0 and (kind.entity in self.erp.settles_always or chance.random() < 0.5)
        total = settled if is_whole else max(amount, settled)
        entry = Entry({AMOUNT: total, "unapplied_amount": total - settled})
        if document and settled > 0:
            entry.values[kind.party_column] = row[kind.party_column]
            entry.lines.append(_part(document, settled))
            entry.settles.append((document, settled))
        return entry

    def _use_here(self, chance: random.Random, kind: Kind) -> Entry | None:
        """A credit used on a document, sometimes twice alike, and where that can be, together with money."""
        credit, row, rest = self._owed_here(chance, CREDITS[kind.entity])
        document, owed, left = self._owed_here(chance, SETTLES[kind.entity], row.get(kind.party_column))
        amount = _some(chance, min(rest, left))
        if chance.random() < 0.3 and (twin := self._twin(kind)) is not None:
            credit, document, amount = twin.credit, twin.document, twin.amount
            owed = self.hands.row(document) or {}
        if credit is None or document is None or amount <= 0:
            return None
        entry = Entry({kind.party_column: owed[kind.party_column], "unapplied_amount": Decimal(0)})
        money = Decimal(0)
        if self.erp.uses_go_with_money and chance.random() < 0.4:
            money = _some(chance, left - amount) if left > amount else money
        entry.values[AMOUNT] = money
        entry.lines = [_part(document, amount + money), _part(credit, amount)]
        entry.settles = [(document, amount + money), (credit, amount)]
        if not self.erp.uses_have_names:
            entry.use = Use(kind, credit, document, amount)
        return entry

    def _twin(self, kind: Kind) -> Use | None:
        """An earlier use that can be made once more."""
        for use in reversed(self.uses):
            rows = [self.hands.row(record) for record in (use.credit, use.document)]
            if use.kind is kind and all(
                row is not None and _is_live(row) and row[AMOUNT] - record.paid >= use.amount
                for record, row in zip((use.credit, use.document), rows, strict=True)
            ):
                return use
        return None

    def _refund_here(self, chance: random.Random, kind: Kind, amount: Decimal) -> Entry | None:
        """Money given back, out of a credit or out of money that has a rest."""
        given_back = self.erp.gives_back.get(kind.entity, ())
        if not given_back:
            return None
        credit, row, rest = self._owed_here(chance, chance.choice(given_back))
        amount = min(rest, amount)
        if credit is None or amount <= 0:
            return None
        part = self.erp.part_of_rest(credit.external_id) if credit.kind.is_money else None
        return Entry(
            {kind.party_column: row[kind.party_column], AMOUNT: -amount, "unapplied_amount": Decimal(0)},
            [{**_part(credit, amount), **(part or {})}],
            [(credit, amount)],
        )

    def _owed_here(
        self, chance: random.Random, entity: str, party_id: Any = None
    ) -> tuple[Record | None, Row, Decimal]:
        """A document, a credit or money that nobody has changed or ended, its row, and what is left of it."""
        record = self.hands.pick(chance, lambda r: r.kind.entity == entity and not r.is_touched)
        row = self.hands.row(record) if record else None
        if record is None or row is None or not _is_live(row):
            return None, {}, Decimal(0)
        if party_id not in (None, row[record.kind.party_column]):
            return None, {}, Decimal(0)
        left = row[AMOUNT] - record.paid
        if record.kind.is_money:
            left = row["unapplied_amount"] if self._shows_all_here(record, row) and record.external_id else Decimal(0)
        return record, row, left

    def _shows_all_here(self, record: Record, row: Row) -> bool:
        """Whether the ledger knows of everything that money was used for."""
        return row["unapplied_amount"] == row[AMOUNT] - record.used - record.paid

    def apply_here(self, chance: random.Random) -> None:
        """Money that came earlier settles a document now."""
        record = self.hands.pick(chance, lambda r: r.kind.is_money)
        row = self.hands.row(record) if record else None
        if record is None or row is None or not _is_live(row) or not row["unapplied_amount"]:
            return
        if not self._shows_all_here(record, row):
            return
        document, _, left = self._owed_here(chance, SETTLES[record.kind.entity], row[record.kind.party_column])
        amount = min(left, row["unapplied_amount"])
        if document is None or amount <= 0:
            return
        self._settles(record, document, amount)
        parts, parent = record.kind.parts or ("", "")
        with self.hands.writer.transaction() as tx:
            tx.execute(
                sql.SQL(
                    "insert into {parts} (tenant_id, {parent}, position, document_entity, document_id, document_key, "
                    "amount) select sync.current_tenant(), %(id)s, "
                    "1 + (select coalesce(max(position), 0) from {parts} where {parent} = %(id)s), "
                    "%(entity)s, %(document)s, '', %(amount)s"
                ).format(parts=sql.Identifier("ledger", parts), parent=sql.Identifier(parent)),
                {
                    "id": record.ledger_id,
                    "entity": document.kind.entity,
                    "document": document.ledger_id,
                    "amount": amount,
                },
            )
            tx.execute(
                sql.SQL(
                    "update {} set applied_amount = applied_amount + %(amount)s, "
                    "unapplied_amount = unapplied_amount - %(amount)s where ledger_id = %(id)s"
                ).format(sql.Identifier("ledger", record.kind.entity)),
                {"id": record.ledger_id, "amount": amount},
            )
        self.hands.say(f"here: {record.label} settles {amount} of {document.label}")

    def take_back_here(self, chance: random.Random) -> bool:
        """A use that has no name is taken back; says whether there was one."""
        use = self._one_use(chance, lambda use: True)
        row = self._row_of(use) if use else None
        if use is None or row is None:
            return False
        self.hands.writer.update(use.kind.entity, row["ledger_id"], is_deleted=True)
        use.is_taken_back = True
        self.hands.say(f"here: the use of {use.amount} of {use.credit.label} on {use.document.label} is taken back")
        return True

    # Over there

    def made_there(self, chance: random.Random, kind: Kind) -> bool:
        """Money that is no new record by one name: a batch, or the use of a credit; says whether it was that."""
        drawn = chance.random()
        if drawn < 0.2 and self.erp.has_batches:
            return self._batch_there(chance, kind)
        if drawn < 0.45 and not self.erp.uses_have_names:
            return self._use_there(chance, kind)
        return False

    def entered_there(
        self, chance: random.Random, kind: Kind, amount: Decimal
    ) -> tuple[dict[str, Any], list[tuple[Record, Decimal]]] | None:
        """What a new payment says, and what it settles. None for money to a vendor that settles nothing, which nobody
        enters.
        """
        drawn, given_back = chance.random(), self.erp.gives_back.get(kind.entity, ())
        settles, total = (
            self._credit_there(chance, kind) if drawn < 0.25 and self.erp.uses_have_names else [],
            Decimal(0),
        )
        if not settles:
            entity = chance.choice(given_back) if given_back and drawn < 0.25 else SETTLES[kind.entity]
            document, left = self._owed_there(chance, entity)
            total = min(left, amount)
            settles = [(document, total)] if document is not None and total > 0 else []
        if not settles:
            return None if kind.entity in self.erp.settles_always else (self.erp.money(kind, amount, ()), [])
        shown = [(record.kind, self._shown(record), part) for record, part in settles]
        for record, part in settles:
            record.paid += part
        party = self.erp.party_of(*shown[0][:2])
        return self.erp.money(kind, total, shown) | self.erp.with_party(kind, party), settles

    def _credit_there(self, chance: random.Random, kind: Kind) -> list[tuple[Record, Decimal]]:
        """A document and a credit of one party, and how much of the one is used on the other; empty if there are not
        both.
        """
        credit, rest = self._owed_there(chance, CREDITS[kind.entity])
        document, left = self._owed_there(chance, SETTLES[kind.entity])
        amount = _some(chance, min(rest, left))
        if credit is None or document is None or amount <= 0 or self._party(credit) != self._party(document):
            return []
        return [(document, amount), (credit, amount)]

    def _use_there(self, chance: random.Random, kind: Kind) -> bool:
        settles = self._credit_there(chance, kind)
        if not settles:
            return False
        (document, amount), (credit, _) = settles
        if not self.world.edited_there(self._allocation(credit, document, amount)):
            return False
        document.paid += amount
        credit.paid += amount
        self.uses.append(Use(kind, credit, document, amount))
        self.hands.say(f"there: {amount} of {credit.label} is used on {document.label}")
        return True

    def _batch_there(self, chance: random.Random, kind: Kind) -> bool:
        """Documents are paid at once, each by a payment of its own that goes with all the others only."""
        made: list[Record] = []
        parts: list[tuple[str, Row, Decimal]] = []
        for _ in range(chance.randint(1, 3)):
            document, left = self._owed_there(chance, SETTLES[kind.entity])
            if document is None or left <= 0 or any(document is one.settles[0][0] for one in made):
                continue
            record, amount = Record(kind, self.hands.a_name("T")), _some(chance, left)
            record.settles = [(document, amount)]
            record.together = made
            made.append(record)
            parts.append((record.name, self._shown(document), amount))
        said = self.world.answer_there(self.erp.batch(parts)) if made else None
        if said is None:
            return False
        for record, external_id in zip(made, self.erp.batched(said), strict=True):
            (document, amount), record.external_id = record.settles[0], external_id
            document.paid += amount
            record.value(STATE).write("theirs", LIVE, shown=None)
            self.hands.records.append(record)
            self.hands.say(f"there: {record.label} over {amount} for {document.label}, in a batch of {len(made)}")
        return True

    def apply_there(self, chance: random.Random, made: Record | None = None) -> None:
        """Some of a rest settles a document."""
        record = made or self.hands.pick(chance, lambda r: r.kind.is_money and not r.is_ended)
        there = self.hands.there(record) if record else None
        if record is None or there is None or self.erp.is_void(there):
            return
        rest = self.erp.rest_of(there)
        if rest <= 0 or rest != self.erp.total_of(there) - record.used - record.paid:
            return
        document, left = self._owed_there(chance, SETTLES[record.kind.entity])
        amount = min(left, _some(chance, rest))
        if document is None or amount <= 0 or self._party(record) != self._party(document):
            return
        if self.world.edited_there(self._allocation(record, document, amount)):
            self._settles(record, document, amount)
            self.hands.say(f"there: {record.label} settles {amount} of {document.label}")

    def take_back_there(self, chance: random.Random) -> bool:
        """The same over there. Nothing tells of it, so that nobody does it who could not know it to be made."""
        use = self._one_use(chance, lambda use: use.ledger_id is None or self._is_bound(use))
        note = self.hands.there(use.credit) if use else None
        if use is None or note is None:
            return False
        edit = self.erp.taken_off(note, self._shown(use.document), use.amount)
        if edit is None or not self.world.edited_there(edit):
            return False
        use.is_taken_back = True
        self.hands.say(f"there: the use of {use.amount} of {use.credit.label} on {use.document.label} is taken back")
        return True

    def _owed_there(self, chance: random.Random, entity: str) -> tuple[Record | None, Decimal]:
        """The same over there, of what both books have."""
        record = self.hands.pick(chance, lambda r: r.kind.entity == entity and not r.is_touched)
        there = self.hands.there(record) if record else None
        if record is None or there is None or record.ledger_id is None or self.erp.is_void(there):
            return None, Decimal(0)
        total = self.erp.total_of(there)
        if record.kind.is_money:
            rest = self.erp.rest_of(there)
            return record, rest if rest == total - record.used - record.paid else Decimal(0)
        return record, min(self.erp.open_of(record.kind, there), total - record.paid)

    def _allocation(self, record: Record, document: Record, amount: Decimal) -> dict[str, Any]:
        return self.erp.allocation(record.kind, self._shown(record), document.kind, self._shown(document), amount)

    def _shown(self, record: Record) -> Row:
        there = self.hands.there(record)
        assert there is not None, record.label
        return there

    def _party(self, record: Record) -> str:
        return self.erp.party_of(record.kind, self._shown(record))

    # Both

    def _settles(self, record: Record, document: Record, amount: Decimal) -> None:
        record.used += amount
        record.settles.append((document, amount))
        document.paid += amount

    def _one_use(self, chance: random.Random, wanted: Callable[[Use], bool]) -> Use | None:
        """One of which there is no other that says the same: nobody could tell which of them was meant."""
        found = [
            use
            for use in self.uses
            if not use.is_taken_back and [one.says for one in self.uses].count(use.says) == 1 and wanted(use)
        ]
        return chance.choice(found) if found else None

    def _row_of(self, use: Use) -> dict[str, Any] | None:
        """The row of a use, None as long as the ledger has none."""
        parts, parent = use.kind.parts or ("", "")
        used_on = sql.SQL(
            "select l.* from {table} l where not l.is_deleted and l.total_amount = 0 and {wanted} and {credit}"
        ).format(
            table=sql.Identifier("ledger", use.kind.entity),
            **{
                name: sql.SQL(
                    "exists (select from {} p where p.{} = l.ledger_id and p.document_entity = {} "
                    "and p.document_id = {} and p.amount = {})"
                ).format(
                    sql.Identifier("ledger", parts),
                    sql.Identifier(parent),
                    sql.Literal(record.kind.entity),
                    sql.Literal(record.ledger_id),
                    sql.Literal(use.amount),
                )
                for name, record in (("wanted", use.document), ("credit", use.credit))
            },
        )
        return self.world.one(used_on)

    def _is_bound(self, use: Use) -> bool:
        bound = "select from sync.bindings where entity = %s and ledger_id = %s"
        return self.world.one(bound, use.kind.entity, use.ledger_id) is not None


def _part(record: Record, amount: Decimal) -> dict[str, Any]:
    return {
        "document_entity": record.kind.entity,
        "document_id": record.ledger_id,
        "document_key": "",
        "amount": amount,
    }


def _is_live(row: Row) -> bool:
    return not row["is_deleted"] and not row["is_void"]


def _some(chance: random.Random, rest: Decimal) -> Decimal:
    """All of it, or a half or a third, so that there is something left for another."""
    return (rest / chance.choice([1, 2, 3])).quantize(CENT, ROUND_DOWN)
