"""From the mirror into the ledger: set-wise what nobody edited here, carefully (`careful.py`) what somebody did.

Changes are taken in the order they arrived, a batch and the cursor that names its end in one transaction. What a pull
has just stored is taken while it is at hand; whatever was stored and not taken, however that came about, is read back
from the mirror. A record that cannot be read, or refers to something the ledger lacks, is held in `sync.errors` and
tried again with every merge.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import is_
from typing import Any

import psycopg

from ledger.columns import TakenApart
from ledger.fields import MappingError
from ledger.mapping import WireMapping
from resources.collector import collector_paused
from resources.connector import Page
from resources.errors import ErrorKind
from resources.points import point
from resources.stages.careful import Careful
from resources.stages.settling import Theirs
from resources.stages.work import Outcome, Work
from resources.stores import bindings, cursors, edits, errors, mirror
from resources.stores.errors import Held
from resources.stores.ledger import Incoming, ledger_store, relink_parts
from resources.stores.mirror import Change
from resources.stores.records import UnresolvedReferenceError

BATCH_ROWS_MAX = 2000


def merge(work: Work, entities: Sequence[str]) -> None:
    """Take every change of these entities, in the given order: parents before what refers to them."""
    with work.reading() as tx:
        waiting = _waiting(tx, work, entities) | errors.entities_held(tx, work.connection.name, "merge")
    for entity in entities:
        if entity not in waiting:
            work.outcome(entity)
            continue
        started = time.monotonic()
        _take_changes(work, entity)
        _take_held(work, entity)
        work.outcome(entity).seconds += time.monotonic() - started


def merge_again(work: Work, entity: str, external_ids: Sequence[str], *, gone: Sequence[str]) -> None:
    """Merge records of which nothing is new, as their rows were edited since they were merged. Of those that are `gone`
    the mirror may never have held one: it was gone before we knew that we made it.
    """
    with work.transaction() as tx:
        found = {i: Change(i, None, {}, is_deleted=True, change_seq=0) for i in gone}
        found |= {one.external_id: one for one in mirror.records(tx, work.connection.name, entity, external_ids)}
        _take(work, tx, entity, list(found.values()))


@dataclass(frozen=True, slots=True)
class Columns:
    """What a mapping reads from these payloads: columns, and for each row of them the place of its payload."""

    payloads: Sequence[Mapping[str, Any]]
    places: Sequence[int]
    apart: TakenApart

    @classmethod
    def of(cls, mapping: WireMapping, payloads: Sequence[Mapping[str, Any]]) -> Columns | None:
        """None unless all are as they should be."""
        read = mapping.columns_of(payloads)
        return None if read is None else cls(payloads, *read)

    def are_of(self, payloads: Sequence[Mapping[str, Any]]) -> bool:
        """Whether these are the very same, one by one."""
        return len(payloads) == len(self.payloads) and all(map(is_, payloads, self.payloads))


@dataclass(slots=True)
class Merging:
    """Merges what a pull stores, right behind it; `entities` are those that are to be merged at all, in their order."""

    work: Work
    entities: Sequence[str]
    _has_begun: bool = False

    def prepared(self, page: Page) -> Columns | None:
        """A page read as columns, as long as all of it is alive and plain."""
        if page.entity not in self.entities or not page.records or any(one.is_deleted for one in page.records):
            return None
        return Columns.of(self.work.erp.mappings()[page.entity], [one.content for one in page.records])

    def stored(self, entity: str, changes: Sequence[Change], prepared: Columns | None) -> None:
        """Take what was just stored; if changes before it still wait, all of them in order, from the mirror."""
        if entity not in self.entities or not changes:
            return
        self._catch_up(entity)
        name = self.work.connection.name
        with self.work.transaction(is_redoable=True) as tx:
            merged_seq = cursors.read_all(tx, name)[entity].merged_seq
            is_next = not mirror.is_waiting(tx, name, entity, after_seq=merged_seq, before_seq=changes[0].change_seq)
            if is_next:
                point("merge_begun")
                _take(self.work, tx, entity, changes, prepared)
                point("merge_written")
                cursors.merged(tx, name, entity, changes[-1].change_seq)
        if is_next:
            point("merge_committed")
        else:
            _take_changes(self.work, entity)

    def _catch_up(self, entity: str) -> None:
        """Once, before anything is taken: what an earlier sync stored and did not take, as this one may refer to it."""
        if self._has_begun:
            return
        self._has_begun = True
        others = [other for other in self.entities if other != entity]
        with self.work.reading() as tx:
            waiting = _waiting(tx, self.work, others)
        for other in others:
            if other in waiting:
                _take_changes(self.work, other)

    def ended(self, entity: str) -> None:
        """Release what waited for a record of its own kind, before others refer to it."""
        if entity in self.entities:
            merge(self.work, [entity])


def _waiting(tx: psycopg.Connection[Any], work: Work, entities: Sequence[str]) -> set[str]:
    """Those of which the mirror holds changes that were not taken."""
    known = cursors.read_all(tx, work.connection.name)
    merged = {entity: known[entity].merged_seq if entity in known else 0 for entity in entities}
    return mirror.waiting(tx, work.connection.name, merged)


def _take_changes(work: Work, entity: str) -> None:
    with work.reading() as tx:
        cursor = cursors.read_all(tx, work.connection.name).get(entity)
    at = cursor.merged_seq if cursor else 0
    while True:
        with work.reading() as tx:
            batch = mirror.changes(tx, work.connection.name, entity, after_seq=at, limit=BATCH_ROWS_MAX)
        if not batch:
            return
        at = batch[-1].change_seq
        point("merge_begun")
        with work.transaction(is_redoable=True) as tx, collector_paused():
            _take(work, tx, entity, batch)
            point("merge_written")
            cursors.merged(tx, work.connection.name, entity, at)
        point("merge_committed")


def _take_held(work: Work, entity: str) -> None:
    """Try again what is held, until a round brings nothing more (a parent may have been held behind another)."""
    while True:
        with work.reading() as tx:
            ids = errors.held_ids(tx, work.connection.name, entity, "merge")
        tried = held = 0
        for first in range(0, len(ids), BATCH_ROWS_MAX):
            with work.reading() as tx:
                batch = mirror.records(tx, work.connection.name, entity, ids[first : first + BATCH_ROWS_MAX])
            with work.transaction() as tx:
                held += _take(work, tx, entity, batch)
            tried += len(batch)
        if held >= tried:
            return


def _take(
    work: Work, tx: psycopg.Connection[Any], entity: str, batch: Sequence[Change], prepared: Columns | None = None
) -> int:
    """Take one batch; returns how many of it are held."""
    name, tenant = work.connection.name, work.connection.tenant
    mapping = work.erp.mappings()[entity]
    store = ledger_store(entity, mapping)
    careful = Careful(work, tx)
    read = None if careful.is_called_for(entity, batch) else _read_as_columns(mapping, batch, prepared)
    arrived: dict[str, Theirs] = {}
    held: list[Held] = []
    care: list[str] = []
    if read is not None:
        page, apart, buried = read
    else:
        for change in batch:
            one = _read(mapping, change)
            if isinstance(one, Held):
                held.append(one)
            else:
                arrived[one.external_id] = one
        care = careful.needing_care(entity, list(arrived.values()))
        needy = set(care)
        free = [one for i, one in arrived.items() if i not in needy]
        page = [_incoming(one) for one in free if one.record is not None]
        apart, buried = None, [one.external_id for one in free if one.record is None]
    outcome = work.outcome(entity)
    take = partial(
        store.take,
        tx,
        tenant=tenant,
        connection=name,
        run_id=work.run_id,
        from_wire=mapping.from_wire,
        references=work.references,
    )
    taken = take(page=page, apart=apart)
    if buried:
        outcome.deleted += store.bury(tx, connection=name, external_ids=buried, run_id=work.run_id)
        # Asked afterwards: burying waits for whoever is writing such a row, and then leaves it as it is.
        taken.ahead += bindings.ahead(tx, name, entity, buried)
    if taken.ahead and not arrived:
        arrived = {
            change.external_id: Theirs.of(change, None if change.is_deleted else mapping.from_wire(change.payload))
            for change in batch
            if change.external_id in taken.ahead
        }
    cared = [*(arrived[external_id] for external_id in [*taken.ahead, *care]), *careful.asked_next]
    if cared:
        careful.lock(entity, [one.external_id for one in cared])
    if new := [one for one in cared if _take_carefully(careful, outcome, entity, one, held) == "new"]:
        late = take(page=[_incoming(one) for one in new])
        taken.inserted += late.inserted
        taken.held += late.held
    held += taken.held
    outcome.inserted += taken.inserted
    outcome.updated += taken.updated
    if not store.spec.is_document:
        # Master data may be bound in other connections too, which are to hear of it.
        edits.pass_on(tx, connection=name, entity=entity, external_ids=[change.external_id for change in batch])
    elif taken.inserted or taken.updated:
        edits.look_again_at_payers(tx, name, entity, [change.external_id for change in batch])
    work.on_progress(name, f"merging {entity}", outcome.inserted + outcome.updated)
    if taken.inserted:
        relink_parts(tx, connection=name)
    held_ids = {h.external_id for h in held}
    errors.resolve(tx, name, "merge", entity, [c.external_id for c in batch if c.external_id not in held_ids])
    errors.hold(tx, tenant=tenant, connection=name, stage="merge", doing="merging", held=held, run_id=work.run_id)
    return len(held_ids)


def _take_carefully(careful: Careful, outcome: Outcome, entity: str, one: Theirs, held: list[Held]) -> str:
    """What came of it; see `Careful.receive`."""
    try:
        # A record that names what the ledger lacks must leave nothing behind.
        with careful.tx.transaction():
            came = careful.receive(entity, one)
    except UnresolvedReferenceError as error:
        held.append(
            Held(
                entity,
                one.external_id,
                error.field,
                f"a reference to {error.entity}/{error.external_id}",
                "one the ledger has",
            )
        )
        return "held"
    outcome.updated += came == "updated"
    outcome.deleted += came == "deleted"
    return came


def _incoming(one: Theirs) -> Incoming:
    return Incoming(one.external_id, one.version_token, one.record, one.change_seq)


def _read_as_columns(
    mapping: WireMapping, batch: Sequence[Change], prepared: Columns | None
) -> tuple[list[Incoming], TakenApart | None, list[str]] | None:
    """What is alive in the batch, at once, and the ids of what is deleted; None if one has to be read by itself."""
    live = [change for change in batch if not change.is_deleted]
    buried = [change.external_id for change in batch if change.is_deleted]
    if not live:
        return [], None, buried
    payloads = [change.payload for change in live]
    # What was prepared is of a page; the mirror may have held some of it already, or taken it in another order.
    read = prepared if prepared is not None and prepared.are_of(payloads) else Columns.of(mapping, payloads)
    if read is None:
        return None
    page = [
        Incoming(one.external_id, one.version_token, None, one.change_seq, one.payload)
        for one in map(live.__getitem__, read.places)
    ]
    return page, read.apart, buried


def _read(mapping: WireMapping, change: Change) -> Theirs | Held:
    if change.is_deleted:
        return Theirs.of(change, None)
    try:
        return Theirs.of(change, mapping.from_wire(change.payload))
    except MappingError as error:
        return Held(mapping.spec.name, change.external_id, error.path, error.found, error.expected)
    except Exception as error:  # One record nobody foresaw must not stop the others; it is shown with what it did.
        return Held(
            mapping.spec.name,
            change.external_id,
            "the whole record",
            f"{type(error).__name__}: {error}",
            "a record the mapping can read",
            ErrorKind.UNKNOWN,
        )
