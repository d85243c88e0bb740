"""A master key in a key service: what is asked of it, and what a seal needs from it."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from resources.crypto import LocalMasterKey, Owner, Vaultkeeper
from resources.errors import ErrorKind, TieoutError
from resources.master_keys import KmsMasterKey
from tests.resources.loopback import Reply, Request, as_json, serving

OWNER = Owner("acme", "qbo_us", "client_secret", "1")
ARN = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd"


class KeyService:
    """Encrypt and Decrypt as the AWS KMS API reference has them (JSON 1.1), behind the unmodified boto3."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.refusal: str | None = None
        self._cipher = AESGCM(os.urandom(32))

    def answer(self, request: Request) -> Reply:
        operation = request.headers["X-Amz-Target"].removeprefix("TrentService.")
        asked = json.loads(request.body)
        self.calls.append(operation)
        if self.refusal:
            return as_json({"__type": self.refusal, "message": "no"}, 400)
        context = json.dumps([asked["KeyId"], asked["EncryptionContext"]]).encode()
        if operation == "Encrypt":
            nonce = os.urandom(12)
            blob = nonce + self._cipher.encrypt(nonce, base64.b64decode(asked["Plaintext"]), context) + bytes(90)
            return as_json({"KeyId": asked["KeyId"], "CiphertextBlob": base64.b64encode(blob).decode()})
        blob = base64.b64decode(asked["CiphertextBlob"])[:-90]
        try:
            plain = self._cipher.decrypt(blob[:12], blob[12:], context)
        except InvalidTag:
            return as_json({"__type": "InvalidCiphertextException"}, 400)
        return as_json({"KeyId": asked["KeyId"], "Plaintext": base64.b64encode(plain).decode()})


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyService]:
    service = KeyService()
    with serving(service.answer) as url:
        for name, value in {
            "AWS_ENDPOINT_URL_KMS": url,
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            monkeypatch.setenv(name, value)
        yield service


def test_a_secret_is_sealed_by_the_service_and_opened_by_another_process(service: KeyService):
    sealed = Vaultkeeper([KmsMasterKey(ARN)]).seal(b"secret", OWNER)

    assert sealed.key_id == f"aws-kms:{ARN}"
    other = Vaultkeeper([KmsMasterKey(ARN)])
    assert [other.open(sealed, OWNER) for _ in range(3)] == [b"secret"] * 3
    # What was opened once is not asked for again.
    assert service.calls == ["Encrypt", "Decrypt"]


def test_a_seal_moved_to_another_owner_is_refused_by_the_service(service: KeyService):
    keeper = Vaultkeeper([KmsMasterKey(ARN)])
    sealed = keeper.seal(b"secret", OWNER)

    with pytest.raises(TieoutError, match="altered, or moved"):
        keeper.open(sealed, Owner("other", "qbo_us", "client_secret", "1"))


def test_a_key_in_memory_is_changed_for_one_in_the_service_and_back(service: KeyService):
    local, remote = LocalMasterKey(bytes(range(32))), KmsMasterKey(ARN)
    sealed = Vaultkeeper([local]).seal(b"secret", OWNER)

    there = Vaultkeeper([remote, local]).rewrap(sealed, OWNER)
    assert Vaultkeeper([remote]).open(there, OWNER) == b"secret"
    back = Vaultkeeper([local, remote]).rewrap(there, OWNER)
    assert Vaultkeeper([local]).open(back, OWNER) == b"secret"


def test_an_envelope_is_sealed_after_the_service_went_away(service: KeyService):
    seal = Vaultkeeper([KmsMasterKey(ARN)]).envelope(OWNER)
    service.refusal = "KMSInternalException"

    sealed = seal(b"secret")

    service.refusal = None
    assert Vaultkeeper([KmsMasterKey(ARN)]).open(sealed, OWNER) == b"secret"


@pytest.mark.parametrize(
    ("refusal", "kind"), [("AccessDeniedException", ErrorKind.AUTHORIZATION), (None, ErrorKind.CONNECTION)]
)
def test_a_service_that_refuses_or_is_away_is_one_sentence(service: KeyService, monkeypatch, refusal, kind):
    service.refusal = refusal
    if refusal is None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9")

    with pytest.raises(TieoutError, match=f"asking AWS KMS to encrypt with {ARN}.*kms:Decrypt") as raised:
        Vaultkeeper([KmsMasterKey(ARN)]).seal(b"secret", OWNER)

    assert raised.value.kind is kind
