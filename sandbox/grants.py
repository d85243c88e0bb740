"""Consents and the tokens that stand for them, as any authorization server keeps them.

Belongs here: issuing, rotating, expiring and revoking, by a Policy that each ERP fills in. Endpoints, texts of errors
and what a token may reach are each ERP's own `oauth.py`. All times are the simulator's clock.
"""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sandbox.world import World


@dataclass(frozen=True, slots=True)
class Policy:
    """How tokens live.

    A refresh token lives `refresh_life` from its last use (from its issue if not `is_rolling`), a grant at most
    `hard_life`. Its value is replaced at a use when it is `rotation_age` old (zero: at every use; None: never); the
    value before works on for `overlap` (zero: strict single use). A value used after that is refused, and with
    `is_family_revoked` ends the whole grant, as a stolen one would be.
    """

    access_life: timedelta
    refresh_life: timedelta
    rotation_age: timedelta | None
    overlap: timedelta
    is_rolling: bool = True
    hard_life: timedelta | None = None
    is_family_revoked: bool = False


@dataclass(slots=True)
class Grant:
    """One company's consent to one app.

    `current` was issued at `issued_at` and dies at `expires_at`; each of `previous` works until the time beside it.
    """

    client_id: str
    company_id: str
    granted_at: datetime
    current: str
    issued_at: datetime
    expires_at: datetime
    previous: dict[str, datetime]
    is_revoked: bool = False


@dataclass(slots=True)
class AccessToken:
    grant: Grant
    expires_at: datetime
    is_revoked: bool = False


class Grants:
    """All grants of one authorization server; `refresh_value` and `access_value` draw new tokens."""

    def __init__(self, world: World, refresh_value: Any, access_value: Any) -> None:
        self._world, self._refresh_value, self._access_value = world, refresh_value, access_value
        self._grants: list[Grant] = []
        self._by_refresh: dict[str, Grant] = {}
        self._access: dict[str, AccessToken] = {}

    def grant(self, client_id: str, company_id: str, policy: Policy) -> Grant:
        now = self._world.clock.now()
        grant = Grant(client_id, company_id, now, self._refresh_value(), now, now + policy.refresh_life, {})
        self._grants.append(grant)
        self._by_refresh[grant.current] = grant
        return grant

    def access_token(self, grant: Grant, policy: Policy) -> str:
        token = self._access_value()
        self._access[token] = AccessToken(grant, self._world.clock.now() + policy.access_life)
        return token

    def access(self, token: str) -> AccessToken | None:
        return self._access.get(token)

    def of_refresh(self, token: str) -> Grant | None:
        return self._by_refresh.get(token)

    def use(self, token: str, policy: Policy) -> Grant | None:
        """Use a refresh token: its life starts again, its value is replaced when that is due. None when it is dead.

        Using a previous value within its overlap answers with the current one and rotates nothing.
        """
        grant, now = self._by_refresh.get(token), self._world.clock.now()
        if grant is None or grant.is_revoked:
            return None
        if policy.hard_life is not None and grant.granted_at + policy.hard_life <= now:
            return None
        if token != grant.current:
            if now < grant.previous[token]:
                self._renew(grant, policy, now)
                return grant
            grant.is_revoked = policy.is_family_revoked
            return None
        if now >= grant.expires_at:
            return None
        if policy.rotation_age is not None and now - grant.issued_at >= policy.rotation_age:
            grant.previous[grant.current] = now + policy.overlap
            grant.current, grant.issued_at = self._refresh_value(), now
            grant.expires_at = _end(grant, policy, now)
            self._by_refresh[grant.current] = grant
        self._renew(grant, policy, now)
        return grant

    def _renew(self, grant: Grant, policy: Policy, now: datetime) -> None:
        if policy.is_rolling:
            grant.expires_at = _end(grant, policy, now)

    def revoke(self, token: str) -> bool:
        """End the grant an access or refresh token belongs to; False when no grant has it."""
        access, grant = self._access.get(token), self._by_refresh.get(token)
        found = grant if grant is not None else access.grant if access is not None else None
        if found is not None:
            found.is_revoked = True
        return found is not None

    def revoke_all(self) -> None:
        """The user takes the app off in the ERP: every token dies."""
        for grant in self._grants:
            grant.is_revoked = True

    def snapshot(self) -> dict[str, Any]:
        """Everything a restart must remember, as JSON values (access tokens point at their grant by position); dead
        access tokens are left out."""
        positions = {id(grant): position for position, grant in enumerate(self._grants)}
        yesterday = self._world.clock.now() - timedelta(days=1)
        return {
            "grants": [asdict(replace(grant, previous=dict(grant.previous))) for grant in self._grants],
            "access": {
                token: [positions[id(each.grant)], each.expires_at, each.is_revoked]
                for token, each in self._access.items()
                if each.expires_at > yesterday
            },
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Take over a snapshot in place of all there is; times may be texts, as they come from a file."""
        self._grants, self._by_refresh, self._access = [], {}, {}
        for values in snapshot["grants"]:
            times = {name: _instant(values[name]) for name in ("granted_at", "issued_at", "expires_at")}
            previous = {token: _instant(until) for token, until in values["previous"].items()}
            grant = Grant(**{**values, **times, "previous": previous})
            self._grants.append(grant)
            for token in (grant.current, *grant.previous):
                self._by_refresh[token] = grant
        for token, (position, expires_at, is_revoked) in snapshot["access"].items():
            self._access[token] = AccessToken(self._grants[position], _instant(expires_at), is_revoked)


def _end(grant: Grant, policy: Policy, now: datetime) -> datetime:
    """When a refresh token used or issued now dies."""
    end = now + policy.refresh_life
    return end if policy.hard_life is None else min(end, grant.granted_at + policy.hard_life)


def _instant(value: Any) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
