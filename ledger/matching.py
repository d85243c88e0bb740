"""First meeting of two books that know nothing of each other: which record there is which record here. Pure.

Belongs here: matching unbound records of one entity by natural key and money. What two matched records then make of
each other is `ledger.merge.meet`; reading both books and writing what was found is `resources/stages/meeting.py`.

Exactly one candidate on each side, with equal money, is bound; anything else that shares a key is ambiguous and for a
person. Texts in keys compare without regard to case, spaces at the ends or doubled, and compatibility forms (NFKC), and
every binding that needed this says so. A key whose number is empty names nothing: there the day and the money join it.
"""

from __future__ import annotations

import itertools
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import msgspec

from ledger.spec import EntitySpec, FieldSpec, Record, RefersTo

_DAYS = ("issue_date", "payment_date")
_FEW = ("customer", "vendor", "currency")

# What a reference of ours may be there, by entity and reference as it stands in our records: one id if it is bound or
# was matched, several while that is ambiguous, none if it is new here.
Candidates = Mapping[str, Mapping[str, Sequence[str]]]
_Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Unbound:
    """A record that is bound to nothing yet: its ledger id here, its external id there."""

    id: str
    record: Record


@dataclass(frozen=True, slots=True)
class Pair:
    """One record on both sides; `normalised` says where their keys are not written the same."""

    ours: Unbound
    theirs: Unbound
    normalised: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Records that may or may not be the same, and why nobody but a person can tell."""

    ours: tuple[Unbound, ...]
    theirs: tuple[Unbound, ...]
    reason: str


@dataclass(slots=True)
class Matching:
    """What became of every record: each is in exactly one of the four."""

    bound: list[Pair] = field(default_factory=list)
    ambiguous: list[Ambiguous] = field(default_factory=list)
    new_here: list[Unbound] = field(default_factory=list)
    new_there: list[Unbound] = field(default_factory=list)

    def candidates(self) -> dict[str, tuple[str, ...]]:
        """What our references to these records may be there, for the entities that refer to them."""
        found = {f"#{pair.ours.id}": (pair.theirs.id,) for pair in self.bound}
        for group in self.ambiguous:
            found |= dict.fromkeys((f"#{ours.id}" for ours in group.ours), tuple(theirs.id for theirs in group.theirs))
        return found


def normalised(text: str) -> str:
    """A text as keys compare it."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def spelled_as(spec: EntitySpec, ours: Record, theirs: Record) -> Record:
    """Ours with the texts of its key as they are written there, where only their writing differs."""
    names = [f.name for f in spec.fields if f.name in spec.natural_key and f.kind is str and not f.reference]
    pairs = [(name, getattr(ours, name), getattr(theirs, name)) for name in names]
    same = {name: other for name, mine, other in pairs if normalised(mine) == normalised(other)}
    return msgspec.structs.replace(ours, **same)


def match(
    spec: EntitySpec, ours: Sequence[Unbound], theirs: Sequence[Unbound], candidates: Candidates | None = None
) -> Matching:
    """Match all unbound records of one entity. Both sides are in canonical form, our unbound references as `#id`."""
    resolve = _Keys(spec, candidates or {})
    found = Matching()
    met: set[int] = set()
    for here, there in _groups(*([resolve.keys(one.record) for one in side] for side in (ours, theirs))):
        met.update(there)
        some_ours, some_theirs = tuple(ours[i] for i in here), tuple(theirs[j] for j in there)
        if not there:
            found.new_here += some_ours
        elif reason := _doubt(spec, resolve, some_ours, some_theirs):
            found.ambiguous.append(Ambiguous(some_ours, some_theirs, reason))
        else:
            found.bound.append(Pair(some_ours[0], some_theirs[0], resolve.differences(some_ours[0], some_theirs[0])))
    found.new_there = [unbound for j, unbound in enumerate(theirs) if j not in met]
    return found


def _groups(ours: Sequence[Sequence[_Key]], theirs: Sequence[Sequence[_Key]]) -> Iterator[tuple[list[int], list[int]]]:
    """Ours and theirs that hang together: all who share a key, directly or through others; by the keys of each.

    By way of the keys, each gone through once: among many that are alike, pairs would be too many.
    """
    mine, other = _by_key(ours), _by_key(theirs)
    seen: set[int] = set()
    taken: set[_Key] = set()
    for start in range(len(ours)):
        if start in seen:
            continue
        here, there, waiting = {start}, set(), list(ours[start])
        while waiting:
            key = waiting.pop()
            if key in taken or key not in other:
                continue
            taken.add(key)
            for side, members, keys in ((here, mine.get(key, ()), ours), (there, other[key], theirs)):
                for one in members:
                    if one not in side:
                        side.add(one)
                        waiting += keys[one]
        seen |= here
        yield sorted(here), sorted(there)


