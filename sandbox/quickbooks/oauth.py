"""Intuit's OAuth 2.0: discovery, consent, tokens with delayed rotation, revocation.

Belongs here: the endpoints and their answers, the one client and the codes. Tokens and their lives are
`sandbox/grants.py`, the page a user clicks on `consent.py`. Whether a call with a token may pass is asked here and
answered to the caller in `app.py`. Facts: reference section 2. All times are the simulator's clock. PKCE is not
offered.
"""

import base64
import binascii
import secrets
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from sandbox.grants import Grant, Grants, Policy
from sandbox.http import Answer, Request
from sandbox.quickbooks import consent, wire
from sandbox.quickbooks.switches import Switches
from sandbox.world import World

ACCESS_TOKEN_LIFE = timedelta(hours=1)
REFRESH_TOKEN_LIFE = timedelta(seconds=8726400)
REFRESH_TOKEN_HARD_LIFE = timedelta(days=5 * 365)
ROTATION_AGE = timedelta(hours=24)
CODE_LIFE = timedelta(minutes=5)


class OAuth:
    """The authorization server of one simulated company."""

    def __init__(self, world: World, switches: Switches, realm_id: str) -> None:
        self._world, self._switches, self.realm_id = world, switches, realm_id
        self.client_id = "ABsandbox" + "0" * 34 + "client"
        self.client_secret = "sandbox-client-secret-of-the-simulator-00"
        self._codes: dict[str, tuple[str, datetime]] = {}
        self._grants = Grants(
            world,
            lambda: "AB1" + world.ids.hex(23),
            lambda: "eyJlbmMiOiJBMTI4Q0JDLUhTMjU2IiwiYWxnIjoiZGlyIn0.." + world.ids.text(80),
        )

    def _policy(self) -> Policy:
        return Policy(
            access_life=ACCESS_TOKEN_LIFE,
            refresh_life=REFRESH_TOKEN_LIFE,
            rotation_age=timedelta() if self._switches.rotate_on_every_refresh else ROTATION_AGE,
            overlap=timedelta(seconds=self._switches.refresh_overlap_seconds),
            hard_life=REFRESH_TOKEN_HARD_LIFE,
            is_family_revoked=self._switches.refresh_reuse == "revokes",
        )

    # -- what the API asks -------------------------------------------------------------------------------------------

    def check(self, authorization: str | None, realm_id: str, began: datetime) -> Answer | None:
        """None when the bearer may call this realm, else the gateway's fault."""
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not 20 <= len(token) <= 4096:
            return unauthorized("Malformed bearer token: too short or too long", began)
        found = self._grants.access(token)
        if found is None or found.is_revoked or found.grant.is_revoked:
            return unauthorized(f"Token revoked: {token[:8]}", began)
        if found.expires_at <= self._world.clock.now():
            return unauthorized(f"Token expired: {token[:8]}", began)
        if found.grant.company_id != realm_id:
            return wire.gateway_fault(403, "ApplicationAuthorizationFailed", None, "SERVICE", began)
        return None

    def mint(self) -> dict[str, Any]:
        """A fresh grant with its tokens, without a browser (control API)."""
        grant = self._grants.grant(self.client_id, self.realm_id, self._policy())
        return {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "access_token": self._grants.access_token(grant, self._policy()),
            "refresh_token": grant.current,
            "realm_id": self.realm_id,
            "expires_in": int(ACCESS_TOKEN_LIFE.total_seconds()),
        }

    def disconnect(self) -> None:
        """The user takes the app off in QuickBooks: every token dies."""
        self._grants.revoke_all()

    # -- endpoints ---------------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Answer | None:
        """The answer to a request for one of the OAuth paths, None when the path is not one of them."""
        path = request.path.rstrip("/")
        if path in ("/.well-known/openid_configuration", "/.well-known/openid_sandbox_configuration"):
            return _json(200, _discovery(request.base_url))
        if path == "/connect/oauth2":
            return consent.page(request, self.client_id, self.realm_id, self._new_code)
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

    def _new_code(self, redirect: str) -> str:
        code = "AB1" + self._world.ids.text(40)
        self._codes[code] = (redirect, self._world.clock.now() + CODE_LIFE)
        return code

    def _token(self, request: Request) -> Answer:
        if request.method != "POST":
            return _json(405, {"error": "invalid_request"})
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        if not self._is_client(request, form):
            return _json(401, {"error": "invalid_client"})
        grant: Grant | None
        if form.get("grant_type") == "authorization_code":
            redirect, until = self._codes.pop(form.get("code", ""), ("", None))
            if until is None or until <= self._world.clock.now() or redirect != form.get("redirect_uri"):
                return _json(400, {"error": "invalid_grant"})
            grant = self._grants.grant(self.client_id, self.realm_id, self._policy())
        elif form.get("grant_type") == "refresh_token":
            grant = self._grants.use(form.get("refresh_token", ""), self._policy())
            if grant is None:
                return _json(400, {"error": "invalid_grant"})
        else:
            return _json(400, {"error": "unsupported_grant_type"})
        return self._granted(grant, request)

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

    def _granted(self, grant: Grant, request: Request) -> Answer:
        now = self._world.clock.now()
        answer: dict[str, Any] = {
            "token_type": "bearer",
            "expires_in": int(ACCESS_TOKEN_LIFE.total_seconds()),
            "refresh_token": grant.current,
            "x_refresh_token_expires_in": int((grant.expires_at - now).total_seconds()),
            "access_token": self._grants.access_token(grant, self._policy()),
        }
        if request.headers.get("x-include-refresh-token-hard-expires-in", "").lower() == "true":
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
        if not isinstance(body, dict) or not self._grants.revoke(str(body.get("token", ""))):
            return _json(400, {"error": "invalid_request"})
        return Answer(200)

    # -- for snapshots and persistence -------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        return {**self._grants.snapshot(), "codes": dict(self._codes)}

    def restore(self, snapshot: dict[str, Any]) -> None:
        self._grants.restore(snapshot)
        self._codes = {
            code: (redirect, datetime.fromisoformat(until) if isinstance(until, str) else until)
            for code, (redirect, until) in snapshot["codes"].items()
        }


def unauthorized(detail: str, began: datetime) -> Answer:
    return wire.gateway_fault(401, "AuthenticationFailed", detail, "AUTHENTICATION", began)


def _discovery(base: str) -> dict[str, Any]:
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


def _json(status: int, value: Any) -> Answer:
    return Answer(
        status,
        wire.encode(value),
        "application/json;charset=UTF-8",
        {"Cache-Control": "no-cache, no-store", "Pragma": "no-cache"},
    )
