"""The audit: what was done to either book and by whom, in one chain of hashes a tenant.

Belongs here: appending an entry, the head of a chain, and finding what somebody changed behind our back. What the heads
are compared with from outside the database is `resources/audit_anchors.py`.

An entry's hash covers the entry and the hash before it, so that nobody can change, remove, insert or move one without
all later ones telling. A tail cut off together with its head does not show in the chain: for that there are anchors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec
import psycopg
from psycopg.rows import dict_row

FINDINGS_MAX = 100
_ENTRY_COLUMNS = ("actor", "action", "connection", "entity", "ledger_id", "external_id")

_BEFORE_THE_FIRST = bytes(32)
# Said here again and not asked of sync.seal_audit: whoever changes entries could have changed that as well.
_SEAL = """
  sha256(previous_hash || convert_to(jsonb_build_array(
    tenant_id, seq, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), actor, login, action,
    connection, entity, ledger_id, external_id, detail
  )::text, 'UTF8'))
"""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a tenant's chain stands: its last entry, which vouches for all before it."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Anchor:
    """A head as it was written down outside the database, and when."""

    seq: int
    hash: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a chain. `seq` is the entry it is about, the first one where several are missing."""

    kind: Literal["changed", "replaced", "missing", "inserted"]
    seq: int
    says: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What was done, by whom, to what; `detail` as in `append`."""

    actor: str
    action: str
    connection: str | None = None
    entity: str | None = None
    ledger_id: int | None = None
    external_id: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


def append_all(tx: psycopg.Connection[Any], *, tenant: str, entries: Sequence[Entry]) -> None:
    """Append entries in the order given; see `append`."""
    if entries:
        tx.execute(
            """
            select sync.append_audit(%s, actor, action, connection, entity, ledger_id, external_id, detail)
              from unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[])
                with ordinality as e (actor, action, connection, entity, ledger_id, external_id, detail, place)
             order by place
            """,
            (
                tenant,
                *([getattr(e, name) for e in entries] for name in _ENTRY_COLUMNS),
                [msgspec.json.encode(e.detail).decode() for e in entries],
            ),
        )


def append(
    tx: psycopg.Connection[Any],
    *,
    tenant: str,
    actor: str,
    action: str,
    connection: str | None = None,
    entity: str | None = None,
    ledger_id: int | None = None,
    external_id: str | None = None,
    detail: dict[str, Any],
) -> None:
    """Append one entry, in the transaction of what it tells of.

    `detail` is whatever JSON can say, amounts as Decimal, never a secret. Until the transaction ends, no other one of
    the tenant can append: append last, and call nobody over the network after it.
    """
    tx.execute(
        "select sync.append_audit(%s, %s, %s, %s, %s, %s, %s, %s)",
        (tenant, actor, action, connection, entity, ledger_id, external_id, msgspec.json.encode(detail).decode()),
    )


def head(tx: psycopg.Connection[Any], tenant: str) -> Head | None:
    """The last entry of the tenant's chain; None before the first."""
    row = tx.execute("select seq, hash from sync.audit_heads where tenant_id = %s", (tenant,)).fetchone()
    return None if row is None else Head(*row)


def entries(tx: psycopg.Connection[Any], tenant: str, *, limit: int = 100) -> list[dict[str, Any]]:
    """The newest entries, newest first."""
    with tx.cursor(row_factory=dict_row) as rows:
        return rows.execute(
            "select seq, at, actor, login, action, connection, entity, ledger_id, external_id, detail from sync.audit "
            "where tenant_id = %s order by seq desc limit %s",
            (tenant, limit),
        ).fetchall()


def verify(tx: psycopg.Connection[Any], tenant: str, anchors: Sequence[Anchor] = ()) -> list[Finding]:
    """What is wrong with a tenant's chain, in its order; at most FINDINGS_MAX, empty if it is whole.

    One pass over the chain in the database; linear in its length, which is why only `doctor` asks. `anchors` are
    heads of it that were written down outside.
    """
    found = _broken_entries(tx, tenant)
    last = tx.execute(
        "select seq, hash from sync.audit where tenant_id = %s order by seq desc limit 1", (tenant,)
    ).fetchone()
    found += _against_head(last, head(tx, tenant))
    found += _against_anchors(tx, tenant, anchors)
    return found[:FINDINGS_MAX]


