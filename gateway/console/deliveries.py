"""Webhooks: what ERPs told us, and what we told others."""

from __future__ import annotations

from fastapi import Request, Response

from gateway.console.pages import ROWS_MAX, new_router, render
from gateway.console.visitors import Reader
from resources.stores import inbox

router = new_router()


@router.get("/webhooks")
def page(request: Request, visitor: Reader) -> Response:
    with visitor.transaction() as tx:
        notices = inbox.latest(tx, limit=ROWS_MAX)
    return render(request, "webhooks.html", visitor=visitor, notices=notices)
