"""Which master keys there are: from the environment, from the key file, or in a key service.

Belongs here: turning what the settings say into keys that wrap. What is wrapped, and how, is `crypto.py`; the order of
a rotation is `vaulting.py`.

A key service (AWS KMS) wraps a data key with a key that never leaves it. It is told whose secret it is as its
encryption context, so that the service's own log says what was opened and a seal that was moved does not open there
either. Source: AWS KMS API reference, Encrypt and Decrypt (EncryptionContext; 4,096 bytes of plaintext at most).
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections import OrderedDict
from typing import Any

from cryptography.exceptions import InvalidTag

from resources.crypto import LocalMasterKey, MasterKey, Vaultkeeper
from resources.errors import ErrorKind, TieoutError
from resources.settings import KmsKey, Settings

# How many opened data keys a process keeps, so that reading one secret often is not one call each.
DATA_KEYS_KEPT = 256


class KmsMasterKey:
    """A master key in AWS KMS. Region, endpoint and credentials come from where boto3 looks for them (`AWS_...`)."""

    def __init__(self, name: str) -> None:
        self.key_id = f"aws-kms:{name}"
        self._name = name
        self._client: Any = None
        self._opened: OrderedDict[bytes, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        return self._call("encrypt", KeyId=self._name, Plaintext=data_key, **_context(context))["CiphertextBlob"]

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Raises InvalidTag if the service says that this is not its ciphertext, or not of this context."""
        fingerprint = hashlib.sha256(wrapped + context).digest()
        with self._lock:
            if fingerprint in self._opened:
                self._opened.move_to_end(fingerprint)
                return self._opened[fingerprint]
        found = self._call("decrypt", KeyId=self._name, CiphertextBlob=wrapped, **_context(context))["Plaintext"]
        with self._lock:
            self._opened[fingerprint] = found
            if len(self._opened) > DATA_KEYS_KEPT:
                self._opened.popitem(last=False)
        return found

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        # Slow to import, and most houses have no key service.
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            if self._client is None:
                self._client = boto3.client("kms")
            return getattr(self._client, operation)(**arguments)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in ("InvalidCiphertextException", "IncorrectKeyException"):
                raise InvalidTag from None
            raise self._refused(ErrorKind.AUTHORIZATION, f"the answer {code}", operation) from None
        except BotoCoreError as error:
            raise self._refused(ErrorKind.CONNECTION, f"{type(error).__name__}: {error}", operation) from None

    def _refused(self, kind: ErrorKind, found: str, operation: str) -> TieoutError:
        return TieoutError(
            kind,
            doing=f"asking AWS KMS to {operation} with {self._name}",
            found=found,
            expected="an answer",
            next_step="check AWS_REGION, the credentials, and that they may kms:Encrypt and kms:Decrypt with this key",
        )


def open_keeper(settings: Settings) -> Vaultkeeper:
    """The keeper of these settings. Raises SettingsError if the key file holds no key."""
    return Vaultkeeper(_keys(settings), reread=lambda: _keys(settings))


def _keys(settings: Settings) -> list[MasterKey]:
    return [
        KmsMasterKey(key.name) if isinstance(key, KmsKey) else LocalMasterKey(key) for key in settings.master_keys()
    ]


def _context(context: bytes) -> dict[str, dict[str, str]]:
    return {"EncryptionContext": {"tieout": base64.b64encode(context).decode()}}
