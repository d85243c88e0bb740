"""Heads of the audit written down outside the database, so that a tail cut off together with its head is found.

Belongs here: the file `$TIEOUT_HOME/audit-heads.jsonl` and comparing every chain with it. The chain itself is
`resources/stores/audit.py`. `tieout doctor` and every reconciliation write the heads down; whoever distrusts the
owner of the database keeps the file where that owner cannot write.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from resources.errors import ErrorKind, TieoutError
from resources.services import Services
from resources.stores import audit
from resources.stores.audit import Anchor, Finding, Head

FILE_NAME = "audit-heads.jsonl"


class _Line(msgspec.Struct, frozen=True):
    """One line of the file; `hash` in hexadecimal digits, `at` by our clock."""

    at: datetime
    database: str
    tenant: str
    seq: int
    hash: str


_lines = msgspec.json.Decoder(_Line)


def examine(services: Services, tenant: str) -> tuple[Head | None, list[Finding]]:
    """Where the tenant's chain stands and what is wrong with it, anchors considered; a whole one is anchored."""
    with services.db.transaction(tenant) as tx:
        database = tx.info.dbname
        found = audit.verify(tx, tenant, list(_read(services.settings.home, database, tenant)))
        head = audit.head(tx, tenant)
    if not found:
        anchor(services, tenant)
    return head, found


def anchor(services: Services, tenant: str) -> None:
    """Write the tenant's head down, unless the last one written is the same."""
    with services.db.transaction(tenant) as tx:
        database, head = tx.info.dbname, audit.head(tx, tenant)
    if head is None:
        return
    path = services.settings.home / FILE_NAME
    last = max(_read(services.settings.home, database, tenant), key=lambda a: a.at, default=None)
    if last is not None and (last.seq, last.hash) == (head.seq, head.hash):
        return
    line = _Line(datetime.now(UTC), database, tenant, head.seq, head.hash.hex())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Appended by one write, so that several processes at once leave whole lines.
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, msgspec.json.encode(line) + b"\n")
            os.fsync(file)
        finally:
            os.close(file)
    except OSError as error:
        raise _unusable(path, f"{error.strerror}") from error


def _read(home: Path, database: str, tenant: str) -> Iterator[Anchor]:
    path = home / FILE_NAME
    if not path.exists():
        return
    try:
        with path.open("rb") as file:
            for number, text in enumerate(file, start=1):
                try:
                    line = _lines.decode(text)
                    digest = bytes.fromhex(line.hash)
                except ValueError as error:
                    raise _unusable(path, f"{error} in line {number}") from error
                if (line.database, line.tenant) == (database, tenant):
                    yield Anchor(line.seq, digest, line.at)
    except OSError as error:
        raise _unusable(path, f"{error.strerror}") from error


def _unusable(path: Path, found: str) -> TieoutError:
    return TieoutError(
        ErrorKind.VALIDATION,
        doing=f"comparing the audit with {path}",
        found=found,
        expected="a readable and writable file, each line a head as Tieout wrote it",
        next_step="restore the file from a backup; without one, move it aside: the heads it held are lost as witnesses",
    )
