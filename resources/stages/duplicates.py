"""Deciding who is who: a second record there that carries our marker, and a row that may be one of several records.

Belongs here: the decisions about a `possible_duplicate` that are not about its fields. The others are `resolve.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ledger.merge import ChoiceError
from ledger.merge import resolve as decide
from ledger.policies import Side
from ledger.spec import Record
from resources.stages.deciding import Decided, Deciding
from resources.stores import conflicts, records


def decide_twins(deciding: Deciding) -> Decided:
    """Other records there that carry the marker of one we made. Ours: they are voided there. Separate: each is a record
    of its own.
    """
    conflict = deciding.conflict
    if deciding.decision.keep is not Side.OURS and not deciding.decision.separate:
        raise ChoiceError("found no decision about the twin, expected --keep ours (it is voided) or --separate")
    for external_id in conflict.twins:
        if found := deciding.read_there(external_id):
            _decide_twin(deciding, external_id, *found)
    return deciding.as_it_is()


def _decide_twin(deciding: Deciding, external_id: str, theirs: Record, token: str | None) -> None:
    ledger_id = deciding.enter(external_id, theirs, token)
    if ledger_id is not None and deciding.decision.keep is Side.OURS:
        twin = records.read(deciding.tx, deciding.name, deciding.entity, [ledger_id])[ledger_id]
        if hasattr(twin.record, "is_void"):
            version = records.write(
                deciding.tx,
                connection=deciding.name,
                entity=deciding.entity,
                ledger_id=ledger_id,
                record=msgspec.structs.replace(twin.record, is_void=True),
                part_ids=twin.part_ids,
                changed_by=deciding.decision.by,
            )
        else:
            version = records.bury(
                deciding.tx, entity=deciding.entity, ledger_id=ledger_id, changed_by=deciding.decision.by
            )
        deciding.note(ledger_id, version, is_agreed=False)


def decide_candidates(deciding: Deciding) -> Decided:
    """It is one of several records there, the only one, or none of them."""
    among, chosen = deciding.conflict.candidates, deciding.decision.is_record
    if deciding.decision.separate:
        _enter_all(deciding, among)
        return deciding.as_it_is()
    if chosen is None and len(among) == 1:
        chosen = among[0]
    if chosen not in among:
        raise ChoiceError(f"found {chosen or 'no record'} to be it, expected --as with one of {', '.join(among)}")
    found = deciding.read_there(chosen)
    if found is None:
        raise ChoiceError(f"found that {chosen} is deleted there, expected one that exists")
    deciding.theirs, token = found
    merged = decide(
        None,
        deciding.ours,
        deciding.theirs,
        keep=deciding.decision.keep,
        choices=deciding.decision.choices or {},
        policies=deciding.policies,
    )
    decided = deciding.conclude(merged, chosen, token)
    _enter_all(deciding, [one for one in among if one != chosen])
    return decided


def _enter_all(deciding: Deciding, external_ids: Sequence[str]) -> None:
    """Those of these records that are bound to nothing and that no other open conflict asks about."""
    deciding.end()
    asked = conflicts.listed(deciding.tx, deciding.name, deciding.entity)
    for external_id in external_ids:
        if external_id not in asked and (found := deciding.read_there(external_id)):
            deciding.enter(external_id, *found)
