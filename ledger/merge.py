"""Three-way merge of one record: base (what both books last agreed on), ledger (ours) and erp (theirs). Pure.

Belongs here: how the values of a record meet. Who wins a double change is `ledger/policies.py`, lines and applications
are `ledger/merge_parts.py`, rules are `ledger/rules.py`; finding which records belong together is `ledger/matching.py`.

Field by field a lone change is taken and an equal double change is taken; a double change goes to whom policy or owner
names; what nobody may decide keeps its base and is a conflict. Numbers compare by value, text exactly.

Amounts are not fields like others, because they follow from each other:

- *What a document comes to* (currency, net, tax, total, void or not: the fields `together_with` the total) is one
  decision. Two people who changed it differently meant two totals; their sum is a third that nobody has seen, so it is
  a conflict even if they changed different lines. Whoever wins the total brings the amounts of the lines that make it.
- *What is left of it* (`RestOf`: open, unapplied) is merged as what was settled. A total that we raise from 100 to 120
  while 30 are paid there leaves 90 open, although we hold 120 and they hold 70: the payment is the change, not the 70.
- *What parts add up to* (`SumOf`: applied) follows the merged parts, with whatever the ERP counts besides them.
- Within a line, quantity, price and amount are one decision.

A void against a change of amounts or lines is a `delete_conflict`, like a deletion against any change: a void document
settles nothing. A merged record that breaks a rule which neither side broke is a `validation_conflict` of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeVar

from ledger.matching import spelled_as
from ledger.merge_parts import PartsMerge, content, contents, match_parts
from ledger.policies import IS_DELETED, Conflict, ConflictKind, Decider, Policies, Side, Source
from ledger.rules import broken_rules
from ledger.spec import EntitySpec, FieldSpec, Part, PartSpec, Record, spec_of_record

R = TypeVar("R", bound=Record)
_NO_POLICIES = Policies()


@dataclass(frozen=True, slots=True)
class Merged(Generic[R]):
    """What came of it. `record` is None where it is deleted; it may be written only if `kind` is None.

    With conflicts, the fields in conflict hold their base; with `invariant_failures` (rules, as sentences), `conflicts`
    lists what both sides have differently. `sources` says by field, and by line and field (`lines[2].amount`) where it
    is not the base, whose value it is; `origins` gives for each merged part the index of our part that it continues,
    None for one that is new here.
    """

    record: R | None
    kind: ConflictKind | None
    conflicts: tuple[Conflict, ...]
    invariant_failures: tuple[str, ...]
    sources: Mapping[str, Source]
    origins: Mapping[str, tuple[int | None, ...]]

    @property
    def is_clean(self) -> bool:
        return self.kind is None


class ChoiceError(ValueError):
    """A person chose for a field that is not one, or not enough; `str()` says which."""


def merge(
    base: R, ledger: R | None, erp: R | None, *, policies: Policies = _NO_POLICIES, newest: Side | None = None
) -> Merged[R]:
    """Merge one record; None stands for a side where it is deleted. `newest` is the side that changed last."""
    return _merge(base, ledger, erp, Decider(policies, newest))


def meet(ledger: R, erp: R, *, policies: Policies = _NO_POLICIES, newest: Side | None = None) -> Merged[R]:
    """Merge two records that never met: equal stays, an empty value gives way, the rest as in `merge`, without base.

    Texts of the natural key that differ in their writing only are as they are written there: nobody is asked about a
    capital letter.
    """
    return _merge(None, ledger, erp, Decider(policies, newest))


def resolve(
    base: R | None,
    ledger: R | None,
    erp: R | None,
    *,
    keep: Side | None = None,
    choices: Mapping[str, Side] | None = None,
    policies: Policies = _NO_POLICIES,
    newest: Side | None = None,
) -> Merged[R]:
    """Merge again as a person decided: `keep` wherever nobody may decide, `choices` by field or line before that.

    What only one side changed stays taken. Where that breaks a rule, or one side deleted the record, `keep` is the
    whole record of that side. Without `keep`, everything in conflict must be chosen. Raises ChoiceError.
    """
    decider = Decider(policies, newest, prefer=keep, choices=choices or {})
    merged = _merge(base, ledger, erp, decider)
    if unknown := sorted(set(decider.choices) - decider.asked):
        known = ", ".join(c.field for c in merge_or_meet(base, ledger, erp, policies, newest).conflicts)
        raise ChoiceError(f"found a choice for {', '.join(unknown)}, expected fields of the record, such as {known}")
    if merged.kind is ConflictKind.VALIDATION_CONFLICT and keep is not None and not decider.choices:
        return _whole(ledger if keep is Side.OURS else erp, ledger, keep)
    if merged.invariant_failures:
        raise ChoiceError(f"found a record that breaks a rule: {'; '.join(merged.invariant_failures)}")
    if merged.conflicts:
        raise ChoiceError(f"found no choice for {', '.join(c.field for c in merged.conflicts)}")
    return merged


def merge_or_meet(
    base: R | None, ledger: R | None, erp: R | None, policies: Policies = _NO_POLICIES, newest: Side | None = None
) -> Merged[R]:
    """`merge` where there is a base, `meet` where there is none."""
    return _merge(base, ledger, erp, Decider(policies, newest))


def _merge(base: R | None, ledger: R | None, erp: R | None, decider: Decider) -> Merged[R]:
    if ledger is not None and erp is not None:
        if base is None and decider.prefer is None and not decider.choices:
            ledger = spelled_as(spec_of_record(type(ledger)), ledger, erp)
        return _Merge(base, ledger, erp, decider).merged()
    if ledger is None and erp is None:
        return Merged(None, None, (), (), {IS_DELETED: Source.BOTH}, {})
    holder = Side.OURS if erp is None else Side.THEIRS
    here = ledger if erp is None else erp
    side = decider.choice(IS_DELETED)
    if side is None:
        side = holder.other if here == base else decider.by_policy(IS_DELETED)
    if side is None:
        conflict = Conflict(IS_DELETED, False, ledger is None, erp is None)
        return Merged(base, ConflictKind.DELETE_CONFLICT, (conflict,), (), {}, {})
    return _whole(here if side is holder else None, ledger, side)


def _whole(record: R | None, ledger: R | None, side: Side) -> Merged[R]:
    """One side's record as it is; its parts continue ours where they are the same."""
    if record is None:
        return Merged(None, None, (), (), {IS_DELETED: Source(side.value)}, {})
    spec = spec_of_record(type(record))
    origins: dict[str, tuple[int | None, ...]] = {}
    for part in spec.parts:
        theirs = getattr(record, part.name)
        ours = () if ledger is None else getattr(ledger, part.name)
        of = match_parts(part, ours, theirs)
        origins[part.name] = tuple(of.get(i) for i in range(len(theirs)))
    return Merged(record, None, (), (), {f.name: Source(side.value) for f in spec.fields}, origins)


