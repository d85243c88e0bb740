"""Both hands: what people do to records here and over there.

Belongs here: single deeds; those with money are `money.py`, the memory of all of them is `records.py`. Which deed comes
when is `schedule.py`, what must have become of them `invariants.py`. A deed that makes no sense just then (the record
is gone, or paid) is left undone.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec
from psycopg import sql

from tests.faults.kinds import DAY, Kind, ledger_line
from tests.faults.money import Entry, Money
from tests.faults.records import ACTIVE, AMOUNT, LIVE, STATE, Record, edit_of_ended, end
from tests.faults.world import World
from tests.ledger_writer import LedgerWriter


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
        self.money = Money(self)

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
        kind, name = self.erp.kinds[entity], self.a_name("H")
        if entity == "customers" and chance.random() < 0.25 and not self._has(entity, self.erp.taken_name):
            name = self.erp.taken_name or name
        amount = _an_amount(chance)
        values: dict[str, Any] = {kind.name: name, **kind.always}
        lines: list[dict[str, Any]] = []
        entry: Entry | None = None
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
            entry = self.money.entered_here(chance, kind, amount)
            lines, values = entry.lines, values | entry.values
        if kind.party:
            values[kind.party_column] = self._party_here(chance, kind, strange_party, values)
        if entry and entry.use:
            entry.use.ledger_id = self.writer.insert(entity, lines, **values)
            self.money.uses.append(entry.use)
            self.say("here: {2} of {0} is used on {1}".format(*entry.use.says))
            return
        record = Record(kind, name)
        if entry:
            record.settles, record.used = entry.settles, entry.values["applied_amount"]
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
            name = self.a_name("P")
            made = self.writer.insert(str(kind.party), name=name, currency="USD")
            record = Record(self.erp.kinds[str(kind.party)], name, made)
            record.value(STATE).write("ours", LIVE, shown=None)
            self.records.append(record)
            return made
        return self.ids[f"{kind.party}/{self.erp.parties[str(kind.party)]}"]

    def edit_here(self, chance: random.Random, record: Record | None = None, name: str = "") -> None:
        if record is None and self._takes_back(chance) and self.money.take_back_here(chance):
            return
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
        edit_of_ended(record, "theirs", name, is_shown=bool(row.get("is_void")))
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
        edit_of_ended(record, "theirs", AMOUNT, is_shown=False)
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
        end(record, "ours", how, unseen)
        self.say(f"here: {how} {record.label}")

    def _takes_back(self, chance: random.Random) -> bool:
        return bool(self.money.uses) and chance.random() < 0.4

    def _is_whole(self, record: Record, row: Mapping[str, Any]) -> bool:
        """Whether money is for one document and nothing else, or all out of one credit."""
        table, parent = record.kind.parts or ("", "")
        parts = sql.SQL("select amount from {} where {} = %s").format(
            sql.Identifier("ledger", table), sql.Identifier(parent)
        )
        return [part["amount"] for part in self.world.rows(parts, record.ledger_id)] == [abs(row[AMOUNT])]

    def apply_here(self, chance: random.Random) -> None:
        self.money.apply_here(chance)

    def apply_there(self, chance: random.Random) -> None:
        self.money.apply_there(chance)

    # Over there

    def make_there(self, chance: random.Random, entity: str) -> None:
        kind, name = self.erp.kinds[entity], self.a_name("T")
        amount = _an_amount(chance)
        record = Record(kind, name)
        if kind.is_money and self.money.made_there(chance, kind):
            return
        body = self.erp.new(kind, name, amount)
        if kind.party:
            body |= self.erp.with_party(kind, self.erp.parties[kind.party])
        if kind.is_money:
            entered = self.money.entered_there(chance, kind, amount)
            if entered is None:
                return
            body, record.settles = body | entered[0], entered[1]
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
            record.used = self.erp.total_of(made) - self.erp.rest_of(made) if record.settles else Decimal(0)
            for _ in range(chance.randint(0, 2)):
                self.money.apply_there(chance, record)
        if kind.first:
            self._first_there(chance, self.erp.kinds[kind.first], record.external_id)

    def _first_there(self, chance: random.Random, kind: Kind, party: str) -> None:
        """The document that makes a new name a customer or a vendor."""
        record, amount = Record(kind, self.a_name("T")), _an_amount(chance)
        body = self.erp.new(kind, record.name, amount) | self.erp.with_party(kind, party)
        made = self.world.edit_there(kind, self.erp.edit_of("create", kind, None, body))
        assert made is not None, f"making {record.label} was refused: {self.world.refused}"
        record.external_id = self.erp.id_of(made)
        record.value(AMOUNT).write("theirs", amount, shown=None)
        record.value(STATE).write("theirs", LIVE, shown=None)
        self.records.append(record)
        self.say(f"there: make {record.label} with it")

    def edit_there(self, chance: random.Random, record: Record | None = None, name: str = "", of: str = "") -> None:
        if record is None and not of and self._takes_back(chance) and self.money.take_back_there(chance):
            return
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
        edit_of_ended(record, "ours", name, is_shown=self.erp.is_void(there))
        self.say(f"there: {record.label}.{name} = {value}")

    def _is_in_doubt(self, record: Record) -> bool:
        asked = "select from sync.outbox where entity = %s and ledger_id = %s and state = 'sent'"
        return self.world.one(asked, record.kind.entity, record.ledger_id) is not None

    def _rename_there(self, record: Record, there: dict[str, Any]) -> None:
        name, kind = self.a_name("N"), record.kind
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
        if record.together:
            self._end_batch_there(record, there)
            return
        made = self.world.edit_there(record.kind, self.erp.edit_of(how, record.kind, there))
        if made is None:
            return
        shown = {n: self.erp.text_at(there, path) for n, path in record.kind.texts.items()}
        shown[AMOUNT] = self.erp.total_of(there)
        unseen = {n for n, v in record.values.items() if n != STATE and v.last is not None and shown[n] != v.last}
        end(record, "theirs", how, unseen)
        self.say(f"there: {how} {record.label}")

    def _end_batch_there(self, record: Record, there: dict[str, Any]) -> None:
        """It goes with all others of its batch."""
        if self.world.edited_there(self.erp.end_of_batch(there)):
            for each in record.together:
                end(each, "theirs", "delete", set())
                self.say(f"there: delete {each.label} with its batch")

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
        edit_of_ended(record, "theirs", name, is_shown=False)
        self.say(f"here meanwhile: {record.label}.{name} = {value}")

    def wrote_there(self, record: Record, name: str, value: str) -> None:
        """Somebody wrote over there into a field that nobody here has written yet."""
        record.value(name).write("theirs", value, shown=None)
        edit_of_ended(record, "ours", name, is_shown=False)
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
        if record.kind.is_money:
            # What it settles may be as one side had it, or as the other.
            record.is_settled_anew = True
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

    def a_name(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self.seed}-{self._count}"


def _an_amount(chance: random.Random) -> Decimal:
    return Decimal(chance.randint(100, 90_000)) / 100
