"""Webhooks: what others were told and how each delivery stands, and what ERPs told us."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Query, Request, Response

from gateway.console.pages import ROWS_MAX, new_router, redirect, render
from gateway.console.visitors import Operating, Reader
from gateway.problems import Refused
from gateway.shapes import ID_MAX
from resources.stores import inbox, webhooks

router = new_router()
Id = Annotated[int, Path(ge=1, le=ID_MAX)]
NOTICES_SHOWN_MAX = 20
STATES = ("waiting", "delivered", "dead")


@router.get("/webhooks")
def page(
    request: Request,
    visitor: Reader,
    webhook: Annotated[int | None, Query(ge=1, le=ID_MAX)] = None,
    state: Literal["", "waiting", "delivered", "dead"] = "",
    before: Annotated[int | None, Query(ge=1, le=ID_MAX)] = None,
) -> Response:
    with visitor.transaction() as tx:
        listed = webhooks.list_all(tx)[:ROWS_MAX]
        chosen = next((one for one in listed if one.webhook_id == webhook), listed[0] if listed else None)
        found = (
            webhooks.deliveries(tx, chosen.webhook_id, before=before, state=state or None, limit=ROWS_MAX + 1)
            if chosen and visitor.may("operator")
            else []
        )
        notices = inbox.latest(tx, limit=NOTICES_SHOWN_MAX)
    return render(
        request,
        "webhooks.html",
        visitor=visitor,
        listed=listed,
        chosen=chosen,
        states=STATES,
        state=state,
        found=found[:ROWS_MAX],
        more=found[ROWS_MAX - 1].delivery_id if len(found) > ROWS_MAX else None,
        is_first=before is None,
        notices=notices,
    )


@router.post("/webhooks/{webhook_id}/deliveries/{delivery_id}/again")
def again(webhook_id: Id, delivery_id: Id, visitor: Operating) -> Response:
    """Have one sent once more, now, whatever came of it."""
    with visitor.transaction() as tx:
        is_there = webhooks.again(tx, webhook_id, delivery_id)
    if not is_there:
        raise Refused(404, "There is no such delivery", next_step="it may have been forgotten: they are kept a month")
    return redirect("/console/webhooks", webhook=str(webhook_id), done="redelivered")