class _Merge(Generic[R]):
    """One record both sides still have; `base` is None where they meet for the first time."""

    def __init__(self, base: R | None, ledger: R, erp: R, decider: Decider) -> None:
        self.base, self.ours, self.theirs = base, ledger, erp
        self.spec: EntitySpec = spec_of_record(type(ledger))
        self.decider = decider
        self.values: dict[str, Any] = {}
        self.origins: dict[str, tuple[int | None, ...]] = {}
        # Who won a group of fields that both sides changed, by its leader; None where nobody may say.
        self.winners: dict[str, Side | None] = {}

    def merged(self) -> Merged[R]:
        void_side, is_void_clash = self._void()
        for group in _groups(self.spec.fields):
            if not _follows(group[0]):
                self._merge_group(group, void_side, is_void_clash)
        for part in self.spec.parts:
            self._merge_parts(part, void_side)
        for f in sorted(filter(_follows, self.spec.fields), key=lambda f: f.rest_of is not None):
            self._merge_following(f, void_side)
        record = type(self.ours)(**self.values)
        conflicts = tuple(self.decider.conflicts)
        failures: tuple[str, ...] = ()
        kind: ConflictKind | None = None
        if conflicts:
            kind = ConflictKind.DELETE_CONFLICT if is_void_clash else ConflictKind.CONCURRENT_UPDATE
        elif failures := self._failures(record):
            kind, conflicts = ConflictKind.VALIDATION_CONFLICT, self._differences()
        return Merged(record, kind, conflicts, failures, self.decider.sources, self.origins)

    def _void(self) -> tuple[Side | None, bool]:
        """Whose amounts and lines count where a side voided the document, and whether that is left to a person."""
        if self.base is None or not hasattr(self.base, "is_void"):
            return None, False
        was, ours, theirs = (r.is_void for r in (self.base, self.ours, self.theirs))  # type: ignore[attr-defined]
        if ours == theirs:
            # The amounts of a void document are as the ERP writes them.
            return (Side.THEIRS if ours and not was else None), False
        if not self._moves_money(self.theirs if ours != was else self.ours):
            return None, False
        group = next(g for g in _groups(self.spec.fields) if any(f.name == "is_void" for f in g))
        side = self.decider.choice(*(f.name for f in group)) or self.decider.by_policy("is_void")
        return side, side is None

    def _moves_money(self, side: Record) -> bool:
        amounts = [f.name for f in self.spec.fields if f.leader or f.sum_of or f.rest_of]
        amounts += [f.leader for f in self.spec.fields if f.leader]
        return any(getattr(side, name) != getattr(self.base, name) for name in amounts) or any(
            [content(p, one) for one in getattr(side, p.name)]
            != [content(p, one) for one in getattr(self.base, p.name)]
            for p in self.spec.parts
        )

    def _merge_group(self, group: list[FieldSpec], void_side: Side | None, is_void_clash: bool) -> None:
        is_money = len(group) > 1
        values, side = _settle(
            self.decider,
            group,
            self.base,
            self.ours,
            self.theirs,
            force=void_side if is_money else None,
            is_for_a_person=is_money and is_void_clash,
        )
        self.values |= values
        self.winners[group[0].name] = side

    def _merge_parts(self, spec: PartSpec, void_side: Side | None) -> None:
        lists = [() if r is None else getattr(r, spec.name) for r in (self.base, self.ours, self.theirs)]
        leader = next((f.leader for f in self.spec.fields if f.sum_of and f.sum_of.part == spec.name), None)
        groups = _groups(contents(spec))

        def merge_fields(path: str, was: Part | None, ours: Part, theirs: Part, side: Side | None) -> dict[str, Any]:
            values: dict[str, Any] = {}
            for group in groups:
                force = side if group[0].name == "amount" else None
                values |= _settle(self.decider, group, was, ours, theirs, force=force, at=path, part=spec.name)[0]
            return values

        merging = PartsMerge(
            spec,
            self.decider,
            *lists,
            merge_fields,
            is_first_meeting=self.base is None,
            money_side=self.winners.get(leader) if leader else None,
            whole_side=void_side,
        )
        done = merging.merged()
        self.values[spec.name], self.origins[spec.name] = done.parts, done.origins

    def _merge_following(self, f: FieldSpec, void_side: Side | None) -> None:
        """An amount that follows from others: what it does not follow from is merged, the amount is computed."""
        decider = self.decider
        was, ours, theirs = (None if r is None else getattr(r, f.name) for r in (self.base, self.ours, self.theirs))
        if f.rest_of and {f.rest_of.whole, f.rest_of.less} & {c.field for c in decider.conflicts}:
            self._keep(f, ours if self.base is None else was, Source.BASE)
            return
        side = decider.choice(f.name)
        if void_side is not None:
            side = side or void_side
            self._keep(f, ours if side is Side.OURS else theirs, Source(side.value))
            return
        old, mine, other = (None if r is None else _besides(f, r) for r in (self.base, self.ours, self.theirs))
        if side is None and mine != other:
            if self.base is not None and old in (mine, other):
                side = Side.THEIRS if old == mine else Side.OURS
            else:
                side = decider.by_policy(f.name, f.owner)
            if side is None:
                decider.conflicts.append(Conflict(f.name, was, ours, theirs))
                self._keep(f, ours if self.base is None else was, Source.BASE)
                return
        besides = mine if side is Side.OURS else other
        computed = _following(f, self.values.__getitem__) + (-besides if f.rest_of else besides)  # type: ignore[operator]
        if computed == ours == theirs:
            self._keep(f, ours, Source.BASE if was == ours else Source.BOTH)
        elif computed in (ours, theirs):
            self._keep(f, computed, Source.OURS if computed == ours else Source.THEIRS)
        else:
            self._keep(f, computed, Source.COMPUTED)

    def _keep(self, f: FieldSpec, value: Any, source: Source) -> None:
        self.values[f.name] = value
        self.decider.sources[f.name] = source

    def _failures(self, record: R) -> tuple[str, ...]:
        """What the merged record breaks and neither side broke."""
        sides = (self.ours, self.theirs)
        if record in sides:
            return ()
        known = {rule.name for side in sides for rule in broken_rules(self.spec, side)}
        failures = [rule.says for rule in broken_rules(self.spec, record) if rule.name not in known]
        for f in self.spec.fields:
            if f.sum_of and f.leader and _besides(f, record) not in [_besides(f, side) for side in sides]:
                failures.append(f"the {f.sum_of.part} add up to the {f.name}")
        return tuple(failures)

    def _differences(self) -> tuple[Conflict, ...]:
        names = [f.name for f in self.spec.fields] + [p.name for p in self.spec.parts]
        trios = [
            (name, *(None if r is None else getattr(r, name) for r in (self.base, self.ours, self.theirs)))
            for name in names
        ]
        return tuple(Conflict(*trio) for trio in trios if trio[2] != trio[3])


