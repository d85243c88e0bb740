"""Logging in and out: with an API key, or with a link that works once."""

from __future__ import annotations

import secrets

from fastapi import Request, Response

from gateway.console.pages import new_router, redirect, render
from gateway.console.visitors import (
    COOKIE,
    VISIT_COOKIE,
    Form,
    csrf_token,
    local_path,
    refuse_forged,
    set_cookie,
    visitor_of,
)
from resources.services import Services
from resources.stores import api_keys, console_sessions
from resources.stores.console_sessions import LINK_SECONDS

router = new_router()
_UNKNOWN_KEY = "This key is not known, or it was revoked."
_UNKNOWN_LINK = (
    f"This link was used before, or it is older than {LINK_SECONDS // 60} minutes. `tieout keys link` makes a new one."
)


@router.get("/login")
def login_page(request: Request, next: str = "") -> Response:
    if visitor_of(request.app.state.services, request.cookies.get(COOKIE)) is not None:
        return redirect(local_path(next))
    return _form(request, next_path=local_path(next))


@router.post("/login")
def log_in(request: Request, form: Form) -> Response:
    """Begin a session with a key. What the cookie held before is never what it holds then."""
    refuse_forged(request, form, request.cookies.get(VISIT_COOKIE, secrets.token_hex()))
    services: Services = request.app.state.services
    next_path, given = local_path(form.get("next")), form.get("key", "").strip()
    tenant = api_keys.tenant_of(given)
    token = None
    if tenant is not None:
        with services.db.transaction(tenant) as tx:
            key = api_keys.known(tx, given)
            if key is not None:
                _end_before(request, tx)
                token = console_sessions.begin(tx, tenant=tenant, name=key.name, role=key.role, key=key)
    if token is None:
        return _form(request, next_path=next_path, wrong=_UNKNOWN_KEY, status=401)
    return _entered(request, token, next_path)


@router.get("/enter")
def link_page(request: Request, link: str = "") -> Response:
    """Shows a button: what only looks at links, as chat programs do, does not use it up."""
    return _form(request, link=link)


@router.post("/enter")
def use_link(request: Request, form: Form) -> Response:
    refuse_forged(request, form, request.cookies.get(VISIT_COOKIE, secrets.token_hex()))
    services: Services = request.app.state.services
    link = form.get("link", "")
    tenant = console_sessions.tenant_of(link)
    token = None
    if tenant is not None:
        with services.db.transaction(tenant) as tx:
            found = console_sessions.use_link(tx, link)
            if found is not None:
                name, role = found
                token = console_sessions.begin(tx, tenant=tenant, name=name, role=role)
    if token is None:
        return _form(request, wrong=_UNKNOWN_LINK, status=401)
    return _entered(request, token, "/console/connections")


@router.post("/logout")
def log_out(request: Request, form: Form) -> Response:
    services: Services = request.app.state.services
    held = request.cookies.get(COOKIE)
    found = visitor_of(services, held)
    if held is not None and found is not None:
        refuse_forged(request, form, held)
        with found.transaction() as tx:
            console_sessions.end(tx, held)
    answer = redirect("/console/login", done="logged_out")
    answer.delete_cookie(COOKIE, path="/")
    return answer


def _end_before(request: Request, tx: object) -> None:
    held = request.cookies.get(COOKIE)
    if held is not None:
        console_sessions.end(tx, held)  # type: ignore[arg-type]


def _entered(request: Request, token: str, path: str) -> Response:
    answer = redirect(path)
    set_cookie(request, answer, token)
    answer.delete_cookie(VISIT_COOKIE, path="/")
    return answer


def _form(request: Request, *, next_path: str = "", link: str = "", wrong: str = "", status: int = 200) -> Response:
    visit = request.cookies.get(VISIT_COOKIE) or secrets.token_urlsafe(32)
    answer = render(
        request,
        "login.html",
        status=status,
        visit_csrf=csrf_token(visit),
        next_path=next_path,
        link=link,
        wrong=wrong,
    )
    set_cookie(request, answer, visit, VISIT_COOKIE)
    return answer
