"""From the mirror into the ledger. Nothing edits the ledger yet, so every change is one-sided: the ERP's is taken.

Changes are taken in the order they arrived, a batch and the cursor that names its end in one transaction. A record that
cannot be read, or refers to something the ledger lacks, is held in `sync.errors` and tried again with every merge.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import psycopg

from ledger.fields import MappingError
from ledger.mapping import WireMapping
from resources.collector import collector_paused
from resources.errors import ErrorKind
from resources.stages.work import Work
from resources.stores import cursors, errors, mirror
from resources.stores.errors import Held
from resources.stores.ledger import Incoming, ledger_store, relink_parts
from resources.stores.mirror import Change

BATCH_ROWS_MAX = 2000

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def merge(work: Work, entities: Sequence[str]) -> None:
    """Take every change of these entities, in the given order: parents before what refers to them."""
    for entity in entities:
        started = time.monotonic()
        _take_changes(work, entity)
        _take_held(work, entity)
        work.outcome(entity).seconds += time.monotonic() - started


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
        with work.transaction() as tx, collector_paused():
            _take(work, tx, entity, batch)
            cursors.merged(tx, work.connection.name, entity, at)


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


def _take(work: Work, tx: psycopg.Connection[Any], entity: str, batch: Sequence[Change]) -> int:
    """Take one batch; returns how many of it are held."""
    name, tenant = work.connection.name, work.connection.tenant
    mapping = work.erp.mappings()[entity]
    store = ledger_store(entity)
    page: list[Incoming] = []
    held: list[Held] = []
    buried: list[str] = []
    for change in batch:
        if change.is_deleted:
            buried.append(change.external_id)
            continue
        problem = _read(mapping, change, page)
        if problem is not None:
            held.append(problem)
    outcome = work.outcome(entity)
    taken = store.take(tx, tenant=tenant, connection=name, page=page)
    held += taken.held
    outcome.inserted += taken.inserted
    outcome.updated += taken.updated
    work.on_progress(name, f"merging {entity}", outcome.inserted + outcome.updated)
    if buried:
        outcome.deleted += store.bury(tx, connection=name, external_ids=buried)
    if taken.inserted:
        relink_parts(tx, connection=name)
    held_ids = {h.external_id for h in held}
    errors.resolve(tx, name, "merge", entity, [c.external_id for c in batch if c.external_id not in held_ids])
    errors.hold(tx, tenant=tenant, connection=name, stage="merge", doing="merging", held=held, run_id=work.run_id)
    return len(held_ids)


def _read(mapping: WireMapping, change: Change, page: list[Incoming]) -> Held | None:
    try:
        record = mapping.from_wire(_decode(change.payload))
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
    page.append(Incoming(change.external_id, change.version_token, record))
    return None
