"""First meeting: a company that has books of its own is connected to a ledger that has, too. Who is who comes first.

Belongs here: matching what is bound to nothing on either side, the report of it, and binding what is certain. Until
that is applied the connection pulls into its mirror only; afterwards what is new on either side goes the ordinary ways,
merge and push. Who is who is decided in `ledger/matching.py`, what two records make of each other in `ledger/merge.py`.

The report is made by doing all of it in one transaction that is then rolled back, so that applying does what was shown.
Both books of one entity are in memory, of documents only what matching asks: linear in the whole book, once in a
connection's life. Measured: 200,000 invoices on either side are 300 MB, 460 MB at the peak of matching.

Customers, vendors and items that came from another company take part: they may be this one's too, and are bound in both
then. Those that are not are left alone; a document here that needs one brings it. Documents of others never take part.

*Start at now* leaves the past of both books alone: documents that are certainly the same are bound as they are, those
that may be are asked about, all others that exist are neither merged nor pushed until somebody changes them. Parties
and items meet as ever, for new documents refer to them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from typing import Any

import psycopg

from ledger.agreement import agreed
from ledger.fields import MappingError
from ledger.matching import Ambiguous, Candidates, Matching, Pair, Unbound, match, slimmed
from ledger.merge import Merged, meet
from ledger.policies import ConflictKind
from ledger.spec import EntitySpec, Record, spec_of
from resources.errors import ErrorKind, TieoutError
from resources.stages.plan import in_order
from resources.stages.work import Work
from resources.stores import (
    audit,
    bindings,
    conflicts,
    connections,
    cursors,
    edits,
    errors,
    mirror,
    policies,
    records,
    strangers,
)
from resources.stores.bindings import NO_VERSION, Binding
from resources.stores.edits import Edit
from resources.stores.ledger import Incoming, ledger_store
from resources.stores.records import Kept, Rewritten

BATCH_ROWS_MAX = 1000
REASONS_MAX = 5


@dataclass(slots=True)
class EntityMeeting:
    """What became of one entity. `differing` counts bound records with fields that a person must decide; `unreadable`
    says of each record there that cannot be read why.
    """

    entity: str
    found: Matching
    differing: int = 0
    unreadable: list[str] = field(default_factory=list)

    def amounts(self) -> dict[str, dict[str, Decimal]]:
        """bound, ambiguous, new_here, new_there -> currency -> what those documents come to (ambiguous: ours)."""
        groups = {
            "bound": [pair.ours for pair in self.found.bound],
            "ambiguous": list(chain.from_iterable(group.ours for group in self.found.ambiguous)),
            "new_here": self.found.new_here,
            "new_there": self.found.new_there,
        }
        return {name: _sums(group) for name, group in groups.items()}


@dataclass(slots=True)
class Meeting:
    """The report. `is_applied`: it has been written, and the connection syncs both ways from now on."""

    connection: str
    is_applied: bool
    starts_at_now: bool
    entities: list[EntityMeeting] = field(default_factory=list)


def meet_books(work: Work, *, is_applied: bool, start_at_now: bool, by: str) -> Meeting:
    """Let the mirror and the ledger meet; what is found is kept only if it `is_applied`."""
    meeting = Meeting(work.connection.name, is_applied, start_at_now)
    with work.transaction() as tx:
        meets = _Meets(work, tx, start_at_now)
        for entity in in_order():
            if entity in work.erp.mappings():
                meeting.entities.append(meets.entity(entity))
        if not is_applied:
            raise psycopg.Rollback
        _refuse_to_guess(meeting)
        connections.met(tx, work.connection.name)
        audit.append(
            tx,
            tenant=work.connection.tenant,
            actor=by,
            action="connection.meet",
            connection=work.connection.name,
            detail={
                "starts_at_now": start_at_now,
                "bound": {e.entity: len(e.found.bound) for e in meeting.entities if e.found.bound},
                "ambiguous": {e.entity: len(e.found.ambiguous) for e in meeting.entities if e.found.ambiguous},
            },
        )
    return meeting


@dataclass(frozen=True, slots=True)
class _Met:
    """One pair, and what both make of each other."""

    pair: Pair
    kept: Kept
    theirs: Record
    version_token: str | None
    met: Merged[Any]

    @property
    def is_filled(self) -> bool:
        """The row is to say what only they had."""
        return self.met.record != self.kept.record

    def rewritten(self) -> Rewritten:
        return Rewritten(self.kept.ledger_id, self.met.record, self.kept.continued(self.met.origins))

    def opening(self, base: Record, ledger_version: int) -> conflicts.Opening:
        return conflicts.Opening(
            ledger_id=self.kept.ledger_id,
            external_id=self.pair.theirs.id,
            kind=self.met.kind or ConflictKind.CONCURRENT_UPDATE,
            fields=self.met.conflicts,
            broken_rules=self.met.invariant_failures,
            base=base,
            ours=self.met.record,
            theirs=self.theirs,
            ledger_version=ledger_version,
            version_token=self.version_token,
        )


class _Meets:
    """Works through the entities, parents first, in one transaction."""

    def __init__(self, work: Work, tx: psycopg.Connection[Any], start_at_now: bool) -> None:
        self.work = work
        self.tx = tx
        self.name, self.tenant = work.connection.name, work.connection.tenant
        self.start_at_now = start_at_now
        self.actor = f"sync:{self.name}"
        self.candidates: dict[str, dict[str, tuple[str, ...]]] = {}
        self.tokens: dict[str, str | None] = {}

    def entity(self, entity: str) -> EntityMeeting:
        spec = spec_of(entity)
        is_left_alone = self.start_at_now and spec.is_document
        versions = strangers.rows(self.tx, self.name, entity)
        ours: list[Unbound] = []
        elsewhere: set[str] = set()
        for ids in _batches(list(versions)):
            for ledger_id, kept in records.read(self.tx, self.name, entity, ids).items():
                ours.append(Unbound(str(ledger_id), slimmed(spec, kept.record)))
                if kept.connection not in (None, self.name):
                    elsewhere.add(str(ledger_id))
        theirs, unreadable = self._theirs(spec)
        known: Candidates = self.candidates
        found = match(spec, ours, theirs, known)
        _doubt_other_codes(spec, found, elsewhere)
        # What came from another company is not this one's to make, unless a document here comes to need it.
        found.new_here = [one for one in found.new_here if one.id not in elsewhere]
        self.candidates[entity] = found.candidates()
        result = EntityMeeting(entity, found, unreadable=unreadable)
        matched, found.bound = found.bound, []
        for pairs in _batches(matched):
            result.differing += self._bind(spec, pairs, is_left_alone, found)
            if not spec.is_document:
                # Filled in from here, or written as it is written here: the other companies are to hear of it.
                ids = [pair.theirs.id for pair in pairs]
                edits.pass_on(self.tx, connection=self.name, entity=entity, external_ids=ids)
        if not spec.is_document and found.new_there:
            # Documents that are bound next refer to them.
            page = [Incoming(one.id, self.tokens[one.id], one.record) for one in found.new_there]
            ledger_store(entity).take(
                self.tx, tenant=self.tenant, connection=self.name, page=page, run_id=self.work.run_id
            )
        if is_left_alone:
            self._leave_alone(entity, versions)
        for groups in _batches(found.ambiguous):
            self._ask(entity, groups, versions)
        if is_left_alone:
            return result
        new_here = [Edit(int(one.id), versions[int(one.id)]) for one in found.new_here]
        edits.note_all(self.tx, connection=self.name, entity=entity, edits=new_here)
        return result

    def _theirs(self, spec: EntitySpec) -> tuple[list[Unbound], list[str]]:
        """Their records that are bound to nothing, without parts; and why others cannot be read."""
        readable: list[Unbound] = []
        rejected = errors.held_ids(self.tx, self.name, spec.name, "pull")
        unreadable = [f"{spec.name}/{external_id}: see `tieout errors`" for external_id in rejected]
        self.tokens = {}
        for ids in _batches(strangers.records(self.tx, self.name, spec.name)):
            for change in mirror.records(self.tx, self.name, spec.name, ids):
                try:
                    record = self.work.erp.mappings()[spec.name].from_wire(change.payload)
                except MappingError as error:
                    unreadable.append(f"{spec.name}/{change.external_id}: {error}")
                    continue
                self.tokens[change.external_id] = change.version_token
                readable.append(Unbound(change.external_id, slimmed(spec, record)))
        return readable, unreadable

    def _read(self, entity: str, payload: Mapping[str, Any]) -> Record | None:
        try:
            return self.work.erp.mappings()[entity].from_wire(payload)
        except MappingError:
            # The merge holds it, and says why.
            return None

    def _bind(self, spec: EntitySpec, pairs: Sequence[Pair], is_left_alone: bool, found: Matching) -> int:
        """Bind these pairs, as far as it is certain; gives how many have something to decide."""
        met = self._met(spec.name, pairs)
        if is_left_alone:
            found.bound += pairs
            # Those that differ have agreed on nothing: they meet when one of them moves.
            are_equal = [one.met.record == one.kept.record == one.theirs for one in met]
            self._put(
                spec.name,
                [
                    (one, one.theirs, one.kept.version) if is_equal else (one, None, NO_VERSION)
                    for one, is_equal in zip(met, are_equal, strict=True)
                ],
            )
            return 0
        known = bindings.ledger_ids_of(self.tx, self.name, records.named_by(spec, [one.met.record for one in met]))
        certain: list[_Met] = []
        for one in met:
            error = records.unresolved(spec, one.met.record, known) if one.is_filled else None
            if error is None:
                certain.append(one)
                found.bound.append(one.pair)
                continue
            reason = f"it is not known yet which row {error.entity}/{error.external_id} is, to which it refers"
            found.ambiguous.append(Ambiguous((one.pair.ours,), (one.pair.theirs,), reason))
        # With the ids of lines and what only they had; what is to be decided stays ours until then.
        versions = records.write_all(
            self.tx,
            connection=self.name,
            entity=spec.name,
            rows=[one.rewritten() for one in certain if one.is_filled],
            changed_by=self.actor,
            run_id=self.work.run_id,
            known=known,
        )
        self._agree(spec, certain, versions)
        return sum(not one.met.is_clean for one in certain)

    def _met(self, entity: str, pairs: Sequence[Pair]) -> list[_Met]:
        kept_rows = records.read(self.tx, self.name, entity, [int(pair.ours.id) for pair in pairs])
        there = {c.external_id: c for c in mirror.records(self.tx, self.name, entity, [p.theirs.id for p in pairs])}
        rules = policies.of(self.tx, entity)
        met: list[_Met] = []
        for pair in pairs:
            kept, change = kept_rows[int(pair.ours.id)], there[pair.theirs.id]
            theirs = self._read(entity, change.payload)
            assert theirs is not None
            both = meet(kept.record, theirs, policies=rules)
            met.append(_Met(pair, kept, theirs, change.version_token, both))
        return met

    def _agree(self, spec: EntitySpec, met: Sequence[_Met], versions: Mapping[int, int]) -> None:
        """Bind pairs; `versions` are those of the rows that were filled. What is not clean is asked about."""
        entity, said = spec.name, self.work.erp.mappings()[spec.name].said
        bound: list[tuple[_Met, Record, int]] = []
        agreed_on: list[Edit] = []
        ahead: list[Edit] = []
        openings: list[conflicts.Opening] = []
        for one in met:
            edit = Edit(one.kept.ledger_id, versions.get(one.kept.ledger_id, one.kept.version))
            # What the ERP has no word for is ours alone, and nothing to agree on.
            is_agreed = said(one.met.record) == one.theirs
            (agreed_on if is_agreed else ahead).append(edit)
            base = agreed(spec, one.theirs, one.met.conflicts)
            bound.append((one, base, edit.version if is_agreed else NO_VERSION))
            if not one.met.is_clean:
                openings.append(one.opening(base, edit.version))
        self._put(entity, bound)
        edits.planned(self.tx, self.name, entity, agreed_on)
        edits.note_all(self.tx, connection=self.name, entity=entity, edits=ahead)
        self._open(entity, openings)

    def _put(self, entity: str, bound: Sequence[tuple[_Met, Record | None, int]]) -> None:
        """(pair, base if they agreed on one, the version of the row that equals it)."""
        listed = [
            Binding(entity, one.pair.theirs.id, one.kept.ledger_id, base, one.version_token, version)
            for one, base, version in bound
        ]
        bindings.put(self.tx, tenant=self.tenant, connection=self.name, bound=listed)

    def _open(self, entity: str, openings: Sequence[conflicts.Opening]) -> None:
        conflicts.keep_all(
            self.tx,
            tenant=self.tenant,
            connection=self.name,
            entity=entity,
            openings=openings,
            run_id=self.work.run_id,
        )

    def _ask(self, entity: str, groups: Sequence[Ambiguous], versions: Mapping[int, int]) -> None:
        """Open a conflict for each of ours: until it is decided it is not pushed, none of theirs is taken as new."""
        shown = {
            change.external_id: self._read(entity, change.payload)
            for change in mirror.records(
                self.tx, self.name, entity, [group.theirs[0].id for group in groups if len(group.theirs) == 1]
            )
        }
        ours = [int(one.id) for group in groups for one in group.ours]
        kept_rows = records.read(self.tx, self.name, entity, ours)
        openings: dict[int, conflicts.Opening] = {}
        for group in groups:
            there = {one.id: shown.get(one.id) for one in group.theirs}
            for ledger_id in (int(one.id) for one in group.ours):
                openings[ledger_id] = conflicts.which(
                    ledger_id, versions[ledger_id], kept_rows[ledger_id].record, there, group.reason
                )
        self._open(entity, list(openings.values()))
        own = [kept for kept in kept_rows.values() if kept.connection in (None, self.name)]
        noted = [Edit(kept.ledger_id, kept.version) for kept in own]
        edits.note_all(self.tx, connection=self.name, entity=entity, edits=noted)

    def _leave_alone(self, entity: str, versions: dict[int, int]) -> None:
        """What exists on either side is over: not to be pushed, not to be merged."""
        edits.planned(self.tx, self.name, entity, [Edit(*row) for row in versions.items()])
        cursors.merged(self.tx, self.name, entity, strangers.newest_change(self.tx, self.name, entity))


def _doubt_other_codes(spec: EntitySpec, found: Matching, elsewhere: set[str]) -> None:
    """A row of another company has that company's codes (accounts, terms). Where they are not this one's, a person says
    whether it is the same record: bound, the codes of the one would be written into the other.
    """
    matched, found.bound = found.bound, []
    for pair in matched:
        codes = _other_codes(spec, pair) if pair.ours.id in elsewhere else []
        if codes:
            found.ambiguous.append(Ambiguous((pair.ours,), (pair.theirs,), f"the same name, but {', '.join(codes)}"))
        else:
            found.bound.append(pair)


def _other_codes(spec: EntitySpec, pair: Pair) -> list[str]:
    return [
        f"{f.name} {mine} here and {other} there"
        for f in spec.fields
        if f.code_list
        and (mine := getattr(pair.ours.record, f.name))
        and (other := getattr(pair.theirs.record, f.name))
        and mine != other
    ]


def _refuse_to_guess(meeting: Meeting) -> None:
    """What is new here may be what cannot be read there: it would be made a second time. Starting at now, here: as soon
    as somebody corrects it there, it comes as a new one.
    """
    doubtful = [one for one in meeting.entities if one.unreadable and one.found.new_here]
    if not doubtful:
        return
    reasons = list(chain.from_iterable(one.unreadable for one in doubtful))
    raise TieoutError(
        ErrorKind.MAPPING,
        connection=meeting.connection,
        doing="meeting the ledger",
        found=f"{len(reasons)} records there that cannot be read ({'; '.join(reasons[:REASONS_MAX])}), "
        "while the ledger has some of their kind that seem to be new",
        expected="records that can be compared: what is new here may be one of them, and would then be there twice",
        next_step="correct them in the ERP, then meet again",
    )


def _batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for first in range(0, len(items), BATCH_ROWS_MAX):
        yield items[first : first + BATCH_ROWS_MAX]


def _sums(group: Sequence[Unbound]) -> dict[str, Decimal]:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for one in group:
        if hasattr(one.record, "total_amount"):
            sums[one.record.currency] += one.record.total_amount  # type: ignore[attr-defined]
    return dict(sums)
