"""Intuit's OAuth 2.0: discovery, consent, tokens with delayed rotation, revocation.

Belongs here: clients, codes and tokens. Whether a call with a token may pass is asked here and answered to the caller
in `app.py`. Facts: reference section 2. All times are the simulator's clock.
"""

import base64
import binascii
import html
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from sandbox.clock import Clock
from sandbox.http import Answer, Request
from sandbox.quickbooks import wire
from sandbox.quickbooks.switches import Switches

SCOPE = "com.intuit.quickbooks.accounting"
ACCESS_TOKEN_LIFE = timedelta(hours=1)
REFRESH_TOKEN_LIFE = timedelta(seconds=8726400)
REFRESH_TOKEN_HARD_LIFE = timedelta(days=5 * 365)
ROTATION_AGE = OVERLAP = timedelta(hours=24)
CODE_LIFE = timedelta(minutes=5)


@dataclass(slots=True)
class Grant:
    """One company's consent to one app, and the refresh tokens that stand for it.

    `previous` works until `previous_until`; `current` was issued at `issued_at` and dies at `expires_at` unless used.
    """

    client_id: str
    realm_id: str
    granted_at: datetime
    current: str
    issued_at: datetime
    expires_at: datetime
    previous: str = ""
    previous_until: datetime | None = None
    is_revoked: bool = False


@dataclass(slots=True)
class AccessToken:
    grant: Grant
    expires_at: datetime
    is_revoked: bool = False


