"""Document by document: the ledger's against the ERP's, where the ERP's own report has been heard about each.

The ERP's side is the mirror, read into the form in which it is compared. An open document that the ERP's report shows
otherwise than the mirror is asked for by its id, and what is answered counts in place of what the mirror holds: so what
no feed reported is found too. Why two documents differ is `ledger/causes.py`; party by party it is `reconcile.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg

from ledger.causes import Difference, DocumentState, Facts, difference
from ledger.fields import MappingError
from ledger.mapping import WireMapping
from ledger.reconcile import Break, Cause, DocumentBreak, Module
from resources.connector import Reports, WireRecord
from resources.stages.work import Work
from resources.stores import (
    ageing,
    circumstances,
    cursors,
    documents,
    documents_compared,
    documents_settled,
    mirror,
)
from resources.stores.documents import Shape
from resources.stores.documents_compared import Pair

# Two books that differ in more documents than this are not two versions of one book: a sync has to come first.
DIFFERENCES_MAX = 20_000
ASKED_BY_ID_MAX = 2_000
_ZERO = Decimal(0)


@dataclass(slots=True)
class Compared:
    """What the comparison of one module's documents found. `notes` are what could not be compared."""

    breaks: list[DocumentBreak] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Fresh:
    """What the ERP answered about documents that its report shows otherwise: None for one that is not there."""

    states: dict[str, DocumentState | None] = field(default_factory=dict)
    records: dict[str, WireRecord] = field(default_factory=dict)
    settles: dict[tuple[str, str], list[tuple[str, str]]] = field(default_factory=dict)


def keep_up(work: Work, module: Module) -> None:
    """Read what changed in the mirror since into the form in which it is compared."""
    for shape in documents.shapes_of(module):
        mapping = work.erp.mappings()[shape.entity]
        is_more = True
        while is_more:
            with work.transaction(is_redoable=True) as tx:
                is_more = documents.keep_up(
                    tx, tenant=work.connection.tenant, connection=work.connection.name, shape=shape, mapping=mapping
                )


def compare_documents(
    work: Work, module: Module, reports: Reports, held: set[tuple[str, str]], *, is_thorough: bool
) -> Compared:
    """Every document of the module that is not the same in both books, but for those that are held.

    `is_thorough`: where the ERP counts more or fewer documents than the mirror, every id is listed to find which.
    """
    compared = Compared()
    # Payments last: which of them are to be asked for follows from what they settle.
    shapes = sorted(documents.shapes_of(module), key=lambda one: one.part == "applications")
    asked = _shown_otherwise(work, module, reports, compared)
    fresh: dict[str, _Fresh] = {}
    for shape in shapes:
        ids = list(asked.get(shape.entity, ()))
        if is_thorough:
            ids += _miscounted(work, shape, reports)
        if shape.part == "applications":
            ids += _settling(work, shape, fresh)
        fresh[shape.entity] = _ask(work, shape, sorted(set(ids))[:ASKED_BY_ID_MAX], compared)
    with work.reading() as tx:
        pairs = {shape.entity: _pairs(tx, work, shape, fresh[shape.entity], compared, held) for shape in shapes}
        names = ageing.party_names(tx, work.connection.name, module)
        found: list[Difference] = []
        payers: dict[tuple[str, str], list[tuple[str, Cause]]] = {}
        # Payments first: what is open of a document may differ only because a payment does.
        for shape in sorted(shapes, key=lambda one: one.part != "applications"):
            mine = _differences(tx, work, shape, pairs[shape.entity], fresh[shape.entity], payers, names)
            found += mine
            if shape.part == "applications":
                _note_payers(tx, work, shape, mine, fresh[shape.entity], payers)
    compared.breaks = [one for d in found for one in breaks_of(d, names)]
    return compared


