"""Rotating refresh tokens, kept so that none is ever lost: the protocol, for any ERP that has OAuth 2.

Belongs here: in which order a token is announced, asked for, kept and used, by however many processes. How one ERP's
token endpoint is called is in `resources/erps/<erp>/auth.py`, what it answers in `token_endpoint.py`; the statements
are in `stores/token_journal.py`.

A refresh token is worth a person's consent, and the ERP replaces it when it is used. So: (1) one process at a time
refreshes a connection; (2) it says so in a commit before the call; (3) the answer is sealed and committed, or written
to a spool file and flushed if the database is away, before anything uses it; (4) the last three tokens stay; (5) an
attempt whose process died is taken over after its deadline, with the same token, which ERPs with a grace period accept;
(6) a refused token is never sent again: the one before it is tried once, then the connection needs a new consent;
(7) access tokens are renewed at about half their life, at a point that is each token's own, so that a failing refresh
has the other half to recover and is tried again by whoever comes next.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg

from resources.crypto import Owner, Sealed, Vaultkeeper
from resources.errors import ErrorKind, TieoutError
from resources.http import Sleep, with_retries
from resources.stores.token_journal import CONSENT, SealedTokens, Standing, TokenJournal
from resources.token_endpoint import CONNECT_AGAIN, CredentialsRefusedError, GrantRefusedError, TokenEndpoint, TokenSet

SECRET_NAME = "oauth"
LEASE_SECONDS = 45.0
WAIT_SECONDS = 0.1
REFUSALS_MAX = 2
EARLY_SHARE = 0.5
EARLY_SHARE_JITTER = 0.1
# An answer with less life than this is used up by the time a request arrives.
ACCESS_SECONDS_LEFT_MIN = 30.0


class ReconnectNeededError(CredentialsRefusedError):
    """No usable refresh token is left: a person must connect the company again."""


@dataclass(frozen=True, slots=True)
class _Held:
    """The access token in use, and when (by the monotonic clock) to renew it and when it is over."""

    access_token: str
    renew_at: float
    over_at: float


class TokenKeeper:
    """Gives out access tokens of one connection; any number of processes may have one for the same connection.

    `spool` is a directory of this machine that survives restarts. `clock` is monotonic; times that processes share are
    the database's.
    """

    def __init__(
        self,
        *,
        tenant: str,
        connection: str,
        endpoint: TokenEndpoint,
        journal: TokenJournal,
        keeper: Vaultkeeper,
        spool: Path,
        lease_seconds: float = LEASE_SECONDS,
        sleep: Sleep = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tenant = tenant
        self._connection = connection
        self._endpoint = endpoint
        self._journal = journal
        self._keeper = keeper
        self._spool = spool
        self._lease_seconds = lease_seconds
        self._sleep = sleep
        self._clock = clock
        self._held: _Held | None = None

    def accept(self, tokens: TokenSet) -> None:
        """Take the tokens of a new consent: they replace whatever was there, and end the state `reconnect`."""
        self._consent(tokens, is_first=False)

    def seed(self, tokens: TokenSet) -> None:
        """Take the tokens that came with a new connection, unless somebody has begun to use them already."""
        self._consent(tokens, is_first=True)

    def newest(self) -> TokenSet | None:
        """The token set to go on with, its access token with the life it has left; None if there is none."""
        standing = self._journal.standing()
        if not standing.usable:
            return None
        newest = standing.usable[0]
        tokens = self._open(newest)
        return TokenSet(tokens.access_token, tokens.refresh_token, max(0.0, newest.access_seconds_left))

    def hand_over(self, other: TokenKeeper) -> None:
        """Give what is here to another name, as a consent there. Raises ReconnectNeededError if there is nothing."""
        standing = self._journal.standing()
        tokens = self.newest()
        if tokens is None:
            raise self._reconnect_needed(standing)
        until, now = standing.usable[0].refresh_expires_at, datetime.now(UTC)
        left = None if until is None else max(0.0, (until - now).total_seconds())
        other.accept(TokenSet(tokens.access_token, tokens.refresh_token, tokens.access_seconds, left))

    def access_token(self) -> str:
        """An access token in the first half of its life, or the best there is."""
        held = self._held
        if held is not None and self._clock() < held.renew_at:
            return held.access_token
        return self._obtain(rejected=None)

    def renew(self, rejected: str) -> str:
        """Another access token than the rejected one; refreshes only if nobody else has done so meanwhile."""
        self._held = None
        return self._obtain(rejected=rejected)

    def granted_until(self) -> datetime | None:
        """When the grant ends if it is not used before; None if the ERP does not say."""
        standing = self._journal.standing()
        return standing.usable[0].refresh_expires_at if standing.usable else None

    def needs_reconnect(self) -> bool:
        """Whether every token set known was refused."""
        standing = self._journal.standing()
        return not standing.usable and not standing.is_empty

    def replay_spool(self) -> int:
        """Journal what a failed commit left in spool files, by this or an earlier process; return how many."""
        replayed = 0
        for path in sorted(self._spool.glob("*.tokens")) if self._spool.is_dir() else []:
            try:
                kept = json.loads(path.read_text())
            except (ValueError, FileNotFoundError):
                # Another process was faster, or this is not a file of ours.
                continue
            if (kept["tenant"], kept["connection"]) != (self._tenant, self._connection):
                continue
            self._journal_answer(
                UUID(kept["attempt_id"]),
                Sealed(kept["key_id"], base64.b64decode(kept["sealed"])),
                fingerprint=kept["fingerprint"],
                source="spool",
                access_seconds=kept["access_seconds"],
                refresh_seconds=kept["refresh_seconds"],
                age_seconds=max(0.0, time.time() - kept["written_at"]),
            )
            path.unlink(missing_ok=True)
            replayed += 1
        return replayed

    def _consent(self, tokens: TokenSet, *, is_first: bool) -> None:
        attempt_id = uuid4()
        self._journal.keep(
            attempt_id,
            self._keeper.seal(_content(tokens), self._owner(attempt_id)),
            fingerprint=_fingerprint(tokens),
            source=CONSENT,
            access_seconds=tokens.access_seconds,
            refresh_seconds=tokens.refresh_seconds,
            is_first=is_first,
        )
        self._held = None

    def _obtain(self, rejected: str | None) -> str:
        try:
            return with_retries(lambda: self._obtain_once(rejected), sleep=self._sleep)
        except ReconnectNeededError:
            raise
        except TieoutError:
            # Renewing early failed; what we have is still good for the rest of its life.
            held = self._held
            if held is not None and self._clock() < held.over_at and held.access_token != rejected:
                return held.access_token
            raise

    def _obtain_once(self, rejected: str | None) -> str:
        refusals = 0
        seen: list[UUID] = []
        while True:
            self.replay_spool()
            standing = self._journal.standing()
            if not standing.usable:
                raise self._reconnect_needed(standing)
            newest = standing.usable[0]
            if newest.attempt_id not in seen:
                # Refusals say nothing of what came since: a new consent, or what another process was given.
                seen, refusals = [kept.attempt_id for kept in standing.usable], 0
            tokens = self._open(newest)
            # Next to a refused refresh token, an access token of the same grant is not worth a try.
            if not refusals and (
                token := self._usable_access_token(newest, tokens, rejected, standing.is_being_refreshed)
            ):
                return token
            if standing.is_being_refreshed:
                self._sleep(WAIT_SECONDS)
                continue
            if refusals == REFUSALS_MAX:
                self._journal.refuse_all(seen)
                raise self._reconnect_needed(standing)
            try:
                fresh = self._refresh(newest, tokens)
            except GrantRefusedError:
                # The token before it comes next, once: an answer that never arrived may have left it valid.
                refusals += 1
                continue
            if fresh is not None:
                return self._hold(fresh.access_token, fresh.access_seconds, fresh.access_seconds)

    def _refresh(self, used: SealedTokens, tokens: TokenSet) -> TokenSet | None:
        """Refresh with one token; None if another process came first."""
        attempt_id = uuid4()
        fingerprint = _fingerprint(tokens)
        if not self._journal.begin(attempt_id, used.attempt_id, fingerprint, self._lease_seconds):
            return None
        # Before the call: a key service that is away must not keep an answer from being sealed.
        seal = self._keeper.envelope(self._owner(attempt_id))
        try:
            fresh = self._endpoint.refresh(tokens.refresh_token)
        except GrantRefusedError:
            self._journal.refuse(attempt_id, fingerprint)
            raise
        except TieoutError:
            self._journal.end(attempt_id, "unanswered")
            raise
        self._keep(attempt_id, fresh, seal(_content(fresh)))
        return fresh

    def _keep(self, attempt_id: UUID, tokens: TokenSet, sealed: Sealed) -> None:
        """Journal an answer, or flush it to the spool if the database is away. Returns once it is safe."""
        try:
            self._journal_answer(
                attempt_id,
                sealed,
                fingerprint=_fingerprint(tokens),
                source="refresh",
                access_seconds=tokens.access_seconds,
                refresh_seconds=tokens.refresh_seconds,
            )
        except Exception:
            # Whatever it is, the token must not be lost over it; the next call that reaches the database journals it.
            self._write_spool(attempt_id, sealed, tokens)

    def _journal_answer(self, attempt_id: UUID, sealed: Sealed, **answer: Any) -> None:
        try:
            self._journal.keep(attempt_id, sealed, **answer)
        except psycopg.errors.ForeignKeyViolation:
            # The master key it is sealed with was taken away meanwhile.
            self._keeper.read_again()
            self._journal.keep(attempt_id, self._keeper.rewrap(sealed, self._owner(attempt_id)), **answer)

    def _write_spool(self, attempt_id: UUID, sealed: Sealed, tokens: TokenSet) -> None:
        self._spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._spool / f"{attempt_id}.tokens"
        content = {
            "tenant": self._tenant,
            "connection": self._connection,
            "attempt_id": str(attempt_id),
            "fingerprint": _fingerprint(tokens),
            "key_id": sealed.key_id,
            "sealed": base64.b64encode(sealed.blob).decode(),
            "access_seconds": tokens.access_seconds,
            "refresh_seconds": tokens.refresh_seconds,
            "written_at": time.time(),
        }
        unfinished = path.with_suffix(".part")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
        directory = os.open(self._spool, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _usable_access_token(
        self, kept: SealedTokens, tokens: TokenSet, rejected: str | None, is_being_refreshed: bool
    ) -> str | None:
        """The journaled access token, if it will do; None if it is time to refresh."""
        if not tokens.access_token or tokens.access_token == rejected:
            return None
        if kept.access_seconds_left < ACCESS_SECONDS_LEFT_MIN:
            return None
        token = self._hold(tokens.access_token, kept.access_seconds_left, kept.access_seconds)
        held = self._held
        # In the second half of its life it will do only while somebody else is renewing it.
        return token if is_being_refreshed or (held is not None and self._clock() < held.renew_at) else None

    def _hold(self, access_token: str, seconds_left: float, seconds: float) -> str:
        # Drawn from the token: whoever has tried to renew it in vain, or comes after, finds it due and does not put off
        # a refresh whose answer may have been lost.
        share = EARLY_SHARE + random.Random(access_token).uniform(-EARLY_SHARE_JITTER, EARLY_SHARE_JITTER) / 2
        now = self._clock()
        self._held = _Held(access_token, now + seconds_left - seconds * (1 - share), now + seconds_left)
        return access_token

    def _open(self, kept: SealedTokens) -> TokenSet:
        content = json.loads(self._keeper.open(kept.sealed, self._owner(kept.attempt_id)))
        return TokenSet(content["access_token"], content["refresh_token"], kept.access_seconds)

    def _owner(self, attempt_id: UUID) -> Owner:
        return Owner(self._tenant, self._connection, SECRET_NAME, str(attempt_id))

    def _reconnect_needed(self, standing: Standing) -> TieoutError:
        found = "no token" if standing.is_empty else "only refresh tokens that the ERP refused (invalid_grant)"
        return ReconnectNeededError(
            ErrorKind.AUTHENTICATION,
            connection=self._connection,
            doing="obtaining an access token",
            found=found,
            expected="a refresh token that is still valid",
            next_step=CONNECT_AGAIN,
        )


def _content(tokens: TokenSet) -> bytes:
    return json.dumps({"access_token": tokens.access_token, "refresh_token": tokens.refresh_token}).encode()


def _fingerprint(tokens: TokenSet) -> str:
    """Tells refresh tokens apart without telling what they are."""
    return hashlib.sha256(tokens.refresh_token.encode()).hexdigest()[:16]
