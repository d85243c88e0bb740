"""Conflicts: a list of what is held, and one of them side by side, to be decided by whoever sees what will be sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Path, Query, Request, Response

from gateway.console.pages import ROWS_MAX, new_router, redirect, render
from gateway.console.visitors import Form, Operating, Reader, Visitor
from gateway.shapes import ID_MAX
from ledger.policies import ConflictKind, Side
from resources.errors import ErrorKind, TieoutError
from resources.stages.deciding import Decision
from resources.stages.preview import Preview, preview
from resources.stages.resolve import resolve
from resources.stores import conflicts, overview
from resources.stores.conflicts import EXTERNAL_ID, Conflict

router = new_router()
Id = Annotated[int, Path(ge=1, le=ID_MAX)]
Before = Annotated[int, Query(ge=1, le=overview.FIRST)]
FIELD = "field:"
ROWS_COMPARED_MAX = 400
SIDES = tuple(side.value for side in Side)


@dataclass(frozen=True, slots=True)
class Compared:
    """One field of the record on all sides. `is_disputed`: both changed it, and somebody has to choose."""

    name: str
    base: Any
    ours: Any
    theirs: Any
    is_disputed: bool

    @property
    def is_equal(self) -> bool:
        return self.base == self.ours == self.theirs

    @property
    def changed_by(self) -> str:
        return "both" if self.ours != self.base != self.theirs else "ours" if self.ours != self.base else "theirs"


@router.get("/conflicts")
def list_page(
    request: Request,
    visitor: Reader,
    state: Literal["open", "over"] = "open",
    connection: str | None = None,
    before: Before = overview.FIRST,
) -> Response:
    with visitor.transaction() as tx:
        found = overview.conflicts(
            tx, is_open=state == "open", connection=connection or None, before=before, limit=ROWS_MAX + 1
        )
    more = found[ROWS_MAX - 1]["conflict_id"] if len(found) > ROWS_MAX else None
    return render(
        request,
        "conflicts.html",
        visitor=visitor,
        found=found[:ROWS_MAX],
        more=more,
        is_first=before == overview.FIRST,
        state=state,
        connection=connection,
    )


@router.get("/conflicts/{conflict_id}")
def show_page(conflict_id: Id, request: Request, visitor: Reader) -> Response:
    """One conflict. What the query chooses is chosen in the form, and what it would send is shown."""
    return _page(request, visitor, conflict_id, request.query_params)


@router.get("/conflicts/{conflict_id}/preview")
def preview_part(conflict_id: Id, request: Request, visitor: Reader) -> Response:
    """The part of the page that says what would be sent."""
    found = _get(visitor, conflict_id)
    return render(
        request, "_preview.html", visitor=visitor, conflict=found, **_previewed(visitor, found, request.query_params)
    )


@router.post("/conflicts/{conflict_id}")
def decide(conflict_id: Id, request: Request, visitor: Operating, form: Form) -> Response:
    """Decide as the form says. If either side has moved since it was shown, nothing is done and the page says so."""
    found = _get(visitor, conflict_id)
    decision = _decision(visitor, found, form)
    if decision is None:
        return _page(request, visitor, conflict_id, form, wrong="Choose a side for each field first.", status=422)
    try:
        decided = resolve(visitor.services, conflict_id, decision)
    except TieoutError as error:
        if error.kind not in (ErrorKind.CONFLICT, ErrorKind.VALIDATION):
            raise
        return _page(request, visitor, conflict_id, {}, stale=error, status=409)
    return redirect(f"/console/conflicts/{conflict_id}", done="decided" if decided.is_to_be_pushed else "agreed")


def _page(
    request: Request,
    visitor: Visitor,
    conflict_id: int,
    chosen: Mapping[str, str],
    *,
    wrong: str = "",
    stale: TieoutError | None = None,
    status: int = 200,
) -> Response:
    found = _get(visitor, conflict_id)
    with visitor.transaction() as tx:
        dagster_run_id = overview.dagster_run_of_conflict(tx, conflict_id)
    rows = list(_compared(found))
    return render(
        request,
        "conflict.html",
        visitor=visitor,
        status=status,
        conflict=found,
        called=_called(found),
        dagster_run_id=dagster_run_id,
        mode=_mode(found),
        chosen={name: _chosen(chosen, name) for name in (f["name"] for f in found.fields)},
        asked=chosen,
        disputed=[row for row in rows if row.is_disputed],
        changed=[row for row in rows if not row.is_disputed and not row.is_equal][:ROWS_COMPARED_MAX],
        equal=[row for row in rows if row.is_equal][:ROWS_COMPARED_MAX],
        wrong=wrong,
        stale=stale,
        **(_previewed(visitor, found, chosen) if found.state == "open" else {"preview": None, "refused": None}),
    )


def _previewed(visitor: Visitor, found: Conflict, chosen: Mapping[str, str]) -> dict[str, Any]:
    """What the choices so far would send, or why they cannot be made."""
    decision = _decision(visitor, found, chosen)
    shown: Preview | None = None
    refused: TieoutError | None = None
    if decision is not None and visitor.may("operator"):
        try:
            shown = preview(visitor.services, visitor.tenant, found.conflict_id, decision, datetime.now(UTC).date())
        except TieoutError as error:
            refused = error
    return {"preview": shown, "refused": refused}


def _get(visitor: Visitor, conflict_id: int) -> Conflict:
    """Row-level security shows only the tenant's own."""
    with visitor.transaction() as tx:
        return conflicts.get(tx, conflict_id)


