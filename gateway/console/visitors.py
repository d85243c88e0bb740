"""Who looks at the console: the session in the cookie, and whether what is posted comes from a page of ours.

Belongs here: everything between a request and a `Visitor`. Sessions are kept by `resources/stores/console_sessions.py`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response

from gateway.access import CONSOLE_COOKIE, Caller
from gateway.problems import Refused
from resources.services import Services
from resources.stores import console_sessions, overview
from resources.stores.api_keys import ROLES, ApiKey
from resources.stores.console_sessions import SESSION_SECONDS
from resources.stores.overview import Open

COOKIE = CONSOLE_COOKIE
# Holds nothing but chance: what the login page's forms are recognised by, before anybody is logged in.
VISIT_COOKIE = "tieout_visit"
CSRF_FIELD = "csrf"
FIELDS_MAX = 500
_LOCAL_PATH = re.compile(r"/console(/[A-Za-z0-9._~/-]*)?(\?[A-Za-z0-9._~=&%+-]*)?")


class NotLoggedInError(Exception):
    """No session, or one that is over."""


@dataclass(frozen=True, slots=True)
class Visitor(Caller):
    """Somebody who is logged in. `waiting`: how much waits for a person, for the menu."""

    token: str
    expires_at: datetime
    waiting: Open

    @property
    def actor(self) -> str:
        return f"console:{self.key.name}"

    def may(self, role: str) -> bool:
        return ROLES.index(self.key.role) >= ROLES.index(role)


def csrf_token(secret: str) -> str:
    """What a form of whoever holds this cookie carries; it tells nothing of the cookie."""
    return hashlib.sha256(b"tieout console form\n" + secret.encode()).hexdigest()


def local_path(asked: str | None) -> str:
    """Where to go on to: a page of ours, or the first one. Another host, or a script, is never one of ours."""
    return asked if asked and _LOCAL_PATH.fullmatch(asked) and "//" not in asked else "/console/connections"


def visitor_of(services: Services, token: str | None) -> Visitor | None:
    """Who holds this cookie; None if nobody does."""
    tenant = console_sessions.tenant_of(token) if token else None
    if token is None or tenant is None:
        return None
    with services.db.transaction(tenant) as tx:
        found = console_sessions.find(tx, token)
        if found is None:
            return None
        waiting = overview.waiting(tx)
    key = ApiKey(found.key_id or "", found.tenant_id, found.name, found.role, found.name, found.begun_at, None)
    return Visitor(services, key, token, found.expires_at, waiting)


def visitor(request: Request) -> Visitor:
    """What every page depends on. Raises NotLoggedInError."""
    found = visitor_of(request.app.state.services, request.cookies.get(COOKIE))
    if found is None:
        raise NotLoggedInError
    request.state.visitor = found
    return found


async def form_of(request: Request) -> Mapping[str, str]:
    """What was posted, texts only; of a name that comes twice the last."""
    async with request.form(max_fields=FIELDS_MAX, max_files=0) as form:
        return {name: value for name, value in form.multi_items() if isinstance(value, str)}


Form = Annotated[Mapping[str, str], Depends(form_of)]


def acting(role: str) -> Callable[..., Visitor]:
    """What a button depends on: a visitor with this role or a higher one, and a form of a page of ours."""

    def actor(request: Request, form: Form, found: Annotated[Visitor, Depends(visitor)]) -> Visitor:
        refuse_forged(request, form, found.token)
        refuse_role(found, role)
        return found

    return actor


def refuse_role(found: Visitor, role: str) -> None:
    """Raises Refused for whoever has a lower role."""
    if not found.may(role):
        raise Refused(
            403,
            f"You are logged in as {found.key.role}, and this takes {'an' if role[0] in 'ao' else 'a'} {role}",
            next_step=f"ask for a key with the role {role}: `tieout keys make NAME --role {role}`",
        )


def refuse_forged(request: Request, form: Mapping[str, str], secret: str) -> None:
    """Raises Refused for what was posted from elsewhere than a page of ours."""
    origin = request.headers.get("origin")
    is_ours = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not is_ours or not hmac.compare_digest(form.get(CSRF_FIELD, "").encode(), csrf_token(secret).encode()):
        raise Refused(
            403,
            "This did not come from a page that the console showed you in this session",
            next_step="open the page again and repeat it there",
        )


def set_cookie(request: Request, response: Response, token: str, name: str = COOKIE) -> None:
    """Only sent back to us, never to a script; over https only where it came over https."""
    response.set_cookie(
        name,
        token,
        max_age=SESSION_SECONDS,
        path="/",
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


Reader = Annotated[Visitor, Depends(visitor)]
Operating = Annotated[Visitor, Depends(acting("operator"))]
Administering = Annotated[Visitor, Depends(acting("admin"))]
