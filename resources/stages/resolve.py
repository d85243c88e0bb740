"""Deciding conflicts: what a person keeps becomes the ledger's row, and the ordinary push brings it over there.

Belongs here: applying a decision, or settling what both sides came to agree on, in one transaction each. A decision is
about what was shown: if either side moved since, it is refused and says what moved. Opening conflicts is `careful.py`'s
and `meeting.py`'s doing, the arithmetic of merging is `ledger/merge.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

from ledger.fields import MappingError
from ledger.merge import ChoiceError, merge_or_meet
from ledger.policies import Conflict as FieldConflict
from ledger.policies import ConflictKind
from resources.errors import ErrorKind, TieoutError
from resources.points import point
from resources.services import Services
from resources.stages.deciding import Decided, Deciding, Decision
from resources.stages.duplicates import decide_candidates, decide_twins
from resources.stages.settling import differing, with_others
from resources.stores import audit, bindings, conflicts, mirror, outbox, records
from resources.stores.conflicts import Conflict
from resources.stores.mirror import Change
from resources.stores.records import Kept, UnresolvedReferenceError


@contextmanager
def conflict_transaction(services: Services, conflict_id: int) -> Iterator[psycopg.Connection[Any]]:
    """A transaction of the tenant that a conflict belongs to; raises TieoutError if there is none of that id."""
    with services.fleet() as tx:
        tenant = conflicts.tenant_of(tx, conflict_id)
    with services.db.transaction(tenant) as tx:
        yield tx


def resolve(services: Services, conflict_id: int, decision: Decision) -> Decided:
    """Apply a decision. Raises TieoutError: CONFLICT if what was shown has moved, VALIDATION if nothing is decided."""
    with conflict_transaction(services, conflict_id) as tx:
        decided = decide_in(services, tx, conflict_id, decision)
        conflict = decided.conflict
        conflicts.resolve(tx, conflict_id, by=decision.by, resolution=decision.as_json())
        outbox.look_at_now(tx, conflict.connection, conflict.entity, conflict.ledger_id)
        audit.append(
            tx,
            tenant=conflict.tenant_id,
            actor=decision.by,
            action="conflict.resolve",
            connection=conflict.connection,
            entity=conflict.entity,
            ledger_id=conflict.ledger_id,
            external_id=conflict.external_id,
            detail={
                "conflict": conflict_id,
                "kind": conflict.kind,
                "fields": [f["name"] for f in conflict.fields],
                "decision": decision.as_json(),
                "ledger_version": decided.ledger_version,
            },
        )
        point("decision_written")
    point("decision_committed")
    return decided


def decide_in(services: Services, tx: psycopg.Connection[Any], conflict_id: int, decision: Decision) -> Decided:
    """Write what a decision makes of the row, in a transaction of the caller's; the conflict stays open.

    Raises TieoutError as `resolve` does.
    """
    tx.execute("select set_config('tieout.actor', %s, true)", (decision.by,))
    # Rows before conflicts, as the merge locks them.
    kept = _kept(tx, conflicts.get(tx, conflict_id))
    conflict = conflicts.get(tx, conflict_id, is_locked=True)
    deciding = Deciding(services, tx, conflict, kept, decision)
    with _refused_as_usage(conflict):
        return _apply(deciding)


def check(services: Services, name: str) -> list[Conflict]:
    """Settle the open conflicts of a connection in which an edit here made both sides agree; gives those still open."""
    connection = services.connection(name)
    with services.db.transaction(connection.tenant) as tx:
        found = conflicts.list_open(tx, name)
    for shown in found:
        with services.db.transaction(connection.tenant) as tx:
            tx.execute("select set_config('tieout.is_sync', 'on', true)")
            kept = _kept(tx, shown)
            conflict = conflicts.get(tx, shown.conflict_id, is_locked=True)
            deciding = Deciding(services, tx, conflict, kept, Decision(by=f"sync:{name}"))
            if conflict.state == "open" and (kept.version != conflict.ledger_version or _has_moved(deciding)):
                try:
                    # What cannot be written yet leaves nothing behind, and keeps no other from being looked at.
                    with tx.transaction():
                        _look_again(deciding)
                except (UnresolvedReferenceError, ChoiceError) as error:
                    deciding.show(ConflictKind(conflict.kind), _as_shown(conflict), says=f"not settled: {error}")
    with services.db.transaction(connection.tenant) as tx:
        still = conflicts.list_open(tx, name)
        conflicts.checked(tx, [one.conflict_id for one in still])
    return still


def _apply(deciding: Deciding) -> Decided:
    _refuse_if_stale(deciding)
    _refuse_if_undecided(deciding)
    if deciding.decision.separate and deciding.conflict.kind != ConflictKind.POSSIBLE_DUPLICATE:
        raise ChoiceError("found --separate for one record that both sides changed, expected a possible duplicate")
    if deciding.conflict.twins:
        return decide_twins(deciding)
    if deciding.conflict.candidates:
        return decide_candidates(deciding)
    if deciding.decision.separate:
        assert deciding.conflict.external_id is not None and deciding.theirs is not None
        deciding.enter(deciding.conflict.external_id, deciding.theirs, deciding.conflict.version_token)
        return deciding.as_it_is()
    return deciding.conclude(deciding.merged())


def _refuse_if_undecided(deciding: Deciding) -> None:
    """Whether it is the same record, and a total that the ERP computed otherwise, no merge decides for a person."""
    conflict, decision = deciding.conflict, deciding.decision
    if decision.keep is not None or decision.separate or decision.is_record is not None:
        return
    if conflict.kind == ConflictKind.POSSIBLE_DUPLICATE and not decision.choices:
        raise ChoiceError("found no decision, expected --keep ours or theirs (it is one record), --as ID or --separate")
    if missing := [name for name in conflict.never_agreed if name not in (decision.choices or {})]:
        raise ChoiceError(f"found no choice for {', '.join(missing)}")


def _look_again(deciding: Deciding) -> None:
    """Merge with what the row says now, and settle it or show it."""
    conflict = deciding.conflict
    if conflict.is_list:
        # Which record it is stays the question, whatever it says.
        if conflict.external_id:
            # What can no longer be read is an open error of the merge; what it said last stays shown.
            with suppress(MappingError):
                there = deciding.read_there(conflict.external_id)
                deciding.theirs = None if there is None else there[0]
        deciding.show(ConflictKind.POSSIBLE_DUPLICATE, _as_shown(conflict), says=conflict.says)
        return
    found = merge_or_meet(deciding.base, deciding.ours, deciding.theirs, deciding.policies)
    if deciding.base is None and deciding.theirs is not None:
        says = "" if found.conflicts else conflict.says
        deciding.show(ConflictKind.POSSIBLE_DUPLICATE, found.conflicts, says=says)
        return
    # What was never agreed on (a total that the ERP computed otherwise) is settled by being equal only.
    never_agreed = differing(conflict.never_agreed, deciding.ours, deciding.theirs)
    if found.is_clean and not never_agreed:
        deciding.conclude(found)
        assert conflict.external_id is not None
        conflicts.settle(
            deciding.tx,
            deciding.name,
            deciding.entity,
            conflict.ledger_id,
            conflict.external_id,
            by=deciding.decision.by,
        )
        return
    deciding.show(
        found.kind or ConflictKind.VALIDATION_CONFLICT,
        with_others(found.conflicts, never_agreed),
        broken_rules=found.invariant_failures,
    )


def _as_shown(conflict: Conflict) -> list[FieldConflict]:
    """The fields that a conflict shows."""
    return [FieldConflict(f["name"], f["base"], f["ours"], f["theirs"]) for f in conflict.fields]


def _refuse_if_stale(deciding: Deciding) -> None:
    conflict, kept = deciding.conflict, deciding.kept
    if conflict.state != "open":
        raise TieoutError(
            ErrorKind.CONFLICT,
            connection=conflict.connection,
            doing=f"resolving the conflict {conflict.conflict_id} of {conflict.record}",
            found=f"a conflict that is {conflict.state} by {conflict.ended_by}",
            expected="an open conflict",
            next_step="see `tieout conflicts list`",
        )
    if deciding.decision.shown not in (None, conflict.shown):
        raise _stale(conflict, "that what it shows has changed since")
    moved = []
    if kept.version != conflict.ledger_version:
        moved.append(
            f"version {kept.version} of the ledger's row, by {kept.changed_by} "
            f"(version {conflict.ledger_version} was shown)"
        )
    if _has_moved(deciding):
        moved.append(f"another version of {' or '.join(conflict.named)} there")
    now = _mirrored(deciding, conflict.external_id)
    if now is not None and (
        now.version_token != conflict.version_token or now.is_deleted is not (conflict.theirs is None)
    ):
        what = "a deletion" if now.is_deleted else f"version {now.version_token}"
        moved.append(f"{what} of the ERP's record (version {conflict.version_token} was shown)")
    if moved:
        raise _stale(conflict, " and ".join(moved))


def _has_moved(deciding: Deciding) -> bool:
    """Whether any of the records that a question lists, and that no row has got since, is another version than was
    shown.
    """
    conflict, name, entity = deciding.conflict, deciding.name, deciding.entity
    if not conflict.is_list:
        return False
    bound = bindings.ledger_ids_of(deciding.tx, name, {entity: conflict.named})
    open_still = [external_id for external_id in conflict.named if (entity, external_id) not in bound]
    now = conflicts.versions_of(deciding.tx, name, entity, open_still)
    return not set(now.split()) <= set((conflict.version_token or "").split())


def _mirrored(deciding: Deciding, external_id: str | None) -> Change | None:
    if external_id is None or deciding.conflict.is_list:
        return None
    return next(iter(mirror.records(deciding.tx, deciding.name, deciding.entity, [external_id])), None)


def _kept(tx: psycopg.Connection[Any], conflict: Conflict) -> Kept:
    records.lock(tx, conflict.entity, [conflict.ledger_id])
    return records.read(tx, conflict.connection, conflict.entity, [conflict.ledger_id])[conflict.ledger_id]


@contextmanager
def _refused_as_usage(conflict: Conflict) -> Iterator[None]:
    """A decision that decides nothing, or names what the ledger lacks, as an error for whoever made it."""
    try:
        yield
    except (ChoiceError, MappingError, UnresolvedReferenceError) as error:
        found, _, expected = str(error).removeprefix("found ").partition(", expected ")
        raise TieoutError(
            ErrorKind.VALIDATION,
            connection=conflict.connection,
            doing=f"resolving the conflict {conflict.conflict_id} of {conflict.record}",
            found=found,
            expected=expected or "--keep ours, --keep theirs, or --field NAME=ours|theirs for each field in conflict",
            next_step=f"see `tieout conflicts show {conflict.conflict_id}`",
        ) from error


def _stale(conflict: Conflict, found: str) -> TieoutError:
    return TieoutError(
        ErrorKind.CONFLICT,
        connection=conflict.connection,
        doing=f"resolving the conflict {conflict.conflict_id} of {conflict.record}",
        found=found,
        expected="both sides as they were shown",
        next_step=f"look at it again with `tieout conflicts show {conflict.conflict_id}`; a sync brings it up to date",
    )
