"""Connecting a company in a browser, disconnecting it, connecting it again.

`GET /connect/{erp}` sends a browser to the ERP's consent, which comes back to `GET /connect/callback`; somebody who
has several companies chooses one on `/connect/choose`. What all this means is `resources/consenting.py` and
`resources/answering.py`.

The callback asks for no key: its state is one, and the cookie of the browser that began. Its address holds a code: so
no answer to it is kept, nor named to whoever comes next (`Referrer-Policy`).
"""

from __future__ import annotations

import html
from typing import Annotated
from urllib.parse import urlencode, urlsplit, urlunsplit

from fastapi import APIRouter, Form, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel

from gateway.access import Admin, caller_of
from gateway.connections import Name
from resources import answering, consenting
from resources.answering import Answered
from resources.connecting import disconnect
from resources.consenting import Begun, ConsentRefusedError
from resources.errors import ErrorKind
from resources.services import Services
from resources.settings import CONNECTION_NAME
from resources.stores.consents import LIFE_MINUTES

router = APIRouter(tags=["connections"])
COOKIE = "tieout_consent"
_PRIVATE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
}
Erp = Annotated[str, Path(pattern="^[a-z][a-z0-9_]{0,39}$", description="Which ERP: quickbooks, xero.")]
Told = Annotated[str, Query(max_length=4000)]
ReturnTo = Annotated[
    str,
    Query(
        max_length=consenting.PATH_CHARACTERS_MAX,
        description="Where the browser goes afterwards: a path of this host, with `outcome` (connected, refused) and "
        "`message` (a sentence) added.",
    ),
]


class Disconnected(BaseModel):
    """`changed` is false if it was so before."""

    name: str
    state: str
    changed: bool


class ConsentBegun(BaseModel):
    """Where a person consents, in the browser that asked, or their answer is brought with the same key."""

    authorize_url: str


@router.get("/connect/callback", include_in_schema=False, response_class=Response, name="consent_callback")
def callback(
    request: Request,
    state: Told = "",
    code: Told = "",
    error: Told = "",
    realm_id: Annotated[str, Query(alias="realmId", max_length=100)] = "",
) -> Response:
    """Where an ERP sends the browser back."""
    given = {"code": code, "error": error, "realmId": realm_id}
    told = {name: value for name, value in given.items() if value}
    try:
        answered = answering.finish(
            _services(request), state=state, told=told, browser=request.cookies.get(COOKIE, ""), by=_by(request)
        )
    except ConsentRefusedError as refused:
        return _refusal(refused)
    return _choice(answered, state) if answered.choices else _done(answered)


@router.post("/connect/choose", include_in_schema=False, response_class=Response)
def choose(
    request: Request,
    state: Annotated[str, Form(max_length=4000)] = "",
    company: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Which of the companies of a consent it shall be."""
    try:
        answered = answering.choose(
            _services(request),
            state=state,
            company_id=company,
            browser=request.cookies.get(COOKIE, ""),
            by=_by(request),
        )
    except ConsentRefusedError as refused:
        return _refusal(refused)
    return _done(answered)


@router.get(
    "/connect/{erp}",
    status_code=303,
    response_class=Response,
    responses={303: {"description": "To the page on which the ERP asks for consent"}},
)
def connect(
    erp: Erp,
    request: Request,
    caller: Admin,
    name: Annotated[str, Query(pattern=f"^{CONNECTION_NAME.pattern}$", description="What the connection is called.")],
    return_to: ReturnTo = "",
) -> Response:
    """Connect a company under a name, or that of a connection again. For a browser."""
    begun = consenting.begin(
        caller.services,
        tenant=caller.tenant,
        erp=erp,
        name=name,
        by=caller.actor,
        redirect_uri=_redirect_uri(request),
        return_to=return_to,
    )
    answer = RedirectResponse(begun.authorize_url, 303, headers=_PRIVATE)
    _remember(request, answer, begun)
    return answer


@router.post("/v1/connections/{name}/disconnect")
def disconnect_it(name: Name, caller: Admin) -> Disconnected:
    """Take our app off the company at the ERP and erase its tokens. Its data stays, and a new consent goes on."""
    changed = disconnect(caller.services, caller.connection(name).name, by=caller.actor)
    return Disconnected(name=name, state=caller.connection(name).state, changed=changed)


@router.post("/v1/connections/{name}/reconnect")
def reconnect(
    name: Name, request: Request, response: Response, caller: Admin, return_to: ReturnTo = ""
) -> ConsentBegun:
    """Begin a new consent of the company of a connection."""
    begun = consenting.begin(
        caller.services,
        tenant=caller.tenant,
        erp=caller.connection(name).erp,
        name=name,
        by=caller.actor,
        redirect_uri=_redirect_uri(request),
        return_to=return_to,
    )
    _remember(request, response, begun)
    return ConsentBegun(authorize_url=begun.authorize_url)


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _by(request: Request) -> str | None:
    caller = caller_of(request)
    return None if caller is None else f"{caller.tenant}|{caller.actor}"


def _redirect_uri(request: Request) -> str:
    """Where the ERP sends browsers back; it has to be registered with the app, to the letter."""
    public = _services(request).settings.public_url or str(request.base_url)
    return f"{public.rstrip('/')}/connect/callback"


def _remember(request: Request, response: Response, begun: Begun) -> None:
    response.set_cookie(
        COOKIE,
        begun.browser,
        max_age=LIFE_MINUTES * 120,
        path="/connect",
        httponly=True,
        # Lax: it comes along when the ERP's page leads back here, and with no form of another site.
        samesite="lax",
        secure=_redirect_uri(request).startswith("https://"),
    )


def _done(answered: Answered) -> Response:
    if answered.return_to:
        return _back(answered.return_to, "connected", answered.says)
    return _page("Connected", f"<p>{html.escape(answered.says)}</p>")


def _refusal(refused: ConsentRefusedError) -> Response:
    if refused.return_to:
        return _back(refused.return_to, "refused", str(refused))
    status = 502 if refused.kind in (ErrorKind.SYSTEM, ErrorKind.CONNECTION, ErrorKind.TIMEOUT) else 400
    return _page("Not connected", f"<p>{html.escape(str(refused))}</p>", status)


def _back(path: str, outcome: str, message: str) -> Response:
    parts = urlsplit(path)
    query = "&".join(part for part in (parts.query, urlencode({"outcome": outcome, "message": message})) if part)
    return RedirectResponse(urlunsplit(parts._replace(query=query)), 303, headers=_PRIVATE)


def _choice(answered: Answered, state: str) -> Response:
    buttons = "".join(
        f'<p><button name="company" value="{html.escape(one.company_id)}">{html.escape(one.name)}</button></p>'
        for one in answered.choices
    )
    form = f'<input type="hidden" name="state" value="{html.escape(state)}">{buttons}'
    says = f"<p>This consent reaches several companies. Which of them is {html.escape(answered.connection)}?</p>"
    return _page("Which company?", f'{says}<form method="post" action="/connect/choose">{form}</form>')


def _page(title: str, body: str, status: int = 200) -> Response:
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title} - Tieout</title><main><h1>{title}</h1>{body}</main></html>"
    )
    return HTMLResponse(text, status, headers=_PRIVATE)
