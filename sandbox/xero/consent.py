"""The page on which a user lets an app into organisations, or does not.

Belongs here: the page and where its two buttons lead. What a code is worth afterwards is `identity.py`; the real page's
looks are not imitated.
"""

import html
from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode, urlsplit

from sandbox.http import Answer, Request


def page(
    request: Request,
    client_id: str,
    organisations: dict[str, str],
    new_code: Callable[[dict[str, str], list[str]], str],
) -> Answer:
    """The page, or the way back to the app once a button was clicked: `decision`, and `tenant` for each organisation
    ticked (all of them when none is named)."""
    query = request.query
    wrong = _wrong(query, client_id)
    if wrong:
        text = f"<!doctype html><h1>Sorry, something went wrong</h1><p>{html.escape(wrong)}</p>"
        return Answer(400, text.encode(), "text/html; charset=utf-8")
    if "decision" not in query:
        return Answer(200, _page(query, organisations).encode(), "text/html; charset=utf-8")
    ticked = [value for name, value in parse_qsl(request.query_string) if name == "tenant" and value in organisations]
    if query["decision"] == "allow":
        answer = {"code": new_code(query, ticked or list(organisations)), "scope": query.get("scope", "")}
    else:
        answer = {"error": "access_denied"}
    if "state" in query:
        answer["state"] = query["state"]
    redirect = query["redirect_uri"]
    separator = "&" if urlsplit(redirect).query else "?"
    return Answer(302, b"", "text/html", {"Location": redirect + separator + urlencode(answer)})


def _wrong(query: dict[str, str], client_id: str) -> str:
    if query.get("client_id") != client_id:
        return "unauthorized_client: the client_id is not that of an app known here."
    if query.get("response_type") != "code":
        return "unsupported_response_type: it must be code."
    parts = urlsplit(query.get("redirect_uri", ""))
    if not parts.scheme or not (parts.netloc or parts.path):
        return "invalid redirect_uri: it must be a whole address."
    return ""


def _page(query: dict[str, str], organisations: dict[str, str]) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in query.items()
    )
    ticks = "".join(
        f'<label><input type="checkbox" name="tenant" value="{html.escape(key)}" checked> '
        f"{html.escape(name)}</label><br>"
        for key, name in organisations.items()
    )
    return (
        '<!doctype html><html lang="en"><title>Connect to Xero (simulated)</title>'
        "<h1>Let this app see your organisations' data?</h1>"
        f'<p>{html.escape(query.get("scope", ""))}</p><form method="get" action="/identity/connect/authorize">{hidden}'
        f'{ticks}<button name="decision" value="allow">Allow access</button> '
        '<button name="decision" value="cancel">Cancel</button></form></html>'
    )
