"""Sealing secrets: AES-256-GCM with a data key for each, itself sealed by a master key that the database never sees.

Belongs here: bytes in, sealed bytes out, and a master key in memory. Which master keys there are, and the one that a
key service holds, is `master_keys.py`; where sealed bytes are kept is in `resources/stores`.
Each seal is bound to whose secret it is (tenant, connection, name, version): a row moved to another tenant, connection
or version does not open. A wrong master key is said by name, never guessed around.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from resources.errors import ErrorKind, TieoutError

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES
# A data key wrapped by a key in memory has one length; one wrapped by a key service says its own, in two bytes.
FORMAT = b"\x01"
FORMAT_OF_ANY_LENGTH = b"\x02"
LENGTH_BYTES = 2


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose secret it is, and which. Two different owners never read the same: the parts are told apart by length."""

    tenant: str
    connection: str
    name: str
    version: str

    def as_bytes(self) -> bytes:
        parts = [part.encode() for part in (self.tenant, self.connection, self.name, self.version)]
        return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed secret, and the id of the master key that opens it. Both are safe to store."""

    key_id: str
    blob: bytes


class MasterKey(Protocol):
    """What wraps data keys: a key in memory, or a key service."""

    @property
    def key_id(self) -> str: ...

    def wrap(self, data_key: bytes, context: bytes) -> bytes: ...

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes: ...


class LocalMasterKey:
    """A 256-bit master key held in memory. Its id is a hash that does not help to find it."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise _wrong_key(f"a key of {len(key)} bytes", f"{KEY_BYTES} bytes")
        self._cipher = AESGCM(key)
        self.key_id = hashlib.sha256(b"tieout master key id\x00" + key).hexdigest()[:16]

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data_key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context)


class Vaultkeeper:
    """Seals with the first master key, opens with whichever it knows: two keys at once are a rotation under way.

    `reread` gives the keys as they are now: it is asked when a seal names a key that is not known, so that a process
    follows a rotation that began after it did.
    """

    def __init__(self, keys: Sequence[MasterKey], *, reread: Callable[[], Sequence[MasterKey]] | None = None) -> None:
        self._reread = reread
        self._keys: dict[str, MasterKey] = {}
        self._take(keys)

    @property
    def key_id(self) -> str:
        """The master key that new secrets are sealed with."""
        return self._newest.key_id

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Every master key there is, the newest first."""
        return tuple(self._keys)

    def seal(self, secret: bytes, owner: Owner) -> Sealed:
        """Seal `secret` with a data key of its own."""
        return self.envelope(owner)(secret)

    def envelope(self, owner: Owner) -> Callable[[bytes], Sealed]:
        """What will seal one secret that is yet to come, whether or not the key service can be reached then."""
        newest, data_key, nonce, context = (
            self._newest,
            AESGCM.generate_key(256),
            os.urandom(NONCE_BYTES),
            owner.as_bytes(),
        )
        wrapped = newest.wrap(data_key, context)
        cipher = AESGCM(data_key)
        return lambda secret: Sealed(newest.key_id, _joined(wrapped, nonce + cipher.encrypt(nonce, secret, context)))

    def open(self, sealed: Sealed, owner: Owner) -> bytes:
        """The secret; raises TieoutError if the master key is another one, or if the seal was moved or altered."""
        context = owner.as_bytes()
        wrapped, rest = _taken_apart(sealed.blob)
        data_key = self._data_key(sealed.key_id, wrapped, context)
        try:
            return AESGCM(data_key).decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], context)
        except (InvalidTag, ValueError):
            raise _broken(owner) from None

    def rewrap(self, sealed: Sealed, owner: Owner) -> Sealed:
        """The same secret under the newest master key; its ciphertext is not touched."""
        context = owner.as_bytes()
        wrapped, rest = _taken_apart(sealed.blob)
        data_key = self._data_key(sealed.key_id, wrapped, context)
        newest = self._newest
        return Sealed(newest.key_id, _joined(newest.wrap(data_key, context), rest))

    def read_again(self) -> None:
        """Take the master keys as they are now."""
        if self._reread is not None:
            self._take(self._reread())

    def _take(self, keys: Sequence[MasterKey]) -> None:
        if not keys:
            raise _wrong_key("no master key", "at least one")
        self._newest = keys[0]
        # What this process could open once it can open for as long as it lives.
        self._keys = {key.key_id: key for key in keys} | self._keys

    def _data_key(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        if key_id not in self._keys:
            self.read_again()
        key = self._keys.get(key_id)
        if key is None:
            raise _wrong_key(f"a secret sealed with master key {key_id}", f"one sealed with {', '.join(self._keys)}")
        try:
            return key.unwrap(wrapped, context)
        except (InvalidTag, ValueError):
            raise _broken(None) from None


def _joined(wrapped: bytes, rest: bytes) -> bytes:
    if len(wrapped) == WRAPPED_BYTES:
        return FORMAT + wrapped + rest
    return FORMAT_OF_ANY_LENGTH + len(wrapped).to_bytes(LENGTH_BYTES, "big") + wrapped + rest


def _taken_apart(blob: bytes) -> tuple[bytes, bytes]:
    """The wrapped data key, and the nonce with the ciphertext."""
    if blob[:1] == FORMAT:
        start, length = 1, WRAPPED_BYTES
    elif blob[:1] == FORMAT_OF_ANY_LENGTH:
        start = 1 + LENGTH_BYTES
        length = int.from_bytes(blob[1:start], "big")
    else:
        raise _wrong_key("a seal of an unknown format", "format 1 or 2")
    return blob[start : start + length], blob[start + length :]


def _wrong_key(found: str, expected: str) -> TieoutError:
    return TieoutError(
        ErrorKind.VALIDATION,
        doing="opening a secret",
        found=found,
        expected=expected,
        next_step="set TIEOUT_ENCRYPTION_KEY to the key that this database was set up with",
    )


def _broken(owner: Owner | None) -> TieoutError:
    return TieoutError(
        ErrorKind.UNKNOWN,
        connection=owner.connection if owner else None,
        doing="opening a secret",
        found="a seal that does not fit: it was altered, or moved from another tenant, connection or version",
        expected="the row as it was written",
        next_step="restore the row from a backup, or enter the secret again",
    )
