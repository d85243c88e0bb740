"""The page on which a user lets an app into the company, or does not.

Belongs here: the page and where its two buttons lead. What a code is worth afterwards is `oauth.py`. Facts: reference
section 2; the real page's looks are not imitated.
"""

import html
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from sandbox.http import Answer, Request

SCOPE = "com.intuit.quickbooks.accounting"


def page(request: Request, client_id: str, realm_id: str, new_code: Callable[[str], str]) -> Answer:
    """The page, or the way back to the app once a button was clicked (`decision` is what the buttons send)."""
    query = request.query
    redirect, state = query.get("redirect_uri", ""), query.get("state", "")
    wrong = _wrong(query, client_id)
    if wrong:
        text = f"<!doctype html><h1>Sorry, but this app didn't connect</h1><p>{html.escape(wrong)}</p>"
        return Answer(400, text.encode(), "text/html;charset=utf-8")
    if "decision" not in query:
        return Answer(200, _page(query, realm_id).encode(), "text/html;charset=utf-8")
    if query["decision"] == "connect":
        answer = {"code": new_code(redirect), "state": state, "realmId": realm_id}
    else:
        answer = {"error": "access_denied", "state": state}
    separator = "&" if urlsplit(redirect).query else "?"
    return Answer(302, b"", "text/html", {"Location": redirect + separator + urlencode(answer)})


def _wrong(query: dict[str, str], client_id: str) -> str:
    if query.get("client_id") != client_id:
        return "The client_id is not that of an app known here."
    if query.get("response_type") != "code":
        return "The response_type must be code."
    if SCOPE not in query.get("scope", "").split():
        return f"The scope must include {SCOPE}."
    parts = urlsplit(query.get("redirect_uri", ""))
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return "The redirect_uri must be a whole http or https address."
    return ""


def _page(query: dict[str, str], realm_id: str) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in query.items()
    )
    return (
        '<!doctype html><html lang="en"><title>Connect to QuickBooks (simulated)</title>'
        "<h1>Let this app see your accounting data?</h1>"
        f'<p>Company {html.escape(realm_id)}</p><form method="get" action="/connect/oauth2">{hidden}'
        '<button name="decision" value="connect">Connect</button> '
        '<button name="decision" value="cancel">Cancel</button></form></html>'
    )
