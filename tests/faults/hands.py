"""Both hands: what people do to records here and over there, and what each had seen when it wrote.

Belongs here: single deeds and the memory of them. Which deed comes when is `schedule.py`, what must have become of them
`invariants.py`. A deed that makes no sense just then (the record is gone, or paid) is left undone.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec
from psycopg import sql

from tests.faults.kinds import DAY, SETTLES, Kind, ledger_line
from tests.faults.world import World
from tests.ledger_writer import LedgerWriter

AMOUNT = "total_amount"
STATE = "state"
ACTIVE = "is_active"
LIVE = "live"


@dataclass
class Value:
    """One field of one record: what each hand wrote last, whose word was the last of all, and whether they wrote it
    without having seen each other.
    """

    ours: Any = None
    theirs: Any = None
    last: Any = None
    is_concurrent: bool = False
    is_ours_always: bool = False
    is_over_doubt: bool = False
    """Theirs stands on ours, and nobody here knew that ours had arrived: the ledger, whose field it is, may take it for
    written unseen.
    """

    def write(self, hand: str, value: Any, *, shown: Any, in_doubt: bool = False) -> None:
        """One hand writes where its book has `shown` so far; `in_doubt`: what was sent of the record."""
        other = self.theirs if hand == "ours" else self.ours
        has_seen = other is None or shown == self.last
        setattr(self, hand, value)
        if self.is_ours_always:
            # Whoever sees what the ledger said, sees what was decided.
            self.is_concurrent = not has_seen
            self.is_over_doubt = in_doubt and hand == "theirs"
            self.last = self.ours if self.is_concurrent else value
            return
        self.is_concurrent = self.is_concurrent or not has_seen
        self.last = value

    def settle(self, value: Any) -> None:
        """Somebody decided: it is this."""
        self.ours = self.theirs = self.last = value
        self.is_concurrent = False


@dataclass
class Record:
    """One record of both books; an id is None as long as that book has none for it, or nobody has looked."""

    kind: Kind
    name: str
    ledger_id: int | None = None
    external_id: str | None = None
    values: dict[str, Value] = field(default_factory=dict)
    paid: Decimal = Decimal(0)
    is_touched: bool = False
    """Somebody changed its amount or ended it: it is not paid any more, as a paid one is not changed."""
    names: set[str] = field(default_factory=set)
    """All it was ever called; `name` is the last."""

    def __post_init__(self) -> None:
        self.names.add(self.name)

    def value(self, name: str) -> Value:
        return self.values.setdefault(name, Value(is_ours_always=name in self.kind.ours_always))

    def texts_without_ours(self) -> list[str]:
        """The fields that our hand has never written."""
        return [n for n in self.kind.texts if n not in self.values or self.values[n].ours is None]

    @property
    def can_be_edited(self) -> bool:
        return bool(self.kind.texts) or self.kind.has_amount

    @property
    def is_in_both(self) -> bool:
        return self.ledger_id is not None and self.external_id is not None and not self.is_ended

    @property
    def is_ended(self) -> bool:
        """Somebody deleted or voided it, seen or not."""
        return STATE in self.values and self.values[STATE].last not in (None, LIVE)

    @property
    def label(self) -> str:
        return f"{self.kind.entity}/{self.name}"


class Hands:
    """The two hands in one world, and every record that they may touch."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.erp = world.erp
        self.writer = LedgerWriter(world.books)
        self.seed = seed
        self.records: list[Record] = []
        self.story: list[str] = []
        self._count = 0
        self.ids = self._known()

    def _known(self) -> dict[str, int]:
        """The records that every world begins with; gives `entity/external id` -> ledger id."""
        found: dict[str, int] = {}
        for entity, kind in self.erp.kinds.items():
            for row in self.world.rows(
                sql.SQL(
                    "select l.*, b.external_id from {} l join sync.bindings b on b.entity = %s "
                    "and b.ledger_id = l.ledger_id order by l.ledger_id"
                ).format(sql.Identifier("ledger", entity)),
                entity,
            ):
                found[f"{entity}/{row['external_id']}"] = row["ledger_id"]
                self.records.append(Record(kind, row[kind.name], row["ledger_id"], row["external_id"]))
        return found

    def say(self, text: str) -> None:
        self.story.append(text)

    # Which record

    def pick(self, chance: random.Random, wanted: Callable[[Record], bool] = lambda _: True) -> Record | None:
        """Records that were worked on already come up more often: it takes two to disagree."""
        found = [record for record in self.records if wanted(record)]
        worked_on = [record for record in found if record.values]
        if worked_on and chance.random() < 0.6:
            found = worked_on
        return chance.choice(found) if found else None

    def row(self, record: Record) -> dict[str, Any] | None:
        table = sql.Identifier("ledger", record.kind.entity)
        if record.ledger_id is None:
            named = sql.SQL("select ledger_id from {} where {} = any(%s)").format(
                table, sql.Identifier(record.kind.name)
            )
            found = self.world.rows(named, list(record.names))
            if len(found) != 1:
                return None
            record.ledger_id = found[0]["ledger_id"]
        return self.world.one(sql.SQL("select * from {} where ledger_id = %s").format(table), record.ledger_id)

    def there(self, record: Record) -> dict[str, Any] | None:
        kind = record.kind
        if record.external_id is None:
            found = [one for one in self.world.list_there(kind) if self.erp.name_of(kind, one) in record.names]
            if not found:
                return None
            record.external_id = min(map(self.erp.id_of, found), key=lambda key: (len(key), key))
        listed = self.world.list_there(kind)
        return next((one for one in listed if self.erp.id_of(one) == record.external_id), None)

    # Here

    def make_here(self, chance: random.Random, entity: str, strange_party: bool = False) -> None:
        kind, name = self.erp.kinds[entity], self._name("H")
        if entity == "customers" and chance.random() < 0.25 and not self._has(entity, self.erp.taken_name):
            name = self.erp.taken_name or name
        amount = _an_amount(chance)
        values: dict[str, Any] = {kind.name: name, **kind.always}
        lines: list[dict[str, Any]] = []
        if entity in ("customers", "vendors"):
            values["currency"] = "USD"
        elif entity == "items":
            values |= {
                "kind": "service",
                "income_account_code": self.erp.income_code,
                "expense_account_code": self.erp.expense_code,
            }
        elif kind.has_amount:
            lines = [ledger_line(kind, amount, self.ids[f"items/{self.erp.item}"], self.erp.expense_code)]
            values |= {"issue_date": DAY, "currency": "USD", "net_amount": amount, AMOUNT: amount}
            values |= (
                {"open_amount": amount}
                if kind.wire_open
                else {"status": "open", "payable_account_code": self.erp.payable_code}
            )
        else:
            lines, values = self._payment_here(chance, kind, values, amount)
            if not lines and entity in self.erp.settles_always and entity != "bill_payments":
                return
        if kind.party:
            values[kind.party_column] = self._party_here(chance, kind, strange_party, values)
        record = Record(kind, name)
        for text in kind.texts:
            if chance.random() < 0.4:
                values[text] = self._text(text, "here")
                record.value(text).write("ours", values[text], shown=None)
        record.ledger_id = self.writer.insert(entity, lines, **values)
        if kind.has_amount:
            record.value(AMOUNT).write("ours", amount, shown=None)
        record.value(STATE).write("ours", LIVE, shown=None)
        self.records.append(record)
        self.say(f"here: make {record.label}" + (f" over {values[AMOUNT]}" if AMOUNT in values else ""))

    def _has(self, entity: str, name: str) -> bool:
        return any(record.kind.entity == entity and record.name == name for record in self.records)

    def _party_here(self, chance: random.Random, kind: Kind, is_new: bool, values: Mapping[str, Any]) -> int:
        if kind.party_column in values:
            return values[kind.party_column]
        if is_new:
            name = self._name("P")
            made = self.writer.insert(str(kind.party), name=name, currency="USD")
            record = Record(self.erp.kinds[str(kind.party)], name, made)
            record.value(STATE).write("ours", LIVE, shown=None)
            self.records.append(record)
            return made
        return self.ids[f"{kind.party}/{self.erp.parties[str(kind.party)]}"]

    def _payment_here(
        self, chance: random.Random, kind: Kind, values: dict[str, Any], amount: Decimal
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Money that settles all or a part of a document, or nothing yet."""
        lines: list[dict[str, Any]] = []
        settled = Decimal(0)
        document = self.pick(chance, lambda r: r.kind.entity == SETTLES[kind.entity] and not r.is_touched)
        row = self.row(document) if document else None
        if document and row and not row["is_deleted"] and not row["is_void"]:
            left = row[AMOUNT] - document.paid
            settled = min(left, amount)
            if settled > 0:
                document.paid += settled
                lines.append(
                    {
                        "document_entity": SETTLES[kind.entity],
                        "document_id": document.ledger_id,
                        "document_key": "",
                        "amount": settled,
                    }
                )
                values[kind.party_column] = row[kind.party_column]
        is_whole = settled > 0 and (kind.entity in self.erp.settles_always or chance.random() < 0.5)
        total = settled if is_whole else max(amount, settled)
        values |= {"payment_date": DAY, "currency": "USD", AMOUNT: total, "applied_amount": settled}
        values |= {"unapplied_amount": total - settled}
        if kind.entity == "bill_payments":
            values |= {"method": "check", "paid_from_account_code": self.erp.bank_code}
        return lines, values

    def edit_here(self, chance: random.Random, record: Record | None = None, name: str = "") -> None:
        record = record or self.pick(chance, lambda r: r.can_be_edited)
        row = self.row(record) if record else None
        if record is None or row is None or row["is_deleted"]:
            return
        if not name and self._may_archive(record) and row[ACTIVE] and chance.random() < 0.2:
            # Nobody brings it back from here.
            self.writer.update(record.kind.entity, record.ledger_id, **{ACTIVE: False})
            record.value(ACTIVE).write("ours", False, shown=True)
            self.say(f"here: archive {record.label}")
            return
        name = name or self._a_field(chance, record)
        if name == AMOUNT:
            self._amount_here(chance, record, row)
            return
        value = self._text(name, "here")
        self.writer.update(record.kind.entity, record.ledger_id, **{name: value})
        known = record.value(name)
        known.write("ours", value, shown=row[name])
        _edit_of_ended(record, "theirs", name, is_shown=bool(row.get("is_void")))
        self.say(f"here: {record.label}.{name} = {value}")

    def _amount_here(self, chance: random.Random, record: Record, row: dict[str, Any]) -> None:
        kind = record.kind
        if record.paid or row.get("is_void") or kind.parts is None:
            return
        value, known = _an_amount(chance), record.value(AMOUNT)
        opened = sql.SQL(", open_amount = open_amount + %(new)s - total_amount" if kind.wire_open else "")
        table, column = kind.parts
        with self.writer.transaction() as tx:
            tx.execute(
                sql.SQL("update {} set amount = %s, quantity = null, unit_price = null where {} = %s").format(
                    sql.Identifier("ledger", table), sql.Identifier(column)
                ),
                (value, record.ledger_id),
            )
            tx.execute(
                sql.SQL(
                    "update {} set net_amount = %(new)s, total_amount = %(new)s {} where ledger_id = %(id)s"
                ).format(sql.Identifier("ledger", kind.entity), opened),
                {"new": value, "id": record.ledger_id},
            )
        known.write("ours", value, shown=row[AMOUNT])
        _edit_of_ended(record, "theirs", AMOUNT, is_shown=False)
        record.is_touched = True
        self.say(f"here: {record.label} is over {value}")

    def end_here(self, chance: random.Random) -> None:
        record = self.pick(chance, lambda r: bool(r.kind.ends) and not r.paid)
        row = self.row(record) if record else None
        if record is None or row is None or row["is_deleted"] or row.get("is_void"):
            return
        if row.get("applied_amount") and not (record.kind.is_taken_back_whole and self._is_whole(record, row)):
            return
        how = chance.choice(record.kind.ends)
        self.writer.update(record.kind.entity, record.ledger_id, **{"is_void" if how == "void" else "is_deleted": True})
        unseen = {n for n, v in record.values.items() if n != STATE and v.last is not None and row[n] != v.last}
        _end(record, "ours", how, unseen)
        self.say(f"here: {how} {record.label}")

    def _is_whole(self, record: Record, row: Mapping[str, Any]) -> bool:
        """Whether money is for one document and nothing else."""
        table, parent = record.kind.parts or ("", "")
        parts = sql.SQL("select amount from {} where {} = %s").format(
            sql.Identifier("ledger", table), sql.Identifier(parent)
        )
        return [part["amount"] for part in self.world.rows(parts, record.ledger_id)] == [row[AMOUNT]]

    def apply_here(self, chance: random.Random) -> None:
        """Money that came earlier settles a document now."""
        record = self.pick(chance, lambda r: r.kind.entity == "payments")
        row = self.row(record) if record else None
        if record is None or row is None or row["is_deleted"] or row["is_void"] or not row["unapplied_amount"]:
            return
        document = self.pick(
            chance, lambda r: r.kind.entity == "invoices" and not r.is_touched and r.ledger_id is not None
        )
        owed = self.row(document) if document else None
        if document is None or owed is None or owed["is_deleted"] or owed["customer_id"] != row["customer_id"]:
            return
        amount = min(owed[AMOUNT] - document.paid, row["unapplied_amount"])
        if amount <= 0:
            return
        document.paid += amount
        record.is_touched = True
        with self.writer.transaction() as tx:
            tx.execute(
                "insert into ledger.payment_applications (tenant_id, payment_id, position, document_entity, "
                "document_id, document_key, amount) select sync.current_tenant(), %(id)s, "
                "1 + (select count(*) from ledger.payment_applications where payment_id = %(id)s), 'invoices', "
                "%(document)s, '', %(amount)s",
                {"id": record.ledger_id, "document": document.ledger_id, "amount": amount},
            )
            tx.execute(
                "update ledger.payments set applied_amount = applied_amount + %(amount)s, "
                "unapplied_amount = unapplied_amount - %(amount)s where ledger_id = %(id)s",
                {"id": record.ledger_id, "amount": amount},
            )
        self.say(f"here: {record.label} settles {amount} of {document.label}")

    # Over there

    def make_there(self, chance: random.Random, entity: str) -> None:
        kind, name = self.erp.kinds[entity], self._name("T")
        amount = _an_amount(chance)
        body = self.erp.new(kind, name, amount)
        if kind.party:
            body |= self.erp.with_party(kind, self.erp.parties[kind.party])
        if kind.is_money:
            money = self._payment_there(chance, kind, amount)
            if money is None:
                return
            body |= money
        record = Record(kind, name)
        for text, path in kind.texts.items():
            if chance.random() < 0.4:
                value = self._text(text, "there")
                body |= self.erp.with_text(None, path, value)
                record.value(text).write("theirs", value, shown=None)
        made = self.world.edit_there(kind, self.erp.edit_of("create", kind, None, body))
        assert made is not None, f"making {record.label} was refused: {self.world.refused}"
        record.external_id = self.erp.id_of(made)
        if kind.has_amount:
            record.value(AMOUNT).write("theirs", amount, shown=None)
        record.value(STATE).write("theirs", LIVE, shown=None)
        self.records.append(record)
        self.say(f"there: make {record.label}")
        if kind.is_money:
            self._apply_there(chance, kind, made)
        if kind.first:
            self._first_there(chance, self.erp.kinds[kind.first], record.external_id)

    def _first_there(self, chance: random.Random, kind: Kind, party: str) -> None:
        """The document that makes a new name a customer or a vendor."""
        record, amount = Record(kind, self._name("T")), _an_amount(chance)
        body = self.erp.new(kind, record.name, amount) | self.erp.with_party(kind, party)
        made = self.world.edit_there(kind, self.erp.edit_of("create", kind, None, body))
        assert made is not None, f"making {record.label} was refused: {self.world.refused}"
        record.external_id = self.erp.id_of(made)
        record.value(AMOUNT).write("theirs", amount, shown=None)
        record.value(STATE).write("theirs", LIVE, shown=None)
        self.records.append(record)
        self.say(f"there: make {record.label} with it")

    def _apply_there(self, chance: random.Random, kind: Kind, made: dict[str, Any]) -> None:
        """Some of the rest settles a document, and perhaps another."""
        if not self.erp.has_rest(made):
            return
        for _ in range(chance.randint(0, 2)):
            document = self.pick(chance, lambda r: r.kind.entity == SETTLES[kind.entity] and not r.is_touched)
            there = self.there(document) if document else None
            if document is None or there is None or document.ledger_id is None:
                continue
            left = min(self.erp.open_of(document.kind, there), self.erp.total_of(there) - document.paid)
            amount = min(left, self.erp.total_of(made) / 3).quantize(Decimal("0.01"))
            if amount <= 0 or self.erp.party_of(document.kind, there) != self.erp.party_of(kind, made):
                continue
            if self.world.edited_there(self.erp.allocation(made, there, amount)):
                document.paid += amount
                self.say(f"there: {amount} of it settles {document.label}")

    def _payment_there(self, chance: random.Random, kind: Kind, amount: Decimal) -> dict[str, Any] | None:
        """None for money to a vendor that settles nothing, which nobody enters."""
        settled_kind = SETTLES[kind.entity]
        if kind.entity in self.erp.refunds and chance.random() < 0.2:
            settled_kind = self.erp.refunds[kind.entity]
        document = self.pick(chance, lambda r: r.kind.entity == settled_kind and not r.is_touched)
        there = self.there(document) if document else None
        if document and there and document.ledger_id is not None:
            left = self.erp.total_of(there) - document.paid
            settled = min(self.erp.open_of(document.kind, there), left, amount)
            if settled > 0:
                document.paid += settled
                party = self.erp.party_of(document.kind, there)
                return self.erp.money(kind, settled, (document.kind, there)) | self.erp.with_party(kind, party)
        return None if kind.entity in self.erp.settles_always else self.erp.money(kind, amount, None)

    def edit_there(self, chance: random.Random, record: Record | None = None, name: str = "", of: str = "") -> None:
        record = record or self.pick(chance, lambda r: r.can_be_edited and of in ("", r.kind.entity))
        there = self.there(record) if record else None
        if record is None or there is None:
            return
        if not name and record.kind.is_renamed_there and chance.random() < 0.3:
            self._rename_there(record, there)
            return
        if not name and self._may_archive(record) and chance.random() < 0.3:
            self._archive_there(record, there)
            return
        name = name or self._a_field(chance, record)
        edit = self.edit_of(chance, record, there, name)
        if edit is None:
            return
        value, body, shown = edit
        made = self.world.edit_there(record.kind, self.erp.edit_of("update", record.kind, there, body))
        if made is None:
            return
        record.value(name).write("theirs", value, shown=shown, in_doubt=self._is_in_doubt(record))
        _edit_of_ended(record, "ours", name, is_shown=self.erp.is_void(there))
        self.say(f"there: {record.label}.{name} = {value}")

    def _is_in_doubt(self, record: Record) -> bool:
        asked = "select from sync.outbox where entity = %s and ledger_id = %s and state = 'sent'"
        return self.world.one(asked, record.kind.entity, record.ledger_id) is not None

    def _rename_there(self, record: Record, there: dict[str, Any]) -> None:
        name, kind = self._name("N"), record.kind
        body = self.erp.edited(kind, there) | {kind.wire_name: name}
        if self.world.edit_there(kind, self.erp.edit_of("update", kind, there, body)) is None:
            return
        self.say(f"there: {record.label} is called {name}")
        record.name = name
        record.names.add(name)
        record.value(kind.name).write("theirs", name, shown=None)

    def _may_archive(self, record: Record) -> bool:
        """Not whom documents are with: nobody could enter any more. And not unseen by the other hand, nor while a write
        is in doubt: of two states, one that was changed and changed back is no change.
        """
        if not record.kind.is_archived or record.external_id in self.erp.parties.values():
            return False
        row, there = self.row(record), self.there(record)
        under_way = "select 1 from sync.outbox where entity = %s and ledger_id = %s and state in ('sent', 'waiting')"
        return (
            row is not None
            and there is not None
            and row[ACTIVE] == self.erp.is_active(there)
            and not self.world.rows(under_way, record.kind.entity, record.ledger_id)
        )

    def _archive_there(self, record: Record, there: dict[str, Any]) -> None:
        kind, was = record.kind, self.erp.is_active(there)
        body = self.erp.edited(kind, there) | self.erp.activity(not was)
        if self.world.edit_there(kind, self.erp.edit_of("update", kind, there, body)) is None:
            return
        record.value(ACTIVE).write("theirs", not was, shown=was)
        self.say(f"there: {'archive' if was else 'restore'} {record.label}")

    def edit_of(
        self, chance: random.Random, record: Record, there: dict[str, Any], name: str
    ) -> tuple[Any, dict[str, Any], Any] | None:
        """(value, body, what the person sees there before) of an edit over there."""
        kind = record.kind
        body = self.erp.edited(kind, there)
        if name == AMOUNT:
            if record.paid or self.erp.is_void(there):
                return None
            amount = _an_amount(chance)
            record.is_touched = True
            return amount, body | self.erp.new_amount(kind, there, amount), self.erp.total_of(there)
        if self.erp.is_void(there) and name in self.erp.texts_of_void(kind):
            # Written over, the ERP's own word that it is void is gone, and there is no other sign of it over there.
            return None
        value, path = self._text(name, "there"), kind.texts[name]
        return value, {**body, **self.erp.with_text(there, path, value)}, self.erp.text_at(there, path)

    def end_there(self, chance: random.Random, of: str = "") -> None:
        record = self.pick(chance, lambda r: bool(r.kind.ends) and not r.paid and of in ("", r.kind.entity))
        there = self.there(record) if record else None
        if record is None or there is None or self.erp.is_void(there):
            return
        if record.kind.is_money and not record.kind.is_taken_back_whole and self.erp.is_applied(record.kind, there):
            return
        if not self.erp.may_end(there):
            return
        how = chance.choice(record.kind.ends)
        made = self.world.edit_there(record.kind, self.erp.edit_of(how, record.kind, there))
        if made is None:
            return
        shown = {n: self.erp.text_at(there, path) for n, path in record.kind.texts.items()}
        shown[AMOUNT] = self.erp.total_of(there)
        unseen = {n for n, v in record.values.items() if n != STATE and v.last is not None and shown[n] != v.last}
        _end(record, "theirs", how, unseen)
        self.say(f"there: {how} {record.label}")

    def edit_both(self, chance: random.Random, of: str = "") -> None:
        """The same field on both sides, unseen: whoever comes second must ask."""
        record = self.pick(chance, lambda r: r.is_in_both and r.can_be_edited and of in ("", r.kind.entity))
        if record is None:
            return
        name = self._a_field(chance, record)
        self.edit_there(chance, record, name)
        self.edit_here(chance, record, name)

    def edit_apart(self, chance: random.Random) -> None:
        """Two fields of one record, one on each side, unseen: to be merged without a question."""
        record = self.pick(chance, lambda r: r.is_in_both and len(r.kind.texts) > 1)
        if record is None:
            return
        here, there = chance.sample(list(record.kind.texts), 2)
        self.edit_there(chance, record, there)
        self.edit_here(chance, record, here)

    # Deeds that happened while the product ran

    def a_text_of(self, chance: random.Random, record: Record) -> tuple[str, str]:
        """A field to write and what to write into it."""
        name = chance.choice(list(record.kind.texts))
        return name, self._text(name, "here")

    def wrote_here(self, record: Record, name: str, value: str, before: str) -> None:
        """Somebody wrote into the ledger where it said `before`."""
        known = record.value(name)
        known.write("ours", value, shown=before)
        _edit_of_ended(record, "theirs", name, is_shown=False)
        self.say(f"here meanwhile: {record.label}.{name} = {value}")

    def wrote_there(self, record: Record, name: str, value: str) -> None:
        """Somebody wrote over there into a field that nobody here has written yet."""
        record.value(name).write("theirs", value, shown=None)
        _edit_of_ended(record, "ours", name, is_shown=False)
        self.say(f"there meanwhile: {record.label}.{name} = {value}")

    # A conflict decided

    def decided(self, conflict: dict[str, Any], keep: str) -> None:
        """Whoever decided chose one side for every field in conflict."""
        record = next(
            (r for r in self.records if r.kind.entity == conflict["entity"] and r.ledger_id == conflict["ledger_id"]),
            None,
        )
        if record is None:
            return
        chosen = conflict[keep] and msgspec.json.decode(conflict[keep])
        for name in [f["name"] for f in conflict["fields"]]:
            if name in ("is_deleted", "is_void"):
                state = "delete" if chosen is None else "void" if chosen.get("is_void") else LIVE
                record.value(STATE).settle(state)
                for value in record.values.values():
                    value.is_concurrent = False
            elif name in (*record.kind.texts, record.kind.name, ACTIVE) and chosen is not None:
                record.value(name).settle(chosen[name])
            elif name == AMOUNT and chosen is not None:
                record.value(name).settle(Decimal(chosen[name]))
        if any(f["name"] in ("is_deleted", "is_void") for f in conflict["fields"]) and chosen is not None:
            for name, value in record.values.items():
                if name in record.kind.texts:
                    value.settle(chosen[name])
                elif name == AMOUNT:
                    value.settle(Decimal(chosen[name]))
        self.say(f"decided: {keep} for {record.label}, {', '.join(f['name'] for f in conflict['fields'])}")

    def _a_field(self, chance: random.Random, record: Record) -> str:
        names = list(record.kind.texts)
        return chance.choice([*names, AMOUNT] if record.kind.has_amount else names)

    def _text(self, field_name: str, where: str) -> str:
        self._count += 1
        if field_name == "email":
            return f"{where}{self._count}@books.example"
        return f"{where} {self._count}"

    def _name(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self.seed}-{self._count}"


def _end(record: Record, hand: str, how: str, unseen: set[str]) -> None:
    """One hand deletes or voids a record without having seen these fields as the other hand wrote them."""
    state = record.value(STATE)
    other = state.theirs if hand == "ours" else state.ours
    setattr(state, hand, how)
    state.last = how
    record.is_touched = True
    if how == "void" and AMOUNT in record.values:
        # Whoever voids takes the amount away that stood before them, and not what they have not seen.
        if AMOUNT in unseen:
            setattr(record.values[AMOUNT], hand, None)
        else:
            record.values.pop(AMOUNT)
    if other == how:
        # Both want the same, whatever else either had written before.
        state.is_concurrent = False
        return
    if other in ("void", "delete"):
        state.is_concurrent = True
    if (how == "delete" and unseen) or (how == "void" and AMOUNT in unseen):
        state.is_concurrent = True


def _edit_of_ended(record: Record, by: str, name: str, *, is_shown: bool) -> None:
    """One hand edits what the other has ended without its knowing. A void loses its amounts and nothing else."""
    state = record.values.get(STATE)
    how = getattr(state, by) if state else None
    if state and not is_shown and (how == "delete" or (how == "void" and name == AMOUNT)):
        state.is_concurrent = True


def _an_amount(chance: random.Random) -> Decimal:
    return Decimal(chance.randint(100, 90_000)) / 100