def _broken_entries(tx: psycopg.Connection[Any], tenant: str) -> list[Finding]:
    with tx.cursor(row_factory=dict_row) as rows:
        broken = rows.execute(
            f"""
            select * from (
              select seq, at, actor, action, connection, entity, ledger_id, external_id,
                     coalesce(lag(seq) over chain, 0) as seq_before,
                     previous_hash = coalesce(lag(hash) over chain, %(first)s) as is_linked,
                     hash = {_SEAL} as is_sealed
                from sync.audit where tenant_id = %(tenant)s window chain as (order by seq)
            ) entry
             where not is_sealed or not is_linked or seq <> seq_before + 1
             order by seq limit %(limit)s
            """,
            {"tenant": tenant, "first": _BEFORE_THE_FIRST, "limit": FINDINGS_MAX},
        ).fetchall()
    found: list[Finding] = []
    for entry in broken:
        seq, before = entry["seq"], entry["seq_before"]
        if seq != before + 1:
            found.append(_missing(before + 1, seq - 1, f"the chain goes on with {_named(entry)}"))
        if not entry["is_sealed"]:
            found.append(
                Finding("changed", seq, f"{_named(entry)} was changed or moved: its hash is not that of what it says")
            )
        elif not entry["is_linked"] and seq == before + 1:
            found.append(
                Finding(
                    "replaced",
                    before or seq,
                    f"entry {before} was replaced: {_named(entry)} was written after another one"
                    if before
                    else f"{_named(entry)} was not the first one when it was written",
                )
            )
    return found


def _against_head(last: tuple[int, bytes] | None, head: Head | None) -> list[Finding]:
    seq, digest = last or (0, _BEFORE_THE_FIRST)
    if head is None:
        return [] if last is None else [Finding("missing", seq, "the head of the chain is missing")]
    if seq < head.seq:
        return [_missing(seq + 1, head.seq, "the head still names the last of them")]
    if seq > head.seq:
        return [
            Finding("inserted", head.seq + 1, f"{_entries(head.seq + 1, seq)} inserted: the head is entry {head.seq}")
        ]
    if digest != head.hash:
        return [Finding("replaced", seq, f"entry {seq} was replaced: the head has another hash")]
    return []


def _against_anchors(tx: psycopg.Connection[Any], tenant: str, anchors: Sequence[Anchor]) -> list[Finding]:
    if not anchors:
        return []
    rows = tx.execute(
        """
        select anchor.place, entry.seq is null from unnest(%s::bigint[], %s::bytea[]) with ordinality
               as anchor (seq, hash, place)
          left join sync.audit entry on entry.tenant_id = %s and entry.seq = anchor.seq
         where entry.hash is distinct from anchor.hash order by anchor.seq
        """,
        ([a.seq for a in anchors], [a.hash for a in anchors], tenant),
    ).fetchall()
    found: list[Finding] = []
    for place, is_missing in rows:
        anchor = anchors[place - 1]
        what = "is missing" if is_missing else "was replaced"
        found.append(
            Finding(
                "missing" if is_missing else "replaced",
                anchor.seq,
                f"entry {anchor.seq} {what}: it was the head when it was anchored at {anchor.at:%Y-%m-%d %H:%M:%S}Z",
            )
        )
    return found


def _missing(first: int, last: int, because: str) -> Finding:
    return Finding("missing", first, f"{_entries(first, last)} missing: {because}")


def _entries(first: int, last: int) -> str:
    return f"entry {first} is" if first == last else f"entries {first} to {last} are"


def _named(entry: dict[str, Any]) -> str:
    """An entry as a person would look for it."""
    about = "/".join(
        str(entry[k]) for k in ("connection", "entity", "ledger_id", "external_id") if entry[k] is not None
    )
    what = f"{entry['action']} {about}".strip()
    return f"entry {entry['seq']} ({what} by {entry['actor']} at {entry['at']:%Y-%m-%d %H:%M:%S}Z)"
