"""Sealing secrets: AES-256-GCM with a data key for each, itself sealed by a master key that the database never sees.

Belongs here: bytes in, sealed bytes out, and the master keys. Where sealed bytes are kept is in `resources/stores`.
Each seal is bound to whose secret it is (tenant, connection, name, version): a row moved to another tenant, connection
or version does not open. A wrong master key is said by name, never guessed around.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from resources.errors import ErrorKind, TieoutError

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES
FORMAT = b"\x01"


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
    """What wraps data keys: a key from the environment now, a key service later."""

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
    """Seals with the first master key, opens with whichever it knows: two keys at once are a rotation under way."""

    def __init__(self, keys: Sequence[MasterKey]) -> None:
        if not keys:
            raise _wrong_key("no master key", "at least one")
        self._newest = keys[0]
        self._keys = {key.key_id: key for key in keys}

    @property
    def key_id(self) -> str:
        """The master key that new secrets are sealed with."""
        return self._newest.key_id

    def seal(self, secret: bytes, owner: Owner) -> Sealed:
        """Seal `secret` with a data key of its own."""
        data_key, nonce, context = AESGCM.generate_key(256), os.urandom(NONCE_BYTES), owner.as_bytes()
        ciphertext = AESGCM(data_key).encrypt(nonce, secret, context)
        return Sealed(self._newest.key_id, FORMAT + self._newest.wrap(data_key, context) + nonce + ciphertext)

    def open(self, sealed: Sealed, owner: Owner) -> bytes:
        """The secret; raises TieoutError if the master key is another one, or if the seal was moved or altered."""
        context = owner.as_bytes()
        data_key = self._data_key(sealed, context)
        start = 1 + WRAPPED_BYTES
        nonce, ciphertext = sealed.blob[start : start + NONCE_BYTES], sealed.blob[start + NONCE_BYTES :]
        try:
            return AESGCM(data_key).decrypt(nonce, ciphertext, context)
        except (InvalidTag, ValueError):
            raise _broken(owner) from None

    def rewrap(self, sealed: Sealed, owner: Owner) -> Sealed:
        """The same secret under the newest master key; its ciphertext is not touched."""
        context = owner.as_bytes()
        wrapped = self._newest.wrap(self._data_key(sealed, context), context)
        return Sealed(self._newest.key_id, FORMAT + wrapped + sealed.blob[1 + WRAPPED_BYTES :])

    def _data_key(self, sealed: Sealed, context: bytes) -> bytes:
        key = self._keys.get(sealed.key_id)
        if key is None:
            raise _wrong_key(
                f"a secret sealed with master key {sealed.key_id}", f"one sealed with {', '.join(self._keys)}"
            )
        if sealed.blob[:1] != FORMAT:
            raise _wrong_key("a seal of an unknown format", "format 1")
        try:
            return key.unwrap(sealed.blob[1 : 1 + WRAPPED_BYTES], context)
        except (InvalidTag, ValueError):
            raise _broken(None) from None


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