def _shown_otherwise(work: Work, module: Module, reports: Reports, compared: Compared) -> dict[str, list[str]]:
    if reports.documents is None:
        return {}
    asked_parties = None
    if reports.unasked and reports.parties is not None:
        asked_parties = [party.external_id for party in reports.parties]
    with work.reading() as tx:
        found = ageing.shown_otherwise(
            tx,
            work.connection.name,
            module,
            reports.documents,
            reports.as_of,
            home_currency=reports.home_currency,
            asked_parties=asked_parties,
        )
    if len(found) > ASKED_BY_ID_MAX:
        compared.notes.append(
            (
                "report_differs",
                f"{work.erp.title}'s report shows {len(found)} documents otherwise than the mirror: "
                f"{ASKED_BY_ID_MAX} were asked for, sync with --full first",
            )
        )
    by_entity: dict[str, list[str]] = {}
    for entity, external_id in sorted(found)[:ASKED_BY_ID_MAX]:
        by_entity.setdefault(entity, []).append(external_id)
    return by_entity


def _miscounted(work: Work, shape: Shape, reports: Reports) -> set[str]:
    """Where the ERP counts another number than the mirror: the ids that only one of the two lists."""
    count = reports.counts.get(shape.entity)
    if count is None:
        return set()
    with work.reading() as tx:
        here = mirror.live_ids(tx, work.connection.name, shape.entity)
    if count == len(here):
        return set()
    there = {row[0] for page in work.connector.census(shape.entity) for row in page.rows}
    return here ^ there


def _settling(work: Work, shape: Shape, fresh: Mapping[str, _Fresh]) -> list[str]:
    """Payments that settle, by the mirror, what has just been asked for: one of them may be what has changed."""
    settled = [(entity, external_id) for entity, found in fresh.items() for external_id in found.states]
    if not settled:
        return []
    with work.reading() as tx:
        return documents_settled.payers_of(tx, work.connection.name, shape.entity, settled)


def _ask(work: Work, shape: Shape, external_ids: Sequence[str], compared: Compared) -> _Fresh:
    """What the ERP holds now of these documents, one by one."""
    fresh = _Fresh()
    if not external_ids:
        return fresh
    mapping: WireMapping = work.erp.mappings()[shape.entity]
    fresh.states = dict.fromkeys(external_ids)
    for page in work.connector.pull_ids(shape.entity, list(external_ids)):
        for record in page.records:
            if record.is_deleted:
                continue
            try:
                canonical = mapping.from_wire(record.content)
            except MappingError as error:
                compared.notes.append(("unreadable", f"{shape.entity}/{record.external_id} cannot be read: {error}"))
                fresh.states.pop(record.external_id, None)
                continue
            fresh.states[record.external_id] = documents.state_of(shape, canonical)
            fresh.records[record.external_id] = record
            if shape.part == "applications":
                for one in canonical.applications:  # type: ignore[attr-defined]
                    payer = (shape.entity, record.external_id)
                    fresh.settles.setdefault((one.document_entity, one.document_key), []).append(payer)
    return fresh


def _pairs(
    tx: psycopg.Connection[Any],
    work: Work,
    shape: Shape,
    fresh: _Fresh,
    compared: Compared,
    held: set[tuple[str, str]],
) -> list[Pair]:
    """What differs from the mirror, and what was asked for, with the answer in place of the mirror's version."""
    name = work.connection.name
    found = documents_compared.differing(tx, name, shape, limit=DIFFERENCES_MAX + 1)
    if len(found) > DIFFERENCES_MAX:
        compared.notes.append(
            (
                "too_different",
                f"more than {DIFFERENCES_MAX:,} {shape.entity} differ: these are not two versions of one book, and "
                "only their totals are compared",
            )
        )
        found = []
    known = {pair.external_id for pair in found}
    others = [one for one in fresh.states if one not in known]
    found += documents_compared.pairs(tx, name, shape, others)
    known = {pair.external_id for pair in found}
    found += [Pair(shape.entity, one, None, None, None) for one in fresh.states if one not in known]
    return [
        replace(pair, theirs=fresh.states[pair.external_id]) if pair.external_id in fresh.states else pair
        for pair in found
        if (shape.entity, pair.external_id) not in held
    ]


