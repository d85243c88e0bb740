"""A page that there is not."""

from fastapi import Request, Response

from gateway.console.pages import new_router, redirect
from gateway.console.visitors import Reader
from gateway.problems import Refused

router = new_router()


@router.get("")
def first() -> Response:
    return redirect("/console/connections")


@router.get("/{path:path}")
def lost(request: Request, visitor: Reader) -> Response:
    raise Refused(404, f"There is no page {request.url.path}", next_step="choose one from the menu")
