"""Xero's identity service: consent, tokens, revocation, discovery, and the apps that may ask.

Belongs here: endpoints and who a bearer is. Which organisations an app is connected to is `connections.py`, the page of
consent `consent.py`, how tokens live `sandbox/grants.py`. Facts: reference section 2.
"""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from sandbox.grants import Grant, Grants, Policy
from sandbox.http import Answer, Request
from sandbox.world import World
from sandbox.xero import consent, scopes, wire
from sandbox.xero.connections import Connections
from sandbox.xero.switches import Switches

ACCESS_LIFE, REFRESH_LIFE, CODE_LIFE = timedelta(seconds=1800), timedelta(days=60), timedelta(minutes=5)
CLIENT_ID, CLIENT_SECRET = "5AND80X0" + "0" * 20 + "CAFE", "sandbox-client-secret-of-the-simulator-" + "0" * 9
CUSTOM_ID, CUSTOM_SECRET = "5AND80X0" + "0" * 20 + "C057", "sandbox-custom-secret-of-the-simulator-" + "0" * 9


class Code(msgspec.Struct):
    """What a code stands for until it is exchanged."""

    redirect: str
    until: datetime
    event: str
    challenge: str = ""
    method: str = "plain"


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who sends a request: the app, its scopes, and the one organisation of a custom connection."""

    client_id: str
    scope: set[str]
    event: str
    only_tenant: str = ""


class Identity:
    """The authorization server of all organisations of one simulator.

    There is one app of the common kind (its secret may be left out with PKCE), and one custom connection.
    """

    def __init__(self, world: World, options: Switches, connections: Connections) -> None:
        self._world, self._options, self._connections = world, options, connections
        self._codes: dict[str, Code] = {}
        self._events: dict[str, str] = {}
        """The scope of each consent, by its authentication event."""
        self._grants = Grants(world, lambda: f"{self._world.ids.text(43)}", lambda: self._world.ids.text(43))
        self._of_token: dict[str, str] = {}
        """JWTs by the opaque value their grant knows them under."""

    def _policy(self) -> Policy:
        return Policy(
            access_life=ACCESS_LIFE,
            refresh_life=REFRESH_LIFE,
            rotation_age=timedelta(),
            overlap=timedelta(seconds=self._options.refresh_grace_seconds),
            is_family_revoked=self._options.refresh_reuse == "revokes",
        )

    # -- what the API asks -------------------------------------------------------------------------------------------

    def bearer(self, authorization: str | None) -> Bearer | datetime | None:
        """Who a bearer is; when its token expired; None for no token that was ever good or still is."""
        scheme, _, token = (authorization or "").partition(" ")
        found = self._grants.access(self._of_token.get(token.strip(), ""))
        if scheme.lower() != "bearer" or found is None or found.is_revoked or found.grant.is_revoked:
            return None
        if found.expires_at <= self._world.clock.now():
            return found.expires_at
        grant = found.grant
        only = self._connections.first_tenant() if grant.client_id == CUSTOM_ID else ""
        return Bearer(grant.client_id, set(self._events[grant.company_id].split()), grant.company_id, only)

    def mint(self) -> dict[str, Any]:
        """A consent to every organisation with its tokens, without a browser (control API)."""
        event = self.consent(scopes.ALL, self._connections.tenants())
        grant = self._grants.grant(CLIENT_ID, event, self._policy())
        answer = self._granted(grant, "")
        return {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            **{name: answer[name] for name in ("access_token", "refresh_token", "expires_in", "scope")},
            "tenant_id": self._connections.first_tenant(),
            "tenant_ids": self._connections.tenants(),
            "custom_connection": {"client_id": CUSTOM_ID, "client_secret": CUSTOM_SECRET},
        }

    def consent(self, scope: str, tenants: list[str]) -> str:
        """A user lets the app into these organisations; returns the authentication event."""
        event = self._world.ids.uuid()
        self._events[event] = " ".join(scope.split())
        self._connections.connect(CLIENT_ID, event, tenants)
        return event

    def revoke_all(self) -> None:
        self._grants.revoke_all()

    # -- endpoints ---------------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Answer | None:
        """The answer to a request for one of the identity paths, None when the path is not one of them."""
        path = request.path.rstrip("/").lower()
        if path == "/.well-known/openid-configuration":
            return _json(200, _discovery(request.base_url))
        if path == "/.well-known/openid-configuration/jwks":
            return _json(200, {"keys": []})
        if path == "/identity/connect/authorize":
            return consent.page(request, CLIENT_ID, self._connections.named(), self._new_code)
        if path == "/connect/token":
            return self._token(request)
        if path == "/connect/revocation":
            return self._revoke(request)
        return None

    def _new_code(self, query: dict[str, str], tenants: list[str]) -> str:
        code = self._world.ids.text(43)
        event = self.consent(query.get("scope", ""), tenants)
        until = self._world.clock.now() + CODE_LIFE
        challenge, method = query.get("code_challenge", ""), query.get("code_challenge_method", "plain")
        self._codes[code] = Code(query["redirect_uri"], until, event, challenge, method)
        return code

    def _token(self, request: Request) -> Answer:
        if request.method != "POST":
            return _json(405, {"error": "invalid_request"})
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        client_id, secret = _client(request, form)
        kind = form.get("grant_type")
        if kind == "client_credentials":
            return self._client_credentials(client_id, secret)
        if client_id != CLIENT_ID or secret not in (None, CLIENT_SECRET):
            return _json(400, {"error": "invalid_client"})
        if kind == "authorization_code":
            code = self._codes.pop(form.get("code", ""), None)
            if code is None or not self._is_good(code, form, secret):
                return _json(400, {"error": "invalid_grant"})
            grant = self._grants.grant(CLIENT_ID, code.event, self._policy())
            return _json(200, self._granted(grant, request.base_url))
        if kind == "refresh_token":
            found = self._grants.use(form.get("refresh_token", ""), self._policy())
            if found is None:
                return _json(400, {"error": "invalid_grant"})
            return _json(200, self._granted(found, request.base_url))
        return _json(400, {"error": "unsupported_grant_type"})

    def _is_good(self, code: Code, form: dict[str, str], secret: str | None) -> bool:
        if code.until <= self._world.clock.now() or code.redirect != form.get("redirect_uri"):
            return False
        verifier = form.get("code_verifier", "")
        if not code.challenge:
            return secret is not None
        if code.method == "S256":
            verifier = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        return secrets.compare_digest(verifier, code.challenge)

    def _client_credentials(self, client_id: str, secret: str | None) -> Answer:
        if (client_id, secret) != (CUSTOM_ID, CUSTOM_SECRET):
            return _json(400, {"error": "invalid_client"})
        event = self._world.ids.uuid()
        self._events[event] = " ".join(each for each in scopes.ALL.split() if each.startswith("accounting"))
        self._connections.connect(CUSTOM_ID, event, [self._connections.first_tenant()])
        grant = self._grants.grant(CUSTOM_ID, event, self._policy())
        answer = self._granted(grant, "")
        return _json(200, {name: answer[name] for name in ("access_token", "expires_in", "token_type", "scope")})

    def _granted(self, grant: Grant, base_url: str) -> dict[str, Any]:
        scope = self._events[grant.company_id]
        token = self._jwt(grant, scope)
        answer = {
            "access_token": token,
            "expires_in": int(ACCESS_LIFE.total_seconds()),
            "token_type": "Bearer",
            "refresh_token": grant.current,
            "scope": scope,
        }
        if "openid" in scope.split():
            answer = {"id_token": self._jwt_of({"iss": base_url, "aud": grant.client_id, "sub": "sandbox"}), **answer}
        if "offline_access" not in scope.split():
            del answer["refresh_token"]
        return answer

    def _jwt(self, grant: Grant, scope: str) -> str:
        """An access token in the shape of a JWT; its signature is none a client could check."""
        opaque = self._grants.access_token(grant, self._policy())
        now = int(self._world.clock.now().timestamp())
        claims = {
            "nbf": now,
            "exp": now + int(ACCESS_LIFE.total_seconds()),
            "iss": "https://identity.xero.com",
            "aud": "https://identity.xero.com/resources",
            "client_id": grant.client_id,
            "authentication_event_id": grant.company_id,
            "jti": opaque,
            "scope": scope.split(),
        }
        token = self._jwt_of(claims)
        self._of_token[token] = opaque
        return token

    def _jwt_of(self, claims: dict[str, Any]) -> str:
        parts = (wire.encode({"alg": "RS256", "typ": "JWT"}), wire.encode(claims), self._world.ids.text(32).encode())
        return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)

    def _revoke(self, request: Request) -> Answer:
        """Ends the consent and takes the app off all its organisations."""
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        client_id, secret = _client(request, form)
        if client_id != CLIENT_ID or secret not in (None, CLIENT_SECRET):
            return _json(400, {"error": "invalid_client"})
        if self._grants.revoke(form.get("token", "")):
            self._connections.disconnect_all(CLIENT_ID)
        return Answer(200)

    # -- for snapshots and persistence -------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        codes = {name: msgspec.to_builtins(code) for name, code in self._codes.items()}
        grants = self._grants.snapshot()
        # Tokens long dead are left out of both lists.
        self._of_token = {token: each for token, each in self._of_token.items() if each in grants["access"]}
        return {
            **grants,
            "codes": codes,
            "events": dict(self._events),
            "of_token": dict(self._of_token),
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        self._grants.restore(snapshot)
        self._codes = {name: msgspec.convert(code, Code) for name, code in snapshot["codes"].items()}
        self._events, self._of_token = dict(snapshot["events"]), dict(snapshot["of_token"])


def _client(request: Request, form: dict[str, str]) -> tuple[str, str | None]:
    """Client id and secret from the form or from Basic; the secret is None where none was sent."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return name, secret
    return form.get("client_id", ""), form.get("client_secret")


def _discovery(base: str) -> dict[str, Any]:
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}/identity/connect/authorize",
        "token_endpoint": f"{base}/connect/token",
        "revocation_endpoint": f"{base}/connect/revocation",
        "jwks_uri": f"{base}/.well-known/openid-configuration/jwks",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
        "scopes_supported": scopes.ALL.split(),
        "code_challenge_methods_supported": ["plain", "S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    }


def _json(status: int, value: Any) -> Answer:
    return Answer(status, wire.encode(value), "application/json; charset=UTF-8", dict(wire.NO_CACHE))
