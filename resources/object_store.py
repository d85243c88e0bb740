"""Where files are put that people fetch later: a folder, or a bucket of anything that speaks S3.

Belongs here: writing, reading and naming objects. What they are is `resources/reporting/`. An object is never changed:
its name holds the checksum of its content, so writing it twice leaves what was there.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from resources.errors import ErrorKind, TieoutError

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 10, 60, 4


class ObjectStore(Protocol):
    """`url` names an object for people; `put` raises TieoutError if it is not kept for certain."""

    def put(self, key: str, content: bytes, media_type: str) -> str: ...

    def get(self, key: str) -> bytes: ...

    def url(self, key: str) -> str: ...


def open_store(place: str, *, endpoint_url: str | None = None) -> ObjectStore:
    """`place` is a folder, or `s3://bucket/prefix`; credentials of S3 are found as boto3 finds them."""
    if place.startswith("s3://"):
        return BucketStore(place, endpoint_url)
    return FolderStore(Path(place))


class FolderStore:
    """A folder of this machine; made when first written to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, content: bytes, media_type: str) -> str:
        path = self._path(key)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(draft, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as error:
            with suppress(OSError):
                draft.unlink()
            raise _failed(
                ErrorKind.SYSTEM, "writing", str(path), str(error.strerror), "a folder that can be written to"
            ) from error
        return self.url(key)

    def get(self, key: str) -> bytes:
        path = self._path(key)
        try:
            return path.read_bytes()
        except OSError as error:
            kind = ErrorKind.NOT_FOUND if isinstance(error, FileNotFoundError) else ErrorKind.SYSTEM
            raise _failed(kind, "reading", str(path), str(error.strerror), "the file as it was written") from error

    def url(self, key: str) -> str:
        return str(self._path(key))

    def _path(self, key: str) -> Path:
        path = (self._folder / key).absolute()
        if self._folder.absolute() not in path.parents or ".." in path.parts:
            raise ValueError(f"{key!r} leads out of {self._folder}")
        return path


class BucketStore:
    """A bucket; a checksum travels with every object, and a bucket that takes another content refuses it."""

    def __init__(self, place: str, endpoint_url: str | None = None) -> None:
        # Costs a third of a second, which whoever keeps reports in a folder need not wait.
        import boto3
        from botocore.config import Config

        parts = urlsplit(place)
        self._bucket, self._prefix = parts.netloc, parts.path.strip("/")
        self._client = boto3.session.Session().client(
            "s3",
            endpoint_url=endpoint_url,
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"max_attempts": ATTEMPTS, "mode": "standard"},
                # Names of buckets are part of the path everywhere but at Amazon, and there it works as well.
                s3={"addressing_style": "path"},
            ),
        )

    def put(self, key: str, content: bytes, media_type: str) -> str:
        self._call(
            "writing",
            key,
            lambda: self._client.put_object(
                Bucket=self._bucket,
                Key=self._key(key),
                Body=content,
                ContentType=media_type,
                ChecksumAlgorithm="SHA256",
            ),
        )
        return self.url(key)

    def get(self, key: str) -> bytes:
        return self._call(
            "reading", key, lambda: self._client.get_object(Bucket=self._bucket, Key=self._key(key))["Body"].read()
        )

    def url(self, key: str) -> str:
        return f"s3://{self._bucket}/{self._key(key)}"

    def _key(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key

    def _call(self, doing: str, key: str, call: Callable[[], Any]) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return call()
        except ClientError as error:
            said = error.response.get("Error", {})
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            kinds = {403: ErrorKind.AUTHORIZATION, 404: ErrorKind.NOT_FOUND}
            found = f"{status} {said.get('Code', '')}: {said.get('Message', '')}".strip()
            raise _failed(
                kinds.get(status, ErrorKind.SYSTEM), doing, self.url(key), found, "an answer of 200"
            ) from error
        except BotoCoreError as error:
            raise _failed(ErrorKind.CONNECTION, doing, self.url(key), str(error), "an S3 that answers") from error


def _failed(kind: ErrorKind, doing: str, what: str, found: str, expected: str) -> TieoutError:
    return TieoutError(
        kind,
        doing=f"{doing} {what}",
        found=found,
        expected=expected,
        next_step="look at TIEOUT_REPORTS and at what it names; `tieout reports write` writes a report again",
    )
