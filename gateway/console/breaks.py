"""Breaks: where the two books differ, whose each is, and what is known of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import Path, Query, Request, Response

from gateway.console.pages import ROWS_MAX, new_router, redirect, render
from gateway.console.visitors import Form, Operating, Reader
from gateway.problems import Refused
from gateway.shapes import AMOUNT, ID_MAX
from resources.stores import breaks, overview

router = new_router()
TEXT_CHARACTERS_MAX = 2000
State = Literal["open", "explained", "resolved"]


@router.get("/breaks")
def list_page(
    request: Request,
    visitor: Reader,
    state: State = "open",
    connection: str | None = None,
    amount: Annotated[str | None, Query(pattern=f"^{AMOUNT}$")] = None,
    before: Annotated[int | None, Query(ge=1, le=ID_MAX)] = None,
) -> Response:
    place = (Decimal(amount), before) if amount is not None and before is not None else None
    with visitor.transaction() as tx:
        found = overview.breaks(tx, state=state, connection=connection or None, before=place, limit=ROWS_MAX + 1)
    last = found[ROWS_MAX - 1] if len(found) > ROWS_MAX else None
    more = None if last is None else {"amount": abs(last["amount"]), "before": last["break_id"]}
    return render(
        request,
        "breaks.html",
        visitor=visitor,
        found=found[:ROWS_MAX],
        more=more,
        is_first=place is None,
        state=state,
        connection=connection,
    )


@router.post("/breaks/{break_id}")
def write(break_id: Annotated[int, Path(ge=1, le=ID_MAX)], visitor: Operating, form: Form) -> Response:
    """Its owner, a note, and whether it counts as explained."""
    state: Any = form.get("state")
    if state not in (None, "open", "explained"):
        raise Refused(422, "A break is open or explained; resolved is what no run sees any more")
    texts = {name: form[name].strip() for name in ("owner", "note") if name in form}
    if any(len(text) > TEXT_CHARACTERS_MAX or "\0" in text for text in texts.values()):
        raise Refused(422, f"More than {TEXT_CHARACTERS_MAX} characters, or one that no text can have")
    with visitor.transaction() as tx:
        breaks.write(tx, break_id, by=visitor.actor, state=state, **texts)
    return redirect("/console/breaks", state=state or "open", done="written")