def _groups(fields: Iterable[FieldSpec]) -> list[list[FieldSpec]]:
    """The fields as they are decided: each alone, or a leader and after it those that go together with it."""
    groups = {f.name: [f] for f in fields if f.leader is None}
    for f in fields:
        if f.leader is not None:
            groups[f.leader].append(f)
    return list(groups.values())


def _follows(f: FieldSpec) -> bool:
    return f.rest_of is not None or (f.sum_of is not None and f.leader is None)


def _following(f: FieldSpec, value_of: Callable[[str], Any]) -> Decimal:
    """What the amount would be if nothing else counted: the sum of its parts, or the whole less what is taken off."""
    if f.rest_of:
        return value_of(f.rest_of.whole) - (value_of(f.rest_of.less) if f.rest_of.less else Decimal(0))
    assert f.sum_of is not None
    name, taken_off = f.sum_of.less or ("", frozenset())
    return sum(
        (-p.amount if name and getattr(p, name) in taken_off else p.amount for p in value_of(f.sum_of.part)), Decimal(0)
    )


def _besides(f: FieldSpec, record: Record) -> Decimal:
    """What else counts in a record: settled by others for a rest, beyond its parts for a sum."""
    value, following = getattr(record, f.name), _following(f, record.__getattribute__)
    return following - value if f.rest_of else value - following


