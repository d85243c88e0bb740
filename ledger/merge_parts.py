"""Lines and applications of one record, merged: which line is which on both sides, what stays, in which order.

Pure. Belongs here: matching parts and merging lists of them. A single field or a record is `ledger/merge.py`.

A part is known by its line key; an application by the document it settles. What has no such name is matched by content,
then, where neither side has one, by position and kind. Two lines added alike on both sides are one line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ledger.policies import Conflict, Decider, Side, Source
from ledger.spec import FieldSpec, Owner, Part, PartSpec, RefersToAny


@dataclass(slots=True)
class Row:
    """One line as base, ours and theirs have it, by their index in each; at least one of them has it."""

    path: str
    base: int | None = None
    ours: int | None = None
    theirs: int | None = None


@dataclass(frozen=True, slots=True)
class PartsMerged:
    """The merged parts in order, and for each the index of our part it came from (None: it is new here)."""

    parts: tuple[Part, ...]
    origins: tuple[int | None, ...]


# Merges the fields of one row: (path, base, ours, theirs, force) -> values by field name.
MergeFields = Callable[[str, Part | None, Part, Part, Side | None], dict[str, Any]]


def identity(spec: PartSpec, part: Part) -> Hashable | None:
    """What the part is called: its line key, or the document it settles; None if it has no name."""
    for f in spec.fields:
        if isinstance(f.reference, RefersToAny):
            key = getattr(part, f.name) or getattr(part, f"{f.name}_key")
            return (getattr(part, f.reference.entity_field), key) if key else None
    return getattr(part, "line_key", "") or None


def content(spec: PartSpec, part: Part) -> tuple[Any, ...]:
    """All that a part says, without its line key and its place."""
    return tuple(getattr(part, f.name) for f in contents(spec))


def contents(spec: PartSpec) -> list[FieldSpec]:
    """The fields of a part that say something; its line key is its name, its position its place."""
    return [f for f in spec.fields if f.name not in ("line_key", "position")]


def match_parts(spec: PartSpec, known: Sequence[Part], others: Sequence[Part]) -> dict[int, int]:
    """Which of `others` is which of `known`, by index."""
    found: dict[int, int] = {}
    for name_of in (identity, content):
        _match_equal(found, [name_of(spec, part) for part in known], [name_of(spec, part) for part in others])
    nameless = [
        [(p.position, getattr(p, "kind", "")) if identity(spec, p) is None else None for p in parts]  # type: ignore[attr-defined]
        for parts in (known, others)
    ]
    _match_equal(found, *nameless)
    return found


def _match_equal(found: dict[int, int], known: Sequence[Any], others: Sequence[Any]) -> None:
    """Pair what is equal and not None, in order, among what is not paired yet."""
    waiting: defaultdict[Any, list[int]] = defaultdict(list)
    taken = set(found.values())
    for i, name in enumerate(known):
        if i not in taken and name is not None:
            waiting[name].append(i)
    for j, name in enumerate(others):
        if j not in found and name is not None and waiting.get(name):
            found[j] = waiting[name].pop(0)


def match_new(
    spec: PartSpec, theirs: Sequence[Part], ours: Sequence[Part], *, is_first_meeting: bool = False
) -> dict[int, int]:
    """Which of our parts is which of theirs when neither was known before: equal, but for what only the ERP fills in.

    Where whole records meet for the first time, the same amount at the same place will do.
    """
    found: dict[int, int] = {}
    _match_equal(found, [identity(spec, p) for p in theirs], [identity(spec, p) for p in ours])
    _match_equal(found, [content(spec, p) for p in theirs], [content(spec, p) for p in ours])
    for j, part in enumerate(ours):
        if j in found:
            continue
        said = [f.name for f in contents(spec) if f.owner is not Owner.ERP or getattr(part, f.name) != f.default]
        for i, other in enumerate(theirs):
            if i not in found.values() and all(getattr(part, name) == getattr(other, name) for name in said):
                found[j] = i
                break
    if is_first_meeting:
        _match_equal(found, *([(p.position, p.amount) for p in parts] for parts in (theirs, ours)))  # type: ignore
    return found


class PartsMerge:
    """One list of parts, three ways. `money` are the fields whose winner a decided total carries with it."""

    def __init__(
        self,
        spec: PartSpec,
        decider: Decider,
        base: Sequence[Part],
        ours: Sequence[Part],
        theirs: Sequence[Part],
        merge_fields: MergeFields,
        *,
        is_first_meeting: bool = False,
        money_side: Side | None = None,
        whole_side: Side | None = None,
    ) -> None:
        self._spec = spec
        self._decider = decider
        self._base, self._ours, self._theirs = base, ours, theirs
        self._merge_fields = merge_fields
        self._is_first_meeting = is_first_meeting
        self._money_side = money_side
        self._whole_side = decider.choice(spec.name) or whole_side
        self._kept: dict[int, Part] = {}

    def merged(self) -> PartsMerged:
        rows = self._rows()
        if self._is_first_meeting and self._whole_side is None:
            self._whole_side = self._met(rows)
        for number, row in enumerate(rows):
            part = self._merge_row(row)
            if part is not None:
                self._kept[number] = part
        ordered = self._ordered(rows)
        places = self._places(rows, ordered)
        parts = tuple(
            msgspec.structs.replace(self._kept[number], position=place)
            for number, place in zip(ordered, places, strict=True)
        )
        return PartsMerged(parts, tuple(rows[number].ours for number in ordered))

    def _rows(self) -> list[Row]:
        spec = self._spec
        names = [identity(spec, part) for part in self._base]
        rows = []
        for i, part in enumerate(self._base):
            key = getattr(part, "line_key", "")
            is_named = key and names.count(names[i]) == 1
            rows.append(Row(f"{spec.name}[{key if is_named else f'#{i + 1}'}]", base=i))
        ours_of = match_parts(spec, self._base, self._ours)
        theirs_of = match_parts(spec, self._base, self._theirs)
        for j, i in ours_of.items():
            rows[i].ours = j
        for j, i in theirs_of.items():
            rows[i].theirs = j
        new_ours = [j for j in range(len(self._ours)) if j not in ours_of]
        new_theirs = [j for j in range(len(self._theirs)) if j not in theirs_of]
        twins = match_new(
            spec,
            [self._theirs[i] for i in new_theirs],
            [self._ours[j] for j in new_ours],
            is_first_meeting=self._is_first_meeting,
        )
        twin_of = {new_theirs[i]: new_ours[j] for j, i in twins.items()}
        for i in new_theirs:
            rows.append(Row(f"{spec.name}[theirs+{i + 1}]", ours=twin_of.get(i), theirs=i))
        for j in new_ours:
            if j not in twin_of.values():
                rows.append(Row(f"{spec.name}[ours+{j + 1}]", ours=j))
        return rows

    def _met(self, rows: Sequence[Row]) -> Side | None:
        """Whose list counts at a first meeting where the lists are not the same lines; None if they are."""
        if not self._ours or not self._theirs:
            return Side.OURS if self._ours else Side.THEIRS
        if all(row.ours is not None and row.theirs is not None for row in rows):
            return None
        side = self._money_side or self._decider.by_policy(self._spec.name)
        if side is None:
            self._decider.conflicts.append(Conflict(self._spec.name, None, tuple(self._ours), tuple(self._theirs)))
        return side or Side.OURS

    def _merge_row(self, row: Row) -> Part | None:
        """The merged part, its position still open, or None where it is gone."""
        was = None if row.base is None else self._base[row.base]
        ours = None if row.ours is None else self._ours[row.ours]
        theirs = None if row.theirs is None else self._theirs[row.theirs]
        if ours is not None and theirs is not None:
            side = self._whole_side or self._decider.choice(row.path)
            if side is not None:
                self._decider.sources[row.path] = Source(side.value)
                here = ours if side is Side.OURS else theirs
                values = {f.name: getattr(here, f.name) for f in contents(self._spec)}
            else:
                values = self._merge_fields(row.path, was, ours, theirs, self._money_side)
            return msgspec.structs.replace(theirs, **values)
        here = ours if ours is not None else theirs
        if here is None:
            return None
        holder = Side.OURS if ours is not None else Side.THEIRS
        side = self._membership(row, was, here, holder)
        self._decider.sources[row.path] = Source.BASE if side is None else Source(side.value)
        if side is None:
            self._decider.conflicts.append(Conflict(row.path, was, ours, theirs))
            return was
        return here if side is holder else None

    def _membership(self, row: Row, was: Part | None, here: Part, holder: Side) -> Side | None:
        """Whose word counts on whether a part that one side alone has is on the record; None: a person's."""
        chosen = self._whole_side or self._decider.choice(row.path)
        if chosen is not None:
            return chosen
        if self._money_side is not None and any(p is not None and p.amount for p in (was, here)):  # type: ignore[attr-defined]
            return self._money_side
        if was is None:
            return holder
        if content(self._spec, here) == content(self._spec, was):
            return holder.other
        return self._decider.by_policy(self._spec.name)

    def _ordered(self, rows: Sequence[Row]) -> list[int]:
        """The kept rows in the order of the side that moved lines, the other side's additions after their predecessor.

        Where both moved lines differently the ERP's order stands unless a policy says otherwise: it moves no money.
        """
        orders = {
            Side.OURS: _in_order(rows, lambda row: row.ours),
            Side.THEIRS: _in_order(rows, lambda row: row.theirs),
        }
        common = {n for n, r in enumerate(rows) if None not in (r.base, r.ours, r.theirs)}
        was = [n for n in _in_order(rows, lambda row: row.base) if n in common]
        moved = [side for side, order in orders.items() if [n for n in order if n in common] != was]
        first = self._whole_side or (moved[0] if len(moved) == 1 else self._first())
        ordered = [n for n in orders[first] if n in self._kept]
        before: int | None = None
        for n in orders[first.other]:
            if n in self._kept and n not in ordered:
                ordered.insert(0 if before is None else ordered.index(before) + 1, n)
            if n in self._kept:
                before = n
        return ordered

    def _first(self) -> Side:
        return self._decider.by_policy(f"{self._spec.name}.position") or Side.THEIRS

    def _places(self, rows: Sequence[Row], ordered: list[int]) -> list[int]:
        """Positions as the side has them whose order this is, else counted from 1."""
        ours = [None if rows[n].ours is None else self._ours[rows[n].ours].position for n in ordered]  # type: ignore
        theirs = [None if rows[n].theirs is None else self._theirs[rows[n].theirs].position for n in ordered]  # type: ignore
        was = [None if rows[n].base is None else self._base[rows[n].base].position for n in ordered]  # type: ignore
        is_ours = ordered == _in_order(rows, lambda row: row.ours)
        is_theirs = ordered == _in_order(rows, lambda row: row.theirs)
        if is_ours and is_theirs:
            first = self._first() if was not in (ours, theirs) else Side.THEIRS if was == ours else Side.OURS
            return ours if first is Side.OURS else theirs  # type: ignore[return-value]
        if is_ours or is_theirs:
            return ours if is_ours else theirs  # type: ignore[return-value]
        return list(range(1, len(ordered) + 1))


def _in_order(rows: Sequence[Row], index_of: Callable[[Row], int | None]) -> list[int]:
    indexed: Iterable[tuple[int, int]] = ((i, n) for n, row in enumerate(rows) if (i := index_of(row)) is not None)
    return [n for _, n in sorted(indexed)]