def _by_key(keys: Sequence[Sequence[_Key]]) -> dict[_Key, list[int]]:
    found: defaultdict[_Key, list[int]] = defaultdict(list)
    for number, some in enumerate(keys):
        for key in some:
            found[key].append(number)
    return found


def _doubt(spec: EntitySpec, keys: _Keys, ours: Sequence[Unbound], theirs: Sequence[Unbound]) -> str:
    """Why these cannot be bound without a person; empty if they can."""
    if len(ours) > 1 or len(theirs) > 1:
        return f"{len(ours)} here and {len(theirs)} there have the same {keys.says}"
    if len(keys.keys(ours[0].record)) > 1:
        return f"it is not known yet which {' and '.join(keys.references)} there it belongs to"
    mine, other = money(spec, ours[0].record), money(spec, theirs[0].record)
    if mine != other:
        return f"the same {keys.says}, but {_shown(mine)} here and {_shown(other)} there"
    return ""


def slimmed(spec: EntitySpec, record: Record) -> Record:
    """A record without its parts, for keeping many at once. Of a document only what `match` asks is left: its natural
    key, its day, and what it comes to; all else is as in an empty one, and other amounts are the total's.
    """
    if not spec.is_document:
        return msgspec.structs.replace(record, **{part.name: () for part in spec.parts})
    asked = {*spec.natural_key, *_DAYS, "total_amount", "currency"}
    total = record.total_amount  # type: ignore[attr-defined]
    values: dict[str, Any] = {}
    for f in msgspec.structs.fields(type(record)):
        if f.name in asked:
            value = getattr(record, f.name)
            # Many documents have few customers, vendors and currencies.
            values[f.name] = sys.intern(value) if f.name in _FEW and value is not None else value
        elif f.default is msgspec.NODEFAULT:
            values[f.name] = total if f.type is type(total) else getattr(record, f.name)
    return type(record)(**values)


def money(spec: EntitySpec, record: Record) -> tuple[Any, str] | None:
    """What a document comes to and in which currency; None for master data."""
    return (record.total_amount, record.currency) if spec.is_document else None  # type: ignore[attr-defined]


def _shown(amount: tuple[Any, str] | None) -> str:
    return "no amount" if amount is None else f"{amount[0]} {amount[1]}"


class _Keys:
    """The natural keys of one entity's records, comparable across both books."""

    def __init__(self, spec: EntitySpec, candidates: Candidates) -> None:
        self._spec = spec
        self._candidates = candidates
        by_name = {f.name: f for f in spec.fields}
        self._fields = [by_name[name] for name in spec.natural_key]
        self._days = [f.name for f in spec.fields if f.kind is date and f.name in _DAYS]
        self.references = [f.name for f in self._fields if f.reference]
        self.says = ", ".join(name.replace("_", " ") for name in spec.natural_key)

    def keys(self, record: Record) -> list[_Key]:
        """The key of a record; several if a reference in it may be several records there, none if it is not there."""
        options = [self._options(f, getattr(record, f.name)) for f in self._fields]
        more: tuple[Any, ...] = ()
        if any(f.kind is str and not f.reference and not normalised(getattr(record, f.name)) for f in self._fields):
            more = (*(getattr(record, name) for name in self._days), money(self._spec, record))
        return [(*key, *more) for key in itertools.product(*options)]

    def _options(self, f: FieldSpec, value: Any) -> Sequence[Any]:
        if isinstance(f.reference, RefersTo):
            if isinstance(value, str) and value.startswith("#"):
                return self._candidates.get(f.reference.entity, {}).get(value, ())
            return (value,)
        return (normalised(value) if isinstance(value, str) else value,)

    def differences(self, ours: Unbound, theirs: Unbound) -> tuple[str, ...]:
        """Where two equal keys are written differently."""
        trios = [(f.name, getattr(ours.record, f.name), getattr(theirs.record, f.name)) for f in self._fields]
        return tuple(
            f"{name}: {mine!r} here, {other!r} there"
            for name, mine, other in trios
            if mine != other and name not in self.references
        )