def _settle(
    decider: Decider,
    group: list[FieldSpec],
    was: Record | Part | None,
    ours: Record | Part,
    theirs: Record | Part,
    *,
    force: Side | None = None,
    is_for_a_person: bool = False,
    at: str = "",
    part: str = "",
) -> tuple[dict[str, Any], Side | None]:
    """Merge fields that are decided together; gives their values, and who won if both sides had changed them."""
    paths = [f"{at}.{f.name}" if at else f.name for f in group]
    old, mine, other = (None if r is None else [getattr(r, f.name) for f in group] for r in (was, ours, theirs))
    assert mine is not None and other is not None
    side = decider.choice(*paths) or force
    is_double = side is not None
    if mine == other:
        side = Side.OURS
    elif side is None and not is_for_a_person:
        if old is not None and old in (mine, other):
            side = Side.THEIRS if old == mine else Side.OURS
        elif old is None and len(group) > 1 and mine[0] == other[0]:
            alone = [_settle(decider, [f], was, ours, theirs, at=at, part=part)[0] for f in group]
            return {name: value for values in alone for name, value in values.items()}, None
        elif old is None and len(group) == 1 and (_is_empty(mine[0]) or _is_empty(other[0])):
            side = Side.THEIRS if _is_empty(mine[0]) else Side.OURS
        else:
            is_double = True
            side = decider.by_policy(f"{part}.{group[0].name}" if part else group[0].name, group[0].owner)
    kept = other if side is Side.THEIRS else mine if side is Side.OURS or old is None else old
    for i, path in enumerate(paths):
        if side is None:
            source = Source.BASE
            if mine[i] != other[i]:
                decider.conflicts.append(Conflict(path, None if old is None else old[i], mine[i], other[i]))
        elif mine[i] == other[i]:
            source = Source.BASE if old is not None and old[i] == mine[i] else Source.BOTH
        else:
            source = Source(side.value)  # type: ignore[union-attr]
        if not at or source in (Source.OURS, Source.THEIRS):
            decider.sources[path] = source
    return {f.name: value for f, value in zip(group, kept, strict=True)}, side if is_double else None


def _is_empty(value: Any) -> bool:
    return value is None or value == ""