def _differences(
    tx: psycopg.Connection[Any],
    work: Work,
    shape: Shape,
    pairs: Sequence[Pair],
    fresh: _Fresh,
    payers: Mapping[tuple[str, str], Sequence[tuple[str, Cause]]],
    names: Mapping[str, str],
) -> list[Difference]:
    if not pairs:
        return []
    name, entity = work.connection.name, shape.entity
    external_ids = [p.external_id for p in pairs if p.external_id is not None]
    gone = circumstances.deleted_here(tx, name, entity, external_ids)
    rows = [p.ledger_id if p.ledger_id is not None else gone.get(p.external_id or "") for p in pairs]
    by_row, by_record = circumstances.conflicts_of(tx, name, entity)
    pending = circumstances.pending_of(tx, name, entity, [row for row in rows if row is not None])
    mirrored = circumstances.mirrored(tx, name, entity, external_ids)
    twins = circumstances.twins_of(tx, name, shape, [p for p in pairs if (p.ours is None) != (p.theirs is None)])
    cursor = cursors.read_all(tx, name).get(entity)
    found: list[Difference] = []
    for pair, row in zip(pairs, rows, strict=True):
        key = pair.external_id or ""
        held = mirrored.get(key)
        facts = Facts(
            conflict=by_row.get(row or 0, "") or by_record.get(key, ""),
            pending=pending.get(row or 0, ""),
            is_bound=pair.external_id is not None,
            is_tombstone=held is not None and held.is_deleted,
            waits_here=_waits(
                held, fresh.records.get(key), cursor.merged_seq if cursor else 0, cursor.watermark if cursor else None
            ),
            twin=twins.get((pair.external_id, pair.ledger_id), ""),
            payers=payers.get((entity, key), ()),
        )
        party = (pair.theirs or pair.ours).party if pair.theirs or pair.ours else ""  # type: ignore[union-attr]
        one = difference(
            entity=entity,
            external_id=pair.external_id,
            ledger_id=pair.ledger_id,
            sign=shape.sign,
            ours=pair.ours,
            theirs=pair.theirs,
            facts=facts,
            erp_title=work.erp.title,
            party_name=names.get(party) or f"party {party}",
        )
        if one is not None:
            found.append(one)
    return found


def _waits(
    held: circumstances.Mirrored | None, fresh: WireRecord | None, merged_seq: int, watermark: datetime | None
) -> str:
    """Why the ERP's version is not in the ledger yet, if the next sync will bring it by itself."""
    if held is not None and held.change_seq > merged_seq:
        return "it is in the mirror and waits to be merged"
    if fresh is None or fresh.modified_at is None or watermark is None or fresh.modified_at < watermark:
        return ""
    if held is not None and held.version_token == fresh.version_token and not held.is_deleted:
        return ""
    return f"it changed there at {fresh.modified_at:%Y-%m-%d %H:%M:%S}Z, after it was last read"


def _note_payers(
    tx: psycopg.Connection[Any],
    work: Work,
    shape: Shape,
    found: Sequence[Difference],
    fresh: _Fresh,
    payers: dict[tuple[str, str], list[tuple[str, Cause]]],
) -> None:
    """Remember what these payments settle, in whichever book they stand: it explains what is open of that."""
    causes = {d.identity.partition("/")[2]: d.cause for d in found if d.kind != "open"}
    if not causes:
        return
    name = work.connection.name
    there = documents_settled.applied_to(tx, name, {shape.entity: list(causes)})
    rows = {d.ledger_id: d.identity.partition("/")[2] for d in found if d.ledger_id is not None and d.kind != "open"}
    here = documents_settled.applied_here(tx, name, {shape.entity: rows})
    for source in (there, here, fresh.settles):
        for settled, by in source.items():
            for entity, key in by:
                if key in causes:
                    payers.setdefault(settled, []).append((f"{entity}/{key}", causes[key]))


def breaks_of(found: Difference, names: Mapping[str, str]) -> list[DocumentBreak]:
    """One break for each currency that it touches; where it moves no balance, one in the document's currency."""
    by_currency: dict[str, dict[str, Any]] = {}
    for (party, currency), amount in found.effects.items():
        by_currency.setdefault(currency, {})[party] = amount
    if not by_currency:
        by_currency = {found.currency: {}}
    return [
        DocumentBreak(
            Break(
                cause=found.cause,
                amount=sum(by_party.values(), start=_ZERO),
                says=found.says,
                party_external_id=found.party,
                party_name=names.get(found.party),
                identity=found.identity,
                kind=found.kind,
                entity=found.entity,
                external_id=found.external_id,
                ledger_id=found.ledger_id,
                fields=found.fields,
            ),
            currency,
            by_party,
        )
        for currency, by_party in by_currency.items()
    ]
