"""Errors: what is held or failed, in a sentence, with what to do about it, and another try."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request, Response

from gateway.console.pages import ROWS_MAX, new_router, redirect, render
from gateway.console.visitors import Operating, Reader
from gateway.problems import Refused
from gateway.shapes import ID_MAX
from resources.stores import connections, edits, overview

router = new_router()
Before = Annotated[int, Query(ge=1, le=overview.FIRST)]
# What is held on its way out is looked at again by a push; everything else by a pull.
_PUSHING = ("push", "pushing")


@router.get("/errors")
def list_page(
    request: Request, visitor: Reader, connection: str | None = None, before: Before = overview.FIRST
) -> Response:
    with visitor.transaction() as tx:
        found = overview.errors(tx, connection=connection or None, before=before, limit=ROWS_MAX + 1)
    more = found[ROWS_MAX - 1]["error_id"] if len(found) > ROWS_MAX else None
    return render(
        request,
        "errors.html",
        visitor=visitor,
        found=found[:ROWS_MAX],
        more=more,
        is_first=before == overview.FIRST,
        connection=connection,
    )


@router.post("/errors/{error_id}/retry")
def retry(error_id: Annotated[int, Path(ge=1, le=ID_MAX)], visitor: Operating) -> Response:
    """Have what failed tried again now. It stays listed until that went well."""
    with visitor.transaction() as tx:
        found = overview.error(tx, error_id)
        if found is None or found["resolved_at"] is not None:
            raise Refused(404, "This error is not open any more", next_step="see what is open")
        if found["stage"] in _PUSHING:
            edits.look_again(tx, found["connection"])
            connections.push_now(tx, found["connection"])
        else:
            connections.pull_now(tx, found["connection"])
    return redirect("/console/errors", done="retried")
