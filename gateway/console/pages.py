"""How a page is made: the templates, what stands in every one of them, and what is shown instead when it cannot be.

Belongs here: Jinja's environment with what templates may call, the headers every page carries, and the route class that
turns a refusal into a page with a sentence. Words and layout are in `templates/`.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import psycopg
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException

from gateway.console import words
from gateway.console.visitors import COOKIE, NotLoggedInError, Visitor, csrf_token
from gateway.problems import status_of
from resources.errors import TieoutError
from resources.stores.api_keys import ROLES

HERE = Path(__file__).parent
ROWS_MAX = 50
UI_URL = "TIEOUT_UI_URL"
LOG = logging.getLogger("tieout.gateway")
# Scripts and styles are ours and files; a page may load nothing else, be framed by nobody and post to nobody else.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Section(NamedTuple):
    path: str
    title: str
    counted: str = ""


SECTIONS = (
    Section("/console/connections", "Connections"),
    Section("/console/health", "Sync health"),
    Section("/console/conflicts", "Conflicts", "conflicts"),
    Section("/console/errors", "Errors", "errors"),
    Section("/console/breaks", "Breaks", "breaks"),
    Section("/console/records", "Find a record"),
    Section("/console/switches", "Switches"),
    Section("/console/webhooks", "Webhooks"),
)


class Page(APIRoute):
    """A route whose refusals are pages, and whose every answer carries the headers above."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        answer = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                found = await answer(request)
            except NotLoggedInError:
                found = _to_login(request)
            except (TieoutError, HTTPException, RequestValidationError, psycopg.Error) as error:
                found = refusal(request, error)
            for name, value in HEADERS.items():
                found.headers.setdefault(name, value)
            return found

        return answered


def new_router() -> APIRouter:
    return APIRouter(prefix="/console", route_class=Page)


def render(
    request: Request, template: str, *, visitor: Visitor | None = None, status: int = 200, **shown: Any
) -> HTMLResponse:
    """A page of this template. `done` of the query is looked up among the sentences that a page may say."""
    found = _environment().get_template(template)
    text = found.render(
        request=request,
        visitor=visitor,
        status=status,
        csrf=csrf_token(visitor.token) if visitor else "",
        sections=SECTIONS,
        here=request.url.path,
        done=words.DONE.get(request.query_params.get("done", "")),
        is_part=request.headers.get("hx-request") == "true" and "hx-boosted" not in request.headers,
        **shown,
    )
    return HTMLResponse(text, status)


def redirect(path: str, **query: str) -> RedirectResponse:
    """On to a page of ours after something was done, so that a reload does not do it again."""
    return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303)


def refusal(request: Request, error: Exception) -> HTMLResponse:
    """What was found and what to do next, as a page."""
    status, says, next_step = _said(request, error)
    visitor = getattr(request.state, "visitor", None)
    return render(request, "refused.html", visitor=visitor, status=status, says=says, next_step=next_step)


def _said(request: Request, error: Exception) -> tuple[int, str, str | None]:
    if isinstance(error, TieoutError):
        return status_of(error), str(error).removesuffix(f": {error.next_step}"), error.next_step
    if isinstance(error, HTTPException):
        return error.status_code, str(error.detail), getattr(error, "next_step", None)
    if isinstance(error, RequestValidationError):
        wrong = "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in error.errors()[:5])
        return 422, wrong, "go back and correct it"
    if isinstance(error, psycopg.errors.IntegrityError | psycopg.errors.DataError | psycopg.errors.RaiseException):
        return 422, (error.diag.message_primary or "wrong values")[:300], "go back and correct it"
    if isinstance(error, psycopg.OperationalError):
        return 503, "the database cannot be reached", "try again in a few seconds"
    LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return 500, "something of ours went wrong; the log says what", "report it as a bug"


def _to_login(request: Request) -> Response:
    wanted = request.url.path if request.method == "GET" else "/console/connections"
    if request.headers.get("hx-request") == "true":
        # A part of a page cannot become the login page: have the browser go there.
        return Response(status_code=401, headers={"HX-Redirect": f"/console/login?{urlencode({'next': wanted})}"})
    found = redirect("/console/login", next=wanted)
    if COOKIE in request.cookies:
        found.delete_cookie(COOKIE, path="/")
    return found


def run_url(dagster_run_id: str | None) -> str | None:
    """The page of a run in Dagster's UI; None where either is not known."""
    base = os.environ.get(UI_URL, "").rstrip("/")
    return f"{base}/runs/{dagster_run_id}" if base and dagster_run_id else None


def asset_url(stage: str, name: str) -> str | None:
    """The page of an asset in Dagster's UI; None where that is not known."""
    base = os.environ.get(UI_URL, "").rstrip("/")
    return f"{base}/assets/{stage}/{name}" if base else None


@cache
def script() -> Path:
    """htmx as django-htmx brings it: the file alone, so Django is neither installed nor imported."""
    found = find_spec("django_htmx")
    assert found is not None and found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "static" / "django_htmx" / "htmx-2.min.js"


@cache
def files() -> Mapping[str, tuple[bytes, str]]:
    """What is served beside the pages, by name: content and media type."""
    return {
        "console.css": ((HERE / "static" / "console.css").read_bytes(), "text/css; charset=utf-8"),
        "icon.svg": ((HERE / "static" / "icon.svg").read_bytes(), "image/svg+xml"),
        "htmx.js": (script().read_bytes(), "text/javascript; charset=utf-8"),
    }


def file_url(name: str) -> str:
    """Its address changes with its content, so that it may be kept for ever."""
    return f"/console/static/{name}?v={_version(name)}"


@cache
def _version(name: str) -> str:
    return hashlib.sha256(files()[name][0]).hexdigest()[:12]


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(file_url=file_url, run_url=run_url, asset_url=asset_url, roles=ROLES, rows_max=ROWS_MAX)
    made.filters.update(words.FILTERS)
    return made
