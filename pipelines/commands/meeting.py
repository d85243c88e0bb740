"""First meeting: who is who in a company's books and in a ledger that has records of its own."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

import typer

from ledger.matching import Unbound
from ledger.spec import spec_of
from pipelines.commands.console import (
    EXIT_DONE,
    AsJson,
    command,
    out,
    person,
    print_json,
    print_table,
    progress,
    services,
)
from resources.stages import sync as stages
from resources.stages.meeting import EntityMeeting, Meeting

LISTED_MAX = 20
_GROUPS = ("bound", "ambiguous", "new_here", "new_there")


@command
def meet(
    connection: Annotated[str, typer.Argument(help="A connection that has not met the ledger yet.")],
    apply: Annotated[
        bool, typer.Option("--apply", help="Write what was found, and sync both ways from now on.")
    ] = False,
    start_at_now: Annotated[
        bool, typer.Option("--start-at-now", help="Leave documents of the past alone on both sides.")
    ] = False,
    by: Annotated[
        str | None, typer.Option("--by", help="Who decides; the name you are logged in with if absent.")
    ] = None,
    json: AsJson = False,
) -> int:
    """Say who is who: bound, ambiguous, new here, new there. Nothing is written before --apply."""
    with services() as house, progress(f"Meeting {connection}"):
        found = stages.meet(house, connection, is_applied=apply, start_at_now=start_at_now, by=by or person())
    if json:
        print_json(_as_json(found))
    else:
        print_meeting(found)
    return EXIT_DONE


def print_meeting(found: Meeting) -> None:
    """Who is who, in a table, with what needed a second look below it."""
    met = [one for one in found.entities if any(_count(one).values()) or one.unreadable]
    rows = []
    for one in met:
        counts, amounts = _count(one), one.amounts()
        rows.append((one.entity, *(_shown(counts[name], amounts[name]) for name in _GROUPS), one.differing or ""))
    print_table(
        f"{found.connection} and the ledger",
        ["entity", "bound", "ambiguous", "new here", "new there", "differing"],
        rows,
        right=["bound", "ambiguous", "new here", "new there", "differing"],
    )
    for one in met:
        for group in one.found.ambiguous[:LISTED_MAX]:
            ours = ", ".join(_named(one.entity, o) for o in group.ours)
            theirs = ", ".join(t.id for t in group.theirs)
            out.print(f"  {one.entity}: {ours} and {theirs} there: {group.reason}", highlight=False, markup=False)
        for pair in [pair for pair in one.found.bound if pair.normalised][:LISTED_MAX]:
            said = "; ".join(pair.normalised)
            out.print(f"  {one.entity}: bound to {pair.theirs.id}: {said}", highlight=False, markup=False)
        for reason in one.unreadable[:LISTED_MAX]:
            out.print(f"  cannot be read: {reason}", highlight=False, markup=False)
    if found.is_applied:
        out.print(
            f"Written. Decide what is ambiguous with `tieout conflicts list {found.connection}`.", highlight=False
        )
    else:
        out.print("Nothing is written yet: repeat it with --apply to keep this.", highlight=False)


def _shown(count: int, amounts: dict[str, Decimal]) -> str:
    sums = ", ".join(f"{amount:,.2f} {currency}" for currency, amount in sorted(amounts.items()))
    return f"{count} ({sums})" if sums else str(count)


def _count(one: EntityMeeting) -> dict[str, int]:
    return {name: len(getattr(one.found, name)) for name in _GROUPS}


def _named(entity: str, one: Unbound) -> str:
    key = [str(getattr(one.record, name)) for name in spec_of(entity).natural_key]
    return f"#{one.id} ({', '.join(part for part in key if part)})"


def _as_json(found: Meeting) -> dict[str, Any]:
    return {
        "connection": found.connection,
        "applied": found.is_applied,
        "starts_at_now": found.starts_at_now,
        "entities": {one.entity: _entity_as_json(one) for one in found.entities},
    }


def _entity_as_json(one: EntityMeeting) -> dict[str, Any]:
    return {
        "counts": _count(one),
        "amounts": one.amounts(),
        "differing": one.differing,
        "unreadable": len(one.unreadable),
        "bound": [
            {"ledger_id": int(p.ours.id), "external_id": p.theirs.id, "normalised": list(p.normalised)}
            for p in one.found.bound
        ],
        "ambiguous": [
            {"ours": _ids(g.ours), "theirs": [t.id for t in g.theirs], "reason": g.reason} for g in one.found.ambiguous
        ],
        "new_here": _ids(one.found.new_here),
        "new_there": [t.id for t in one.found.new_there],
    }


def _ids(ours: Sequence[Unbound]) -> list[int]:
    return [int(one.id) for one in ours]