class OAuth:
    """The authorization server of one simulated company."""

    def __init__(self, clock: Clock, switches: Switches, realm_id: str) -> None:
        self._clock, self._switches, self.realm_id = clock, switches, realm_id
        self.client_id = "ABsandbox" + "0" * 34 + "client"
        self.client_secret = "sandbox-client-secret-of-the-simulator-00"
        self._codes: dict[str, tuple[str, datetime]] = {}
        self._grants: list[Grant] = []
        self._by_refresh: dict[str, Grant] = {}
        self._access: dict[str, AccessToken] = {}

    # -- what the API asks -------------------------------------------------------------------------------------------

    def check(self, authorization: str | None, realm_id: str, began: datetime) -> Answer | None:
        """None when the bearer may call this realm, else the gateway's fault."""
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not 20 <= len(token) <= 4096:
            return self._unauthorized("Malformed bearer token: too short or too long", began)
        found = self._access.get(token)
        if found is None or found.is_revoked or found.grant.is_revoked:
            return self._unauthorized(f"Token revoked: {token[:8]}", began)
        if found.expires_at <= self._clock.now():
            return self._unauthorized(f"Token expired: {token[:8]}", began)
        if found.grant.realm_id != realm_id:
            return wire.gateway_fault(403, "ApplicationAuthorizationFailed", None, "SERVICE", began)
        return None

    def _unauthorized(self, detail: str, began: datetime) -> Answer:
        return wire.gateway_fault(401, "AuthenticationFailed", detail, "AUTHENTICATION", began)

    def mint(self) -> dict[str, Any]:
        """A fresh grant with its tokens, without a browser (control API)."""
        grant = self._grant()
        access = self._new_access(grant)
        return {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "access_token": access,
            "refresh_token": grant.current,
            "realm_id": self.realm_id,
            "expires_in": int(ACCESS_TOKEN_LIFE.total_seconds()),
        }

    # -- endpoints ---------------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Answer | None:
        """The answer to a request for one of the OAuth paths, None when the path is not one of them."""
        path = request.path.rstrip("/")
        if path.startswith("/.well-known/openid") and path.endswith("configuration"):
            return _json(200, self._discovery(request.base_url))
        if path == "/connect/oauth2":
            return self._consent(request)
        if path == "/oauth2/v1/tokens/bearer":
            return self._token(request)
        if path == "/v2/oauth2/tokens/revoke":
            return self._revoke(request)
        if path == "/op/v1/jwks":
            return _json(200, {"keys": []})
        if path == "/v1/openid_connect/userinfo":
            return _json(
                200, {"sub": "00000000-0000-0000-0000-000000000001", "email": "user@example.com", "emailVerified": True}
            )
        return None

    def _discovery(self, base: str) -> dict[str, Any]:
        return {
            "issuer": f"{base}/op/v1",
            "authorization_endpoint": f"{base}/connect/oauth2",
            "token_endpoint": f"{base}/oauth2/v1/tokens/bearer",
            "userinfo_endpoint": f"{base}/v1/openid_connect/userinfo",
            "revocation_endpoint": f"{base}/v2/oauth2/tokens/revoke",
            "jwks_uri": f"{base}/op/v1/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile", "address", "phone"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "claims_supported": ["aud", "exp", "iat", "iss", "realmid", "sub"],
        }

    def _consent(self, request: Request) -> Answer:
        """The page on which a user lets an app in; `decision` in the query is what its two buttons send."""
        query = request.query
        redirect, state = query.get("redirect_uri", ""), query.get("state", "")
        if (
            query.get("client_id") != self.client_id
            or query.get("response_type") != "code"
            or not urlsplit(redirect).scheme
        ):
            text = "<h1>Sorry, but this app didn't connect</h1><p>Unknown client_id, response_type or redirect_uri.</p>"
            return Answer(400, text.encode(), "text/html;charset=utf-8")
        if "decision" not in query:
            hidden = "".join(
                f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
                for name, value in query.items()
            )
            page = (
                "<!doctype html><title>Connect to QuickBooks (simulated)</title>"
                "<h1>Let this app see your accounting data?</h1>"
                f'<p>Company {html.escape(self.realm_id)}</p><form method="get" action="/connect/oauth2">{hidden}'
                '<button name="decision" value="connect">Connect</button> '
                '<button name="decision" value="cancel">Cancel</button></form>'
            )
            return Answer(200, page.encode(), "text/html;charset=utf-8")
        if query["decision"] == "connect":
            code = "AB1" + secrets.token_urlsafe(30)
            self._codes[code] = (redirect, self._clock.now() + CODE_LIFE)
            answer = {"code": code, "state": state, "realmId": self.realm_id}
        else:
            answer = {"error": "access_denied", "state": state}
        separator = "&" if urlsplit(redirect).query else "?"
        return Answer(302, b"", "text/html", {"Location": redirect + separator + urlencode(answer)})

    def _token(self, request: Request) -> Answer:
        if request.method != "POST":
            return _json(405, {"error": "invalid_request"})
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        if not self._is_client(request, form):
            return _json(401, {"error": "invalid_client"})
        if form.get("grant_type") == "authorization_code":
            redirect, until = self._codes.pop(form.get("code", ""), ("", None))
            if until is None or until <= self._clock.now() or redirect != form.get("redirect_uri"):
                return _json(400, {"error": "invalid_grant"})
            return self._granted(self._grant(), request)
        if form.get("grant_type") == "refresh_token":
            grant = self._by_refresh.get(form.get("refresh_token", ""))
            if grant is None or not self._is_alive(grant, form["refresh_token"]):
                return _json(400, {"error": "invalid_grant"})
            self._renew(grant, form["refresh_token"])
            return self._granted(grant, request)
        return _json(400, {"error": "unsupported_grant_type"})

    def _is_client(self, request: Request, form: dict[str, str]) -> bool:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        given = (form.get("client_id", ""), form.get("client_secret", ""))
        if scheme.lower() == "basic":
            try:
                name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return False
            given = (name, secret)
        return secrets.compare_digest(":".join(given).encode(), f"{self.client_id}:{self.client_secret}".encode())

    def _is_alive(self, grant: Grant, token: str) -> bool:
        now = self._clock.now()
        if grant.is_revoked or grant.granted_at + REFRESH_TOKEN_HARD_LIFE <= now:
            return False
        if token == grant.current:
            return now < grant.expires_at
        return token == grant.previous and grant.previous_until is not None and now < grant.previous_until

    def _renew(self, grant: Grant, token: str) -> None:
        """Use of a refresh token: its 100 days start again, and a value that is a day old is replaced.

        Using the previous value within its overlap answers with the current one and rotates nothing.
        """
        now = self._clock.now()
        is_due = self._switches.rotate_on_every_refresh or now - grant.issued_at >= ROTATION_AGE
        if token == grant.current and is_due:
            self._by_refresh.pop(grant.previous, None)
            grant.previous, grant.previous_until = grant.current, now + OVERLAP
            grant.current, grant.issued_at = _refresh_value(), now
            self._by_refresh[grant.current] = grant
        grant.expires_at = now + REFRESH_TOKEN_LIFE

    def _grant(self) -> Grant:
        now = self._clock.now()
        grant = Grant(self.client_id, self.realm_id, now, _refresh_value(), now, now + REFRESH_TOKEN_LIFE)
        self._grants.append(grant)
        self._by_refresh[grant.current] = grant
        return grant

    def _new_access(self, grant: Grant) -> str:
        token = "eyJlbmMiOiJBMTI4Q0JDLUhTMjU2IiwiYWxnIjoiZGlyIn0.." + secrets.token_urlsafe(60)
        self._access[token] = AccessToken(grant, self._clock.now() + ACCESS_TOKEN_LIFE)
        return token

    def _granted(self, grant: Grant, request: Request) -> Answer:
        now = self._clock.now()
        answer: dict[str, Any] = {
            "token_type": "bearer",
            "expires_in": int(ACCESS_TOKEN_LIFE.total_seconds()),
            "refresh_token": grant.current,
            "x_refresh_token_expires_in": int((grant.expires_at - now).total_seconds()),
            "access_token": self._new_access(grant),
        }
        if request.headers.get("x-include-refresh-token-hard-expires-in") == "true":
            left = grant.granted_at + REFRESH_TOKEN_HARD_LIFE - now
            answer["x_refresh_token_hard_expires_in"] = int(left.total_seconds())
        return _json(200, answer)

    def _revoke(self, request: Request) -> Answer:
        try:
            body = wire.decode(request.body)
        except ValueError:
            body = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        if not self._is_client(request, {}):
            return _json(401, {"error": "invalid_client"})
        token = str(body.get("token", "")) if isinstance(body, dict) else ""
        grant = self._by_refresh.get(token)
        access = self._access.get(token)
        if grant is None and access is None:
            return _json(400, {"error": "invalid_request"})
        (grant if grant is not None else access.grant).is_revoked = True
        return Answer(200)

    def disconnect(self) -> None:
        """The user takes the app off in QuickBooks: every token dies."""
        for grant in self._grants:
            grant.is_revoked = True

    # -- for persistence ---------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """Everything a restart must remember, as JSON values (access tokens point at their grant by position)."""
        positions = {id(grant): position for position, grant in enumerate(self._grants)}
        return {
            "grants": [asdict(grant) for grant in self._grants],
            "access": {
                token: [positions[id(each.grant)], each.expires_at, each.is_revoked]
                for token, each in self._access.items()
            },
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        times = ("granted_at", "issued_at", "expires_at", "previous_until")
        for values in snapshot["grants"]:
            grant = Grant(
                **{
                    name: datetime.fromisoformat(v) if name in times and v is not None else v
                    for name, v in values.items()
                }
            )
            self._grants.append(grant)
            for token in (grant.current, grant.previous):
                if token:
                    self._by_refresh[token] = grant
        for token, (position, expires_at, is_revoked) in snapshot["access"].items():
            self._access[token] = AccessToken(self._grants[position], datetime.fromisoformat(expires_at), is_revoked)


def _refresh_value() -> str:
    return "AB1" + secrets.token_hex(23)


def _json(status: int, value: Any) -> Answer:
    return Answer(
        status,
        wire.encode(value),
        "application/json;charset=UTF-8",
        {"Cache-Control": "no-cache, no-store", "Pragma": "no-cache"},
    )