def _called(found: Conflict) -> str | None:
    """The record's number or name, as either side has it."""
    sides = [json.loads(text) for text in (found.ours, found.theirs) if text]
    names = ("document_number", "reference_number", "name")
    return next((side[name] for side in sides for name in names if side.get(name)), None)


def _mode(found: Conflict) -> str:
    """How it is decided: field by field, as a whole, or by saying which record it is."""
    if found.candidates:
        return "candidates"
    if found.kind == ConflictKind.POSSIBLE_DUPLICATE:
        return "duplicate"
    is_whole = found.kind != ConflictKind.CONCURRENT_UPDATE or found.ours is None or found.theirs is None
    return "whole" if is_whole else "fields"


def _decision(visitor: Visitor, found: Conflict, form: Mapping[str, str]) -> Decision | None:
    """What a form decides; None while it does not decide all of it."""
    choices = {f["name"]: Side(side) for f in found.fields if (side := _chosen(form, f["name"])) in SIDES}
    whole, shown = form.get("decision", ""), form.get("shown") or None
    if _mode(found) == "fields":
        is_complete = len(choices) == len(found.fields)
        return Decision(visitor.actor, choices=choices, shown=shown) if is_complete else None
    if whole in SIDES:
        return Decision(visitor.actor, Side(whole), shown=shown)
    if whole == "separate" and found.kind == ConflictKind.POSSIBLE_DUPLICATE:
        return Decision(visitor.actor, separate=True, shown=shown)
    if whole.startswith("as:") and whole[3:] in found.candidates:
        return Decision(visitor.actor, is_record=whole[3:], shown=shown)
    return None


def _chosen(form: Mapping[str, str], name: str) -> str:
    """The side chosen for a field: `keep` stands for every field without one of its own."""
    return form.get(FIELD + name) or form.get("keep", "")


def _compared(found: Conflict) -> Iterator[Compared]:
    """Every field on all sides, those in dispute first and as the conflict has them."""
    listed = {f["name"] for f in found.fields}
    for f in found.fields:
        if f["name"] != EXTERNAL_ID:
            yield Compared(f["name"], f["base"], f["ours"], f["theirs"], is_disputed=True)
    base, ours, theirs = (dict(_leaves(json.loads(t))) if t else {} for t in (found.base, found.ours, found.theirs))
    for name in {**base, **ours, **theirs}:
        if name not in listed:
            yield Compared(name, base.get(name), ours.get(name), theirs.get(name), is_disputed=False)


def _leaves(record: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """(`lines[1].amount`, value) for each value of a record; lines are counted from one."""
    for name, value in record.items():
        here = f"{path}{name}"
        if isinstance(value, list):
            for place, part in enumerate(value, 1):
                if isinstance(part, dict):
                    yield from _leaves(part, f"{here}[{place}].")
                else:
                    yield f"{here}[{place}]", part
        elif isinstance(value, dict):
            yield from _leaves(value, f"{here}.")
        else:
            yield here, value
