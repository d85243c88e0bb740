"""Records that both sides changed: listed, shown, decided. What `tieout conflicts` does."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from gateway.access import Caller, Operator, Viewer
from gateway.problems import Refused
from ledger.policies import Side
from resources.stages.deciding import Decision
from resources.stages.resolve import resolve
from resources.stores import conflicts
from resources.stores.conflicts import Conflict

router = APIRouter(prefix="/v1/conflicts", tags=["conflicts"])
Id = Annotated[int, Path(ge=1, le=2**53 - 1, description="The conflict's id, as listed.")]


class ConflictSummary(BaseModel):
    id: int
    connection: str
    entity: str
    ledger_id: int
    external_id: str | None
    kind: str
    says: str
    state: str
    opened_at: datetime


class ConflictWhole(ConflictSummary):
    """`fields` are those in conflict; `base`, `ours` and `theirs` the whole records."""

    fields: list[dict[str, Any]]
    base: dict[str, Any] | None
    ours: dict[str, Any] | None
    theirs: dict[str, Any] | None


class Deciding(BaseModel, extra="forbid"):
    """`keep` for the whole record, `fields` for some of it, as `{"memo": "ours"}`."""

    keep: Literal["ours", "theirs"] | None = None
    fields: dict[str, Literal["ours", "theirs"]] = Field(default_factory=dict, max_length=200)
    separate: bool = Field(False, description="of a possible duplicate: they are two records")
    same_as: str | None = Field(None, max_length=200, description="of a possible duplicate: which record there it is")


class DecidedAs(BaseModel):
    id: int
    ledger_version: int


@router.get("")
def list_conflicts(caller: Viewer) -> list[ConflictSummary]:
    """What is held because both sides changed it."""
    found = []
    with caller.transaction() as tx:
        for one in caller.connections():
            found += [ConflictSummary(**_summary(conflict)) for conflict in conflicts.list_open(tx, one.name)]
    return found


@router.get("/{conflict_id}")
def show(conflict_id: Id, caller: Viewer) -> ConflictWhole:
    """One conflict, with both versions and the base they last agreed on."""
    found = _get(caller, conflict_id)
    records = {side: text and json.loads(text) for side, text in _texts(found).items()}
    return ConflictWhole(**_summary(found), fields=found.fields, **records)


@router.post("/{conflict_id}/resolve")
def decide(conflict_id: Id, asked: Deciding, caller: Operator) -> DecidedAs:
    """Decide it: the ledger says so at once, the next push brings it over there. Refused if either side has moved."""
    if not (asked.keep or asked.fields or asked.separate or asked.same_as):
        raise Refused(422, "nothing is decided", next_step="send keep, fields, separate or same_as")
    _get(caller, conflict_id)
    keep = Side(asked.keep) if asked.keep else None
    choices = {name: Side(side) for name, side in asked.fields.items()}
    decided = resolve(
        caller.services, conflict_id, Decision(caller.actor, keep, choices, asked.separate, asked.same_as)
    )
    return DecidedAs(id=conflict_id, ledger_version=decided.ledger_version)


def _get(caller: Caller, conflict_id: int) -> Conflict:
    """Row-level security shows only the tenant's own."""
    with caller.transaction() as tx:
        return conflicts.get(tx, conflict_id)


def _summary(found: Conflict) -> dict[str, Any]:
    names = ("connection", "entity", "ledger_id", "external_id", "kind", "says", "state", "opened_at")
    return {"id": found.conflict_id, **{name: getattr(found, name) for name in names}}


def _texts(found: Conflict) -> dict[str, str | None]:
    return {"base": found.base, "ours": found.ours, "theirs": found.theirs}
