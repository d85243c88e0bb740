"""One row of a QuickBooks answer as a WireRecord, or as a RejectedRecord with the reason.

Belongs here: ids, SyncTokens, times and tombstones of any entity. What the fields of an entity mean is in its mapping;
which rows to ask for is in `client.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from ledger.shapes import Shaped, plain
from resources import wire_json
from resources.connector import RejectedRecord, WireRecord

ID_CHARACTERS_MAX = 64
# Nearly every object is one of the first two, and asking for Mapping costs more than all else about a row.
_OBJECTS = (Shaped, dict, Mapping)
EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one answer, sorted out. `records` are in the order of the answer, one per id."""

    records: Sequence[WireRecord]
    rejected: Sequence[RejectedRecord]


def read_rows(rows: Iterable[Any], *, is_suspect: bool) -> Rows:
    """Sort out the rows of one answer; of two with the same id the newest stays.

    `is_suspect` says that the parser placed markers somewhere in the answer: only then is every value looked at.
    """
    return sort_out((row, None, is_suspect) for row in rows)


def sort_out(rows: Iterable[tuple[Any, bytes | None, bool]]) -> Rows:
    """The same for rows with their texts as sent, each suspect or not."""
    records: dict[str, WireRecord] = {}
    rejected: list[RejectedRecord] = []
    for row, text, is_suspect in rows:
        record = _read_row(row, text, is_suspect)
        if isinstance(record, RejectedRecord):
            rejected.append(record)
        elif (held := records.get(record.external_id)) is None or _age_rank(record) >= _age_rank(held):
            # A repeated row takes the later place too, so that the order by time stays.
            records.pop(record.external_id, None)
            records[record.external_id] = record
    return Rows(tuple(records.values()), tuple(rejected))


def read_instant(value: Any) -> datetime | None:
    """A QuickBooks time (`2020-09-29T06:02:34.562-07:00`) as an aware UTC instant; None for anything else.

    A time without an offset never appeared in a capture; what zone it would mean is unknown, so it counts as none.
    """
    return _instant(value) if isinstance(value, str) else None


# What a company writes in bulk, it writes in the same seconds.
@lru_cache(maxsize=1024)
def _instant(value: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _read_row(row: Any, text: bytes | None, is_suspect: bool) -> WireRecord | RejectedRecord:
    if not isinstance(row, _OBJECTS):
        return _rejected(row, None, "", f"{type(row).__name__} instead of a record", "an object")
    external_id = row.get("Id")
    if not _is_id(external_id):
        found = "nothing" if external_id is None else wire_json.as_raw_text(external_id)
        return _rejected(row, None, "Id", found, f"text of 1 to {ID_CHARACTERS_MAX} characters")
    if is_suspect and (unstorable := wire_json.find_unstorable(row)):
        return _rejected(row, external_id, unstorable.path, unstorable.found, unstorable.expected)
    return _record(row, external_id, text)


def _record(row: Mapping[str, Any], external_id: str, text: bytes | None) -> WireRecord | RejectedRecord:
    times = row.get("MetaData")
    times = times if isinstance(times, _OBJECTS) else {}
    # A freshly created account came back with CreateTime only (captured in 2026).
    sent = times.get("LastUpdatedTime") or times.get("CreateTime")
    modified_at = read_instant(sent)
    if sent is not None and modified_at is None:
        found = wire_json.as_raw_text(sent)
        return _rejected(row, external_id, "MetaData.LastUpdatedTime", found, "a time with an offset")
    token = row.get("SyncToken")
    if token is not None and not isinstance(token, str | int):
        return _rejected(row, external_id, "SyncToken", wire_json.as_raw_text(token), "digits")
    return WireRecord(
        external_id=external_id,
        version_token=None if token is None else str(token),
        modified_at=modified_at,
        content=row,
        is_deleted=row.get("status") == "Deleted",
        text=text,
    )


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= ID_CHARACTERS_MAX and value.isprintable()


def _age_rank(record: WireRecord) -> tuple[datetime, bool, int]:
    """Newer ranks higher; at the same second a tombstone is last, then the higher SyncToken."""
    token = record.version_token or ""
    return (
        record.modified_at or EARLIEST,
        record.is_deleted,
        int(token) if token.isdecimal() and len(token) < 20 else -1,
    )


def _rejected(row: Any, external_id: str | None, field: str, found: str, expected: str) -> RejectedRecord:
    return RejectedRecord(external_id, field, found, expected, wire_json.as_raw_text(plain(row)))
