"""QuickBooks' change data capture: what changed in many entities by one call, deletions included, with its two limits.

Belongs here: asking the feed and telling when it is incomplete. What is done then is in `client.py`.
The limits (Intuit's change-data-capture page): at most 1000 objects in an answer over all entities, without paging and
without a sign that more were there; and 30 days back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from resources.connector import DELTA_OVERLAP
from resources.erps.quickbooks.profile import FEED_AGE_MAX, FEED_OBJECTS_MAX, WIRE_ENTITIES
from resources.erps.quickbooks.records import Rows, read_rows
from resources.erps.quickbooks.wire import Answer, Wire


@dataclass(frozen=True, slots=True)
class Change:
    """What the feed tells of one entity. `is_cut_short`: rows are missing from it, so it claims nothing."""

    rows: Rows
    complete_before: datetime | None
    is_cut_short: bool = False


@dataclass(frozen=True, slots=True)
class _FeedAnswer:
    rows: Mapping[str, Rows]
    object_count: int
    began_at: datetime


class ChangeFeed:
    """The change feed of one company."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def read(self, since: Mapping[str, datetime]) -> Iterator[tuple[str, Change]]:
        """One Change for each entity of `since`: one call, or one more for each entity if the first may be cut."""
        if not since:
            return
        answer = self._ask(list(since), min(since.values()) - DELTA_OVERLAP)
        # By QuickBooks' clock, which is the one the watermarks were taken from.
        too_old = {name for name, at in since.items() if answer.began_at - at > FEED_AGE_MAX}
        for name in since:
            if name in too_old:
                yield name, Change(answer.rows[name], None, is_cut_short=True)
            elif answer.object_count < FEED_OBJECTS_MAX:
                yield name, Change(answer.rows[name], answer.began_at)
            else:
                alone = answer if len(since) == 1 else self._ask([name], since[name] - DELTA_OVERLAP)
                is_cut = alone.object_count >= FEED_OBJECTS_MAX
                yield name, Change(alone.rows[name], None if is_cut else alone.began_at, is_cut_short=is_cut)

    def _ask(self, names: list[str], since: datetime) -> _FeedAnswer:
        wire_names = ",".join(WIRE_ENTITIES[name].wire_name for name in names)
        moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return self._wire.call(
            lambda quickbooks: quickbooks.change_data_capture(wire_names, moment),
            lambda answer: self._read(answer, names),
            doing="pulling changes",
            entity=names[0] if len(names) == 1 else None,
        )

    def _read(self, answer: Answer, names: list[str]) -> _FeedAnswer:
        groups = self._groups(answer)
        # One group for each entity that was asked for, `{}` if nothing changed. Fewer means that part of it is gone.
        if len(groups) != len(names):
            raise self._wire.damaged(f"{len(groups)} groups in the answer", f"one for each of {len(names)} entities")
        if answer.began_at is None:
            raise self._wire.damaged("an answer without its time", "`time` in every answer")
        found: dict[str, list[Any]] = {}
        for group in groups:
            for wire_name, rows in group.items():
                if isinstance(rows, list):
                    found[wire_name] = rows
        wire_names = {WIRE_ENTITIES[name].wire_name for name in names}
        if strangers := set(found) - wire_names:
            raise self._wire.damaged(f"changes of {', '.join(sorted(strangers))}", "only entities that were asked for")
        return _FeedAnswer(
            rows={
                name: read_rows(found.get(WIRE_ENTITIES[name].wire_name, []), is_suspect=answer.is_suspect)
                for name in names
            },
            object_count=sum(len(rows) for rows in found.values()),
            began_at=answer.began_at.replace(microsecond=0),
        )

    def _groups(self, answer: Answer) -> list[dict[str, Any]]:
        responses = answer.root.get("CDCResponse")
        if not isinstance(responses, list):
            raise self._wire.damaged("no CDCResponse in the answer", "one")
        groups: list[Any] = []
        for response in responses:
            found = response.get("QueryResponse") if isinstance(response, dict) else None
            groups.extend(found if isinstance(found, list) else [None])
        if not all(isinstance(group, dict) for group in groups):
            raise self._wire.damaged("a CDCResponse without a list of groups", "a QueryResponse list")
        return groups
